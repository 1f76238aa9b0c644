"""Removal of spikes, such as cosmic rays in Raman spectra."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from mffnb.preprocessing.spike_search import NoiseModel, interpolated, running_median, runs, scores, without_gaps
from mffnb.preprocessing.step import Fitted, Step, float_type, pixels, single_channel, with_new_values
from mffnb.typing import Array, Float64Array

__all__ = ["SpikeRemoval"]

_BLOCK = 2**20  # entries that are searched together, which limits the memory of a fit
_SAMPLE = 2**20  # entries from which the noise is estimated
_FALSE_BY_NOISE = 0.01  # expected number of white-noise values in the whole cube above the smallest threshold
_FALSE_SHARE = 0.05  # tolerated number of dips per spike above the threshold: noise has as many dips as peaks


@dataclass(frozen=True, eq=False)
class ReplacedEntries(Fitted):
    """Fitted spike removal: positions of the replaced entries (dim, entry) and their new values (entry)."""

    dims: tuple[Hashable, ...]
    positions: xr.Variable
    values: xr.Variable
    spikes: int
    threshold: float

    @property
    def found(self) -> dict[str, Any]:
        """Number of spikes, number of replaced values, and the threshold that was used."""
        return {"spikes": self.spikes, "replaced": self.values.size, "threshold": round(self.threshold, 3)}

    def transform(self, cube: xr.DataArray) -> xr.DataArray:
        """Return the cube with new values at the positions of the spikes."""
        places = dict(zip(self.dims, self.positions.values.reshape(len(self.dims), -1), strict=True))
        ordered = np.stack([places[name] for name in cube.dims])
        data = cube.variable.astype(float_type(cube))
        if cube.chunks is None:
            filled: Any = np.array(data.values)
            filled[tuple(ordered)] = self.values.values
        else:
            filled = data.data.map_blocks(_filled_block, places=ordered, new=self.values.values, dtype=data.dtype)
        return with_new_values(cube, xr.Variable(cube.dims, filled))


def _filled_block(block: Array, places: Array, new: Float64Array, block_info: Any = None) -> Array:
    """Return a block of a lazy array with the new values that lie in it."""
    filled = block.copy()
    if block_info:
        begin, stop = np.array(block_info[0]["array-location"]).T[:, :, None]
        inside = ((places >= begin) & (places < stop)).all(axis=0)
        filled[tuple((places - begin)[:, inside])] = new[inside]
    return filled


@dataclass(frozen=True)
class SpikeRemoval(Step):
    r"""Replace spikes (cosmic rays) by linear interpolation along the channels.

    .. math:: z_{ij} = \frac{X_{ij} - \mathrm{median}_{l \approx j}\, X_{il}}{\sigma_{ij}}

    with the standard deviation of the noise, :math:`\sigma`.

    A value is judged by its modified z-score: its difference to the running median of its spectrum over the robust
    standard deviation of the noise, which is estimated from second differences as a function of the signal. A spike
    exceeds the threshold, and also exceeds five times the excess of the neighbouring pixels in the same channel. So a
    narrow peak that two neighbours share is kept. A peak of at most ``width`` channels in one pixel alone cannot be
    told from a spike, and single spectra have no neighbours.

    There is no inverse: results, residual and reconstruction are those of the cube without spikes. The record of
    the result holds their number. After Whitaker & Hayes 2018, Chemom. Intell. Lab. Syst. 179:82
    (doi:10.1016/j.chemolab.2018.06.009), whose score uses differences of successive channels.

    Parameters
    ----------
    threshold
        Smallest score of a spike in standard deviations; None for a rule. The rule starts at the score that 0.01 values
        of the cube exceed by Gaussian noise, and raises it until spikes are 20 times as many as dips of this size,
        because noise has as many of each.
    width
        Largest number of channels of a spike, and of all spikes among 2 width + 1 channels of one spectrum.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> cube = xr.DataArray(np.random.default_rng(0).poisson(100.0, (4, 5, 60)), dims=("y", "x", "shift"))
    >>> cube[1, 2, 30] += 1000
    >>> fitted = SpikeRemoval().fit(cube, ("shift",))
    >>> fitted.spikes, bool(fitted.transform(cube)[1, 2, 30] < 150)
    (1, True)
    """

    threshold: float | None = None
    width: int = 3

    def __post_init__(self) -> None:
        if not (self.threshold is None or self.threshold > 0):
            raise ValueError(f"threshold is a positive number of standard deviations, or None; got {self.threshold!r}")
        if not (isinstance(self.width, (int, np.integer)) and self.width >= 1):
            raise ValueError(f"width is a whole number of channels from 1, got {self.width!r}")

    @property
    def undone(self) -> bool:
        """Whether the inverse undoes the step: never, results are those of the cube without spikes."""
        return False

    def fit(self, cube: xr.DataArray, channel: tuple[Hashable, ...]) -> ReplacedEntries:
        """Find the spikes of a cube and their new values; a lazy cube is read in blocks, twice.

        Raises
        ------
        ValueError
            If there is not one channel dimension with more than 2 width channels.
        """
        name = single_channel(cube, channel, self)
        if cube.sizes[name] <= 2 * self.width:
            raise ValueError(
                f"SpikeRemoval compares {2 * self.width + 1} channels, {name!r} has {cube.sizes[name]}: lower width"
            )
        ordered = cube.transpose(*pixels(cube, channel), name)
        least = self.threshold or _gaussian_bound(cube.size)
        noise = _noise(ordered, self.width)
        parts = (
            [_none(ordered)]
            if noise is None
            else [_searched(*one, self.width, noise, least) for one in _blocks(ordered)]
        )
        places, new, score, spikes, dips = (np.concatenate(some, axis=-1) for some in zip(*parts, strict=True))
        threshold = self.threshold or _threshold(spikes, dips, least)
        kept = score > threshold
        return ReplacedEntries(
            ordered.dims,
            xr.Variable(("dim", "entry"), places[:, kept]),
            xr.Variable(("entry",), new[kept]),
            int((spikes > threshold).sum()),
            float(threshold),
        )


class _Part(NamedTuple):
    """Replaced entries of a block (positions, values, scores), and the scores of its spikes and of its dips."""

    places: Array
    values: Float64Array
    score: Float64Array
    spikes: Float64Array
    dips: Float64Array


def _none(cube: xr.DataArray) -> _Part:
    return _Part(np.zeros((cube.ndim, 0), int), *np.zeros((4, 0)))


def _blocks(cube: xr.DataArray) -> Iterator[tuple[Float64Array, slice, int]]:
    """Yield blocks of rows with one more row on each side, the slice of the block's own rows, and its first row."""
    first, length = cube.dims[0], cube.shape[0]
    height = max(1, _BLOCK * length // cube.size) if cube.ndim > 1 else length
    for start in range(0, length, height):
        begin, stop = (max(start - 1, 0), min(start + height + 1, length)) if cube.ndim > 1 else (0, length)
        block = cube.isel({first: slice(begin, stop)}).values.astype(np.float64)
        yield block, slice(start - begin, start - begin + min(height, length - start)), start


def _searched(block: Float64Array, own: slice, start: int, width: int, noise: NoiseModel, least: float) -> _Part:
    """Search one block of spectra for spikes and dips with a score above ``least``."""
    from scipy.ndimage import maximum_filter1d  # noqa: PLC0415  slow import, needed for this step only

    gaps: Array = np.isnan(block)
    values = without_gaps(block)
    above, below = (one[own] for one in scores(values, np.asarray(gaps.all(axis=-1)), width, noise))
    shape, channels = above.shape[:-1], above.shape[-1]
    rows = above.reshape(-1, channels)
    up = runs(rows, least)
    # The running median is off beside a spike on a slope, which is no noise.
    beside = maximum_filter1d(rows > least, 4 * width + 1, axis=-1)
    down = runs(np.where(beside, 0.0, below.reshape(-1, channels)), least)
    number, channel, new = interpolated(up, values[own].reshape(-1, channels))
    at = np.unravel_index(up.pixel[number], shape)
    seen = ~gaps[own][(*at, channel)]
    places = np.stack([at[0] + start, *at[1:], channel]).astype(int)
    return _Part(places[:, seen], new[seen], up.score[number][seen], up.score, down.score)


def _noise(cube: xr.DataArray, width: int) -> NoiseModel | None:
    """Estimate the noise from evenly spaced rows of a cube."""
    step = -(-cube.size // _SAMPLE)
    values = cube.isel({cube.dims[0]: slice(None, None, min(step, cube.shape[0]))}).values.astype(np.float64)
    values = values.reshape(-1, values.shape[-1])
    values = without_gaps(values[~np.isnan(values).all(axis=1)])
    return NoiseModel.of(values, running_median(values, width)) if values.size else None


def _gaussian_bound(size: int) -> float:
    """Return the number of standard deviations that about 0.01 of ``size`` Gaussian values exceed."""
    from scipy.special import ndtri  # noqa: PLC0415  slow import, needed for this step only

    return float(-ndtri(_FALSE_BY_NOISE / size))


def _threshold(spikes: Float64Array, dips: Float64Array, least: float) -> float:
    """Return the smallest threshold from ``least`` above which dips are at most 5 % of the spikes."""
    for threshold in np.append(least, np.sort(dips)):
        if (dips > threshold).sum() <= _FALSE_SHARE * (spikes > threshold).sum():
            return float(threshold)
    raise AssertionError("above the largest dip there is no dip")
