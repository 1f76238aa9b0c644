"""Simulated anatomy of a root: area fractions over a cross section, from the epidermis to the vascular bundle.

The cells are the Voronoi cells of seeds set on irregular rings, the walls are the neighbourhoods of the
borders. Each tissue mixes substrate seen through the section, salts and organic matter; sodium sits in spots
on top; the beam blurs everything. Numbers of cells per ring follow the primary root of Arabidopsis thaliana
(Dolan et al. 1993, Development 119, 71).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, zoom
from scipy.spatial import cKDTree

from mffnb.typing import Float64Array

RADIUS = 0.40
"""Mean radius of the root, as a share of the shorter side of the image."""

_FINE = 256  # points along the shorter side of the fine grid that is averaged over pixels
_FWHM = 2.3548  # full width at half maximum of a Gaussian, in standard deviations


@dataclass(frozen=True)
class Tissue:
    """One ring of cells and its composition.

    Parameters
    ----------
    radius
        Radius of the ring of seeds, as a fraction of the radius of the root.
    cells
        Number of cells on the ring.
    jitter
        Spread of the seeds, as a fraction of their distance.
    substrate, inorganic
        Area fractions inside the cells, the mean over cells; the rest is organic.
    spread
        Relative standard deviation between cells of this tissue.
    """

    radius: float
    cells: int
    jitter: float
    substrate: float
    inorganic: float
    spread: float


EPIDERMIS = Tissue(radius=0.89, cells=22, jitter=0.12, substrate=0.14, inorganic=0.30, spread=0.5)
CORTEX = Tissue(radius=0.66, cells=9, jitter=0.10, substrate=0.36, inorganic=0.26, spread=0.5)
ENDODERMIS = Tissue(radius=0.455, cells=9, jitter=0.10, substrate=0.06, inorganic=0.42, spread=0.35)
PERICYCLE = Tissue(radius=0.335, cells=13, jitter=0.12, substrate=0.03, inorganic=0.52, spread=0.3)
PARENCHYMA = Tissue(radius=0.23, cells=10, jitter=0.18, substrate=0.02, inorganic=0.62, spread=0.25)
PHLOEM = Tissue(radius=0.18, cells=2, jitter=0.0, substrate=0.0, inorganic=0.03, spread=0.3)
XYLEM = Tissue(radius=0.0, cells=5, jitter=0.0, substrate=0.0, inorganic=0.985, spread=0.01)
RINGS = (EPIDERMIS, CORTEX, ENDODERMIS, PERICYCLE, PARENCHYMA)


def root_section(
    shape: tuple[int, int], *, field_of_view: float, beam_width: float, generator: np.random.Generator
) -> Float64Array:
    """Draw the area fractions of substrate, inorganic, organic and sodium.

    Parameters
    ----------
    shape
        Number of rows and columns.
    field_of_view
        Length of the shorter side in micrometre.
    beam_width
        Full width at half maximum of the beam in micrometre.
    generator
        Random generator of the anatomy.

    Returns
    -------
    ndarray (4, rows, columns)
        Fractions, at least 0 and summing to 1 in every pixel.
    """
    oversampling = max(1, round(_FINE / min(shape)))
    rows, columns = (size * oversampling for size in shape)
    step = field_of_view / min(rows, columns)
    y, x = np.meshgrid(_centred_positions(rows) * step, _centred_positions(columns) * step, indexing="ij")

    seeds, interiors = _cells(generator)
    angle, distance, outline = _polar(x, y, RADIUS * field_of_view, seeds, generator)
    inside = distance < outline
    wall, cell = _walls(angle, distance, seeds, scale=RADIUS * field_of_view)

    depth = (outline - distance) * RADIUS * field_of_view
    wall = np.maximum(wall, np.exp(-((depth / 1.6) ** 2)))  # the outer wall with its cuticle is thicker
    patches = _smooth_noise(y.shape, generator)
    substrate = interiors[0][cell] * (1 - wall)
    salts = interiors[1][cell]
    salts = salts * (1 + 0.35 * patches * (1 - salts))
    inorganic = np.minimum(salts * (1 - wall) + 0.05 * (1 + patches) * wall, 1 - substrate)
    tissue = np.stack([substrate, inorganic, 1 - substrate - inorganic])

    # Sap dried on the silicon around the root.
    residue = 0.25 * np.exp(-np.maximum(-depth, 0) / 5.0) * (1 + patches)
    bare = np.stack([1 - residue, 0.45 * residue, 0.55 * residue])

    spots = _sodium_spots(x, y, field_of_view, generator)
    fractions = np.concatenate([np.where(inside, tissue, bare) * (1 - spots), spots[None]])

    fractions = fractions.reshape(4, shape[0], oversampling, shape[1], oversampling).mean(axis=(2, 4))
    sigma = beam_width / _FWHM / (field_of_view / min(shape))
    blurred = gaussian_filter(fractions, (0, sigma, sigma), mode="nearest")
    return np.asarray(blurred / blurred.sum(axis=0), dtype=np.float64)


def _centred_positions(size: int) -> Float64Array:
    return np.arange(size, dtype=np.float64) - (size - 1) / 2


def _cells(generator: np.random.Generator) -> tuple[Float64Array, Float64Array]:
    """Draw the cells: seeds (x, y) in units of the root's radius, substrate and inorganic fraction of each."""
    positions, interiors = [], []
    for tissue in RINGS:
        spacing = 2 * np.pi / tissue.cells
        angle = (
            generator.uniform(0, spacing)
            + spacing * np.arange(tissue.cells)
            + spacing * tissue.jitter * generator.standard_normal(tissue.cells)
        )
        radius = tissue.radius + 0.012 * generator.standard_normal(tissue.cells)
        positions.append(np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1))
        interiors.append(_interiors(tissue, tissue.cells, generator))

    tilt = generator.uniform(0, np.pi)
    along, across = np.array([np.cos(tilt), np.sin(tilt)]), np.array([-np.sin(tilt), np.cos(tilt)])
    vessels = np.linspace(-0.23, 0.23, XYLEM.cells)[:, None] * along
    phloem = np.array([[-PHLOEM.radius], [PHLOEM.radius]]) * across
    bundle = np.concatenate([vessels, phloem])
    # The plate of vessels and the two strands of phloem replace the parenchyma nearby.
    ring = len(RINGS) - 1
    free = cKDTree(bundle).query(positions[ring])[0] > 0.085
    positions[ring], interiors[ring] = positions[ring][free], interiors[ring][:, free]
    bundle += 0.008 * generator.standard_normal(bundle.shape)
    contents = [_interiors(tissue, tissue.cells, generator) for tissue in (XYLEM, PHLOEM)]
    return np.concatenate([*positions, bundle]), np.concatenate([*interiors, *contents], axis=1)


def _interiors(tissue: Tissue, count: int, generator: np.random.Generator) -> Float64Array:
    means = np.array([[tissue.substrate], [tissue.inorganic]])
    varied = means * (1 + tissue.spread * generator.uniform(-1, 1, (2, count)))
    return np.asarray(varied / np.maximum(1, varied.sum(axis=0) / 0.985))


def _polar(
    x: Float64Array, y: Float64Array, radius: float, seeds: Float64Array, generator: np.random.Generator
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Return angle and distance from the centre (in radii of an irregular root), and the outer limit of cells."""
    offset = 0.12 * radius * generator.uniform(-1, 1, 2)
    angle = np.arctan2(y - offset[1], x - offset[0])
    local = np.ones_like(angle)
    for order, amplitude in ((2, 0.06), (3, 0.035), (4, 0.02), (5, 0.012)):
        phase = generator.uniform(0, 2 * np.pi)
        local += amplitude * generator.uniform(0.5, 1) * np.cos(order * angle + phase)
    distance = np.hypot(x - offset[0], y - offset[1]) / (radius * local)

    outer = np.sort(np.arctan2(*seeds[: EPIDERMIS.cells].T[::-1]))
    middles = outer + np.diff(outer, append=outer[0] + 2 * np.pi) / 2
    circle = np.linspace(-np.pi, np.pi, 1025)
    nearest = np.abs((circle[:, None] - middles + np.pi) % (2 * np.pi) - np.pi).min(axis=1)
    bulge = np.clip(nearest * EPIDERMIS.cells / np.pi, 0, 1) ** 0.5
    outline = np.interp(angle, circle, 0.955 + 0.05 * bulge)
    return angle, distance, outline


def _walls(
    angle: Float64Array, distance: Float64Array, seeds: Float64Array, *, scale: float
) -> tuple[Float64Array, NDArray[np.intp]]:
    """Return the wall fraction of each point (0 to 1) and the cell that contains it."""
    points = np.stack([distance * np.cos(angle), distance * np.sin(angle)], axis=-1)
    gaps, neighbours = cKDTree(seeds).query(points, k=2)
    separation = np.linalg.norm(seeds[neighbours[..., 0]] - seeds[neighbours[..., 1]], axis=-1)
    to_border = scale * (gaps[..., 1] ** 2 - gaps[..., 0] ** 2) / (2 * separation)
    half_width = 1.1 - 0.55 * np.exp(-((distance / 0.3) ** 4))  # micrometre; walls are thinner in the bundle
    return np.exp(-((to_border / half_width) ** 4)), neighbours[..., 0]


def _smooth_noise(shape: tuple[int, ...], generator: np.random.Generator) -> Float64Array:
    coarse = generator.uniform(-1, 1, (8, 8))
    noise = zoom(coarse, (shape[0] / 8, shape[1] / 8), order=3, mode="nearest", grid_mode=True)
    return np.asarray(np.clip(noise, -1, 1))


def _sodium_spots(
    x: Float64Array, y: Float64Array, field_of_view: float, generator: np.random.Generator
) -> Float64Array:
    """Draw the fraction of each point covered by salt crystals with a halo, most of them on outer tissues."""
    count = 16
    angle = generator.uniform(0, 2 * np.pi, count)
    distance = RADIUS * field_of_view * generator.uniform(0.35, 1.12, count)
    size = generator.uniform(1.3, 3.8, count)
    height = generator.uniform(0.6, 1.0, count)
    uncovered = np.ones_like(x)
    for spot in range(count):
        away = np.hypot(x - distance[spot] * np.cos(angle[spot]), y - distance[spot] * np.sin(angle[spot]))
        halo = 0.12 * np.exp(-away / (3 * size[spot]))
        uncovered *= (1 - height[spot] * np.exp(-((away / size[spot]) ** 4))) * (1 - halo)
    return 1 - uncovered
