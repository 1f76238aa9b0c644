"""Randomized singular value decomposition (SVD) of X in few passes over the data, also distributed over ranks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import linalg

from mffnb.matrices import replicate_columns
from mffnb.matrices.cancellation import checked
from mffnb.protocols.matrix import Matrix, Products
from mffnb.typing import Float64Array

_OVERSAMPLING = 2  # minimal number of random rows beyond the requested rank


_TILE = 4  # kernels multiply four components at a time, so the width is a multiple of four


def sketched_svd(matrix: Matrix, rank: int, seed: int) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Approximate the leading singular triplets of X in two passes, accurate enough for a start.

    This is :func:`randomized_svd` with one subspace iteration, except that both products of an iteration share one pass
    over X. The second product is made with rows that are not yet orthonormal; orthonormal rows are a linear combination
    of them, and so are their products with X.

    Parameters
    ----------
    matrix, rank, seed
        See :func:`randomized_svd`.

    Returns
    -------
    left, values, right
        See :func:`randomized_svd`.
    """
    width = min(-(-(rank + _OVERSAMPLING) // _TILE) * _TILE, *matrix.shape)
    size = float(np.sqrt(matrix.squared_norm)) or 1.0  # X is scaled to norm 1, because its fourth power may overflow
    rows = matrix.fused_products(_test_rows(width, matrix, seed) / size, lambda _, cross: cross / size)
    basis = _orthonormal(rows, matrix.total)
    scores = np.empty((len(basis), matrix.own.stop - matrix.own.start))

    def keep(rows: slice, cross: Float64Array) -> Float64Array:
        scores[:, rows] = cross
        return cross

    product = matrix.fused_products(basis, keep)
    mixing = _whitening(matrix.total(scores @ scores.T))
    rotation, values, right = _svd(mixing @ product, matrix)
    return (rotation.T @ mixing)[:rank] @ scores, values[:rank], right[:rank]


def _svd(rows: Float64Array, matrix: Products) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Compute the SVD of a distributed matrix with few rows; right vectors, like the rows, are (few, own columns)."""
    left, values, right = linalg.svd(replicate_columns(matrix, rows), full_matrices=False, check_finite=False)
    return left, values, right[:, matrix.own_columns]


def _test_rows(width: int, matrix: Products, seed: int) -> Float64Array:
    """Draw the random test matrix, (width, own columns); its numbers do not depend on the distribution over ranks."""
    generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(3,)))
    return generator.standard_normal((width, matrix.shape[1]))[:, matrix.own_columns]


def randomized_svd(
    matrix: Products, rank: int, seed: int, *, oversampling: int = 8, power: int = 2
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Compute the leading singular triplets of X by randomized subspace iteration.

    Source: Halko, Martinsson & Tropp 2011, SIAM Review 53:217, algorithm 4.4.

    Parameters
    ----------
    matrix
        X, (pixels, channels).
    rank
        Number of singular triplets requested.
    seed
        Seed of the random test matrix.
    oversampling
        Number of additional random directions.
    power
        Number of subspace iterations; each reads X twice.

    Returns
    -------
    left, values, right
        Rows of ``left`` (rank, own pixels) and ``right`` (rank, own channels) are orthonormal; values descend. Fewer
        than ``rank`` triplets if the rank of X is lower.
    """
    width = min(rank + oversampling, *matrix.shape)
    basis = _test_rows(width, matrix, seed)
    left = np.empty((0, 0))
    for _ in range(power + 1):
        del left  # frees its memory before the next rows are computed
        left = _orthonormal(matrix.times(_orthonormal(basis, matrix.total)), matrix.total)
        basis = matrix.transposed_times(left)
    mixing, values, right = _svd(basis, matrix)
    return (mixing.T @ left)[:rank], values[:rank], right[:rank]


def _orthonormal(rows: Float64Array, total: Callable[[Float64Array], Float64Array]) -> Float64Array:
    """Orthonormalise rows (few, own entries) over all processes; return fewer rows if they are linearly dependent.

    The Gram matrix is used because the entries may be distributed over ranks. The step is applied twice, because a
    single one loses half of the digits.
    """
    for _ in checked(range(2)):
        rows = _whitening(total(rows @ rows.T)) @ rows
    return rows


def _whitening(gram: Float64Array) -> Float64Array:
    """Compute the matrix that makes rows with this Gram matrix orthonormal.

    The result has fewer rows if the given rows are linearly dependent.
    """
    values, vectors = linalg.eigh(gram)
    kept = values > 1e-14 * max(values[-1], 0.0) if len(values) else []
    mixing: Float64Array = (vectors[:, kept] / np.sqrt(values[kept])).T
    return mixing
