r"""Count the components of a mixture by singular vectors whose variance other pixels confirm (cross-validation).

The right singular vectors of one half of the pixels are applied to the other half. With noise of variance 1 in each
channel, the other half has variance 1 along a vector that is noise, whatever the singular value was, and more along a
spectral direction of the data. The order of the pixels does not matter, so this counts also where neighbours are not
similar.

Noise that neighbouring channels share is larger in some directions than in others. The variances of noise then decline
slowly with the number of the direction, and a component shows as a step.

A channel with a handful of counts has noise with long tails: its variance differs between the halves, which looks like
a step. Such channels are summed with their neighbours; sums of counts are counts, and their mixtures are linear.

Source: Chen, Roch, Rohe & Yu 2021, arXiv:2108.03336 (cross-validated eigenvalues); Bioucas-Dias & Nascimento 2008, IEEE
TGRS 46:2435 (HySime: the noise of a channel is what the other channels do not predict).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from mffnb.geometry.compression import compress
from mffnb.matrices import Dense
from mffnb.protocols.matrix import Matrix
from mffnb.solvers.subsampled_start import rows_of
from mffnb.typing import Array, Float64Array

_PIXELS = 4000  # largest number of pixels in both halves; more take longer and change little
_CHANNELS = 600  # largest number of channels that are predicted from the others, which takes their third power
_EACH = 2  # fewest pixels for each channel
_SPLITS = 3
# Of data with a smaller share of non-zero entries: the fewest such entries of a channel, and the fewest sums of
# channels that are left. On 14 scenes of 0.02 to 0.2 counts an entry, 50 to 400 entries gave the true number in 13 or
# 14, single channels in 9.
_FILLED, _ENTRIES, _SUMS = 0.25, 100, 51


@dataclass(frozen=True, eq=False)
class WhitenedSample:
    """Some pixels of X, and the factors that give the noise of each channel the variance 1.

    Attributes
    ----------
    rows
        X of these pixels with whitened channels, (some, channels); channels with few entries are summed.
    factors
        Factors of the channels, (channels,); 0 for a channel without signal.
    seed
        Seed of the random halves.
    """

    rows: Float64Array
    factors: Float64Array
    seed: int

    @classmethod
    def of(cls, matrix: Matrix, columns: Float64Array, seed: int = 0) -> WhitenedSample:
        """Draw pixels and estimate the noise of each channel.

        Parameters
        ----------
        matrix
            Data matrix X, (pixels, channels), complete.
        columns
            Factors that are used where there are too few pixels, or too many channels, to predict one from the others.
        seed
            Seed of the random draws.
        """
        pixels = matrix.shape[0]
        generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(39,)))
        drawn = np.arange(pixels) if pixels <= _PIXELS else np.sort(generator.choice(pixels, _PIXELS, replace=False))
        rows = rows_of(matrix, drawn)
        starts = _starts(rows)
        if len(starts) < rows.shape[1]:
            rows = np.add.reduceat(rows, starts, axis=1)
            columns = _factors_of_sums(columns, starts)
        predicted = rows.shape[1] <= min(_CHANNELS, len(rows) // _EACH)
        factors = _noise_factors(rows) if predicted else columns
        lengths = np.diff(np.append(starts, matrix.shape[1]))
        return cls(rows * factors, np.repeat(factors, lengths), seed)

    def held_out_variances(self, most: int) -> Float64Array:
        """Return the variance of one half of the pixels along the singular vectors of the other, relative to noise.

        Returns
        -------
        ndarray
            (most,) means over several pairs of halves, about 1 for noise; fewer for few pixels or channels.

        Examples
        --------
        >>> from mffnb.matrices import in_memory
        >>> rng = np.random.default_rng(0)
        >>> X = rng.dirichlet([1, 1, 1], 800) @ rng.random((3, 40)) + 0.05 * rng.standard_normal((800, 40))
        >>> variances = WhitenedSample.of(in_memory(X), np.ones(40)).held_out_variances(6)
        >>> int((variances > 1.3).sum())
        3
        """
        X = self.rows
        rank = min(most, X.shape[1] // 3, len(X) // 6)
        if rank < 1:
            return np.empty(0)
        seen = max(1, np.count_nonzero(X.any(axis=0)) - rank)
        found = []
        for split in range(_SPLITS):
            generator = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(39, split)))
            order = generator.permutation(len(X))
            halves = X[order[: len(X) // 2]], X[order[len(X) // 2 :]]
            for here, there in (halves, halves[::-1]):
                right = compress(Dense(here), rank, self.seed).right
                along = np.zeros(rank)  # X may have fewer directions
                along[: len(right)] = np.mean((there @ right.T) ** 2, axis=0)
                rest = float(np.mean(np.einsum("pc,pc->p", there, there))) - float(along.sum())
                least = max(np.finfo(np.float64).eps * float(along.sum()), np.finfo(np.float64).tiny)
                found.append(along * seen / max(rest, least))
        return np.asarray(np.mean(found, axis=0))


def _starts(X: Float64Array) -> Array:
    """Return the first channel of each sum of neighbouring channels; all channels unless most entries are zero."""
    entries = np.count_nonzero(X, axis=0)
    every = np.arange(X.shape[1])
    whole = int(entries.sum())
    if whole == 0 or whole >= _FILLED * X.size or len(every) <= _SUMS:
        return every
    least = max(1, min(_ENTRIES, whole // _SUMS))
    starts, held = [0], 0
    for channel, number in enumerate(entries.tolist()):
        if held >= least:
            starts.append(channel)
            held = 0
        held += number
    return np.asarray(starts if held >= least or len(starts) == 1 else starts[:-1])


def _factors_of_sums(columns: Float64Array, starts: Array) -> Float64Array:
    """Return the whitening factors of sums of channels, whose variances add up; 0 where all channels have none."""
    used = columns > 0
    variances = np.zeros(len(columns))
    variances[used] = columns[used] ** -2.0
    summed = np.add.reduceat(variances, starts)
    found = np.zeros(len(starts))
    found[summed > 0] = summed[summed > 0] ** -0.5
    return found


def _noise_factors(X: Float64Array) -> Float64Array:
    """Return 1 over the standard deviation of what the other channels do not predict of a channel; 0 without any."""
    gram = X.T @ X
    size = np.sqrt(np.diag(gram))
    used = size > 1e-9 * size.max(initial=0.0)
    factors = np.zeros(len(size))
    if not used.any():
        return factors
    scaled = gram[np.ix_(used, used)] / np.outer(size[used], size[used])
    # A small ridge bounds channels that others predict without error.
    inverse = linalg.inv(scaled + 1e-10 * np.eye(len(scaled)), check_finite=False)
    factors[used] = np.sqrt(np.diag(inverse) * max(1, len(X) - len(scaled))) / size[used]
    return factors
