"""Bands of X on several threads; what each yields comes back in their order: sums are the same for any number."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import chain, islice
from typing import TypeVar

from mffnb.threads import allowed_threads

Item = TypeVar("Item")
Result = TypeVar("Result")

_pools: dict[int, ThreadPoolExecutor] = {}
# A process that is forked has none of the threads of its parent.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pools.clear)


def threaded_map(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int | None = None
) -> Iterator[Result]:
    """Like :func:`map`, on as many threads as BLAS may use; at most one item more than there are threads is in flight.

    The function should spend its time free of the interpreter lock. When it raises, or the caller goes away, those that
    have begun are waited for: nobody writes any more. A single item stays on the thread of the caller.

    Parameters
    ----------
    function, items
        As for :func:`map`; the items are made on the thread of the caller.
    threads
        How many, :func:`mffnb.threads.allowed_threads` if None.

    Examples
    --------
    >>> list(threaded_map(abs, [-1, 2, -3]))
    [1, 2, 3]
    """
    threads = allowed_threads() if threads is None else threads
    items = iter(items)
    ready = list(islice(items, 2)) if threads > 1 else []
    items = chain(ready, items)
    if len(ready) < 2:  # to wake another thread takes longer than a small image
        yield from map(function, items)
        return
    pool = _pools.setdefault(threads, ThreadPoolExecutor(threads, thread_name_prefix="mffnb-bands"))
    submitted: deque[Future[Result]] = deque()
    try:
        for item in items:
            submitted.append(pool.submit(function, item))
            if len(submitted) > threads:
                yield submitted.popleft().result()
        while submitted:
            yield submitted.popleft().result()
    finally:
        for future in submitted:
            future.cancel()
        wait(submitted)
