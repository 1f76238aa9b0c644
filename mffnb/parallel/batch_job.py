"""Batch jobs of Slurm: the text of a script, and the commands sbatch, squeue and scancel."""

from __future__ import annotations

import contextlib
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_PATIENCE = 60.0  # longest time for an answer of Slurm, in seconds
_TAIL = 8  # number of lines of the log that an error quotes
_ENDED = frozenset(
    ("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "TIMEOUT")
)
_UNKNOWN_JOB = "Invalid job id"


@dataclass(frozen=True)
class BatchScript:
    """Text of a batch script: directives of Slurm, lines that set the environment, and one command.

    Attributes
    ----------
    tasks
        Number of processes, with one core each.
    time
        Time limit as Slurm writes it, ``"HH:MM:SS"``.
    log
        File for the output of the job.
    partition, memory
        Partition, and memory of each process such as ``"2G"``; None for those that the cluster sets.
    directives
        Further options of sbatch, such as ``"--account=physics"``.
    environment
        Lines of shell that run before the command, such as ``"module load mpich"``.
    command
        Command line that starts the processes.
    """

    tasks: int
    time: str
    log: Path
    partition: str | None
    memory: str | None
    directives: tuple[str, ...]
    environment: tuple[str, ...]
    command: str

    def text(self) -> str:
        """Return the script.

        Examples
        --------
        >>> load = ("module load mpich",)
        >>> script = BatchScript(2, "00:10:00", Path("job.log"), "short", None, (), load, "srun python")
        >>> print(script.text())
        #!/bin/bash
        #SBATCH --job-name=mffnb
        #SBATCH --ntasks=2
        #SBATCH --cpus-per-task=1
        #SBATCH --time=00:10:00
        #SBATCH --no-requeue
        #SBATCH --output=job.log
        #SBATCH --partition=short
        module load mpich
        srun python
        <BLANKLINE>
        """
        options = [
            "--job-name=mffnb",
            f"--ntasks={self.tasks}",
            "--cpus-per-task=1",
            f"--time={self.time}",
            "--no-requeue",
            f"--output={shlex.quote(str(self.log))}",
            *([] if self.partition is None else [f"--partition={self.partition}"]),
            *([] if self.memory is None else [f"--mem-per-cpu={self.memory}"]),
            *self.directives,
        ]
        lines = ["#!/bin/bash", *(f"#SBATCH {option}" for option in options), *self.environment, self.command]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Job:
    """A job that Slurm has accepted.

    Attributes
    ----------
    number
        Number of the job.
    log
        File with the output of the job.
    """

    number: str
    log: Path

    def state(self) -> tuple[str, str]:
        """Return the state of the job and its reason, such as ``("PENDING", "Resources")``.

        The state is ``"UNKNOWN"`` if Slurm does not answer, and ``"ENDED"`` if it has forgotten the job.
        """
        try:
            answer = _run("squeue", "--noheader", "--states=all", f"--jobs={self.number}", "--format=%T|%r")
        except (OSError, subprocess.TimeoutExpired):
            return "UNKNOWN", "squeue does not answer"
        if answer.returncode != 0:
            return ("ENDED", "") if _UNKNOWN_JOB in answer.stderr else ("UNKNOWN", _one_line(answer.stderr))
        name, _, reason = answer.stdout.strip().partition("|")
        return (name, reason) if name else ("ENDED", "")

    def cancel(self) -> None:
        """Cancel the job; do nothing if it has ended, or if Slurm does not answer."""
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            _run("scancel", self.number)

    def tail(self) -> str:
        """Return the last lines of the log."""
        try:
            lines = self.log.read_text(errors="replace").splitlines()
        except OSError:
            return "(there is no log)"
        return "\n".join(lines[-_TAIL:]) or "(the log is empty)"


def has_ended(state: str) -> bool:
    """Return whether a job in this state runs no more and will not run.

    Examples
    --------
    >>> has_ended("PENDING"), has_ended("FAILED")
    (False, True)
    """
    return state == "ENDED" or state in _ENDED


def check_sbatch() -> None:
    """Raise RuntimeError if this host has no sbatch."""
    if shutil.which("sbatch") is None:
        raise RuntimeError(
            "there is no sbatch on the PATH: log in to a host of a Slurm cluster, or use mffnb.parallel.cluster(n)"
        )


def submit(script: Path, log: Path) -> Job:
    """Submit a batch script to Slurm.

    Raises
    ------
    RuntimeError
        If Slurm refuses the job or does not answer.
    """
    try:
        answer = _run("sbatch", "--parsable", str(script))
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"sbatch has not answered within {_PATIENCE:g} s: try again later") from None
    if answer.returncode != 0:
        raise RuntimeError(f"Slurm refused the job: {_one_line(answer.stderr)}")
    return Job(answer.stdout.strip().partition(";")[0], log)  # a job of another cluster is written number;cluster


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=_PATIENCE)


def _one_line(text: str) -> str:
    return "; ".join(line.removeprefix("sbatch: ").removeprefix("error: ") for line in text.strip().splitlines())
