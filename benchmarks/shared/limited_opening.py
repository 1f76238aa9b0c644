"""Open a file in a child process with limits on memory and time, and report what happened (Linux).

The child is forked from a process that has imported the readers already, so that an opening takes milliseconds.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import mffnb as mf
from mffnb.cubes.sparse_pixels import sparse_pixels_of

#: Value that all numbers outside the folder of a hostile file have.
OUTSIDE = 77.15625
SECONDS = 10.0
MEMORY = 2 * 10**9
_PATIENCE = 6 * SECONDS  # wall time
_ADDRESSES = 3 * MEMORY  # limit of the address space beyond that of the parent; stops an allocation that would fill it
_EVENTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "socket.connect")
_LONGEST = 4000  # a refusal to choose lists all arrays of the file


@dataclass(frozen=True)
class Opening:
    """What happened when a file was opened.

    Attributes
    ----------
    outcome
        ``"read"``, ``"refused"`` (an error of one sentence that names the file) or ``"failed"``.
    text
        Shape of the cube, or the message.
    seconds
        Processor time of the child, which other work on the machine does not prolong.
    peak
        Largest resident memory of the child in bytes.
    """

    outcome: str
    text: str
    seconds: float
    peak: int


def preload() -> None:
    """Import all packages that readers import, so that forked processes need not."""
    for name in (
        "h5py",
        "tifffile",
        "zarr",
        "scipy.io",
        "openpyxl",
        "h5netcdf",
        "rsciio",
        "rdata",
        "jcamp",
        "brukeropus",
    ):
        with suppress(ImportError):
            __import__(name)
    with suppress(ImportError):
        from pyimzml import ImzMLParser  # noqa: F401, PLC0415
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "a.npy", np.ones((2, 3, 4)))
        mf.read(Path(folder) / "a.npy")


def open_limited(path: Path, **options: Any) -> Opening:
    """Open a file in a child process, read its first number, and return what happened."""
    reading, writing = os.pipe()
    begin = time.perf_counter()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _run(path, writing, options)
    os.close(writing)
    status, usage = 0, None
    while usage is None:
        done, status, found = os.wait4(child, os.WNOHANG)
        if done:
            usage = found
        elif time.perf_counter() - begin > _PATIENCE:
            os.kill(child, signal.SIGKILL)
            _, status, usage = os.wait4(child, 0)
        else:
            time.sleep(0.002)
    seconds, peak = usage.ru_utime + usage.ru_stime, 1024 * usage.ru_maxrss
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    answer = json.loads(said) if said else {"outcome": "failed", "text": f"ended by status {status}"}
    outcome, text = answer["outcome"], answer["text"]
    if seconds > SECONDS or os.WIFSIGNALED(status):
        outcome, text = "failed", f"took {seconds:.1f} s; {text}"
    if peak > MEMORY:
        outcome, text = "failed", f"took {peak / 1e6:.0f} MB; {text}"
    return Opening(outcome, text, seconds, peak)


def _run(path: Path, writing: int, options: dict[str, Any]) -> None:
    """Open the file in this process, write what happened to a pipe, and end the process."""
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + _ADDRESSES,) * 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        answer = _opened(path, options)
        os.write(writing, json.dumps(answer).encode())
    finally:
        os._exit(0)


def _opened(path: Path, options: dict[str, Any]) -> dict[str, str]:
    """Open the file, and return outcome and text."""
    forbidden = _watch(path.resolve().parent)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            cube = mf.read(path, **options)
            sparse = sparse_pixels_of(cube) is not None and cube.size > 1 << 26
            some = np.asarray(0 if sparse else cube[(0,) * cube.ndim])  # of an array on disk, this reads a chunk
        outside = bool((some == OUTSIDE).any())
        outcome, text = "failed" if outside else "read", f"{dict(cube.sizes)}" + " from outside" * outside
    except (ValueError, TypeError, FileNotFoundError, MemoryError) as error:
        text = str(error)
        clear = path.stem in text and len(text) < _LONGEST and "Traceback" not in text
        outcome = "refused" if clear and str(OUTSIDE) not in text else "failed"
        text = text if clear else f"{type(error).__name__}: {text[:300]}"
    except BaseException as error:
        outcome, text = "failed", f"{type(error).__name__}: {str(error)[:300]}"
    if forbidden:
        outcome, text = "failed", f"{forbidden[0]}; {text}"
    return {"outcome": outcome, "text": " ".join(text.split())}


def _watch(folder: Path) -> list[str]:
    """Return a list that receives events of starting programs, and of opening foreign files."""
    found: list[str] = []
    allowed = (
        folder,
        *map(Path, (sys.prefix, sys.base_prefix, "/proc", "/dev", "/usr", "/sys", "/etc", mf.__path__[0])),
    )

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _EVENTS:
            found.append(f"{event} {arguments[:2]}")
        elif event == "open" and isinstance(arguments[0], (str, bytes)):
            place = Path(os.path.realpath(os.fsdecode(arguments[0])))
            if not any(place.is_relative_to(one) for one in allowed) and place.name != "site-packages":
                found.append(f"opened {place.name} outside of the folder")

    sys.addaudithook(note)
    return found


def in_child(function: Callable[[], dict[str, Any]]) -> tuple[dict[str, Any], float, int]:
    """Call a function in a forked process; return its answer, the processor time in s and the largest memory in bytes."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                answer = function()
        except Exception as error:
            answer = {"error": " ".join(str(error).split())[:200]}
        os.write(writing, json.dumps(answer).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    _, _, usage = os.wait4(child, 0)
    return json.loads(said or "{}"), usage.ru_utime + usage.ru_stime, 1024 * usage.ru_maxrss
