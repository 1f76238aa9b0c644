"""The outer loop that every alternating solver shares, and what may happen to it."""

from __future__ import annotations

import enum
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from mffnb.problem import Problem
from mffnb.protocols import Solver
from mffnb.typing import Float64Array


class Outcome(enum.Enum):
    """How a run ended; the value is what to tell the user."""

    RUNNING = "still running"
    CONVERGED = "converged: the projected gradient fell below the tolerance"
    MAX_ITER = "stopped at max_iter before the tolerance was met: raise max_iter, or tol if the maps look settled"
    STOPPED = "stopped by the callback: the result so far is kept"
    INTERRUPTED = "interrupted: the result so far is kept, pass it as init to go on from here"


@dataclass(frozen=True, eq=False)
class State:
    """Where a run stands. The factors are the solver's own arrays: copy what must not change.

    Attributes
    ----------
    iteration
        Whole iterations done; while A is new and E is not yet, that of the iteration under way.
    abundances, endmembers
        A (k, pixels) and E (k, channels) of the scaled data.
    objective
        F(A, E); see :mod:`mffnb.problem`.
    relative_error
        |X - A E| / |X|; for counts the root of D relative to that of the mean spectrum alone.
    step
        Size of the projected gradient: by how much, relative to |X|, the best single-row steps change A E.
    seconds
        Since the start.
    outcome
        RUNNING until the last state.
    whole
        False while an iteration is half done.
    gain
        One factor for each pixel, once factors have the units of the data; None where there is none.
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


def iterate(
    problem: Problem,
    abundances: Float64Array,
    endmembers: Float64Array,
    solver: Solver,
    max_iter: int,
    tol: float,
) -> Iterator[State]:
    """Alternate half steps, yielding after each of them; the last state carries the outcome.

    Parameters
    ----------
    problem
        What to minimise.
    abundances, endmembers
        Start, (k, pixels) and (k, channels), changed in place.
    solver
        The half step, used for both factors.
    max_iter
        Most iterations, one look at the data for each factor in each.
    tol
        Ends the run once ``State.step`` is at most this.
    """
    begin = time.perf_counter()

    def state(iteration: int, fit: float, penalty: float, step: float, *, whole: bool = True) -> State:
        outcome = Outcome.RUNNING
        if whole and step <= tol:
            outcome = Outcome.CONVERGED
        elif whole and iteration >= max_iter:
            outcome = Outcome.MAX_ITER
        error = problem.relative_error(fit)
        seconds = time.perf_counter() - begin
        return State(iteration, abundances, endmembers, fit + penalty, error, step, seconds, outcome, whole)

    misfit = problem.misfit
    half = misfit.abundance_half(abundances, endmembers)
    of_E = problem.endmember_penalty(endmembers)
    of_A = problem.abundance_penalty(abundances)
    current = state(0, misfit.at_abundances(half, abundances, endmembers), of_A + of_E, np.inf)
    yield current
    while current.outcome is Outcome.RUNNING:
        iteration = current.iteration + 1
        if iteration > 1:
            half = misfit.abundance_half(abundances, endmembers)
        moved = solver.update(abundances, problem.with_abundance_terms(half))
        of_A = problem.abundance_penalty(abundances)
        half = misfit.endmember_half(abundances, endmembers)
        fit = misfit.at_endmembers(half, abundances, endmembers)
        yield state(iteration, fit, of_A + of_E, np.inf, whole=False)
        step = problem.step(moved, solver.update(endmembers, problem.with_endmember_terms(half)))
        of_E = problem.endmember_penalty(endmembers)
        current = state(iteration, misfit.at_endmembers(half, abundances, endmembers), of_A + of_E, step)
        yield current


def drive(states: Iterator[State], callback: Callable[[State], object] | None = None) -> tuple[State, list[State]]:
    """Run a solver to its end and keep the trace of whole iterations, without their factors.

    A callback that returns True, or Ctrl-C, ends the run; what was reached is kept.
    """
    trace: list[State] = []
    last: State | None = None
    outcome: Outcome | None = None
    nothing = np.empty((0, 0))
    try:
        for state in states:
            last = state
            if state.whole:
                trace.append(replace(state, abundances=nothing, endmembers=nothing))
                answer = None if callback is None else callback(state)
                if isinstance(answer, (bool, np.bool_)) and answer and state.outcome is Outcome.RUNNING:
                    outcome = Outcome.STOPPED
                    break
    except KeyboardInterrupt:
        # A half step changes the factors in place and never raises the objective: they are the best so far.
        outcome = Outcome.INTERRUPTED
    if last is None:
        if outcome is None:
            raise RuntimeError("the solver yielded no state")
        raise KeyboardInterrupt
    return replace(last, outcome=outcome or last.outcome), trace
