"""First guesses of both factors, and the small factorizations they are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from mffnb.protocols import Matrix, Start
from mffnb.typing import Float64Array


@dataclass(frozen=True)
class RandomStart:
    """Uniform random maps and spectra, scaled together to fit the data as well as they can.

    The random numbers of a pixel depend on the seed and on its number alone, not on how pixels are shared
    out, so that a split image starts from the same place.
    """

    def start(self, matrix: Matrix, components: int, seed: int) -> tuple[Float64Array, Float64Array]:
        """A (k, pixels) and E (k, channels), uniform in [0, 1) times one common factor."""
        pixels, channels = matrix.shape
        abundances = _uniform(seed, 1, pixels, components)
        endmembers = _uniform(seed, 2, channels, components)
        gram = (abundances @ abundances.T, endmembers @ endmembers.T)
        fit = float(np.vdot(matrix.cross(endmembers), abundances)) / float(np.vdot(*gram))
        factor = np.sqrt(max(fit, np.finfo(float).tiny))
        return abundances * factor, endmembers * factor


@dataclass(frozen=True)
class NNDSVD:
    """Non-negative double singular value decomposition, zeros filled with the mean of the data.

    Each pair of singular vectors is split into its positive and its negative part, and the heavier pair of parts
    is kept. Deterministic up to the seed of the randomized decomposition.

    Source: Boutsidis & Gallopoulos 2008, Pattern Recognition 41:1350.
    """

    def start(self, matrix: Matrix, components: int, seed: int) -> tuple[Float64Array, Float64Array]:
        """A (k, pixels) and E (k, channels), sharing the singular values evenly."""
        rank = min(components, *matrix.shape)
        left, values, right = randomized_svd(matrix, rank, seed)
        abundances = np.zeros((components, matrix.shape[0]))
        endmembers = np.zeros((components, matrix.shape[1]))
        for j in range(rank):
            halves = [(np.maximum(s * left[j], 0), np.maximum(s * right[j], 0)) for s in (1.0, -1.0)]
            norms = [np.linalg.norm(a) * np.linalg.norm(e) for a, e in halves]
            best = int(np.argmax(norms))
            if norms[best] > 0:
                a, e = halves[best]
                root = np.sqrt(values[j] * norms[best])
                abundances[j] = root * a / np.linalg.norm(a)
                endmembers[j] = root * e / np.linalg.norm(e)
        # Where k exceeds the rank there is nothing to split: such components start as faint uniform ones.
        for factor in (abundances, endmembers):
            factor[factor == 0] = factor.mean()
        return abundances, endmembers


STARTS: dict[str, Start] = {"random": RandomStart(), "nndsvd": NNDSVD()}


def randomized_svd(
    matrix: Matrix, rank: int, seed: int, *, oversampling: int = 8, power: int = 2
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Leading singular triplets of X from a few looks at it.

    Source: Halko, Martinsson & Tropp 2011, SIAM Review 53:217, algorithm 4.4 (subspace iteration).

    Parameters
    ----------
    matrix
        X, (pixels, channels).
    rank
        Number of triplets wanted.
    seed
        Seed of the random test matrix.
    oversampling
        Additional random directions.
    power
        Subspace iterations; each reads X twice.

    Returns
    -------
    left, values, right
        Rows of ``left`` (rank, pixels) and ``right`` (rank, channels) are orthonormal; values fall.
    """
    width = min(rank + oversampling, *matrix.shape)
    basis = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(3,))).standard_normal(
        (width, matrix.shape[1])
    )
    for _ in range(power + 1):
        left = _orthonormal(matrix.cross(_orthonormal(basis)))
        basis = matrix.T.cross(left)
    mixing, values, right = linalg.svd(basis, full_matrices=False, check_finite=False)
    return (mixing.T @ left)[:rank], values[:rank], right[:rank]


def _orthonormal(rows: Float64Array) -> Float64Array:
    basis: Float64Array = linalg.qr(rows.T, mode="economic", check_finite=False)[0].T
    return basis


def _uniform(seed: int, tag: int, entries: int, components: int) -> Float64Array:
    """Uniform numbers (components, entries): entry i owns draws ``i * components`` onwards of one stream."""
    stream = np.random.Generator(np.random.Philox(np.random.SeedSequence(seed, spawn_key=(tag,))))
    return np.ascontiguousarray(stream.random((entries, components)).T)
