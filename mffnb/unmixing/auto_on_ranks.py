"""The rule for ``volume="auto"`` on MPI ranks: rank 0 runs the search, all ranks compute its products with X.

The decisions are those of one process, because one process makes them. Rank 0 stores about 35 numbers for each pixel of
the image (scores on the leading singular vectors), at the peak about 100, but no rows of X of other ranks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from mffnb.errors import UnsupportedCombinationError
from mffnb.geometry import Geometry
from mffnb.matrices import Distributed
from mffnb.matrices.collective_errors import run_collectively
from mffnb.matrices.root_view import CollectiveCalls, RootView
from mffnb.protocols.communicator import Communicator
from mffnb.solvers import Outcome, State
from mffnb.typing import Float64Array
from mffnb.unmixing.auto_counts import Counts
from mffnb.unmixing.auto_volume import find_volume
from mffnb.unmixing.image import Prepared
from mffnb.unmixing.physics import Physics

_EMPTY = np.empty((0, 0))


def find_volume_on_ranks(
    matrix: Distributed, k: int, seed: int, physics: Physics, callback: Callable[[State], object] | None
) -> tuple[Geometry, Outcome, list[State]]:
    """Run :func:`mffnb.unmixing.auto_volume.find_volume` on a distributed X; all ranks make this call.

    Each rank gets the decisions of rank 0, and the abundances and gains of the pixels that it owns. The callback is
    called on every rank, with the factors of these pixels.
    """
    calls = CollectiveCalls(matrix, _reporting(callback))

    def search(view: RootView) -> tuple[Geometry, Outcome, list[State]]:
        report = None if callback is None else _reported(calls)
        return find_volume(view, k, seed, physics, report)

    answer = calls.run(search)
    return _scattered(calls, answer)


def refuse_counts(image: Prepared, k: int, communicator: Communicator) -> None:
    """Refuse counts, whose fit with Poisson weights is for one process; rank 0 examines a sample of the pixels.

    Raises
    ------
    UnsupportedCombinationError
        If the image holds counts; the message says what to pass.
    """
    counts = run_collectively(communicator, lambda: Counts.of(image, k) if communicator.rank == 0 else None)
    reason = communicator.bcast("" if counts is None else counts.reason, root=0)
    if reason:
        raise UnsupportedCombinationError(
            f"volume='auto' fits counts in one process only ({reason}): run it without communicator, pass "
            "weights='equal', or give volume a number, such as volume=1e-3"
        )


def _reporting(callback: Callable[[State], object] | None) -> Callable[[State, Float64Array], object]:
    """Return the function of each rank that calls the callback with the state of its pixels."""

    def report(state: State, factors: Float64Array) -> object:
        assert callback is not None
        gain = factors[-1] if len(factors) > len(state.endmembers) else None
        own = replace(state, abundances=factors[: len(state.endmembers)], gain=gain)
        try:
            return callback(own)
        except KeyboardInterrupt as interrupt:  # rank 0 raises it, after all ranks have ended this call
            return interrupt

    return report


def _reported(calls: CollectiveCalls) -> Callable[[State], object]:
    """Return the callback of the search on rank 0, which calls those of all ranks."""

    def report(state: State) -> object:
        answer = calls.call_own(replace(state, abundances=_EMPTY, gain=None), _stacked(state.abundances, state.gain))
        if isinstance(answer, KeyboardInterrupt):
            raise answer
        return answer

    return report


def _scattered(calls: CollectiveCalls, answer: Any) -> tuple[Geometry, Outcome, list[State]]:
    """Send the answer of rank 0 to all ranks, with the abundances and gains of their own pixels."""
    whole, light = None, None
    if answer is not None:
        found, outcome, states = answer
        whole = _stacked(found.abundances, found.gain)
        light = replace(found, abundances=_EMPTY, gain=None), outcome, states, len(whole)
    found, outcome, states, lines = calls.communicator.bcast(light)
    factors = calls.scatter(whole, lines, "rows")
    k = len(found.endmembers)
    return replace(found, abundances=factors[:k], gain=factors[k] if lines > k else None), outcome, states


def _stacked(abundances: Float64Array, gain: Float64Array | None) -> Float64Array:
    """Return the abundances (k, pixels), with the gain as a last line if there is one."""
    return abundances if gain is None else np.vstack([abundances, gain])
