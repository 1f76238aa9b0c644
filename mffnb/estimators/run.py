"""The run of a factorization with its settings, without scikit-learn's interface, which is slow to import.

:class:`mffnb.MatrixFactorization` and the explorer both use it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from mffnb.estimators.data_range import check_memory, check_sign, negative_share
from mffnb.estimators.names import named_similarity, named_solver, named_transform
from mffnb.estimators.start_values import Init, start_values
from mffnb.matrices import replicate_columns
from mffnb.problem.consistency import warn_if_contradictory
from mffnb.problem.formulation import state_problem
from mffnb.problem.normalisation import in_data_units
from mffnb.problem.problem import Problem
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.similarity import Similarity
from mffnb.protocols.solver import Solver
from mffnb.protocols.terms import Term
from mffnb.protocols.transform import Transform
from mffnb.solvers import Reached, State, iterate
from mffnb.threads import iterate_with_single_threaded_blas, single_threaded_blas
from mffnb.typing import Seed


class Begun(NamedTuple):
    """A run whose parameters and data are checked.

    Attributes
    ----------
    problem
        The optimisation problem.
    states
        Iterator of the states of the solver, with factors in the units of the problem.
    start
        Description of the start values; empty if the run continues from a stored state.
    """

    problem: Problem
    states: Iterator[State]
    start: str


@dataclass(frozen=True, eq=False)
class FactorizationRun:
    """Settings of a factorization; see the parameters of :class:`mffnb.MatrixFactorization`.

    >>> from mffnb.matrices import in_memory
    >>> X = np.random.default_rng(0).random((30, 2)) @ np.random.default_rng(1).random((2, 12))
    >>> *_, last = FactorizationRun(2, random_state=0).iterate(in_memory(X))
    >>> last.abundances.shape, last.endmembers.shape
    ((2, 30), (2, 12))
    """

    n_components: int
    similarity: str | Similarity = "frobenius"
    abundance_terms: Sequence[Term] = ()
    endmember_terms: Sequence[Term] = ()
    weights: Any = None
    transform: str | Transform | None = None
    init: Init = "auto"
    solver: str | Solver = "auto"
    max_iter: int = 500
    tol: float = 1e-4
    random_state: Seed = None

    def begin(self, matrix: Matrix, reached: Reached | None = None) -> Begun:
        """Check parameters and data, and begin the run at start values or at the state that a checkpoint has stored."""
        self._check_numbers()
        check_memory(matrix, self.n_components)
        with single_threaded_blas():
            problem = state_problem(
                matrix, named_similarity(self.similarity), self.abundance_terms, self.endmember_terms, self.weights,
                named_transform(self.transform),
            )  # fmt: skip
            check_sign(negative_share_of(problem, matrix))
            if reached is None:
                abundances, endmembers, start = start_values(
                    self.init, matrix, problem, self.n_components, self.random_state
                )
            else:
                abundances, endmembers, start = reached.state.abundances, reached.state.endmembers, ""
        warn_if_contradictory(problem, abundances, endmembers)
        states = iterate(problem, abundances, endmembers, named_solver(self.solver), self.max_iter, self.tol, reached)
        return Begun(problem, iterate_with_single_threaded_blas(states), start)

    def iterate(self, matrix: Matrix) -> Iterator[State]:
        """Run the factorization of a matrix of :mod:`mffnb.matrices`; yield its states, with factors in data units."""
        problem, states, _ = self.begin(matrix)
        for state in states:
            factors = in_data_units(state.abundances, state.endmembers, problem)
            spectra = replicate_columns(problem.matrix, factors.endmembers)
            yield replace(state, abundances=factors.abundances, endmembers=spectra, gain=factors.gain)

    def _check_numbers(self) -> None:
        """Refuse a number of components, a number of iterations or a tolerance without meaning."""
        whole = isinstance(self.n_components, (int, np.integer)) and not isinstance(self.n_components, bool)
        if not (whole and self.n_components >= 1):
            raise ValueError(f"n_components must be a whole number >= 1, got {self.n_components!r}")
        if not (isinstance(self.max_iter, (int, np.integer)) and self.max_iter >= 0):
            raise ValueError(f"max_iter must be a whole number >= 0, got {self.max_iter!r}")
        if not self.tol >= 0:
            raise ValueError(f"tol must be a number >= 0, got {self.tol!r}")


def negative_share_of(problem: Problem, matrix: Matrix) -> float:
    """Return the share of negative energy of X; a likelihood of counts has refused negative data already."""
    return 0.0 if problem.misfit.barrier else negative_share(matrix)
