"""Driver of a run: iterate to the end with callback, interrupts, trace and checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from mffnb.solvers.state import Outcome, State

__all__ = ["drive"]

Keep = Callable[[State, Sequence[State], bool], None]


def drive(
    states: Iterator[State],
    callback: Callable[[State], object] | None = None,
    keep: Keep | None = None,
    before: Sequence[State] = (),
) -> tuple[State, list[State]]:
    """Run a solver to its end; return the last state, and the trace of whole iterations without their factors.

    A callback that returns True, or Ctrl-C, ends the run and keeps the factors so far.

    Parameters
    ----------
    states
        Iterator over the states of the run, see :func:`mffnb.solvers.loop.iterate`.
    callback
        Function that is called with the state after each whole iteration.
    keep
        Function that writes checkpoints, called after the callback with the state, the trace so far, and whether the
        state is the last one.
    before
        Trace of an earlier run that this one continues.
    """
    trace: list[State] = list(before)
    last: State | None = None
    outcome: Outcome | None = None
    nothing = np.empty((0, 0))
    try:
        for state in states:
            if state.whole or last is None or state.abundances is last.abundances:
                last = state  # keeps half steps in place; those from extrapolated factors may be rejected
            if state.whole:
                trace.append(replace(state, abundances=nothing, endmembers=nothing, iterates=None))
                answer = None if callback is None else callback(state)
                if isinstance(answer, (bool, np.bool_)) and answer and state.outcome is Outcome.RUNNING:
                    outcome = Outcome.STOPPED
                if keep is not None:
                    keep(state, trace, bool(outcome) or state.outcome is not Outcome.RUNNING)
                if outcome is not None:
                    break
    except KeyboardInterrupt:
        # A half step in place never raises the objective, so the current factors are the best so far.
        outcome = Outcome.INTERRUPTED
    if last is None:
        if outcome is None:
            raise RuntimeError("the solver yielded no state")
        raise KeyboardInterrupt
    return replace(last, outcome=outcome or last.outcome, iterates=None), trace
