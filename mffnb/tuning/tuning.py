"""Result of a hyperparameter search: all trials, the best one, and a fit with its settings."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from mffnb import plots
from mffnb.tuning.evaluation import Job
from mffnb.tuning.proposal import proposal
from mffnb.tuning.trials import Trial, pareto_front


class Ended(enum.Enum):
    """How a hyperparameter search ended; the value is a description.

    Examples
    --------
    >>> import mffnb as mf
    >>> print(mf.tuning.Ended.FINISHED.value)
    all trials are done
    """

    RUNNING = "still running"
    FINISHED = "all trials are done"
    SETTLED = "no improvement within the given patience: the best trial is kept"
    STOPPED = "stopped: all finished trials are kept"
    INTERRUPTED = "interrupted: all finished trials are kept"


@dataclass(frozen=True, eq=False)
class Tuning:
    """All trials of a hyperparameter search, with the best one and a fit with its settings.

    Attributes
    ----------
    trials
        Trials in the order of their numbers.
    ended
        How the search ended.
    record
        Everything that determines the trials: algorithm, seed, window, space, objective.
    job
        Cube, or images, and fixed keywords of all trials.

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
        """The trial with the lowest loss; the first one if several are equal.

        Raises
        ------
        ValueError
            If every trial failed; the message is that of the first trial.
        """
        done = [trial for trial in self.trials if trial.loss is not None]
        if not done:
            why = f"the first one failed: {self.trials[0].message}" if self.trials else "there are no trials"
            raise ValueError(f"no trial has a loss; {why}")
        return min(done, key=lambda trial: (trial.loss, trial.number))

    @property
    def settings(self) -> dict[str, Any]:
        """All keywords of :func:`mffnb.unmix` that the search proposes: ``mf.unmix(cube, **found.settings)``.

        They are those of the best trial, with penalties of zero if no penalty helps, see :attr:`advice`.
        """
        return {**self.job.options, **proposal(self.trials, self.best)[0]}

    @property
    def advice(self) -> str:
        """Sentence on whether penalties help; empty if the objective cannot tell (:class:`MapError` can)."""
        return proposal(self.trials, self.best)[1]

    def unmix(self, cube: Any = None, **changes: Any) -> Any:
        """Run :func:`mffnb.unmix` with the proposed :attr:`settings`, on the same or another cube.

        Returns
        -------
        Unmixing or JointUnmixing
            The latter for a list of images.
        """
        from mffnb.unmixing.unmix import unmix  # noqa: PLC0415  same name as this method

        return unmix(self.job.given if cube is None else cube, **{**self.settings, **changes})

    def pareto(self) -> tuple[Trial, ...]:
        """Return the Pareto front, by ascending error: trials that no other one exceeds in error and sparseness."""
        return pareto_front(self.trials)

    def table(self) -> pd.DataFrame:
        """Return a table with one row per trial: settings, loss, error, sparseness, outcome, message, seconds."""
        rows = [
            {**trial.settings, **{name: getattr(trial, name) for name in _COLUMNS}} for trial in self.trials
        ]  # fmt: skip
        return pd.DataFrame(rows, index=pd.RangeIndex(len(rows), name="trial"))

    def plot(self, **options: Any) -> Any:
        """Draw loss against trial number and error against sparseness; see :func:`mffnb.plots.search`."""
        return plots.search(self, **options)


_COLUMNS = ("loss", "error", "sparseness", "outcome", "message", "seconds")
