"""A search under way: propose, send out, take in order, note down, turn by turn, so that anyone may watch it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mffnb.cubes.as_cube import as_cube
from mffnb.tuning.algorithms import Algorithm, named
from mffnb.tuning.evaluation import Job, Objective, Report
from mffnb.tuning.identity import described, fingerprint
from mffnb.tuning.journal import Journal
from mffnb.tuning.objectives import HeldOut
from mffnb.tuning.space import Point, Space
from mffnb.tuning.trials import Trial
from mffnb.tuning.tuning import Ended, Tuning
from mffnb.tuning.workers import Serial, Workers

_LOOK = 0.05  # seconds between two looks at whether to stop


@dataclass(frozen=True, eq=False)
class Searching:
    """A search that has been asked for, with the keywords of :func:`tune`, and checked; :meth:`states` does it."""

    cube: Any
    space: Any
    objective: Any = None
    algorithm: str = "tpe"
    max_evals: int = 60
    executor: Any = None
    window: int = 4
    path: str | os.PathLike[str] | None = None
    seed: int = 0
    patience: int | None = None
    stop: Callable[[], bool] | threading.Event | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value in (
            ("max_evals", self.max_evals),
            ("window", self.window),
            ("patience", self.patience or 1),
        ):
            if not (isinstance(value, (int, np.integer)) and value >= 1):
                raise ValueError(f"{name} must be a whole number >= 1, got {value!r}")
        judge = self.judge
        if isinstance(judge, type) or not (isinstance(judge, Objective) or callable(judge)):
            raise TypeError(
                f"objective={self.objective!r}: give one of mffnb.tuning.objectives, HeldOut() say, "
                "or a function of an Unmixing that returns a number"
            )
        _ = self._algorithm, self.job  # which refuse what is wrong
        if hasattr(judge, "check") and isinstance(self.space, Mapping):
            judge.check({**self.options, **self.space})

    @cached_property
    def judge(self) -> Any:
        """The objective."""
        return HeldOut() if self.objective is None else self.objective

    @cached_property
    def job(self) -> Job:
        """What all trials share."""
        source = Path(self.cube).absolute() if isinstance(self.cube, (str, os.PathLike)) else as_cube(self.cube)
        if isinstance(source, Path) and not source.exists():
            raise FileNotFoundError(f"there is no file {self.cube}")
        return Job(source, {"random_state": self.seed, **self.options})

    def run_by(self, executor: Any, stop: Callable[[], bool]) -> Searching:
        """The same search, run and stopped by others."""
        return replace(self, executor=executor, stop=stop)

    def states(self, observe: Callable[[Trial], object] | None = None) -> Iterator[Tuning]:
        """The search so far, again and again: at first what the file holds, at last how it ended.

        May be left at any state; what was found is in the file.

        Parameters
        ----------
        observe
            Called with each trial as it ends, in the order of their numbers; returning True ends the search.
        """
        journal = Journal(None if self.path is None else Path(self.path))
        record = self._record
        turns = _Turns(self._space, self._algorithm, self.max_evals, self.window, journal, self.patience, self.stop)
        turns.observe = observe
        turns.trials.extend(journal.begin(record, self._space)[: self.max_evals])
        turns.points.extend(dict(trial.point) for trial in turns.trials)
        pool = self.executor.executor() if hasattr(self.executor, "executor") else self.executor
        workers = Workers(Serial() if pool is None else pool, self.job, self.judge)
        try:
            for ended in turns.run(workers):
                yield Tuning(tuple(turns.trials), ended, record, self.job)
        finally:
            workers.close()

    @cached_property
    def _space(self) -> Space:
        return Space.of(self.space)

    @cached_property
    def _algorithm(self) -> Algorithm:
        return named(self.algorithm, self._space, self.max_evals, self.window, self.seed)

    @property
    def _record(self) -> dict[str, Any]:
        """What decides the trials; where they are kept, the data as well."""
        record = {
            "algorithm": self.algorithm,
            "seed": int(self.seed),
            "window": int(self.window),
            "space": self._space.description,
            "objective": described(self.judge),
            "options": {key: described(value) for key, value in sorted(self.options.items())},
        }
        if self.path is not None:
            record["cube"] = fingerprint(self.job.cube)
        if self.algorithm == "grid":
            record["size"] = int(self.max_evals)  # decides its levels
        return record


@dataclass(eq=False)
class _Turns:
    """Where a search stands."""

    space: Space
    algorithm: Algorithm
    size: int
    window: int
    journal: Journal
    patience: int | None
    stop: Callable[[], bool] | threading.Event | None
    observe: Callable[[Trial], object] | None = None
    trials: list[Trial] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    reports: dict[int, Report] = field(default_factory=dict)

    def run(self, workers: Workers) -> Iterator[Ended]:
        """Until there is nothing left to do; trials are taken in the order of their numbers."""
        ended = Ended.SETTLED if self._settled() else Ended.RUNNING
        exhausted = False
        yield Ended.RUNNING
        try:
            while ended is not Ended.SETTLED:
                if self._take() and ended is Ended.RUNNING:
                    ended = Ended.STOPPED
                if self._settled():
                    # Those that were begun are dropped: one worker alone would not have begun them.
                    ended = Ended.SETTLED
                    break
                if ended is Ended.RUNNING and self._asked_to_stop():
                    ended = Ended.STOPPED
                if ended is Ended.RUNNING and not exhausted and self._may_ask(workers):
                    exhausted = not self._ask(workers)
                elif workers.pending:
                    self.reports |= workers.finished(_LOOK)
                else:
                    break
                self.reports |= workers.finished(0)
                yield Ended.RUNNING
        except KeyboardInterrupt:
            ended = Ended.INTERRUPTED
        yield Ended.FINISHED if ended is Ended.RUNNING else ended

    def _may_ask(self, workers: Workers) -> bool:
        number = len(self.points)
        room = number < min(self.size, len(self.trials) + self.window)
        return room and len(self.trials) >= self.algorithm.needs(number)

    def _ask(self, workers: Workers) -> bool:
        """Send the next trial; False where there is none."""
        number = len(self.points)
        point = self.algorithm.propose(number, self.trials[: self.algorithm.needs(number)], self.points)
        if point is None:
            return False
        self.points.append(point)
        workers.submit(number, self.space.settings(point))
        return True

    def _take(self) -> bool:
        """Note the reports whose turn it is; whether an observer wants to end the search."""
        wants_end = False
        while not self._settled() and (number := len(self.trials)) in self.reports:
            report, point = self.reports.pop(number), self.points[number]
            trial = Trial(
                number,
                self.space.settings(point),
                report.get("loss"),
                report.get("message", ""),
                report.get("error"),
                report.get("sparseness"),
                report.get("outcome", ""),
                point,
                report.get("seconds", 0.0),
            )
            self.journal.add(trial)
            self.trials.append(trial)
            if self.observe is not None:
                wants_end = self.observe(trial) is True or wants_end
        return wants_end

    def _settled(self) -> bool:
        if self.patience is None or len(self.trials) <= self.patience:
            return False
        losses = [np.inf if trial.loss is None else trial.loss for trial in self.trials]
        return len(losses) - 1 - int(np.argmin(losses)) >= self.patience

    def _asked_to_stop(self) -> bool:
        if self.stop is None:
            return False
        return self.stop.is_set() if isinstance(self.stop, threading.Event) else bool(self.stop())
