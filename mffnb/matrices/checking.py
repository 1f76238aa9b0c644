"""Validation of the data passed to an estimator: anything scikit-learn accepts, or a matrix of this package."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from mffnb.matrices import Partial, Sparse, in_memory
from mffnb.matrices.block_products import NATIVE
from mffnb.matrices.local import CACHE_BYTES, band_limits
from mffnb.protocols.matrix import Matrix, is_matrix
from mffnb.typing import Array, Seed

# Numbers that are combined may differ by this factor: products of three of them stay within the range of float64.
_PROPORTION = 1e60
# Factor that costs half of the digits: the limit where abundances that sum to one cannot make up for it.
_PROPORTION_OF_FRACTIONS = 1e8
_LARGEST = 1e145  # sums of squares of larger numbers may overflow
# Smaller sums of squares lose digits to subnormal numbers, in this sum or in the Gram matrices.
_SMALLEST = 1e-290


def as_matrix(estimator: Any, X: Any, *, reset: bool, missing: bool = False) -> Matrix:
    """Validate X (pixels, channels) as scikit-learn does and wrap it as a matrix, without copying it.

    Parameters
    ----------
    estimator
        Estimator whose attribute ``n_features_in_`` (number of channels) is set from X, or compared with X.
    X
        Array, data frame or sparse matrix of finite numbers, or a matrix of :mod:`mffnb.matrices`.
    reset
        True while fitting, to set ``n_features_in_``; False to compare it with X.
    missing
        Whether NaN is accepted and means a missing entry.

    Raises
    ------
    ValueError
        If X has the wrong shape, or NaN or infinite values.
    """
    if is_matrix(X):
        if reset:
            estimator.n_features_in_ = X.shape[1]
        elif X.shape[1] != estimator.n_features_in_:
            raise ValueError(f"X has {X.shape[1]} channels, the fitted components have {estimator.n_features_in_}")
        if not (missing or X.complete):
            raise ValueError(f"{type(estimator).__name__} needs complete data: mask pixels with missing entries first")
        return X
    from sklearn.utils.validation import validate_data  # noqa: PLC0415  slow import, not needed by the explorer

    finite = "allow-nan" if missing else True
    dtypes = sorted(NATIVE, key=lambda kind: -kind.itemsize)  # scikit-learn converts other types to the first one
    with np.errstate(over="ignore", invalid="ignore"):  # scikit-learn sums X to find infinite values
        X = validate_data(
            estimator, X, reset=reset, accept_sparse=("csr", "csc"), dtype=dtypes, ensure_all_finite=finite
        )
    if sparse.issparse(X):
        if np.isnan(X.data).any():
            raise ValueError("a sparse X must not contain NaN: make it dense for missing entries, X.toarray()")
        return Sparse(X)
    if not (missing and _any_nan(X)):
        return in_memory(X)
    if reset and all(bool(np.isnan(X[start:stop]).all()) for start, stop in band_limits(X.shape, CACHE_BYTES)):
        raise ValueError("all entries of X are missing (NaN), so there is nothing to fit: check how the data were read")
    return Partial(X)


def _any_nan(X: Array) -> bool:
    """Return whether X contains NaN, tested band by band, since a mask of all of X takes an eighth of its memory."""
    return any(bool(np.isnan(X[start:stop]).any()) for start, stop in band_limits(X.shape, CACHE_BYTES))


def check_size(matrix: Matrix) -> None:
    """Refuse data whose sum of squares overflows or underflows float64."""
    with np.errstate(over="ignore", invalid="ignore"):
        squared = matrix.squared_norm
    if np.isnan(squared):
        raise ValueError("the data hold NaN, and missing entries need an array in memory: load the data first")
    if squared == 0:
        # Either all entries are zero, or their squares underflow. The product of X with positive weights of the
        # channels, computed without squares, separates the two cases.
        any_left = np.any(matrix.times(np.linspace(1.0, 2.0, matrix.shape[1])[None, matrix.own_columns]))
        small = bool(matrix.total(np.array(float(any_left))))
    else:
        small = squared < _SMALLEST
    if small or not np.isfinite(squared):
        size = "small" if small else "large"
        raise ValueError(f"the data are too {size} for the sum of their squares: divide them by their maximum first")


def mean_size(matrix: Matrix) -> float:
    """Return the root mean square of the norms of the pixels; 1 for data that are zero or have no pixels."""
    return float(np.sqrt(matrix.squared_norm / max(matrix.shape[0], 1))) or 1.0


def check_proportion(values: Any, unit: float, what: str, *, fractions: bool = False) -> None:
    """Refuse numbers that differ from the data by so many orders of magnitude that their products lose all digits.

    Parameters
    ----------
    values
        Numbers, of which the largest finite one is compared; zeros are accepted.
    unit
        Size of the data in the same units.
    what
        Name of the numbers, in the plural.
    fractions
        Whether abundances sum to one, so that both must have about the same size.
    """
    largest = _PROPORTION_OF_FRACTIONS if fractions else _PROPORTION
    sizes = np.abs(np.asarray(values, dtype=np.float64))
    size = float(np.max(sizes, initial=0.0, where=np.isfinite(sizes)))
    if size > 0 and unit > 0 and not (1 / largest <= size / unit <= largest and size <= _LARGEST):
        raise ValueError(
            f"{what} of {size:.3g} and data of {unit:.3g} are too far apart for their products: give both in the "
            "same units, and divide data and endmembers by one common number"
        )


def drawn_seed(random_state: Seed) -> int:
    """Return ``random_state`` as an integer seed, drawn from it if it is a generator, so that results can record it."""
    if isinstance(random_state, (int, np.integer)) and random_state >= 0:
        return int(random_state)
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31))
    try:
        return int(np.random.default_rng(random_state).integers(2**31))
    except (TypeError, ValueError):
        raise ValueError(
            f"random_state must be None, a whole number >= 0 or a generator of numpy.random, got {random_state!r}"
        ) from None
