"""X with weighted or missing entries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast

import numpy as np

from mffnb.kernels import missing_entries
from mffnb.kernels.tiers import numpy_steps
from mffnb.kernels.tiers.tier import choose
from mffnb.matrices.chunked import Chunked
from mffnb.matrices.gathered import Selection
from mffnb.matrices.local import CACHE_BYTES, Local, band_limits
from mffnb.typing import Array, Float64Array

if TYPE_CHECKING:
    from mffnb.protocols.matrix import Matrix


@dataclass(frozen=True, eq=False)
class Partial(Local):
    """A data matrix X with a weight w for each entry; its products are those of the weighted data, ``w X``.

    Solvers for complete data work on the output of :func:`impute_model`.

    Parameters
    ----------
    array
        X, (rows, columns); NaN means missing. Not modified. An array or a :class:`mffnb.matrices.Selection`.
    weights
        Entry weights w, of the same shape, from 0 (missing) to 1: an array, or an object that can be sliced and
        transposed by ``T``. None for weight 1 wherever X is not NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb.matrices import Partial
    >>> X = Partial(np.array([[1.0, np.nan], [2.0, 3.0]]))
    >>> X.complete, X.squared_norm  # the missing entry has weight 0
    (False, 14.0)
    """

    array: Array | Selection
    weights: Any = None

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns."""
        return self.array.shape[0], self.array.shape[1]

    def rows_and_weights(self, start: int, stop: int) -> tuple[Float64Array, Float64Array]:
        """Return the rows ``start:stop`` of X, with NaN for missing entries, and of the entry weights w."""
        band = np.asarray(self.array[start:stop], dtype=np.float64)
        if self.weights is None:
            return band, np.broadcast_to(1.0, band.shape)
        return band, np.asarray(self.weights[start:stop], dtype=np.float64)

    def bands(self) -> Iterator[tuple[int, int, Float64Array]]:
        """Yield (start, stop, rows) of each band of the weighted data w X, with zero for missing entries."""
        for start, stop in band_limits(self.shape, CACHE_BYTES):
            band, weights = self.rows_and_weights(start, stop)
            yield start, stop, np.nan_to_num(band * weights)

    @property
    def transposed(self) -> Partial:
        """The transposed data X^T and entry weights w^T, without copying."""
        return Partial(self.array.T, None if self.weights is None else self.weights.T)

    @cached_property
    def squared_norm(self) -> float:
        """Weighted sum of squares of all entries x, ``sum w x^2``."""
        zero = np.zeros((1, max(self.shape)))
        return _squares(self, zero[:, : self.shape[0]], zero[:, : self.shape[1]])

    @property
    def complete(self) -> bool:
        """Always False: some entries are weighted or missing."""
        return False


class WeightedRows(Protocol):
    """Protocol of a matrix that returns rows with their entry weights: :class:`Partial`, scaled or not.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb.matrices import Partial
    >>> X = Partial(np.array([[1.0, 2.0], [3.0, 4.0]]), weights=np.array([[1.0, 0.5], [1.0, 1.0]]))
    >>> values, weights = X.rows_and_weights(0, 1)
    >>> values.tolist(), weights.tolist()
    ([[1.0, 2.0]], [[1.0, 0.5]])
    """

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns."""

    def rows_and_weights(self, start: int, stop: int) -> tuple[Float64Array, Float64Array]:
        """Return the rows ``start:stop`` of X, with NaN for missing entries, and of the entry weights w."""


def impute_model(matrix: Matrix, left: Float64Array, right: Float64Array) -> Matrix:
    """Return the data X with entry weights w completed by a model, ``w X + (1 - w) left^T right``.

    The factors are (k, own rows) and (k, own columns). One least-squares step on the completed data is a
    majorisation-minimisation (EM) step of the weighted problem.
    """
    left, right = matrix.row_axis.gather(left), matrix.column_axis.gather(right)
    return matrix.with_block(Chunked(_ImputedRows(_weighted_block(matrix), left, right), band_bytes=CACHE_BYTES))


def squared_residual(matrix: Matrix, left: Float64Array, right: Float64Array) -> float:
    """Compute the sum of ``w (x - left^T right)^2`` over all ranks for factors (k, own rows), (k, own columns)."""
    left, right = matrix.row_axis.gather(left), matrix.column_axis.gather(right)
    return float(matrix.total(np.array(_squares(_weighted_block(matrix), left, right))))


def weight_times(matrix: Matrix, basis: Float64Array) -> Float64Array:
    """Multiply the entry weights w like a data matrix: ``basis w^T``, (k, own rows), for a basis (k, own columns)."""
    held, block = matrix.column_axis.gather(basis), _weighted_block(matrix)
    product = np.empty((len(basis), block.shape[0]))
    for start, stop in band_limits(block.shape, CACHE_BYTES):
        product[:, start:stop] = held @ _observed_weights(*block.rows_and_weights(start, stop)).T
    return matrix.row_axis.sum_scatter(product)


def iter_rows_and_weights(matrix: Matrix) -> Iterator[tuple[Float64Array, Float64Array]]:
    """Yield rows of this process's block, with NaN for missing entries, and their weights, zero for these."""
    block = _weighted_block(matrix)
    for start, stop in band_limits(block.shape, CACHE_BYTES):
        band, weights = block.rows_and_weights(start, stop)
        yield band, _observed_weights(band, weights)


def select_rows_and_weights(matrix: Matrix, rows: Array) -> tuple[Float64Array, Float64Array]:
    """Return the rows of the block with the given indices, in ascending order, and their weights.

    Missing entries are NaN and have weight zero.
    """
    block = _weighted_block(matrix)
    values, counted = np.empty((len(rows), block.shape[1])), np.empty((len(rows), block.shape[1]))
    for start, stop in band_limits(block.shape, CACHE_BYTES):
        first, last = np.searchsorted(rows, [start, stop])
        if first < last:
            band, weights = block.rows_and_weights(start, stop)
            some = rows[first:last] - start
            values[first:last], counted[first:last] = band[some], _observed_weights(band, weights)[some]
    return values, counted


def impute_mean_spectrum(matrix: Matrix) -> Matrix:
    """Replace missing entries by the mean spectrum times the brightness of their pixel, to compute start values."""
    return impute_model(matrix, *mean_model(matrix))


def mean_model(matrix: Matrix) -> tuple[Float64Array, Float64Array]:
    """Fit a model with one component: brightness of each pixel, (1, own rows), mean spectrum (1, own columns)."""
    if matrix.complete:
        pixels = matrix.times(np.ones((1, matrix.own_columns.stop - matrix.own_columns.start)))
        sums = matrix.transposed_times(np.ones_like(pixels))
        return pixels, sums / (float(matrix.total(sums.sum(axis=1))[0]) or 1.0)
    block = _weighted_block(matrix)
    rows = np.empty((1, block.shape[0]))
    columns = np.zeros((2, block.shape[1]))  # weighted sums of the data, and sums of the weights
    for start, stop in band_limits(block.shape, CACHE_BYTES):
        band, weights = block.rows_and_weights(start, stop)
        weights = _observed_weights(band, weights)
        band = np.nan_to_num(band * weights)
        rows[0, start:stop] = band.sum(axis=1)
        columns[0] += band.sum(axis=0)
        columns[1] += weights.sum(axis=0)
    rows, columns = matrix.row_axis.sum_scatter(rows), matrix.column_axis.sum_scatter(columns)
    spectrum = columns[:1] / np.where(columns[1] > 0, columns[1], 1.0)
    # The brightness of a pixel is estimated from its observed channels only.
    expected = weight_times(matrix, spectrum)
    size = np.where(expected != 0, rows / np.where(expected == 0, 1.0, expected), 1.0)
    return size, spectrum


def _weighted_block(matrix: Matrix) -> WeightedRows:
    """Return the block of an incomplete matrix in this process as :class:`WeightedRows`."""
    return cast("WeightedRows", matrix.block)


def _squares(block: WeightedRows, left: Float64Array, right: Float64Array) -> float:
    """Compute the weighted sum of squared residuals, ``w (x - left^T right)^2``, over the block of this process."""
    squared_residual = choose(missing_entries.squared_residual, numpy_steps.squared_residual)
    return sum(
        float(squared_residual(*block.rows_and_weights(start, stop), left[:, start:stop].T @ right))
        for start, stop in band_limits(block.shape, CACHE_BYTES)
    )


@dataclass(frozen=True, eq=False)
class _ImputedRows:
    """Row source of :class:`Chunked`: a weighted matrix whose missing entries are replaced by a low-rank model."""

    in_memory: ClassVar[bool] = True
    matrix: WeightedRows
    left: Float64Array
    right: Float64Array

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns."""
        return self.matrix.shape

    def __getitem__(self, rows: slice, /) -> Array:
        """Return the completed rows ``start:stop``."""
        filled: Array = self.left[:, rows].T @ self.right
        choose(missing_entries.impute, numpy_steps.impute)(*self.matrix.rows_and_weights(rows.start, rows.stop), filled)
        return filled


def _observed_weights(band: Float64Array, weights: Float64Array) -> Float64Array:
    """Return the entry weights of a band, with zero for missing (NaN) entries."""
    return np.where(np.isnan(band), 0.0, weights)
