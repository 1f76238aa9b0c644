"""Optimality of abundances in the ball that a penalty on the endmembers implies: multipliers, entries stuck at zero."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mffnb.errors import ConvergenceWarning, warn
from mffnb.problem.ball_multipliers import RowRidge
from mffnb.problem.compatibility import Gauge
from mffnb.problem.problem import Problem
from mffnb.solvers import Newton, Outcome, State
from mffnb.solvers.smooth_part import SmoothPart

_AT_RADIUS = 1e-6  # relative distance from the radius below which a squared norm counts as the radius
_STUCK = 10.0  # a remaining step larger than this multiple of the tolerance is reported


def ball_multipliers(problem: Problem, state: State) -> tuple[RowRidge, ...]:
    """Return the ball constraint that a penalty on E adds to A, as a ridge with its multipliers; nothing without one.

    The multiplier of a row f at the radius r is ``-<gradient, f> / r^2``.
    """
    if problem.gauge is not Gauge.ABUNDANCES:
        return ()
    A, total = state.abundances, problem.matrix.total
    half = problem.with_abundance_terms(problem.misfit.abundance_half(A, state.endmembers))
    gradient = SmoothPart(replace(half, radius=np.inf)).value_and_gradient(A)[1]
    along, squares = total((gradient * A).sum(axis=1)), total((A**2).sum(axis=1))
    on_sphere = squares >= (1 - _AT_RADIUS) * half.radius**2
    return (RowRidge(np.where(on_sphere, np.maximum(-along, 0.0) / half.radius**2, 0.0)),)


def warn_if_stuck(problem: Problem, state: State, multipliers: tuple[RowRidge, ...], tol: float) -> None:
    """Warn of a likelihood of counts that converged while entries near zero should grow.

    In a ball the updates are multiplicative: entries near zero hardly change, so the size of the step does not show
    them. A Newton step with the multipliers in place of the ball does.
    """
    if not multipliers or state.outcome is not Outcome.CONVERGED:
        return
    A = state.abundances.copy()
    half = problem.with_abundance_terms(problem.misfit.abundance_half(A, state.endmembers))
    half = multipliers[0].fold(replace(half, radius=np.inf))
    if half.log is None or Newton().refuses(half) is not None:
        return
    left = problem.step(Newton().update(A, half), 0.0)
    if left > _STUCK * tol:
        warn(
            f"some abundances near zero should be larger (remaining step {left:.1g}, tol {tol:.1g}), which "
            "multiplicative updates of counts with penalised endmembers hardly do: use solver='proximal', or raise tol",
            ConvergenceWarning,
        )
