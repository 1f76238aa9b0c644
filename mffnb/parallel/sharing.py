"""Send a value (a cube, a matrix) to each worker process once, and find it there by a token."""

from __future__ import annotations

import os
import uuid
from typing import Any

# number of foreign values that are kept: a pool cannot delete a value in all workers, so newer values replace older
_KEPT_FOR_OTHERS = 2
_kept: dict[str, Any] = {}


def share(value: Any) -> str:
    """Store a value in this process and return its token; other processes find it after :func:`keep`.

    Examples
    --------
    >>> token = share([1, 2])
    >>> find(token)
    [1, 2]
    >>> forget(token)
    >>> find(token) is None
    True
    """
    token = f"{os.getpid()}-{uuid.uuid4().hex}"
    _kept[token] = value
    return token


def is_from_here(token: str) -> bool:
    """Whether this process has shared the value of a token."""
    return token.startswith(f"{os.getpid()}-")


def keep(token: str, value: Any) -> None:
    """Store in this process a value that another process has shared, under its token."""
    foreign = [other for other in _kept if not is_from_here(other)]
    for other in foreign[: max(0, len(foreign) - _KEPT_FOR_OTHERS + 1)]:
        _kept.pop(other, None)
    _kept[token] = value


def find(token: str) -> Any:
    """Return the value that is stored in this process under a token, or None if it has not arrived."""
    return _kept.get(token)


def forget(token: str) -> None:
    """Delete the value of a token in this process."""
    _kept.pop(token, None)


def deliver(executor: Any, token: str, value: Any, served: set[int]) -> bool:
    """Send a value to all ipyparallel engines that lack it; return False if the executor has no engines.

    Parameters
    ----------
    executor
        Executor of any kind; only one with ipyparallel engines needs the delivery.
    token, value
        The shared value and its token.
    served
        Ids of the engines that have it; extended by this call.
    """
    client = getattr(getattr(executor, "view", None), "client", None)
    if client is None:
        return False
    waiting = sorted(set(client.ids) - served)
    if waiting:
        # Wait for the delivery: a call that needs the value goes through the load balancer and could overtake it.
        client[waiting].apply_async(keep, token, value).wait()
        served.update(waiting)
    return True


def withdraw(executor: Any, token: str) -> None:
    """Delete the value of a token in this process and on all engines."""
    forget(token)
    client = getattr(getattr(executor, "view", None), "client", None)
    if client is not None and client.ids:
        client[:].apply_async(forget, token)
