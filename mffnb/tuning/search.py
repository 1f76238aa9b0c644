"""The search itself: propose, send out, take in order, note down."""

from __future__ import annotations

import os
import threading
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cube import as_cube
from mffnb.errors import MffnbWarning
from mffnb.tuning.algorithms import Algorithm, named
from mffnb.tuning.evaluation import Job, Objective, Report
from mffnb.tuning.journal import Journal
from mffnb.tuning.objectives import HeldOut
from mffnb.tuning.space import Point, Space
from mffnb.tuning.trials import Trial
from mffnb.tuning.tuning import Ended, Tuning
from mffnb.tuning.workers import Serial, Workers

_LOOK = 0.2  # seconds between two looks at whether to stop


def tune(
    cube: Any,
    space: Any,
    objective: Any = None,
    *,
    algorithm: str = "tpe",
    max_evals: int = 60,
    executor: Any = None,
    window: int = 4,
    path: str | os.PathLike[str] | None = None,
    seed: int = 0,
    patience: int | None = None,
    callback: Callable[[Trial], object] | None = None,
    stop: Callable[[], bool] | threading.Event | None = None,
    progress: bool = False,
    **options: Any,
) -> Tuning:
    """Search for the settings of :func:`mffnb.unmix` that make an objective small.

    Trials are the same bit for bit one after the other, on threads, on engines and after a resume: trial i is proposed
    from the results of trials 0 to i - ``window``, whatever else has ended by then.

    Parameters
    ----------
    cube
        Spectral image, or the path of one, which each worker then reads for itself; it is sent to a worker once.
    space
        A dict from keywords of ``unmix`` to ``(low, high)``, searched in log scale, or a list of choices, or a hyperopt
        expression; 1e-3 upwards is the advice for weights.
    objective
        One of :mod:`mffnb.tuning.objectives`, or your own function of an :class:`mffnb.Unmixing` that returns a number;
        the error of held-out entries if None.
    algorithm
        ``"tpe"`` (Bayesian), ``"random"``, ``"anneal"``, ``"grid"`` or ``"line"``.
    max_evals
        Number of trials, those in the file at ``path`` included.
    executor
        Any executor of ``concurrent.futures``, or a :func:`mffnb.parallel.cluster`; one trial after the other if None.
    window
        Most trials at a time. It decides what a trial may know, so it is part of what makes trials the same.
    path
        A file of JSON lines; a search that was killed goes on from there.
    seed
        Of the search and of all fits.
    patience
        End the search once so many trials brought nothing better.
    callback
        Called with each finished :class:`Trial`, in the order of their numbers; returning True ends the search.
    stop
        Asked again and again; True ends the search after the trials that have begun. An event serves as well.
    progress
        Show a progress bar.
    options
        Keywords of ``unmix`` that are not searched, k among them.

    Returns
    -------
    Tuning
        A trial that fails, or whose loss is not finite, is in it with its message.

    Raises
    ------
    TypeError, ValueError
        With what to do, if a parameter cannot be used or the file belongs to another search.

    Source: Bergstra et al. 2011, NIPS (TPE); order and range of the search: Kannan et al. 2018, Adv. Struct. Chem.
    Imaging 4:6.

    Examples
    --------
    >>> import mffnb as mf
    >>> cube = mf.datasets.tof_sims_2d(seed=0, shape=(8, 12)).cube
    >>> def roughness(result):
    ...     return float(result.abundances.diff("x").std())
    >>> found = mf.tuning.tune(cube, {"smoothness": (1e-3, 1.0), "k": [2, 3]}, roughness, max_evals=4)
    >>> len(found.trials), found.ended.name
    (4, 'FINISHED')
    """
    for name, value in (("max_evals", max_evals), ("window", window), ("patience", patience or 1)):
        if not (isinstance(value, (int, np.integer)) and value >= 1):
            raise ValueError(f"{name} must be a whole number >= 1, got {value!r}")
    judge = HeldOut() if objective is None else objective
    if isinstance(judge, type) or not (isinstance(judge, Objective) or callable(judge)):
        raise TypeError(
            f"objective={objective!r}: give one of mffnb.tuning.objectives, HeldOut() say, "
            "or a function of an Unmixing that returns a number"
        )
    where = Space.of(space)
    ask = named(algorithm, where, max_evals, window, seed)
    source = Path(cube) if isinstance(cube, (str, os.PathLike)) else as_cube(cube)
    if isinstance(source, Path) and not source.exists():
        raise FileNotFoundError(f"there is no file {source}")
    job = Job(source.absolute() if isinstance(source, Path) else source, {"random_state": seed, **options})
    record = {
        "algorithm": algorithm,
        "seed": int(seed),
        "window": int(window),
        "space": where.description,
        "objective": _name(judge),
        "options": {key: _name(value) for key, value in sorted(options.items())},
        "cube": _fingerprint(source),
    }
    if algorithm == "grid":
        record["size"] = int(max_evals)  # decides its levels
    journal = Journal(None if path is None else Path(path))
    search = _Search(where, ask, max_evals, window, journal, patience, stop)
    search.trials.extend(journal.begin(record, where)[:max_evals])
    search.points.extend(dict(trial.point) for trial in search.trials)
    pool = executor.executor() if hasattr(executor, "executor") else executor
    workers = Workers(Serial() if pool is None else pool, job, judge)
    with _progress(progress, max_evals, search.trials) as show, warnings.catch_warnings():
        warnings.simplefilter("ignore", MffnbWarning)  # outcomes are in the trials
        search.observers = [call for call in (show, callback) if call is not None]
        try:
            ended = search.run(workers)
        finally:
            workers.close()
    return Tuning(tuple(search.trials), ended, record, job)


@dataclass(eq=False)
class _Search:
    """Where a search stands."""

    space: Space
    algorithm: Algorithm
    size: int
    window: int
    journal: Journal
    patience: int | None
    stop: Callable[[], bool] | threading.Event | None
    observers: list[Callable[[Trial], object]] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    reports: dict[int, Report] = field(default_factory=dict)

    def run(self, workers: Workers) -> Ended:
        """Until there is nothing left to do; trials are taken in the order of their numbers."""
        ended: Ended | None = Ended.SETTLED if self._settled() else None
        exhausted = False
        try:
            while ended is not Ended.SETTLED:
                if self._take():
                    ended = ended or Ended.STOPPED
                if self._settled():
                    # Those that were begun are dropped: one worker alone would not have begun them.
                    return Ended.SETTLED
                if ended is None and self._asked_to_stop():
                    ended = Ended.STOPPED
                if ended is None and not exhausted and self._may_ask(workers):
                    exhausted = not self._ask(workers)
                elif workers.pending:
                    self.reports |= workers.finished(_LOOK)
                else:
                    return ended or Ended.FINISHED
                self.reports |= workers.finished(0)
        except KeyboardInterrupt:
            return Ended.INTERRUPTED
        return ended

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
            for call in self.observers:
                wants_end = call(trial) is True or wants_end
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


@contextmanager
def _progress(wanted: bool, total: int, done: list[Trial]) -> Iterator[Callable[[Trial], None] | None]:
    if not wanted:
        yield None
        return
    from tqdm.auto import tqdm  # noqa: PLC0415  pulls in ipywidgets in a notebook

    best = min((trial.loss for trial in done if trial.loss is not None), default=np.inf)
    with tqdm(total=total, initial=len(done), unit="trial", desc="tune") as bar:

        def show(trial: Trial) -> None:
            nonlocal best
            best = min(best, np.inf if trial.loss is None else trial.loss)
            bar.set_postfix(best=f"{best:.4g}", refresh=False)
            bar.update()

        yield show


def _name(part: Any) -> str:
    """What two processes agree on: functions by name, arrays by a check sum."""
    if isinstance(part, (xr.DataArray, np.ndarray)):
        return _fingerprint(as_cube(part) if isinstance(part, xr.DataArray) else part)
    if hasattr(part, "__qualname__"):
        return str(part.__qualname__)
    if isinstance(part, (list, tuple)):
        return f"[{', '.join(map(_name, part))}]"
    return repr(part)


def _fingerprint(cube: Any) -> str:
    if isinstance(cube, Path):
        return cube.name
    described = f"{tuple(cube.shape)} {cube.dtype}"
    data = cube.data if isinstance(cube, xr.DataArray) else cube
    if not isinstance(data, np.ndarray) or data.dtype.hasobject:
        return described  # on disk, or sparse
    return f"{described} {zlib.crc32(np.ascontiguousarray(data).tobytes()):08x}"
