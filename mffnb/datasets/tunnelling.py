"""Simulated tunnelling spectra of an iron pnictide with impurities, with known truth (figure 11 of the paper)."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from mffnb.datasets.sample import Sample
from mffnb.datasets.simulated import AFTER_THE_PAPER, Axis, Quantity, coordinates, side_axes, simulated_sample
from mffnb.keywords import checks_keywords
from mffnb.typing import Float64Array

__all__ = ["cits_pnictide"]

COMPONENTS = ("matrix", "impurity", "depression")

RESONANCE = 100.0
"""Energy of the impurity state in meV."""

BUMP = -100.0
"""Energy of the maximum that a band's upper edge adds to the density of states, in meV."""

_BIAS = 250.0  # mV, the sweep goes from minus to plus this; the tip is set at plus this
_PIXEL = 0.2  # nm
_SDW_GAP = 40.0  # meV, half the gap of the spin density wave
_THERMAL = 0.0862 * 4.2  # meV at 4.2 K
_MODULATION = 5.0  # mV, amplitude of the lock-in
_SMALLEST_SIDE = 8


@checks_keywords()
def cits_pnictide(
    seed: int | np.random.Generator | None = 0,
    *,
    shape: tuple[int, int, int] = (80, 100, 220),
    noise: float = 0.03,
    impurities: float = 0.08,
) -> Sample:
    r"""Simulate a tunnelling map of Mo-doped BaFe2As2: conductance against bias at each pixel, known truth.

    Current imaging tunnelling spectroscopy at 4.2 K. Three components, named in the coordinate ``component``:

    - ``matrix``: particle-hole asymmetric background, a part of the Fermi surface gapped by the spin density
      wave, and a bump at -100 meV where a band begins;
    - ``impurity``: the same electrons scattered by a dopant, a resonance at +100 meV in a gap that is half filled;
    - ``depression``: places that lie lower, where holes are added: the background falls the other way, so the
      slope at the Fermi level changes its sign, and the gap is shallower.

    The conductance is the density of states :math:`\rho` behind the barrier, smeared by temperature (f) and by
    the lock-in's modulation (h),

    .. math:: g(U) \propto h * \int \rho(E)\, T(E, U) \Bigl[-\frac{\partial f(E - eU)}{\partial E}\Bigr] dE .

    The feedback sets the tip so that the same current flows everywhere at +250 mV, hence the integral of each
    curve from 0 to there is the set current. Endmembers are scaled to it, so abundances are fractions of the current
    and sum to one, as the paper demands: ``abundances`` times ``endmembers`` is the expectation of ``cube``.

    Parameters
    ----------
    seed
        Seed of the surface and the noise, as accepted by ``numpy.random.default_rng``.
    shape
        Rows, columns and bias steps, at least 8 each.
    noise
        Standard deviation of the conductance relative to its mean: half of it amplifier noise, the same at any bias,
        half growing as the root of the conductance (in variances).
    impurities
        Number of impurities per square nanometre.

    Returns
    -------
    Sample
        ``cube`` with dimensions ``("y", "x", "bias")``, ``float32`` in nS; ``y`` and ``x`` in nm, ``bias`` in mV.
        ``endmembers`` in nS, ``abundances`` summing to 1, and ``extra["topography"]`` in pm, measured along with
        the curves.

    Raises
    ------
    ValueError
        If a side is shorter than 8, or a parameter is negative.

    Notes
    -----
    Left out: drift, tip changes, the decay of the barrier with bias beyond first order, quasiparticle interference.
    Energies follow the description of the experiment in R. Kannan et al., Adv. Struct. Chem. Imaging 4, 6 (2018),
    https://doi.org/10.1186/s40679-018-0055-8; widths and shares are plausible, not measured. Spectra of these
    surfaces: J. E. Hoffman, Rep. Prog. Phys. 74, 124513 (2011). Broadened gap: R. C. Dynes et al., Phys. Rev. Lett.
    41, 1509 (1978); an impurity level beside a continuum: U. Fano, Phys. Rev. 124, 1866 (1961).

    Examples
    --------
    >>> import mffnb.datasets
    >>> sample = mffnb.datasets.cits_pnictide(seed=0, shape=(16, 20, 110))
    >>> dict(sample.cube.sizes)
    {'y': 16, 'x': 20, 'bias': 110}
    >>> sample.extra["topography"].dims, sample.extra["topography"].attrs["units"]
    (('y', 'x'), 'pm')
    >>> current = sample.endmembers.sel(bias=slice(0, None)).integrate("bias")
    >>> bool(current.std() < 1e-2 * current.mean())
    True
    """
    if min(shape) < _SMALLEST_SIDE:
        raise ValueError(f"shape {shape} is too small: take at least 8 pixels a side and 8 bias steps.")
    for name, value in (("noise", noise), ("impurities", impurities)):
        if not value >= 0:
            raise ValueError(f"{name} must not be negative, got {value}.")
    generator = np.random.default_rng(seed)
    bias = np.linspace(-_BIAS, _BIAS, shape[2])
    spectra = _endmembers(bias)
    fractions, topography = _surface(shape[:2], impurities, generator)

    pixels = side_axes(shape[:2], _PIXEL, "nm")
    height = xr.DataArray(
        topography,
        dims=("y", "x"),
        coords=coordinates(pixels),
        name="topography",
        attrs={"units": "pm", "long_name": "height"},
    )
    return simulated_sample(
        "cits_pnictide",
        (_measure(fractions, spectra, noise, generator), spectra, fractions),
        pixels=pixels,
        channel={"bias": Axis(bias, "mV", "sample bias")},
        components=COMPONENTS,
        quantity=Quantity("conductance", "nS", "differential conductance", "differential conductance"),
        fraction="share of the current",
        citation=AFTER_THE_PAPER,
        extra={"topography": height},
    )


def _endmembers(bias: Float64Array) -> Float64Array:
    """Return the conductance of each component, (3, n), scaled to the same current at the set point."""
    energy = np.linspace(-1.6 * _BIAS, 1.6 * _BIAS, 3201)  # wider than the bias range, for the broadening
    states = np.stack([_matrix(energy), _impurity(energy), _depression(energy)])
    step = energy[1] - energy[0]
    reach = np.arange(-200, 201) * step
    thermal = 1 / np.cosh(reach / (2 * _THERMAL)) ** 2
    lock_in = np.sqrt(np.clip(1 - (reach / _MODULATION) ** 2, 0, None))
    kernel = np.convolve(thermal / thermal.sum(), lock_in / lock_in.sum(), mode="same")
    smeared = np.stack([np.convolve(row, kernel, mode="same") for row in states])
    smeared *= 1 + energy / (10 * _BIAS)  # the barrier is lower for electrons of higher energy
    window = (energy >= 0) & (energy <= _BIAS)
    smeared *= _BIAS / (smeared[:, window].sum(axis=1, keepdims=True) * step)  # 1 nS on average, 0.25 nA
    return np.stack([np.interp(bias, energy, row) for row in smeared])


def _gapped_density(energy: Float64Array, gap: float, share: float, broadening: float) -> Float64Array:
    """Return a density of states with a partial gap (Dynes), 1 far from the gap."""
    z = energy - 1j * broadening
    return np.asarray(1 - share + share * np.abs(np.real(z / np.sqrt(z**2 - gap**2))))


def _band_edge(energy: Float64Array, width: float) -> Float64Array:
    """Return the density of states of a band edge: a maximum at the bump, a tail towards lower energies."""
    below = (BUMP - energy) / width + 0.47  # offset that puts the maximum at the bump
    return np.asarray(np.exp(-np.logaddexp(0, -3 * below)) * (1 + 4 / (1 + np.clip(below, 0, None) ** 2)) / 3)


def _matrix(energy: Float64Array) -> Float64Array:
    return (1 - energy / 500) * _gapped_density(energy, _SDW_GAP, 0.5, 8.0) + 0.7 * _band_edge(energy, 30.0)


def _impurity(energy: Float64Array) -> Float64Array:
    q = 6.0
    x = (energy - RESONANCE) / 22 + 1 / q  # so that the maximum, at x = 1 / q, is the resonance
    fano = (q + x) ** 2 / (1 + x**2) / (1 + q**2)
    return (
        0.7 * (1 - energy / 900) * _gapped_density(energy, _SDW_GAP, 0.25, 14.0)
        + 1.6 * fano
        + 0.3 * _band_edge(energy, 45.0)
    )


def _depression(energy: Float64Array) -> Float64Array:
    return (1 + energy / 330) * _gapped_density(energy, 0.8 * _SDW_GAP, 0.35, 12.0) + 0.35 * _band_edge(energy, 40.0)


def _surface(
    shape: tuple[int, int], density: float, generator: np.random.Generator
) -> tuple[Float64Array, Float64Array]:
    """Draw fractions (3, y, x) and the tip height (y, x) in pm."""
    y, x = np.meshgrid(*(_PIXEL * np.arange(n) for n in shape), indexing="ij")
    extent = _PIXEL * np.array(shape)
    uncovered = np.ones(shape)
    for _ in range(max(1, round(density * extent.prod()))):
        centre, reach = generator.uniform(0, extent), generator.uniform(0.55, 0.9)
        along, across = ((x - centre[1] + s * (y - centre[0])) / np.sqrt(2) for s in (1, -1))
        # The bound state extends along the Fe-Fe directions, farther along one of them: two-fold order.
        distance = np.hypot(along / 1.25, across)
        uncovered *= 1 - generator.uniform(0.75, 0.95) / np.cosh(distance / reach) ** 2
    impurity = 1 - uncovered
    rough = gaussian_filter(generator.standard_normal(shape), 1.4 / _PIXEL, mode="reflect")
    rough = (rough - rough.mean()) / rough.std()
    hollow = 0.95 / (1 + np.exp(-(rough - 1.0) / 0.22))
    depression = (1 - impurity) * hollow
    stripes = 6 * np.cos(2 * np.pi * x / 0.79)  # 2 x 1 rows of the Ba left by the cleavage, 45 degrees from Fe-Fe
    height = 35 * impurity - 60 * hollow + stripes + generator.normal(0, 2.0, shape)
    return np.stack([1 - impurity - depression, impurity, depression]), height


def _measure(
    fractions: Float64Array, spectra: Float64Array, noise: float, generator: np.random.Generator
) -> NDArray[np.float32]:
    """Mix and add noise row by row, so that the cube is never in memory in double precision."""
    _, rows, columns = fractions.shape
    cube = np.empty((rows, columns, spectra.shape[1]), dtype=np.float32)
    mean = np.einsum("cyx,ce->", fractions, spectra) / cube.size
    for row in range(rows):
        expected = fractions[:, row].T @ spectra
        deviation = noise * np.sqrt(mean * (mean + expected) / 2)
        cube[row] = expected + deviation * generator.standard_normal(expected.shape)
    return cube
