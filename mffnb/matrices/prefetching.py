"""Prefetching of bands: the next band of a file is read on a background thread while one is being used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from mffnb.kernels.tiers.tier import in_this_tier

Item = TypeVar("Item")
Band = TypeVar("Band")


def read_ahead(read: Callable[[Item], Band], items: Iterable[Item]) -> Iterator[Band]:
    """Map ``read`` over the items, one item ahead; at most two results exist at a time.

    A caller that keeps a reference to a result while it requests the next one raises this number to three. An exception
    of ``read`` is raised when its result is requested. If the caller stops early, the running read is finished and the
    thread ends.

    Parameters
    ----------
    read
        Function that reads one band; it should release the interpreter lock most of the time.
    items
        Arguments of ``read``, one for each band.

    Examples
    --------
    >>> list(read_ahead(abs, [-1, 2, -3]))
    [1, 2, 3]
    """
    read = in_this_tier(read)
    with ThreadPoolExecutor(1, thread_name_prefix="mffnb-read-ahead") as reader:
        pending: Future[Band] | None = None
        ready: list[Band] = []  # pop() removes the list's reference when the item is yielded
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
