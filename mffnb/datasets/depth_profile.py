"""Simulated ToF-SIMS depth profile through a ferroelectric film with known truth (figures 8 and 9 of the paper)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, gaussian_filter1d, zoom
from scipy.signal import lfilter

from mffnb.datasets.mass_spectra import time_of_flight_spectrum
from mffnb.datasets.sample import Sample
from mffnb.datasets.simulated import AFTER_THE_PAPER, Axis, Quantity, side_axes, simulated_sample
from mffnb.keywords import checks_keywords
from mffnb.typing import Float64Array

__all__ = ["tof_sims_3d"]

COMPONENTS = ("surface", "film", "buffer", "substrate")

FILM, BUFFER, PROFILE = 80.0, 10.0, 100.0
"""Thickness of BiFeO3 and (La,Sr)CoO3, and the depth sputtered, in nm."""

CHANNELS, BIN_WIDTH = 1535, 0.25
"""Number of bins on the mass axis, and their width in u: the instrument of ``tof_sims_2d``."""

ADSORBATE = 2.5
"""Mean depth in nm to which adsorbates are knocked and over which caesium builds up."""

ION_YIELDS = {"surface": 1.5, "film": 1.0, "buffer": 1.1, "substrate": 0.7}
"""Detected ions, relative to the film."""

Ions = dict[str, float]

# Caesium has hardly been implanted yet at the surface, so the metals leave as bare ions and with oxygen.
_SURFACE: Ions = {
    "H": 6, "Na": 100, "K": 75, "Na2OH": 5, "Na2Cl": 5, "K2Cl": 3, "NaK": 2, "Cs": 42, "Cs2Cl": 34, "Cs2O": 10,
    "NaCs": 9, "KCs": 7, "FeCs": 7, "BiCs": 9, "Fe": 48, "FeO": 3, "FeOH": 9, "Bi": 58, "BiO": 8, "C2H3": 7, "C2H5": 8,
    "C3H5": 13, "C3H7": 11, "C4H7": 10, "C4H9": 7, "C5H9": 5, "CH4N": 3,
}  # fmt: skip

# In the bulk they leave with a caesium atom: MCs+ ions, whose yields depend little on the matrix.
_FILM: Ions = {
    "Cs": 100, "FeCs": 46, "BiCs": 62, "Cs2": 16, "Cs2O": 40, "CsO": 5, "Fe": 14, "FeO": 4, "Bi": 22, "BiO": 7, "Na": 4,
}  # fmt: skip

_BUFFER: Ions = {
    "Cs": 100, "LaCs": 30, "SrCs": 26, "CoCs": 34, "LaOCs": 20, "Cs2": 16, "Cs2O": 36, "CsO": 5, "La": 9, "LaO": 40,
    "Sr": 30, "SrO": 5, "SrOH": 8, "Co": 12, "Na": 3,
}  # fmt: skip

_SUBSTRATE: Ions = {
    "Cs": 100, "LaCs": 24, "AlCs": 44, "LaOCs": 24, "Cs2": 14, "Cs2O": 42, "CsO": 5, "La": 12, "LaO": 56, "Al": 40,
    "AlO": 5, "Na": 3,
}  # fmt: skip

_FLOOR = 0.08  # fraction of ions that decay in flight and belong to no peak
_FINE = 0.25  # nm, step of the fine depth grid that is averaged over sputter cycles


@checks_keywords()
def tof_sims_3d(
    seed: int | np.random.Generator | None = 0,
    *,
    shape: tuple[int, int, int] = (50, 32, 32),
    counts: float = 60.0,
    field_of_view: float = 50.0,
    mixing: float = 2.0,
    roughness: float = 1.5,
) -> Sample:
    r"""Simulate a depth profile through 80 nm BiFeO3 on 10 nm (La,Sr)CoO3 on LaAlO3: counts, known truth.

    A caesium beam digs, a bismuth beam analyses, as in figures 8 and 9 of Kannan et al. 2018. Four components,
    named in the coordinate ``component``:

    - ``surface``: adsorbed Na, K, chlorides (:math:`Cs_2Cl^+`) and hydrocarbons, and the metals of the film as
      bare :math:`Fe^+` and :math:`Bi^+`; patches of it reach down into pits;
    - ``film``: the same metals as :math:`CsFe^+` and :math:`CsBi^+`, since below the surface caesium has built
      up to its steady state and joins the metal atoms that leave (the Cs-cluster effect), with :math:`Cs_2O^+`;
    - ``buffer``: :math:`CsLa^+`, :math:`CsCo^+`, :math:`CsSr^+`, :math:`LaO^+`, a tenth of the profile;
    - ``substrate``: :math:`CsLa^+`, :math:`CsAl^+`, :math:`LaO^+`, :math:`Al^+`.

    Buffer and substrate share lanthanum, all share caesium and a floor of ions that decayed in flight. The
    interfaces undulate by about a nanometre and are seen through the depth resolution of sputtering: atoms are
    mixed over a length w, so that the composition X of the receding surface follows that of the sample,
    :math:`X_0`, by

    .. math:: \frac{dX}{dz} = \frac{X_0(z + w) - X(z)}{w},

    and roughness blurs the depth by a Gaussian (mixing-roughness model, Hofmann 1994). Each ion is counted on its
    own, :math:`x_{ij} \sim \mathrm{Poisson}(\sum_c a_{ic} e_{cj})` with :math:`\sum_c a_{ic} = 1`, so that
    ``abundances`` times ``endmembers`` is the expectation of ``cube``.

    Parameters
    ----------
    seed
        Seed of the sample and the noise, as accepted by ``numpy.random.default_rng``.
    shape
        Number of sputter cycles, rows and columns: at least 20, 4 and 4. The cycles divide 100 nm.
    counts
        Expected counts per voxel, the mean over the volume.
    field_of_view
        Length of the shorter lateral side in micrometre.
    mixing
        Length w in nm over which the beam mixes atoms.
    roughness
        Standard deviation in nm of the depth within a voxel.

    Returns
    -------
    Sample
        ``cube`` with dimensions ``("z", "y", "x", "mz")``, counts as ``uint16`` (``uint32`` at doses that need
        it); ``z`` in nm below the surface, the centre of each cycle, ``y`` and ``x`` in micrometre, ``mz`` in u from
        1.0 to 384.5. ``endmembers`` ``("component", "mz")`` in counts, ``abundances`` ``("component", "z", "y",
        "x")`` summing to 1.

    Raises
    ------
    ValueError
        If the shape is too small, or another parameter is not positive.

    Notes
    -----
    Masses and isotopes are tabulated ones; intensities are typical of such spectra, not fitted to any. The axis of
    depth is taken as calibrated (equal sputter rates of the three oxides); matrix effects that are not linear, dead
    time and charging are left out. Sources: R. Kannan et al., Adv. Struct. Chem. Imaging 4, 6 (2018),
    https://doi.org/10.1186/s40679-018-0055-8, for the experiment; S. Hofmann, Surf. Interface Anal. 21, 673 (1994), for
    the depth resolution; Y. Gao, J. Appl. Phys. 64, 3760 (1988), for MCs+ ions.

    Examples
    --------
    >>> import mffnb.datasets
    >>> sample = mffnb.datasets.tof_sims_3d(seed=0, shape=(25, 4, 6))
    >>> dict(sample.cube.sizes)
    {'z': 25, 'y': 4, 'x': 6, 'mz': 1535}
    >>> sample.abundances.mean(("y", "x")).idxmax("component").values[[0, 10, 21, 24]].tolist()
    ['surface', 'film', 'buffer', 'substrate']
    """
    cycles, rows, columns = shape
    if cycles < 20 or min(rows, columns) < 4:
        raise ValueError(f"shape {shape} is too small: take at least 20 cycles and 4 pixels a side.")
    positive = {"counts": counts, "field_of_view": field_of_view, "mixing": mixing, "roughness": roughness}
    for name, value in positive.items():
        if not value > 0:
            raise ValueError(f"{name} must be positive, not {value}.")
    anatomy, noise = np.random.default_rng(seed).spawn(2)
    fractions = _layers(shape, field_of_view / min(rows, columns), mixing, roughness, anatomy)
    mz = 1.0 + BIN_WIDTH * np.arange(CHANNELS)
    spectra = _spectra(np.append(mz, mz[-1] + BIN_WIDTH) - BIN_WIDTH / 2)
    spectra *= counts / (fractions.mean(axis=(1, 2, 3)) @ spectra.sum(axis=1))

    step, depth = field_of_view / min(rows, columns), PROFILE / cycles * (np.arange(cycles) + 0.5)
    return simulated_sample(
        "tof_sims_3d",
        (_count(fractions, spectra, noise), spectra, fractions),
        pixels={"z": Axis(depth, "nm", "depth"), **side_axes((rows, columns), step, "µm")},
        channel={"mz": Axis(mz, "m/z", "m/z")},
        components=COMPONENTS,
        quantity=Quantity("intensity", "counts", "secondary ions", "expected secondary ions"),
        fraction="fraction",
        citation=AFTER_THE_PAPER,
    )


def _spectra(edges: Float64Array) -> Float64Array:
    centres = (edges[1:] + edges[:-1]) / 2
    floor = 1 + 1.5 * np.exp(-centres / 90)  # somewhat denser at low mass
    spectra = []
    for component, ions in zip(COMPONENTS, (_SURFACE, _FILM, _BUFFER, _SUBSTRATE), strict=True):
        peaks = time_of_flight_spectrum(ions, edges)
        spectrum = (1 - _FLOOR) * peaks / peaks.sum() + _FLOOR * floor / floor.sum()
        spectra.append(ION_YIELDS[component] * spectrum)
    return np.stack(spectra)


def _layers(
    shape: tuple[int, int, int], step: float, mixing: float, roughness: float, generator: np.random.Generator
) -> Float64Array:
    """Draw fractions (4, cycles, rows, columns) in order of sputtering, row by row to limit memory."""
    cycles, rows, columns = shape
    oversampling = max(1, round(PROFILE / cycles / _FINE))
    fine = PROFILE / cycles / oversampling
    depth = fine * (np.arange(cycles * oversampling + int(np.ceil(mixing / fine))) + 0.5)

    plane = (rows, columns)
    film_ends = FILM + 0.8 * _undulation(plane, generator)
    buffer_ends = film_ends + BUFFER + 0.5 * _undulation(plane, generator)
    reach = ADSORBATE * np.exp(0.35 * _undulation(plane, generator)) + _pits(plane, step, generator)
    coverage = 0.97 - 0.08 * np.abs(_undulation(plane, generator))

    fractions = np.empty((len(COMPONENTS), *shape))
    for row in range(rows):
        surface = np.clip(coverage[row], 0, 1) * np.exp(-np.square(depth[:, None] / (1.6 * reach[row])))
        above, below = depth[:, None] < film_ends[row], depth[:, None] >= buffer_ends[row]
        sharp = np.stack([np.zeros_like(surface), above, ~above & ~below, below])
        mixed = _mix_depths(sharp, mixing / fine)[:, : cycles * oversampling]
        mixed = gaussian_filter1d(mixed, roughness / fine, axis=1, mode="nearest")
        # The surface component is drawn after mixing: its profile already includes mixing and the build-up of caesium.
        observed = (1 - surface[: cycles * oversampling]) * mixed
        observed[0] += surface[: cycles * oversampling]
        fractions[:, :, row] = observed.reshape(len(COMPONENTS), cycles, oversampling, columns).mean(axis=2)
    return fractions


def _mix_depths(sharp: Float64Array, length: float) -> Float64Array:
    """Solve dX/dz = (X0(z + w) - X) / w exactly on a grid, for a sample that is constant between points."""
    ahead = sharp[:, round(length) :]
    decay = np.exp(-1 / length)
    start = decay * ahead[:, :1]  # boundary condition: the sample is constant above the surface
    mixed, _ = lfilter([1 - decay], [1, -decay], ahead, axis=1, zi=start)
    return np.asarray(mixed)


def _undulation(shape: tuple[int, int], generator: np.random.Generator) -> Float64Array:
    """Draw a smooth random height of standard deviation about one, with about five bumps along a side."""
    coarse = generator.standard_normal((6, 6))
    factors = (shape[0] / 6, shape[1] / 6)
    height = zoom(coarse, factors, order=3, mode="nearest", grid_mode=True)
    return np.asarray(height - height.mean())


def _pits(shape: tuple[int, int], step: float, generator: np.random.Generator) -> Float64Array:
    """Draw the depth in nm to which adsorbates reach: grooves and pits 1 to 2 micrometre wide, 4 to 14 nm deep."""
    rows, columns = shape
    pits = np.zeros(shape)
    for _ in range(max(3, round(rows * columns * step**2 / 150))):
        row, column = generator.integers(rows), generator.integers(columns)
        pits[row, column] += generator.uniform(4, 14)
    width = 1.2 / step
    # A pit smaller than a pixel covers a part of it.
    return np.asarray(gaussian_filter(pits, width, mode="wrap") * 2 * np.pi * width**2)


def _count(
    fractions: Float64Array, spectra: Float64Array, generator: np.random.Generator
) -> NDArray[np.unsignedinteger]:
    """Draw counts ion by ion, which is exact and, at a few ions per thousand bins, faster than bin by bin."""
    highest = spectra.max()
    dtype = np.uint16 if highest + 12 * np.sqrt(highest) < np.iinfo(np.uint16).max else np.uint32
    cube = np.empty((*fractions.shape[1:], spectra.shape[1]), dtype=dtype)
    total = spectra.sum(axis=1)
    cumulative = np.cumsum(spectra, axis=1) / total[:, None]
    for cycle, layer in enumerate(cube):
        ions = generator.poisson(fractions[:, cycle].reshape(len(total), -1) * total[:, None])
        found = np.zeros(layer.size, dtype=np.intp)
        for numbers, shares in zip(ions, cumulative, strict=True):
            bins = np.searchsorted(shares[:-1], generator.random(numbers.sum()), side="right")
            pixels = np.repeat(np.arange(numbers.size), numbers)
            found += np.bincount(pixels * shares.size + bins, minlength=layer.size)
        layer[:] = found.reshape(layer.shape)
    return cube
