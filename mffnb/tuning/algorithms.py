"""Which point comes next. What an algorithm may look at is fixed by the number of the trial, so that all runs agree."""

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

_EPOCH = datetime.datetime(1970, 1, 1)  # hyperopt wants times and does nothing with them


class Algorithm(Protocol):
    """Proposes points."""

    def needs(self, number: int) -> int:
        """How many trials, from the first on, have to be finished before the trial of this number is proposed."""

    def propose(self, number: int, known: Sequence[Trial], points: Sequence[Point]) -> Point | None:
        """The point of a trial.

        Parameters
        ----------
        number
            Of the trial.
        known
            The first ``needs(number)`` trials.
        points
            Those of all trials before this one, whether they are finished or not.

        Returns
        -------
        dict or None
            None where there is nothing left to try.
        """


@dataclass(frozen=True, eq=False)
class Hyperopt:
    """One of hyperopt's algorithms, seeing the results of all trials but those of the ``window - 1`` before its own.

    Each trial has a random state of its own, spawned from the seed by its number.
    """

    space: Space
    suggest: Callable[..., Any]
    window: int
    seed: int

    def needs(self, number: int) -> int:
        """All but those that may still be running."""
        return max(0, number - self.window + 1)

    def propose(self, number: int, known: Sequence[Trial], points: Sequence[Point]) -> Point:
        """Ask hyperopt."""
        documents = [self._document(i, point, known[i] if i < len(known) else None) for i, point in enumerate(points)]
        state = np.random.SeedSequence(self.seed, spawn_key=(number,)).generate_state(1)[0] % (2**31 - 1)
        trials = trials_from_docs(documents, validate=False)
        proposed = self.suggest([number], self.space.domain, trials, int(state))[0]["misc"]["vals"]
        return {label: _plain(values[0]) for label, values in proposed.items() if len(values)}

    def _document(self, number: int, point: Point, trial: Trial | None) -> dict[str, Any]:
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
class Grid:
    """All combinations of as many levels of each range as fit into the number of trials."""

    space: Space
    size: int

    def needs(self, number: int) -> int:
        """Nothing."""
        return 0

    def propose(self, number: int, known: Sequence[Trial], points: Sequence[Point]) -> Point | None:
        """The next combination."""
        return self._points[number] if number < len(self._points) else None

    @cached_property
    def _points(self) -> list[Point]:
        axes, levels = self.space.listed_axes("grid"), 1
        while self._count(levels + 1) <= self.size and self._count(levels + 1) > self._count(levels):
            levels += 1
        if self._count(levels) > self.size:
            raise ValueError(f"a grid of these choices has {self._count(levels)} points: raise max_evals to that")
        values = [axis.levels(levels) for axis in axes.values()]
        return [dict(zip(axes, point, strict=True)) for point in itertools.product(*values)]

    def _count(self, levels: int) -> int:
        return int(np.prod([len(axis.levels(levels)) for axis in self.space.listed_axes("grid").values()]))


@dataclass(frozen=True, eq=False)
class Line:
    """One keyword after the other along a line through the best point so far, each from its low end upwards.

    Ranges begin at their low ends, choices at the first one. Each further round over the keywords has levels between
    those of the last one.
    """

    space: Space
    levels: int = 7

    def needs(self, number: int) -> int:
        """All lines before this one."""
        return self._line(number)[1]

    def propose(self, number: int, known: Sequence[Trial], points: Sequence[Point]) -> Point:
        """The next point of a line."""
        axes = self.space.listed_axes("line")
        line, first, last = self._line(number)
        label = list(axes)[line % len(axes)]
        fine = (self.levels - 1) * 2 ** (line // len(axes)) + 1
        values = axes[label].levels(fine)
        done = [trial for trial in known if trial.loss is not None]
        if not done:
            return {name: axis.levels(self.levels)[0] for name, axis in axes.items()} | {label: values[number - first]}
        best = min(done, key=lambda trial: (trial.loss, trial.number)).point
        if isinstance(axes[label], LogRange):  # as many levels as fit, around the best one after the first round
            near = int(np.argmin(np.abs(np.log(values) - np.log(best[label]))))
            begin = int(np.clip(near - (last - first) // 2, 0, fine - (last - first)))
            values = values[begin:]
        return {**best, label: values[number - first]}

    def _line(self, number: int) -> tuple[int, int, int]:
        """Which line a trial is on, its first trial and that of the next one."""
        axes = list(self.space.listed_axes("line").values())
        first = 0
        for line in itertools.count():
            last = first + len(axes[line % len(axes)].levels(self.levels))
            if number < last:
                return line, first, last
            first = last
        raise AssertionError


def named(algorithm: str, space: Space, max_evals: int, window: int, seed: int) -> Algorithm:
    """The algorithm of that name.

    Raises
    ------
    ValueError
        Naming those there are.
    """
    made: dict[str, Callable[[], Algorithm]] = {
        "tpe": lambda: Hyperopt(space, partial(tpe.suggest, verbose=False), window, seed),
        "random": lambda: Hyperopt(space, rand.suggest, window, seed),
        "anneal": lambda: Hyperopt(space, anneal.suggest, window, seed),
        "grid": lambda: Grid(space, max_evals),
        "line": lambda: Line(space),
    }
    if algorithm not in made:
        raise ValueError(f"algorithm={algorithm!r} is not known: use {', '.join(map(repr, made))}")
    return made[algorithm]()


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
