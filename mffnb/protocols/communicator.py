"""Communication between processes: the calls of an MPI communicator that the package makes, and one process alone.

Code that may run on several MPI ranks takes a :class:`Communicator`. Its default is :data:`SINGLE`, for which every
call returns its argument, so that no code tests whether there are ranks, and nothing imports mpi4py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


class Communicator(Protocol):
    """The lower-case calls of an mpi4py communicator, which send Python objects; all ranks make each call together."""

    @property
    def rank(self) -> int:
        """Number of this process, from 0."""

    @property
    def size(self) -> int:
        """Number of processes."""

    def bcast(self, value: Any, /, root: int = 0) -> Any:
        """Return the value that the process ``root`` passes, on all of them."""

    def allgather(self, value: Any, /) -> list[Any]:
        """Return the values of all processes, in the order of their ranks."""

    def allreduce(self, value: Any, /) -> Any:
        """Return the sum of the values of all processes."""


@dataclass(frozen=True)
class SingleProcess:
    """The communicator of a program that runs in one process.

    Examples
    --------
    >>> SINGLE.rank, SINGLE.size, SINGLE.bcast("seed"), SINGLE.allgather(3), SINGLE.allreduce(3)
    (0, 1, 'seed', [3], 3)
    """

    rank: int = 0
    size: int = 1

    def bcast(self, value: Any, /, root: int = 0) -> Any:
        """Return the value."""
        return value

    def allgather(self, value: Any, /) -> list[Any]:
        """Return a list of the one value."""
        return [value]

    def allreduce(self, value: Any, /) -> Any:
        """Return the value, which is the sum."""
        return value


SINGLE: Communicator = SingleProcess()
"""The communicator of one process."""
