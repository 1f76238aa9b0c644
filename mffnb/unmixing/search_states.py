"""States of the search for the smallest volume, as solvers report them."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from mffnb.geometry import Geometry, Progress, Search
from mffnb.kernels.tiers.tier import present_tier
from mffnb.protocols.matrix import Matrix
from mffnb.solvers import Outcome, State
from mffnb.typing import Float64Array

_SHARE = 0.2  # largest fraction of the run time that is spent on factors of all pixels for callbacks and live pictures
_EMPTY = np.empty((0, 0))


def without_factors(state: State) -> State:
    """Return a state for a trace, which keeps no factors."""
    return replace(state, abundances=_EMPTY, endmembers=_EMPTY, gain=None)


@dataclass(eq=False)
class SearchStates:
    """Convert the steps of a minimum-volume search to solver states.

    A step of the search has no factors of all pixels. They are computed in at most the fraction :data:`_SHARE` of the
    run time; states in between repeat the last ones.

    Attributes
    ----------
    search
        The running search.
    matrix
        Data matrix X of all pixels.
    number
        Number of the last state, which counts as its iteration.
    due
        Time (s, :func:`time.perf_counter`) before which factors of all pixels are not computed again.
    latest
        Last state with newly computed factors.
    shown
        Search step whose factors that state has.
    """

    search: Search
    matrix: Matrix
    number: int = -1
    due: float = 0.0
    latest: State | None = None
    shown: Progress | None = None

    def without_factors(self, step: Progress) -> State:
        """Return the solver state of a search step, with empty factors."""
        self.number += 1
        tier = present_tier()
        if tier is not None and self.number > 0:
            tier.after_iteration()
        return State(self.number, _EMPTY, _EMPTY, step.objective, np.nan, np.nan, step.seconds)

    def state(self, step: Progress) -> State:
        """Return the solver state of a search step, with new factors of all pixels or those of the last state."""
        state, began = self.without_factors(step), time.perf_counter()
        latest = self.latest
        if latest is None or (began >= self.due and self.search.best is not self.shown):
            self.shown = self.search.best
            latest = self.latest = self._with_factors(state, *self.search.factors())
            now = time.perf_counter()
            self.due = now + (now - began) * (1 / _SHARE - 1)
        return replace(
            state,
            abundances=latest.abundances,
            endmembers=latest.endmembers,
            gain=latest.gain,
            relative_error=latest.relative_error,
        )

    def final_state(self, found: Geometry) -> State:
        """Return the last solver state: factors and relative error of the answer, and the outcome CONVERGED."""
        state = self._with_factors(
            self.without_factors(found.trace[-1]), found.endmembers, found.abundances, found.gain
        )
        return replace(state, outcome=Outcome.CONVERGED)

    def _with_factors(self, state: State, E: Float64Array, A: Float64Array, gain: Float64Array | None) -> State:
        """Return a state with these factors of all pixels and their relative error."""
        error = relative_error(self.matrix, E, A, gain)
        return replace(state, abundances=A, endmembers=E, gain=gain, relative_error=error)


def relative_error(matrix: Matrix, E: Float64Array, A: Float64Array, gain: Float64Array | None) -> float:
    """Return the relative error |X - diag(gain) A E| / |X|."""
    amounts = A if gain is None else A * gain
    fit = 2 * np.sum(amounts * matrix.times(E)) - np.sum((amounts @ amounts.T) * (E @ E.T))
    return float(np.sqrt(max(0.0, 1.0 - fit / matrix.squared_norm)))
