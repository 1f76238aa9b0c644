"""Run the calls, one after the other, and store what each returns."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from fnmatch import fnmatch
from importlib import metadata
from pathlib import Path
from typing import Any

import mffnb as mf

from . import estimator_calls, file_calls, preprocessing_calls, rank_calls, search_calls, unmixing_calls, widget_calls
from .records import Record

_MODULES = (unmixing_calls, estimator_calls, preprocessing_calls, search_calls, file_calls, widget_calls)
_SCRIPT = Path(__file__).parents[1] / "same_answers.py"
_PACKAGES = ("numpy", "scipy", "numba", "llvmlite", "scikit-learn", "xarray", "hyperopt", "mpi4py")
_RANKS_TIMEOUT = 120.0  # seconds


def run(folder: Path, pattern: str) -> int:
    """Run the calls whose names match the pattern, and write their records; return the exit code."""
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    # Only that which decides numbers is compared; where the package lies is for the reader.
    versions = {name: metadata.version(name) for name in _PACKAGES}
    about = versions | {"python": platform.python_version(), "processor": platform.machine()}
    (folder / "environment.json").write_text(json.dumps(about, indent=1), encoding="utf-8")
    _say(f"mffnb is {Path(mf.__file__).parent}")
    calls = {name: call for module in _MODULES for name, call in module.CALLS.items()}
    named = [*calls, *rank_calls.CALLS]
    begin, failed, start = time.perf_counter(), 0, os.getcwd()
    for name in (one for one in named if fnmatch(one, pattern)):
        since = time.perf_counter()
        with tempfile.TemporaryDirectory() as scratch:
            os.chdir(scratch)
            try:
                record = recorded(calls[name]) if name in calls else _on_ranks(name)
            finally:
                os.chdir(start)
        record.write(folder, name)
        failed += record.error is not None
        error = "" if record.error is None else f"  {record.error['type']}: {record.error['message'][:150]}"
        _say(f"{name:40} {time.perf_counter() - since:6.2f} s  {len(record.arrays)} arrays{error}")
    wall, used = time.perf_counter() - begin, os.times()
    processor = used.user + used.system + used.children_user + used.children_system
    _say(f"{wall:.0f} s, {processor:.0f} s of processor time; {failed} calls ended with an error")
    return 0


def recorded(call: Callable[[], dict[str, Any]]) -> Record:
    """Run one call; an exception becomes part of the record."""
    record = Record()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            for name, value in call().items():
                record.add(name, value)
        except Exception as error:  # whatever it raises is its answer
            record = Record(error={"type": type(error).__name__, "message": str(error)})
    given = (one.category for one in caught)
    record.warnings = sorted(kind.__name__ for kind in given if issubclass(kind, mf.errors.MffnbWarning))
    return record


def run_on_rank(name: str, folder: Path) -> int:
    """Run a call of :mod:`rank_calls` on this rank; the first rank writes the record."""
    from mpi4py import MPI  # noqa: PLC0415  only under mpiexec

    record = recorded(lambda: rank_calls.CALLS[name](MPI.COMM_WORLD))
    if MPI.COMM_WORLD.rank == 0:
        record.write(folder, name)
    return 0


def _on_ranks(name: str) -> Record:
    launcher = Path(sys.prefix) / "bin" / "mpiexec"
    mpiexec = str(launcher) if launcher.exists() else shutil.which("mpiexec") or "mpiexec"
    command = [mpiexec, "-n", "2", sys.executable, "-m", "mpi4py", str(_SCRIPT), "rank", name, "."]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_RANKS_TIMEOUT)
    except subprocess.TimeoutExpired:
        return Record(error={"type": "TimeoutExpired", "message": f"no answer within {_RANKS_TIMEOUT:g} s"})
    if not Path(f"{name}.json").exists():
        return Record(error={"type": f"mpiexec ended with {done.returncode}", "message": done.stderr[-500:]})
    return Record.read(Path(), name)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
