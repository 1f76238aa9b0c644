"""Abundances for known endmembers by constrained least squares."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.utils.validation import check_is_fitted

from mffnb.errors import DegenerateWarning, UnsupportedCombinationError, warn
from mffnb.estimators.base import LinearModel, holds_no_pixels
from mffnb.estimators.missing_data import ObservedPart, leave_out_unobserved
from mffnb.kernels import pivoting, simplex
from mffnb.matrices import Partial, in_memory
from mffnb.matrices.checking import as_matrix, check_proportion, check_size, mean_size
from mffnb.protocols.matrix import Matrix, is_matrix
from mffnb.typing import Array, Float64Array

# Normal equations square the condition number: above this one, abundances have fewer than four correct digits.
_LARGEST_CONDITION = 1e6
_SINGULAR = 1e-12  # relative to the largest singular value: smaller singular values are rounding errors


class KnownEndmembers(LinearModel):
    r"""Exact abundances of given endmembers in every pixel by constrained least squares.

    .. math:: \min_a \tfrac12 \lVert x - a E \rVert^2 \quad\text{subject to}\quad
              l \le a \le u \quad\text{or}\quad a \ge 0,\ \textstyle\sum_j a_j = 1

    Abundances have the units that E implies; nothing is rescaled. For linearly dependent endmembers the abundances are
    not unique: a tiny ridge then selects one solution, and a warning is issued. NaN marks missing entries: each pixel
    is fitted in its channels with data, and abundances of pixels without data are NaN.

    Source: Kim & Park 2011, SIAM J. Sci. Comput. 33:3261 (bounds); Heinz & Chang 2001, IEEE TGRS 39:529 (sum to one).

    Parameters
    ----------
    endmembers
        Endmembers E, (k, channels), in the units of the data.
    sum_to_one
        Whether the abundances of a pixel sum to one (fully constrained least squares).
    bounds
        ``(lower, upper)`` in the units of the abundances, each a number or one for each component, infinite for none;
        they replace ``non_negative``.
    non_negative
        Whether abundances are non-negative; otherwise, without bounds, this is ordinary least squares.

    Attributes
    ----------
    components_ : ndarray of shape (k, channels)
        Endmembers E as float64.
    condition_number_ : float
        Condition number of E with rows of norm 1: upper bound on the amplification of relative errors.

    Examples
    --------
    >>> import numpy as np
    >>> E = np.array([[1.0, 0.0, 1.0], [0.0, 2.0, 1.0]])
    >>> X = np.array([[0.5, 1.0, 1.0], [1.0, -1.0, 1.0]])
    >>> KnownEndmembers(E).fit_transform(X).round(3).tolist()
    [[0.5, 0.5], [1.0, 0.0]]
    >>> KnownEndmembers(E, bounds=(0, [0.4, np.inf])).fit_transform(X).round(3).tolist()
    [[0.4, 0.52], [0.4, 0.0]]
    """

    missing_entries: ClassVar[bool] = True

    def __init__(
        self,
        endmembers: Array,
        *,
        sum_to_one: bool = False,
        bounds: tuple[Any, Any] | None = None,
        non_negative: bool = True,
    ):
        self.endmembers = endmembers
        self.sum_to_one = sum_to_one
        self.bounds = bounds
        self.non_negative = non_negative

    def fit(self, X: Array | Matrix, y: None = None) -> KnownEndmembers:
        """Check the endmembers against the shape of X (pixels, channels); its values are not used.

        Raises
        ------
        ValueError
            If E or the bounds have the wrong shape or hold impossible values.
        UnsupportedCombinationError
            If sum-to-one is combined with other bounds or with negative abundances.
        """
        self._fit(X)
        return self

    def partial_fit(self, X: Array | Matrix, y: None = None) -> KnownEndmembers:
        """Check the endmembers against some of the pixels, as :meth:`fit` does: for data that are read in batches.

        :meth:`transform` then returns the abundances of each batch.
        """
        if not holds_no_pixels(X):
            self._fit(X, reset="components_" not in vars(self))
        return self

    def fit_transform(self, X: Array | Matrix, y: None = None) -> Float64Array:
        """Check the endmembers against X (pixels, channels) and return its abundances (pixels, k)."""
        return self._abundances(self._fit(X))

    def transform(self, X: Array | Matrix) -> Float64Array:
        """Return abundances (pixels, k) of X (pixels, channels); of the pixels of this rank if X is distributed."""
        check_is_fitted(self)
        if holds_no_pixels(X):
            return np.empty((0, len(self.components_)))
        return self._abundances(self._observed(as_matrix(self, X, reset=False, missing=not is_matrix(X))))

    def _fit(self, X: Array | Matrix, *, reset: bool = True) -> ObservedPart:
        matrix = as_matrix(self, X, reset=reset, missing=not is_matrix(X))
        check_size(matrix)
        self.components_ = self._checked(matrix.shape[1])
        check_proportion(self.components_, mean_size(matrix), "endmembers", fractions=self.sum_to_one)
        self._n_features_out = len(self.components_)
        self._lower, self._upper = self._limits(len(self.components_))
        self.condition_number_ = _condition(_unit(self.components_)[0])
        if self.condition_number_ > _LARGEST_CONDITION:
            warn(
                f"the endmembers are hardly linearly independent (condition number {self.condition_number_:.0e}): "
                "many abundances explain a pixel equally well; drop or merge spectra that resemble each other",
                DegenerateWarning,
            )
        return self._observed(matrix)

    def _observed(self, matrix: Matrix) -> ObservedPart:
        """Return the pixels and channels with data; the endmembers are known in all channels."""
        return leave_out_unobserved(self, matrix, fitted=self.components_)

    def _checked(self, channels: int) -> Float64Array:
        """Return a checked float64 copy of E for data with this number of channels."""
        given = np.array(self.endmembers, dtype=np.float64)
        if given.ndim != 2 or len(given) == 0:
            raise ValueError(f"endmembers must have shape (k, channels), got {given.shape}")
        if given.shape[1] != channels:
            raise ValueError(
                f"the endmembers have {given.shape[1]} channels and X has {channels}: "
                "interpolate them to the channels of X, as in numpy.interp"
            )
        if not np.isfinite(given).all():
            raise ValueError("the endmembers hold NaN or infinite values: fill them, with numpy.nan_to_num say")
        return given

    def _limits(self, k: int) -> tuple[Float64Array, Float64Array]:
        """Return the lower and the upper bounds of the abundances, (k,) each."""
        if self.sum_to_one and (self.bounds is not None or not self.non_negative):
            raise UnsupportedCombinationError(
                "abundances that sum to one are non-negative and have no other bounds here: "
                "leave out bounds and non_negative, or sum_to_one"
            )
        bounds = (0.0 if self.non_negative else -np.inf, np.inf) if self.bounds is None else self.bounds
        if len(bounds) != 2:
            raise ValueError(f"bounds must be a pair (lower, upper), got {len(bounds)} values")
        sides = [np.asarray(side, dtype=np.float64) for side in bounds]
        if any(side.shape not in ((), (k,)) for side in sides):
            raise ValueError(f"each side of bounds must be a number or {k} numbers, one for each endmember")
        lower, upper = (np.array(np.broadcast_to(side, k)) for side in sides)
        if not (np.all(lower <= upper) and np.all(lower < np.inf) and np.all(upper > -np.inf)):
            raise ValueError("bounds must leave room: lower <= upper, and neither of them NaN")
        return lower, upper

    def _abundances(self, part: ObservedPart) -> Float64Array:
        """Return the abundances of all pixels, (pixels, k), from the channels in which each pixel has data."""
        endmembers = np.ascontiguousarray(self.components_[:, part.channels])
        if not isinstance(part.matrix, Partial):
            return part.unobserved.insert_pixels(self._solved(part.matrix, endmembers))
        rows = np.asarray(part.matrix.array)
        if not len(rows):
            return np.full((len(part.unobserved.pixels), len(endmembers)), np.nan)
        # Pixels with data in the same channels are solved together.
        known = ~np.isnan(rows)
        _, pattern = np.unique(np.packbits(known, axis=1), axis=0, return_inverse=True)
        order = np.argsort(pattern.ravel(), kind="stable")
        abundances, undetermined = np.empty((len(rows), len(endmembers))), 0
        for pixels in np.split(order, np.flatnonzero(np.diff(pattern.ravel()[order])) + 1):
            there = known[pixels[0]]
            some = np.ascontiguousarray(endmembers[:, there])
            undetermined += len(pixels) if _condition(_unit(some)[0]) > _LARGEST_CONDITION else 0
            abundances[pixels] = self._solved(in_memory(rows[np.ix_(pixels, there)]), some)
        if undetermined and self.condition_number_ <= _LARGEST_CONDITION:
            warn(
                f"{undetermined} pixels have data in too few channels to tell the endmembers apart: many abundances "
                "explain them equally well; leave these pixels out",
                DegenerateWarning,
            )
        return part.unobserved.insert_pixels(abundances)

    def _solved(self, matrix: Matrix, endmembers: Float64Array) -> Float64Array:
        """Return the abundances (pixels, k) of complete data for endmembers (k, channels)."""
        k = len(endmembers)
        if np.isneginf(self._lower).all() and np.isposinf(self._upper).all():
            # Without bounds, the pseudo-inverse is more accurate than the normal equations of the kernel.
            directions, norms = _unit(endmembers)
            inverse = np.linalg.pinv(directions, rcond=_SINGULAR) / norms.T
            return np.ascontiguousarray(matrix.times(np.ascontiguousarray(inverse.T, dtype=np.float64)).T)
        gram, cross = endmembers @ endmembers.T, matrix.times(endmembers)
        if self.sum_to_one:
            abundances = np.full_like(cross, 1 / k)
            simplex.sweep_simplex(abundances, gram, cross, np.ones(1))
        else:
            abundances = np.zeros_like(cross)
            # Copy the factors: those of a model from a file may be read-only, for which the kernel would be compiled
            # again.
            lower, upper = self._lower.copy(), self._upper.copy()
            pivoting.solve_box(abundances, gram, cross, lower, upper, np.ones(cross.shape[1]))
        return np.ascontiguousarray(abundances.T)


def _unit(endmembers: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Return the endmembers scaled to norm 1, and their norms (k, 1); zero endmembers stay zero."""
    norms = np.linalg.norm(endmembers, axis=1, keepdims=True)
    norms[norms == 0] = 1.0
    return endmembers / norms, norms


def _condition(basis: Float64Array) -> float:
    """Return the condition number: the ratio of the largest to the smallest singular value of all rows."""
    values = np.linalg.svd(basis, compute_uv=False)
    if len(basis) > basis.shape[1] or values[-1] == 0:
        return float("inf")
    return float(values[0] / values[-1])
