"""Outer loop of all alternating solvers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from mffnb.kernels.tiers.tier import Tier, present_tier
from mffnb.matrices.cancellation import check_cancelled
from mffnb.matrices.threaded import threaded_map
from mffnb.problem.problem import Problem
from mffnb.protocols.capabilities import traits_of
from mffnb.protocols.half import Half
from mffnb.protocols.part_results import update_factor
from mffnb.protocols.solver import CoordinateDescent, RankSumming, Solver
from mffnb.solvers.extrapolation import ExtrapolatedIterates, PlainIterates
from mffnb.solvers.state import Outcome, Reached, State
from mffnb.typing import Float64Array

__all__ = ["iterate"]

# Relative difference allowed between the objective in a checkpoint and that of the same factors and data, which may be
# summed in another order.
_SAME = 1e-9
# Number of pixels in a block for extrapolation on several threads: the work takes far longer than starting it on
# another thread.
_BLOCK = 2**15


def iterate(
    problem: Problem,
    abundances: Float64Array,
    endmembers: Float64Array,
    solver: Solver,
    max_iter: int,
    tol: float,
    reached: Reached | None = None,
) -> Iterator[State]:
    """Alternate half steps and yield a state after each of them; the last state has the outcome.

    A whole state follows an iteration, a half state the half step of A. The objective of whole states never rises. With
    an extrapolated solver (:class:`mffnb.solvers.Extrapolated`), half states have trial factors and the objective of
    the previous whole state; after a rejected iteration the whole state has the previous factors again.

    A run with a tier (:mod:`mffnb.kernels.tiers`) begins on NumPy steps and changes to compiled kernels between two
    iterations. Steps that are simpler than those of the solver do not end it: at their end, or at half of
    ``max_iter``, it waits for the kernels. Meanwhile it repeats the last state as a half state, so that the caller
    can stop.

    Parameters
    ----------
    problem
        Objective to minimise.
    abundances, endmembers
        Start values, (k, pixels) and (k, channels); the run overwrites these arrays.
    solver
        Solver of the half steps of both factors.
    max_iter
        Maximum number of iterations, each with one pass over the data for each factor.
    tol
        Tolerance: the run ends when ``State.step`` is at most this number.
    reached
        End of an earlier run of this problem, whose factors ``abundances`` and ``endmembers`` are; it becomes the first
        state.

    Raises
    ------
    ValueError
        If the earlier run was made with other data.
    """
    problem = _with_intercept(problem, abundances, endmembers, reached)
    begin, tier = time.perf_counter() - (0.0 if reached is None else reached.state.seconds), present_tier() or Tier()
    recorder = _Recorder(max_iter, tol, begin, tier)
    half, extrapolated = problem.misfit.abundance_half(abundances, endmembers), traits_of(solver).extrapolated
    if extrapolated:
        iterates: PlainIterates = ExtrapolatedIterates(problem, abundances, endmembers)
    else:
        iterates = PlainIterates(abundances, endmembers)
    current = recorder.first(problem, half, (abundances, endmembers), iterates, reached)
    yield current
    while current.outcome is Outcome.RUNNING:
        while tier.must_wait(ended=recorder.at_end_of_simpler_steps(current)):
            check_cancelled()  # a caller that only takes whole states sees none until the kernels are ready
            yield replace(current, whole=False, iterates=None)
        A, E, iteration = iterates.abundances, iterates.endmembers, current.iteration + 1
        moved, endmember_half = _update_abundances(problem, iterates, solver, half if iteration == 1 else None)
        trial = replace(current, iteration=iteration, abundances=A, endmembers=E)
        yield recorder.after_half_step(problem, endmember_half, trial, extrapolated)
        half = endmember_half()
        step = problem.step(moved, update_factor(solver, E, problem.with_endmember_terms(half)))
        fit, penalty = problem.misfit.at_endmembers(half, A, E), _penalties(problem, A, E)
        if iterates.accepts(current.objective, fit + penalty):
            iterates.accept()
            fitted = problem.with_fitted_intercept(*iterates.accepted)
            if fitted is not problem:
                problem, fit = fitted, fitted.misfit.at_endmembers(half, *iterates.accepted)
            current = recorder.after_iteration(problem, iteration, iterates.accepted, fit, penalty, step)
        else:
            iterates.reject()
            current = recorder.with_outcome(replace(current, iteration=iteration, seconds=recorder.seconds))
        current = replace(current, iterates=iterates)
        tier.after_iteration()
        yield current


@dataclass(frozen=True)
class _Recorder:
    """Builder of the states of a run, which measures time and determines the outcome."""

    max_iter: int
    tol: float
    begin: float
    tier: Tier

    @property
    def seconds(self) -> float:
        """Time since the start of the run, in seconds."""
        return time.perf_counter() - self.begin

    def first(
        self, problem: Problem, half: Half, factors: tuple[Float64Array, Float64Array],
        iterates: PlainIterates, reached: Reached | None,
    ) -> State:  # fmt: skip
        """Return the state of the start values, or that of the end of an earlier run."""
        fit = problem.misfit.at_abundances(half, *factors)
        state = self.after_iteration(problem, 0, factors, fit, _penalties(problem, *factors), np.inf)
        if reached is None:
            return state
        _check_objective(state.objective, reached.state.objective, problem.misfit.zero)
        iterates.restore(reached.memory)
        abundances, endmembers = factors
        return self.with_outcome(
            replace(reached.state, abundances=abundances, endmembers=endmembers, iterates=iterates)
        )

    def after_iteration(
        self, problem: Problem, iteration: int, factors: tuple[Float64Array, Float64Array],
        fit: float, penalty: float, step: float,
    ) -> State:  # fmt: skip
        """Return the state after both half steps of an iteration."""
        error, intercept = problem.relative_error(fit), problem.misfit.intercept
        return self.with_outcome(
            State(iteration, *factors, fit + penalty, error, step, self.seconds, intercept=intercept)
        )

    def with_outcome(self, state: State) -> State:
        """Return the state with its outcome, if the run has converged or reached the maximum number of iterations."""
        if state.step <= self.tol and not self.tier.provisional:
            return replace(state, outcome=Outcome.CONVERGED)
        return replace(state, outcome=Outcome.MAX_ITER) if state.iteration >= self.max_iter else state

    def at_end_of_simpler_steps(self, state: State) -> bool:
        """Return whether steps that are simpler than those of the solver have done what they can."""
        return state.step <= self.tol or state.iteration >= self.max_iter // 2

    def after_half_step(self, problem: Problem, endmember_half: Callable[[], Half], state: State, trial: bool) -> State:
        """Return the state after the half step of A; a trial keeps the previous objective, to save a pass over X."""
        if not trial:
            A, E = state.abundances, state.endmembers
            fit = problem.misfit.at_endmembers(endmember_half(), A, E)
            objective, error = fit + _penalties(problem, A, E), problem.relative_error(fit)
            state = replace(state, objective=objective, relative_error=error)
        return replace(state, step=np.inf, seconds=self.seconds, whole=False, iterates=None)


def _with_intercept(
    problem: Problem, abundances: Float64Array, endmembers: Float64Array, reached: Reached | None
) -> Problem:
    """Return the problem with the model's intercept fitted to the start values, or taken from an earlier run."""
    if reached is None:
        return problem.with_fitted_intercept(abundances, endmembers)
    intercept = reached.state.intercept
    return problem if intercept is None else problem.with_intercept(intercept)


def _penalties(problem: Problem, A: Float64Array, E: Float64Array) -> float:
    return problem.abundance_penalty(A) + problem.endmember_penalty(E)


def _check_objective(here: float, there: float, zero: float) -> None:
    if not abs(here - there) <= _SAME * max(abs(there), zero):
        raise ValueError(
            f"the checkpoint belongs to other data: its factors have an objective of {there:.6g} there and of "
            f"{here:.6g} here; name another folder, or delete that one"
        )


def _update_abundances(
    problem: Problem, iterates: PlainIterates, solver: Solver, half: Half | None
) -> tuple[float, Callable[[], Half]]:
    """Make the half step of A; return the squared step, and a function that returns the subproblem of E.

    If pixels are independent, one pass over X serves both. Otherwise the second pass is made at the first call of the
    function, so that A can be displayed before.
    """
    A, E = iterates.abundances, iterates.endmembers
    misfit, update = problem.misfit, AbundanceUpdate(problem, solver, iterates)
    blockwise = problem.pixelwise and traits_of(solver).pixelwise and not _sums_over_ranks(problem, solver, A)
    if half is None and blockwise:
        done = misfit.in_one_pass(A, E, update)
        if done is not None:
            moved, endmember_half = done
            return moved, lambda: endmember_half
    pixels = A.shape[1]
    blocks = (slice(start, min(start + _BLOCK, pixels)) for start in range(0, pixels, _BLOCK))
    for _ in threaded_map(update.begin, blocks):
        pass
    moved = update(A, misfit.abundance_half(A, E) if half is None else half)
    return moved, cache(lambda: misfit.endmember_half(A, E))


def _sums_over_ranks(problem: Problem, solver: Solver, abundances: Float64Array) -> bool:
    """Return whether the half step of A sums over ranks, which may have different numbers of blocks of pixels."""
    if not problem.matrix.shared or not isinstance(solver, RankSumming):
        return False
    half = Half(np.eye(len(abundances)), np.zeros_like(abundances), factor=abundances)
    return solver.sums_over_ranks(problem.with_abundance_terms(half))


@dataclass(frozen=True)
class AbundanceUpdate:
    """Half step of A, or of some of its columns: a :class:`mffnb.protocols.FactorUpdate`."""

    problem: Problem
    solver: Solver
    iterates: PlainIterates

    def begin(self, pixels: slice) -> None:
        """Set these columns (pixels) of A to their values at the start of the iteration."""
        self.iterates.prepare(pixels)

    def __call__(self, factor: Float64Array, half: Half) -> float:
        """Add the user's penalties and constraints on A to the subproblem, and update the factor by the solver."""
        return update_factor(self.solver, factor, self.problem.with_abundance_terms(half))

    def descent(self, half: Half) -> tuple[Half, int]:
        """Return the subproblem with the user's terms, and the number of sweeps if it is uniform coordinate descent."""
        if not (isinstance(self.solver, CoordinateDescent) and self.problem.uniform):
            return half, 0
        half = self.problem.with_abundance_terms(half)
        return half, self.solver.free_sweeps(half)
