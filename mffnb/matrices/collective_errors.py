"""Raise the error of one MPI rank on all ranks: a rank that raised alone would leave the others waiting for ever."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from mffnb.protocols.communicator import Communicator

Result = TypeVar("Result")

# What a rank may raise for the others: anything else becomes a RuntimeError there, with its name.
_KNOWN: dict[str, type[Exception]] = {
    error.__name__: error for error in (OSError, ValueError, TypeError, MemoryError, FileNotFoundError)
}


def together(communicator: Communicator, work: Callable[[], Result]) -> Result:
    """Return what ``work`` returns here, or raise on all ranks what the first of them to fail has raised.

    Parameters
    ----------
    communicator
        Of the ranks that call this; :data:`mffnb.protocols.communicator.SINGLE` for one process.
    work
        A function that may raise, and does not communicate.

    Examples
    --------
    >>> from mffnb.protocols.communicator import SINGLE
    >>> together(SINGLE, lambda: 2 + 2)
    4
    """
    error: Exception | None = None
    try:
        result = work()
    except Exception as raised:  # whatever it is, the others must hear of it
        error = raised
    if not communicator.allreduce(int(error is not None)):
        return result
    found = communicator.allgather(None if error is None else (type(error).__name__, str(error)))
    if error is not None:
        raise error
    rank, (name, text) = next((rank, fault) for rank, fault in enumerate(found) if fault is not None)
    said = text if name in _KNOWN else f"{name}: {text}"
    raise _KNOWN.get(name, RuntimeError)(f"rank {rank}: {said}")
