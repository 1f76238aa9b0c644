"""``volume="auto"``: the rule that looks for the true spectra by the geometry of the data alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mffnb.errors import UnsupportedCombinationError
from mffnb.geometry import Geometry, Progress, minimum_volume
from mffnb.keywords import Physics
from mffnb.protocols import Matrix
from mffnb.solvers import Outcome, State


def find_volume(
    matrix: Matrix, k: int, seed: int, asked: Physics, callback: Callable[[State], object] | None
) -> tuple[Geometry, Outcome, list[State]]:
    """Run :func:`mffnb.geometry.minimum_volume` as a solver would be run.

    Raises
    ------
    UnsupportedCombinationError
        For what the rule cannot take into account.
    """
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
    states: list[State] = []
    nothing = np.empty((0, 0))

    def report(step: Progress) -> object:
        number = len(states)
        states.append(State(number, nothing, nothing, step.objective, np.nan, np.nan, step.seconds))
        return None if callback is None else callback(states[-1])

    gain = True if asked.gain else False if asked.sum_to_one else None
    found = minimum_volume(matrix, k, seed, gain, report)
    return found, Outcome.STOPPED if found.stopped else Outcome.CONVERGED, states


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
