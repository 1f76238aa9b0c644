"""Simulated Raman map of a tablet with overlapping bands, fluorescence and no pure pixel, with known truth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, zoom
from scipy.spatial import cKDTree
from scipy.special import voigt_profile

from mffnb.datasets.sample import Sample
from mffnb.datasets.simulated import Axis, Quantity, side_axes, simulated_sample
from mffnb.keywords import checks_keywords
from mffnb.typing import Float64Array

__all__ = ["raman_map"]

COMPONENTS = ("paracetamol", "aspirin", "caffeine", "cellulose")

SHARES = (0.34, 0.30, 0.16, 0.20)
"""Shares of the grains in a powder that is stirred well, in the order of ``COMPONENTS``."""

SCATTERING = (1.0, 0.9, 0.85, 0.4)
"""Raman photons per volume, relative to paracetamol: aromatic rings scatter far better than a sugar."""

RESOLUTION = 4.0
"""Full width at half maximum of the spectrometer's line in 1/cm."""

STEP = 3.0
"""Distance between pixels in micrometre."""

_FWHM = 2.3548  # full width at half maximum of a Gaussian, in standard deviations
_FINE = 3  # points per pixel of the fine grid of grains

# Position in 1/cm and relative height; the natural width of each substance stands below.
_BANDS: dict[str, tuple[tuple[float, float], ...]] = {
    "paracetamol": (
        (213.3, 22), (329.2, 22), (390.9, 28), (465.1, 9), (504.0, 11), (651.6, 45), (710.8, 12), (797.2, 40),
        (834.5, 22), (857.9, 78), (968.7, 14), (1105.5, 9), (1168.5, 62), (1236.8, 75), (1255, 24), (1278.5, 38),
        (1323.9, 100), (1371.5, 33), (1445, 10), (1515.1, 12), (1561.6, 38), (1611, 72), (1620, 40), (1648.4, 66),
    ),
    "aspirin": (
        (293, 14), (321, 22), (424, 16), (550, 22), (640, 18), (704, 26), (751, 52), (785, 32), (839, 10), (925, 12),
        (1014, 8), (1045, 88), (1096, 10), (1157, 22), (1192, 52), (1222, 24), (1260, 42), (1293, 28), (1370, 8),
        (1432, 10), (1486, 12), (1606, 100), (1622, 72), (1751, 38),
    ),
    "caffeine": (
        (366, 12), (391, 9), (444, 24), (483, 22), (555, 92), (643, 24), (741, 42), (803, 10), (928, 18), (975, 6),
        (1022, 18), (1073, 26), (1135, 6), (1190, 8), (1241, 36), (1286, 42), (1328, 100), (1360, 26), (1408, 30),
        (1434, 20), (1468, 18), (1554, 14), (1600, 44), (1656, 46), (1698, 64),
    ),
    "cellulose": (
        (331, 18), (348, 14), (380, 62), (437, 42), (458, 38), (520, 28), (577, 10), (898, 22), (970, 18), (997, 24),
        (1037, 34), (1073, 50), (1096, 100), (1121, 92), (1152, 50), (1205, 14), (1235, 16), (1278, 36), (1294, 38),
        (1338, 52), (1379, 66), (1410, 28), (1456, 36), (1476, 38),
    ),
}  # fmt: skip

_NATURAL_WIDTHS = {"paracetamol": 8.0, "aspirin": 8.0, "caffeine": 9.0, "cellulose": 20.0}


@checks_keywords()
def raman_map(
    seed: int | np.random.Generator | None = 0,
    *,
    shape: tuple[int, int] = (80, 80),
    counts: float = 20000.0,
    fluorescence: float = 1.5,
    grain_size: float = 8.0,
    spot: float = 18.0,
) -> Sample:
    r"""Simulate a Raman map of a tablet of paracetamol, aspirin, caffeine and cellulose: photons, known truth.

    The grains of the pressed powder are smaller than the volume from which the laser collects, since light is
    scattered to and fro in a tablet; so the map is that of the grains convolved with the spot, and hardly a pixel
    is pure. Every band is a Voigt profile, the natural Lorentzian seen through the spectrometer; bands of the four
    overlap throughout, as those of the ring at 1600 to 1625 and of the amides at 1648 and 1656 1/cm. Beneath lies
    fluorescence, broad and different in each pixel, since it comes from traces of impurities in the cellulose and
    elsewhere. Photons are counted:

    .. math:: x_{ij} \sim \mathrm{Poisson}\Bigl(b_{ij} + \sum_c a_{ic}\, e_{cj}\Bigr), \qquad \sum_c a_{ic} = 1,

    where :math:`a_{ic}` is the share of component c in the spot and :math:`b_{ij}` the fluorescence. The truth
    is that of the substances: ``abundances`` times ``endmembers`` is the expectation of ``cube`` above the
    fluorescence, and that of the whole of it where ``fluorescence=0``.

    Parameters
    ----------
    seed
        Seed of the tablet and the noise, as accepted by ``numpy.random.default_rng``.
    shape
        Number of rows and columns, at least 8 each, 3 micrometre apart.
    counts
        Expected Raman photons per pixel, the mean over the map, fluorescence not counted.
    fluorescence
        Photons of fluorescence per Raman photon, the mean over the map; 0 for none.
    grain_size
        Mean diameter of the grains in micrometre.
    spot
        Full width at half maximum of the spot in micrometre.

    Returns
    -------
    Sample
        ``cube`` with dimensions ``("y", "x", "wavenumber")``, counts as ``uint16`` (``uint32`` at doses that need it);
        ``y`` and ``x`` in micrometre, ``wavenumber`` (Raman shift) in 1/cm from 200 to 1800 in steps of 2.
        ``endmembers`` ``("component", "wavenumber")`` in counts, ``abundances`` ``("component", "y", "x")`` summing
        to 1.

    Raises
    ------
    ValueError
        If a side is shorter than 8 pixels, or a parameter is not positive (fluorescence may be 0).

    Notes
    -----
    Positions of bands: paracetamol, ASTM E1840, Standard Guide for Raman Shift Standards (4-acetamidophenol), and a few
    weaker bands as spectra show them; aspirin, as spectra show them (C. Wang, T. J. Vickers, C. K. Mann, J. Pharm.
    Biomed. Anal. 16, 87 (1997), measure tablets of it); caffeine, I. Pavel et al., Biopolymers 72, 25 (2003),
    https://doi.org/10.1002/bip.10248; cellulose I, J. H. Wiley and R. H. Atalla, Carbohydr. Res. 160, 113 (1987).
    Heights and widths are typical, not fitted to any spectrum. Orientation of crystals, cosmic rays, noise of the
    read-out and topography are left out. Such a tablet, mapped: T. Frosch et al., Molecules 24, 4381 (2019),
    https://doi.org/10.3390/molecules24234381.

    Examples
    --------
    >>> import mffnb.datasets
    >>> sample = mffnb.datasets.raman_map(seed=0, shape=(12, 16))
    >>> dict(sample.cube.sizes)
    {'y': 12, 'x': 16, 'wavenumber': 801}
    >>> sample.endmembers.idxmax("wavenumber").values.tolist()
    [1324.0, 1606.0, 1328.0, 1096.0]
    """
    if min(shape) < 8:
        raise ValueError(f"shape {shape} is too small: take at least 8 pixels a side.")
    for name, value in {"counts": counts, "grain_size": grain_size, "spot": spot}.items():
        if not value > 0:
            raise ValueError(f"{name} must be positive, not {value}.")
    if not fluorescence >= 0:
        raise ValueError(f"fluorescence must be at least 0, not {fluorescence}.")
    powder, impurities, noise = np.random.default_rng(seed).spawn(3)
    shift = np.arange(200.0, 1801.0, 2.0)
    fractions = _grains(shape, grain_size, spot, powder)
    spectra = _spectra(shift)
    spectra *= counts / (fractions.mean(axis=(1, 2)) @ spectra.sum(axis=1))
    amounts, shapes = _fluorescence(shift, fractions, impurities)
    amounts *= fluorescence * counts / (amounts.mean(axis=(1, 2)) @ shapes.sum(axis=1))

    cube = _count(np.concatenate([fractions, amounts]), np.concatenate([spectra, shapes]), noise)
    return simulated_sample(
        "raman_map",
        (cube, spectra, fractions),
        pixels=side_axes(shape, STEP, "µm"),
        channel={"wavenumber": Axis(shift, "1/cm", "Raman shift")},
        components=COMPONENTS,
        quantity=Quantity("intensity", "counts", "photons", "expected Raman photons"),
        fraction="volume fraction",
        citation=(
            "Simulated; band positions from ASTM E1840, J. Pharm. Biomed. Anal. 16, 87 (1997), "
            "Biopolymers 72, 25 (2003) and Carbohydr. Res. 160, 113 (1987)"
        ),
    )


def _spectra(shift: Float64Array) -> Float64Array:
    """Return the spectra of equal volumes of the substances, (4, channels)."""
    sigma = RESOLUTION / _FWHM
    spectra = []
    for component, scattering in zip(COMPONENTS, SCATTERING, strict=True):
        position, height = np.array(_BANDS[component]).T[:, :, None]
        half_width = _NATURAL_WIDTHS[component] / 2
        shapes = voigt_profile(shift - position, sigma, half_width) / voigt_profile(0.0, sigma, half_width)
        spectrum = (height * shapes).sum(axis=0)
        spectra.append(scattering * spectrum / spectrum.sum())
    return np.stack(spectra)


def _grains(shape: tuple[int, int], size: float, spot: float, generator: np.random.Generator) -> Float64Array:
    """Draw fractions (4, rows, columns): incompletely mixed Voronoi grains, convolved with the laser spot."""
    margin = int(np.ceil(2 * spot / STEP))  # margin, so that the map has no edges of the tablet
    rows, columns = ((side + 2 * margin) * _FINE for side in shape)
    step = STEP / _FINE
    height, width = rows * step, columns * step
    seeds = generator.uniform(0, 1, (round(height * width / size**2), 2)) * (height, width)

    # Powders mix imperfectly: the substance of a grain depends on its position and on chance.
    coarse = generator.standard_normal((len(COMPONENTS), 9, 9))
    place = np.minimum((seeds / (height, width) * 36).astype(np.intp), 35)
    favour = zoom(coarse, (1, 4, 4), order=3, mode="nearest", grid_mode=True)[:, place[:, 0], place[:, 1]]
    chance = np.log(SHARES)[:, None] + favour + generator.gumbel(size=favour.shape)
    material = chance.argmax(axis=0)

    y, x = np.meshgrid((np.arange(rows) + 0.5) * step, (np.arange(columns) + 0.5) * step, indexing="ij")
    grain = cKDTree(seeds).query(np.stack([y, x], axis=-1))[1]
    sharp = (material[grain] == np.arange(len(COMPONENTS))[:, None, None]).astype(np.float64)
    sigma = spot / _FWHM / step
    seen = gaussian_filter(sharp, (0, sigma, sigma), mode="nearest")
    seen = seen.reshape(len(COMPONENTS), rows // _FINE, _FINE, columns // _FINE, _FINE).mean(axis=(2, 4))
    seen = seen[:, margin:-margin, margin:-margin]
    return np.asarray(seen / seen.sum(axis=0))


def _fluorescence(
    shift: Float64Array, fractions: Float64Array, generator: np.random.Generator
) -> tuple[Float64Array, Float64Array]:
    """Draw maps (2, rows, columns) and spectra (2, channels) of two fluorophores, one of them in the cellulose."""
    reach = (shift - shift[0]) / (shift[-1] - shift[0])
    shapes = np.stack([np.exp(-(((reach - 0.55) / 0.7) ** 2)), 0.25 + np.exp(-1.8 * reach)])
    shape = fractions.shape[1:]
    patches = generator.standard_normal((2, 7, 7))
    uneven = np.exp(0.4 * zoom(patches, (1, shape[0] / 7, shape[1] / 7), order=3, mode="nearest", grid_mode=True))
    return uneven * np.stack([0.15 + fractions[-1], np.full(shape, 0.35)]), shapes


def _count(maps: Float64Array, spectra: Float64Array, generator: np.random.Generator) -> NDArray[np.unsignedinteger]:
    """Draw the photon counts row by row, so that the expectation of the whole cube is never in memory."""
    _, rows, columns = maps.shape
    highest = float((maps.max(axis=(1, 2)) @ spectra).max())
    dtype = np.uint16 if highest + 12 * np.sqrt(highest) < np.iinfo(np.uint16).max else np.uint32
    cube = np.empty((rows, columns, spectra.shape[1]), dtype=dtype)
    for row in range(rows):
        cube[row] = generator.poisson(maps[:, row].T @ spectra)
    return cube
