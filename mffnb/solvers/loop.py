"""The outer loop that every alternating solver shares, and what may happen to it."""

from __future__ import annotations

import enum
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from mffnb.matrices.threaded import threaded_map
from mffnb.problem.problem import Problem
from mffnb.protocols.half import Half
from mffnb.protocols.solver import Solver
from mffnb.solvers.extrapolation import Ahead, Extrapolated, InPlace
from mffnb.typing import Float64Array

__all__ = ["Outcome", "Reached", "State", "drive", "iterate"]

# Of the objective: how well the same factors have to describe the same data, summed in another order perhaps.
_SAME = 1e-9
# So many pixels take far longer than to hand them to another thread.
_PIECE = 2**15


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
        A (k, pixels) and E (k, channels) of the scaled data; where processes share them, of own pixels and channels.
    objective
        F(A, E); see :mod:`mffnb.problem.problem`.
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
    begun
        Where the next iteration begins; None in half states and before the first iteration.
    intercept
        What is added to the model of every pixel before it is mapped, (channels,); None where there is none.
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
    begun: InPlace | None = None


@dataclass(frozen=True, eq=False)
class Reached:
    """Where a run stood between two iterations: all that it takes to go on as if it had not ended.

    Attributes
    ----------
    state
        The last whole state, factors and all.
    memory
        What the beginning of the next iteration remembers.
    trace
        The states before it, without factors.
    """

    state: State
    memory: dict[str, Float64Array]
    trace: list[State]


Keep = Callable[[State, Sequence[State], bool], None]


def iterate(
    problem: Problem,
    abundances: Float64Array,
    endmembers: Float64Array,
    solver: Solver,
    max_iter: int,
    tol: float,
    reached: Reached | None = None,
) -> Iterator[State]:
    """Alternate half steps, yielding after each of them; the last state carries the outcome.

    States never rise. With an :class:`mffnb.solvers.Extrapolated` solver the factors of half ones are a try, with the
    objective of the whole state before; an iteration that is taken back repeats that state.

    Parameters
    ----------
    problem
        What to minimise.
    abundances, endmembers
        Start, (k, pixels) and (k, channels), arrays that the run may use as its own.
    solver
        The half step, used for both factors.
    max_iter
        Most iterations, one look at the data for each factor in each.
    tol
        Ends the run once ``State.step`` is at most this.
    reached
        Where an earlier run of this problem ended, with ``abundances`` and ``endmembers``: the first state is that one.

    Raises
    ------
    ValueError
        If what was reached belongs to other data.
    """
    if reached is None:
        problem = problem.settled(abundances, endmembers)
    elif reached.state.intercept is not None:
        problem = problem.with_intercept(reached.state.intercept)
    note = _Notes(max_iter, tol, time.perf_counter() - (0.0 if reached is None else reached.state.seconds))
    half = problem.misfit.abundance_half(abundances, endmembers)
    fit = problem.misfit.at_abundances(half, abundances, endmembers)
    penalty = _penalties(problem, abundances, endmembers)
    current = note.whole(problem, 0, (abundances, endmembers), fit, penalty, np.inf)
    ahead = isinstance(solver, Extrapolated)
    begun = Ahead(problem, abundances, endmembers) if ahead else InPlace(abundances, endmembers)
    if reached is not None:
        _check_objective(current.objective, reached.state.objective, problem.misfit.zero)
        begun.recall(reached.memory)
        current = note.ended(replace(reached.state, abundances=abundances, endmembers=endmembers, begun=begun))
    yield current
    while current.outcome is Outcome.RUNNING:
        A, E, iteration = begun.abundances, begun.endmembers, current.iteration + 1
        moved, of_endmembers = _abundances(problem, begun, solver, half if iteration == 1 else None)
        tried = replace(current, iteration=iteration, abundances=A, endmembers=E)
        yield note.half_done(problem, of_endmembers, tried, ahead)
        half = of_endmembers()
        step = problem.step(moved, solver.update(E, problem.with_endmember_terms(half)))
        fit, penalty = problem.misfit.at_endmembers(half, A, E), _penalties(problem, A, E)
        if begun.lowers(current.objective, fit + penalty):
            begun.move_on()
            settled = problem.settled(*begun.settled)
            if settled is not problem:
                problem, fit = settled, settled.misfit.at_endmembers(half, *begun.settled)
            current = note.whole(problem, iteration, begun.settled, fit, penalty, step)
        else:
            begun.take_back()
            current = note.ended(replace(current, iteration=iteration, seconds=note.seconds))
        current = replace(current, begun=begun)
        yield current


@dataclass(frozen=True)
class _Notes:
    """Writes down where a run stands."""

    max_iter: int
    tol: float
    begin: float

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.perf_counter() - self.begin

    def whole(
        self, problem: Problem, iteration: int, factors: tuple[Float64Array, Float64Array],
        fit: float, penalty: float, step: float,
    ) -> State:  # fmt: skip
        """After an iteration."""
        error, intercept = problem.relative_error(fit), getattr(problem.misfit, "offset", None)
        return self.ended(State(iteration, *factors, fit + penalty, error, step, self.seconds, intercept=intercept))

    def ended(self, state: State) -> State:
        """With the outcome, where there is one."""
        if state.step <= self.tol:
            return replace(state, outcome=Outcome.CONVERGED)
        return replace(state, outcome=Outcome.MAX_ITER) if state.iteration >= self.max_iter else state

    def half_done(self, problem: Problem, of_endmembers: Callable[[], Half], state: State, ahead: bool) -> State:
        """Factors that only try have the objective of those that they set out from: their own may cost a look at X."""
        if not ahead:
            A, E = state.abundances, state.endmembers
            fit = problem.misfit.at_endmembers(of_endmembers(), A, E)
            objective, error = fit + _penalties(problem, A, E), problem.relative_error(fit)
            state = replace(state, objective=objective, relative_error=error)
        return replace(state, step=np.inf, seconds=self.seconds, whole=False, begun=None)


def _penalties(problem: Problem, A: Float64Array, E: Float64Array) -> float:
    return problem.abundance_penalty(A) + problem.endmember_penalty(E)


def _check_objective(here: float, there: float, zero: float) -> None:
    if not abs(here - there) <= _SAME * max(abs(there), zero):
        raise ValueError(
            f"the checkpoint belongs to other data: its factors have an objective of {there:.6g} there and of "
            f"{here:.6g} here; name another folder, or delete that one"
        )


def _abundances(
    problem: Problem, begun: InPlace, solver: Solver, half: Half | None
) -> tuple[float, Callable[[], Half]]:
    """Move A; the squared step, and what presents the half problem of E, at the first call.

    In one look at X where every pixel moves by itself. Where it takes another one, a picture of A need not wait for it.
    """
    A, E = begun.abundances, begun.endmembers
    misfit, step = problem.misfit, AbundanceStep(problem, solver, begun)
    if half is None and problem.pixelwise and getattr(solver, "pixelwise", False):
        looked = misfit.in_one_look(A, E, step)
        if looked is not None:
            moved, seen = looked
            return moved, lambda: seen
    pixels = A.shape[1]
    for _ in threaded_map(step.begin, (slice(at, min(at + _PIECE, pixels)) for at in range(0, pixels, _PIECE))):
        pass
    moved = step(A, misfit.abundance_half(A, E) if half is None else half)
    return moved, cache(lambda: misfit.endmember_half(A, E))


@dataclass(frozen=True)
class AbundanceStep:
    """What a solver does to A, or to some of its columns: a :class:`mffnb.protocols.Step`."""

    problem: Problem
    solver: Solver
    begun: InPlace

    def begin(self, pixels: slice) -> None:
        """Bring these columns of A to where the step begins."""
        self.begun.begin(pixels)

    def __call__(self, factor: Float64Array, half: Half) -> float:
        """Fold the terms into the half problem and move."""
        return self.solver.update(factor, self.problem.with_abundance_terms(half))

    def descent(self, half: Half) -> tuple[Half, int]:
        """The half problem with the terms in it, and the sweeps; 0 where these are not all, or pixels differ."""
        sweeps: Callable[[Half], int] | None = getattr(self.solver, "free_sweeps", None)
        if sweeps is None or not self.problem.alike:
            return half, 0
        half = self.problem.with_abundance_terms(half)
        return half, sweeps(half)


def drive(
    states: Iterator[State],
    callback: Callable[[State], object] | None = None,
    keep: Keep | None = None,
    before: Sequence[State] = (),
) -> tuple[State, list[State]]:
    """Run a solver to its end and keep the trace of whole iterations, without their factors.

    A callback that returns True, or Ctrl-C, ends the run; what was reached is kept.

    Parameters
    ----------
    states
        The run.
    callback
        Called with each whole state.
    keep
        Called after it with the state, the trace up to it, and whether it is the last one: to write checkpoints.
    before
        The trace of an earlier run that this one continues.
    """
    trace: list[State] = list(before)
    last: State | None = None
    outcome: Outcome | None = None
    nothing = np.empty((0, 0))
    try:
        for state in states:
            if state.whole or last is None or state.abundances is last.abundances:
                last = state  # half a step that changes the factors in place is worth keeping; one that tries is not
            if state.whole:
                trace.append(replace(state, abundances=nothing, endmembers=nothing, begun=None))
                answer = None if callback is None else callback(state)
                if isinstance(answer, (bool, np.bool_)) and answer and state.outcome is Outcome.RUNNING:
                    outcome = Outcome.STOPPED
                if keep is not None:
                    keep(state, trace, bool(outcome) or state.outcome is not Outcome.RUNNING)
                if outcome is not None:
                    break
    except KeyboardInterrupt:
        # A half step changes the factors in place and never raises the objective: they are the best so far.
        outcome = Outcome.INTERRUPTED
    if last is None:
        if outcome is None:
            raise RuntimeError("the solver yielded no state")
        raise KeyboardInterrupt
    return replace(last, outcome=outcome or last.outcome, begun=None), trace
