"""A threaded map over blocks of X, with results in order, so that sums do not depend on the number of threads."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import chain, islice
from typing import TypeVar

from mffnb.kernels.tiers.tier import in_this_tier
from mffnb.matrices.cancellation import checked
from mffnb.threads import allowed_threads

Item = TypeVar("Item")
Result = TypeVar("Result")

_pools: dict[int, ThreadPoolExecutor] = {}
# A forked process inherits none of the threads of its parent, so it must create its own pool.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pools.clear)


def threaded_map(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int | None = None
) -> Iterator[Result]:
    """Apply a function to items on as many threads as BLAS may use; yield results in the order of the items.

    At most one more item than there are threads is in progress. The function should release the interpreter lock most
    of the time. If it raises, if the computation is cancelled (:mod:`mffnb.matrices.cancellation`), or if the caller
    stops early, all running calls are waited for, so that none writes to its output afterwards. A single item is
    processed on the calling thread.

    Parameters
    ----------
    function, items
        As for :func:`map`; the calling thread iterates over the items.
    threads
        Number of threads; if None, :func:`mffnb.threads.allowed_threads`.

    Examples
    --------
    >>> list(threaded_map(abs, [-1, 2, -3]))
    [1, 2, 3]
    """
    threads = allowed_threads() if threads is None else threads
    items = iter(checked(items))
    ready = list(islice(items, 2)) if threads > 1 else []
    items = chain(ready, items)
    if len(ready) < 2:  # waking another thread would take longer than the work on a small image
        yield from map(function, items)
        return
    pool = _pools.setdefault(threads, ThreadPoolExecutor(threads, thread_name_prefix="mffnb-bands"))
    submitted: deque[Future[Result]] = deque()
    function = in_this_tier(function)
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
