"""Limits on the number of threads of BLAS and of block-wise products; the only module that sets them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple, TypeVar

from threadpoolctl import ThreadpoolController

Item = TypeVar("Item")


class _Limit(NamedTuple):
    """One request for limits on the number of threads: for block-wise products and for BLAS."""

    bands: int
    blas: int


_lock = threading.Lock()
_requested_limits: list[_Limit] = []
_original_threads: list[int] = []  # threads of each BLAS library before the first limit was requested


def allowed_threads() -> int:
    """Return the number of threads for block-wise products: that of BLAS, reduced by the limits of this module.

    The number of BLAS threads is set by the environment variable OMP_NUM_THREADS or by threadpoolctl.

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
    """Use half of the threads inside the context, so that other processes, such as a browser, stay responsive.

    Examples
    --------
    >>> with half_of_the_threads():
    ...     pass
    """
    with limit_threads(None):
        yield


@contextmanager
def limit_threads(threads: int | None) -> Iterator[None]:
    """Limit the threads of BLAS and of block-wise products inside the context; None means half of them.

    The limit applies to the whole process. Contexts may overlap on several threads: the lowest requested number
    applies, and the original numbers return when the last context ends. One thread is best for many products of small
    matrices, where synchronisation costs more than the product.

    Examples
    --------
    >>> with limit_threads(1):
    ...     pass
    """
    with _limited(None if threads is None else _Limit(threads, threads)):
        yield


@contextmanager
def single_threaded_blas() -> Iterator[None]:
    """Limit BLAS to one thread inside the context; block-wise products keep theirs.

    The order of summation in BLAS, and thus its rounding errors, depend on its number of threads.

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
    """Iterate over ``steps`` with one BLAS thread while a step is computed, and with the usual number between steps.

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
    """Register a limit for the duration of the context; None means half of the threads."""
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
    """Set every BLAS library to the lowest requested number of threads, or back to its original number."""
    lowest = min((one.blas for one in _requested_limits), default=None)
    for one, present in zip(_blas_libraries(), _original_threads, strict=True):
        one.set_num_threads(present if lowest is None else min(lowest, present))


def _blas_threads() -> int:
    """Return the current number of threads of BLAS, the largest over its libraries."""
    return max((one.num_threads for one in _blas_libraries()), default=1)


@cache
def _blas_libraries() -> list[Any]:
    """Return the threadpoolctl controllers of the loaded BLAS libraries."""
    return [one for one in ThreadpoolController().lib_controllers if one.user_api == "blas"]
