"""Base class of the scikit-learn estimators of the model X ~ A E with abundances A and components E."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

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

    def __sklearn_tags__(self) -> Any:
        """Declare to scikit-learn that X may be sparse, and whether it may contain NaN anywhere."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse, tags.input_tags.allow_nan = True, self.missing_entries
        return tags
