"""Start, restart and stop the engines of an ipyparallel cluster."""

from __future__ import annotations

import concurrent.futures as cf
import contextlib
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any

from mffnb.keywords import checks_keywords
from mffnb.parallel.guard import Guard, kill

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_BESIDE_THIS_PYTHON = Path(sys.prefix) / "bin" / "mpiexec"
# Ranks on one host need the loopback interface only; the variables are those of UCX and of libfabric (tcp).
_LOOPBACK = {"UCX_NET_DEVICES": "lo", "FI_TCP_IFACE": "lo"} if sys.platform == "linux" else {}
_POLL = 0.05  # time between two checks of the engines, in seconds


class Cluster:
    """A cluster of ipyparallel engines on this machine, one BLAS thread each; created by :func:`cluster`.

    Attributes
    ----------
    n
        Number of engines.
    mpi
        Whether they are the ranks of one MPI program, which solve one factorization together.
    client
        The ``ipyparallel.Client`` while the cluster runs, else None.
    busy
        Lock that a collective call on MPI engines holds, so that the messages of two callers do not mix.
    folder
        Folder that this process and all engines see, for instructions to MPI engines; None for the temporary folder.

    Examples
    --------
    >>> import mffnb as mf
    >>> engines = mf.parallel.cluster(2)  # engines start with `with`, or engines.start()
    >>> engines.n, engines.mpi, engines.client
    (2, False, None)
    """

    def __init__(self, n: int, mpi: bool = False, timeout: float = 120.0):
        if not (isinstance(n, int) and n >= 1):
            raise ValueError(f"n must be a whole number of engines >= 1, got {n!r}")
        self.n, self.mpi, self.timeout = n, mpi, timeout
        self.client: Any = None
        self.folder: Path | None = None
        self.busy = threading.RLock()
        self._cluster: Any = None
        self._guard: Guard | None = None
        self._pids: dict[int, int] = {}  # process ids of the engines, by the number of the engine

    def start(self) -> Cluster:
        """Start the engines and wait until they answer.

        Use it in notebooks, where a ``with`` block cannot span two cells.
        """
        if self.client is not None:
            raise RuntimeError("the cluster runs already: stop() it first")
        if self.mpi and find_spec("mpi4py") is None:
            raise RuntimeError('MPI engines need mpi4py and an MPI library: pip install "mffnb[mpi]"')
        import ipyparallel  # noqa: PLC0415  slow to import
        from traitlets.config import Config  # noqa: PLC0415

        settings = Config()
        loopback = {name: os.environ.get(name, value) for name, value in _LOOPBACK.items()}
        settings.EngineLauncher.environment = dict.fromkeys(ONE_THREAD, "1") | loopback
        if beside := mpiexec_beside_python():
            settings.MPILauncher.mpi_cmd = [str(beside)]  # mpiexec is often not on the PATH of a notebook
        self._cluster = ipyparallel.Cluster(
            n=self.n,
            engines="mpi" if self.mpi else "local",
            config=settings,
            controller_ip="127.0.0.1",  # a profile of the user may name another address
            controller_args=["--nodb"],  # without this option the controller keeps a copy of every message
            log_level=logging.CRITICAL,
            shutdown_atexit=True,
        )
        self._guard = Guard()
        try:
            self._cluster.start_cluster_sync()
            self.client = self._cluster.connect_client_sync()
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop the engines of the cluster, if it runs."""
        client, running, self.client, self._cluster = self.client, self._cluster, None, None
        with contextlib.suppress(Exception):  # an engine that has died cannot be stopped, and raises an error here
            if client is not None:
                # stopping only the cluster, without the hub, prints the logs of engines
                client.shutdown(hub=True, block=True)
                client.close()
        with contextlib.suppress(Exception):
            if running is not None:
                running.stop_cluster_sync()
        guard, self._guard = self._guard, None
        if guard is not None:
            guard.stop_watchdog()

    def __enter__(self) -> Cluster:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def executor(self) -> EnginePool:
        """Return an executor of ``concurrent.futures`` that sends each call to the least busy engine."""
        self.check_runs()
        return EnginePool(self)

    def check_runs(self) -> None:
        """Raise RuntimeError if the engines of the cluster are not started; the message says how to start them."""
        if self.client is None:
            raise RuntimeError("the cluster does not run: start() it, or use `with mffnb.parallel.cluster(n) as c:`")

    def revive(self) -> None:
        """Replace dead engines; MPI engines die together and are all replaced, which takes 5 to 9 seconds."""
        self.check_runs()
        here = set(self.client.ids)
        if len(here) == self.n and here == self._pids.keys():
            return
        if self.mpi:
            # An old engine that is still registered would keep its number, which a new rank then could not get.
            self.abort()
            self._cluster.stop_engines_sync()
        missing = self.n - len(self.client.ids)
        if missing > 0:
            self._cluster.start_engines_sync(n=missing)
        self._wait()

    def abort(self) -> None:
        """Kill all engines of the cluster at once; :meth:`revive` starts new ones."""
        for pid in self._pids.values():
            kill(pid)
        deadline = time.monotonic() + self.timeout
        while self.client.ids and time.monotonic() < deadline:
            time.sleep(_POLL)
        self._pids = {}  # the operating system may give the process ids of dead engines to other processes
        self._guard_engines()

    def _wait(self) -> None:
        self.client.wait_for_engines(self.n, timeout=self.timeout, interactive=False)
        engines = self.client[:]
        self._pids = dict(zip(engines.targets, engines.apply_sync(os.getpid), strict=True))
        self._guard_engines()

    def _guard_engines(self) -> None:
        if self._guard is not None:
            self._guard.watch([self._cluster.controller.pid, *self._pids.values()])


class EnginePool(cf.Executor):
    """The engines of a cluster as an executor; a dead engine is replaced before the next call is sent."""

    def __init__(self, cluster: Cluster):
        self._cluster = cluster

    @property
    def view(self) -> Any:
        """The load-balanced view of the live engines."""
        return self._cluster.client.load_balanced_view()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **options: Any) -> Any:
        """Send a function call to an engine; its future raises ``ipyparallel.error.EngineError`` if the engine dies."""
        self._cluster.revive()
        return self.view.apply_async(fn, *args, **options)


def mpiexec_beside_python() -> Path | None:
    """Return the path of the ``mpiexec`` of this Python's environment, or None if the environment has none."""
    return _BESIDE_THIS_PYTHON if _BESIDE_THIS_PYTHON.exists() else None


def is_engine_loss(error: BaseException) -> bool:
    """Return whether an error of ipyparallel means that an engine died, from the type name that it carries."""
    return getattr(error, "ename", type(error).__name__) == "EngineError"


@checks_keywords()
def cluster(n: int, mpi: bool = False, timeout: float = 120.0) -> Cluster:
    """Start ipyparallel engines for the time of a ``with`` block, or from ``start()`` to ``stop()``.

    Parameters
    ----------
    n
        Number of engines; the number of cores is a good choice.
    mpi
        Start them as the ranks of one MPI program, over which the pixels of one image are distributed.
    timeout
        Longest time to wait for a start, in seconds.

    Returns
    -------
    Cluster
        For ``unmix("big.h5", 4, cluster=c)``, ``explore(..., cluster=c)`` and ``tuning.tune(..., executor=c)``. Nothing
        is printed, a killed engine is replaced, and each engine uses one thread. If this process dies, its engines end
        within a second.

    Raises
    ------
    TimeoutError
        If the engines do not answer in that time.

    Examples
    --------
    >>> import mffnb as mf
    >>> c = mf.parallel.cluster(2)                 # with mf.parallel.cluster(2) as c: ...
    >>> c.n, c.client is None
    (2, True)
    """
    return Cluster(n, mpi, timeout)
