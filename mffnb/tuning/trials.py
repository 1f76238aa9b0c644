"""Trials of a search: settings with their loss, and the Pareto front of error and sparseness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Trial:
    """A finished trial: settings and their loss.

    Attributes
    ----------
    number
        Number of the trial from 0, in the order of proposal.
    settings
        Searched keywords of :func:`mffnb.unmix`.
    loss
        Value of the objective; None if the trial failed.
    message
        Reason of the failure; empty if the trial succeeded.
    error
        Relative error ``|X - A E| / |X|`` of the fit; for counts the square root of the divergence relative to that of
        the mean spectrum.
    sparseness
        Hoyer sparseness of the abundances, 0 (all equal in every pixel) to 1 (one component per pixel);
        see :func:`mffnb.tuning.sparseness`.
    outcome
        Name of the :class:`mffnb.solvers.Outcome` of the fit.
    point
        Point that the search algorithm proposed, a number for each label of the space.
    seconds
        Run time; ignored in comparisons of trials.
    parts
        Errors of parts of the data, see :class:`mffnb.tuning.Measured`; empty if the objective has none.

    Examples
    --------
    >>> from mffnb.tuning import Trial
    >>> Trial(0, {"sparsity": 0.01}, loss=0.2).failed, Trial(1, {"sparsity": 10.0}, loss=None, message="no").failed
    (False, True)
    """

    number: int
    settings: Mapping[str, Any]
    loss: float | None
    message: str = ""
    error: float | None = None
    sparseness: float | None = None
    outcome: str = ""
    point: Mapping[str, Any] = field(default_factory=dict, repr=False)
    seconds: float = field(default=0.0, compare=False)
    parts: tuple[float, ...] = field(default=(), repr=False)

    @property
    def failed(self) -> bool:
        """Whether the trial failed and has no loss."""
        return self.loss is None


def pareto_front(trials: tuple[Trial, ...]) -> tuple[Trial, ...]:
    """Return the Pareto front: trials that no other trial exceeds in both error and sparseness, by ascending error.

    Examples
    --------
    >>> from mffnb.tuning import Trial
    >>> made = [(0.2, 0.5), (0.3, 0.4), (0.4, 0.9)]
    >>> trials = tuple(Trial(i, {}, 0.0, error=e, sparseness=s) for i, (e, s) in enumerate(made))
    >>> [trial.number for trial in pareto_front(trials)]
    [0, 2]
    """
    measured = [trial for trial in trials if trial.error is not None and trial.sparseness is not None]
    kept: list[Trial] = []
    for trial in sorted(measured, key=lambda t: (t.error or 0.0, -(t.sparseness or 0.0), t.number)):
        if not kept or (trial.sparseness or 0.0) > (kept[-1].sparseness or 0.0):
            kept.append(trial)
    return tuple(kept)
