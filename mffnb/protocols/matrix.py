"""Protocols of the data matrix X (pixels x channels): products with a factor, and the distribution over ranks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol, TypeGuard, runtime_checkable

from mffnb.protocols.axis_distribution import AxisDistribution
from mffnb.protocols.row_update import Move
from mffnb.typing import Float64Array


class Products(Protocol):
    """Linear operator with rows (pixels) and columns (channels) that can be multiplied from both sides.

    Where it is distributed over ranks, factors hold only the pixels and channels that this rank owns, and every sum
    over pixels or channels uses :meth:`total`.
    """

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and of columns of the matrix on all ranks."""

    @property
    def shared(self) -> bool:
        """Whether the matrix is distributed over several ranks."""

    @property
    def own(self) -> slice:
        """Rows (pixels) whose factor this rank owns."""

    @property
    def own_columns(self) -> slice:
        """Columns (channels) whose factor this rank owns."""

    def times(self, basis: Float64Array) -> Float64Array:
        """Return ``basis X^T``, summed over ranks: (k, columns of this rank) to (k, rows of this rank), float64."""

    def transposed_times(self, factor: Float64Array) -> Float64Array:
        """Return ``factor X``, summed over ranks: (k, rows of this rank) to (k, columns of this rank), float64."""

    def total(self, part: Float64Array) -> Float64Array:
        """Return the sum of ``part`` over all ranks."""

    @property
    def squared_norm(self) -> float:
        """Sum of the squares of all entries, accumulated in float64."""


@runtime_checkable
class Multiplying(Protocol):
    """Methods by which an object is recognised as a data matrix, see :func:`is_matrix`."""

    def times(self, basis: Float64Array) -> Float64Array:
        """As in :class:`Products`."""

    def transposed_times(self, factor: Float64Array) -> Float64Array:
        """As in :class:`Products`."""

    def fused_products(self, basis: Float64Array, move: Move) -> Float64Array:
        """As in :class:`Matrix`."""


def is_matrix(X: Any) -> TypeGuard[Matrix]:
    """Return whether an object is a data matrix, without evaluating its properties.

    ``isinstance(X, Matrix)`` would evaluate all properties, in an order that differs between processes. Some of them
    are collective calls, so ranks would add up sums of different properties.
    """
    return isinstance(X, Multiplying)


class Matrix(Products, Protocol):
    """Data matrix X in any storage: rows are pixels, columns are channels."""

    @property
    def block(self) -> Matrix:
        """Block of X on this rank, as a matrix; X itself where it is not distributed."""

    def with_block(self, block: Matrix) -> Matrix:
        """Return a matrix with another block on this rank and the same distribution."""

    @property
    def row_axis(self) -> AxisDistribution:
        """Distribution of the rows (pixels) over ranks."""

    @property
    def column_axis(self) -> AxisDistribution:
        """Distribution of the columns (channels) over ranks."""

    def minimum(self, part: Float64Array) -> Float64Array:
        """Return the elementwise minimum of ``part`` over all ranks."""

    def bands(self) -> Iterator[tuple[int, int, Any]]:
        """Yield (start, stop, rows) over the rows of the block: float64 arrays, or CSR where X is sparse."""

    @property
    def row_squares(self) -> Float64Array:
        """Sum of squares of each row, (own rows,)."""

    def negative_squares(self) -> float:
        """Return the sum of the squares of all negative entries; the first call is collective on ranks."""

    @property
    def complete(self) -> bool:
        """Whether no entry is missing or weighted; otherwise it is a :class:`mffnb.matrices.WeightedRows` matrix."""

    @property
    def transposed(self) -> Matrix | None:
        """The transposed matrix X^T with equally fast access; None if X can be read by rows only."""

    def fused_products(self, basis: Float64Array, move: Move) -> Float64Array:
        """Return ``factor X`` for the factor that ``move`` computes from ``basis X^T``, block by block in one pass."""
