"""Simulated quasiparticle interference on a twinned surface, with known truth (an outlook of the paper)."""

from __future__ import annotations

import numpy as np
import scipy.fft
import scipy.signal
import xarray as xr

from mffnb.datasets.sample import Sample
from mffnb.datasets.simulated import AFTER_THE_PAPER
from mffnb.keywords import checks_keywords
from mffnb.preprocessing import SlidingFFT
from mffnb.preprocessing.sliding_fft import LocalSpectra
from mffnb.typing import Float64Array

__all__ = ["qpi_twins"]

COMPONENTS = ("twin a", "twin b")

CONTOUR = (0.95, 0.45)
"""Largest scattering vectors of twin a along x and y, in 1/nm; those of twin b are exchanged."""

WINDOW = SlidingFFT(size=96, step=24, zoom=2)

_PIXEL = 0.2  # nm
_MEAN_FREE_PATH = 4.0  # nm
_PHASE = 0.8  # rad, phase shift of the scattered wave
_CORE = 0.25  # periods, where the asymptotic form of the wave is cut off
_SMALLEST_SIDE = 128


@checks_keywords()
def qpi_twins(
    seed: int | np.random.Generator | None = 0,
    *,
    shape: tuple[int, int] = (448, 448),
    noise: float = 0.1,
    impurities: float = 0.15,
    twin_width: float = 40.0,
    fft: SlidingFFT = WINDOW,
) -> Sample:
    r"""Simulate a conductance map with quasiparticle interference on two twins of a nematic metal, known truth.

    A scanning tunnelling microscope maps the conductance at one bias. Impurities scatter the electrons, whose standing
    waves have the scattering vectors that connect two states of the same energy. In a nematic metal the contour of
    these vectors is an ellipse, and a twin boundary turns it by 90 degrees. With :math:`q_x, q_y` the largest vectors
    along both axes, s the distance in periods and l the mean free path, an impurity adds

    .. math:: \delta g(x, y) \propto \frac{\cos(2 \pi s - \varphi)}{\sqrt{s}}\, e^{-r / l},
              \qquad s = \sqrt{(q_x x)^2 + (q_y y)^2}.

    The local Fourier transform of the map shows the ellipse of the twin, with speckle, because impurities are at
    random. Two components, named in the coordinate ``component``: ``twin a`` has the larger vector along x, ``twin b``
    along y. Both patterns have two mirror lines, along x and y.

    Parameters
    ----------
    seed
        Seed of the impurities, the twins and the noise, as accepted by ``numpy.random.default_rng``.
    shape
        Number of rows and columns, at least 128 each.
    noise
        Standard deviation of the noise relative to that of the waves.
    impurities
        Number of impurities per square nanometre.
    twin_width
        Mean width of the twins in nm; they are stripes along a diagonal.
    fft
        Sliding Fourier transform for which the truth is given; without logarithm.

    Returns
    -------
    Sample
        ``cube`` is the map ``("y", "x")``, ``float32``, with pixels of 0.2 nm, in units of the mean conductance.
        ``endmembers`` ``("component", "ky", "kx")`` are the expected moduli for one twin. ``abundances``
        ``("component", "y", "x")`` are the shares of the windows, weighted by the squared taper, and sum to 1.
        ``extra["twin"]`` is 0 at pixels of twin a and 1 at pixels of twin b.

    Raises
    ------
    ValueError
        If a side is shorter than 128 pixels, a parameter is out of range, or ``fft`` takes a logarithm.

    Notes
    -----
    Waves of random impurities add in power: in a window on a boundary it is the square of the modulus that mixes in
    proportion to the shares. Left out: atoms, dispersion with bias, scattering at the boundaries. Standing waves of an
    impurity: M. F. Crommie, C. P. Lutz, D. M. Eigler, Nature 363, 524 (1993); interference as patterns in Fourier
    space: J. E. Hoffman et al., Science 297, 1148 (2002); elongated patterns in an iron pnictide: T.-M. Chuang et al.,
    Science 327, 181 (2010). Vectors and lengths are plausible, not measured.

    Examples
    --------
    >>> import mffnb.datasets
    >>> sample = mffnb.datasets.qpi_twins(seed=0, shape=(128, 192))
    >>> dict(sample.cube.sizes), dict(sample.abundances.sizes)
    ({'y': 128, 'x': 192}, {'component': 2, 'y': 2, 'x': 5})
    >>> sample.endmembers.dims, sample.endmembers.kx.attrs["units"]
    (('component', 'ky', 'kx'), '1/nm')
    """
    if min(shape) < _SMALLEST_SIDE:
        raise ValueError(f"shape {shape} is too small for two twins: take at least {_SMALLEST_SIDE} pixels a side.")
    for name, value, least in (("noise", noise, 0), ("impurities", impurities, 1e-6), ("twin_width", twin_width, 1e-6)):
        if not value >= least:
            raise ValueError(f"{name} must {'be positive' if least else 'not be negative'}, got {value}.")
    if fft.log or fft.dc != "mean":
        raise ValueError("the truth is known for moduli without zero frequency: take SlidingFFT(log=False, dc='mean').")
    fft.shape(shape)  # raises for a window that does not fit
    generator = np.random.default_rng(seed)
    waves = [_wave(*axes, shape) for axes in (CONTOUR, CONTOUR[::-1])]
    twin = _twins(shape, twin_width, generator)
    number = generator.poisson(impurities * _PIXEL**2, shape)
    surface = [scipy.fft.irfft2(scipy.fft.rfft2(number) * scipy.fft.rfft2(wave), s=shape) for wave in waves]
    size = 0.1 / np.sqrt(impurities * _PIXEL**2 * np.mean([np.sum(wave**2) for wave in waves]))  # waves of a tenth
    values = 1 + size * np.where(twin, surface[1] - surface[1].mean(), surface[0] - surface[0].mean())
    values += 0.1 * noise * generator.standard_normal(shape)

    cube = _labelled(values.astype(np.float32), "conductance", units="", long_name="conductance over its mean")
    local = fft.fit(cube)
    powers = [impurities * _PIXEL**2 * size**2 * np.abs(scipy.fft.fft2(wave)) ** 2 for wave in waves]
    patterns = [_expected_modulus(power + (0.1 * noise) ** 2, fft) for power in powers]
    component = xr.DataArray(list(COMPONENTS), dims="component", name="component")
    share = _share(twin, fft)
    return Sample(
        name="qpi_twins",
        cube=cube,
        endmembers=xr.DataArray(
            np.stack(patterns),
            dims=("component", "ky", "kx"),
            coords={"component": component, "ky": local.ky, "kx": local.kx},
            name="modulus",
            attrs={"long_name": "expected modulus of the local Fourier transform"},
        ),
        abundances=_shares(share, component, local),
        citation=AFTER_THE_PAPER,
        licence="BSD-3-Clause",
        extra={"twin": _labelled(twin.astype(np.int8), "twin", long_name="twin")},
    )


def _labelled(values: np.ndarray, name: str, **attrs: object) -> xr.DataArray:
    coords = {
        axis: (axis, _PIXEL * np.arange(n), {"units": "nm", "long_name": axis})
        for axis, n in zip(("y", "x"), values.shape, strict=True)
    }
    return xr.DataArray(values, dims=("y", "x"), coords=coords, name=name, attrs=attrs)


def _shares(share: Float64Array, component: xr.DataArray, local: LocalSpectra) -> xr.DataArray:
    """Return the labelled share of both twins in each window."""
    return xr.DataArray(
        np.stack([1 - share, share]),
        dims=("component", "y", "x"),
        coords={"component": component, "y": local.y, "x": local.x},
        name="abundance",
        attrs={"units": "1", "long_name": "share of the window"},
    )


def _wave(along_x: float, along_y: float, shape: tuple[int, int]) -> Float64Array:
    """Return the standing wave of an impurity at the origin of a periodic grid."""
    y, x = np.meshgrid(*(_PIXEL * n * scipy.fft.fftfreq(n) for n in shape), indexing="ij")
    periods = np.hypot(along_x * x, along_y * y)
    oscillation = np.cos(2 * np.pi * periods - _PHASE) / np.sqrt(periods + _CORE)
    wave: Float64Array = oscillation * np.exp(-np.hypot(x, y) / _MEAN_FREE_PATH)
    return wave


def _twins(shape: tuple[int, int], width: float, generator: np.random.Generator) -> np.ndarray:
    """Return where twin b is: stripes along a diagonal, of random widths."""
    y, x = np.meshgrid(*(_PIXEL * np.arange(n) for n in shape), indexing="ij")
    across = (x + y) / np.sqrt(2)
    number = int(across.max() / width) + 2
    edges = np.cumsum(width * generator.uniform(0.7, 1.3, number)) - width * generator.uniform(0.2, 0.8)
    inside: np.ndarray = np.searchsorted(edges, across) % 2 == 1
    return inside


def _expected_modulus(power: Float64Array, step: SlidingFFT) -> Float64Array:
    """Return the expected modulus of a tapered window of Gaussian noise with a power spectrum, (ky, kx).

    The expected square of the modulus is the Fourier transform of the covariance times the autocorrelation of the
    taper. The modulus of a complex Gaussian number is the root of pi / 4 of it.
    """
    taper = step.taper()
    rows, columns = taper.shape
    overlap = scipy.signal.fftconvolve(taper, taper[::-1, ::-1])
    covariance = scipy.fft.ifft2(power).real
    lags = np.ix_(np.arange(1 - rows, rows), np.arange(1 - columns, columns))
    product, folded = covariance[lags] * overlap, np.zeros(taper.shape)
    np.add.at(folded, (lags[0] % rows, lags[1] % columns), product)
    square = scipy.fft.fftshift(scipy.fft.fft2(folded).real.clip(0))
    square[rows // 2, columns // 2] = 0.0
    kept = step.shape((rows, columns))[2:]
    first = [n // 2 - m // 2 for n, m in zip((rows, columns), kept, strict=True)]
    modulus: Float64Array = np.sqrt(np.pi / 4 * square[first[0] :, first[1] :][: kept[0], : kept[1]])
    return modulus


def _share(twin: np.ndarray, step: SlidingFFT) -> Float64Array:
    """Return the share of twin b in each window, weighted by the squared taper."""
    weights = step.taper() ** 2
    hops = step.step if isinstance(step.step, tuple) else (step.step, step.step)
    windows = np.lib.stride_tricks.sliding_window_view(twin.astype(float), weights.shape)[:: hops[0], :: hops[1]]
    share: Float64Array = np.einsum("yxij,ij->yx", windows, weights / weights.sum())
    return share
