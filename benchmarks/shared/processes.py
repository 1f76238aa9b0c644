"""Threads of libraries, and benchmarks that run in processes of their own or on MPI ranks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

#: Variables from which libraries read the number of threads, once, when they are loaded.
THREAD_VARIABLES = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
ROOT = Path(__file__).parents[2]


def limit_threads(count: int = 1) -> None:
    """Set the number of threads, unless the environment already sets one."""
    for variable in THREAD_VARIABLES:
        os.environ.setdefault(variable, str(count))


def environment(threads: int | None = None) -> dict[str, str]:
    """Environment of a child process: this package can be imported; a number of threads, or the one of this process."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return os.environ | {"PYTHONPATH": path} | (dict.fromkeys(THREAD_VARIABLES, str(threads)) if threads else {})


def benchmark_command(name: str, *arguments: object, ranks: bool = False) -> list[str]:
    """Command that runs a benchmark; with ``ranks`` an exception on one MPI rank ends all of them."""
    return [sys.executable, *(["-m", "mpi4py"] if ranks else []), "-m", "benchmarks", name, *map(str, arguments)]


def on_ranks(count: int, command: list[str]) -> list[str]:
    """Command that starts another one on MPI ranks, by the ``mpiexec`` next to this Python or that on the path."""
    beside = Path(sys.prefix) / "bin" / "mpiexec"
    launcher = str(beside) if beside.exists() else shutil.which("mpiexec") or "mpiexec"
    return [launcher, "-n", str(count), *command]


def start(command: list[str], threads: int | None = None) -> subprocess.Popen[str]:
    """Start a process that is told something on its standard input and answers on its standard output."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env=environment(threads), **pipes)


def output(process: subprocess.Popen[str]) -> str:
    """Wait for a process and return what it printed; stop this one if it failed."""
    text = process.communicate()[0]
    if process.returncode:
        raise SystemExit(f"{process.args} ended with exit code {process.returncode}")
    return text


def memory_status(field: str) -> int:
    """Bytes of this process on Linux: ``VmRSS``, what it holds now, or ``VmHWM``, the most that it ever held."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(field))
