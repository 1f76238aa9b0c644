"""Noise of a spectral image: how its variance follows the signal, and how far it is shared by neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from mffnb.geometry.compression import compress
from mffnb.matrices import in_memory
from mffnb.typing import Array, Float64Array
from mffnb.unmixing.suggestion.sample import Sample

_RANK, _FEW = 12, 8  # singular vectors that may hold signal, at most one in eight: what they leave is noise
_FAINT, _GROUPS, _ENTRIES = 1e-2, 24, 100  # faintest signal relative to the largest, groups between, entries in one
_RUNS, _RUN = 8, 256  # runs of pixels whose noise is estimated, and pixels in each
_GRAINY = 0.8  # variance between neighbours relative to that of all pixels, from which a channel holds no image
# On 250 random scenes (70 of counts; windows of a sliding FFT, speckle, moduli, 8 bits) groups of counts deviated by
# 0.13 at most from a power law, those of speckle and proportional noise by 0.25 at least. Neighbouring channels of
# counts had correlations of 0.02 at most, those of tapered windows 0.37 at least.
_BENT, _SPREAD = 0.2, 0.2
_TINY = np.finfo(np.float64).tiny


@dataclass(frozen=True, eq=False)
class Noise:
    r"""Noise of the entries of X: what the leading singular vectors leave, corrected for their degrees of freedom.

    Attributes
    ----------
    power
        p in ``variance ~ mean^p`` over all entries: 0 for noise of one size, 1 for counts, 2 if it is proportional.
    per_count
        Variance divided by mean: 1 for counts.
    bend
        Deviation of log(variance) from the line of this power, root mean square over groups of entries.
    variances, means
        Variance of the noise and mean of the data in each channel, (channels,).
    grain
        Variance of channels that hold no image but noise, which a singular vector may have taken for a signal; 0 for
        the others, (channels,).
    along_channels, along_pixels
        Correlation of the noise of neighbouring channels and of neighbouring pixels.
    relative
        Root mean square of the noise relative to that of the data.
    """

    PROPORTIONAL: ClassVar[float] = 1.4
    """Power above which the noise itself, and not its variance, is in proportion to the signal."""

    power: float
    per_count: float
    bend: float
    variances: Float64Array
    means: Float64Array
    grain: Float64Array
    along_channels: float
    along_pixels: float
    relative: float

    @classmethod
    def of(cls, sample: Sample, seed: int = 0) -> Noise:
        """Estimate the noise of a sample."""
        if not sample.values.any():
            none = np.zeros(sample.values.shape[1])
            return cls(0.0, 0.0, 0.0, none, none, none, 0.0, 0.0, 0.0)
        means: Float64Array = sample.values.mean(axis=0, dtype=np.float64)
        runs = np.linspace(0, max(0, len(sample.values) - _RUN), _RUNS).astype(int)
        pixels = np.unique((runs[:, None] + np.arange(min(_RUN, len(sample.values)))).ravel())
        level = cls._of(sample, pixels, means, np.ones(len(means)), seed)
        if np.any(means < 0) or not means.any():
            return level
        # Singular vectors follow the noise of the brightest channels, unless noise has one size in all. Of the two
        # assumptions, one size or counts, the one holds that its own residual confirms.
        columns = np.where(means > 0, 1 / np.sqrt(np.where(means > 0, means, 1.0)), 0.0)
        counts = cls._of(sample, pixels, means, columns, seed)
        return counts if abs(counts.power - 1) < abs(level.power) else level

    @classmethod
    def _of(cls, sample: Sample, pixels: Array, means: Float64Array, columns: Float64Array, seed: int) -> Noise:
        """Estimate the noise in some pixels from data whose channels are multiplied by these factors."""
        data = sample.values[pixels].astype(np.float64)
        matrix = in_memory(data * columns)
        rank = max(1, min(_RANK, min(matrix.shape) // _FEW))
        model = compress(matrix, rank, seed)
        lost = max((1 - rank / matrix.shape[0]) * (1 - rank / np.count_nonzero(columns)), 0.1)
        signal = (model.left.T @ model.right) / np.where(columns > 0, columns, 1.0)
        residual = (data - signal) / np.sqrt(lost)
        # Rounding errors are no noise: without this, data without noise would have one of an arbitrary shape.
        residual[np.abs(residual) <= 1e-9 * float(np.abs(data).max(initial=0.0))] = 0.0
        power, per_count, bend = _power(signal, data, residual)
        size = float(np.mean(data**2))
        return cls(
            power=power,
            per_count=per_count,
            bend=bend,
            variances=np.mean(residual**2, axis=0),
            means=means,
            grain=_grain(sample, pixels, data),
            along_channels=_correlation(residual[:, :-1], residual[:, 1:]),
            along_pixels=_between_pixels(sample, pixels, residual),
            relative=float(np.sqrt(np.mean(residual**2) / size)) if size > 0 else 0.0,
        )

    @property
    def grows_like_counts(self) -> bool:
        """Whether the power is about 1; where the variance equals the mean, it may seem smaller."""
        least = 0.5 if abs(self.per_count - 1) < 0.1 else 0.7
        return least <= self.power <= self.PROPORTIONAL

    @property
    def like_counts(self) -> bool:
        """Whether the variance is in proportion to the mean at all signals, and neighbouring channels do not share it.

        Moduli of a Fourier transform vary between noise of one size and noise in proportion to the signal, which may
        look like a power of 1; a taper makes neighbouring channels similar.
        """
        return self.grows_like_counts and self.bend < _BENT and not self.is_shared

    @property
    def is_shared(self) -> bool:
        """Whether neighbouring channels share more of the noise than independent counts do."""
        return self.along_channels > _SPREAD

    @property
    def is_poisson(self) -> bool:
        """Whether the variance equals the mean, so that values are counts without a factor."""
        return self.like_counts and abs(self.per_count - 1) < 0.2

    @cached_property
    def excess(self) -> Float64Array:
        """Variance of each channel relative to what its mean explains: the typical one of all channels, (channels,)."""
        expected = np.maximum(self.means, 0.0) ** max(self.power, 0.0) if self.power > 0.2 else np.ones(len(self.means))
        variances = np.maximum(self.variances, self.grain)
        used = (expected > 0) & (variances > 0)
        ratio = np.zeros(len(self.means))
        ratio[used] = variances[used] / expected[used]
        typical = float(np.median(ratio[used])) if used.any() else 1.0
        return ratio / max(typical, _TINY)


def _power(signal: Float64Array, data: Float64Array, residual: Float64Array) -> tuple[float, float, float]:
    """Return p of ``variance ~ mean^p``, variance over mean, and how far groups of similar signal are from the line."""
    every = max(1, signal.size // 2**20)
    expected, values, squares = (one.ravel()[::every] for one in (signal, data, residual**2))
    total, whole, top = float(values.sum()), float(squares.sum()), float(expected.max(initial=0.0))
    if whole <= 0 or total <= 0 or top <= 0:
        return 0.0, 0.0, 0.0
    limits = top * np.geomspace(_FAINT, 1.0, _GROUPS)
    group = np.searchsorted(limits, expected)
    size = np.bincount(group, minlength=_GROUPS + 1)[1:]
    used = np.flatnonzero(size >= _ENTRIES)
    # The mean of the data in a group, unlike that of the model, has no noise in common with the residual.
    mean, variance = (np.bincount(group, one, _GROUPS + 1)[1:][used] / size[used] for one in (values, squares))
    positive = (mean > 0) & (variance > 0)
    x, y, w = np.log(mean[positive]), np.log(variance[positive]), np.sqrt(size[used][positive])
    if len(x) < 3:
        return 0.0, whole / total, 0.0
    x, y = x - np.average(x, weights=w), y - np.average(y, weights=w)
    varied = float(w @ x**2)
    power = float(w @ (x * y)) / varied if varied > 0.05 * w.sum() else 0.0
    return power, whole / total, float(np.sqrt(np.average((y - power * x) ** 2, weights=w)))


def _correlation(one: Array, other: Array) -> float:
    """Return the correlation of two arrays of mean zero."""
    size = float(np.sqrt(np.sum(one**2) * np.sum(other**2)))
    return float(np.sum(one * other)) / size if size > 0 else 0.0


def _neighbours(sample: Sample, pixels: Array) -> tuple[Array, Array]:
    """Return the positions among some pixels of about 1000 pairs of neighbours."""
    graph = sample.graph
    row = np.full(graph.pixels, -1)
    row[pixels] = np.arange(len(pixels))
    here = row[np.repeat(np.arange(graph.pixels), np.diff(graph.indptr))]
    there = row[graph.indices]
    pairs = (here >= 0) & (there > here)
    here, there = here[pairs], there[pairs]
    every = max(1, len(here) // 1000)
    return here[::every], there[::every]


def _between_pixels(sample: Sample, pixels: Array, residual: Float64Array) -> float:
    """Return the correlation of the noise of neighbouring pixels, from the residual of some pixels."""
    here, there = _neighbours(sample, pixels)
    return _correlation(residual[here], residual[there])


def _grain(sample: Sample, pixels: Array, data: Float64Array) -> Float64Array:
    """Return the variance of channels in which neighbouring pixels differ as much as any two; 0 for others."""
    here, there = _neighbours(sample, pixels)
    if len(here) < 2:
        return np.zeros(data.shape[1])
    jumps, spread = np.mean((data[here] - data[there]) ** 2, axis=0) / 2, data.var(axis=0)
    return np.where(jumps > _GRAINY * spread, spread, 0.0)
