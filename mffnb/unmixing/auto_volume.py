"""``volume="auto"``: the rule that looks for the true spectra by the geometry of the data alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mffnb.errors import DisagreementWarning, UnsupportedCombinationError, warn
from mffnb.geometry import Geometry, Progress, Search
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.misfit import Similarity
from mffnb.similarities import Frobenius
from mffnb.solvers import Outcome, State
from mffnb.threads import limit_threads
from mffnb.typing import Float64Array
from mffnb.unmixing.task import Physics

DOUBTFUL = 0.1
"""Mean spectral angle (rad) between two answers that fit, from which on a result says so."""
_SHARE = 0.2  # of the time, at most, that goes into factors for whoever looks on
_NOTHING = np.empty((0, 0))


def find_volume(
    matrix: Matrix, k: int, seed: int, asked: Physics, callback: Callable[[State], object] | None
) -> tuple[Geometry, Outcome, list[State]]:
    """Run :func:`mffnb.geometry.minimum_volume` as a solver would be run, components in falling order of their share.

    What is asked has passed :func:`check`.
    """
    search = Search(matrix, k, seed, _model(asked))
    onlooker = _Onlooker(search, matrix)
    states: list[State] = []

    def report(step: Progress) -> object:
        state = onlooker.bare(step) if callback is None else onlooker.state(step)
        states.append(replace(state, abundances=_NOTHING, endmembers=_NOTHING, gain=None))
        return None if callback is None else callback(state)

    with limit_threads(1):  # matrices are small
        found = _in_order(search.run(report))
    outcome = Outcome.STOPPED if found.stopped else Outcome.CONVERGED
    states[-1] = replace(states[-1], relative_error=_error(matrix, found.endmembers, found.abundances, found.gain))
    return found, outcome, states


def follow(matrix: Matrix, k: int, seed: int, asked: Physics) -> Iterator[tuple[State, Geometry | None]]:
    """The same for an onlooker: yield where the search stands after each step, with factors of the whole image.

    They are renewed as often as can be done in a fifth of the time. Those of the last state are the answer, and what
    the data decided comes with it.
    """
    search = Search(matrix, k, seed, _model(asked))
    onlooker = _Onlooker(search, matrix)
    for step in search.steps():
        yield onlooker.state(step), None
    found = search.answer()
    yield onlooker.ended(found), found


def check(asked: Physics, matrix: Matrix, similarity: str | Similarity, weights: Any) -> None:
    """Refuse what the rule cannot take into account.

    Raises
    ------
    UnsupportedCombinationError
        In one sentence that says what to leave out.
    """
    if weights is not None or not (similarity == "frobenius" or isinstance(similarity, Frobenius)):
        raise UnsupportedCombinationError(
            "volume='auto' finds its own weights and noise model: leave out weights and similarity, "
            "or give volume a weight"
        )
    refused = {
        "sparsity": asked.sparsity != 0,
        "smoothness": asked.smoothness != 0,
        "known endmembers": asked.known is not None,
        "terms of your own": bool(asked.abundance_terms or asked.endmember_terms),
        "missing entries": not matrix.complete,
    }
    named = next((name for name, given in refused.items() if given), None)
    if named is not None:
        raise UnsupportedCombinationError(f"volume='auto' takes no {named}: leave them out, or give volume a weight")


def evidence(found: Geometry) -> dict[str, Any]:
    """What the rule decided and why, for the parameters of a result."""
    return {
        "volume": "auto",
        "sum_to_one": found.gain is None,
        "gain": found.gain is not None,
        "model": found.model,
        "rho": found.rho,
        "threshold": found.threshold,
        "volume_weight": found.weight,
        "disagreement": found.disagreement,
    }


def doubt(found: Geometry) -> str:
    """What to say where another answer that fits as well is far away; nothing where there is none."""
    if found.disagreement <= DOUBTFUL:
        return ""
    return f"another answer that fits as well has spectra {found.disagreement:.2f} rad away on average"


def warn_if_doubtful(found: Geometry, stacklevel: int) -> None:
    """Say so."""
    if doubt(found):
        warn(
            f"{doubt(found)}, see result.alternative: compare both with what you know of the sample",
            DisagreementWarning,
            stacklevel=stacklevel + 1,
        )


@dataclass(eq=False)
class _Onlooker:
    """States of a search, with factors as often as they are worth their time."""

    search: Search
    matrix: Matrix
    number: int = -1
    due: float = 0.0
    latest: State | None = None
    shown: Progress | None = None

    def bare(self, step: Progress) -> State:
        """A state without factors."""
        self.number += 1
        return State(self.number, _NOTHING, _NOTHING, step.objective, np.nan, np.nan, step.seconds)

    def state(self, step: Progress) -> State:
        """A state with factors that may be those of a step before."""
        state, began = self.bare(step), time.perf_counter()
        latest = self.latest
        if latest is None or (began >= self.due and self.search.best is not self.shown):
            self.shown = self.search.best
            latest = self.latest = self._filled(state, *self.search.factors())
            now = time.perf_counter()
            self.due = now + (now - began) * (1 / _SHARE - 1)
        factors = {name: getattr(latest, name) for name in ("abundances", "endmembers", "gain", "relative_error")}
        return replace(state, **factors)

    def ended(self, found: Geometry) -> State:
        """The answer."""
        state = self._filled(self.bare(found.trace[-1]), found.endmembers, found.abundances, found.gain)
        return replace(state, outcome=Outcome.CONVERGED)

    def _filled(self, state: State, E: Float64Array, A: Float64Array, gain: Float64Array | None) -> State:
        error = _error(self.matrix, E, A, gain)
        return replace(state, abundances=A, endmembers=E, gain=gain, relative_error=error)


def _model(asked: Physics) -> bool | None:
    """Whether there is a gain, where that was asked for."""
    return True if asked.gain else False if asked.sum_to_one else None


def _error(matrix: Matrix, E: Float64Array, A: Float64Array, gain: Float64Array | None) -> float:
    """|X - gain A E| / |X|."""
    amounts = A if gain is None else A * gain
    fit = 2 * np.sum(amounts * matrix.times(E)) - np.sum((amounts @ amounts.T) * (E @ E.T))
    return float(np.sqrt(max(0.0, 1.0 - fit / matrix.squared_norm)))


def _in_order(found: Geometry) -> Geometry:
    """Components in falling order of their share."""
    order = np.argsort(-found.abundances.sum(axis=1), kind="stable")
    other = found.alternative
    return replace(
        found,
        abundances=found.abundances[order],
        endmembers=found.endmembers[order],
        alternative=None if other is None else other[order],
    )
