"""Bounded matrix factorization: the product of the factors stays within bounds (ratings, fractions, probabilities)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from mffnb.errors import ConvergenceWarning, warn
from mffnb.estimators.base import LinearModel
from mffnb.estimators.missing_data import ObservedPart, leave_out_unobserved
from mffnb.geometry.starts import NNDSVD
from mffnb.kernels import polyhedron
from mffnb.matrices import Partial, in_memory
from mffnb.matrices.checking import check_proportion, check_size, drawn_seed, mean_size
from mffnb.matrices.local import CACHE_BYTES, band_limits
from mffnb.matrices.partial import impute_mean_spectrum
from mffnb.typing import Array, Float64Array, Seed

_MARGIN = 1e-13  # safety margin relative to the bounds, so that rounding does not violate them


class BoundedFactorization(LinearModel):
    r"""Approximate the known entries of a matrix by a product that stays within bounds everywhere.

    .. math:: \min_{A, E \ge 0} \sum_{(i, m)\ \text{known}} (x_{im} - a_i e_m)^2 \qquad
              l \le a_i e_m \le u \quad\text{for all}\ (i, m)

    While one factor is fixed, each row of the other one is the solution of a quadratic programme in k dimensions, which
    is solved exactly. The objective never rises and no entry of the product leaves its bounds. NaN marks unknown
    entries; factors of pixels and channels without any known entry are NaN. Besides X and the factors, only a band of
    rows is in memory.

    Source: Kannan, Ishteva & Park 2014, Knowledge and Information Systems 39:491 (which updates single numbers; under
    bounds that couple them, such steps can stop above the minimum).

    Parameters
    ----------
    n_components
        Number of components k.
    lower, upper
        Bounds l < u of the product, in the units of the data.
    non_negative
        Whether both factors are non-negative.
    max_iter
        Maximum number of iterations; each one updates both factors.
    tol
        The run ends when an iteration lowers the residual norm by less than this fraction of the norm of X.
    random_state
        Seed of the random sketch for the start values.

    Attributes
    ----------
    components_ : ndarray of shape (k, channels)
        Components E.
    n_iter_ : int
        Number of iterations.
    trace_ : ndarray of shape (iterations + 1,)
        Sum of squares before the first and after each iteration.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[5.0, 1.0, np.nan], [1.0, 5.0, 3.0], [5.0, np.nan, 3.0], [5.0, 1.0, 3.0]])
    >>> model = BoundedFactorization(2, lower=1, upper=5, random_state=0)
    >>> A = model.fit_transform(X)
    >>> product = A @ model.components_
    >>> bool(product.min() >= 1), bool(product.max() <= 5), np.round(product[0], 2)[:2]
    (True, True, array([5., 1.]))
    """

    missing_entries: ClassVar[bool] = True

    def __init__(
        self,
        n_components: int = 2,
        *,
        lower: float = 0.0,
        upper: float = 1.0,
        non_negative: bool = True,
        max_iter: int = 200,
        tol: float = 1e-5,
        random_state: Seed = None,
    ):
        self.n_components = n_components
        self.lower = lower
        self.upper = upper
        self.non_negative = non_negative
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    def fit_transform(self, X: Array, y: None = None) -> Float64Array:
        """Fit to X (pixels, channels), with NaN for unknown entries, and return A (pixels, k)."""
        part = self._checked(X, reset=True)
        X = _array(part)
        A, E = self._start(X)
        size = float(np.sqrt(max(_squares(X), np.finfo(float).tiny)))
        self.trace_ = np.array([_squares(X, A, E)])
        for iteration in range(1, self.max_iter + 1):
            self.n_iter_ = iteration
            self._half_step(X, A, E)
            self.trace_ = np.append(self.trace_, self._half_step(X.T, E, A))
            before, after = np.sqrt(self.trace_[-2:])
            if before - after <= self.tol * size:
                break
        else:
            warn("stopped at max_iter before the tolerance was met: raise max_iter", ConvergenceWarning)
        self.components_ = part.unobserved.insert_channels(np.ascontiguousarray(E.T))
        self._inside = A.mean(axis=0)  # the mean row is feasible, because the set of rows within the bounds is convex
        self._n_features_out = A.shape[1]
        return self._rows(part)

    def transform(self, X: Array) -> Float64Array:
        """Return A (pixels, k) for new data (pixels, channels), with a product within the bounds."""
        check_is_fitted(self)
        return self._rows(self._checked(X, reset=False, fitted=self.components_))

    def _rows(self, part: ObservedPart) -> Float64Array:
        """Return the abundances A (pixels, k) of X for the fitted components, with products within the bounds."""
        A = np.tile(self._inside, (part.matrix.shape[0], 1))
        self._half_step(_array(part), A, np.ascontiguousarray(self.components_[:, part.channels].T))
        return part.unobserved.insert_pixels(A)

    def __sklearn_tags__(self) -> Any:
        """Declare to scikit-learn that X must be dense."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        return tags

    def _checked(self, X: Array, *, reset: bool, fitted: Array | None = None) -> ObservedPart:
        k, lower, upper = self.n_components, self.lower, self.upper
        if not (isinstance(k, (int, np.integer)) and not isinstance(k, bool) and k >= 1):
            raise ValueError(f"n_components must be a whole number >= 1, got {k!r}")
        if not (np.isfinite(lower) and lower < upper and (upper > 0 or not self.non_negative)):
            raise ValueError(f"bounds must leave room, lower < upper with upper > 0, got {lower!r} and {upper!r}")
        if not (isinstance(self.max_iter, (int, np.integer)) and self.max_iter >= 1 and self.tol >= 0):
            raise ValueError(f"max_iter must be >= 1 and tol >= 0, got {self.max_iter!r} and {self.tol!r}")
        found: Array = validate_data(
            self, X, reset=reset, dtype=[np.float64, np.float32], ensure_all_finite="allow-nan"
        )
        # A transformation keeps all fitted channels, since the bounds of the product hold in each of them.
        part = leave_out_unobserved(self, Partial(found), fitted=fitted, keep=fitted is not None)
        check_size(part.matrix)
        check_proportion([lower, upper], mean_size(part.matrix), "bounds")
        return part

    def _start(self, X: Array) -> tuple[Float64Array, Float64Array]:
        """Return start values A (pixels, k), E (channels, k) within the bounds: lower bound plus NNDSVD of the rest."""
        above = self.lower > 0 or not self.non_negative
        floor = self.lower if above else 0.0
        missing = bool(np.isnan(X).any())
        rest = X if not above else X - X.dtype.type(floor)
        k = self.n_components - above
        A, E = np.zeros((k, X.shape[0])), np.zeros((k, X.shape[1]))
        if k:
            matrix = impute_mean_spectrum(Partial(rest)) if missing else in_memory(rest)
            A, E = NNDSVD().start(matrix, k, drawn_seed(self.random_state))
        largest = max((float((A[:, i:j].T @ E).max()) for i, j in band_limits(X.shape, CACHE_BYTES)), default=0.0)
        room = (self.upper - floor) * (1 - 1e-9)
        A *= min(1.0, room / largest) if largest > 0 else 1.0
        if above:
            A, E = np.vstack([np.ones(X.shape[0]), A]), np.vstack([np.full(X.shape[1], floor + 1e-12 * room), E])
        return np.ascontiguousarray(A.T), np.ascontiguousarray(E.T)

    def _half_step(self, X: Array, factor: Float64Array, other: Float64Array) -> float:
        """Set the rows of one factor, (rows, k), to their least-squares minimisers within the bounds, in place.

        Return the residual sum of squares.
        """
        margin = _MARGIN * max(abs(self.lower), abs(self.upper) if np.isfinite(self.upper) else 0.0)
        limits = self.lower + margin, self.upper - margin
        left = 0.0
        for start, stop, rows in _bands(X):
            left += polyhedron.fit_rows(rows, other, factor[start:stop], *limits, self.non_negative, margin)
        return left


def _array(part: ObservedPart) -> Array:
    """Return the array of the pixels and channels with data, with NaN for single missing entries."""
    assert isinstance(part.matrix, Partial)
    return np.asarray(part.matrix.array)


def _bands(X: Array) -> Iterator[tuple[int, int, Float64Array]]:
    for start, stop in band_limits((X.shape[0], X.shape[1]), CACHE_BYTES):
        yield start, stop, np.ascontiguousarray(X[start:stop], dtype=np.float64)


def _squares(X: Array, A: Float64Array | None = None, E: Float64Array | None = None) -> float:
    """Return the sum of squares of the known entries of X, or of X - A E^T if factors are given."""
    total = 0.0
    for start, stop, rows in _bands(X):
        left = rows if A is None or E is None else rows - A[start:stop] @ E.T
        total += float(np.nansum(left**2))
    return total
