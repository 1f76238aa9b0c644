"""Communication between processes: the calls of MPI communicators that the package makes, and a single-process version.

Code that may run on several MPI ranks takes a :class:`Communicator`. Its default is :data:`SINGLE`, for which every
call returns its argument, so that no code tests whether there are ranks, and nothing imports mpi4py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


class Communicator(Protocol):
    """Protocol of an mpi4py communicator: its calls for Python objects, each of which all ranks make together."""

    @property
    def rank(self) -> int:
        """Number of this process, from 0."""

    @property
    def size(self) -> int:
        """Number of processes."""

    def bcast(self, value: Any, /, root: int = 0) -> Any:
        """Return, on all processes, the value that the process ``root`` passes."""

    def allgather(self, value: Any, /) -> list[Any]:
        """Return the list of the values of all processes, in the order of their ranks, on all processes."""

    def allreduce(self, value: Any, /) -> Any:
        """Return the sum of the values of all processes, on all processes."""


@dataclass(frozen=True)
class SingleProcess:
    """Communicator of a program that runs in one process: each call returns its argument.

    Examples
    --------
    >>> SINGLE.rank, SINGLE.size, SINGLE.bcast("seed"), SINGLE.allgather(3), SINGLE.allreduce(3)
    (0, 1, 'seed', [3], 3)
    """

    rank: int = 0
    size: int = 1

    def bcast(self, value: Any, /, root: int = 0) -> Any:
        """Return the value unchanged."""
        return value

    def allgather(self, value: Any, /) -> list[Any]:
        """Return a list with the value of this process only."""
        return [value]

    def allreduce(self, value: Any, /) -> Any:
        """Return the value unchanged: it is the sum over one process."""
        return value


SINGLE: Communicator = SingleProcess()
"""The communicator of one process."""
