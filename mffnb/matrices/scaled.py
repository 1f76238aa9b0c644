"""X with scaled rows and columns, for weights of pixels and channels and for perspective scaling of pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mffnb.matrices.local import Local, row_sums_of_squares
from mffnb.typing import Array, Float64Array

if TYPE_CHECKING:
    from mffnb.protocols.matrix import Matrix
    from mffnb.protocols.row_update import Move


@dataclass(frozen=True, eq=False)
class Scaled(Local):
    """The matrix diag(r) X diag(c), never stored, of an X that is not distributed; see :func:`scaled`.

    Parameters
    ----------
    inner
        X.
    rows
        Row factors r, (rows,); None for ones.
    columns
        Column factors c, (columns,); None for ones.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb.matrices import Dense, Scaled
    >>> X = Scaled(Dense(np.ones((2, 2))), rows=np.array([1.0, 2.0]), columns=np.array([1.0, 3.0]))
    >>> X.times(np.eye(2)).T.tolist()
    [[1.0, 3.0], [2.0, 6.0]]
    """

    inner: Matrix
    rows: Float64Array | None = None
    columns: Float64Array | None = None

    def __str__(self) -> str:
        """Return the storage format of X, which the scales do not change."""
        return str(self.inner)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns."""
        return self.inner.shape

    def times(self, basis: Float64Array) -> Float64Array:
        """Compute ``basis diag(c) X^T diag(r)``, (k, rows), from a basis (k, columns)."""
        return _scale_columns(self.inner.times(_scale_columns(basis, self.columns)), self.rows)

    def transposed_times(self, factor: Float64Array) -> Float64Array:
        """Compute ``factor diag(r) X diag(c)``, (k, columns), from a factor (k, rows)."""
        return _scale_columns(self.inner.transposed_times(_scale_columns(factor, self.rows)), self.columns)

    def fused_products(self, basis: Float64Array, move: Move) -> Float64Array:
        """Compute ``basis Y^T``, update by ``move`` and compute ``factor Y`` for the scaled Y, in one pass over X."""
        if self.rows is None:
            return _scale_columns(self.inner.fused_products(_scale_columns(basis, self.columns), move), self.columns)
        factors = self.rows

        def scaled(rows: slice, cross: Float64Array) -> Float64Array:
            return move(rows, cross * factors[rows]) * factors[rows]

        return _scale_columns(self.inner.fused_products(_scale_columns(basis, self.columns), scaled), self.columns)

    @property
    def transposed(self) -> Scaled | None:
        """The transposed matrix diag(c) X^T diag(r)."""
        transposed_part = self.inner.transposed
        return None if transposed_part is None else Scaled(transposed_part, self.columns, self.rows)

    def bands(self) -> Iterator[tuple[int, int, Any]]:
        """Yield (start, stop, scaled rows) of each band."""
        for start, stop, band in self.inner.bands():
            rows = None if self.rows is None else self.rows[start:stop]
            yield start, stop, _scale_block(band, rows, self.columns)

    @property
    def complete(self) -> bool:
        """Whether no entry is missing or weighted."""
        return self.inner.complete

    def rows_and_weights(self, start: int, stop: int) -> tuple[Float64Array, Float64Array]:
        """Return the scaled rows ``start:stop`` of an incomplete X, NaN where missing, and their weights."""
        band, weights = self.inner.rows_and_weights(start, stop)  # type: ignore[attr-defined]
        return _scale_block(band, None if self.rows is None else self.rows[start:stop], self.columns), weights

    @cached_property
    def row_squares(self) -> Float64Array:
        """Sum of squares of each row of the scaled matrix, (rows,)."""
        if self.columns is None:
            squares = self.inner.row_squares
        else:
            squares = np.empty(self.shape[0])
            for start, stop, band in self.inner.bands():
                squares[start:stop] = row_sums_of_squares(_scale_block(band, None, self.columns))
        return squares if self.rows is None else squares * self.rows**2

    @cached_property
    def squared_norm(self) -> float:
        """Sum of squares of all entries of the scaled matrix."""
        return float(self.row_squares.sum())


def scaled(matrix: Matrix, rows: Float64Array | None = None, columns: Float64Array | None = None) -> Matrix:
    """Return diag(r) X diag(c), for a distributed or an undistributed X.

    Parameters
    ----------
    matrix
        X.
    rows, columns
        Row factors r, (own rows,), and column factors c, (own columns,); None for ones.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb.matrices import Dense, scaled
    >>> scaled(Dense(np.ones((2, 2))), columns=np.array([1.0, 3.0])).times(np.eye(2)).T.tolist()
    [[1.0, 3.0], [1.0, 3.0]]
    """
    of_rows = None if rows is None else matrix.row_axis.gather(rows)
    of_columns = None if columns is None else matrix.column_axis.gather(columns)
    return matrix.with_block(Scaled(matrix.block, of_rows, of_columns))


def _scale_columns(rows: Float64Array, factor: Array | None) -> Float64Array:
    """Multiply each column of a factor (k, rows) by its row factor; return it unchanged if there are none."""
    return rows if factor is None else rows * factor


def _scale_block(band: Any, rows: Array | None, columns: Array | None) -> Any:
    """Multiply rows and columns of a dense or CSR block by their row and column factors."""
    if not isinstance(band, np.ndarray):
        band = band if rows is None else band.multiply(rows[:, None]).tocsr()
        return band if columns is None else band.multiply(columns).tocsr()
    band = band if rows is None else band * rows[:, None]
    return band if columns is None else band * columns
