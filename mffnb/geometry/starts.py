"""Start values of both factors: random uniform numbers, or NNDSVD."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mffnb.matrices.svd import sketched_svd
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.solver import Start
from mffnb.typing import Float64Array

_FAINT = 1e-12  # relative to the mean of a factor: smaller entries count as zero


@dataclass(frozen=True)
class RandomStart:
    """Uniform random factors, scaled together for the best least-squares fit.

    The random numbers of a pixel depend only on the seed and on its index. The start is therefore independent of the
    distribution of the pixels.
    """

    def start(self, matrix: Matrix, components: int, seed: int) -> tuple[Float64Array, Float64Array]:
        """Draw A and E uniformly in [0, 1) times one common factor, at the pixels and channels that this rank owns."""
        abundances = _uniform_entries(seed, 1, matrix.own, components)
        endmembers = _uniform_entries(seed, 2, matrix.own_columns, components)
        fit = matrix.total(np.array(np.vdot(matrix.times(endmembers), abundances)))
        size = np.vdot(matrix.total(abundances @ abundances.T), matrix.total(endmembers @ endmembers.T))
        factor = np.sqrt(max(float(fit / size), np.finfo(float).tiny))
        return abundances * factor, endmembers * factor


@dataclass(frozen=True)
class NNDSVD:
    """Non-negative double singular value decomposition (NNDSVD), with zeros replaced by the mean of each factor.

    Each pair of singular vectors is split into its positive and its negative part, and the pair of parts with the
    larger product of norms is kept. The result is deterministic for a given seed of the randomized SVD.

    Source: Boutsidis & Gallopoulos 2008, Pattern Recognition 41:1350.
    """

    def start(self, matrix: Matrix, components: int, seed: int) -> tuple[Float64Array, Float64Array]:
        """Compute A and E for the pixels and channels of this rank; each contains the root of the singular values."""
        left, values, right = sketched_svd(matrix, min(components, *matrix.shape), seed)
        return split_triplets(matrix, left, values, right, components)


def split_triplets(
    matrix: Matrix, left: Float64Array, values: Float64Array, right: Float64Array, components: int
) -> tuple[Float64Array, Float64Array]:
    """Compute A and E of :class:`NNDSVD` from singular triplets of X, of which there may be fewer than components."""
    abundances = np.zeros((components, left.shape[1]))
    endmembers = np.zeros((components, right.shape[1]))
    for j in range(len(values)):
        halves = [(np.maximum(s * left[j], 0), np.maximum(s * right[j], 0)) for s in (1.0, -1.0)]
        norms = [matrix.total(np.array([a @ a, e @ e])) ** 0.5 for a, e in halves]
        best = int(np.argmax([a * e for a, e in norms]))
        (a, e), (of_a, of_e) = halves[best], norms[best]
        if of_a * of_e > 0:
            root = np.sqrt(values[j] * of_a * of_e)
            abundances[j], endmembers[j] = root * a / of_a, root * e / of_e
    # An entry that is zero in both factors stays zero, so zeros (up to rounding) are replaced by the mean.
    for factor, entries in ((abundances, matrix.shape[0]), (endmembers, matrix.shape[1])):
        mean = float(matrix.total(np.array(factor.sum()))) / (components * entries)
        factor[factor <= _FAINT * mean] = mean
    return abundances, endmembers


def _uniform_entries(seed: int, tag: int, entries: slice, components: int) -> Float64Array:
    """Draw uniform random numbers (components, entries) that do not depend on the distribution of the entries.

    Entry i uses the draws from ``i * components`` on of one stream, selected by ``seed`` and ``tag``.
    """
    stream = np.random.Philox(np.random.SeedSequence(seed, spawn_key=(tag,)))
    start, stop = entries.start * components, entries.stop * components
    stream.advance(start // 4)  # one step of the generator's counter yields four numbers
    numbers = np.random.Generator(stream).random(start % 4 + stop - start)[start % 4 :]
    return np.ascontiguousarray(numbers.reshape(-1, components).T)


NAMED: dict[str, Start] = {"random": RandomStart(), "nndsvd": NNDSVD()}
