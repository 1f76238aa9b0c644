"""Check what this environment can do: MPI, engines, cores, memory, kernel cache, JupyterLab, temporary folder."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from mffnb.keywords import checks_keywords
from mffnb.parallel.cores import Cores, count_cores
from mffnb.parallel.mpi_probe import Answer, ask_library, ask_ranks
from mffnb.preprocessing.memory import available_bytes
from mffnb.threads import allowed_threads

_GB = 1e9
_LEAST = 1 * _GB  # memory, and space in the temporary folder, below which maps of usual sizes fail
_MPI_CURE = 'pip install --force-reinstall "mffnb[mpi]"'
#: Oldest release (major, minor) of the packages that a notebook with engines uses, and the command that installs them.
PACKAGES: dict[str, tuple[tuple[int, int], str]] = {
    "ipyparallel": ((9, 0), 'pip install --upgrade "ipyparallel>=9.0"'),
    "ipykernel": ((6, 0), 'pip install --upgrade "ipykernel>=6.0"'),
    "jupyterlab": ((4, 4), 'pip install --upgrade "mffnb[lab]"'),
    "ipywidgets": ((8, 1), 'pip install --upgrade "ipywidgets>=8.1.5"'),
    "anywidget": ((0, 9), 'pip install --upgrade "anywidget>=0.9.18"'),
}


@dataclass(frozen=True)
class Check:
    """The result of one check.

    Parameters
    ----------
    name
        What was checked.
    works
        Whether it works.
    found
        What was found, with versions and numbers.
    cure
        The command that cures it; empty if it works.

    Examples
    --------
    >>> from mffnb.parallel import Check
    >>> print(Check("MPI library", False, "missing", cure="pip install x"))
    FAILS MPI library       missing
                            cure: pip install x
    """

    name: str
    works: bool
    found: str
    cure: str = ""

    def __str__(self) -> str:
        line = f"{'works' if self.works else 'FAILS':6}{self.name:18}{self.found}"
        return line if self.works else f"{line}\n{'':24}cure: {self.cure}"


@dataclass(frozen=True)
class Diagnosis:
    """The results of all checks of an environment; created by :func:`doctor`.

    Parameters
    ----------
    checks
        The results, in the order in which they are shown.

    Examples
    --------
    >>> found = Diagnosis((Check("memory", True, "16.0 GB available"), Check("MPI", False, "missing", "pip install x")))
    >>> found.works, [one.cure for one in found.failed]
    (False, ['pip install x'])
    >>> print(found)
    works memory            16.0 GB available
    FAILS MPI               missing
                            cure: pip install x
    """

    checks: tuple[Check, ...]

    @property
    def works(self) -> bool:
        """Whether all checks passed."""
        return not self.failed

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that did not pass."""
        return tuple(one for one in self.checks if not one.works)

    def __str__(self) -> str:
        return "\n".join(map(str, self.checks))

    def __getitem__(self, name: str) -> Check:
        """Return the check of this name; KeyError if there is none."""
        found = {one.name: one for one in self.checks}
        if name not in found:
            raise KeyError(f"there is no check {name!r}, but: {', '.join(found)}")
        return found[name]


@checks_keywords()
def doctor(time_limit: float = 30.0) -> Diagnosis:
    """Check what this environment can do, and name for each fault the command that cures it.

    MPI is tested in child processes, so that it is not initialised in this one. Nothing is changed, except that the
    folder of the kernel cache is created if there is none.

    Parameters
    ----------
    time_limit
        Longest time for each of the two tests of MPI, in seconds.

    Returns
    -------
    Diagnosis
        One check each for the MPI library, MPI ranks, ipyparallel, ipykernel, cores, BLAS threads, memory, kernel
        cache, JupyterLab, ipywidgets, anywidget and the temporary folder. ``print`` shows them.

    Raises
    ------
    ValueError
        If the time limit is not positive.

    Examples
    --------
    >>> import mffnb as mf
    >>> found = mf.parallel.doctor()               # print(found) shows one line for each check
    >>> found["cores"].works
    True
    """
    if not time_limit > 0:
        raise ValueError(f"time_limit must be a time > 0 in seconds, got {time_limit!r}")
    cores = count_cores()
    packages = {name: _package(name) for name in PACKAGES}
    return Diagnosis(
        (
            *_mpi(time_limit),
            packages["ipyparallel"],
            packages["ipykernel"],
            Check("cores", True, str(cores)),
            _blas(allowed_threads(), cores),
            _memory(available_bytes()),
            _kernels(),
            packages["jupyterlab"],
            packages["ipywidgets"],
            packages["anywidget"],
            _temporary_folder(),
        )
    )


def _mpi(time_limit: float) -> tuple[Check, Check]:
    """Check the MPI library, and ranks only if there is a library."""
    library = ask_library(time_limit)
    if not library.works:
        return (
            Check("MPI library", False, library.text, _mpi_cure(library, time_limit)),
            Check("MPI ranks", False, "not tested, because the MPI library fails", _mpi_cure(library, time_limit)),
        )
    ranks = ask_ranks(time_limit)
    return (
        Check("MPI library", True, f"{library.text}, mpi4py {version('mpi4py')}"),
        Check("MPI ranks", ranks.works, ranks.text, "" if ranks.works else _mpi_cure(ranks, time_limit)),
    )


def _mpi_cure(answer: Answer, time_limit: float) -> str:
    """Return the cure of a failed test of MPI: more time, or the MPI library that mffnb installs."""
    return f"mffnb doctor --time-limit {10 * time_limit:g}" if answer.late else _MPI_CURE


def _package(name: str) -> Check:
    """Check the version of an installed package, without importing it."""
    oldest, cure = PACKAGES[name]
    try:
        found = version(name)
    except PackageNotFoundError:
        return Check(name, False, "not installed", cure)
    if tuple(int(part) for part in found.split(".")[:2] if part.isdigit()) < oldest:
        return Check(name, False, f"{found} is too old: at least {oldest[0]}.{oldest[1]} is needed", cure)
    return Check(name, True, found)


def _blas(threads: int, cores: Cores) -> Check:
    """Check that BLAS has not more threads than cores, which then wait for each other."""
    if threads <= cores.usable:
        return Check("BLAS threads", True, f"{threads} on {cores.usable} usable cores")
    found = f"{threads} on {cores.usable} usable cores: threads wait for each other"
    return Check("BLAS threads", False, found, f"export OMP_NUM_THREADS={cores.usable}")


def _memory(size: int | None) -> Check:
    """Check that at least 1 GB of memory is available."""
    if size is None:
        return Check("memory", True, "unknown on this system")
    cure = "" if size >= _LEAST else "end other programs (ps aux --sort=-rss), or start the job with --mem=4G in Slurm"
    return Check("memory", not cure, f"{size / _GB:.1f} GB available", cure)


def _kernels() -> Check:
    """Check that the folder of compiled kernels can be written and holds the kernels."""
    from mffnb.kernels.cache import VARIABLES, cache_folder  # noqa: PLC0415  numba is slow to import
    from mffnb.kernels.tiers.readiness import EVERYTHING, is_ready  # noqa: PLC0415

    folder = cache_folder()
    if folder is None:
        found = "no folder can be written: each process compiles its kernels again"
        return Check("kernel cache", False, found, f"export {VARIABLES[0]}=$HOME/.mffnb-cache")
    if not is_ready(EVERYTHING):
        return Check("kernel cache", False, f"{folder} lacks kernels: first runs compile them", "mffnb warmup")
    return Check("kernel cache", True, f"{folder}, all kernels compiled")


def _temporary_folder() -> Check:
    """Check that the temporary folder can be written and has 1 GB of free space."""
    cure = "export TMPDIR=$HOME/tmp && mkdir -p $TMPDIR"
    try:
        folder = Path(tempfile.gettempdir())
        with tempfile.TemporaryFile(dir=folder):
            free = shutil.disk_usage(folder).free
    except OSError as error:
        return Check("temporary folder", False, str(error), cure)
    works = free >= _LEAST
    return Check("temporary folder", works, f"{folder}, {free / _GB:.1f} GB free", "" if works else cure)
