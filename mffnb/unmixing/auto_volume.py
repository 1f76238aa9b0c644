"""Minimum-volume unmixing without a weight (``volume="auto"``): the data determine model, start and weight."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from mffnb.errors import DisagreementWarning, UnsupportedCombinationError, warn
from mffnb.geometry import Geometry, Progress, Search
from mffnb.matrices.checking import check_size
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.similarity import Similarity
from mffnb.similarities import Frobenius
from mffnb.solvers import Outcome, State
from mffnb.threads import limit_threads
from mffnb.unmixing.auto_counts import EQUAL, POISSON, Counts, CountsSearch
from mffnb.unmixing.physics import Physics
from mffnb.unmixing.search_states import SearchStates, relative_error, without_factors

AMBIGUOUS_ANGLE = 0.1
"""Mean spectral angle (rad) between two answers that fit the data, above which a warning is raised."""


def find_volume(
    matrix: Matrix,
    k: int,
    seed: int,
    physics: Physics,
    callback: Callable[[State], object] | None,
    counts: Counts | None = None,
) -> tuple[Geometry, Outcome, list[State]]:
    """Find minimum-volume endmembers with :func:`mffnb.geometry.minimum_volume`, report each step to the callback.

    The result has a trace of the search, as results of iterative solvers do. Call :func:`check_supported` first.
    ``counts`` is what :meth:`mffnb.unmixing.auto_counts.Counts.of` found in the image.
    """
    if counts is not None:
        return _find_in_counts(CountsSearch(matrix, k, seed, gain_or_none(physics), counts), callback)
    search = Search(matrix, k, seed, gain_or_none(physics))
    progress = SearchStates(search, matrix)
    states: list[State] = []

    def report(step: Progress) -> object:
        state = progress.without_factors(step) if callback is None else progress.state(step)
        states.append(without_factors(state))
        return None if callback is None else callback(state)

    with limit_threads(1):  # one BLAS thread: the matrices of the search are small
        found = search.run(report)
    outcome = Outcome.STOPPED if found.stopped else Outcome.CONVERGED
    outcome = Outcome.INTERRUPTED if found.interrupted else outcome
    states[-1] = replace(
        states[-1], relative_error=relative_error(matrix, found.endmembers, found.abundances, found.gain)
    )
    return found, outcome, states


def _find_in_counts(
    search: CountsSearch, callback: Callable[[State], object] | None
) -> tuple[Geometry, Outcome, list[State]]:
    """Run the search on counts; a callback that returns True, or Ctrl-C, ends it with the result so far."""
    states: list[State] = []
    outcome = Outcome.CONVERGED
    try:
        with limit_threads(1):
            for state in search.steps(live=callback is not None):
                states.append(without_factors(state))
                answer = None if callback is None else callback(state)
                if isinstance(answer, (bool, np.bool_)) and answer and state.outcome is Outcome.RUNNING:
                    outcome = Outcome.STOPPED
                    break
    except KeyboardInterrupt:
        if not states:
            raise
        outcome = Outcome.INTERRUPTED
    if outcome is Outcome.CONVERGED and states[-1].outcome is Outcome.MAX_ITER:
        outcome = Outcome.MAX_ITER
    found = search.answer(stopped=outcome in (Outcome.STOPPED, Outcome.INTERRUPTED))
    return replace(found, interrupted=outcome is Outcome.INTERRUPTED), outcome, states


def iterate_volume(
    matrix: Matrix,
    k: int,
    seed: int,
    physics: Physics,
    report: Callable[[int, int], object] | None = None,
    counts: Counts | None = None,
) -> Iterator[tuple[State, Geometry | None]]:
    """Iterate over the states of the search of :func:`find_volume`, with factors of all pixels for live pictures.

    Computing the factors of all pixels takes at most a fifth of the run time, so that several states may have the same
    factors. The last state has the factors of the answer, and the decisions of the rule for ``volume="auto"``.
    ``report(done, most)`` is called with the number of searches that have ended, and the largest possible one.
    ``counts`` is what :meth:`mffnb.unmixing.auto_counts.Counts.of` found in the image.
    """
    if counts is not None:
        of_counts = CountsSearch(matrix, k, seed, gain_or_none(physics), counts)
        for state in of_counts.steps(live=True, report=report):
            ended = state.outcome is not Outcome.RUNNING
            yield state, of_counts.answer() if ended else None
        return
    search = Search(matrix, k, seed, gain_or_none(physics))
    progress = SearchStates(search, matrix)
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
    own = weights is not None and not (isinstance(weights, str) and weights in (POISSON, EQUAL))
    if own or not (similarity == "frobenius" or isinstance(similarity, Frobenius)):
        raise UnsupportedCombinationError(
            "volume='auto' finds its own weights and noise model: leave out weights and similarity, pass "
            "weights='poisson' or weights='equal', or give volume a weight"
        )
    refused = {
        "sparsity": physics.sparsity != 0,
        "smoothness": physics.smoothness != 0,
        "known endmembers": physics.known is not None,
        "terms of your own": physics.has_own_terms,
        "missing entries": not matrix.minimum(np.array(float(matrix.complete))),  # of all ranks
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
        **({"weights": POISSON, "weighting": found.weighting} if found.weighting else {}),
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


def gain_or_none(physics: Physics) -> bool | None:
    """Return whether the user requested a gain per pixel; None if the data are to decide."""
    return True if physics.gain else False if physics.sum_to_one else None
