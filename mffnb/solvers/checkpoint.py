"""Checkpoints of a run: when its state is written, and how a run continues from the last state."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from mffnb.errors import CheckpointWarning, warn
from mffnb.keywords import advises_keywords
from mffnb.protocols.communicator import SINGLE, Communicator
from mffnb.solvers import Reached, State
from mffnb.solvers.checkpoint_blocks import StoredBlock
from mffnb.solvers.checkpoint_files import About, Arrays, Generations
from mffnb.typing import Array

__all__ = ["Checkpoint"]

_FORMAT = "mffnb checkpoint 1"
_SCALARS = ("iteration", "objective", "relative_error", "step", "seconds")


@advises_keywords
@dataclass(frozen=True)
class Checkpoint:
    """Settings of checkpoints: the folder in which a run stores its state, and the time between two states.

    A run that finds a checkpoint with its own settings and data continues from there. On the same grid of ranks, the
    result is identical, to the last bit, to that of a run without interruption. On another number of ranks or another
    grid, sums have another order, and the results differ by rounding errors. A run that finds the checkpoint of other
    settings raises an error that names the difference.

    Parameters
    ----------
    folder
        Folder of the checkpoint, created if it does not exist. It holds the two newest states; the older one is used if
        the newest is damaged.
    every
        Seconds between two states; the last state of a run is always written.

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
        if os.path.isfile(self.folder):
            raise ValueError(f"{self.folder} is a file, and a checkpoint is a folder: give another name")

    @classmethod
    def of(cls, given: Checkpoint | str | os.PathLike[str]) -> Checkpoint:
        """Return checkpoint settings for the path of a folder; return a :class:`Checkpoint` unchanged."""
        return given if isinstance(given, cls) else cls(given)  # type: ignore[arg-type]


@dataclass(eq=False)
class Keeper:
    """Write the states of one run, and read the last state of an earlier one.

    Parameters
    ----------
    checkpoint
        Folder, and time between two states.
    settings
        Settings and data that determine the run; a checkpoint of a run with other ones is refused.
    own
        Block of pixels and channels whose factors this rank owns.
    communicator
        Communicator of the ranks that run together.
    """

    checkpoint: Checkpoint
    settings: Mapping[str, Any]
    own: StoredBlock
    communicator: Communicator = SINGLE
    _last: float = field(default_factory=time.monotonic, init=False)
    _written: int = field(default=-1, init=False)

    @property
    def _generations(self) -> Generations:
        return Generations(Path(self.checkpoint.folder), self.communicator)

    def of_start(self, number: int) -> Keeper:
        """Return the keeper of start ``number`` of a run with several starts, with its own subfolder."""
        folder = Path(self.checkpoint.folder) / f"start-{number}"
        return Keeper(replace(self.checkpoint, folder=folder), self.settings, self.own, self.communicator)

    def read(self) -> tuple[Reached, str] | None:
        """Return the last state of an earlier run with these settings, and its start; None if there is none.

        Raises
        ------
        ValueError
            On all ranks, if the folder holds the checkpoint of another run.
        """
        found = self._generations.newest(self._check, self._is_whole, self.own)
        if found is None:
            return None
        arrays, about, newest = found
        if not newest:
            warn(
                f"the newest checkpoint in {self.checkpoint.folder} is damaged: going on from the one before, "
                f"iteration {about['iteration']}",
                CheckpointWarning,
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

    def write_if_due(self, state: State, trace: Sequence[State], start: str, last: bool) -> None:
        """Write a state if the time between checkpoints is over, or if it is the last of its run; a collective call.

        A full disk causes a warning and does not end the run.
        """
        if state.iterates is None or not state.iteration or state.iteration == self._written or not self._due(last):
            return
        arrays = {"abundances": state.abundances, "endmembers": state.endmembers} | state.iterates.memory()
        if state.intercept is not None:
            arrays["intercept"] = state.intercept
        arrays["trace"] = np.array([[getattr(one, name) for name in _SCALARS] for one in trace])
        about = {"format": _FORMAT, "iteration": state.iteration, "start": start, "settings": dict(self.settings)}
        about |= {"arrays": list(arrays), "blocks": self.communicator.allgather(self.own.numbers)}
        try:
            self._generations.write(state.iteration, arrays, about)
            self._written = state.iteration
        except OSError as error:
            warn(
                f"no checkpoint of iteration {state.iteration} in {self.checkpoint.folder}, an older one is still "
                f"there if there was one: {error}",
                CheckpointWarning,
            )
        self._last = time.monotonic()

    def _due(self, last: bool) -> bool:
        due = last or time.monotonic() - self._last >= self.checkpoint.every
        return bool(self.communicator.bcast(due, root=0))

    def _is_whole(self, arrays: Arrays, about: About) -> bool:
        """Whether a checkpoint has all parts of a state, as numbers with consistent shapes."""
        iteration, start, settings = (about.get(name) for name in ("iteration", "start", "settings"))
        if not (isinstance(iteration, int) and isinstance(start, str) and isinstance(settings, dict)):
            return False
        # Checkpoints of older versions have no list of their arrays.
        needed = {"trace", "abundances", "endmembers", *about.get("arrays", ())}
        if not needed <= set(arrays) or any(array.dtype.kind not in "fiub" for array in arrays.values()):
            return False
        return _shapes_agree(arrays, iteration, settings, self.own.shape)

    def _check(self, about: About) -> None:
        """Raise ValueError if a checkpoint belongs to a run with other settings or data."""
        there, here = about.get("settings"), json.loads(json.dumps(dict(self.settings)))
        if about.get("format") != _FORMAT:
            raise ValueError(f"{self.checkpoint.folder} holds no checkpoint that this version can read")
        if not isinstance(there, dict):
            return  # damaged: _is_whole tells
        names = [name for name in {**there, **here} if there.get(name) != here.get(name)]
        if "blocks" in about and "ranks" in names:  # the files of another grid are joined
            names.remove("ranks")
        if names:
            differs = ", ".join(f"{name} is {there.get(name)!r} there and {here.get(name)!r} here" for name in names)
            raise ValueError(
                f"{self.checkpoint.folder} holds the checkpoint of another run: {differs}; name another folder, "
                "or delete that one"
            )


def _shapes_agree(arrays: Arrays, iteration: int, settings: Mapping[str, Any], own: tuple[int, int]) -> bool:
    """Whether a state has a trace, factors with k rows and the columns of the own block, and finite numbers."""
    trace, A, E = arrays["trace"], arrays["abundances"], arrays["endmembers"]
    if trace.ndim != 2 or trace.shape[1] != len(_SCALARS) or not len(trace) or trace[-1, 0] != iteration:
        return False
    k = settings.get("k", len(E))
    if A.ndim != 2 or E.ndim != 2 or not len(A) == len(E) == k or (A.shape[1], E.shape[1]) != own:
        return False
    further = [("ahead_abundances", A.shape), ("ahead_endmembers", E.shape), ("momentum", (3,))]
    if any(arrays[name].shape != shape for name, shape in further if name in arrays):
        return False
    return all(np.isfinite(array).all() for name, array in arrays.items() if name not in ("trace", "momentum"))


def stored_seed(checkpoint: Checkpoint, drawn: int, communicator: Communicator) -> int:
    """Return the seed of the run that wrote a checkpoint; ``drawn`` if there is no checkpoint."""
    folder = Path(checkpoint.folder)
    found = (Generations(place, communicator).about() for place in (folder, folder / "start-0"))
    settings = (about.get("settings") for about in found if about is not None)
    seeds = (one.get("random_state") for one in settings if isinstance(one, dict))
    return next((seed for seed in seeds if isinstance(seed, int)), drawn)


def digest(values: Any) -> str | None:
    """Return shape, type and hash of an array as text, to detect other data; return None for None."""
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
