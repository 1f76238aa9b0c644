"""Matrix factorization on a plain matrix, as a scikit-learn estimator."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from mffnb.constraints import Orthogonal
from mffnb.estimators.base import LinearModel, MethodAndParameter
from mffnb.estimators.names import SOLVERS, STARTS, _check_has, _known, mapped, named_similarity, named_transform
from mffnb.estimators.result_warnings import warn_if_certain, warn_if_poor
from mffnb.geometry import Groups
from mffnb.geometry.starts import NNDSVD, RandomStart
from mffnb.matrices import replicate_columns, sparse_if_smaller
from mffnb.matrices.checking import as_matrix
from mffnb.matrices.partial import impute_mean_spectrum
from mffnb.problem.compatibility import Gauge
from mffnb.problem.normalisation import in_data_units, make_likely, to_scaled_gauge
from mffnb.problem.problem import Problem, for_new_pixels, state_problem
from mffnb.protocols.half import Term
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.misfit import Similarity
from mffnb.protocols.solver import Solver, Start
from mffnb.similarities.misfits import LeastSquares
from mffnb.solvers import (
    Reached,
    State,
    drive,
    interruptible,
    iterate,
)
from mffnb.solvers.checkpoint import Keeper
from mffnb.solvers.grow_shrink import beside_known
from mffnb.solvers.subsampled_start import SubsetFirst
from mffnb.threads import iterate_with_single_threaded_blas, single_threaded_blas
from mffnb.transforms import Mapped
from mffnb.typing import Array, Float64Array, Seed

__all__ = ["MatrixFactorization"]

# An iteration on a part of them then costs a sixteenth of one on all.
_MANY_PIXELS = 16 * SubsetFirst.pixels

Init = str | Start | tuple[Array, Array]


class MatrixFactorization(LinearModel):
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
        ``"frobenius"``, ``"kl"`` (for counts), ``"itakura-saito"`` (noise in proportion to the signal), ``"huber"``
        (outliers), ``"angle"`` (directions of single spectra), ``"bernoulli"`` (Boolean data), or an object of
        :mod:`mffnb.similarities`.
    abundance_terms, endmember_terms
        Penalties and constraints on A and on E, in any number; both factors are non-negative.
    weights
        Weights of pixels, channels or entries: None, ``"poisson"``, an array of shape (pixels, 1), (1, channels) or
        (pixels, channels), or a list of these; see :class:`mffnb.matrices.weighting.Weighting`. NaN in X are missing
        entries.
    transform
        F in X ~ f(A E): ``"identity"``, ``"logistic"``, ``"rounding"``, or an object of :mod:`mffnb.transforms`. None
        is the one that the similarity wants, as a rule the identity.
    init
        ``"nndsvd"``, ``"random"``, a start object, a pair ``(A, E)`` of shapes (pixels, k) and (k, channels)
        in the units of the data, or ``"auto"``: NNDSVD where k does not exceed the shape of X, else random; groups of
        pixels (:class:`mffnb.geometry.Groups`) for one component per pixel; for least squares on 131072 pixels or more
        :class:`mffnb.solvers.subsampled_start.SubsetFirst`.
    solver
        ``"auto"``, which begins each iteration ahead of the last one (:class:`mffnb.solvers.Extrapolated`), ``"hals"``,
        ``"pivoting"`` (exact half steps), ``"newton"`` or ``"multiplicative"`` (both for counts), ``"proximal"`` (takes
        any part), or a solver object: ``Extrapolated(BlockPivoting())``, say.
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
    gain_ : ndarray of shape (pixels,), or None
        One factor for each fitted pixel, where abundances sum to one up to a gain: X ~ diag(gain) A E.
    intercept_ : ndarray of shape (channels,), or None
        b, where the transformation has one: X ~ f(b + A E).
    n_iter_ : int
        Iterations run.
    objective_, relative_error_ : float
        At the end, of the scaled problem.
    start_ : str
        What it started from.
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
        n_components: int = 3,
        *,
        similarity: str | Similarity = "frobenius",
        abundance_terms: Sequence[Term] = (),
        endmember_terms: Sequence[Term] = (),
        weights: Any = None,
        transform: Any = None,
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
        self.weights = weights
        self.__dict__["transform"] = transform  # beside the method of that name
        self.init = init
        self.solver = solver
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters, ``transform`` among them, which is a method as well."""
        return {**super().get_params(deep), "transform": self._map}

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
        matrix = self._lean(X)
        A = self.factorize(matrix, callback)
        warn_if_poor(matrix.total(np.count_nonzero(A, axis=0)), self.components_, self.outcome_, stacklevel=4)
        warn_if_certain(A, self.components_, self.mapped_, stacklevel=4)
        return np.ascontiguousarray(A)

    def factorize(
        self, matrix: Matrix, callback: Callable[[State], object] | None = None, keeper: Keeper | None = None
    ) -> Float64Array:
        """Fit to a matrix of :mod:`mffnb.matrices` without a word; return A (own pixels, k).

        With a keeper, go on from where it says that an earlier run ended.
        """
        reached, start = (None, "") if keeper is None else keeper.found() or (None, "")
        problem, states = self._prepare(matrix, reached)
        if reached is not None:
            self.start_ = start

        def keep(state: State, trace: Sequence[State], last: bool) -> None:
            if keeper is not None:
                keeper.offer(state, trace, self.start_, last)

        with interruptible(states, matrix) as states:
            state, self.trace_ = drive(states, callback, keep, () if reached is None else reached.trace)
        answer = in_data_units(state.abundances, state.endmembers, problem)
        self.components_, self.gain_ = replicate_columns(matrix, answer.endmembers), answer.gain
        self.columns_ = None if problem.columns is None else replicate_columns(matrix, problem.columns)
        self.scale_, self.size_ = problem.scale, answer.size
        self.similarity_, self.intercept_ = problem.similarity, state.intercept
        self.n_iter_, self.outcome_ = state.iteration, state.outcome
        self.objective_, self.relative_error_ = state.objective, state.relative_error
        self.n_components_ = self._n_features_out = self.components_.shape[0]
        self.n_features_in_ = matrix.shape[1]
        return answer.abundances.T

    def iterate(self, X: Array | Matrix) -> Iterator[State]:
        """Yield the run on X step by step; nothing is fitted, factors come in the units of the data."""
        problem, states = self._prepare(self._lean(X))
        for state in states:
            answer = in_data_units(state.abundances, state.endmembers, problem)
            spectra = replicate_columns(problem.matrix, answer.endmembers)
            yield replace(state, abundances=answer.abundances, endmembers=spectra, gain=answer.gain)

    def transform(self, X: Array | Matrix) -> Float64Array:
        """Abundances (pixels, k) of new spectra for the fitted endmembers, with the fitted penalties.

        For the fitted spectra they approach those of :meth:`fit_transform` as ``tol`` falls, where the endmembers are
        linearly independent; with more components than channels, many abundances explain a pixel equally well.
        """
        check_is_fitted(self)
        # New pixels are judged by the scale of the fitted ones.
        matrix = as_matrix(self, X, reset=False, missing=True)
        columns = None if self.columns_ is None else self.columns_[matrix.own_columns]
        problem = for_new_pixels(
            matrix, cast("Similarity", self.similarity_), self.abundance_terms, columns, self.scale_,
            named_transform(self._map), self.intercept_,
        )  # fmt: skip
        endmembers = np.ascontiguousarray(self.components_[:, matrix.own_columns]) / self.size_[:, None]
        if columns is not None:
            endmembers = endmembers * columns
        # Equal fractions satisfy every constraint; without one, this is as good a start as any.
        abundances = np.full((len(endmembers), matrix.own.stop - matrix.own.start), 1.0 / len(endmembers))
        with single_threaded_blas():
            self._settle(abundances, endmembers, problem)
        if problem.gauge is not Gauge.GAIN:
            return np.ascontiguousarray(abundances.T) / (self.size_ * self.scale_)
        amounts = np.ascontiguousarray(abundances.T) / self.size_
        return np.asarray(amounts / amounts.sum(axis=1, keepdims=True))

    def _settle(self, abundances: Float64Array, endmembers: Float64Array, problem: Problem) -> None:
        """Move A (k, own pixels) in place to its minimum for these endmembers."""
        solver, half = self._solver(), problem.misfit.abundance_half(abundances, endmembers)
        for _ in range(self.max_iter):
            if problem.step(solver.update(abundances, problem.with_abundance_terms(half)), 0.0) <= min(self.tol, 1e-6):
                break
            if problem.misfit.touching:
                half = problem.misfit.abundance_half(abundances, endmembers)

    def inverse_transform(self, A: Array) -> Float64Array:
        """Spectra (pixels, channels) of abundances A (pixels, k), without gain, as the transformation makes them."""
        spectra = super().inverse_transform(A)
        mapped = self.mapped_
        return spectra if mapped is None else np.asarray(mapped.apply(spectra))

    @property
    def mapped_(self) -> Mapped | None:
        """The transformation that was fitted, with its intercept; None for none."""
        return mapped(self.similarity, self._map, self.intercept_)

    @property
    def _map(self) -> Any:
        return vars(self)["transform"]

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that X may hold NaN where it is dense."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _lean(self, X: Array | Matrix) -> Matrix:
        """X as fewest bytes have to be looked at; a matrix of ours stays as it is, so that anyone may decide."""
        matrix = as_matrix(self, X, reset=True, missing=True)
        return matrix if matrix is X else sparse_if_smaller(matrix)

    def _prepare(self, matrix: Matrix, reached: Reached | None = None) -> tuple[Problem, Iterator[State]]:
        whole = isinstance(self.n_components, (int, np.integer)) and not isinstance(self.n_components, bool)
        if not (whole and self.n_components >= 1):
            raise ValueError(f"n_components must be a whole number >= 1, got {self.n_components!r}")
        if not (isinstance(self.max_iter, (int, np.integer)) and self.max_iter >= 0):
            raise ValueError(f"max_iter must be a whole number >= 0, got {self.max_iter!r}")
        if not self.tol >= 0:
            raise ValueError(f"tol must be a number >= 0, got {self.tol!r}")
        with single_threaded_blas():
            problem = state_problem(
                matrix, named_similarity(self.similarity), self.abundance_terms, self.endmember_terms, self.weights,
                named_transform(self._map),
            )  # fmt: skip
            if reached is None:
                abundances, endmembers = self._begin(matrix, problem)
            else:
                abundances, endmembers = reached.state.abundances, reached.state.endmembers
        states = iterate(problem, abundances, endmembers, self._solver(), self.max_iter, self.tol, reached)
        return problem, iterate_with_single_threaded_blas(states)

    def _begin(self, matrix: Matrix, problem: Problem) -> tuple[Float64Array, Float64Array]:
        """A and E where the iterations start, in the units of the problem and in all of its sets."""
        complete = matrix if matrix.complete else impute_mean_spectrum(matrix)
        taming = getattr(problem.similarity, "to_start_from", None)
        abundances, endmembers = self._start(complete if taming is None else taming(complete), problem)
        to_scaled_gauge(abundances, endmembers, problem)
        if problem.misfit.barrier:
            make_likely(abundances, endmembers, problem)
        return abundances, endmembers

    def _start(self, matrix: Matrix, problem: Problem) -> tuple[Float64Array, Float64Array]:
        """A (k, own pixels) and E (k, own channels) in the units of the data, arrays of our own."""
        if isinstance(self.init, (tuple, list)):
            if len(self.init) != 2:
                raise ValueError(f"init=(A, E) is a pair, got {len(self.init)} parts")
            abundances, endmembers = (np.array(part, dtype=np.float64) for part in self.init)
            pixels = matrix.own.stop - matrix.own.start
            wanted = ((pixels, self.n_components), (self.n_components, matrix.shape[1]))
            if (abundances.shape, endmembers.shape) != wanted:
                raise ValueError(
                    f"init=(A, E) must have shapes {wanted[0]} and {wanted[1]}, "
                    f"got {abundances.shape} and {endmembers.shape}"
                )
            if not (np.isfinite(abundances).all() and np.isfinite(endmembers).all()):
                raise ValueError("init=(A, E) holds NaN or infinite values: fill them, with numpy.nan_to_num(A) say")
            if min(abundances.min(initial=0.0), endmembers.min()) < 0:
                raise ValueError("init=(A, E) must not be negative: clip it with numpy.maximum(A, 0)")
            endmembers = np.ascontiguousarray(endmembers[:, matrix.own_columns])
            if problem.pinned is not None:
                endmembers = problem.pinned.project(endmembers)
            self.start_ = "given"
            return np.ascontiguousarray(abundances.T), endmembers
        start = self.init
        if isinstance(start, str):
            start = self._start_by_rule(matrix, problem) if start == "auto" else STARTS[_known(start, STARTS, "init")]
        _check_has(start, "start", "init")
        seed = int(check_random_state(_as_legacy(self.random_state)).randint(2**31))
        self.start_ = repr(start)
        if problem.pinned is not None:
            self.start_ = "beside known endmembers"
            return beside_known(matrix, self.n_components, problem.pinned.values)
        return start.start(matrix, self.n_components, seed)

    def _start_by_rule(self, matrix: Matrix, problem: Problem) -> Start:
        """NNDSVD where the shape of X allows it, led on by a part of the pixels where very many count alike."""
        if self.n_components > min(matrix.shape):
            return RandomStart()
        if any(isinstance(term, Orthogonal) for term in problem.abundance_terms) and not matrix.shared:
            return Groups()
        free = problem.gauge in (Gauge.FREE, Gauge.ENDMEMBERS) and isinstance(problem.misfit, LeastSquares)
        alike = problem.matrix is matrix and matrix.complete
        return SubsetFirst() if free and alike and matrix.shape[0] >= _MANY_PIXELS else NNDSVD()

    def _solver(self) -> Solver:
        named: Solver | str = self.solver
        if isinstance(named, str):
            return SOLVERS[_known(named, SOLVERS, "solver")]
        _check_has(named, "update", "solver")
        return named


def _as_legacy(random_state: Seed) -> int | np.random.RandomState | None:
    if isinstance(random_state, np.random.Generator):
        return np.random.RandomState(random_state.bit_generator)
    return random_state


MatrixFactorization.transform = MethodAndParameter(MatrixFactorization.transform, "transform")  # type: ignore[method-assign,assignment]
