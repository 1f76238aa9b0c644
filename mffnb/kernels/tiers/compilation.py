"""Child process that compiles the kernels of a run into the cache, while the run is on NumPy steps.

The child runs ``python -m mffnb warmup --for SETTINGS``: it unmixes a tiny image with the settings of the run, then
writes the marker of :mod:`mffnb.kernels.tiers.readiness`. It is a new interpreter: a fork would copy the threads'
locks, and the user's main module must not run again. It has the lowest priority, one thread, and a session of its own,
so that Ctrl-C does not end it. It goes on after its parent has ended, so that the next run finds the kernels.
"""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from mffnb.kernels.cache import cache_folder
from mffnb.kernels.tiers.readiness import Group, is_ready

#: Environment variable that makes all runs wait for compiled kernels if it is "wait".
VARIABLE = "MFFNB_COMPILE"
WAIT = "wait"
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
_LOCK = "compiling.lock"
_KEPT_CHARACTERS = 300  # of the error message of a child

logger = logging.getLogger(__name__)


class Compilation:
    """A child process that compiles the kernels of one group.

    Attributes
    ----------
    failure
        Why the child process has failed, in one line; empty while it runs and after a success.
    """

    def __init__(self, group: Group) -> None:
        self.failure = ""
        self._group = group
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        if cache_folder() is None:  # a child could not hand over what it compiles
            self._fail("no folder for compiled code can be written: set MFFNB_CACHE_DIR to a folder of yours")
            return
        if not sys.executable:
            self._fail("the path of the Python interpreter is not known")
            return
        try:
            self._errors = tempfile.TemporaryFile()  # noqa: SIM115  closed by the finalizer, or when the child has ended
            weakref.finalize(self, self._errors.close)
            self._process = _start(group, self._errors)
            weakref.finalize(self, _leave, self._process)
        except OSError as error:
            self._fail(str(error))

    @property
    def ended(self) -> bool:
        """Whether the child process has ended, with compiled kernels or with a failure."""
        process, errors = self._process, self._errors
        if process is None or errors is None:
            return True
        code = process.poll()
        if code is None:
            return False
        if not self.failure and not is_ready(self._group):
            errors.seek(0)
            lines = errors.read().decode(errors="replace").strip().splitlines()
            self._fail(lines[-1] if lines else f"the child process ended with exit code {code}")
        errors.close()
        self._process = self._errors = None
        return True

    def wait(self, timeout: float) -> None:
        """Wait until the child process has ended.

        Raises
        ------
        subprocess.TimeoutExpired
            If that takes longer than ``timeout`` seconds.
        """
        if self._process is not None:
            self._process.wait(timeout)
            _ = self.ended  # closes the file of error messages

    def _fail(self, reason: str) -> None:
        """Record why kernels cannot be compiled in the background, and say so once."""
        self.failure = reason[-_KEPT_CHARACTERS:]
        logger.warning(
            "kernels cannot be compiled in the background, so the run is slower (%s); run `mffnb warmup` to compile "
            "them now",
            self.failure,
        )


_lock = threading.Lock()
_compilations: dict[Group, Compilation] = {}  # a process starts one child for each group, also after a failure


def compilation_of(group: Group) -> Compilation:
    """Return the compilation of a group in the background, and start it if this process has not done so yet."""
    with _lock:
        if group not in _compilations:
            _compilations[group] = Compilation(group)
        return _compilations[group]


def waits() -> bool:
    """Return whether the environment makes all runs wait for compiled kernels.

    Raises
    ------
    ValueError
        If the variable has another value than "wait".
    """
    value = os.environ.get(VARIABLE, "")
    if value not in ("", WAIT):
        raise ValueError(f"{VARIABLE} is {value!r}: set it to 'wait', or unset it to compile in the background")
    return value == WAIT


def lower_priority() -> None:
    """Give this process the lowest priority, so that it takes only time that no other process needs."""
    if hasattr(os, "nice"):
        os.nice(19)


@contextlib.contextmanager
def alone_in_cache() -> Iterator[None]:
    """Wait until no other child compiles into the cache folder, and keep others waiting inside the context.

    The operating system releases the lock when its process ends, however it ends, so a lock cannot be left behind.
    """
    folder = cache_folder()
    if folder is None:
        yield
        return
    with (folder / _LOCK).open("a+b") as file:
        _lock_file(file)
        yield


def _lock_file(file: IO[bytes]) -> None:
    """Wait for the exclusive lock of an open file; a file system without locks lets several processes compile."""
    try:
        import fcntl  # noqa: PLC0415  not on Windows
    except ImportError:
        return  # several processes may then compile the same kernels, which is slower and otherwise harmless
    with contextlib.suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_EX)


def _leave(process: subprocess.Popen[bytes]) -> None:
    """Leave a child process that still runs, which goes on after its parent by intention."""
    if process.poll() is None:
        process.returncode = 0  # else Python would warn of a child that was forgotten


def _start(group: Group, errors: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start the child process."""
    root = str(Path(__file__).resolve().parents[3])  # holds the package, which need not be installed
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, **_ONE_THREAD, VARIABLE: WAIT, "PYTHONPATH": os.pathsep.join(paths)}
    own: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        own = {"creationflags": subprocess.IDLE_PRIORITY_CLASS | subprocess.CREATE_NO_WINDOW}
    # -P keeps the working folder out of the search path: a file random.py there would stop the child.
    command = [sys.executable, "-P", "-m", "mffnb", "warmup", "--for", group.text]
    return subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, **own
    )
