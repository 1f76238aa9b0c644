"""Protocols of a matrix X: two products, and how its rows and columns are distributed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from mffnb.typing import Float64Array

if TYPE_CHECKING:
    pass


class Move(Protocol):
    """What happens to a block of rows between the two products that an iteration needs."""

    def __call__(self, rows: slice, cross: Float64Array) -> Float64Array:
        """From ``basis X^T`` for these rows, (k, rows), the factor (k, rows) that they contribute with."""


@dataclass(frozen=True, eq=False)
class Descent:
    r"""Coordinate descent over columns f of a factor that do not know of each other, in numbers.

    .. math:: \tfrac12 f^T G f - (s c + b)^T f, \qquad f \ge 0

    with c what ``basis X^T`` has for the column.

    Attributes
    ----------
    factor
        F (k, own rows), changed in place.
    gram, scale, shift
        G (k, k), s and b (k,).
    sweeps
        How often each component is brought to its minimum in turn.
    """

    factor: Float64Array
    gram: Float64Array
    scale: float
    shift: Float64Array
    sweeps: int


class KnownMove(Move, Protocol):
    """A move that kernels may make themselves, where they can, while a few rows of X are in the cache."""

    def begin(self, rows: slice) -> None:
        """Bring the factor of these rows to where the move begins; kernels need to be told, a call does so itself."""

    @property
    def descent(self) -> Descent | None:
        """All that the move does; None where it does something else."""

    def made(self, rows: slice, moved: float, square: Float64Array) -> None:
        """Take note of what was done: the squared step of the first sweep, and ``F F^T`` of these rows."""


class AxisDistribution(Protocol):
    """Whose entries along one side of X are whose, where processes share X.

    A process has a block of X, and of either factor its own entries: a part of those of the block. Processes whose
    blocks have the same rows share out the abundances of these rows; the same for columns.
    """

    @property
    def own(self) -> slice:
        """The entries whose factor is here."""

    @property
    def block(self) -> slice:
        """The entries of the block."""

    @property
    def undivided(self) -> bool:
        """Whether these are the same: no other process has entries of the block."""

    def gather(self, factor: Float64Array) -> Float64Array:
        """From a factor (..., own entries) that of all entries of the block."""

    def sum_scatter(self, part: Float64Array) -> Float64Array:
        """Sum (..., entries of the block) over the processes that share them; own entries of it."""

    def minimum(self, part: Float64Array) -> Float64Array:
        """The same with the least in place of the sum."""


class Products(Protocol):
    """Something with rows and columns that can be multiplied from both sides.

    It may be shared out over processes: factors then hold only the entries that are here, over pixels and over
    channels, and whatever sums over either goes through :meth:`total`.
    """

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns in all processes."""

    @property
    def shared(self) -> bool:
        """Whether there are other processes."""

    @property
    def own(self) -> slice:
        """The rows whose factor is here."""

    @property
    def own_columns(self) -> slice:
        """The columns whose factor is here."""

    def times(self, basis: Float64Array) -> Float64Array:
        """Return ``basis X^T``: for a basis (k, own columns) the cross product (k, own rows), float64."""

    def transposed_times(self, factor: Float64Array) -> Float64Array:
        """Return ``factor X``: for a factor (k, own rows) the cross product (k, own columns), float64."""

    def total(self, part: Float64Array) -> Float64Array:
        """Sum over all rows, or columns, from the sum over those that are here."""

    @property
    def squared_norm(self) -> float:
        """Sum of the squares of all entries, accumulated in float64."""


@runtime_checkable
class Matrix(Products, Protocol):
    """Where X lives and how it is read. Rows are pixels, columns are channels."""

    @property
    def block(self) -> Matrix:
        """What is in this process, as a matrix of its own: X itself where there are no others."""

    def with_block(self, block: Matrix) -> Matrix:
        """Something else that is shared out in the same way."""

    @property
    def row_axis(self) -> AxisDistribution:
        """Whose rows are whose."""

    @property
    def column_axis(self) -> AxisDistribution:
        """Whose columns are whose."""

    def minimum(self, part: Float64Array) -> Float64Array:
        """The least over all processes."""

    def bands(self) -> Iterator[tuple[int, int, Any]]:
        """Yield (start, stop, rows) over the rows of the block: float64 arrays, or CSR where X is sparse."""

    @property
    def row_squares(self) -> Float64Array:
        """Sum of squares of each row, (own rows,)."""

    @property
    def complete(self) -> bool:
        """Whether every entry counts in full; if not, the matrix is a :class:`mffnb.matrices.WeightedRows` one."""

    @property
    def transposed(self) -> Matrix | None:
        """X^T, read as cheaply; None where rows alone can be read."""

    def fused_products(self, basis: Float64Array, move: Move) -> Float64Array:
        """Return ``factor X`` for the factor that ``move`` makes of ``basis X^T``, block by block, in one look at X."""
