"""Bands of a file, each read on one thread in the background while the one before is being used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Band = TypeVar("Band")


def read_ahead(read: Callable[[Item], Band], items: Iterable[Item]) -> Iterator[Band]:
    """Like :func:`map`, one item ahead: two bands are there at most, one that is used and one that is being read.

    A caller that gives a band a name still holds it when it asks for the next one, and makes it three. What ``read``
    raises is raised here, where that band is asked for. When the caller goes away, reading under way is waited for and
    the thread ends.

    Parameters
    ----------
    read
        Reads one band; should spend its time free of the interpreter lock.
    items
        What it reads.

    Examples
    --------
    >>> list(read_ahead(abs, [-1, 2, -3]))
    [1, 2, 3]
    """
    with ThreadPoolExecutor(1, thread_name_prefix="mffnb-read-ahead") as reader:
        pending: Future[Band] | None = None
        ready: list[Band] = []  # what is handed over leaves no name behind here
        try:
            for item in items:
                if pending is not None:
                    ready.append(pending.result())
                pending = reader.submit(read, item)
                if ready:
                    yield ready.pop()
            if pending is not None:
                ready.append(pending.result())
                pending = None
                yield ready.pop()
        finally:
            if pending is not None:
                pending.cancel()
