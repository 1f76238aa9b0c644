"""X with its rows and columns multiplied: weights of rank one, and pixels brought to one size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mffnb.matrices.local import Local, row_sums_of_squares
from mffnb.typing import Array, Float64Array

if TYPE_CHECKING:
    from mffnb.protocols.matrix import Matrix, Move


@dataclass(frozen=True, eq=False)
class Scaled(Local):
    """diag(r) X diag(c), which is never formed, of an X that is whole in this process; see :func:`scaled`.

    Parameters
    ----------
    inner
        X.
    rows
        r, (rows,); None for ones.
    columns
        c, (columns,); None for ones.
    """

    inner: Matrix
    rows: Float64Array | None = None
    columns: Float64Array | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""
        return self.inner.shape

    def times(self, basis: Float64Array) -> Float64Array:
        """``basis diag(c) X^T diag(r)``, (k, rows)."""
        return _by(self.inner.times(_by(basis, self.columns)), self.rows)

    def transposed_times(self, factor: Float64Array) -> Float64Array:
        """``factor diag(r) X diag(c)``, (k, columns)."""
        return _by(self.inner.transposed_times(_by(factor, self.rows)), self.columns)

    def through(self, basis: Float64Array, move: Move) -> Float64Array:
        """Both products of what is scaled in one look at X."""
        if self.rows is None:
            return _by(self.inner.through(_by(basis, self.columns), move), self.columns)
        factors = self.rows

        def scaled(rows: slice, cross: Float64Array) -> Float64Array:
            return move(rows, cross * factors[rows]) * factors[rows]

        return _by(self.inner.through(_by(basis, self.columns), scaled), self.columns)

    @property
    def transposed(self) -> Scaled | None:
        """The transposed, which is scaled as well."""
        turned = self.inner.transposed
        return None if turned is None else Scaled(turned, self.columns, self.rows)

    def bands(self) -> Iterator[tuple[int, int, Any]]:
        """Yield (start, stop, scaled rows)."""
        for start, stop, band in self.inner.bands():
            rows = None if self.rows is None else self.rows[start:stop]
            yield start, stop, _both(band, rows, self.columns)

    @property
    def complete(self) -> bool:
        """Whether every entry counts in full."""
        return self.inner.complete

    def piece(self, start: int, stop: int) -> tuple[Float64Array, Float64Array]:
        """Rows ``start:stop`` of what is scaled, NaN where missing, and of its weights, where X is not complete."""
        band, weights = self.inner.piece(start, stop)  # type: ignore[attr-defined]
        return _both(band, None if self.rows is None else self.rows[start:stop], self.columns), weights

    @cached_property
    def row_squares(self) -> Float64Array:
        """Sum of squares of each row, (rows,)."""
        if self.columns is None:
            squares = self.inner.row_squares
        else:
            squares = np.empty(self.shape[0])
            for start, stop, band in self.inner.bands():
                squares[start:stop] = row_sums_of_squares(_both(band, None, self.columns))
        return squares if self.rows is None else squares * self.rows**2

    @cached_property
    def squared_norm(self) -> float:
        """Sum of the squares of all entries."""
        return float(self.row_squares.sum())


def scaled(matrix: Matrix, rows: Float64Array | None = None, columns: Float64Array | None = None) -> Matrix:
    """diag(r) X diag(c), X shared out over processes or not.

    Parameters
    ----------
    matrix
        X.
    rows, columns
        r, (own rows,), and c, (own columns,); None for ones.
    """
    of_rows = None if rows is None else matrix.over_rows.gathered(rows)
    of_columns = None if columns is None else matrix.over_columns.gathered(columns)
    return matrix.with_block(Scaled(matrix.block, of_rows, of_columns))


def _by(rows: Float64Array, factor: Array | None) -> Float64Array:
    return rows if factor is None else rows * factor


def _both(band: Any, rows: Array | None, columns: Array | None) -> Any:
    if not isinstance(band, np.ndarray):
        band = band if rows is None else band.multiply(rows[:, None]).tocsr()
        return band if columns is None else band.multiply(columns).tocsr()
    band = band if rows is None else band * rows[:, None]
    return band if columns is None else band * columns
