"""Minimum-volume unmixing without a weight (``volume="auto"``): the data determine model, start and weight."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mffnb.errors import DisagreementWarning, UnsupportedCombinationError, warn
from mffnb.geometry import Geometry, Progress, Search
from mffnb.kernels.tiers.tier import present_tier
from mffnb.matrices.checking import check_size
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.similarity import Similarity
from mffnb.similarities import Frobenius
from mffnb.solvers import Outcome, State
from mffnb.threads import limit_threads
from mffnb.typing import Float64Array
from mffnb.unmixing.physics import Physics

AMBIGUOUS_ANGLE = 0.1
"""Mean spectral angle (rad) between two answers that fit the data, above which a warning is raised."""
_SHARE = 0.2  # largest fraction of the run time that is spent on factors of all pixels for callbacks and live pictures
_EMPTY = np.empty((0, 0))


def find_volume(
    matrix: Matrix, k: int, seed: int, physics: Physics, callback: Callable[[State], object] | None
) -> tuple[Geometry, Outcome, list[State]]:
    """Find minimum-volume endmembers with :func:`mffnb.geometry.minimum_volume`, report each step to the callback.

    The result has a trace of the search, as results of iterative solvers do. Call :func:`check_supported` first.
    """
    search = Search(matrix, k, seed, gain_or_none(physics))
    progress = _SearchStates(search, matrix)
    states: list[State] = []

    def report(step: Progress) -> object:
        state = progress.without_factors(step) if callback is None else progress.state(step)
        states.append(replace(state, abundances=_EMPTY, endmembers=_EMPTY, gain=None))
        return None if callback is None else callback(state)

    with limit_threads(1):  # one BLAS thread: the matrices of the search are small
        found = search.run(report)
    outcome = Outcome.STOPPED if found.stopped else Outcome.CONVERGED
    outcome = Outcome.INTERRUPTED if found.interrupted else outcome
    states[-1] = replace(states[-1], relative_error=_error(matrix, found.endmembers, found.abundances, found.gain))
    return found, outcome, states


def iterate_volume(
    matrix: Matrix, k: int, seed: int, physics: Physics, report: Callable[[int, int], object] | None = None
) -> Iterator[tuple[State, Geometry | None]]:
    """Iterate over the states of the search of :func:`find_volume`, with factors of all pixels for live pictures.

    Computing the factors of all pixels takes at most a fifth of the run time, so that several states may have the same
    factors. The last state has the factors of the answer, and the decisions of the rule for ``volume="auto"``.
    ``report(done, most)`` is called with the number of searches that have ended, and the largest possible one.
    """
    search = Search(matrix, k, seed, gain_or_none(physics))
    progress = _SearchStates(search, matrix)
    done = 0
    for step in search.steps():
        done += step.settled
        if report is not None:
            report(done, search.runs)
        yield progress.state(step), None
    found = search.answer()
    yield progress.final_state(found), found


def check_supported(physics: Physics, matrix: Matrix, similarity: str | Similarity, weights: Any) -> None:
    """Refuse settings that the rule for ``volume="auto"`` cannot take into account.

    Raises
    ------
    UnsupportedCombinationError
        If there is such a setting; the message names the settings to leave out.
    """
    check_size(matrix)
    if weights is not None or not (similarity == "frobenius" or isinstance(similarity, Frobenius)):
        raise UnsupportedCombinationError(
            "volume='auto' finds its own weights and noise model: leave out weights and similarity, "
            "or give volume a weight"
        )
    refused = {
        "sparsity": physics.sparsity != 0,
        "smoothness": physics.smoothness != 0,
        "known endmembers": physics.known is not None,
        "terms of your own": physics.has_own_terms,
        "missing entries": not matrix.complete,
    }
    named = next((name for name, given in refused.items() if given), None)
    if named is not None:
        raise UnsupportedCombinationError(f"volume='auto' takes no {named}: leave them out, or give volume a weight")


def evidence(found: Geometry) -> dict[str, Any]:
    """Return the decisions of the rule for ``volume="auto"`` and their evidence, for ``result.parameters``."""
    return {
        "volume": "auto",
        "sum_to_one": found.gain is None,
        "gain": found.gain is not None,
        "model": found.model,
        "rho": found.rho,
        "threshold": found.threshold,
        **({} if np.isnan(found.sum_ratio) else {"sum_ratio": found.sum_ratio}),
        "volume_weight": found.weight,
        "disagreement": found.disagreement,
    }


def ambiguity_note(disagreement: float) -> str:
    """Return a sentence on another solution of equal fit if it is :data:`AMBIGUOUS_ANGLE` away, else ""."""
    if disagreement <= AMBIGUOUS_ANGLE:
        return ""
    return f"another answer that fits as well has spectra {disagreement:.2f} rad away on average"


def warn_if_ambiguous(disagreement: float) -> None:
    """Warn if another solution that fits the data as well has clearly different endmembers.

    Parameters
    ----------
    disagreement
        Mean spectral angle (rad) between the endmembers of both solutions.
    """
    if ambiguity_note(disagreement):
        warn(
            f"{ambiguity_note(disagreement)}, see result.alternative: compare both with what you know of the sample",
            DisagreementWarning,
        )


@dataclass(eq=False)
class _SearchStates:
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
        error = _error(self.matrix, E, A, gain)
        return replace(state, abundances=A, endmembers=E, gain=gain, relative_error=error)


def gain_or_none(physics: Physics) -> bool | None:
    """Return whether the user requested a gain per pixel; None if the data are to decide."""
    return True if physics.gain else False if physics.sum_to_one else None


def _error(matrix: Matrix, E: Float64Array, A: Float64Array, gain: Float64Array | None) -> float:
    """Return the relative error |X - diag(gain) A E| / |X|."""
    amounts = A if gain is None else A * gain
    fit = 2 * np.sum(amounts * matrix.times(E)) - np.sum((amounts @ amounts.T) * (E @ E.T))
    return float(np.sqrt(max(0.0, 1.0 - fit / matrix.squared_norm)))
