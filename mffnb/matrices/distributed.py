"""X shared out over MPI ranks, whole rows to each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mffnb.agreement import together
from mffnb.typing import Float64Array

if TYPE_CHECKING:
    from mffnb.protocols import Matrix, Move


@dataclass(frozen=True, eq=False)
class Distributed:
    """This rank's rows of X, and the communicator that sums over all of them.

    The abundances of a rank's pixels live on that rank; every rank holds all endmembers. Where one rank cannot read its
    rows, all of them raise what it met.

    Parameters
    ----------
    local
        The rows that are here.
    communicator
        An mpi4py communicator.
    first
        Number of the first row here.
    rows
        Number of rows on all ranks.
    """

    local: Matrix
    communicator: Any
    first: int
    rows: int

    def __str__(self) -> str:
        """How it is kept on each rank."""
        return f"{self.local}, shared out over ranks"

    @property
    def shape(self) -> tuple[int, int]:
        """Rows on all ranks, columns."""
        return self.rows, self.local.shape[1]

    @property
    def own(self) -> slice:
        """The rows that are here."""
        return slice(self.first, self.first + self.local.shape[0])

    def times(self, basis: Float64Array) -> Float64Array:
        """``basis X^T`` for the rows here, (k, own rows)."""
        return together(self.communicator, lambda: self.local.times(basis))

    def transposed_times(self, factor: Float64Array) -> Float64Array:
        """``factor X`` summed over all ranks, (k, columns), for a factor (k, own rows)."""
        return self.total(together(self.communicator, lambda: self.local.transposed_times(factor)))

    def through(self, basis: Float64Array, move: Move) -> Float64Array:
        """Both products in one look at the rows here, summed over all ranks."""
        return self.total(together(self.communicator, lambda: self.local.through(basis, move)))

    def total(self, part: Float64Array) -> Float64Array:
        """Sum over all ranks, the same number on each of them to the last bit."""
        # Adding up on one rank and handing the sum round keeps all ranks in step: their decisions must agree.
        here = np.array(part, dtype=np.float64, order="C")
        everywhere = np.empty_like(here)
        self.communicator.Reduce(here, everywhere, root=0)
        self.communicator.Bcast(everywhere, root=0)
        return everywhere

    @property
    def complete(self) -> bool:
        """Whether every entry counts in full."""
        return self.local.complete

    @property
    def transposed(self) -> None:
        """The columns are shared out: not to be read as rows."""
        return

    def bands(self) -> Iterator[tuple[int, int, Any]]:
        """Yield (start, stop, rows) over the rows here."""
        return self.local.bands()

    @property
    def row_squares(self) -> Float64Array:
        """Sum of squares of each row here."""
        return self.local.row_squares

    @cached_property
    def squared_norm(self) -> float:
        """Sum of squares over all ranks."""
        return float(self.total(np.array(together(self.communicator, lambda: self.local.squared_norm))))
