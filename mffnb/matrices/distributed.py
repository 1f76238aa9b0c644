"""X shared out over MPI ranks on a grid, a block of rows and columns to each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mffnb.matrices.axis_distribution import DistributedAxis
from mffnb.matrices.collective_errors import run_collectively
from mffnb.typing import Float64Array

if TYPE_CHECKING:
    from mffnb.protocols.matrix import Matrix, Move


@dataclass(frozen=True, eq=False)
class Distributed:
    """This rank's block of X, and the communicators by which products and sums come about.

    Both factors are spread over all ranks. For a product the factor of one side is gathered along one side of the grid,
    multiplied by the block, and the sum scattered along the other side: no rank ever holds a whole factor.

    Source: Kannan, Ballard & Park 2018, IEEE TKDE 30:544 (MPI-FAUN).

    Parameters
    ----------
    block
        The rows and columns that are here.
    over_rows
        Whose rows are whose: ranks with the same rows of X share out their abundances.
    over_columns
        The same for columns: ranks with the same columns share out their endmembers.
    communicator
        An mpi4py communicator of all ranks.
    trouble
        What went wrong with the block of this rank, until all ranks know.
    """

    block: Matrix
    row_axis: DistributedAxis
    column_axis: DistributedAxis
    communicator: Any
    errors: list[Exception] = field(default_factory=list)

    def __str__(self) -> str:
        """How it is kept on each rank."""
        return f"{self.block}, shared out over ranks"

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns on all ranks."""
        return self.row_axis.length, self.column_axis.length

    @property
    def shared(self) -> bool:
        """Whether there is more than one rank."""
        return bool(self.communicator.size > 1)

    @property
    def own(self) -> slice:
        """The rows whose factor is here."""
        return self.row_axis.own

    @property
    def own_columns(self) -> slice:
        """The columns whose factor is here."""
        return self.column_axis.own

    def with_block(self, block: Matrix) -> Distributed:
        """Another block in the place of this one."""
        return replace(self, block=block)

    def times(self, basis: Float64Array) -> Float64Array:
        """``basis X^T`` for own rows, (k, own rows), from a basis (k, own columns)."""
        held = self.column_axis.gather(basis)
        return self.row_axis.sum_scatter(self._or_zeros(lambda: self.block.times(held), len(basis), self.row_axis))

    def transposed_times(self, factor: Float64Array) -> Float64Array:
        """``factor X`` for own columns, (k, own columns), from a factor (k, own rows)."""
        held = self.row_axis.gather(factor)
        part = self._or_zeros(lambda: self.block.transposed_times(held), len(factor), self.column_axis)
        return self.column_axis.sum_scatter(part)

    def fused_products(self, basis: Float64Array, move: Move) -> Float64Array:
        """Both products; in one look at X where no other rank has the same rows, else in two."""
        if not self.row_axis.undivided:
            return self.transposed_times(move(slice(0, self.own.stop - self.own.start), self.times(basis)))
        held = self.column_axis.gather(basis)
        return self.column_axis.sum_scatter(
            self._or_zeros(lambda: self.block.fused_products(held, move), len(basis), self.column_axis)
        )

    def total(self, part: Float64Array) -> Float64Array:
        """Sum over all ranks, the same number on each of them to the last bit.

        Raises
        ------
        Exception
            If the block of any rank could not be read: all raise together, with its message.
        """
        # Adding up on one rank and handing the sum round keeps all ranks in step: their decisions must agree.
        here = np.array(part, dtype=np.float64, order="C")
        if self.errors:
            here[...] = np.nan
        everywhere = np.empty_like(here)
        self.communicator.Reduce(here, everywhere, root=0)
        self.communicator.Bcast(everywhere, root=0)
        if np.isnan(everywhere).any():
            self._raise_on_all_ranks()
        return everywhere

    def minimum(self, part: Float64Array) -> Float64Array:
        """The least over all ranks."""
        return np.asarray(np.min(self.communicator.allgather(np.array(part, dtype=np.float64)), axis=0))

    @property
    def complete(self) -> bool:
        """Whether every entry counts in full."""
        return self.block.complete

    @property
    def transposed(self) -> Distributed | None:
        """X^T, on the transposed grid."""
        turned = self.block.transposed
        if turned is None:
            return None
        return replace(self, block=turned, row_axis=self.column_axis, column_axis=self.row_axis)

    def bands(self) -> Iterator[tuple[int, int, Any]]:
        """Yield (start, stop, rows) over the rows of the block."""
        try:
            yield from self.block.bands()
        except Exception as error:  # whatever it is, the other ranks are waiting
            self.errors.append(error)

    @cached_property
    def row_squares(self) -> Float64Array:
        """Sum of squares of each own row."""
        squares = self._or_zeros(lambda: self.block.row_squares[None], 1, self.row_axis)
        return np.asarray(self.row_axis.sum_scatter(squares)[0])

    @cached_property
    def squared_norm(self) -> float:
        """Sum of squares over all ranks."""
        here = 0.0
        try:
            here = self.block.squared_norm
        except Exception as error:
            self.errors.append(error)
        return float(self.total(np.array(here)))

    def _or_zeros(self, work: Callable[[], Float64Array], lines: int, share: DistributedAxis) -> Float64Array:
        """What becomes of the block; zeros where that fails, which all ranks learn with their next sum."""
        try:
            return work()
        except Exception as error:
            self.errors.append(error)
            return np.zeros((lines, share.block.stop - share.block.start))

    def _raise_on_all_ranks(self) -> None:
        """Raise what went wrong on any rank, on all of them."""
        run_collectively(self.communicator, self._raise_first_error)

    def _raise_first_error(self) -> None:
        if self.errors:
            raise self.errors[0]
