"""Cancel a computation between two bands of the data, from another thread.

An iteration on a large image takes seconds, and a user who moves a slider or presses "stop" should not wait for its
end. Loops over bands call :func:`check_cancelled`, which does nothing unless the running thread is inside of
:func:`cancellable`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")

_local = threading.local()


class Cancelled(BaseException):
    """Raised where a computation is cancelled. It is no Exception, so that no fallback handles it as an error."""


@contextmanager
def cancellable(wanted: Callable[[], bool]) -> Iterator[None]:
    """Raise :class:`Cancelled` at the next check on this thread once ``wanted()`` is true; contexts may be nested.

    Examples
    --------
    >>> with cancellable(lambda: True):
    ...     try:
    ...         check_cancelled()
    ...     except Cancelled:
    ...         print("cancelled")
    cancelled
    """
    outer = _conditions()
    _local.conditions = (*outer, wanted)
    try:
        yield
    finally:
        _local.conditions = outer


def check_cancelled() -> None:
    """Raise :class:`Cancelled` if the computation on this thread is to end."""
    if any(wanted() for wanted in _conditions()):
        raise Cancelled


def is_cancellable() -> bool:
    """Return whether the computation on this thread can be cancelled.

    Examples
    --------
    >>> is_cancellable()
    False
    """
    return bool(_conditions())


def checked(items: Iterable[Item]) -> Iterator[Item]:
    """Yield the items, and check before each of them whether the computation is cancelled.

    Examples
    --------
    >>> list(checked([1, 2]))
    [1, 2]
    """
    for item in items:
        check_cancelled()
        yield item


def iterate_cancellable(items: Iterator[Item], wanted: Callable[[], bool]) -> Generator[Item, None, None]:
    """Yield the items; each is computed inside of :func:`cancellable`, and code between two of them is not."""
    while True:
        with cancellable(wanted):
            try:
                item = next(items)
            except StopIteration:
                return
        yield item


def _conditions() -> tuple[Callable[[], bool], ...]:
    conditions: tuple[Callable[[], bool], ...] = getattr(_local, "conditions", ())
    return conditions
