"""Outside programs in the comparison of speed: any command that factors a file, in any language.

The variable `MFFNB_PEERS` names them, separated by semicolons, each with a name:

    MFFNB_PEERS="RcppML=Rscript rcppml.R; PLANC=python planc_driver.py" python -m benchmarks speed.peers

A program is called with five further words, `X FOLDER K ITERATIONS SIMILARITY`:

- `X` is a file: `X.npy` (pixels x channels, float64 or float32) or, for CSR, `X.mtx` (Matrix Market, coordinates from 1);
- it makes `ITERATIONS` iterations from its own start with `K` components, on one thread, with its own check of convergence off;
- `SIMILARITY` is `frobenius` or `kl`; a program that cannot do it exits with a status other than 0, and is left out;
- it writes `FOLDER/W.npy` (pixels, K) and `FOLDER/H.npy` (K, channels), or both as `.csv`: numbers only, separated by commas. The scale
  of a component, such as d of RcppML, is multiplied into either;
- it may write `FOLDER/seconds.txt`, its processor seconds from X in memory to the factors. Otherwise the processor seconds of the
  whole process count, which include its start and the reading of X.

What it prints does not matter. Its factors are scored by the objective that all methods share. As a program cannot be watched, it runs
again for each number of iterations: 1, 2, 3, ..., each at most a quarter more than the last one, so that its seconds to a target may
be a quarter too long.
"""

from __future__ import annotations

import os
import resource
import shlex
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from scipy import io, sparse

from benchmarks.shared.convergence import FEWEST, Curve, Factors, Method, Value, has_settled

VARIABLE = "MFFNB_PEERS"
_GROWTH = 1.25
_MOST = 10**6


class ProgramRefusedError(RuntimeError):
    """Raised if an outside program exits with an error, or leaves no factors of the right shape."""


@dataclass(frozen=True, eq=False)
class OutsideProgram:
    """A command that factors X (pixels, channels) from a file into k components; `close` deletes the file."""

    command: str
    X: np.ndarray | sparse.csr_array
    k: int
    similarity: str

    @cached_property
    def file(self) -> tuple[tempfile.TemporaryDirectory[str], Path]:
        """The file of X, written once, and its folder."""
        folder = tempfile.TemporaryDirectory()
        if sparse.issparse(self.X):
            path = Path(folder.name) / "X.mtx"
            io.mmwrite(path, self.X)
        else:
            path = Path(folder.name) / "X.npy"
            np.save(path, self.X)
        return folder, path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Delete the file of X; a later run writes it again."""
        if "file" in self.__dict__:  # written, since it is a cached property
            self.file[0].cleanup()
            del self.__dict__["file"]

    def curve(self, value: Value, tolerance: float, patience: float) -> Curve:
        """Run for more and more iterations, until the objective has settled or all runs took ``patience`` seconds."""
        count, numbers, seconds, objective = 1, [], [], []
        while True:
            factors, taken = self.run(count)
            numbers.append(count)
            seconds.append(taken)
            objective.append(value(*factors))
            middle = int(np.searchsorted(numbers, count / 2))
            settled = count > FEWEST and has_settled(objective[middle], objective[-1], tolerance)
            if settled or sum(seconds) > patience or count >= _MOST:
                return Curve(np.array(seconds), np.array(objective), settled, factors, np.array(numbers))
            count = max(count + 1, int(_GROWTH * count))

    def seconds_at(self, counts: Sequence[int]) -> dict[int, float]:
        """Processor seconds of a run of so many iterations, for each count; the least count is 1."""
        return {count: self.run(max(1, count))[1] for count in counts}

    def run(self, iterations: int) -> tuple[Factors, float]:
        """Run the program once; return its factors and its processor seconds."""
        with tempfile.TemporaryDirectory() as folder:
            words = [*shlex.split(self.command), self.file[1], folder, self.k, iterations, self.similarity]
            before = _seconds_of_children()
            done = subprocess.run(list(map(str, words)), check=False, capture_output=True, text=True)
            seconds = _seconds_of_children() - before
            if done.returncode:
                raise ProgramRefusedError(
                    f"exit status {done.returncode}: {(done.stderr or done.stdout).strip()[-200:]}"
                )
            factors = tuple(_factor(Path(folder), name) for name in "WH")
            shapes, wanted = [one.shape for one in factors], [(self.X.shape[0], self.k), (self.k, self.X.shape[1])]
            if shapes != wanted:
                raise ProgramRefusedError(f"W and H have the shapes {shapes}, expected {wanted}")
            own = Path(folder) / "seconds.txt"
            return factors, float(own.read_text()) if own.exists() else seconds


def _seconds_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _factor(folder: Path, name: str) -> np.ndarray:
    """Read a factor that the program has written, as ``.npy`` or ``.csv``."""
    if (folder / f"{name}.npy").exists():
        return np.load(folder / f"{name}.npy").astype(np.float64)
    if (folder / f"{name}.csv").exists():
        return np.loadtxt(folder / f"{name}.csv", delimiter=",", ndmin=2)
    raise ProgramRefusedError(f"it wrote neither {name}.npy nor {name}.csv")


def outside_programs(X: Any, k: int, similarity: str) -> dict[str, Callable[[], Method]]:
    """Constructors of the programs that the variable names, by their names."""
    found: dict[str, Callable[[], Method]] = {}
    for entry in filter(str.strip, os.environ.get(VARIABLE, "").split(";")):
        name, equals, command = (word.strip() for word in entry.partition("="))
        if not (name and equals and command):
            raise SystemExit(f"{VARIABLE}: expected NAME=COMMAND, separated by semicolons, got {entry.strip()!r}")
        found[name] = lambda command=command: OutsideProgram(command, X, k, similarity)
    return found
