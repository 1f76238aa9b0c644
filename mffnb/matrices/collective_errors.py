"""Collective error handling: if one rank raises an exception, all ranks raise one.

Without this, the other ranks would wait forever for the rank that failed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from mffnb.protocols.communicator import Communicator

Result = TypeVar("Result")

# Exceptions that keep their type on the other ranks. Any other one, a subclass of these included, becomes a
# RuntimeError that names its type.
_KNOWN: dict[str, type[Exception]] = {
    error.__name__: error for error in (OSError, ValueError, TypeError, MemoryError, FileNotFoundError)
}


def run_collectively(communicator: Communicator, work: Callable[[], Result]) -> Result:
    """Run ``work`` on this rank; if it raises on any rank, raise an error on all ranks.

    A rank whose work failed raises its exception unchanged. The other ranks raise the error of the first rank that
    failed, with its number in the message.

    Parameters
    ----------
    communicator
        Communicator of the ranks that call this function; :data:`mffnb.protocols.communicator.SINGLE` for a single
        process.
    work
        Function that may raise; it must not communicate with other ranks.

    Examples
    --------
    >>> from mffnb.protocols.communicator import SINGLE
    >>> run_collectively(SINGLE, lambda: 2 + 2)
    4
    """
    error: Exception | None = None
    try:
        result = work()
    except Exception as raised:  # any exception must reach the other ranks
        error = raised
    if not communicator.allreduce(int(error is not None)):
        return result
    found = communicator.allgather(None if error is None else (type(error).__name__, str(error)))
    if error is not None:
        raise error
    rank, (name, text) = next((rank, fault) for rank, fault in enumerate(found) if fault is not None)
    said = text if name in _KNOWN else f"{name}: {text}"
    raise _KNOWN.get(name, RuntimeError)(f"rank {rank}: {said}")
