"""What a search gives."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from mffnb import plots
from mffnb.tuning.evaluation import Job
from mffnb.tuning.trials import Trial, front
from mffnb.unmixing.result import Unmixing


class Ended(enum.Enum):
    """How a search ended; the value says what that means."""

    RUNNING = "not over yet"
    FINISHED = "all trials were made"
    SETTLED = "no trial was better for as long as was asked: the best one is kept"
    STOPPED = "stopped: what was found so far is kept"
    INTERRUPTED = "interrupted: what was found so far is kept"


@dataclass(frozen=True, eq=False)
class Tuning:
    """Trials of a search, and the best of them.

    Attributes
    ----------
    trials
        In the order of their numbers.
    ended
        How.
    record
        What decides the trials: algorithm, seed, window, space, objective.

    Examples
    --------
    >>> import mffnb as mf
    >>> cube = mf.datasets.tof_sims_2d(seed=0, shape=(8, 12)).cube
    >>> found = mf.tuning.tune(cube, {"sparsity": (1e-3, 1.0)}, mf.tuning.BIC(), k=3, algorithm="grid", max_evals=3)
    >>> list(found.table()["sparsity"].round(4))
    [0.001, 0.0316, 1.0]
    >>> found.unmix().parameters["sparsity"] == found.best.settings["sparsity"]
    True
    """

    trials: tuple[Trial, ...]
    ended: Ended
    record: Mapping[str, Any]
    job: Job = field(repr=False)

    @property
    def best(self) -> Trial:
        """The trial with the lowest loss, the first of these.

        Raises
        ------
        ValueError
            If every trial failed, with the message of the first.
        """
        done = [trial for trial in self.trials if trial.loss is not None]
        if not done:
            why = f"the first one said: {self.trials[0].message}" if self.trials else "none was made"
            raise ValueError(f"no trial has a loss; {why}")
        return min(done, key=lambda trial: (trial.loss, trial.number))

    @property
    def settings(self) -> dict[str, Any]:
        """All keywords of :func:`mffnb.unmix` of the best trial: ``mf.unmix(cube, **found.settings)``."""
        return {**self.job.options, **self.best.settings}

    def unmix(self, cube: Any = None, **changes: Any) -> Unmixing:
        """Unmix the cube, or another one, with the settings of the best trial."""
        from mffnb.unmixing.unmix import unmix  # noqa: PLC0415  named like this method

        return unmix(self.job.cube if cube is None else cube, **{**self.settings, **changes})

    def pareto(self) -> tuple[Trial, ...]:
        """The trials that no other one beats in both error and sparseness, in rising order of error."""
        return front(self.trials)

    def table(self) -> pd.DataFrame:
        """One row a trial: settings, loss, error, sparseness, outcome, message, seconds."""
        rows = [
            {**trial.settings, **{name: getattr(trial, name) for name in _COLUMNS}} for trial in self.trials
        ]  # fmt: skip
        return pd.DataFrame(rows, index=pd.RangeIndex(len(rows), name="trial"))

    def plot(self, **options: Any) -> Any:
        """Draw loss against trial and error against sparseness; see :func:`mffnb.plots.search`."""
        return plots.search(self, **options)


_COLUMNS = ("loss", "error", "sparseness", "outcome", "message", "seconds")
