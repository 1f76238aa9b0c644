"""Matrix factorization on a plain matrix, as a scikit-learn estimator."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from mffnb.errors import ConvergenceWarning, DegenerateWarning
from mffnb.initialization import NNDSVD, STARTS, RandomStart
from mffnb.matrices import Dense
from mffnb.problem import Problem, state_problem
from mffnb.protocols import Matrix, Similarity, Solver, Start, Term
from mffnb.similarities import Frobenius
from mffnb.solvers import Hals, Outcome, State, drive, iterate
from mffnb.typing import Array, Float64Array, Seed

SIMILARITIES: dict[str, Similarity] = {"frobenius": Frobenius()}
SOLVERS: dict[str, Solver] = {"auto": Hals(), "hals": Hals()}

Init = str | Start | tuple[Array, Array]


class MatrixFactorization(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    r"""Factor a matrix of spectra into abundances and endmembers under physical constraints.

    .. math:: \min_{A, E \ge 0} \; \tfrac{1}{n} \bigl[ \tfrac12 \lVert s X - A E \rVert_F^2 + \sum p(A) \bigr]
              + \sum p(E)

    with n pixels and the scale s that makes the mean of :math:`\lVert s x_i \rVert^2` equal 1, so that a penalty
    weight means the same for every data set. Where A is penalised the endmembers have unit norm while the problem
    is solved. What is handed out has the units of the data: one global factor makes the abundances of
    the mean pixel sum to 1. Source: Kannan et al. 2018, Adv. Struct. Chem. Imaging 4:6.

    Parameters
    ----------
    n_components
        k, number of endmembers.
    similarity
        ``"frobenius"`` or a similarity object.
    abundance_terms, endmember_terms
        Penalties and constraints on A and on E, in any number; both factors are non-negative.
    init
        ``"nndsvd"``, ``"random"``, a start object, a pair ``(A, E)`` of shapes (pixels, k) and (k, channels)
        in the units of the data, or ``"auto"``: NNDSVD where k does not exceed the shape of X, else random.
    solver
        ``"auto"``, ``"hals"`` or a solver object.
    max_iter
        Most iterations.
    tol
        Ends the run once the projected gradient, measured as the relative change of A E that it would cause,
        is at most this.
    random_state
        Seed of random starts and of the randomized decomposition.

    Attributes
    ----------
    components_ : ndarray of shape (k, channels)
        Endmembers in the units of the data.
    n_iter_ : int
        Iterations run.
    objective_, relative_error_ : float
        At the end, of the scaled problem.
    outcome_ : Outcome
        How the run ended, with advice.
    trace_ : list of State
        One for each iteration, without the factors.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb import MatrixFactorization
    >>> X = np.array([[1, 0, 2], [0, 1, 1], [1, 1, 3], [2, 1, 5.0]])     # two endmembers in four pixels
    >>> model = MatrixFactorization(n_components=2, tol=1e-8, max_iter=2000)
    >>> A = model.fit_transform(X)
    >>> bool(np.allclose(A @ model.components_, X, atol=1e-5))
    True
    """

    def __init__(
        self,
        n_components: int = 4,
        *,
        similarity: str | Similarity = "frobenius",
        abundance_terms: Sequence[Term] = (),
        endmember_terms: Sequence[Term] = (),
        init: Init = "auto",
        solver: str | Solver = "auto",
        max_iter: int = 500,
        tol: float = 1e-4,
        random_state: Seed = None,
    ):
        self.n_components = n_components
        self.similarity = similarity
        self.abundance_terms = abundance_terms
        self.endmember_terms = endmember_terms
        self.init = init
        self.solver = solver
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    def fit(self, X: Array, y: None = None) -> MatrixFactorization:
        """Find the endmembers of X (pixels, channels)."""
        self.fit_transform(X, y)
        return self

    def fit_transform(
        self, X: Array | Matrix, y: None = None, *, callback: Callable[[State], object] | None = None
    ) -> Float64Array:
        """Find the endmembers of X (pixels, channels) and return the abundances (pixels, k).

        Parameters
        ----------
        X
            Finite numbers, (pixels, channels), or a matrix of :mod:`mffnb.matrices`; never modified.
        y
            Ignored.
        callback
            Called with a :class:`mffnb.solvers.State` after each iteration; returning True ends the run.
        """
        problem, states = self._prepare(self._as_matrix(X))
        state, self.trace_ = drive(states, callback)
        abundances, self.components_, self.gauge_ = in_data_units(state, problem)
        self.scale_, self.n_iter_, self.outcome_ = problem.scale, state.iteration, state.outcome
        self.objective_, self.relative_error_ = state.objective, state.relative_error
        self.n_components_ = self._n_features_out = self.components_.shape[0]
        _warn(state, self.tol)
        return np.ascontiguousarray(abundances.T)

    def iterate(self, X: Array | Matrix) -> Iterator[State]:
        """Yield the run on X step by step; nothing is fitted, factors come in the units of the data."""
        problem, states = self._prepare(self._as_matrix(X))
        for state in states:
            abundances, endmembers, _ = in_data_units(state, problem)
            yield replace(state, abundances=abundances, endmembers=endmembers)

    def transform(self, X: Array) -> Float64Array:
        """Abundances (pixels, k) of new spectra for the fitted endmembers, with the fitted penalties."""
        check_is_fitted(self)
        X = self._validated(X, reset=False)
        problem = state_problem(
            Dense(X), self._similarity(), self.abundance_terms, self.endmember_terms, scale=self.scale_
        )
        endmembers = self.components_ * (self.scale_ / self.gauge_)
        half = problem.abundance_half(endmembers)
        abundances = np.zeros((self.components_.shape[0], X.shape[0]))
        solver = self._solver()
        for _ in range(self.max_iter):
            moved = solver.update(abundances, half)
            if np.sqrt(moved / X.shape[0]) <= min(self.tol, 1e-6):
                break
        return np.ascontiguousarray(abundances.T) * (1 / self.gauge_)

    def inverse_transform(self, A: Array) -> Float64Array:
        """Spectra (pixels, channels) of abundances A (pixels, k)."""
        check_is_fitted(self)
        spectra: Float64Array = np.asarray(A) @ self.components_
        return spectra

    def _as_matrix(self, X: Array | Matrix) -> Matrix:
        return X if isinstance(X, Matrix) else Dense(self._validated(X, reset=True))

    def _validated(self, X: Array, *, reset: bool) -> Array:
        checked: Array = validate_data(self, X, reset=reset, dtype=[np.float64, np.float32], order=None)
        return checked

    def _prepare(self, matrix: Matrix) -> tuple[Problem, Iterator[State]]:
        if not (isinstance(self.n_components, (int, np.integer)) and self.n_components >= 1):
            raise ValueError(f"n_components must be a whole number >= 1, got {self.n_components!r}")
        problem = state_problem(matrix, self._similarity(), self.abundance_terms, self.endmember_terms)
        abundances, endmembers = self._start(matrix)
        to_scaled_gauge(abundances, endmembers, problem)
        states = iterate(problem, abundances, endmembers, self._solver(), self.max_iter, self.tol)
        return problem, states

    def _start(self, matrix: Matrix) -> tuple[Float64Array, Float64Array]:
        """A (k, pixels) and E (k, channels) in the units of the data, arrays of our own."""
        if isinstance(self.init, tuple):
            abundances, endmembers = (np.array(part, dtype=np.float64) for part in self.init)
            wanted = ((matrix.shape[0], self.n_components), (self.n_components, matrix.shape[1]))
            if (abundances.shape, endmembers.shape) != wanted:
                raise ValueError(
                    f"init=(A, E) must have shapes {wanted[0]} and {wanted[1]}, "
                    f"got {abundances.shape} and {endmembers.shape}"
                )
            if min(abundances.min(), endmembers.min()) < 0:
                raise ValueError("init=(A, E) must not be negative: clip it with numpy.maximum(A, 0)")
            return np.ascontiguousarray(abundances.T), endmembers
        start = self.init
        if isinstance(start, str):
            if start == "auto":
                start = NNDSVD() if self.n_components <= min(matrix.shape) else RandomStart()
            else:
                start = STARTS[_known(start, STARTS, "init")]
        seed = int(check_random_state(_as_legacy(self.random_state)).randint(2**31))
        return start.start(matrix, self.n_components, seed)

    def _similarity(self) -> Similarity:
        named: Similarity | str = self.similarity
        return SIMILARITIES[_known(named, SIMILARITIES, "similarity")] if isinstance(named, str) else named

    def _solver(self) -> Solver:
        named: Solver | str = self.solver
        return SOLVERS[_known(named, SOLVERS, "solver")] if isinstance(named, str) else named


def to_scaled_gauge(abundances: Float64Array, endmembers: Float64Array, problem: Problem) -> None:
    """Bring a start, in place, to the scaled data and to endmembers of unit norm."""
    norm = np.linalg.norm(endmembers, axis=1)
    norm[norm == 0] = 1.0
    endmembers /= norm[:, None]
    abundances *= norm[:, None] * problem.scale


def in_data_units(state: State, problem: Problem) -> tuple[Float64Array, Float64Array, float]:
    """Copies of A and E in the units of the data, the mean pixel's abundances summing to 1.

    Where no penalty fixes how scale is shared, endmembers are first given equal norms: A E and the objective stay
    as they are. The third value is g in ``E = g E_scaled / s`` and ``A = A_scaled / g``.
    """
    norm = np.ones(len(state.endmembers))
    if problem.gauge_is_free:
        norm = np.linalg.norm(state.endmembers, axis=1)
        norm[norm == 0] = 1.0
    gauge = float(norm @ state.abundances.mean(axis=1)) or 1.0
    abundances = state.abundances * (norm / gauge)[:, None]
    return abundances, state.endmembers * (gauge / problem.scale / norm)[:, None], gauge


def _as_legacy(random_state: Seed) -> int | np.random.RandomState | None:
    if isinstance(random_state, np.random.Generator):
        return np.random.RandomState(random_state.bit_generator)
    return random_state


def _known(name: str, known: dict[str, Any], parameter: str) -> str:
    if name not in known:
        raise ValueError(f"{parameter}={name!r} is not known: use one of {sorted({*known, 'auto'})} or an object")
    return name


def _warn(state: State, tol: float) -> None:
    dead = np.flatnonzero(~(state.abundances.any(axis=1) & state.endmembers.any(axis=1)))
    if dead.size:
        warnings.warn(
            f"component {', '.join(map(str, dead))} is zero everywhere: the penalties outweigh what it explains, "
            "or there are fewer endmembers than components; lower the weights or n_components",
            DegenerateWarning,
            stacklevel=3,
        )
    if state.outcome is Outcome.MAX_ITER and tol > 0:
        warnings.warn(
            f"{state.outcome.value} (step {state.step:.1e}, tol {tol:.1e})", ConvergenceWarning, stacklevel=3
        )
