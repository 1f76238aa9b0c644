"""Search for spikes in blocks of spectra: excess over a running median and over the excess of neighbouring pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np

from mffnb.typing import Array, Float64Array

#: A narrow excess that two neighbours show as well, at 1 / _SHARED of its size or more, is a peak and no spike.
_SHARED = 5.0
_FLANK = (
    3.0  # score above which channels next to the core of a spike belong to it, and a neighbour's excess is no noise
)
_COARSE = 9.0  # variance, in squared steps of the values, below which they are treated as counts
_LEVELS = 16  # groups of equal size, by signal, in which the noise is estimated
_TRIMMED = 0.1  # largest share of the differences, which may belong to spikes and narrow peaks
_TO_SIGMA = (
    1 / 0.6573 / 6**0.5
)  # mean of the other absolute second differences of white noise to its standard deviation


@dataclass(frozen=True)
class NoiseModel:
    r"""Variance of the noise, :math:`\sigma^2 = a + b s`, at the signal s: constant, Poisson, or both."""

    constant: float
    slope: float

    @classmethod
    def of(cls, values: Float64Array, smooth: Float64Array) -> NoiseModel | None:
        """Estimate the variance from second differences along the channels, at several levels of the signal.

        It is a mean without the largest tenth, because a median of small counts takes whole numbers only. Returns None
        for data without any noise, in which nothing can be judged.
        """
        from scipy.optimize import nnls  # noqa: PLC0415  slow import, needed for this step only

        level, variance, step = _variances(values, smooth)
        if step is None:
            return None
        known = variance > 0
        scaled = np.stack([1 / variance[known], level[known] / variance[known]], axis=1)
        constant, slope = nnls(scaled, np.ones(int(known.sum())))[0] if known.any() else (0.0, 0.0)
        if np.median(variance) < _COARSE * step**2:  # few counts: the median tells neither signal nor noise of them
            slope = max(slope, step)
        return cls(float(constant), float(slope))

    @classmethod
    def least(cls, values: Float64Array, smooth: Float64Array) -> NoiseModel | None:
        """Return the variance proportional to the signal that no level of the signal falls below.

        For one spectrum with many peaks, whose slopes look like noise at most levels. Returns None without noise.
        """
        level, variance, _ = _variances(values, smooth)
        known = (variance > 0) & (level > 0)
        return cls(0.0, float((variance[known] / level[known]).min())) if known.any() else None

    def stabilized(self, values: Float64Array) -> Float64Array:
        """Return values whose noise has variance one, by the generalised Anscombe transform."""
        if self.slope * np.abs(values).max(initial=0.0) <= 1e-6 * self.constant:
            linear: Float64Array = values / np.sqrt(self.constant)
            return linear
        shifted = self.slope * values + 0.375 * self.slope**2 + self.constant
        roots: Float64Array = np.sqrt(np.maximum(shifted, 0.0))
        return 2 / self.slope * roots


class Runs(NamedTuple):
    """Runs of consecutive channels of one spectrum: pixel, first channel, one-past-last channel, largest score."""

    pixel: Array
    first: Array
    stop: Array
    score: Float64Array


def _variances(values: Float64Array, smooth: Float64Array) -> tuple[Float64Array, Float64Array, float | None]:
    """Return signal and variance of the noise at several levels, and the smallest step between values, if any."""
    second = np.abs(np.diff(values, 2, axis=-1)).ravel()
    signal = smooth[..., 1:-1].ravel()
    steps = second[second > 0]
    groups = [one for one in np.array_split(np.argsort(signal, kind="stable"), _LEVELS) if one.size]
    variance = np.array([(_TO_SIGMA * _trimmed_mean(second[one])) ** 2 for one in groups])
    level = np.array([max(float(np.median(signal[one])), 0.0) for one in groups])
    return level, variance, float(steps.min()) if steps.size else None


def _trimmed_mean(values: Float64Array) -> float:
    """Return the mean of all but the largest values."""
    kept = max(1, round((1 - _TRIMMED) * values.size))
    return float(np.partition(values, kept - 1)[:kept].mean())


def running_median(values: Float64Array, width: int) -> Float64Array:
    """Return the median over 2 width + 1 channels, which a spike of up to ``width`` channels does not move.

    Channels at an end get the median of the channels there, because a padded window would repeat a spike.
    """
    from scipy.ndimage import median_filter  # noqa: PLC0415  slow import, needed for this step only

    size = (1,) * (values.ndim - 1) + (2 * width + 1,)
    smooth: Float64Array = np.asarray(median_filter(values, size, mode="nearest"))
    smooth[..., :width] = smooth[..., width : width + 1]
    smooth[..., -width:] = smooth[..., -width - 1 : -width]
    return smooth


def without_gaps(values: Float64Array) -> Float64Array:
    """Return spectra (..., channels) with missing values interpolated along the channels; missing pixels become 0."""
    gaps = np.isnan(values)
    if not gaps.any():
        return values
    filled = np.where(gaps, 0.0, values)
    channels = np.arange(values.shape[-1])
    for pixel in zip(*np.nonzero(gaps.any(axis=-1) & ~gaps.all(axis=-1)), strict=True):
        seen = ~gaps[pixel]
        filled[pixel] = np.interp(channels, channels[seen], values[pixel][seen])
    return filled


def scores(values: Float64Array, missing: Array, width: int, noise: NoiseModel) -> tuple[Float64Array, Float64Array]:
    """Return by how many standard deviations each value lies above, and below, all that is expected of it.

    The expected value is the running median plus the excess that neighbouring pixels show in this channel. Excess
    below the median has no physical cause like a cosmic ray, so it tells how noise alone is distributed.

    Parameters
    ----------
    values
        Spectra without gaps (pixel dims, channels).
    missing
        True for pixels without values, which are no neighbours (pixel dims).
    """
    smooth = running_median(values, width)
    excess = values - smooth
    level, base = noise.stabilized(values), noise.stabilized(smooth)
    score = level - base
    found = []
    for sign in (1.0, -1.0):
        size, significance = second_largest(sign * excess, missing), second_largest(sign * score, missing)
        shared = np.where(significance > _FLANK, _SHARED * size, np.maximum(size, 0.0))
        found.append(sign * (level - noise.stabilized(smooth + sign * shared)))
    return found[0], found[1]


def runs(score: Float64Array, least: float) -> Runs:
    """Return the runs of channels with a score above the flank of a spike, of those that reach ``least``.

    Parameters
    ----------
    score
        Array (pixels, channels).
    least
        Smallest score that one channel of a run must exceed.
    """
    pixel, channel = np.nonzero(score > _FLANK)
    if not pixel.size:
        return Runs(pixel, channel, channel, np.zeros(0))
    begins = np.flatnonzero(np.append(True, (np.diff(pixel) > 0) | (np.diff(channel) > 1)))
    ends = np.append(begins[1:], pixel.size) - 1
    largest = np.maximum.reduceat(score[pixel, channel], begins)
    kept = largest > least
    return Runs(pixel[begins][kept], channel[begins][kept], channel[ends][kept] + 1, largest[kept])


def interpolated(found: Runs, spectra: Float64Array) -> tuple[Array, Array, Float64Array]:
    """Return run, channel and new value of each entry of the runs, interpolated between the channels around the run."""
    length = found.stop - found.first
    number = np.repeat(np.arange(length.size), length)
    step = np.arange(number.size) - np.repeat(np.cumsum(length) - length, length) + 1
    last = spectra.shape[1] - 1
    left, right = found.first - 1, found.stop
    left, right = np.where(left < 0, right, left), np.where(right > last, left, right)  # at an end of the spectrum
    low, high = (spectra[found.pixel, np.clip(one, 0, last)] for one in (left, right))
    share = step / (length + 1)[number]
    return number, found.first[number] + step - 1, low[number] + share * (high - low)[number]


def second_largest(values: Float64Array, missing: Array) -> Float64Array:
    """Return the second largest value of the neighbouring pixels; the largest of fewer than three; -inf of none.

    One neighbour alone may have a spike of its own.
    """
    shape = missing.shape
    padding = [(1, 1)] * len(shape)
    padded = np.pad(np.where(missing[..., None], -np.inf, values), [*padding, (0, 0)], constant_values=-np.inf)
    present = np.pad(~missing, padding)
    first, second = np.full((2, *values.shape), -np.inf)
    count = np.zeros(shape, int)
    for where in _neighbours(shape):
        other = padded[where]
        second = np.maximum(second, np.minimum(first, other))
        first = np.maximum(first, other)
        count += present[where]
    largest: Float64Array = np.where((count < 3)[..., None], first, second)
    return largest


def _neighbours(shape: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    """Yield the slices of a map padded by one that hold each of the 3^n - 1 neighbours."""
    for shift in product((0, 1, 2), repeat=len(shape)):
        if any(one != 1 for one in shift):
            yield tuple(slice(one, one + length) for one, length in zip(shift, shape, strict=True))
