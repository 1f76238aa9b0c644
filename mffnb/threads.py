"""The one place that sets how many threads BLAS uses."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple, TypeVar

from threadpoolctl import ThreadpoolController

Item = TypeVar("Item")


class _Limit(NamedTuple):
    bands: int
    blas: int


_lock = threading.Lock()
_requested_limits: list[_Limit] = []
_original_threads: list[int] = []  # threads of each BLAS library, before the first caller came in


def allowed_threads() -> int:
    """How many threads bands of X may use: as many as BLAS, so OMP_NUM_THREADS, threadpoolctl and the limits below.

    Examples
    --------
    >>> with limit_threads(1):
    ...     allowed_threads()
    1
    """
    with _lock:
        return min((one.bands for one in _requested_limits), default=_blas_threads())


@contextmanager
def half_of_the_threads() -> Iterator[None]:
    """Leave one core in two to others while any caller is inside: a browser that has to draw, say.

    Examples
    --------
    >>> with half_of_the_threads():
    ...     pass
    """
    with limit_threads(None):
        yield


@contextmanager
def limit_threads(threads: int | None) -> Iterator[None]:
    """Use so many threads, half of those there are if None, while any caller is inside: BLAS, and bands of X.

    The limit holds for the whole process: the lowest that is wanted. It is set by the first one in and lifted by the
    last one out, so that callers on several threads cannot make it last. Many products of small matrices are best done
    by one thread: others would wait for each other, and on a busy machine for long.

    Examples
    --------
    >>> with limit_threads(1):
    ...     pass
    """
    with _limited(None if threads is None else _Limit(threads, threads)):
        yield


@contextmanager
def single_threaded_blas() -> Iterator[None]:
    """Keep BLAS to one thread, bands of X to as many as before: how BLAS adds up depends on their number.

    Examples
    --------
    >>> before = allowed_threads()
    >>> with single_threaded_blas():
    ...     allowed_threads() == before
    True
    """
    with _limited(_Limit(allowed_threads(), 1)):
        yield


def iterate_with_single_threaded_blas(steps: Iterator[Item]) -> Iterator[Item]:
    """The same steps, each made while BLAS keeps to one thread; between them it has its own.

    Examples
    --------
    >>> list(iterate_with_single_threaded_blas(iter("ab")))
    ['a', 'b']
    """
    while True:
        with single_threaded_blas():
            try:
                step = next(steps)
            except StopIteration:
                return
        yield step


@contextmanager
def _limited(limit: _Limit | None) -> Iterator[None]:
    with _lock:
        if not _requested_limits:
            _original_threads[:] = [one.num_threads for one in _blas_libraries()]
        half = max(1, max(_original_threads, default=1) // 2)
        limit = _Limit(half, half) if limit is None else limit
        _requested_limits.append(limit)
        _apply_limits()
    try:
        yield
    finally:
        with _lock:
            _requested_limits.remove(limit)
            _apply_limits()


def _apply_limits() -> None:
    """The lowest number of threads that is wanted; what there was before, where nothing is."""
    lowest = min((one.blas for one in _requested_limits), default=None)
    for one, present in zip(_blas_libraries(), _original_threads, strict=True):
        one.set_num_threads(present if lowest is None else min(lowest, present))


def _blas_threads() -> int:
    return max((one.num_threads for one in _blas_libraries()), default=1)


@cache
def _blas_libraries() -> list[Any]:
    return [one for one in ThreadpoolController().lib_controllers if one.user_api == "blas"]
