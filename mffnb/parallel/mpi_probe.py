"""Test MPI in child processes: which library mpi4py finds, and whether mpiexec starts ranks of one program."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from importlib.util import find_spec

from mffnb.parallel.cluster import mpiexec_beside_python
from mffnb.parallel.guard import kill

# Variables by which a rank, or a batch job, tells a child process that it is a rank of the same program.
_OF_A_RANK = ("PMI_", "PMIX_", "OMPI_COMM_", "OMPI_MCA_ess", "HYDI_", "HYDRA_", "MPI_LOCAL", "SLURM_PROCID")
_LIBRARY = "from mpi4py import MPI; print(MPI.Get_library_version().split(chr(10))[0].strip(chr(0)))"
# Only the first rank prints, because mpiexec may mix the letters of two lines that arrive at the same time.
_RANKS = "from mpi4py import MPI; w = MPI.COMM_WORLD; n = w.allreduce(1); w.rank or print('size', n, flush=True)"


@dataclass(frozen=True)
class Answer:
    """What a child process answered.

    Parameters
    ----------
    works
        Whether it ended in time, without an error.
    text
        Its output, or the last line of its error message.
    late
        Whether it was killed at the time limit.
    """

    works: bool
    text: str
    late: bool = False


def ask_library(time_limit: float) -> Answer:
    """Return the name and version of the MPI library that mpi4py loads, in a child process."""
    if find_spec("mpi4py") is None:
        return Answer(False, "mpi4py is not installed")
    answer = run_child([sys.executable, "-c", _LIBRARY], time_limit)
    return replace(answer, text=" ".join(answer.text.split()))


def ask_ranks(time_limit: float) -> Answer:
    """Start two ranks by ``mpiexec`` and return whether they are the ranks of one program."""
    program = mpiexec()
    if program is None:
        return Answer(False, "there is no mpiexec beside this Python or on the PATH")
    answer = run_child([program, "-n", "2", sys.executable, "-c", _RANKS], time_limit)
    if not answer.works:
        return answer
    if answer.text == "size 2":
        return Answer(True, f"2 ranks by {program}")
    return Answer(False, f"{program} belongs to another MPI library: it starts two programs instead of two ranks")


def mpiexec() -> str | None:
    """Return the ``mpiexec`` that :func:`mffnb.parallel.cluster` uses: beside this Python, else that on the PATH."""
    beside = mpiexec_beside_python()
    return str(beside) if beside is not None else shutil.which("mpiexec")


def run_child(command: list[str], time_limit: float) -> Answer:
    """Run a command with a time limit in seconds, after which it is killed together with its child processes."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_OF_A_RANK)}
    try:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=environment,
            start_new_session=True,
        )
    except OSError as error:
        return Answer(False, str(error))
    try:
        output, errors = child.communicate(timeout=time_limit)
    except subprocess.TimeoutExpired:
        return Answer(False, f"no answer within {time_limit:g} s", late=True)
    finally:
        if child.poll() is None:
            kill(child.pid)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.communicate(timeout=1)
    if child.returncode:
        lines = (errors.strip() or output.strip() or f"exit code {child.returncode}").splitlines()
        return Answer(False, lines[-1].strip())
    return Answer(True, output.strip())
