"""Peak picking: the counts of each peak of the total spectrum as one channel."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import xarray as xr

from mffnb.cubes.sparse_pixels import sparse_pixels_of
from mffnb.preprocessing.channel_groups import ChannelGroups, mean_of_groups
from mffnb.preprocessing.row_blocks import over_pixels
from mffnb.preprocessing.spike_search import NoiseModel, running_median
from mffnb.preprocessing.step import Step, pixels, single_channel
from mffnb.typing import Array, Float64Array

__all__ = ["PeakPicking"]

_TAIL = 0.05  # share of its prominence at which the window of a peak ends
_FALSE_BY_NOISE = 0.01  # expected number of peaks of noise alone


@dataclass(frozen=True)
class PeakPicking(Step):
    r"""Sum the channels of each peak of the total spectrum to one channel, for example for mass spectra.

    .. math:: x_{ip} = \sum_{j \in W_p} X_{ij}

    with the window W of peak p.

    Peaks of the total over all pixels are found by :func:`scipy.signal.find_peaks`, after the
    generalised Anscombe transform, so that the prominence is in standard deviations of the noise.
    The window of a peak ends where it has fallen to 5 % of its prominence, or at the valley to the next peak. The
    label is the centroid of the total spectrum in the window. A sparse cube stays sparse.

    There is no inverse: results have one channel for each peak, and channels outside of all windows are left out.

    Parameters
    ----------
    prominence
        Smallest prominence of a peak in standard deviations of the noise; None for the range that noise alone does not
        reach among so many channels.
    most
        Largest number of peaks, of which the most prominent ones are kept; None for all.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> mz = np.linspace(20, 30, 500)
    >>> mean = 50 * np.exp(-(((mz - 23.1) / 0.05) ** 2)) + 20 * np.exp(-(((mz - 27.02) / 0.05) ** 2))
    >>> counts = np.random.default_rng(0).poisson(mean, (4, 5, 500))
    >>> cube = xr.DataArray(counts, dims=("y", "x", "mz"), coords={"mz": mz})
    >>> PeakPicking().fit(cube, ("mz",)).transform(cube)["mz"].values.round(2)
    array([23.1 , 27.02])
    """

    prominence: float | None = None
    most: int | None = None

    def __post_init__(self) -> None:
        if not (self.prominence is None or self.prominence > 0):
            raise ValueError(f"prominence is above zero, in standard deviations, or None; got {self.prominence!r}")
        if not (self.most is None or (isinstance(self.most, (int, np.integer)) and self.most >= 1)):
            raise ValueError(f"most is a whole number of peaks from 1, or None; got {self.most!r}")

    @property
    def undone(self) -> bool:
        """Whether the inverse undoes the step: never, results have the channels of the peaks."""
        return False

    def fit(self, cube: xr.DataArray, channel: tuple[Hashable, ...]) -> ChannelGroups:
        """Find the peaks of the total spectrum, and their windows.

        Raises
        ------
        ValueError
            If there is not one channel dimension, or no peak.
        """
        from scipy.signal import find_peaks, peak_prominences  # noqa: PLC0415  slow import, needed for this step only
        from scipy.special import ndtri  # noqa: PLC0415

        name = single_channel(cube, channel, self)
        total = _total(cube, channel)
        # The prominence of a peak of noise is its distance to the lowest valley, so up to twice the largest value.
        least = self.prominence or float(-2 * ndtri(_FALSE_BY_NOISE / total.size))
        level = _noise(total, cube.dtype.kind in "biu").stabilized(total)
        level = level + 1e-6 * np.linspace(0, 1, total.size)  # two equal counts on one peak would both be prominent
        peaks = find_peaks(level, prominence=least)[0]
        if not peaks.size:
            raise ValueError(
                f"PeakPicking finds no peak of {least:.3g} standard deviations among {total.size} channels: lower "
                "prominence, or leave out the step"
            )
        if self.most is not None and peaks.size > self.most:
            order = np.argsort(-peak_prominences(level, peaks)[0], kind="stable")[: self.most]
            peaks = np.sort(peaks[order])
        group = _windows(total, peaks)
        position = cube[name].variable
        weights = np.maximum(total, 0.0)
        centre = mean_of_groups(position.values.astype(np.float64), group, weights)
        return ChannelGroups(
            xr.Variable((name,), group),
            xr.Variable((name,), centre, position.attrs),
            {"prominence": round(least, 3), "share of counts": round(float(total[group >= 0].sum() / total.sum()), 4)},
        )


def _total(cube: xr.DataArray, channel: tuple[Hashable, ...]) -> Float64Array:
    """Return the sum of the spectra of all pixels, with missing values left out."""
    held = sparse_pixels_of(cube)
    if held is not None and cube.dims[-1] == channel[0]:
        return np.asarray(held.compressed().sum(axis=0, dtype=np.float64)).ravel()
    over = pixels(cube, channel)
    total = over_pixels(cube, channel, lambda part: part.sum(over, dtype=np.float64), lambda one, other: one + other)
    return np.asarray(total.values)


def _noise(total: Float64Array, integers: bool) -> NoiseModel:
    """Return the noise of a total spectrum: Poisson for counts, else the least that its second differences show.

    The slopes of the peaks themselves are no noise, so the group of channels with the smallest ratio of variance to
    signal tells the gain.
    """
    counts = integers or bool((total == np.rint(total)).all())
    if counts or total.size < 3:
        return NoiseModel(0.0, 1.0)
    return NoiseModel.least(total, running_median(total, 3)) or NoiseModel(0.0, 1.0)


def _windows(total: Float64Array, peaks: Array) -> Array:
    """Return the number of the peak of each channel; -1 outside of the windows."""
    from scipy.signal import peak_widths  # noqa: PLC0415  slow import, needed for this step only

    _, _, left, right = peak_widths(total, peaks, rel_height=1 - _TAIL)
    group = np.full(total.size, -1)
    valleys = [
        one + 1 + int(np.argmin(total[one + 1 : other])) if other > one + 1 else other for one, other in pairwise(peaks)
    ]
    begins = np.maximum(np.ceil(left).astype(int), np.append(0, valleys))
    ends = np.minimum(np.floor(right).astype(int) + 1, np.append(valleys, total.size))
    for number, (begin, end) in enumerate(zip(begins, ends, strict=True)):
        group[begin:end] = number
    return group
