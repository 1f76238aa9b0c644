"""Engines in a batch job of Slurm, which this process submits and cancels."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import secrets
import shlex
import shutil
import sys
import time as clock
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from mffnb.keywords import checks_keywords
from mffnb.parallel.attach import are_one_program, ask_engines
from mffnb.parallel.batch_job import BatchScript, Job, check_sbatch, has_ended, submit
from mffnb.parallel.cluster import ONE_THREAD, Cluster, mpiexec_beside_python
from mffnb.parallel.guard import Guard

_POLL = 0.1  # time between two checks for engines, in seconds
_ASK_SLURM = 2.0  # time between two questions to Slurm, in seconds
# Variable that makes srun end all ranks when one was killed, as mpiexec does: else the others wait for it.
_RANKS_END_TOGETHER = ("SLURM_KILL_BAD_EXIT",)
_HOW_RANKS_MEET = (
    "the launcher does not connect them, pass launcher='srun --mpi=pmi2' for MPICH or 'srun --mpi=pmix' for Open MPI"
)
_MISSED_BEATS = 10  # an engine ends after so many missed beats of the controller, one every 3 seconds


class SlurmCluster(Cluster):
    """Engines in a batch job of Slurm; created by :func:`slurm`, and used like a :class:`Cluster`.

    The controller runs beside this process, the engines in the job. :meth:`stop` and the end of this process cancel the
    job. If all engines have ended, or one that is an MPI rank, the next call submits the job again.

    Examples
    --------
    >>> import mffnb as mf
    >>> engines = mf.parallel.slurm(2, time="00:10:00")
    >>> engines.job is None  # nothing is submitted before start()
    True
    >>> print(engines.script())  # doctest: +ELLIPSIS
    #!/bin/bash
    #SBATCH --job-name=mffnb
    ...
    """

    def __init__(self, n: int, mpi: bool, timeout: float, ip: str, work: Path, script: BatchScript):
        super().__init__(n, mpi, timeout)
        self._ip, self._work, self._script = ip, work, script
        self._job: Job | None = None

    @property
    def job(self) -> str | None:
        """Number of the job; None before :meth:`start` and after :meth:`stop`."""
        return None if self._job is None else self._job.number

    def script(self) -> str:
        """Return the batch script that :meth:`start` submits."""
        return self._script.text()

    def start(self) -> SlurmCluster:
        """Start the controller, submit the job and wait until its engines answer.

        Raises
        ------
        RuntimeError
            If there is no sbatch, if Slurm refuses the job, or if the job ends before its engines answer.
        TimeoutError
            If the job is still pending, or if engines do not answer, after ``timeout`` seconds. The job is cancelled.
        """
        if self.client is not None:
            raise RuntimeError("the cluster runs already: stop() it first")
        if self.mpi and find_spec("mpi4py") is None:
            raise RuntimeError('MPI engines need mpi4py and an MPI library: pip install "mffnb[mpi]"')
        check_sbatch()
        import ipyparallel  # noqa: PLC0415  slow to import

        self._work.mkdir(mode=0o700)  # holds the key of the connection
        self.folder = self._work
        (self._work / "job.sh").write_text(self.script())
        self._cluster = ipyparallel.Cluster(
            n=self.n,
            profile_dir=str(self._work),
            cluster_id="",
            controller_ip=self._ip,
            controller_args=["--nodb", "--IPController.enable_curve=True"],
            log_level=logging.CRITICAL,
            shutdown_atexit=True,
        )
        self._guard = Guard()
        atexit.register(self.stop)
        try:
            self._cluster.start_controller_sync()
            self._guard.watch([self._cluster.controller.pid])
            self.client = self._cluster.connect_client_sync()
            self._submit()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Cancel the job, stop the controller, and remove the working folder, if the cluster runs."""
        atexit.unregister(self.stop)
        job, self._job = self._job, None
        client, self.client = self.client, None
        running, self._cluster = self._cluster, None
        if job is not None:
            job.cancel()
        # Engines are not asked to end, since one that is being killed would never answer.
        with contextlib.suppress(Exception):
            if client is not None:
                client.close()
        with contextlib.suppress(Exception):
            if running is not None:
                running.stop_controller_sync()
        guard, self._guard = self._guard, None
        if guard is not None:
            guard.stop_watchdog()
        shutil.rmtree(self._work, ignore_errors=True)

    def __enter__(self) -> SlurmCluster:
        return self.start()

    def check_runs(self) -> None:
        """Raise RuntimeError if the engines are not started; the message says how to start them."""
        if self.client is None:
            raise RuntimeError("the job is not submitted: start() it, or use `with mffnb.parallel.slurm(n) as c:`")

    def revive(self) -> None:
        """Submit the job again if no engine is left, or if an MPI rank is missing; else go on with those left."""
        self.check_runs()
        left = len(self.client.ids)
        if left == self.n or (left > 0 and not self.mpi):
            return
        self.abort()
        self._submit()

    def abort(self) -> None:
        """Cancel the job, which kills all engines; :meth:`revive` submits it again."""
        if self._job is not None:
            self._job.cancel()
        # An old engine that is still registered would keep its number, which a new rank then could not get.
        deadline = clock.monotonic() + self.timeout
        while self.client.ids and clock.monotonic() < deadline:
            clock.sleep(_POLL)

    def _submit(self) -> None:
        """Submit the job and wait until its engines answer."""
        self._job = submit(self._work / "job.sh", self._script.log)
        self._wait()
        engines = ask_engines(self.client)
        if self.mpi:
            try:
                are_one_program(engines)
            except RuntimeError as error:
                raise RuntimeError(f"{str(error).partition(': attach')[0]}: {_HOW_RANKS_MEET}") from None

    def _wait(self) -> None:
        assert self._job is not None
        deadline, asked, state, reason = clock.monotonic() + self.timeout, -float("inf"), "UNKNOWN", ""
        while len(self.client.ids) < self.n:
            now = clock.monotonic()
            if now > asked + _ASK_SLURM:
                asked, (state, reason) = now, self._job.state()
            if has_ended(state):
                raise RuntimeError(
                    f"job {self.job} ended ({state}) before its engines answered; the end of its log:\n"
                    f"{self._job.tail()}"
                )
            if now > deadline:
                raise TimeoutError(self._late(state, reason))
            clock.sleep(_POLL)

    def _late(self, state: str, reason: str) -> str:
        assert self._job is not None
        if state == "RUNNING":
            return (
                f"{len(self.client.ids)} of {self.n} engines of job {self.job} have answered after {self.timeout:g} s; "
                f"the end of its log:\n{self._job.tail()}"
            )
        return (
            f"job {self.job} is still {state} after {self.timeout:g} s ({reason}), and was cancelled: raise timeout, "
            "or ask for fewer engines, less time or another partition"
        )


@checks_keywords()
def slurm(
    n: int,
    mpi: bool = False,
    timeout: float = 600.0,
    time: str = "01:00:00",
    partition: str | None = None,
    memory: str | None = None,
    directives: Sequence[str] = (),
    environment: Sequence[str] = (),
    launcher: str | None = None,
    folder: str | os.PathLike[str] | None = None,
    ip: str = "*",
) -> SlurmCluster:
    """Start ipyparallel engines in a batch job of Slurm, for the time of a ``with`` block or until ``stop()``.

    Parameters
    ----------
    n
        Number of engines, with one core each.
    mpi
        Start them as the ranks of one MPI program, over which the pixels of one image are distributed.
    timeout
        Longest time to wait until the job runs and its engines answer, in seconds.
    time
        Time limit of the job, ``"HH:MM:SS"``.
    partition
        Partition; None for the default one.
    memory
        Memory of each engine, such as ``"2G"``; None for the default of the cluster.
    directives
        Further options of sbatch, such as ``["--account=physics", "--nodes=2"]``.
    environment
        Lines of shell that run before the engines start, such as ``["module load mpich"]``.
    launcher
        Command that starts ``n`` copies of a program. None takes ``srun``; for MPI engines the ``mpiexec`` of this
        Python's environment, if there is one. For the MPI library of a cluster, ``"srun --mpi=pmix"`` is usual.
    folder
        Folder that all hosts share, for the script, the connection and the log; None for the working directory.
    ip
        Address on which the controller listens; ``"*"`` for all. Messages are encrypted (CurveZMQ).

    Returns
    -------
    SlurmCluster
        For ``unmix("big.h5", 4, cluster=c)`` and all that takes :func:`mffnb.parallel.cluster`. ``c.script()`` is the
        batch script, and ``c.job`` the number of the job. Nothing is submitted before ``start()``.

    Raises
    ------
    ValueError
        If ``n`` is not a whole number >= 1, or if a directive does not begin with ``--``.

    Examples
    --------
    >>> import mffnb as mf
    >>> c = mf.parallel.slurm(4, partition="short", memory="2G")       # with mf.parallel.slurm(4) as c: ...
    >>> print(*[line for line in c.script().splitlines() if "--partition" in line or "--mem" in line])
    #SBATCH --partition=short #SBATCH --mem-per-cpu=2G
    """
    for name, lines in (("directives", directives), ("environment", environment)):
        if isinstance(lines, str):
            raise ValueError(f"{name} must be a list of lines, got the text {lines!r}: write [{lines!r}]")
    for one in directives:
        if not one.startswith("-"):
            raise ValueError(f"a directive is an option of sbatch such as '--account=physics', got {one!r}")
    parent = Path(folder if folder is not None else Path.cwd()).resolve()
    work = parent / f"mffnb-slurm-{secrets.token_hex(4)}"
    variables = (*ONE_THREAD, *(_RANKS_END_TOGETHER if mpi else ()))
    script = BatchScript(
        tasks=n,
        time=time,
        log=work / "job.log",
        partition=partition,
        memory=memory,
        directives=tuple(directives),
        environment=(*environment, *(f"export {name}=1" for name in variables)),
        command=f"{launcher or _launcher(n, mpi)} {shlex.join(_engine(work, mpi))}",
    )
    return SlurmCluster(n, mpi, timeout, ip, work, script)


def _launcher(n: int, mpi: bool) -> str:
    beside = mpiexec_beside_python()
    if mpi and beside is not None:
        return f"{shlex.quote(str(beside))} -n {n}"
    # Without MPI the other engines go on when one has ended; ranks end together.
    return f"srun --kill-on-bad-exit={int(mpi)}" + ("" if mpi else " --wait=0")


def _engine(work: Path, mpi: bool) -> list[str]:
    """Return the command line of one engine."""
    connection = work / "security" / "ipcontroller-engine.json"
    beats = f"--IPEngine.max_heartbeat_misses={_MISSED_BEATS}"
    options = [f"--file={connection}", "--timeout=60", beats, *(["--mpi"] if mpi else [])]
    return [sys.executable, "-m", "ipyparallel.engine", *options]
