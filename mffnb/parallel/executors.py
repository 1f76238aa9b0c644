"""Run independent fits on any executor: ``concurrent.futures``, engines of ipyparallel, or dask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from mffnb.parallel.cluster import Cluster
from mffnb.parallel.cores import count_cores

_KINDS = "a concurrent.futures executor, a dask client, a cluster or attached engines"


@runtime_checkable
class Submits(Protocol):
    """Interface of an executor: ``submit`` returns a ``concurrent.futures.Future``."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **options: Any) -> Any:
        """Start a call and return its future."""


@runtime_checkable
class GivesExecutor(Protocol):
    """Interface of ``dask.distributed.Client``, whose own ``submit`` returns futures of another kind."""

    def get_executor(self) -> Any:
        """Return an executor of ``concurrent.futures``."""


class ExecutorEngines:
    """An executor in the place of a :class:`Cluster`, for starts that are fitted independently.

    Parameters
    ----------
    executor
        Executor of ``concurrent.futures``.

    Examples
    --------
    >>> from concurrent.futures import ThreadPoolExecutor
    >>> with ThreadPoolExecutor(2) as threads:
    ...     ExecutorEngines(threads).executor() is threads
    True
    """

    mpi = False

    def __init__(self, executor: Any) -> None:
        self._executor = executor
        #: Estimated number of workers, which an executor does not report: the usable cores of this machine.
        self.n = count_cores().usable

    def executor(self) -> Any:
        """Return the executor."""
        return self._executor

    def revive(self) -> None:
        """Do nothing: an executor replaces its own workers, or raises an error."""


def executor_of(pool: Any) -> Any:
    """Return the executor of an engine cluster or a dask client; an executor and None are returned as they are.

    Raises
    ------
    TypeError
        If ``pool`` is none of these.

    Examples
    --------
    >>> executor_of(None) is None
    True
    >>> executor_of(4)
    Traceback (most recent call last):
    TypeError: executor must be a concurrent.futures executor, a dask client, a cluster or attached engines, got int
    """
    if isinstance(pool, Cluster):
        return pool.executor()
    if isinstance(pool, GivesExecutor):
        return pool.get_executor()
    if pool is None or isinstance(pool, Submits):
        return pool
    raise TypeError(f"executor must be {_KINDS}, got {type(pool).__name__}")


def engines_of(pool: Any) -> Cluster | ExecutorEngines | None:
    """Return a cluster as it is, and an executor or a dask client as :class:`ExecutorEngines`.

    Raises
    ------
    TypeError
        If ``pool`` is none of these.

    Examples
    --------
    >>> engines_of(None) is None
    True
    """
    if pool is None or isinstance(pool, (Cluster, ExecutorEngines)):
        return pool
    try:
        return ExecutorEngines(executor_of(pool))
    except TypeError:
        raise TypeError(f"cluster must be {_KINDS}, got {type(pool).__name__}") from None
