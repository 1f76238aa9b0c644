"""The one place that sets how many threads BLAS uses."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_wanted: list[int] = []
_controller: Any = None
_limit: Any = None
_present = 1


def allowed() -> int:
    """How many threads BLAS may use now, and so may we: OMP_NUM_THREADS, threadpoolctl and the limits below decide.

    Examples
    --------
    >>> with at_most(1):
    ...     allowed()
    1
    """
    return max((one.num_threads for one in _blas()), default=1)


@cache
def _blas() -> list[Any]:
    return [one for one in ThreadpoolController().lib_controllers if one.user_api == "blas"]


@contextmanager
def half_of_the_threads() -> Iterator[None]:
    """Leave one core in two to others while any caller is inside: a browser that has to draw, say.

    Examples
    --------
    >>> with half_of_the_threads():
    ...     pass
    """
    with at_most(None):
        yield


@contextmanager
def at_most(threads: int | None) -> Iterator[None]:
    """Let BLAS use so many threads, half of those there are if None, while any caller is inside.

    The limit holds for the whole process: the lowest that is wanted. It is set by the first one in and lifted by the
    last one out, so that callers on several threads cannot make it last. Many products of small matrices are best done
    by one thread: others would wait for each other, and on a busy machine for long.

    Examples
    --------
    >>> with at_most(1):
    ...     pass
    """
    global _controller, _limit, _present  # noqa: PLW0603  a process has one BLAS
    with _lock:
        if not _wanted:
            _controller = ThreadpoolController()
            _present = max((one["num_threads"] for one in _controller.info() if one["user_api"] == "blas"), default=1)
            _limit = _controller.limit(limits=_present, user_api="blas")  # remembers what there was
        threads = max(1, _present // 2) if threads is None else threads
        _wanted.append(threads)
        _controller.limit(limits=min(_wanted), user_api="blas")
    try:
        yield
    finally:
        with _lock:
            _wanted.remove(threads)
            if _wanted:
                _controller.limit(limits=min(_wanted), user_api="blas")
            else:
                _limit.restore_original_limits()
                _limit = None
