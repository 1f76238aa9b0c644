"""Search loop: propose trials, submit them to workers, record the reports in order, and yield after each step."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mffnb.cubes.as_cube import as_cube, is_several
from mffnb.cubes.image_stack import warn_if_planes
from mffnb.io.read import read
from mffnb.keywords import check_keywords, keywords_of
from mffnb.parallel.executors import executor_of
from mffnb.tuning.algorithms import Algorithm, algorithm_named
from mffnb.tuning.default_objective import default_objective
from mffnb.tuning.evaluation import Job, Objective, Report
from mffnb.tuning.fingerprint import fingerprint, stable_text
from mffnb.tuning.journal import Journal
from mffnb.tuning.listed_images import ListedImages
from mffnb.tuning.space import Point, Space
from mffnb.tuning.trials import Trial
from mffnb.tuning.tuning import Ended, Tuning
from mffnb.tuning.workers import SerialExecutor, TrialDispatcher
from mffnb.unmixing.pictures import warn_if_picture
from mffnb.unmixing.unmix import unmix

_POLL_SECONDS = 0.05  # time between two checks of the stop condition, in seconds


@dataclass(frozen=True, eq=False)
class SettingsSearch:
    """A hyperparameter search with the keywords of :func:`tune`, checked; :meth:`states` runs it."""

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
                raise ValueError(f"{name} must be an integer >= 1, got {value!r}")
        objective = self.resolved_objective
        if isinstance(objective, type) or not (isinstance(objective, Objective) or callable(objective)):
            raise TypeError(
                f"objective={self.objective!r}: give one of mffnb.tuning.objectives, for example HeldOut(), "
                "or a function of an Unmixing that returns a number"
            )
        # parse algorithm and job now, so that invalid values raise an error before the search starts
        _ = self._algorithm, self.job
        if isinstance(self.space, Mapping):
            check_keywords("mf.unmix, whose settings are searched,", self.space, keywords_of(unmix))
        if self.job.images is not None:
            self.job.images.check(self.space)
        if hasattr(objective, "check") and isinstance(self.space, Mapping):
            objective.check({**self.options, **self.space})

    def warn_if_picture(self) -> None:
        """Warn of a picture that is taken for a line of spectra; the trials do not warn."""
        if self.job.images is not None:
            return  # opening the images has warned
        searched = {**self.options, **(self.space if isinstance(self.space, Mapping) else {})}
        source = self.job.source
        data = read(source, lazy=True) if isinstance(source, Path) else source
        warn_if_picture(data, searched.get("channel"), searched.get("preprocess", ()))

    @cached_property
    def resolved_objective(self) -> Any:
        """The objective of the search, see :func:`default_objective` if the user gave None."""
        return default_objective(self.space, self.options) if self.objective is None else self.objective

    @cached_property
    def job(self) -> Job:
        """The cube or the images, and the fixed keywords, which all trials have in common."""
        options = {"random_state": self.seed, **self.options}
        if not is_several(self.cube):
            return Job(_source(self.cube), options)
        warn_if_planes(self.cube)
        return Job(ListedImages([_source(one) for one in self.cube], options), options)

    def with_executor(self, executor: Any, stop: Callable[[], bool]) -> SettingsSearch:
        """Return a copy of this search with another executor and stop condition."""
        return replace(self, executor=executor, stop=stop)

    def states(self, observe: Callable[[Trial], object] | None = None) -> Iterator[Tuning]:
        """Run the search and yield its state after each step: first the trials in the file, last the final state.

        The iteration may be abandoned at any state; finished trials are in the file.

        Parameters
        ----------
        observe
            Called with each finished trial, in the order of their numbers; if it returns True, the search ends.
        """
        journal = Journal(None if self.path is None else Path(self.path))
        record = self._record
        loop = _SearchLoop(self._space, self._algorithm, self.max_evals, self.window, journal, self.patience, self.stop)
        loop.observe = observe
        loop.trials.extend(journal.begin(record, self._space)[: self.max_evals])
        loop.points.extend(dict(trial.point) for trial in loop.trials)
        pool = executor_of(self.executor)
        workers = TrialDispatcher(SerialExecutor() if pool is None else pool, self.job, self.resolved_objective)
        try:
            for ended in loop.run(workers):
                yield Tuning(tuple(loop.trials), ended, record, self.job)
        finally:
            workers.close()

    @cached_property
    def _space(self) -> Space:
        """The search space, parsed from the notation of the user."""
        return Space.of(self.space)

    @cached_property
    def _algorithm(self) -> Algorithm:
        """The search algorithm with the name and the seed of this search."""
        return algorithm_named(self.algorithm, self._space, self.max_evals, self.window, self.seed)

    @property
    def _record(self) -> dict[str, Any]:
        """Return everything that determines the trials; with a journal file also the checksum of the data."""
        record = {
            "algorithm": self.algorithm,
            "seed": int(self.seed),
            "window": int(self.window),
            "space": self._space.description,
            "objective": stable_text(self.resolved_objective),
            "options": {key: stable_text(value) for key, value in sorted(self.options.items())},
        }
        if self.path is not None:
            record["cube"] = fingerprint(self.job.cube)
            if self.job.images is not None and self.job.images.shapes:
                record["images"] = str(self.job.images.shapes)
        if self.algorithm == "grid":
            record["size"] = int(self.max_evals)  # the number of trials determines the levels of the grid
        return record


def _source(cube: Any) -> Any:
    """Return the absolute path of a file, which must exist, or a labelled cube."""
    if not isinstance(cube, (str, os.PathLike)):
        return as_cube(cube)
    if not Path(cube).exists():
        raise FileNotFoundError(f"there is no file {cube}")
    return Path(cube).absolute()


@dataclass(eq=False)
class _SearchLoop:
    """Mutable state of a running search: finished trials, submitted trials and reports that await their turn."""

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

    def run(self, workers: TrialDispatcher) -> Iterator[Ended]:
        """Run until all trials are finished or the search ends early; yield after each step, record trials in order."""
        ended = Ended.SETTLED if self._patience_exhausted() else Ended.RUNNING
        exhausted = False
        yield Ended.RUNNING
        try:
            while ended is not Ended.SETTLED:
                if self._record_reports() and ended is Ended.RUNNING:
                    ended = Ended.STOPPED
                if self._patience_exhausted():
                    # Discard the running trials: a single worker would not have started them.
                    ended = Ended.SETTLED
                    break
                if ended is Ended.RUNNING and self._stop_requested():
                    ended = Ended.STOPPED
                if ended is Ended.RUNNING and not exhausted and self._can_submit(workers):
                    exhausted = not self._submit_next(workers)
                elif workers.pending:
                    self.reports |= workers.collect(_POLL_SECONDS)
                else:
                    break
                self.reports |= workers.collect(0)
                yield Ended.RUNNING
        except KeyboardInterrupt:
            ended = Ended.INTERRUPTED
        yield Ended.FINISHED if ended is Ended.RUNNING else ended

    def _can_submit(self, workers: TrialDispatcher) -> bool:
        """Whether a trial is left, the window has room, and the algorithm has the results that it needs."""
        number = len(self.points)
        room = number < min(self.size, len(self.trials) + self.window)
        return room and len(self.trials) >= self.algorithm.needs(number)

    def _submit_next(self, workers: TrialDispatcher) -> bool:
        """Propose and submit the next trial; return False if there is none."""
        number = len(self.points)
        point = self.algorithm.propose(number, self.trials[: self.algorithm.needs(number)], self.points)
        if point is None:
            return False
        self.points.append(point)
        workers.submit(number, self.space.settings(point))
        return True

    def _record_reports(self) -> bool:
        """Record reports in the order of the trial numbers; return True if the observer ends the search."""
        wants_end = False
        while not self._patience_exhausted() and (number := len(self.trials)) in self.reports:
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
                tuple(report.get("parts", ())),
            )
            self.journal.add(trial)
            self.trials.append(trial)
            if self.observe is not None:
                wants_end = self.observe(trial) is True or wants_end
        return wants_end

    def _patience_exhausted(self) -> bool:
        """Whether the last ``patience`` trials brought no improvement."""
        if self.patience is None or len(self.trials) <= self.patience:
            return False
        losses = [np.inf if trial.loss is None else trial.loss for trial in self.trials]
        return len(losses) - 1 - int(np.argmin(losses)) >= self.patience

    def _stop_requested(self) -> bool:
        """Whether the user's stop function or event requests the end of the search."""
        if self.stop is None:
            return False
        return self.stop.is_set() if isinstance(self.stop, threading.Event) else bool(self.stop())
