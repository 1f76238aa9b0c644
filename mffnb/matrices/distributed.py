"""X distributed over MPI ranks on a 2-D grid: each rank holds a block of rows and columns."""

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
    from mffnb.protocols.matrix import Matrix
    from mffnb.protocols.row_update import Move


@dataclass(frozen=True, eq=False)
class Distributed:
    """Data matrix X distributed over ranks: the block of this rank, and the communicators for products and sums.

    Both factors are distributed over all ranks. A product gathers one factor along one side of the grid, multiplies it
    by the block, and scatters the sum along the other side. No rank ever holds a whole factor.

    Source: Kannan, Ballard & Park 2018, IEEE TKDE 30:544 (MPI-FAUN).

    Parameters
    ----------
    block
        Rows and columns of X on this rank.
    row_axis
        Distribution of the rows: ranks whose blocks have the same rows divide the abundances of these rows.
    column_axis
        Distribution of the columns: ranks whose blocks have the same columns divide the endmember values of these
        columns.
    communicator
        An mpi4py communicator of all ranks.
    errors
        Reading errors of this rank that have not been raised on all ranks yet.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb.matrices import Dense, DistributedAxis, Distributed
    >>> rows, columns = (DistributedAxis(n, np.array([0, n]), None, 0) for n in (4, 3))  # one rank holds all
    >>> X = Distributed(Dense(np.ones((4, 3))), rows, columns, communicator=None)
    >>> X.shape, X.own, X.times(np.ones((1, 3))).tolist()
    ((4, 3), slice(0, 4, None), [[3.0, 3.0, 3.0, 3.0]])
    """

    block: Matrix
    row_axis: DistributedAxis
    column_axis: DistributedAxis
    communicator: Any
    errors: list[Exception] = field(default_factory=list)

    def __str__(self) -> str:
        """Return the storage format of the block as text."""
        return f"{self.block}, distributed over ranks"

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and of columns of X on all ranks."""
        return self.row_axis.length, self.column_axis.length

    @property
    def shared(self) -> bool:
        """Whether X is distributed over more than one rank."""
        return bool(self.communicator.size > 1)

    @property
    def own(self) -> slice:
        """Rows (pixels) that this rank owns, whose abundances it updates."""
        return self.row_axis.own

    @property
    def own_columns(self) -> slice:
        """Columns (channels) that this rank owns, where it updates the endmembers."""
        return self.column_axis.own

    def with_block(self, block: Matrix) -> Distributed:
        """Return a matrix with another block on this rank and the same distribution."""
        return replace(self, block=block)

    def times(self, basis: Float64Array) -> Float64Array:
        """Compute ``basis X^T``, (k, own rows), from a basis (k, own columns); summed over all ranks."""
        held = self.column_axis.gather(basis)
        return self.row_axis.sum_scatter(self._or_zeros(lambda: self.block.times(held), len(basis), self.row_axis))

    def transposed_times(self, factor: Float64Array) -> Float64Array:
        """Compute ``factor X``, (k, own columns), from a factor (k, own rows); summed over all ranks."""
        held = self.row_axis.gather(factor)
        part = self._or_zeros(lambda: self.block.transposed_times(held), len(factor), self.column_axis)
        return self.column_axis.sum_scatter(part)

    def fused_products(self, basis: Float64Array, move: Move) -> Float64Array:
        """Compute ``basis X^T``, update by ``move``, compute ``factor X``: one pass if each rank has other rows."""
        if not self.row_axis.undivided:
            return self.transposed_times(move(slice(0, self.own.stop - self.own.start), self.times(basis)))
        held = self.column_axis.gather(basis)
        return self.column_axis.sum_scatter(
            self._or_zeros(lambda: self.block.fused_products(held, move), len(basis), self.column_axis)
        )

    def total(self, part: Float64Array) -> Float64Array:
        """Return the sum of ``part`` over all ranks, identical on each of them to the last bit.

        Raises
        ------
        Exception
            If the block of any rank could not be read: all ranks raise an error with its message.
        """
        # Reduce to one rank and broadcast, so that all ranks take identical decisions. The result of Allreduce may
        # differ between ranks in the last bit.
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
        """Return the elementwise minimum of ``part`` over all ranks."""
        return np.asarray(np.min(self.communicator.allgather(np.array(part, dtype=np.float64)), axis=0))

    @property
    def complete(self) -> bool:
        """Whether no entry is missing or weighted."""
        return self.block.complete

    @property
    def transposed(self) -> Distributed | None:
        """The transposed matrix X^T, distributed over the transposed grid of ranks."""
        transposed_part = self.block.transposed
        if transposed_part is None:
            return None
        return replace(self, block=transposed_part, row_axis=self.column_axis, column_axis=self.row_axis)

    def bands(self) -> Iterator[tuple[int, int, Any]]:
        """Yield (start, stop, rows) over the rows of the block."""
        try:
            yield from self.block.bands()
        except Exception as error:  # the other ranks wait for this one: the next call of `total` raises the error
            self.errors.append(error)

    @cached_property
    def row_squares(self) -> Float64Array:
        """Sum of squares of each row that this rank owns, (own rows,)."""
        squares = self._or_zeros(lambda: self.block.row_squares[None], 1, self.row_axis)
        return np.asarray(self.row_axis.sum_scatter(squares)[0])

    @cached_property
    def squared_norm(self) -> float:
        """Sum of squares of all entries of X on all ranks."""
        here = 0.0
        try:
            here = self.block.squared_norm
        except Exception as error:
            self.errors.append(error)
        return float(self.total(np.array(here)))

    def negative_squares(self) -> float:
        """Return the sum of squares of all negative entries of X on all ranks; the first call is collective."""
        return self._negative_squares

    @cached_property
    def _negative_squares(self) -> float:
        here = 0.0
        try:
            here = self.block.negative_squares()
        except Exception as error:
            self.errors.append(error)
        return float(self.total(np.array(here)))

    def _or_zeros(self, work: Callable[[], Float64Array], lines: int, share: DistributedAxis) -> Float64Array:
        """Return ``work()``, or zeros if it raises; the next call of :meth:`total` reports the error to all ranks."""
        try:
            return work()
        except Exception as error:
            self.errors.append(error)
            return np.zeros((lines, share.block.stop - share.block.start))

    def _raise_on_all_ranks(self) -> None:
        """Raise the reading error of any rank on all ranks."""
        run_collectively(self.communicator, self._raise_first_error)

    def _raise_first_error(self) -> None:
        """Raise the first recorded reading error of this rank, if there is one."""
        if self.errors:
            raise self.errors[0]
