"""Singular value decomposition (SVD) and principal component analysis (PCA)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import linalg
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from mffnb.estimators.base import LinearModel
from mffnb.estimators.missing_data import observed_part
from mffnb.matrices import replicate_columns
from mffnb.matrices.checking import check_size
from mffnb.matrices.svd import randomized_svd
from mffnb.protocols.matrix import Matrix, Products
from mffnb.typing import Array, Float64Array

# Largest number of entries (8 MB of float64) for which LAPACK is used; it then takes at most about half a second.
_SMALL = 2**20
# Singular values of noise decrease slowly: more power iterations than usual then improve the last components.
_OVERSAMPLING, _POWER = 12, 6


class LinearDecomposition(LinearModel):
    r"""Best approximation of given rank: singular value decomposition, or principal components if centred.

    .. math:: X \approx 1 m + A V, \qquad V V^T = 1, \quad A = U S

    with the mean spectrum m (zero if not ``centre``) and the leading singular triplets of X - 1 m. The entry of largest
    magnitude of each component is positive, which makes the signs unique. Pixels and channels without data (NaN) are
    left out; other spectra must be complete.

    Up to 2^20 entries (pixels x channels) LAPACK decomposes X exactly. For larger or distributed data, randomized
    subspace iteration (Halko, Martinsson & Tropp 2011, SIAM Review 53:217) needs memory for (k + 12) rows and columns
    beyond X. The mean is then subtracted from the products instead of X, so sparse data stay sparse. Components above
    the noise are accurate; components within the noise explain nearly as much as the exact ones, but may have other
    directions.

    Parameters
    ----------
    n_components
        Number of components k, at most the number of pixels and of channels.
    centre
        Whether to subtract the mean spectrum first: True gives principal components.
    random_state
        Seed of the random combinations of the randomized decomposition.

    Attributes
    ----------
    components_ : ndarray of shape (k, channels)
        Components V, orthonormal rows.
    singular_values_ : ndarray of shape (k,)
        S in decreasing order, in the units of the data.
    explained_variance_ratio_ : ndarray of shape (k,)
        Fraction of the sum of squares of X - 1 m; without centring, of X.
    mean_ : ndarray of shape (channels,)
        Mean spectrum m; zero without centring.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[3.0, 0.0], [0.0, 1.0], [-3.0, 0.0], [0.0, -1.0]])
    >>> model = LinearDecomposition(1)
    >>> A = model.fit_transform(X)
    >>> model.components_.round(6) + 0.0, model.explained_variance_ratio_.round(6)
    (array([[1., 0.]]), array([0.9]))
    """

    def __init__(self, n_components: int = 2, *, centre: bool = False, random_state: Any = 0):
        self.n_components = n_components
        self.centre = centre
        self.random_state = random_state

    def fit_transform(self, X: Array | Matrix, y: None = None) -> Float64Array:
        """Decompose X (pixels, channels) and return the scores A (pixels, k).

        Raises
        ------
        ValueError
            If there are more components than pixels or channels.
        """
        part = observed_part(self, X, reset=True)
        matrix = part.matrix
        check_size(matrix)
        k = self.n_components
        if not (isinstance(k, (int, np.integer)) and 1 <= k <= min(matrix.shape)):
            raise ValueError(
                f"n_components must be a whole number from 1 to the lesser of n_samples = {matrix.shape[0]} and "
                f"n_features = {matrix.shape[1]}, got {k!r}"
            )
        here = matrix.own.stop - matrix.own.start
        mean = matrix.transposed_times(np.ones((1, here)))[0] / matrix.shape[0] if self.centre else None
        spectrum = np.zeros(matrix.shape[1]) if mean is None else replicate_columns(matrix, mean)
        self.mean_ = part.unobserved.insert_channels(spectrum)
        centred = matrix if mean is None else Centred(matrix, mean)
        left, values, right, total = _triplets(centred, int(k), self.random_state)
        peaks = right[np.arange(k), np.argmax(np.abs(right), axis=1)]
        signs = np.where(peaks < 0, -1.0, 1.0)[:, None]
        self.components_, self.singular_values_ = part.unobserved.insert_channels(signs * right), values
        self.explained_variance_ratio_ = values**2 / total if total > 0 else np.zeros(k)
        self._n_features_out = int(k)
        return part.unobserved.insert_pixels(np.ascontiguousarray((signs * values[:, None] * left).T))

    def transform(self, X: Array | Matrix) -> Float64Array:
        """Return the scores (pixels, k) of X (pixels, channels)."""
        check_is_fitted(self)
        part = observed_part(self, X, reset=False, fitted=self.components_, keep=True)
        components, mean = self.components_[:, part.channels], self.mean_[part.channels]
        products = part.matrix.times(np.ascontiguousarray(components[:, part.matrix.own_columns]))
        return part.unobserved.insert_pixels(np.ascontiguousarray((products - (components @ mean)[:, None]).T))

    def _predicted(self, X: Float64Array, kept: Array) -> Float64Array:
        """Return the model of X, with scores by least squares over the kept channels.

        :meth:`transform` projects, which is least squares for all channels only.
        """
        scores = linalg.lstsq(self.components_[:, kept].T, (X[:, kept] - self.mean_[kept]).T)[0]
        return self.inverse_transform(scores.T)

    def inverse_transform(self, A: Array) -> Float64Array:
        """Return the spectra (pixels, channels) that belong to scores A (pixels, k), including the mean spectrum."""
        return super().inverse_transform(A) + self.mean_


@dataclass(frozen=True, eq=False)
class Centred:
    """The centred matrix X - 1 m: products subtract one spectrum m from each row, without changing the stored X.

    Parameters
    ----------
    matrix
        Data matrix X, (pixels, channels).
    mean
        m, the spectrum that is subtracted, (channels of this rank,).
    """

    matrix: Matrix
    mean: Float64Array

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and columns on all MPI ranks."""
        return self.matrix.shape

    @property
    def shared(self) -> bool:
        """Whether the matrix is distributed over several ranks."""
        return self.matrix.shared

    @property
    def own(self) -> slice:
        """Range of the rows of X whose factor entries (pixels) this MPI rank computes."""
        return self.matrix.own

    @property
    def own_columns(self) -> slice:
        """Range of the columns of X whose factor entries (channels) this MPI rank computes."""
        return self.matrix.own_columns

    def times(self, basis: Float64Array) -> Float64Array:
        """Return ``basis (X - 1 m)^T`` for the rows of X on this MPI rank, (k, rows of this rank)."""
        return self.matrix.times(basis) - self.matrix.total(basis @ self.mean)[:, None]

    def transposed_times(self, factor: Float64Array) -> Float64Array:
        """Return ``factor (X - 1 m)`` for the columns of X on this MPI rank, (k, columns of this rank)."""
        sums = self.matrix.total(factor.sum(axis=1))
        return self.matrix.transposed_times(factor) - sums[:, None] * self.mean

    def total(self, part: Float64Array) -> Float64Array:
        """Return the sum over all MPI ranks."""
        return self.matrix.total(part)

    @cached_property
    def squared_norm(self) -> float:
        """The sum of squares of X - 1 m, where m is the mean of all rows."""
        of_mean = float(self.matrix.total(np.array(self.mean @ self.mean)))
        return max(0.0, self.matrix.squared_norm - self.shape[0] * of_mean)


def _triplets(matrix: Products, k: int, random_state: Any) -> tuple[Float64Array, Float64Array, Float64Array, float]:
    """Return the leading singular triplets, and the sum of squares of all singular values.

    The left vectors are (k, pixels of this rank), the values (k,) and the right vectors (k, channels).
    """
    rows, columns = matrix.shape
    if rows * columns <= _SMALL and not matrix.shared:
        # The products give X as a dense array: multiply by the smaller of the two identity matrices.
        dense = matrix.times(np.eye(columns)).T if columns <= rows else matrix.transposed_times(np.eye(rows))
        left, values, right = linalg.svd(dense, full_matrices=False, check_finite=False)
        return left.T[:k], values[:k], right[:k], float(values @ values)
    seed = int(check_random_state(random_state).randint(2**31))
    left, values, right = randomized_svd(matrix, k, seed, oversampling=_OVERSAMPLING, power=_POWER)
    right = replicate_columns(matrix, right)
    missing = k - len(values)
    if missing > 0:  # the rank of X is lower than k: append zero singular values
        left = np.vstack([left, np.zeros((missing, left.shape[1]))])
        right = np.vstack([right, _orthogonal_to(right, missing, seed)])
        values = np.append(values, np.zeros(missing))
    return left, values, right, matrix.squared_norm


def _orthogonal_to(rows: Float64Array, count: int, seed: int) -> Float64Array:
    """Return random orthonormal rows that are orthogonal to the given orthonormal rows."""
    others = np.random.default_rng(seed).standard_normal((count, rows.shape[1]))
    for _ in range(2):  # the second pass removes the rounding errors of the first
        others = linalg.qr((others - others @ rows.T @ rows).T, mode="economic")[0].T
    return others
