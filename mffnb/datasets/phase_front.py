"""Simulated STEM movie of a phase transformation whose front moves through the field, with known truth."""

from __future__ import annotations

import numpy as np
import xarray as xr

from mffnb.datasets.oxide_phases import Phase
from mffnb.datasets.sample import Sample
from mffnb.datasets.scanned_columns import PIXEL, imperfect, join_crystals, scan_columns, share_of_windows
from mffnb.keywords import checks_keywords
from mffnb.preprocessing import SlidingFFT
from mffnb.typing import Array, Float64Array

__all__ = ["stem_movie"]

COMPONENTS = ("square", "hexagonal")

SQUARE = Phase((0.39, 0.39), ((0.0, 0.0, 1.0), (0.5, 0.5, 0.5)), 8.0)
"""Net of a perovskite along a cube axis: one heavy column at the corner, one light column in the middle."""
HEXAGONAL = Phase((0.31 * float(np.sqrt(3)), 0.31), ((0.0, 0.0, 0.8), (0.5, 0.5, 0.8)), 20.0)
"""Hexagonal net of equal columns, a = 0.31 nm, in a rectangular cell of two columns."""

MOVIE_WINDOW = SlidingFFT(size=72, step=12, zoom=2, log=False)
"""Windows of 1.8 nm at steps of 0.3 nm; the frequencies that are kept go to 10 per nm."""

_INTERVAL = 0.5  # s from frame to frame
_WAVES = ((0.25, 3.1), (0.15, 1.7))  # nm, amplitude and wavelength of the front along y
_DRIFT = 0.03  # nm, standard deviation of the drift from frame to frame, along each axis


@checks_keywords()
def stem_movie(
    seed: int | np.random.Generator | None = 0,
    *,
    frames: int = 12,
    shape: tuple[int, int] = (192, 336),
    counts: float = 3.0,
    scan_noise: float = 0.01,
    fft: SlidingFFT = MOVIE_WINDOW,
) -> Sample:
    r"""Simulate a STEM movie of a phase transformation: the front of a new phase moves through a crystal, known truth.

    Atomic columns appear as bright dots, as in :func:`stem_catalyst`. Two components, named in ``component``:

    - ``square``: the crystal before, a square net with a = 0.39 nm;
    - ``hexagonal``: the crystal after, a hexagonal net with a = 0.31 nm.

    The front enters on the left, and columns that would come closer than 0.25 nm are missing. Diffusion sets its speed:

    .. math:: x(t, y) = x_0 + (x_1 - x_0) \sqrt{t / T} + \text{waves along } y .

    Columns keep their static displacements in all frames; the sample drifts; lines of the scan are displaced; electrons
    are counted.

    The movie has no spectra: ``fft`` makes them, the step that ``unmix`` is then given as ``preprocess=[fft]``. Truth
    is in those terms, as in :func:`stem_catalyst`.

    Parameters
    ----------
    seed
        Seed of crystal, front, drift and noise, as accepted by ``numpy.random.default_rng``.
    frames
        Number of frames, at least 2, one every 0.5 s.
    shape
        Rows and columns of a frame, not smaller than a window.
    counts
        Electrons on the detector per pixel and frame, the mean.
    scan_noise
        Standard deviation of the displacement of a line along the fast scan direction, in nm.
    fft
        Step by which windows become patterns.

    Returns
    -------
    Sample
        ``cube`` is the movie ``("time", "y", "x")``, ``float32``, in counts, with pixels of 0.025 nm. ``endmembers``
        ``("component", "ky", "kx")``; ``abundances`` ``("component", "time", "y", "x")`` at the centres of the windows,
        summing to 1. ``extra["front"]`` ``("time", "y")`` is the position x of the front in nm, ``extra["phase"]``
        ``("time", "y", "x")`` is 1 at pixels of the new phase.

    Raises
    ------
    ValueError
        If a parameter is out of range, or a frame is smaller than a window.

    Notes
    -----
    The nets are idealised projections with typical lattice parameters, and no particular material. Sliding Fourier
    transform of images: R. K. Vasudevan et al., Appl. Phys. Lett. 106, 091601 (2015). Left out: strain at the front,
    channelling, tilt, beam damage, distortion within a frame.

    Examples
    --------
    >>> import mffnb.datasets
    >>> sample = mffnb.datasets.stem_movie(seed=0, frames=3, shape=(96, 160))
    >>> dict(sample.cube.sizes), dict(sample.abundances.sizes)
    ({'time': 3, 'y': 96, 'x': 160}, {'component': 2, 'time': 3, 'y': 3, 'x': 8})
    >>> sample.extra["front"].mean("y").round(1).values.tolist()  # nm
    [0.8, 2.5, 3.2]
    """
    if frames < 2:
        raise ValueError(f"a movie of a front needs at least 2 frames, got {frames}")
    if not (counts > 0 and scan_noise >= 0):
        raise ValueError(f"counts must be positive and scan_noise not negative, got {counts} and {scan_noise}")
    fft.shape((frames, *shape))  # raises for a window that does not fit, before the simulation
    generator = np.random.default_rng(seed)
    coords = {
        "time": ("time", _INTERVAL * np.arange(frames), {"units": "s", "long_name": "time"}),
        "y": ("y", PIXEL * np.arange(shape[0]), {"units": "nm", "long_name": "y"}),
        "x": ("x", PIXEL * np.arange(shape[1]), {"units": "nm", "long_name": "x"}),
    }
    drift = np.cumsum(generator.normal(0, _DRIFT, (frames, 2)), axis=0)
    phases = generator.uniform(0, 2 * np.pi, len(_WAVES))
    # Columns are placed in a field that is larger by the drift, so that none is missing at an edge.
    margin = 1.0 + float(np.abs(drift).max())
    field = (PIXEL * shape[0] + 2 * margin, PIXEL * shape[1] + 2 * margin)
    crystals = [imperfect(phase.positions(field), generator) - [margin, margin, 0] for phase in _PHASES]
    even = np.ones(shape, np.float32)

    def scanned(columns: Float64Array) -> Array:
        return scan_columns(_near(columns, shape), even, counts, scan_noise, generator)

    movie, front = [], np.empty((frames, shape[0]))
    for number in range(frames):
        position = _mean_position(number, frames, PIXEL * shape[1])
        parts = [
            crystal[(crystal[:, 1] < position + _waves(crystal[:, 0], phases)) == bool(i)]
            for i, crystal in enumerate(crystals)
        ]
        movie.append(scanned(join_crystals(*parts) + np.append(drift[number], 0)))
        front[number] = position + drift[number, 1] + _waves(coords["y"][1] - drift[number, 0], phases)
    cube = xr.DataArray(
        np.stack(movie), dims=("time", "y", "x"), coords=coords, name="intensity",
        attrs={"units": "counts", "long_name": "electrons on the annular detector"},
    )  # fmt: skip
    extra = {"front": xr.DataArray(front, dims=("time", "y"), coords=_only(coords, "time", "y"), name="front")}
    extra["front"].attrs |= {"units": "nm", "long_name": "position of the front"}
    extra["phase"] = (cube.x < extra["front"]).astype(np.int8).transpose(*cube.dims).rename("phase")
    pure = [fft.fit(cube[0]).transform(cube[0].copy(data=scanned(crystal))) for crystal in crystals]
    component = xr.DataArray(list(COMPONENTS), dims="component", name="component")
    windows = fft.fit(cube).transform(cube)
    share = np.stack([share_of_windows(phase == 1, fft) for phase in extra["phase"].values])
    return Sample(
        name="stem_movie",
        cube=cube,
        endmembers=xr.concat([one.mean(("y", "x"), keep_attrs=True) for one in pure], component),
        abundances=xr.DataArray(
            np.stack([1 - share, share]),
            dims=("component", "time", "y", "x"),
            coords={"component": component, **{name: windows[name] for name in cube.dims}},
            name="abundance",
            attrs={"units": "1", "long_name": "share of the window"},
        ),
        citation="Simulated; see the notes of mffnb.datasets.stem_movie",
        licence="BSD-3-Clause",
        extra=extra,
    )


_PHASES = (SQUARE, HEXAGONAL)


def _mean_position(number: int, frames: int, width: float) -> float:
    """Return the mean position of the front in nm: from a fifth to four fifths of the field, by the square root."""
    return width * (0.2 + 0.6 * float(np.sqrt(number / (frames - 1))))


def _waves(y: Array, phases: Array) -> Float64Array:
    """Return the displacement of the front at positions y, in nm."""
    parts = [a * np.sin(2 * np.pi * y / length + start) for (a, length), start in zip(_WAVES, phases, strict=True)]
    return np.asarray(sum(parts))


def _near(columns: Float64Array, shape: tuple[int, int]) -> Float64Array:
    """Return the columns whose image may touch the field."""
    edge = np.array(shape) * PIXEL
    inside = ((columns[:, :2] > -0.45) & (columns[:, :2] < edge + 0.45)).all(axis=1)
    return columns[inside]


def _only(
    coords: dict[str, tuple[str, Array, dict[str, str]]], *names: str
) -> dict[str, tuple[str, Array, dict[str, str]]]:
    return {name: coords[name] for name in names}
