"""The one place that sets how many threads BLAS uses."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_users = 0
_limit: Any = None


@contextmanager
def half_of_the_threads() -> Iterator[None]:
    """Leave one core in two to others while any caller is inside: a browser that has to draw, say.

    The limit holds for the whole process. It is set by the first one in and lifted by the last one out, so that callers
    on several threads cannot make it last.

    Examples
    --------
    >>> with half_of_the_threads():
    ...     pass
    """
    global _users, _limit  # noqa: PLW0603  a process has one BLAS
    with _lock:
        if _users == 0:
            controller = ThreadpoolController()
            present = [library["num_threads"] for library in controller.info() if library["user_api"] == "blas"]
            _limit = controller.limit(limits=max(1, max(present, default=1) // 2), user_api="blas")
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                _limit.restore_original_limits()
                _limit = None
