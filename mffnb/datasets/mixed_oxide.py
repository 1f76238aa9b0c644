"""Simulated atomic-resolution STEM image of two intergrown phases with known truth (figure 10 of the paper)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from mffnb.datasets.oxide_phases import M1, M2
from mffnb.datasets.sample import Sample
from mffnb.datasets.scanned_columns import PIXEL, imperfect, join_crystals, scan_columns, share_of_windows
from mffnb.datasets.simulated import AFTER_THE_PAPER
from mffnb.keywords import checks_keywords
from mffnb.preprocessing import SlidingFFT
from mffnb.typing import Array, Float64Array

__all__ = ["stem_catalyst"]

COMPONENTS = ("M1", "M2")

_SMALLEST_SIDE = 256


PAPER_WINDOW = SlidingFFT(size=500, step=100, zoom=4, log=False)
"""Windows as in figure 10; the frequencies that are kept go to 5 per nm, a spacing of 0.2 nm."""


@checks_keywords()
def stem_catalyst(
    seed: int | np.random.Generator | None = 0,
    *,
    shape: tuple[int, int] = (2048, 2048),
    counts: float = 30.0,
    scan_noise: float = 0.01,
    gradient: float = 0.4,
    fft: SlidingFFT = PAPER_WINDOW,
) -> Sample:
    r"""Simulate an atomic-resolution image of two intergrown phases of a Mo-V-Te-Nb oxide, known truth.

    A crystal of a selective oxidation catalyst along c, in the scanning transmission electron microscope with a
    high-angle annular detector. Columns of atoms appear as bright dots, of intensity :math:`Z^{1.7}`. Two
    components, named in the coordinate ``component``:

    - ``M1``: orthorhombic, a = 2.1134 nm, b = 2.6658 nm, 44 columns in the cell, pentagonal clusters around Nb;
    - ``M2``: pseudo-hexagonal, a = 1.2629 nm, b = 0.7292 nm, rings of six metal columns around Te.

    They meet at a wavy interface, where columns that would come closer than 0.25 nm are missing. Columns differ in
    composition and are displaced a little; thickness rises across the field; lines of the scan are displaced;
    electrons are counted.

    The image has no spectra: ``fft`` makes them, the same step that ``unmix`` is then given as ``preprocess=[fft]``.
    The truth is in those terms. The transform is linear, so at a reflection of one phase the modulus is the
    taper-weighted fraction of the window which that phase fills:

    .. math:: a_{wc} = \sum_r t(r)\, [r + w \in c] \,/ \sum_r t(r) .

    Endmembers are the mean patterns of images of one phase alone, with thickness and noise like the mixed one. Each
    window has its own thickness, a gain. At the interface a crystal ends inside the window, which widens its spots:
    there even the true endmembers leave more than noise, and a third component finds something to do.

    Parameters
    ----------
    seed
        Seed of interface, crystals and noise, as accepted by ``numpy.random.default_rng``.
    shape
        Rows and columns of the image, at least 256 each.
    counts
        Electrons on the detector per pixel, the mean over the image.
    scan_noise
        Standard deviation of the displacement of a line along the fast scan direction, in nm.
    gradient
        Thickness at one end of the field less that at the other, relative to the mean.
    fft
        Step by which windows become patterns. With ``log=True`` the truth is a logarithm and mixes less well.

    Returns
    -------
    Sample
        ``cube`` is the image ``("y", "x")``, ``float32``, in counts, with pixels of 0.025 nm. ``endmembers``
        ``("component", "ky", "kx")`` in counts and 1/nm; ``abundances`` ``("component", "y", "x")`` at the centres of
        the windows, summing to 1; ``extra["phase"]`` ``("y", "x")`` is 0 at pixels of M1 and 1 at pixels of M2.

    Raises
    ------
    ValueError
        If a side is shorter than 256 pixels or than the window, or a parameter is out of range.

    Notes
    -----
    Lattice parameters, symmetry and composition: P. DeSanto et al., Z. Kristallogr. 219, 152 (2004). The columns of M2
    are those of a hexagonal tungsten bronze; those of M1 are idealised, pentagonal clusters and linking columns packed
    into the published cell with its symmetry, so the intensities of its reflections are not those of the refined
    structure, and its tellurium sits in the largest gaps, not in the hexagonal and heptagonal channels of the real one.
    Images of M1: W. D. Pyrz et al., J. Phys. Chem. C 112, 10043 (2008). Experiment: R. Kannan et al., Adv. Struct.
    Chem. Imaging 4, 6 (2018), https://doi.org/10.1186/s40679-018-0055-8; the sliding Fourier transform: R. K. Vasudevan
    et al., Appl. Phys. Lett. 106, 091601 (2015). Left out: channelling, tilt, aberrations, drift, mobile Te.

    Examples
    --------
    >>> import mffnb.datasets
    >>> from mffnb.preprocessing import SlidingFFT
    >>> fft = SlidingFFT(size=160, step=48, zoom=4, log=False)
    >>> sample = mffnb.datasets.stem_catalyst(seed=0, shape=(256, 400), fft=fft)
    >>> dict(sample.cube.sizes), dict(sample.abundances.sizes)
    ({'y': 256, 'x': 400}, {'component': 2, 'y': 3, 'x': 6})
    >>> sample.endmembers.dims, sample.endmembers.kx.attrs["units"]
    (('component', 'ky', 'kx'), '1/nm')
    """
    if min(shape) < _SMALLEST_SIDE:
        raise ValueError(f"shape {shape} is too small for two crystals: take at least {_SMALLEST_SIDE} pixels a side.")
    if not counts > 0:
        raise ValueError(f"counts must be positive, got {counts}.")
    if not (scan_noise >= 0 and 0 <= gradient < 2):
        raise ValueError(f"scan_noise must not be negative and gradient in [0, 2), got {scan_noise} and {gradient}.")
    fft.shape(shape)  # raises for a window that does not fit, before the simulation
    generator = np.random.default_rng(seed)
    interface = _Interface.random(shape, generator)
    field = (PIXEL * shape[0], PIXEL * shape[1])
    crystals = [imperfect(phase.positions(field), generator) for phase in (M1, M2)]
    parts = [part[interface.beyond(part[:, 0], part[:, 1]) == i] for i, part in enumerate(crystals)]
    y, x = PIXEL * np.arange(shape[0]), PIXEL * np.arange(shape[1])
    phase = interface.beyond(y[:, None], x)
    thickness = 1 + gradient * _ramp(shape, generator)

    def image(columns: Float64Array) -> NDArray[np.float32]:
        return scan_columns(columns, thickness, counts, scan_noise, generator)

    pixels = {
        "y": ("y", y, {"units": "nm", "long_name": "y"}),
        "x": ("x", x, {"units": "nm", "long_name": "x"}),
    }

    def labelled(values: NDArray[np.generic], name: str, **attrs: object) -> xr.DataArray:
        return xr.DataArray(values, dims=("y", "x"), coords=pixels, name=name, attrs=attrs)

    electrons = {"units": "counts", "long_name": "electrons on the annular detector"}
    cube = labelled(image(join_crystals(*parts)), "intensity", **electrons)
    local = fft.fit(cube)
    spectra = [local.transform(labelled(image(crystal), "intensity", **electrons)) for crystal in crystals]
    component = xr.DataArray(list(COMPONENTS), dims="component", name="component")
    endmembers = xr.concat([one.mean(("y", "x"), keep_attrs=True) for one in spectra], component)
    share = share_of_windows(phase == 1, local.step)
    abundances = xr.DataArray(
        np.stack([1 - share, share]),
        dims=("component", "y", "x"),
        coords={"component": component, "y": local.y, "x": local.x},
        name="abundance",
        attrs={"units": "1", "long_name": "share of the window"},
    )
    return Sample(
        name="stem_catalyst",
        cube=cube,
        endmembers=endmembers.transpose("component", ...),
        abundances=abundances,
        citation=AFTER_THE_PAPER,
        licence="BSD-3-Clause",
        extra={
            "phase": labelled(phase, "phase", long_name="phase", flag_values=[0, 1], flag_meanings=" ".join(COMPONENTS))
        },
    )


@dataclass(frozen=True)
class _Interface:
    """A wavy interface near the middle of the field; its normal points to M2.

    Attributes
    ----------
    centre
        Point y, x of the straight line about which the interface oscillates, in nm.
    angle
        Direction of the normal in rad, from the y axis towards the x axis.
    waves
        Sine waves whose sum is the distance from the straight line, (n, 3): amplitude (nm), wavelength (nm) and phase
        (rad) of each.
    """

    centre: Float64Array
    angle: float
    waves: Float64Array

    @classmethod
    def random(cls, shape: tuple[int, int], generator: np.random.Generator) -> _Interface:
        """Draw an interface with three waves, in a random direction."""
        size = PIXEL * min(shape)
        centre = PIXEL * np.array(shape) * generator.uniform(0.4, 0.6, 2)
        lengths = size * np.array([1.1, 0.5, 0.2])
        waves = np.column_stack([lengths * generator.uniform(0.02, 0.04, 3), lengths, generator.uniform(0, 6.3, 3)])
        return cls(centre, generator.uniform(0, 2 * np.pi), waves)

    def beyond(self, y: Array, x: Array) -> NDArray[np.int8]:
        """Return 0 on the side of M1, 1 on the side of M2."""
        y, x = y - self.centre[0], x - self.centre[1]
        along, across = (y * np.cos(self.angle + s) + x * np.sin(self.angle + s) for s in (np.pi / 2, 0))
        for amplitude, length, start in self.waves:
            across = across + amplitude * np.sin(2 * np.pi * along / length + start)
        return np.asarray(across > 0, dtype=np.int8)


def _ramp(shape: tuple[int, int], generator: np.random.Generator) -> NDArray[np.float32]:
    """Draw a linear ramp from -1/2 to 1/2 across the field, in a random direction."""
    angle = generator.uniform(0, 2 * np.pi)
    y, x = (np.linspace(-0.5, 0.5, n, dtype=np.float32) for n in shape)
    ramp = np.sin(angle) * y[:, None] + np.cos(angle) * x
    return np.asarray(ramp / np.ptp(ramp), dtype=np.float32)
