"""Simulated core-loss EELS map of an oxide interface with known truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, gaussian_filter1d
from scipy.special import erfc

from mffnb.datasets.counting import poisson_counts
from mffnb.datasets.sample import Sample
from mffnb.datasets.simulated import Axis, Quantity, side_axes, simulated_sample
from mffnb.keywords import checks_keywords
from mffnb.typing import Float64Array

__all__ = ["eels_map"]

CHANNELS = 1024
"""Number of channels of the spectrometer."""

DISPERSION = 0.5
"""Width of a channel in eV."""

FIRST_LOSS = 400.0
"""Energy loss of the first channel in eV."""

SMALLEST_SIDE = 16

RESOLUTION = 1.0
"""Full width at half maximum of the energy resolution in eV: a cold field emitter and its drift."""

PLASMON = (30.0, 12.0)
"""Energy and full width at half maximum of the volume plasmon in eV: of the order of what these oxides have."""

THICKNESS = 0.35
"""Mean thickness of the specimen in mean free paths of inelastic scattering."""

_FWHM = 2.3548  # full width at half maximum of a Gaussian, in standard deviations
_MARGIN = 120.0  # eV simulated below the first channel, which plural scattering moves into the map


@dataclass(frozen=True)
class Edge:
    """An ionization edge: white lines or fine structure on a continuum that falls as a power of the loss.

    Parameters
    ----------
    onset
        Energy loss of the step in eV.
    strength
        Height of the continuum at its onset, per atom, relative to that of O K.
    lines
        Energy in eV, full width at half maximum in eV, and area in eV times the height of the continuum.
    delay
        Energy in eV over which the continuum rises; a centrifugal barrier delays edges of high angular momentum.
    """

    onset: float
    strength: float
    lines: tuple[tuple[float, float, float], ...]
    delay: float = 1.0

    def spectrum(self, loss: Float64Array) -> Float64Array:
        """Return the single-scattering spectrum per atom at energy losses in eV."""
        above = np.maximum(loss - self.onset, 0)
        shape = (loss / self.onset) ** -CONTINUUM_EXPONENT * -np.expm1(-above / self.delay)
        for energy, width, area in self.lines:
            shape += (
                area * width / (2 * np.pi) / ((loss - energy) ** 2 + width**2 / 4) * (loss > self.onset - 4 * width)
            )
        return self.strength * shape


CONTINUUM_EXPONENT = 3.5
"""Continua fall as this power of the loss, as hydrogen-like cross sections do."""

TI4 = Edge(456.0, 2.2, ((458.0, 0.9, 3.5), (460.3, 1.6, 7.0), (463.4, 1.6, 4.5), (465.6, 2.0, 7.0)))
TI3 = Edge(456.0, 2.2, ((458.9, 2.4, 11.5), (464.3, 2.8, 10.5)))
MN3 = Edge(639.0, 1.5, ((642.0, 3.0, 17.0), (653.2, 3.4, 6.5)))
MN2 = Edge(638.0, 1.5, ((640.3, 2.0, 21.0), (651.8, 2.8, 5.0)))
LA = Edge(832.0, 1.6, ((834.5, 2.4, 17.0), (851.2, 2.8, 22.0)), delay=25.0)
OXYGEN = {
    "SrTiO3": Edge(530.0, 1.0, ((531.2, 1.4, 2.0), (533.8, 2.2, 2.2), (537.2, 3.5, 6.0), (544.0, 8.0, 7.0))),
    "LaMnO3": Edge(528.5, 1.0, ((529.9, 2.0, 2.8), (535.6, 4.0, 9.0), (543.2, 8.0, 6.0))),
    "interface": Edge(529.5, 1.0, ((531.4, 2.4, 1.4), (536.0, 4.5, 8.0), (543.6, 9.0, 6.5))),
    "MnO": Edge(531.0, 1.0, ((533.6, 2.6, 2.2), (538.0, 3.6, 10.0), (546.5, 7.0, 3.5))),
}

COMPONENTS: dict[str, tuple[tuple[float, Edge], ...]] = {
    "SrTiO3": ((1.0, TI4), (3.0, OXYGEN["SrTiO3"])),
    "LaMnO3": ((1.0, MN3), (1.0, LA), (3.0, OXYGEN["LaMnO3"])),
    "interface": ((0.55, TI3), (0.45, MN2), (0.55, LA), (2.8, OXYGEN["interface"])),
    "MnO": ((2.7, MN2), (2.7, OXYGEN["MnO"])),
}
"""Atoms in the volume of one perovskite cell, and their edges."""

BACKGROUNDS = {"SrTiO3": (21.0, 3.0), "LaMnO3": (25.0, 2.8), "interface": (23.0, 2.9), "MnO": (19.0, 3.2)}
"""Background at 400 eV, relative to the continuum of one O K, and its exponent r."""


@checks_keywords()
def eels_map(
    seed: int | np.random.Generator | None = 0,
    *,
    shape: tuple[int, int] = (64, 96),
    counts: float = 4e5,
    pixel_size: float = 0.25,
    probe: float = 0.8,
) -> Sample:
    r"""Simulate a core-loss EELS map across LaMnO3 on SrTiO3: 1024 energy losses, known truth.

    A film (top) on its substrate, seen edge-on. Four components, named in the coordinate ``component``: ``SrTiO3`` and
    ``LaMnO3``; ``interface``, a layer of 1 nm in which both have mixed and titanium and manganese are reduced
    (Ti3+ without crystal-field splitting, Mn2+); and ``MnO``, grains in the film that do not reach through the
    specimen. Each endmember is the spectrum of a pixel of mean thickness filled with that phase, background included:

    .. math:: e(E) = A\,(E / 400)^{-r} + \sum_\text{edges} n\, \sigma(E) * \sum_m \frac{(t/\lambda)^m}{m!} p^{*m}(E)

    with sigma the white lines on a continuum that falls slowly, so that every edge rides on the tails of those before
    it, and p the plasmon, which repeats each edge 30 eV higher. Exponents r differ, hence the background of a mixture
    is not quite a power law. The specimen is a wedge, so the abundances of a pixel sum to its thickness, not to one.
    Electrons are counted: ``cube`` is Poisson around ``abundances`` times ``endmembers``.

    Parameters
    ----------
    seed
        Seed of the specimen and the noise, as accepted by ``numpy.random.default_rng``.
    shape
        Number of rows and columns, at least 16 each.
    counts
        Expected electrons per pixel, the mean over the image.
    pixel_size
        In nanometre.
    probe
        Full width at half maximum of the probe in nanometre, beam spreading included.

    Returns
    -------
    Sample
        ``cube`` with dimensions ``("y", "x", "energy_loss")``, counts as ``uint16`` (``uint32`` at doses that need
        it); ``y`` and ``x`` in nanometre, ``energy_loss`` in eV from 400 to 911.5. ``endmembers`` ``("component",
        "energy_loss")`` in counts, ``abundances`` ``("component", "y", "x")``: volume fraction times relative
        thickness. No pixel is pure interface or pure MnO.

    Raises
    ------
    ValueError
        If a side is shorter than 16 pixels, or counts, pixel size or probe are not positive.

    Notes
    -----
    Left out: plural scattering growing with thickness from pixel to pixel (all endmembers have that of the mean, t / λ
    = 0.35), channeling, gain and point spread of the detector. Sources: C. C. Ahn and O. L. Krivanek, EELS Atlas
    (Gatan, 1983), for onsets (Ti L3 456, O K 532, Mn L3 640, La M5 832 eV; O K and Mn L are shifted by the bond here)
    and white lines; R. F. Egerton, Electron Energy-Loss Spectroscopy in the Electron Microscope (Springer, 2011), for
    background, continua and plural scattering; A. Ohtomo et al., Nature 419, 378 (2002), for Ti3+ and Ti4+; L. A. J.
    Garvie and A. J. Craven, Phys. Chem. Miner. 21, 191 (1994), and M. Varela et al., Phys. Rev. B 79, 085117 (2009),
    for the valence of Mn. Widths, areas and relative strengths are rounded to what such spectra look like, not fitted
    to any.

    Examples
    --------
    >>> import mffnb.datasets
    >>> sample = mffnb.datasets.eels_map(seed=0, shape=(16, 24))
    >>> dict(sample.cube.sizes)
    {'y': 16, 'x': 24, 'energy_loss': 1024}
    >>> sample.endmembers.component.values.tolist()
    ['SrTiO3', 'LaMnO3', 'interface', 'MnO']
    >>> sample.endmembers.sel(energy_loss=slice(600, 700)).idxmax("energy_loss").values[1:].tolist()
    [642.0, 640.5, 640.5]
    """
    if min(shape) < SMALLEST_SIDE:
        raise ValueError(f"shape {shape} is too small for film and substrate: take at least 16 pixels a side.")
    for name, value in (("counts", counts), ("pixel_size", pixel_size), ("probe", probe)):
        if not value > 0:
            raise ValueError(f"{name} must be positive, not {value}.")
    generator = np.random.default_rng(seed)
    abundances = _maps(shape, pixel_size, probe, generator)
    loss = FIRST_LOSS + DISPERSION * np.arange(CHANNELS, dtype=np.float64)
    spectra = core_loss_spectra(loss)
    spectra *= counts / (abundances.mean(axis=(1, 2), dtype=np.float64) @ spectra.sum(axis=1))

    return simulated_sample(
        "eels_map",
        (poisson_counts(abundances, spectra, generator), spectra, abundances),
        pixels=side_axes(shape, pixel_size, "nm"),
        channel={"energy_loss": Axis(loss, "eV", "energy loss")},
        components=COMPONENTS,
        quantity=Quantity("intensity", "counts", "electrons", "expected electrons"),
        fraction="volume fraction times relative thickness",
        citation=(
            "Simulated after C. C. Ahn and O. L. Krivanek, EELS Atlas (1983), and R. F. Egerton, Electron "
            "Energy-Loss Spectroscopy in the Electron Microscope (2011)"
        ),
    )


def core_loss_spectra(loss: Float64Array) -> Float64Array:
    """Return the spectra of the four components, up to a common factor.

    Parameters
    ----------
    loss
        Energy losses in eV, equidistant.

    Returns
    -------
    ndarray (4, n)
        Edges, plurally scattered, on their backgrounds.
    """
    step = loss[1] - loss[0]
    margin = int(_MARGIN / step)
    wider = loss[0] + step * np.arange(-margin, loss.size)
    spectra = []
    for name, edges in COMPONENTS.items():
        single = sum((atoms * edge.spectrum(wider) for atoms, edge in edges), start=np.zeros(wider.size))
        plural = _scatter_plurally(single, step)
        sharp = gaussian_filter1d(plural, RESOLUTION / _FWHM / step, mode="nearest")[margin:]
        height, exponent = BACKGROUNDS[name]
        spectra.append(height * (loss / 400) ** -exponent + sharp)
    return np.stack(spectra)


def _scatter_plurally(single: Float64Array, step: float) -> Float64Array:
    """Add plural scattering: each edge repeated one and more plasmon energies higher, with Poisson weights."""
    energy = step * np.arange(single.size)
    centre, width = PLASMON
    plasmon = energy / ((energy**2 - centre**2) ** 2 + (energy * width) ** 2)  # Drude
    plasmon /= plasmon.sum()
    once = np.convolve(single, plasmon)[: single.size]
    twice = np.convolve(once, plasmon)[: single.size]
    return single + THICKNESS * once + THICKNESS**2 / 2 * twice


def _maps(shape: tuple[int, int], pixel: float, probe: float, generator: np.random.Generator) -> NDArray[np.float32]:
    """Draw the abundances (4, rows, columns): volume fractions times relative thickness."""
    rows, columns = shape
    y, x = pixel * np.arange(rows)[:, None], pixel * np.arange(columns)
    height, length = pixel * rows, pixel * columns
    # The substrate has terraces of one cell (0.39 nm); the film fills them.
    steps = 0.39 * np.cumsum(generator.random(columns) < pixel / 5.0) - 0.39 * x / 5.0
    below = y - (0.58 * height + steps)  # depth below the interface
    film = erfc(below / 0.5) / 2
    interface = 0.9 * np.exp(-np.log(2) * (below / 0.5) ** 2)
    grains = np.zeros(shape)
    for position in (np.arange(3) + generator.uniform(0.2, 0.8, 3)) * length / 3:
        depth, radius, filled = generator.uniform(0.12, 0.38) * height, 0.1 * height, generator.uniform(0.6, 0.85)
        flat = generator.uniform(0.7, 1.4)
        distance = np.hypot((x - position) / flat, y - depth)
        grains = np.maximum(grains, filled * np.sqrt(np.clip(1 - (distance / radius) ** 2, 0, 1)))
    grains *= 1 - interface
    rest = 1 - interface - grains
    fractions = np.stack([rest * (1 - film), rest * film, interface, grains])
    fractions = gaussian_filter(fractions, (0, probe / _FWHM / pixel, probe / _FWHM / pixel), mode="nearest")
    fractions /= fractions.sum(axis=0)
    uneven = gaussian_filter(generator.standard_normal(shape), 0.1 * rows, mode="reflect")
    wedge = 1 + 0.35 * (2 * x / length - 1) + 0.05 * uneven / uneven.std()
    return np.asarray(fractions * wedge / wedge.mean(), dtype=np.float32)
