"""Matrix factorization under physical constraints on a plain matrix, as a scikit-learn estimator."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, Self, cast

import numpy as np
from sklearn.utils.validation import check_is_fitted

from mffnb.constraints import Bounds
from mffnb.errors import ConvergenceWarning, UnsupportedCombinationError, warn
from mffnb.estimators.ball_constraint import ball_multipliers
from mffnb.estimators.base import LinearModel, holds_no_pixels
from mffnb.estimators.fitting import Fitted, fit
from mffnb.estimators.held_out_score import explained_variance, held_out, poisson_log_likelihood
from mffnb.estimators.missing_data import find_unobserved, unfitted_channels, warn_if_unobserved
from mffnb.estimators.names import mapped, named_solver, named_transform
from mffnb.estimators.new_pixels import solve_abundances
from mffnb.estimators.online import OnlineFit
from mffnb.estimators.online_counts import online_fit
from mffnb.estimators.result_warnings import warn_if_certain, warn_if_poor
from mffnb.estimators.run import FactorizationRun
from mffnb.estimators.start_values import Init
from mffnb.keywords import checks_keywords
from mffnb.matrices import replicate_columns, sparse_if_smaller
from mffnb.matrices.checking import as_matrix
from mffnb.problem.compatibility import Gauge
from mffnb.problem.formulation import for_new_pixels
from mffnb.problem.problem import Problem
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.similarity import Similarity
from mffnb.protocols.solver import Solver
from mffnb.protocols.terms import Term
from mffnb.protocols.transform import Transform
from mffnb.similarities import KullbackLeibler
from mffnb.similarities.banded_misfit import BandedMisfit
from mffnb.solvers import Auto, Extrapolated, Hals, State
from mffnb.solvers.checkpoint import Keeper
from mffnb.threads import single_threaded_blas
from mffnb.transforms import Mapped
from mffnb.typing import Array, Float64Array, Seed

__all__ = ["MatrixFactorization"]

_SAME = 1e-9  # relative difference of the sums of the pixels of equal data in another storage


class MatrixFactorization(LinearModel):
    r"""Factor a matrix of spectra into abundances and endmembers under physical constraints.

    .. math:: \min_{A, E \ge 0} \; \tfrac{1}{n} \bigl[ \tfrac12 \lVert s X - A E \rVert_F^2 + \sum p(A) \bigr]
              + \sum p(E)

    with n pixels. The scale s makes the mean of :math:`\lVert s x_i \rVert^2` equal to 1, so a penalty weight has the
    same meaning for every data set. Where A is penalised, the endmembers have unit norm during the optimisation. The
    result has the units of the data: one global factor makes the abundances of the mean pixel sum to 1. Source: Kannan
    et al. 2018, Adv. Struct. Chem. Imaging 4:6.

    Parameters
    ----------
    n_components
        Number of endmembers k.
    similarity
        A name of ``mffnb.similarities.NAMED``, such as ``"frobenius"``, ``"kl"`` (counts), ``"itakura-saito"`` (noise
        proportional to the signal), ``"huber"`` (outliers), ``"angle"`` (spectral angle), ``"bernoulli"`` (Boolean
        data); or an object of :mod:`mffnb.similarities`.
    abundance_terms, endmember_terms
        Lists of penalties and constraints on A and on E; both factors are non-negative in any case.
    weights
        Weights of pixels, channels or entries: None, ``"poisson"``, an array of shape (pixels, 1), (1, channels) or
        (pixels, channels), or a list of these; see :class:`mffnb.matrices.weighting.Weighting`. NaN in X are missing
        entries.
    transform
        f in X ~ f(A E): ``"identity"``, ``"logistic"``, ``"rounding"``, or an object of :mod:`mffnb.transforms`. None
        is the default of the similarity, usually the identity.
    init
        ``"nndsvd"``, ``"random"``, a start object, a pair ``(A, E)`` of shapes (pixels, k) and (k, channels)
        in the units of the data, or ``"auto"``: the best of short runs from pure pixels, pure channels and NNDSVD
        (:class:`mffnb.geometry.short_runs.ShortRuns`) where k does not exceed the shape of X, else random; groups of
        pixels (:class:`mffnb.geometry.Groups`) for one component per pixel; for unweighted least squares
        :class:`mffnb.solvers.basin_hopping.BasinHopping` from 12 components on, and
        :class:`mffnb.solvers.subsampled_start.SubsampledStart` from 131072 pixels on.
    solver
        ``"auto"`` (with extrapolation, :class:`mffnb.solvers.Extrapolated`), ``"hals"``, ``"pivoting"`` (exact half
        steps), ``"newton"`` or ``"multiplicative"`` (both for counts), ``"proximal"`` (all terms), or a solver object
        such as ``Extrapolated(BlockPivoting())``.
    max_iter
        Maximum number of iterations.
    tol
        The run ends when the projected gradient, measured as the relative change of A E that it would cause, is at
        most this.
    random_state
        Seed of random starts and of the randomized decomposition; ``rng=`` is another name of this keyword.

    Attributes
    ----------
    components_ : ndarray of shape (k, channels)
        Endmembers in the units of the data.
    gain_ : ndarray of shape (pixels,), or None
        Gain of each fitted pixel, where abundances sum to one up to a gain: X ~ diag(gain) A E.
    intercept_ : ndarray of shape (channels,), or None
        b, where the transform has an intercept: X ~ f(b + A E).
    n_iter_ : int
        Number of iterations.
    negative_share_ : float
        Sum of squares of negative values of X, relative to that of all values.
    objective_, relative_error_ : float
        Objective and relative error of the scaled problem at the end of the run.
    start_ : str
        Method that computed the start values.
    outcome_ : Outcome
        How the run ended; its value advises the user.
    trace_ : list of State
        States after each iteration, without factors.

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

    missing_entries: ClassVar[bool] = True
    _stream: OnlineFit | None = None  # set by partial_fit

    @checks_keywords()
    def __init__(
        self,
        n_components: int = 3,
        *,
        similarity: str | Similarity = "frobenius",
        abundance_terms: Sequence[Term] = (),
        endmember_terms: Sequence[Term] = (),
        weights: Any = None,
        transform: str | Transform | None = None,
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
        # The attribute `transform` is the method that scikit-learn requires, so the parameter of the same name is
        # stored in another attribute. Scikit-learn reads and sets parameters by get_params and set_params only (clone,
        # repr, grid search, pipelines), and these two methods translate the name.
        self._transform = transform
        self.init = init
        self.solver = solver
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return all parameters by name, as for every scikit-learn estimator."""
        return {**super().get_params(deep), "transform": self._transform}

    def set_params(self, **params: Any) -> Self:
        """Set parameters by name, as for every scikit-learn estimator."""
        self._transform = params.pop("transform", self._transform)
        super().set_params(**params)
        return self

    def fit_transform(
        self, X: Array | Matrix, y: None = None, *, callback: Callable[[State], object] | None = None
    ) -> Float64Array:
        """Fit the endmembers to X (pixels, channels) and return the abundances (pixels, k).

        Parameters
        ----------
        X
            Numbers, (pixels, channels), or a matrix of :mod:`mffnb.matrices`; not modified. NaN marks missing entries;
            the factors of pixels and channels without any data are NaN.
        y
            Ignored.
        callback
            Called with a :class:`mffnb.solvers.State` after each iteration; returning True ends the run.
        """
        matrix = self._lean(X)
        A = self.factorize(matrix, callback)
        used = matrix.total(np.count_nonzero(A, axis=0))
        warn_if_poor(used, self.components_, self.outcome_, self.negative_share_)
        warn_if_certain(A, self.components_, self.mapped_)
        unobserved = find_unobserved(matrix)
        warn_if_unobserved(matrix, unobserved)
        self.components_ = unobserved.blank_spectra(self.components_)
        return unobserved.blank(np.ascontiguousarray(A))

    def factorize(
        self, matrix: Matrix, callback: Callable[[State], object] | None = None, keeper: Keeper | None = None
    ) -> Float64Array:
        """Factor a matrix of :mod:`mffnb.matrices` without warnings of the result; return A (pixels of this rank, k).

        With a writer of checkpoints (``keeper``), the run continues from the state that it has stored.
        """
        fitted = fit(FactorizationRun(**self.get_params(deep=False)), matrix, callback, keeper)
        self._stream = None
        self._set_fitted(fitted)
        return fitted.abundances

    def _set_fitted(self, fitted: Fitted) -> None:
        """Set the attributes of the fitted model."""
        problem, state, matrix = fitted.problem, fitted.state, fitted.matrix
        self.start_, self.trace_ = fitted.start, fitted.trace
        self.components_, self.gain_ = fitted.endmembers, fitted.factors.gain
        self.columns_ = None if problem.columns is None else replicate_columns(matrix, problem.columns)
        self.several_minima_ = isinstance(problem.misfit, BandedMisfit) and not problem.misfit.convex
        self.fitted_sums_ = _pixel_sums(matrix) if problem.needs_pixel_weights or self.several_minima_ else None
        self.multipliers_ = ball_multipliers(problem, state)
        self.channel_weights_, self.needs_pixel_weights_ = problem.channel_weights, problem.needs_pixel_weights
        self.negative_share_ = fitted.negative_share
        self.scale_, self.size_ = problem.scale, fitted.factors.size
        self.similarity_, self.intercept_ = problem.similarity, state.intercept
        self.n_iter_, self.outcome_ = state.iteration, state.outcome
        self.objective_, self.relative_error_ = state.objective, state.relative_error
        self.n_components_ = self._n_features_out = self.components_.shape[0]
        self.n_features_in_ = matrix.shape[1]

    def partial_fit(self, X: Array, y: None = None) -> Self:
        """Update the endmembers with the next pixels of a stream, in memory that does not grow with the stream.

        The first call begins a stream, and so does the first one after :meth:`fit`. Abundances of the pixels are not
        kept: :meth:`transform` computes them, best after the end of the stream. :class:`mffnb.estimators.online`
        describes the method. Settings must not change during a stream. ``n_samples_seen_`` counts the pixels;
        attributes of the run (``trace_``, ``objective_``, ``gain_``) are those of the last fit of the kept sample.

        Parameters
        ----------
        X
            The next pixels, (pixels, channels): an array or a sparse matrix. NaN marks missing entries, and pixels
            without data are left out.
        y
            Ignored.

        Raises
        ------
        UnsupportedCombinationError
            For a similarity other than least squares and "kl", penalties, constraints and weights with "kl", a fitted
            transform, abundance terms that couple pixels or hold values of single pixels, and weights of pixels.

        Examples
        --------
        >>> import mffnb as mf
        >>> X = mf.datasets.raman_map(seed=0).cube.values.reshape(-1, 400)
        >>> model = mf.MatrixFactorization(2, abundance_terms=[mf.Sparsity(1e-3)], random_state=0)
        >>> for rows in np.array_split(X, 8):
        ...     model = model.partial_fit(rows)
        >>> model.components_.shape, model.n_samples_seen_ == len(X)
        ((2, 400), True)
        """
        if holds_no_pixels(X):
            return self
        matrix = as_matrix(self, X, reset=self._stream is None, missing=True)
        if self._stream is None:
            stream = online_fit(FactorizationRun(**self.get_params(deep=False)), matrix.shape[1])
        else:
            stream = self._stream
        if stream.add(matrix):
            self._set_fitted(stream.fitted)
        self._stream = stream
        self.components_, self.size_ = stream.spectra, stream.size
        self.n_samples_seen_ = stream.seen
        return self

    def iterate(self, X: Array | Matrix) -> Iterator[State]:
        """Run the factorization of X and yield its states, with factors in data units, without setting attributes."""
        yield from FactorizationRun(**self.get_params(deep=False)).iterate(self._lean(X))

    def transform(self, X: Array | Matrix) -> Float64Array:
        """Return the abundances (pixels, k) of new spectra for the fitted endmembers, with the same penalties.

        Where the abundances of a pixel depend on its weights, only the fitted spectra themselves are accepted. One
        component per pixel (Orthogonal) needs least squares; the best one is found exactly if data are complete. For
        linearly independent endmembers, the abundances of the fitted spectra converge to those of
        :meth:`fit_transform` as ``tol`` decreases; for total variation, up to the accuracy of its proximal operator
        (1e-5). With more components than channels the abundances are not unique, and a loss that is not convex
        (Itakura-Saito, for example) may have several minima.
        """
        check_is_fitted(self)
        if holds_no_pixels(X):
            return np.empty((0, len(self.components_)))
        matrix = as_matrix(self, X, reset=False, missing=True)
        weights, is_fitted_data = None, self._is_fitted_data(matrix)
        if self.needs_pixel_weights_:
            if self.multipliers_ or not is_fitted_data:
                raise UnsupportedCombinationError(
                    "the fitted abundances depend on the weights of pixels or entries, which new spectra, or fitted "
                    "ones in another order, do not have: use the result of fit_transform, or weights of channels only"
                )
            weights = self.weights
        abundances, converged = self._transformed(matrix, weights, exact=True)
        if not converged:
            warn(
                f"the abundances did not converge in max_iter = {self.max_iter} iterations: raise max_iter, or use the "
                "result of fit_transform for the fitted data",
                ConvergenceWarning,
            )
        elif is_fitted_data and self.several_minima_:
            warn(
                f"{type(self.similarity_).__name__} is not convex, so the abundances of some fitted pixels may differ "
                "from those of fit_transform: use the result of fit_transform for the fitted data",
                ConvergenceWarning,
            )
        return abundances

    def transform_weighted(self, X: Array | Matrix, weights: Any = None) -> Float64Array:
        """Return the abundances as :meth:`transform` does, with these weights, or None for equal weights of pixels.

        They may serve as start values, so it gives no warning if they did not converge.
        """
        return self._transformed(as_matrix(self, X, reset=False, missing=True), weights)[0]

    def _is_fitted_data(self, matrix: Matrix) -> bool:
        """Return whether a matrix holds the fitted pixels in the order of the fit, in any storage.

        False where the fit did not keep what recognises them, because nothing depends on it.
        """
        fitted = self.fitted_sums_
        if fitted is None:
            return False
        sums = _pixel_sums(matrix)
        rounding = 1e-3 * _SAME * float(np.abs(sums).max(initial=0.0))
        differs = sums.shape != fitted.shape or not np.allclose(sums, fitted, rtol=_SAME, atol=rounding)
        return not matrix.total(np.array(float(differs)))

    def _transformed(self, matrix: Matrix, weights: Any, *, exact: bool = False) -> tuple[Float64Array, bool]:
        """Return the abundances of validated data, and whether they converged.

        With ``exact``, subproblems that have several minima are refused.
        """
        # New pixels use the scale of the fitted pixels, so that penalty weights have the same effect.
        unobserved = find_unobserved(matrix)
        unfitted = unfitted_channels(unobserved, self.components_)
        warn_if_unobserved(matrix, unobserved, channels=False)
        columns = None if self.columns_ is None else self.columns_[matrix.own_columns]
        problem = for_new_pixels(
            matrix, cast("Similarity", self.similarity_), (*self.abundance_terms, *self.multipliers_), columns,
            self.scale_, named_transform(self._transform), self.intercept_, self.channel_weights_, weights,
        )  # fmt: skip
        # X has no data in channels without endmembers, so that the value 0 there has no effect.
        spectra = np.where(unfitted, 0.0, self.components_)[:, matrix.own_columns]
        endmembers = np.ascontiguousarray(spectra) / self.size_[:, None]
        if columns is not None:
            endmembers = endmembers * columns
        # Start from equal fractions, which satisfy every constraint.
        abundances = np.full((len(endmembers), matrix.own.stop - matrix.own.start), 1.0 / len(endmembers))
        abundances *= self._start_size(endmembers)
        with single_threaded_blas():
            if exact:
                self._check_one_minimum(problem, abundances, endmembers)
            converged = solve_abundances(
                abundances, endmembers, problem, solver=self.solver, max_iter=self.max_iter, tol=self.tol
            )
        if not np.isfinite(abundances).all():
            raise ValueError(
                f"abundances are not finite, because the endmembers (largest {np.nanmax(self.components_):.3g}) are "
                "too small or too large for these data: scale the data to the order of the bounds, or leave them out"
            )
        if problem.gauge is not Gauge.GAIN:
            return unobserved.blank(np.ascontiguousarray(abundances.T) / (self.size_ * self.scale_)), converged
        amounts = np.ascontiguousarray(abundances.T) / self.size_
        return unobserved.blank(np.asarray(amounts / amounts.sum(axis=1, keepdims=True))), converged

    def _start_size(self, endmembers: Float64Array) -> float:
        """Return the size of start abundances: that of the scaled data where bounds fix the size of endmembers alone.

        Everywhere else the scaled problem has abundances and endmembers of the order of 1.
        """
        bounded = any(isinstance(term, Bounds) for term in self.endmember_terms)
        largest = float(np.abs(endmembers).max(initial=0.0))
        return 1.0 / largest if bounded and not self.abundance_terms and largest > 0 else 1.0

    def _check_one_minimum(self, problem: Problem, abundances: Float64Array, endmembers: Float64Array) -> None:
        """Refuse one component per pixel (Orthogonal) where only HALS would find the best one, and cannot be used.

        Where only missing entries are the reason, it warns.
        """
        half = problem.with_abundance_terms(problem.misfit.abundance_half(abundances, endmembers))
        solver = named_solver(self.solver)
        solver = solver.solver if isinstance(solver, Extrapolated) else solver
        by_hals = isinstance(solver, (Auto, Hals)) and Hals().refuses(half) is None
        exact = by_hals and not problem.misfit.majorized
        if half.single and by_hals and not exact and not problem.matrix.complete:  # scikit-learn wants them taken
            warn(
                "one component per pixel (Orthogonal) has several minima where entries are missing: the abundances may "
                "differ from those of fit_transform, which are better for the fitted data",
                ConvergenceWarning,
            )
        elif half.single and not exact:
            raise UnsupportedCombinationError(
                "one component per pixel (Orthogonal) has several minima here, so new abundances would depend on their "
                "start: use the result of fit_transform, or solver='auto' with least squares of complete data and "
                "without further terms"
            )

    def score(self, X: Array | Matrix, y: None = None) -> float:
        """Return how well the model predicts held-out channels of X; higher is better.

        As :meth:`LinearModel.score`; for counts (``similarity="kl"``) it is the mean Poisson log-likelihood of an entry
        instead of the explained variance.

        Examples
        --------
        >>> import mffnb as mf
        >>> from sklearn.model_selection import GridSearchCV
        >>> X = mf.datasets.raman_map(seed=0).cube.values.reshape(-1, 400)[::40]
        >>> search = GridSearchCV(mf.MatrixFactorization(random_state=0), {"n_components": [1, 2]}).fit(X)
        >>> search.best_params_
        {'n_components': 2}
        """
        data = self._checked_data(X)
        model = held_out(data, self._predicted)
        if isinstance(self.similarity_, KullbackLeibler):
            return poisson_log_likelihood(data, model)
        return explained_variance(data, model)

    def _predicted(self, X: Float64Array, kept: Array) -> Float64Array:
        """Return the model of X, with a gain by least squares over the kept channels where the model has one."""
        model = super()._predicted(X, kept)
        if self.gain_ is None:
            return model
        given, fitted = np.nan_to_num(X[:, kept]), np.where(np.isfinite(X[:, kept]), np.nan_to_num(model[:, kept]), 0.0)
        size = (fitted**2).sum(axis=1)
        gain = (given * fitted).sum(axis=1) / np.where(size > 0, size, 1.0)
        predicted: Float64Array = model * gain[:, None]
        return predicted

    def inverse_transform(self, A: Array) -> Float64Array:
        """Return spectra (pixels, channels) for abundances A (pixels, k), through the transform and without gain."""
        spectra = super().inverse_transform(A)
        mapped = self.mapped_
        return spectra if mapped is None else np.asarray(mapped.apply(spectra))

    @property
    def mapped_(self) -> Mapped | None:
        """The transform between model and data with its fitted intercept; None for the identity."""
        return mapped(self.similarity, self._transform, self.intercept_)

    def _lean(self, X: Array | Matrix) -> Matrix:
        """Convert X to the storage with the fewest bytes; a matrix of :mod:`mffnb.matrices` is returned unchanged."""
        matrix = as_matrix(self, X, reset=True, missing=True)
        return matrix if matrix is X else sparse_if_smaller(matrix)


def _pixel_sums(matrix: Matrix) -> Float64Array:
    """Return a sum of the channels of each pixel with random positive weights, (own pixels,), to recognise pixels."""
    weights = np.random.default_rng(0).uniform(1.0, 2.0, matrix.shape[1])
    return np.asarray(matrix.times(np.ascontiguousarray(weights[None, matrix.own_columns]))[0])
