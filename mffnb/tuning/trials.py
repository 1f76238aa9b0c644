"""One attempt of a search: what was tried and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Trial:
    """A finished attempt.

    Attributes
    ----------
    number
        From 0, in the order of proposal.
    settings
        Keywords of :func:`mffnb.unmix` that were tried.
    loss
        What the objective said; None where the trial failed.
    message
        Why it failed; empty where it did not.
    error
        |X - A E| / |X| of its fit; for counts the root of D relative to that of the mean spectrum alone.
    sparseness
        Of its abundances, 0 (all alike in every pixel) to 1 (one component a pixel);
        see :func:`mffnb.tuning.sparseness`.
    outcome
        Name of the :class:`mffnb.solvers.Outcome` of its fit.
    point
        What the search algorithm proposed, a number for each label of the space.
    seconds
        It took; not part of a comparison.
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

    @property
    def failed(self) -> bool:
        """Whether there is no loss."""
        return self.loss is None


def pareto_front(trials: tuple[Trial, ...]) -> tuple[Trial, ...]:
    """The trials that no other one beats in both error and sparseness, in rising order of error.

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
