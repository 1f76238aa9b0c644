"""Use the engines of an ipyparallel cluster that runs already, on this machine or on others, without stopping them."""

from __future__ import annotations

import os
import platform
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mffnb.keywords import checks_keywords
from mffnb.parallel.cluster import Cluster

_POLL = 0.1  # time between two checks for engines, in seconds
# Time for engines to end a call after an interrupt, in seconds; a rank inside an MPI call never sees the interrupt.
_GRACE = 10.0
_START_AGAIN = "start the engines again as you started them, and attach again"


class AttachedCluster(Cluster):
    """Engines that another program started; created by :func:`attach`, and used like a :class:`Cluster`.

    Dead engines are not replaced: restarts and searches go on with the rest, and calls of MPI engines raise an error.
    :meth:`stop` disconnects from the engines, which keep running.

    Examples
    --------
    >>> import mffnb as mf
    >>> engines = mf.parallel.attach("default")  # doctest: +SKIP
    >>> result = mf.unmix("big.h5", 4, cluster=engines)  # doctest: +SKIP
    >>> engines.stop()  # disconnects; the engines run on  # doctest: +SKIP
    """

    def __init__(self, client: Any, n: int, mpi: bool, timeout: float, owns_client: bool, folder: Path | None):
        super().__init__(n, mpi, timeout)
        self.client, self.folder = client, folder
        self._owns_client = owns_client
        self._interrupted_at: float | None = None

    def start(self) -> Cluster:
        """Raise RuntimeError: attached engines run already, and after :meth:`stop` only ``attach`` reaches them."""
        raise RuntimeError("attached engines are not started here: call mffnb.parallel.attach again")

    def stop(self) -> None:
        """Disconnect from the engines without stopping them; a client that the caller passed stays open."""
        client, self.client = self.client, None
        if client is not None and self._owns_client:
            client.close()

    def __enter__(self) -> Cluster:
        self.check_runs()
        return self

    def check_runs(self) -> None:
        """Raise RuntimeError after :meth:`stop`."""
        if self.client is None:
            raise RuntimeError("this process has disconnected from the engines: call mffnb.parallel.attach again")

    def revive(self) -> None:
        """Check that engines are left; set ``n`` to their number, unless they are MPI ranks, which are all needed.

        Raises
        ------
        RuntimeError
            If no engine is left, if an MPI rank is missing, or if engines still wait in an aborted call.
        """
        self.check_runs()
        left = len(self.client.ids)
        if left == 0 or (self.mpi and left < self.n):
            raise RuntimeError(f"{self.n - left} of {self.n} attached engines have ended: {_START_AGAIN}")
        if self._interrupted_at is not None and self.client.outstanding:
            raise RuntimeError(f"attached engines still wait in a call that was aborted: {_START_AGAIN}")
        self._interrupted_at = None
        if not self.mpi:
            self.n = left

    def abort(self) -> None:
        """Interrupt the engines, which are not killed.

        Raises
        ------
        RuntimeError
            If they still do not answer 10 seconds after the first interrupt.
        """
        now = time.monotonic()
        if self._interrupted_at is None:
            self._interrupted_at = now
            if self.client.ids:
                self.client.send_signal(signal.SIGINT, block=False)
        elif now > self._interrupted_at + _GRACE and self.client.outstanding:
            raise RuntimeError(f"attached engines do not answer, because an MPI rank failed: {_START_AGAIN}")


@dataclass(frozen=True)
class _Engine:
    """What an engine reports about itself; ``rank`` and ``size`` are None if it has not loaded MPI."""

    host: str
    python: tuple[int, int]
    mffnb: str | None
    rank: int | None
    size: int | None


@checks_keywords()
def attach(
    client: Any, n: int | None = None, timeout: float = 120.0, folder: str | os.PathLike[str] | None = None
) -> AttachedCluster:
    """Use the engines of a running ipyparallel cluster, which another program has started and will stop.

    Engines that are the ranks of one MPI program (``ipcluster start --engines=mpi``, or an engine set of Slurm or PBS
    with ``--mpi``) are recognised, and solve one factorization together.

    Parameters
    ----------
    client
        An ``ipyparallel.Client``, the name of a profile such as ``"default"``, or the path of a connection file
        (``ipcontroller-client.json``).
    n
        Number of engines to wait for; None for one, or for all ranks of an MPI program.
    timeout
        Longest time to wait for the engines, in seconds.
    folder
        Folder that this process and all engines see, through which MPI engines are told to stop. Needed for MPI engines
        on other hosts only; None is the working directory there.

    Returns
    -------
    AttachedCluster
        As from :func:`mffnb.parallel.cluster`; ``stop()`` disconnects and leaves the engines running.

    Raises
    ------
    TypeError
        If ``client`` is none of these.
    ValueError
        If no cluster runs in the profile, or if ``n`` is not positive.
    TimeoutError
        If there are fewer engines after the timeout.
    RuntimeError
        If engines lack mffnb, have another version of Python, belong to several MPI programs, or do not see the folder.

    Examples
    --------
    >>> attach(4)                                  # with mf.parallel.attach("default") as engines: ...
    Traceback (most recent call last):
    TypeError: client must be an ipyparallel.Client, a profile's name or a connection file, got int
    """
    if n is not None and not (isinstance(n, int) and n >= 1):
        raise ValueError(f"n must be a whole number of engines >= 1, got {n!r}")
    import ipyparallel  # noqa: PLC0415  slow to import

    if isinstance(client, (str, os.PathLike)):
        opened = _connect(client, timeout)
    elif isinstance(client, ipyparallel.Client):
        opened = client
    else:
        raise TypeError(
            f"client must be an ipyparallel.Client, a profile's name or a connection file, got {type(client).__name__}"
        )
    owns = opened is not client
    try:
        _wait_for(opened, n or 1, timeout)
        engines = ask_engines(opened)
        size = _size_of_program(engines)
        if size is not None and size > len(engines):
            _wait_for(opened, size, timeout)
            engines = ask_engines(opened)
        mpi = size is not None and are_one_program(engines)
        shared = _shared_folder(opened, engines, folder) if mpi else None
    except BaseException:
        if owns:
            opened.close()
        raise
    return AttachedCluster(opened, len(engines), mpi, timeout, owns, shared)


def _connect(name: str | os.PathLike[str], timeout: float) -> Any:
    """Open a client for a profile, or for a connection file if the name ends with ``.json``."""
    import ipyparallel  # noqa: PLC0415  slow to import

    text = os.fspath(name)
    is_file = text.endswith(".json")
    try:
        return (
            ipyparallel.Client(text, timeout=timeout) if is_file else ipyparallel.Client(profile=text, timeout=timeout)
        )
    except OSError as error:
        if is_file:
            raise ValueError(f"no cluster answers for the connection file {text!r}: {error}") from error
        raise ValueError(
            f"no cluster answers for {text!r}: start one (ipcluster start --profile={text}), or pass a connection file "
            f"({error})"
        ) from error


def _wait_for(client: Any, n: int, timeout: float) -> None:
    until = time.monotonic() + timeout
    while len(client.ids) < n:
        if time.monotonic() > until:
            raise TimeoutError(
                f"{len(client.ids)} of {n} engines have registered after {timeout:g} s: check the job of the engines "
                "(squeue, or ipcluster list), or raise timeout"
            )
        time.sleep(_POLL)


def ask_engines(client: Any) -> dict[int, _Engine]:
    """Return what each engine reports, by its number; check that all can run mffnb."""
    view = client[:]
    # Plain values travel: an engine without mffnb cannot unpickle its classes, nor import a function of this module.
    view.execute(_QUESTION, silent=True, block=True)
    reports = view.pull("_mffnb_report", block=True)
    view.execute("del _mffnb_report", silent=True, block=True)
    engines = {number: _Engine(*report) for number, report in zip(view.targets, reports, strict=True)}
    from mffnb import __version__  # noqa: PLC0415

    for number, engine in engines.items():
        if engine.mffnb is None:
            raise RuntimeError(f"engine {number} on {engine.host} cannot import mffnb: install it in its environment")
        if engine.python != sys.version_info[:2] or engine.mffnb != __version__:
            raise RuntimeError(
                f"engine {number} on {engine.host} has Python {'.'.join(map(str, engine.python))} and mffnb "
                f"{engine.mffnb}, this process {'.'.join(map(str, sys.version_info[:2]))} and {__version__}: "
                "use one environment for both"
            )
    return engines


_QUESTION = """
def _mffnb_report():
    import platform, sys
    try:
        from mffnb import __version__ as version
    except ImportError:
        version = None
    mpi = sys.modules.get("mpi4py.MPI")
    world = (None, None) if mpi is None else (mpi.COMM_WORLD.rank, mpi.COMM_WORLD.size)
    return (platform.node(), tuple(sys.version_info[:2]), version, *world)
_mffnb_report = _mffnb_report()
"""


def _size_of_program(engines: dict[int, _Engine]) -> int | None:
    """Return the largest number of ranks that an engine reports; None if the engines are no ranks of one program.

    An engine that is alone in its MPI program, while there are others, computes by itself.
    """
    sizes = [engine.size for engine in engines.values() if engine.size is not None]
    largest = max(sizes, default=None)
    return None if largest is None or (largest == 1 and len(engines) > 1) else largest


def are_one_program(engines: dict[int, _Engine]) -> bool:
    """Return True if the engines are all ranks of one MPI program, each once.

    Raises
    ------
    RuntimeError
        If they are ranks of several programs, or if some are no ranks.
    """
    ranks = [engine.rank for engine in engines.values()]
    if set(ranks) != set(range(len(engines))) or {engine.size for engine in engines.values()} != {len(engines)}:
        found = ", ".join(f"engine {number}: rank {one.rank} of {one.size}" for number, one in engines.items())
        raise RuntimeError(f"the engines are not the ranks of one MPI program ({found}): attach to those of one only")
    return True


def _shared_folder(client: Any, engines: dict[int, _Engine], folder: str | os.PathLike[str] | None) -> Path | None:
    """Return the folder for instructions, after a test that all engines see it; None for engines on this host."""
    if folder is None and {engine.host for engine in engines.values()} == {platform.node()}:
        return None
    path = Path(folder if folder is not None else Path.cwd()).resolve()
    with tempfile.NamedTemporaryFile(prefix="mffnb-", dir=path) as token:
        seen = client[:].apply_sync(os.path.exists, token.name)
    blind = [number for number, there in zip(engines, seen, strict=True) if not there]
    if blind:
        raise RuntimeError(
            f"engines {blind} do not see {path}: pass folder=, which names a folder that all hosts share"
        )
    return path
