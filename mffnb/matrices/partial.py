"""X of which some entries count less than others, or are missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast

import numpy as np

from mffnb.kernels import gaps
from mffnb.matrices.chunked import Chunked
from mffnb.matrices.local import CACHE_BYTES, Local, band_limits
from mffnb.typing import Array, Float64Array

if TYPE_CHECKING:
    from mffnb.protocols.matrix import Matrix


@dataclass(frozen=True, eq=False)
class Partial(Local):
    """A matrix with a weight for each entry; to whoever just looks at it, each entry multiplied by its weight.

    A solver for complete data is served by :func:`completed`.

    Parameters
    ----------
    array
        X, (rows, columns); NaN is missing. Never written to.
    weights
        w, the same shape, from 0 (missing) to 1, an array or what can be sliced and transposed like one; None if NaN
        alone says what is missing.
    """

    array: Array
    weights: Any = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""
        return self.array.shape[0], self.array.shape[1]

    def piece(self, start: int, stop: int) -> tuple[Float64Array, Float64Array]:
        """Rows ``start:stop`` of X, NaN for what is missing, and of w."""
        band = np.asarray(self.array[start:stop], dtype=np.float64)
        if self.weights is None:
            return band, np.broadcast_to(1.0, band.shape)
        return band, np.asarray(self.weights[start:stop], dtype=np.float64)

    def bands(self) -> Iterator[tuple[int, int, Float64Array]]:
        """Yield (start, stop, w X)."""
        for start, stop in band_limits(self.shape, CACHE_BYTES):
            band, weights = self.piece(start, stop)
            yield start, stop, np.nan_to_num(band * weights)

    @property
    def transposed(self) -> Partial:
        """X^T and w^T, views."""
        return Partial(self.array.T, None if self.weights is None else self.weights.T)

    @cached_property
    def squared_norm(self) -> float:
        """Weighted sum of squares."""
        zero = np.zeros((1, max(self.shape)))
        return _squares(self, zero[:, : self.shape[0]], zero[:, : self.shape[1]])

    @property
    def complete(self) -> bool:
        """Not every entry counts in full."""
        return False


class Gappy(Protocol):
    """A matrix that says band by band what it holds and how much that counts: partial, or partial and scaled."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""

    def piece(self, start: int, stop: int) -> tuple[Float64Array, Float64Array]:
        """Rows ``start:stop`` of X, NaN for what is missing, and of w."""


def completed(matrix: Matrix, left: Float64Array, right: Float64Array) -> Matrix:
    """``w X + (1 - w) left^T right``: what is missing is filled in by a model, (k, own rows) and (k, own columns)."""
    left, right = matrix.over_rows.gathered(left), matrix.over_columns.gathered(right)
    return matrix.with_block(Chunked(_Completed(_gappy(matrix), left, right), band_bytes=CACHE_BYTES))


def squared_residual(matrix: Matrix, left: Float64Array, right: Float64Array) -> float:
    """Sum of ``w (x - left^T right)^2`` for factors (k, own rows) and (k, own columns)."""
    left, right = matrix.over_rows.gathered(left), matrix.over_columns.gathered(right)
    return float(matrix.total(np.array(_squares(_gappy(matrix), left, right))))


def weight_times(matrix: Matrix, basis: Float64Array) -> Float64Array:
    """``basis w^T``, (k, own rows), for a basis (k, own columns)."""
    held, block = matrix.over_columns.gathered(basis), _gappy(matrix)
    product = np.empty((len(basis), block.shape[0]))
    for start, stop in band_limits(block.shape, CACHE_BYTES):
        product[:, start:stop] = held @ _counted(*block.piece(start, stop)).T
    return matrix.over_rows.summed(product)


def pieces(matrix: Matrix) -> Iterator[tuple[Float64Array, Float64Array]]:
    """Yield rows of the block that is here, NaN for what is missing, and of w, zero there."""
    block = _gappy(matrix)
    for start, stop in band_limits(block.shape, CACHE_BYTES):
        band, weights = block.piece(start, stop)
        yield band, _counted(band, weights)


def partial_rows(matrix: Matrix, rows: Array) -> tuple[Float64Array, Float64Array]:
    """Some rows of the block of X by their numbers, which rise, NaN for what is missing, and of w, zero there."""
    block = _gappy(matrix)
    values, counted = np.empty((len(rows), block.shape[1])), np.empty((len(rows), block.shape[1]))
    for start, stop in band_limits(block.shape, CACHE_BYTES):
        first, last = np.searchsorted(rows, [start, stop])
        if first < last:
            band, weights = block.piece(start, stop)
            some = rows[first:last] - start
            values[first:last], counted[first:last] = band[some], _counted(band, weights)[some]
    return values, counted


def guessed(matrix: Matrix) -> Matrix:
    """Complete data to start from: missing entries are those of the mean spectrum, at the size of their pixel."""
    return completed(matrix, *mean_model(matrix))


def mean_model(matrix: Matrix) -> tuple[Float64Array, Float64Array]:
    """A single component: the size of each pixel, (1, own rows), and the mean spectrum, (1, own columns)."""
    if matrix.complete:
        pixels = matrix.times(np.ones((1, matrix.own_columns.stop - matrix.own_columns.start)))
        sums = matrix.transposed_times(np.ones_like(pixels))
        return pixels, sums / (float(matrix.total(sums.sum(axis=1))[0]) or 1.0)
    block = _gappy(matrix)
    rows = np.empty((1, block.shape[0]))
    columns = np.zeros((2, block.shape[1]))  # sums, and those of weights
    for start, stop in band_limits(block.shape, CACHE_BYTES):
        band, weights = block.piece(start, stop)
        weights = _counted(band, weights)
        band = np.nan_to_num(band * weights)
        rows[0, start:stop] = band.sum(axis=1)
        columns[0] += band.sum(axis=0)
        columns[1] += weights.sum(axis=0)
    rows, columns = matrix.over_rows.summed(rows), matrix.over_columns.summed(columns)
    spectrum = columns[:1] / np.where(columns[1] > 0, columns[1], 1.0)
    # The size of a pixel is judged on the channels it has.
    expected = weight_times(matrix, spectrum)
    size = np.where(expected != 0, rows / np.where(expected == 0, 1.0, expected), 1.0)
    return size, spectrum


def _gappy(matrix: Matrix) -> Gappy:
    """The block that is here."""
    return cast("Gappy", matrix.block)


def _squares(block: Gappy, left: Float64Array, right: Float64Array) -> float:
    """Sum of ``w (x - left^T right)^2`` over a block."""
    return sum(
        float(gaps.squared_residual(*block.piece(start, stop), left[:, start:stop].T @ right))
        for start, stop in band_limits(block.shape, CACHE_BYTES)
    )


@dataclass(frozen=True, eq=False)
class _Completed:
    """Rows of a partial matrix with a model in its gaps."""

    in_memory: ClassVar[bool] = True
    matrix: Gappy
    left: Float64Array
    right: Float64Array

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""
        return self.matrix.shape

    def __getitem__(self, rows: slice, /) -> Array:
        """Rows ``start:stop``."""
        filled: Array = self.left[:, rows].T @ self.right
        gaps.complete(*self.matrix.piece(rows.start, rows.stop), filled)
        return filled


def _counted(band: Float64Array, weights: Float64Array) -> Float64Array:
    """Weights with zeros for what is missing."""
    return np.where(np.isnan(band), 0.0, weights)
