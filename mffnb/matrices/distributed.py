"""X shared out over MPI ranks on a grid, a block of rows and columns to each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mffnb.matrices.collective_errors import together
from mffnb.matrices.shares import Spread
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
    over_rows: Spread
    over_columns: Spread
    communicator: Any
    trouble: list[Exception] = field(default_factory=list)

    def __str__(self) -> str:
        """How it is kept on each rank."""
        return f"{self.block}, shared out over ranks"

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns on all ranks."""
        return self.over_rows.length, self.over_columns.length

    @property
    def shared(self) -> bool:
        """Whether there is more than one rank."""
        return bool(self.communicator.size > 1)

    @property
    def own(self) -> slice:
        """The rows whose factor is here."""
        return self.over_rows.own

    @property
    def own_columns(self) -> slice:
        """The columns whose factor is here."""
        return self.over_columns.own

    def with_block(self, block: Matrix) -> Distributed:
        """Another block in the place of this one."""
        return replace(self, block=block)

    def times(self, basis: Float64Array) -> Float64Array:
        """``basis X^T`` for own rows, (k, own rows), from a basis (k, own columns)."""
        held = self.over_columns.gathered(basis)
        return self.over_rows.summed(self._tried(lambda: self.block.times(held), len(basis), self.over_rows))

    def transposed_times(self, factor: Float64Array) -> Float64Array:
        """``factor X`` for own columns, (k, own columns), from a factor (k, own rows)."""
        held = self.over_rows.gathered(factor)
        part = self._tried(lambda: self.block.transposed_times(held), len(factor), self.over_columns)
        return self.over_columns.summed(part)

    def through(self, basis: Float64Array, move: Move) -> Float64Array:
        """Both products; in one look at X where no other rank has the same rows, else in two."""
        if not self.over_rows.alone:
            return self.transposed_times(move(slice(0, self.own.stop - self.own.start), self.times(basis)))
        held = self.over_columns.gathered(basis)
        return self.over_columns.summed(
            self._tried(lambda: self.block.through(held, move), len(basis), self.over_columns)
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
        if self.trouble:
            here[...] = np.nan
        everywhere = np.empty_like(here)
        self.communicator.Reduce(here, everywhere, root=0)
        self.communicator.Bcast(everywhere, root=0)
        if np.isnan(everywhere).any():
            self._stop_together()
        return everywhere

    def least(self, part: Float64Array) -> Float64Array:
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
        return replace(self, block=turned, over_rows=self.over_columns, over_columns=self.over_rows)

    def bands(self) -> Iterator[tuple[int, int, Any]]:
        """Yield (start, stop, rows) over the rows of the block."""
        try:
            yield from self.block.bands()
        except Exception as error:  # whatever it is, the other ranks are waiting
            self.trouble.append(error)

    @cached_property
    def row_squares(self) -> Float64Array:
        """Sum of squares of each own row."""
        squares = self._tried(lambda: self.block.row_squares[None], 1, self.over_rows)
        return np.asarray(self.over_rows.summed(squares)[0])

    @cached_property
    def squared_norm(self) -> float:
        """Sum of squares over all ranks."""
        here = 0.0
        try:
            here = self.block.squared_norm
        except Exception as error:
            self.trouble.append(error)
        return float(self.total(np.array(here)))

    def _tried(self, work: Callable[[], Float64Array], lines: int, share: Spread) -> Float64Array:
        """What becomes of the block; zeros where that fails, which all ranks learn with their next sum."""
        try:
            return work()
        except Exception as error:
            self.trouble.append(error)
            return np.zeros((lines, share.block.stop - share.block.start))

    def _stop_together(self) -> None:
        """Raise what went wrong on any rank, on all of them."""
        together(self.communicator, self._complain)

    def _complain(self) -> None:
        if self.trouble:
            raise self.trouble[0]
