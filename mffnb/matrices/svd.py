"""Randomized singular value decomposition of a matrix that is read in few passes, also over ranks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import linalg

from mffnb.matrices import everywhere
from mffnb.protocols.matrix import Matrix, Products
from mffnb.typing import Float64Array

_SPARE = 2  # random rows beyond the rank that is wanted, at least


_TILE = 4  # products make four rows at a time: a number that is no multiple costs the same as the next one


def sketched_svd(matrix: Matrix, rank: int, seed: int) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Leading singular triplets of X, good enough to start from, in two looks at it.

    As :func:`randomized_svd` with one subspace iteration, but both products of an iteration are made in one look, from
    rows that are not orthonormal yet: those that are, are a mixture of them, and so is their product with X.

    Parameters
    ----------
    matrix, rank, seed
        As there.

    Returns
    -------
    left, values, right
        As there.
    """
    width = min(-(-(rank + _SPARE) // _TILE) * _TILE, *matrix.shape)
    size = float(np.sqrt(matrix.squared_norm)) or 1.0  # its fourth power may be more than a number holds
    rows = matrix.through(_test_rows(width, matrix, seed) / size, lambda _, cross: cross / size)
    basis = _orthonormal(rows, matrix.total)
    scores = np.empty((len(basis), matrix.own.stop - matrix.own.start))

    def keep(rows: slice, cross: Float64Array) -> Float64Array:
        scores[:, rows] = cross
        return cross

    product = matrix.through(basis, keep)
    mixing = _whitening(matrix.total(scores @ scores.T))
    rotation, values, right = _svd(mixing @ product, matrix)
    return (rotation.T @ mixing)[:rank] @ scores, values[:rank], right[:rank]


def _svd(rows: Float64Array, matrix: Products) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Singular value decomposition of (few, own columns) over all columns; own columns of the right vectors."""
    left, values, right = linalg.svd(everywhere(matrix, rows), full_matrices=False, check_finite=False)
    return left, values, right[:, matrix.own_columns]


def _test_rows(width: int, matrix: Products, seed: int) -> Float64Array:
    generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(3,)))
    return generator.standard_normal((width, matrix.shape[1]))[:, matrix.own_columns]


def randomized_svd(
    matrix: Products, rank: int, seed: int, *, oversampling: int = 8, power: int = 2
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
        Rows of ``left`` (rank, own pixels) and ``right`` (rank, own channels) are orthonormal; values fall. Fewer than
        ``rank`` where X has a lower one.
    """
    width = min(rank + oversampling, *matrix.shape)
    basis = _test_rows(width, matrix, seed)
    left = np.empty((0, 0))
    for _ in range(power + 1):
        left = _orthonormal(matrix.times(_orthonormal(basis, matrix.total)), matrix.total)
        basis = matrix.transposed_times(left)
    mixing, values, right = _svd(basis, matrix)
    return (mixing.T @ left)[:rank], values[:rank], right[:rank]


def _orthonormal(rows: Float64Array, total: Callable[[Float64Array], Float64Array]) -> Float64Array:
    """Orthonormal rows with the same span; fewer, where it has fewer dimensions.

    Through the Gram matrix, since the entries may be shared out over processes; twice, since once loses half the
    digits.
    """
    for _ in range(2):
        rows = _whitening(total(rows @ rows.T)) @ rows
    return rows


def _whitening(gram: Float64Array) -> Float64Array:
    """What makes rows with this Gram matrix orthonormal; fewer, where they are linearly dependent."""
    values, vectors = linalg.eigh(gram)
    kept = values > 1e-14 * max(values[-1], 0.0) if len(values) else []
    mixing: Float64Array = (vectors[:, kept] / np.sqrt(values[kept])).T
    return mixing


def _uniform(seed: int, tag: int, entries: slice, components: int) -> Float64Array:
    """Uniform numbers (components, entries): entry i owns draws ``i * components`` onwards of one stream."""
    stream = np.random.Philox(np.random.SeedSequence(seed, spawn_key=(tag,)))
    start, stop = entries.start * components, entries.stop * components
    stream.advance(start // 4)  # a step of the counter makes four numbers
    numbers = np.random.Generator(stream).random(start % 4 + stop - start)[start % 4 :]
    return np.ascontiguousarray(numbers.reshape(-1, components).T)
