"""Abundances of new pixels for fixed endmembers."""

from __future__ import annotations

import numpy as np

from mffnb.estimators.names import named_solver
from mffnb.problem.problem import Problem
from mffnb.protocols.half import Half
from mffnb.protocols.solver import Solver
from mffnb.solvers import Auto, Extrapolated, ProximalGradient
from mffnb.typing import Float64Array

_SMALL_STEP = 1e-6  # step of converged abundances of new spectra, relative to the data


def solve_abundances(
    abundances: Float64Array,
    endmembers: Float64Array,
    problem: Problem,
    *,
    solver: str | Solver,
    max_iter: int,
    tol: float,
) -> bool:
    """Set A (k, pixels of this rank) in place to the minimiser of the objective for fixed endmembers.

    Return whether it converged within ``max_iter`` iterations.
    """
    half = problem.misfit.abundance_half(abundances, endmembers)
    chosen = _solver_of_abundances(named_solver(solver), problem.with_abundance_terms(half))
    for _ in range(max_iter):
        before = abundances.copy()
        step = problem.step(chosen.update(abundances, problem.with_abundance_terms(half)), 0.0)
        if step <= min(tol, _SMALL_STEP):
            return True
        if not problem.matrix.total(np.array(float(not np.array_equal(before, abundances)))):
            return step <= _SMALL_STEP  # no shorter step lowers the objective, because of rounding
        if problem.misfit.majorized:
            half = problem.misfit.abundance_half(abundances, endmembers)
    return False


def _solver_of_abundances(solver: Solver, half: Half) -> Solver:
    """Return the solver of abundances for fixed endmembers: for counts under a constraint, proximal gradients.

    There "auto" selects multiplicative updates, which need thousands of iterations where abundances become zero.
    """
    inner = solver.solver if isinstance(solver, Extrapolated) else solver
    constrained = half.sum_to_one or half.boxed or np.isfinite(half.radius)
    slow = isinstance(inner, Auto) and half.log is not None and constrained
    return ProximalGradient() if slow and ProximalGradient().refuses(half) is None else solver
