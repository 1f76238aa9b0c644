"""What every worker needs is sent to it once, and kept there: a cube, not a cube for each piece of work."""

from __future__ import annotations

import os
import uuid
from typing import Any

_KEPT_FOR_OTHERS = 2  # a pool cannot be told to forget, so that newer things take the place of older ones
_kept: dict[str, Any] = {}


def share(value: Any) -> str:
    """Keep a value in this process and return its token; threads find it at once, other processes once they have it.

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
    """Whether this process is the one that shared it."""
    return token.startswith(f"{os.getpid()}-")


def keep(token: str, value: Any) -> None:
    """Keep what another process has shared."""
    foreign = [other for other in _kept if not is_from_here(other)]
    for other in foreign[: max(0, len(foreign) - _KEPT_FOR_OTHERS + 1)]:
        _kept.pop(other, None)
    _kept[token] = value


def find(token: str) -> Any:
    """What was shared, or None where it has not arrived."""
    return _kept.get(token)


def forget(token: str) -> None:
    """Let go of it."""
    _kept.pop(token, None)


def deliver(executor: Any, token: str, value: Any, served: set[int]) -> bool:
    """Send a value to all ipyparallel engines that are not yet served; False for an executor that has no engines.

    Parameters
    ----------
    executor
        Any executor; that of an ipyparallel client knows its engines.
    token, value
        What is shared.
    served
        Ids of the engines that have it; those that get it now are added.
    """
    client = getattr(getattr(executor, "view", None), "client", None)
    if client is None:
        return False
    waiting = sorted(set(client.ids) - served)
    if waiting:
        # Work for the engine that has the least to do comes another way, and might be there first.
        client[waiting].apply_async(keep, token, value).wait()
        served.update(waiting)
    return True


def withdraw(executor: Any, token: str) -> None:
    """Let go of it here and on the engines."""
    forget(token)
    client = getattr(getattr(executor, "view", None), "client", None)
    if client is not None and client.ids:
        client[:].apply_async(forget, token)
