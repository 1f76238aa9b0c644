"""What every estimator here shares: X is about A E, with abundances A and components E."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from mffnb.protocols.matrix import Matrix
from mffnb.typing import Array, Float64Array


class MethodAndParameter:
    """A method that shares its name with a parameter: callers find the method, ``vars(estimator)`` the parameter.

    Parameters
    ----------
    method
        As a class has it.
    name
        Of both.
    """

    def __init__(self, method: Callable[..., Any], name: str):
        self.method, self.name = method, name

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        """The method."""
        return self.method if owner is None else self.method.__get__(owner, kind)

    def __set__(self, owner: Any, value: Any) -> None:
        """Set the parameter."""
        owner.__dict__[self.name] = value


class LinearModel(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """An estimator that has ``components_`` once it is fitted, and a ``fit_transform``."""

    components_: Float64Array

    def fit(self, X: Array | Matrix, y: None = None) -> Self:
        """Find the components of X (pixels, channels)."""
        self.fit_transform(X, y)
        return self

    def inverse_transform(self, A: Array) -> Float64Array:
        """Spectra (pixels, channels) of abundances A (pixels, k), without gain."""
        check_is_fitted(self)
        spectra: Float64Array = np.asarray(A) @ self.components_
        return spectra

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that X may be sparse."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
