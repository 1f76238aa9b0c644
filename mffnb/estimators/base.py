"""Base class of the scikit-learn estimators of the model X ~ A E with abundances A and components E."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from mffnb.errors import without_warnings
from mffnb.estimators.held_out_score import explained_variance, held_out
from mffnb.matrices.checking import as_matrix
from mffnb.protocols.matrix import Matrix
from mffnb.typing import Array, Float64Array


class LinearModel(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Scikit-learn estimator of a linear mixing model, with ``fit_transform`` and fitted ``components_``."""

    missing_entries: ClassVar[bool] = False  # whether single missing entries are taken, see missing_data.py
    components_: Float64Array

    def fit(self, X: Array | Matrix, y: None = None) -> Self:
        """Fit the components E to X (pixels, channels) and return the estimator."""
        self.fit_transform(X, y)
        return self

    def inverse_transform(self, A: Array) -> Float64Array:
        """Return spectra (pixels, channels) for abundances A (pixels, k), without gain."""
        check_is_fitted(self)
        spectra: Float64Array = np.asarray(A) @ self.components_
        return spectra

    def score(self, X: Array | Matrix, y: None = None) -> float:
        """Return how well the model predicts held-out channels of X: the explained variance, higher is better.

        For each fifth of the channels (every fifth one), the abundances of the pixels are fitted to the other channels,
        with the fitted components and the penalties of the model, and predict this fifth. So further components that
        describe noise lower the score, and ``GridSearchCV`` can choose ``n_components`` and weights without a scorer.
        X is converted to a dense array.

        Parameters
        ----------
        X
            Spectra (pixels, channels). Scikit-learn passes pixels that were not fitted.
        y
            Ignored.

        Returns
        -------
        float
            1 - sum of squares of the prediction errors / that of X without its mean spectrum.
        """
        data = self._checked_data(X)
        return explained_variance(data, held_out(data, self._predicted))

    def _checked_data(self, X: Array | Matrix) -> Float64Array:
        """Return X as a dense array, after the checks of scikit-learn."""
        check_is_fitted(self)
        matrix = as_matrix(self, X, reset=False, missing=True)
        if isinstance(X, np.ndarray):
            return np.asarray(X, dtype=np.float64)
        dense: Float64Array = np.ascontiguousarray(matrix.times(np.eye(matrix.shape[1])).T)
        return dense

    def _predicted(self, X: Float64Array, kept: Array) -> Float64Array:
        """Return the model of X, whose channels outside of ``kept`` are NaN."""
        with without_warnings():  # of channels without data
            return np.asarray(self.inverse_transform(self.transform(X)))

    def __sklearn_tags__(self) -> Any:
        """Declare to scikit-learn that X may be sparse, and whether it may contain NaN anywhere."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse, tags.input_tags.allow_nan = True, self.missing_entries
        return tags


def holds_no_pixels(X: Any) -> bool:
    """Return whether X is an array (0, channels): HyperSpy passes one for a chunk whose pixels are all masked."""
    return isinstance(X, np.ndarray) and X.ndim == 2 and len(X) == 0
