"""Simulated 4D-STEM scan of two crystals in an amorphous film, with known truth."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from mffnb.datasets.counting import poisson_counts
from mffnb.datasets.sample import Sample
from mffnb.datasets.simulated import Axis, Quantity, coordinates, side_axes, simulated_sample
from mffnb.keywords import checks_keywords
from mffnb.typing import Float64Array

__all__ = ["diffraction_4d"]

COMPONENTS = ("gold [001]", "gold [011]", "carbon")

GOLD = 4.078
"""Lattice parameter of gold in angstrom (face-centred cubic)."""

ZONES = {
    "gold [001]": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), 0.35),
    "gold [011]": ((1.0, 0.0, 0.0), (0.0, 0.5**0.5, -(0.5**0.5)), 1.05),
}
"""Two unit vectors of the crystal in the plane of the pattern, and the angle between the first and x in radian."""

RINGS = ((0.49, 0.06, 1.0), (0.84, 0.08, 0.45))
"""Diffuse rings of amorphous carbon: radius and standard deviation in 1/angstrom, and relative height."""

LARGEST = 1.0
"""Half side of the detector in 1/angstrom."""

DISC = 0.055
"""Convergence: radius of a diffraction disc in 1/angstrom."""

_DAMPING = 1.6  # angstrom^2: thermal motion and the fall of the scattering factor, exp(-B k^2)
_SCATTERED = {"gold [001]": 0.35, "gold [011]": 0.35, "carbon": 0.2}  # fraction of electrons outside the direct beam
_SMALLEST_SIDE = 16


@checks_keywords()
def diffraction_4d(
    seed: int | np.random.Generator | None = 0,
    *,
    shape: tuple[int, int] = (48, 64),
    detector: int = 48,
    counts: float = 2000.0,
    step: float = 1.0,
) -> Sample:
    r"""Simulate a 4D-STEM scan: two gold grains in an amorphous carbon film, a diffraction pattern at each pixel.

    Both grains are face-centred cubic gold, along [001] and along [011]. Their boundaries are inclined: there the
    beam crosses two materials, and the pattern is their mixture by thickness,

    .. math:: X_{yx}(k) \sim \mathrm{Poisson}\Bigl(N \sum_c a_c(y, x)\, E_c(k)\Bigr), \qquad \sum_c a_c = 1 .

    A pattern is kinematic: discs at the allowed reflections :math:`g` (all of *hkl* even, or all odd) with intensities
    :math:`\exp(-B g^2)`, diffuse rings for carbon, and the direct beam, which all three share. The strongest ring of
    carbon lies at the radius of the reflections 200 that both grains share: a virtual detector sees all three there.

    Parameters
    ----------
    seed
        Seed of grains and noise, as accepted by ``numpy.random.default_rng``.
    shape
        Rows and columns of the scan, at least 16 each.
    detector
        Pixels along each side of the square detector, at least 16.
    counts
        Mean number of electrons of a pattern.
    step
        Distance of two positions of the beam in nanometre.

    Returns
    -------
    Sample
        ``cube`` has dimensions ``("y", "x", "ky", "kx")``, counts as ``uint16``; ``y`` and ``x`` in nanometre, ``ky``
        and ``kx`` in 1/angstrom, from -1 to 1. ``endmembers`` ``("component", "ky", "kx")`` in counts per pattern;
        ``abundances`` ``("component", "y", "x")`` are fractions of the thickness and sum to 1. ``extra["direct"]``
        ``("ky", "kx")`` is True in the direct beam.

    Raises
    ------
    ValueError
        If a side of the scan or of the detector is shorter than 16 pixels, or counts or step are not positive.

    Notes
    -----
    Sources: gold, a = 4.078 angstrom; amorphous carbon has its diffuse rings near 2.05 and 1.2 angstrom, as in electron
    diffraction textbooks (D. B. Williams and C. B. Carter, Transmission Electron Microscopy, 2nd ed., 2009); the
    method: C. Ophus, Microsc. Microanal. 25, 563 (2019), https://doi.org/10.1017/S1431927619000497. Left out:
    dynamical scattering, bending, strain, changes of the total thickness, and inelastic scattering.

    Examples
    --------
    >>> import mffnb.datasets
    >>> sample = mffnb.datasets.diffraction_4d(seed=0, shape=(16, 20), detector=32)
    >>> dict(sample.cube.sizes), sample.endmembers.kx.attrs["units"]
    ({'y': 16, 'x': 20, 'ky': 32, 'kx': 32}, '1/Å')
    >>> bool(abs(sample.abundances.sum("component") - 1).max() < 1e-6)
    True
    """
    if min(shape) < _SMALLEST_SIDE or detector < _SMALLEST_SIDE:
        raise ValueError(f"shape {shape} and detector {detector}: scan and detector need at least 16 pixels a side.")
    for name, value in (("counts", counts), ("step", step)):
        if not value > 0:
            raise ValueError(f"{name} must be positive, not {value}.")
    generator = np.random.default_rng(seed)
    k = np.linspace(-LARGEST, LARGEST, detector)
    patterns = counts * np.stack([_pattern(name, k) for name in COMPONENTS])
    fractions = _fractions(shape, generator)
    flat = poisson_counts(fractions, patterns.reshape(len(COMPONENTS), -1), generator)
    channel = {name: Axis(k, "1/Å", name) for name in ("ky", "kx")}
    beam = np.hypot(k[:, None], k) < 2 * DISC
    return simulated_sample(
        "diffraction_4d",
        (flat.reshape(*shape, detector, detector), patterns, fractions),
        pixels=side_axes(shape, step, "nm"),
        channel=channel,
        components=COMPONENTS,
        quantity=Quantity("intensity", "counts", "electrons", "expected electrons"),
        fraction="fraction of the thickness",
        citation="Simulated: kinematic patterns of gold (face-centred cubic, 4.078 angstrom) and amorphous carbon",
        extra={"direct": xr.DataArray(beam, coordinates(channel), ("ky", "kx"), name="direct beam")},
    )


def _pattern(name: str, k: Float64Array) -> Float64Array:
    """Expected pattern (detector, detector) of one electron: the direct beam and what is scattered around it."""
    ky, kx = np.meshgrid(k, k, indexing="ij")
    direct = _disc(ky, kx)
    if name in ZONES:
        scattered = sum(
            (np.exp(-_DAMPING * (gy**2 + gx**2)) * _disc(ky - gy, kx - gx) for gy, gx in reflections(name)),
            start=np.zeros_like(kx),
        )
    else:
        radius = np.hypot(ky, kx)
        scattered = sum(
            (height * np.exp(-(((radius - at) / width) ** 2) / 2) for at, width, height in RINGS),
            start=0.25 * np.exp(-radius / 0.3),
        )
    share = _SCATTERED[name]
    return np.asarray((1 - share) * direct / direct.sum() + share * scattered / scattered.sum())


def reflections(name: str) -> list[tuple[float, float]]:
    """Reflections (ky, kx) of a grain on the detector, in 1/angstrom, without the direct beam.

    Examples
    --------
    >>> sorted({round(float(np.hypot(*g)), 3) for g in reflections("gold [011]")})[:3]
    [0.425, 0.49, 0.694]
    """
    first, second, turn = (np.array(one) for one in ZONES[name])
    normal = np.cross(first, second)
    found = []
    for hkl in np.ndindex(11, 11, 11):
        g = np.array(hkl) - 5
        allowed = len(set(g % 2)) == 1 and np.any(g) and abs(g @ normal) < 1e-9
        if allowed:
            a, b = g @ first / GOLD, g @ second / GOLD
            gx, gy = a * np.cos(turn) - b * np.sin(turn), a * np.sin(turn) + b * np.cos(turn)
            if max(abs(gx), abs(gy)) <= LARGEST + DISC:
                found.append((float(gy), float(gx)))
    return found


def _disc(ky: Float64Array, kx: Float64Array) -> Float64Array:
    """Disc of the convergent beam, with an edge as soft as the detector resolves."""
    return np.asarray(1 / (1 + np.exp((np.hypot(ky, kx) - DISC) / 0.008)))


def _fractions(shape: tuple[int, int], generator: np.random.Generator) -> NDArray[np.float64]:
    """Fractions of the thickness (3, rows, columns): two grains with inclined boundaries, one partly over the other."""
    y, x = (
        np.arange(length)[place] / min(shape) for length, place in zip(shape, ((slice(None), None), None), strict=True)
    )
    rough = gaussian_filter(generator.standard_normal((2, *shape)), (0, min(shape) / 10, min(shape) / 10))
    rough *= 0.05 / rough.std()
    width = shape[1] / min(shape)
    centres = ((0.42, 0.33 * width, 0.27), (0.58, 0.62 * width, 0.29))
    first, second = (
        np.clip(0.5 + (radius + wave - np.hypot(y - cy, x - cx)) / 0.2, 0, 1)
        for (cy, cx, radius), wave in zip(centres, rough, strict=True)
    )
    second = second * (1 - first)
    return np.stack([first, second, 1 - first - second])
