"""What is kept of a run, when, and whether what is found belongs to this run."""

from __future__ import annotations

import hashlib
import json
import os
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from mffnb.errors import CheckpointWarning
from mffnb.solvers import Reached, State
from mffnb.solvers.checkpoint_files import About, Generations
from mffnb.typing import Array

__all__ = ["Checkpoint"]

_FORMAT = "mffnb checkpoint 1"
_SCALARS = ("iteration", "objective", "relative_error", "step", "seconds")


@dataclass(frozen=True)
class Checkpoint:
    """Where a run keeps what it needs to go on, and how often.

    A run that finds a checkpoint of itself goes on from there, to the same answer to the last bit as if it had never
    ended, on as many ranks as wrote it. One that finds the checkpoint of another run stops, and says what differs.

    Parameters
    ----------
    folder
        Made if it is not there. It holds the two newest states, the older one in case the newest is damaged.
    every
        Seconds between two of them; the last state of a run is written in any case.

    Examples
    --------
    >>> import mffnb as mf, numpy as np, os, tempfile
    >>> cube, folder = np.random.default_rng(0).random((4, 5, 20)), os.path.join(tempfile.mkdtemp(), "ck")
    >>> options = {"random_state": 0, "tol": 1e-9}
    >>> first = mf.unmix(cube, 2, max_iter=20, checkpoint=mf.Checkpoint(folder), **options)  # doctest: +SKIP
    >>> further = mf.unmix(cube, 2, max_iter=3000, checkpoint=mf.Checkpoint(folder), **options)
    >>> further.endmembers.equals(mf.unmix(cube, 2, max_iter=3000, **options).endmembers)
    True
    """

    folder: str | os.PathLike[str]
    every: float = 60.0

    def __post_init__(self) -> None:
        if not self.every >= 0:
            raise ValueError(f"every must be a number of seconds >= 0, got {self.every!r}")

    @classmethod
    def of(cls, asked: Checkpoint | str | os.PathLike[str]) -> Checkpoint:
        """From the path of a folder, or as it is."""
        return asked if isinstance(asked, cls) else cls(asked)  # type: ignore[arg-type]


@dataclass(eq=False)
class Keeper:
    """Writes the states of one run, and finds where an earlier one ended.

    Parameters
    ----------
    checkpoint
        Where and how often.
    settings
        What makes this run what it is; a checkpoint with others does not fit.
    communicator
        Of the ranks that run it together; None for one process.
    """

    checkpoint: Checkpoint
    settings: Mapping[str, Any]
    communicator: Any = None
    _last: float = field(default_factory=time.monotonic, init=False)
    _written: int = field(default=-1, init=False)

    @property
    def _generations(self) -> Generations:
        return Generations(Path(self.checkpoint.folder), self.communicator)

    def of_start(self, number: int) -> Keeper:
        """That of one of several starts, in a folder of its own."""
        folder = Path(self.checkpoint.folder) / f"start-{number}"
        return Keeper(replace(self.checkpoint, folder=folder), self.settings, self.communicator)

    def found(self) -> tuple[Reached, str] | None:
        """Where an earlier run of these settings ended, and what it had started from; None if there was none.

        Raises
        ------
        ValueError
            On all ranks, if there is something else.
        """
        found = self._generations.newest(self._check)
        if found is None:
            return None
        arrays, about, newest = found
        if not newest:
            warnings.warn(
                f"the newest checkpoint in {self.checkpoint.folder} is damaged: going on from the one before, "
                f"iteration {about['iteration']}",
                CheckpointWarning,
                stacklevel=2,
            )
        self._written = int(about["iteration"])
        nothing = np.empty((0, 0))
        trace = [_state(row, nothing, nothing) for row in arrays.pop("trace")]
        last = replace(
            trace.pop(),
            abundances=arrays.pop("abundances"),
            endmembers=arrays.pop("endmembers"),
            intercept=arrays.pop("intercept", None),
        )
        return Reached(last, arrays, trace), about["start"]

    def offer(self, state: State, trace: Sequence[State], start: str, last: bool) -> None:
        """Write a state if it is time, or the last one of its run; all ranks offer theirs together.

        A disk that is full is a warning, not the end of the run.
        """
        if state.begun is None or not state.iteration or state.iteration == self._written or not self._due(last):
            return
        arrays = {"abundances": state.abundances, "endmembers": state.endmembers} | state.begun.memory()
        if state.intercept is not None:
            arrays["intercept"] = state.intercept
        arrays["trace"] = np.array([[getattr(one, name) for name in _SCALARS] for one in trace])
        about = {"format": _FORMAT, "iteration": state.iteration, "start": start, "settings": dict(self.settings)}
        try:
            self._generations.write(state.iteration, arrays, about)
            self._written = state.iteration
        except OSError as error:
            warnings.warn(
                f"no checkpoint of iteration {state.iteration} in {self.checkpoint.folder}, an older one is still "
                f"there if there was one: {error}",
                CheckpointWarning,
                stacklevel=2,
            )
        self._last = time.monotonic()

    def _due(self, last: bool) -> bool:
        due = last or time.monotonic() - self._last >= self.checkpoint.every
        return due if self.communicator is None else bool(self.communicator.bcast(due, root=0))

    def _check(self, about: About) -> None:
        """Refuse the checkpoint of another run."""
        there, here = about.get("settings"), json.loads(json.dumps(dict(self.settings)))
        if about.get("format") != _FORMAT or not isinstance(there, dict):
            raise ValueError(f"{self.checkpoint.folder} holds no checkpoint that this version can read")
        names = [name for name in {**there, **here} if there.get(name) != here.get(name)]
        if names:
            differs = ", ".join(f"{name} is {there.get(name)!r} there and {here.get(name)!r} here" for name in names)
            raise ValueError(
                f"{self.checkpoint.folder} holds the checkpoint of another run: {differs}; name another folder, "
                "or delete that one"
            )


def kept_seed(checkpoint: Checkpoint, drawn: int, communicator: Any) -> int:
    """The seed of the run that a checkpoint belongs to; the one drawn where there is none."""
    folder = Path(checkpoint.folder)
    found = (Generations(place, communicator).about() for place in (folder, folder / "start-0"))
    return next((int(about["settings"]["random_state"]) for about in found if about is not None), drawn)


def digest(values: Any) -> str | None:
    """A short name for an array, by what is in it; None for None."""
    if values is None:
        return None
    if isinstance(values, (list, tuple)):
        return ", ".join(str(digest(part)) for part in values)
    if isinstance(values, str):
        return values
    array: Array = np.ascontiguousarray(values)
    content = hashlib.blake2b(array.tobytes(), digest_size=6).hexdigest()
    return f"{'x'.join(map(str, array.shape))} {array.dtype} {content}"


def _state(row: Array, abundances: Array, endmembers: Array) -> State:
    iteration, objective, relative_error, step, seconds = row.tolist()
    return State(int(iteration), abundances, endmembers, objective, relative_error, step, seconds)
