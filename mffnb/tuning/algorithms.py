"""Search algorithms that propose the settings of the next trial: TPE, random, annealing, grid and line search.

The trials whose results an algorithm may use depend on the trial number only, so that parallel searches are
reproducible.
"""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Protocol

import numpy as np
from hyperopt import anneal, rand, tpe
from hyperopt.base import JOB_STATE_DONE, STATUS_FAIL, STATUS_NEW, STATUS_OK, trials_from_docs

from mffnb.tuning.space import LogRange, Point, Space
from mffnb.tuning.trials import Trial

_EPOCH = datetime.datetime(1970, 1, 1)  # hyperopt requires times in its trial documents but does not use them


class Algorithm(Protocol):
    """Interface of a search algorithm, which proposes the settings of each trial."""

    def needs(self, number: int) -> int:
        """Return how many trials, counted from the first, must be finished before trial ``number`` is proposed."""

    def propose(self, number: int, known: Sequence[Trial], points: Sequence[Point]) -> Point | None:
        """Return the point of the search space for a trial.

        Parameters
        ----------
        number
            Number of the trial.
        known
            The first ``needs(number)`` trials, finished.
        points
            Points of all trials before this one, finished or not.

        Returns
        -------
        dict or None
            None if all points have been proposed.
        """


@dataclass(frozen=True, eq=False)
class HyperoptSearch:
    """Search algorithm of hyperopt (TPE, random or annealing) with a fixed delay of the results.

    A trial uses the results of all trials except the ``window - 1`` trials before it. Each trial has its own random
    state, derived from the seed and the trial number.
    """

    space: Space
    suggest: Callable[..., Any]
    window: int
    seed: int

    def needs(self, number: int) -> int:
        """Return how many trials trial ``number`` waits for: all except the ``window - 1`` trials before it."""
        return max(0, number - self.window + 1)

    def propose(self, number: int, known: Sequence[Trial], points: Sequence[Point]) -> Point:
        """Return the point that the algorithm of hyperopt proposes for this trial."""
        documents = [self._document(i, point, known[i] if i < len(known) else None) for i, point in enumerate(points)]
        state = np.random.SeedSequence(self.seed, spawn_key=(number,)).generate_state(1)[0] % (2**31 - 1)
        trials = trials_from_docs(documents, validate=False)
        proposed = self.suggest([number], self.space.domain, trials, int(state))[0]["misc"]["vals"]
        return {label: _plain(values[0]) for label, values in proposed.items() if len(values)}

    def _document(self, number: int, point: Point, trial: Trial | None) -> dict[str, Any]:
        """Return a trial as a trial document of hyperopt; it has no loss if the trial is not finished or has failed."""
        labels = self.space.domain.params
        result: dict[str, Any] = {"status": STATUS_NEW}
        if trial is not None:
            result = {"status": STATUS_FAIL} if trial.failed else {"status": STATUS_OK, "loss": trial.loss}
        return {
            "tid": number,
            "state": JOB_STATE_DONE,
            "spec": None,
            "result": result,
            "misc": {
                "tid": number,
                "cmd": self.space.domain.cmd,
                "workdir": None,
                "idxs": {label: [number] if label in point else [] for label in labels},
                "vals": {label: [point[label]] if label in point else [] for label in labels},
            },
            "exp_key": None,
            "owner": None,
            "version": 0,
            "book_time": _EPOCH,
            "refresh_time": _EPOCH,
        }


@dataclass(frozen=True, eq=False)
class GridSearch:
    """Grid search over all combinations of levels; every range has the same number of levels.

    The number of levels is the largest one for which the grid does not exceed ``size`` trials.
    """

    space: Space
    size: int

    def needs(self, number: int) -> int:
        """Return 0: the points of a grid do not depend on results."""
        return 0

    def propose(self, number: int, known: Sequence[Trial], points: Sequence[Point]) -> Point | None:
        """Return the grid point with this number; None after the last one."""
        return self._points[number] if number < len(self._points) else None

    @cached_property
    def _points(self) -> list[Point]:
        """Return all grid points; the last keyword varies fastest."""
        axes, levels = self.space.listed_axes("grid"), 1
        while self._count(levels + 1) <= self.size and self._count(levels + 1) > self._count(levels):
            levels += 1
        if self._count(levels) > self.size:
            raise ValueError(f"a grid of these choices has {self._count(levels)} points: set max_evals to that or more")
        values = [axis.levels(levels) for axis in axes.values()]
        return [dict(zip(axes, point, strict=True)) for point in itertools.product(*values)]

    def _count(self, levels: int) -> int:
        """Return the number of grid points if each range has this many levels."""
        return int(np.prod([len(axis.levels(levels)) for axis in self.space.listed_axes("grid").values()]))


@dataclass(frozen=True, eq=False)
class LineSearch:
    """Coordinate search: vary one keyword at a time on a line through the best point, from the lower end up.

    The search starts at the lower end of each range and the first choice of each list. In each further round over the
    keywords, the levels lie between those of the previous round.
    """

    space: Space
    levels: int = 7

    def needs(self, number: int) -> int:
        """Return the number of trials on all lines before the line of trial ``number``: these must be finished."""
        return self._line(number)[1]

    def propose(self, number: int, known: Sequence[Trial], points: Sequence[Point]) -> Point:
        """Return the next point on the current line."""
        axes = self.space.listed_axes("line")
        line, first, last = self._line(number)
        label = list(axes)[line % len(axes)]
        fine = (self.levels - 1) * 2 ** (line // len(axes)) + 1
        values = axes[label].levels(fine)
        done = [trial for trial in known if trial.loss is not None]
        if not done:
            return {name: axis.levels(self.levels)[0] for name, axis in axes.items()} | {label: values[number - first]}
        best = min(done, key=lambda trial: (trial.loss, trial.number)).point
        if isinstance(axes[label], LogRange):  # after the first round, the line has finer levels around the best one
            near = int(np.argmin(np.abs(np.log(values) - np.log(best[label]))))
            begin = int(np.clip(near - (last - first) // 2, 0, fine - (last - first)))
            values = values[begin:]
        return {**best, label: values[number - first]}

    def _line(self, number: int) -> tuple[int, int, int]:
        """Return the index of the line of a trial, and the numbers of the first trial of this and of the next line."""
        axes = list(self.space.listed_axes("line").values())
        first = 0
        for line in itertools.count():
            last = first + len(axes[line % len(axes)].levels(self.levels))
            if number < last:
                return line, first, last
            first = last
        raise AssertionError


def algorithm_named(algorithm: str, space: Space, max_evals: int, window: int, seed: int) -> Algorithm:
    """Create the search algorithm with this name.

    Raises
    ------
    ValueError
        If the name is unknown; the message lists all names.
    """
    made: dict[str, Callable[[], Algorithm]] = {
        "tpe": lambda: HyperoptSearch(space, partial(tpe.suggest, verbose=False), window, seed),
        "random": lambda: HyperoptSearch(space, rand.suggest, window, seed),
        "anneal": lambda: HyperoptSearch(space, anneal.suggest, window, seed),
        "grid": lambda: GridSearch(space, max_evals),
        "line": lambda: LineSearch(space),
    }
    if algorithm not in made:
        raise ValueError(f"algorithm={algorithm!r} is not known: use {', '.join(map(repr, made))}")
    return made[algorithm]()


def _plain(value: Any) -> Any:
    """Convert a NumPy scalar to a Python number, for JSON."""
    return value.item() if isinstance(value, np.generic) else value
