"""The distributed X as one matrix on rank 0: methods for one process run there, with products computed on all ranks.

Rank 0 runs the method and takes all its decisions, so rounding cannot send ranks into different branches. Whenever it
needs a product, it starts a call that all ranks execute. The other ranks wait for these calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from mffnb.matrices.collective_errors import run_collectively
from mffnb.matrices.distributed import Distributed
from mffnb.matrices.local import Local
from mffnb.matrices.scaled import scaled
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.row_update import Move
from mffnb.typing import Float64Array

Result = TypeVar("Result")
ROWS, COLUMNS = "rows", "columns"


@dataclass(frozen=True)
class _Call:
    """A call that rank 0 starts: the function, the number of its matrix, and the lines of its distributed inputs."""

    function: Callable[..., Any] | None
    number: int
    axis: str
    value: Any
    row_lines: int | None
    column_lines: int | None


class CollectiveCalls:
    """Calls that rank 0 starts and all ranks execute on their blocks of X.

    Parameters
    ----------
    matrix
        The block of X of this rank.
    own_function
        Function of this rank for :meth:`call_own`; it need not be picklable.
    """

    def __init__(self, matrix: Distributed, own_function: Callable[[Any, Float64Array], Any] | None = None) -> None:
        self.matrices: list[Any] = [matrix]
        self.communicator = matrix.communicator
        self._own_function = own_function
        owned = self.communicator.allgather((matrix.own, matrix.own_columns))
        self._owned = {ROWS: [rows for rows, _ in owned], COLUMNS: [columns for _, columns in owned]}
        self._failed = False

    @property
    def on_root(self) -> bool:
        """Whether this is rank 0."""
        return bool(self.communicator.rank == 0)

    def run(self, work: Callable[[RootView], Result]) -> Result | None:
        """Run ``work`` on rank 0 with a view of X, while the other ranks execute its calls; return None on these.

        If ``work`` raises, all ranks raise an error.
        """
        return run_collectively(self.communicator, lambda: self._start(work) if self.on_root else self._follow())

    def call(
        self,
        function: Callable[..., Any],
        number: int,
        axis: str = "",
        *,
        rows: Float64Array | None = None,
        columns: Float64Array | None = None,
    ) -> Any:
        """On rank 0: call ``function(matrix, *inputs)`` on all ranks, and return its result for the whole X.

        Parameters
        ----------
        function
            A function of a module. It gets the distributed matrix, then the own parts of ``rows`` and ``columns``.
        number
            Number of the matrix in :attr:`matrices`.
        axis
            Axis of X along which the result is distributed; empty for a result that is the same on all ranks.
        rows, columns
            Inputs (k, rows) and (k, columns), or None.
        """
        lines = (None if one is None else len(one) for one in (rows, columns))
        return self._execute(self.communicator.bcast(_Call(function, number, axis, None, *lines)), rows, columns)

    def call_own(self, value: Any, rows: Float64Array) -> Any:
        """On rank 0: call the own function of each rank with ``value`` and its part of ``rows`` (k, rows)."""
        return self._execute(self.communicator.bcast(_Call(None, 0, "", value, len(rows), None)), rows, None)

    def scatter(self, whole: Float64Array | None, lines: int, axis: str) -> Float64Array:
        """Return this rank's part of an array (lines, length of the axis) of rank 0."""
        parts = self._owned[axis]
        part = np.empty((lines, _length(parts[self.communicator.rank])))
        for line in range(lines):
            sent = None
            if whole is not None:
                sent = [np.ascontiguousarray(whole[line], dtype=np.float64), _counts(parts)]
            self.communicator.Scatterv(sent, part[line], root=0)
        return part

    def _gather(self, part: Float64Array, axis: str) -> Float64Array:
        """Return on rank 0 the array (lines, length of the axis) of all parts; elsewhere the part itself."""
        parts = self._owned[axis]
        whole = np.empty((len(part), max(one.stop for one in parts))) if self.on_root else None
        for line in range(len(part)):
            received = None if whole is None else [whole[line], _counts(parts)]
            self.communicator.Gatherv(np.ascontiguousarray(part[line], dtype=np.float64), received, root=0)
        return part if whole is None else whole

    def _start(self, work: Callable[[RootView], Result]) -> Result:
        """Run the work on rank 0, then release the other ranks."""
        try:
            return work(RootView(self, 0))
        finally:
            if not self._failed:
                self.communicator.bcast(None)

    def _follow(self) -> None:
        """Execute the calls of rank 0 until its work has ended."""
        while (call := self.communicator.bcast(None)) is not None:
            self._execute(call, None, None)

    def _execute(self, call: _Call, rows: Float64Array | None, columns: Float64Array | None) -> Any:
        """Execute one call; an error of the block of any rank is raised on all ranks."""
        matrix = self.matrices[call.number]
        self._failed = True  # until the call has ended on all ranks
        inputs = [
            self.scatter(whole, lines, axis)
            for whole, lines, axis in ((rows, call.row_lines, ROWS), (columns, call.column_lines, COLUMNS))
            if lines is not None
        ]
        if call.function is None:
            assert self._own_function is not None
            result = self._own_function(call.value, *inputs)
        elif call.function is _scaled_columns:
            result = len(self.matrices)
            self.matrices.append(_scaled_columns(matrix, *inputs))
        else:
            result = call.function(matrix, *inputs)
            matrix.total(np.zeros(1))  # raises the errors of all blocks
        whole = self._gather(np.atleast_2d(result), call.axis) if call.axis else result
        self._failed = False
        return whole


@dataclass(frozen=True, eq=False)
class RootView(Local):
    """The distributed X on rank 0, as a matrix of one process: factors are whole, products are computed on all ranks.

    Only :meth:`CollectiveCalls.run` creates it. Rows of X cannot be read, since rank 0 has too little memory for them.

    Parameters
    ----------
    calls
        Calls on all ranks.
    number
        Number of the distributed matrix.
    """

    calls: CollectiveCalls
    number: int

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns of X on all ranks."""
        rows, columns = self.calls.matrices[self.number].shape
        return rows, columns

    def times(self, basis: Float64Array) -> Float64Array:
        """Compute ``basis X^T``, (k, rows), from a basis (k, columns)."""
        return np.asarray(self.calls.call(_times, self.number, ROWS, columns=basis))

    def transposed_times(self, factor: Float64Array) -> Float64Array:
        """Compute ``factor X``, (k, columns), from a factor (k, rows)."""
        return np.asarray(self.calls.call(_transposed_times, self.number, COLUMNS, rows=factor))

    def fused_products(self, basis: Float64Array, move: Move) -> Float64Array:
        """Compute ``basis X^T``, update by ``move`` on rank 0, and compute ``factor X``: two passes over X."""
        return self.transposed_times(move(slice(0, self.shape[0]), self.times(basis)))

    def compute(self, function: Callable[..., Float64Array], rows: Float64Array, columns: Float64Array) -> Float64Array:
        """Compute ``function(X, rows, columns)``, (columns,), by a function of a module that takes a distributed X."""
        return np.asarray(self.calls.call(function, self.number, COLUMNS, rows=rows, columns=columns)[0])

    def scaled_columns(self, columns: Float64Array) -> RootView:
        """Return the view of X diag(columns)."""
        return RootView(self.calls, int(self.calls.call(_scaled_columns, self.number, columns=columns[None])))

    @cached_property
    def row_squares(self) -> Float64Array:
        """Sum of squares of each row, (rows,)."""
        return np.asarray(self.calls.call(_row_squares, self.number, ROWS)[0])

    @cached_property
    def squared_norm(self) -> float:
        """Sum of squares of all entries."""
        return float(self.calls.call(_squared_norm, self.number))

    def bands(self) -> Iterator[tuple[int, int, Any]]:
        """Raise an error: rank 0 does not read the rows of other ranks."""
        raise NotImplementedError("rank 0 cannot read rows of X of other ranks: use products")


def _times(matrix: Matrix, basis: Float64Array) -> Float64Array:
    return matrix.times(basis)


def _transposed_times(matrix: Matrix, factor: Float64Array) -> Float64Array:
    return matrix.transposed_times(factor)


def _row_squares(matrix: Matrix) -> Float64Array:
    return matrix.row_squares


def _squared_norm(matrix: Matrix) -> float:
    return matrix.squared_norm


def _scaled_columns(matrix: Matrix, columns: Float64Array) -> Matrix:
    return scaled(matrix, columns=columns[0])


def _length(part: slice) -> int:
    return int(part.stop - part.start)


def _counts(parts: list[slice]) -> tuple[list[int], list[int]]:
    """Return the length and the start of each part, as MPI takes them."""
    return [_length(part) for part in parts], [int(part.start) for part in parts]
