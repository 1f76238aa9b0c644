"""One factorization from its start values to its end, without scikit-learn's interface, which is slow to import."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from mffnb.estimators.ball_constraint import ball_multipliers, warn_if_stuck
from mffnb.estimators.names import mapped
from mffnb.estimators.run import FactorizationRun, negative_share_of
from mffnb.matrices import replicate_columns
from mffnb.problem.consistency import warn_if_stalled
from mffnb.problem.normalisation import UnscaledFactors, in_data_units
from mffnb.problem.problem import Problem
from mffnb.protocols.matrix import Matrix
from mffnb.solvers import Outcome, State, drive
from mffnb.solvers.checkpoint import Keeper
from mffnb.solvers.interrupts import interruptible
from mffnb.transforms import Mapped
from mffnb.typing import Float64Array


@dataclass(frozen=True, eq=False)
class Fitted:
    """The end of a factorization.

    Attributes
    ----------
    run
        Settings of the factorization.
    matrix
        X, (pixels, channels), in the units of the data.
    problem
        The optimisation problem that was solved, with scaled data.
    state
        Last state, with factors in the units of the problem.
    trace
        States after each iteration, without factors.
    start
        Description of the start values.
    factors
        A (k, pixels of this rank), E (k, channels of this rank) and gains in the units of the data.
    """

    run: FactorizationRun
    matrix: Matrix
    problem: Problem
    state: State
    trace: list[State]
    start: str
    factors: UnscaledFactors

    @property
    def abundances(self) -> Float64Array:
        """A in the units of the data, (pixels of this rank, k)."""
        return self.factors.abundances.T

    @cached_property
    def endmembers(self) -> Float64Array:
        """E in the units of the data, (k, channels)."""
        return replicate_columns(self.matrix, self.factors.endmembers)

    @property
    def outcome(self) -> Outcome:
        """How the run ended."""
        return self.state.outcome

    @property
    def objective(self) -> float:
        """Objective of the scaled problem at the end of the run."""
        return self.state.objective

    @property
    def mapped(self) -> Mapped | None:
        """The transform between model and data with its fitted intercept; None for the identity."""
        return mapped(self.run.similarity, self.run.transform, self.state.intercept)

    @cached_property
    def negative_share(self) -> float:
        """Sum of squares of negative values of X, relative to that of all values."""
        return negative_share_of(self.problem, self.matrix)

    def ended(self, outcome: Outcome) -> Fitted:
        """Return the same factors with another outcome."""
        return replace(self, state=replace(self.state, outcome=outcome))


def fit(
    run: FactorizationRun,
    matrix: Matrix,
    callback: Callable[[State], object] | None = None,
    keeper: Keeper | None = None,
) -> Fitted:
    """Run a factorization of a matrix of :mod:`mffnb.matrices` to its end.

    With a writer of checkpoints (``keeper``), the run continues from the state that it has stored.
    """
    reached, kept_start = (None, "") if keeper is None else keeper.read() or (None, "")
    problem, states, start = run.begin(matrix, reached)
    start = start if reached is None else kept_start

    def keep(state: State, trace: Sequence[State], last: bool) -> None:
        if keeper is not None:
            keeper.write_if_due(state, trace, start, last)

    with interruptible(states, matrix) as states:
        state, trace = drive(states, callback, keep, () if reached is None else reached.trace)
    warn_if_stalled(problem, [one.objective for one in trace], [one.step for one in trace])
    factors = in_data_units(state.abundances, state.endmembers, problem)
    _check_finite(matrix, factors.abundances, factors.endmembers)
    if state.intercept is not None:  # the run has fitted it, and the gradient at the solution depends on it
        problem = problem.with_intercept(state.intercept)
    warn_if_stuck(problem, state, ball_multipliers(problem, state), run.tol)
    return Fitted(run, matrix, problem, state, trace, start, factors)


def _check_finite(matrix: Matrix, abundances: Float64Array, endmembers: Float64Array) -> None:
    """Refuse factors with NaN or infinite values, on all ranks together."""
    broken = float(np.count_nonzero(~np.isfinite(abundances)) + np.count_nonzero(~np.isfinite(endmembers)))
    if matrix.total(np.array(broken)):
        raise ValueError(
            "the fit gave values that are not finite, because numbers of very different size were combined: divide the "
            "data by their maximum, and give bounds, known endmembers and weights in the same units"
        )
