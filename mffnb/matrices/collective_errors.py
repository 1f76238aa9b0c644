"""Ranks that succeed together or fail together: one that raised alone would leave the others waiting for ever."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")

# What a rank may raise for the others: anything else becomes a RuntimeError there, with its name.
_KNOWN: dict[str, type[Exception]] = {
    error.__name__: error for error in (OSError, ValueError, TypeError, MemoryError, FileNotFoundError)
}


def together(communicator: Any, work: Callable[[], Result]) -> Result:
    """Return what ``work`` returns here, or raise on all ranks what the first of them to fail has raised.

    Parameters
    ----------
    communicator
        An mpi4py communicator; None where there is one process only.
    work
        What may fail, without a word to other ranks in it.

    Examples
    --------
    >>> together(None, lambda: 2 + 2)
    4
    """
    if communicator is None:
        return work()
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
