"""State of a run after an iteration: factors, objective and outcome."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from mffnb.solvers.extrapolation import PlainIterates
from mffnb.typing import Float64Array

__all__ = ["Outcome", "Reached", "State"]


class Outcome(enum.Enum):
    """Outcome of a run; each value is the message for the user."""

    RUNNING = "still running"
    CONVERGED = "converged: the projected gradient fell below the tolerance"
    MAX_ITER = "stopped at max_iter before the tolerance was met: raise max_iter, or tol if the maps look settled"
    STOPPED = "stopped by the callback: the result so far is kept"
    INTERRUPTED = "interrupted: the result so far is kept, pass it as init to go on from here"


@dataclass(frozen=True, eq=False)
class State:
    """State of a run after an iteration or after its first half, the half step of A.

    The factors are the arrays that the solver changes: copy them if they must stay as they are.

    Attributes
    ----------
    iteration
        Number of whole iterations; after the half step of A, that of the current iteration.
    abundances, endmembers
        A (k, pixels) and E (k, channels) of the scaled data; own pixels and channels where they are distributed.
    objective
        Value of the objective F(A, E); see :mod:`mffnb.problem.problem`.
    relative_error
        |X - A E| / |X|; for counts the square root of D relative to that of the mean spectrum.
    step
        Size of the projected gradient: the change of A E, relative to |X|, if each row of a factor moved to its
        minimum.
    seconds
        Time since the start of the run.
    outcome
        Outcome of the run; RUNNING until the last state.
    whole
        False after the half step of A.
    gain
        Gain of each pixel, for factors in the units of the data; None for a model without gains.
    iterates
        Factors from which the next iteration starts; None in half states and before the first iteration.
    intercept
        Intercept of the model, (channels,); None for a model without one.
    """

    iteration: int
    abundances: Float64Array
    endmembers: Float64Array
    objective: float
    relative_error: float
    step: float
    seconds: float
    outcome: Outcome = Outcome.RUNNING
    whole: bool = True
    gain: Float64Array | None = None
    intercept: Float64Array | None = None
    iterates: PlainIterates | None = None


@dataclass(frozen=True, eq=False)
class Reached:
    """State between two iterations of an earlier run, with all arrays that are needed to continue it exactly.

    Attributes
    ----------
    state
        State after the last whole iteration, including the factors.
    memory
        Arrays from which the next iteration starts, see :meth:`mffnb.solvers.extrapolation.PlainIterates.memory`.
    trace
        States of earlier iterations, without factors.
    """

    state: State
    memory: dict[str, Float64Array]
    trace: list[State]
