"""Least squares (Frobenius norm), for constant noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mffnb.protocols.distance import Distance
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.similarity import Similarity
from mffnb.protocols.traits import SimilarityTraits
from mffnb.similarities.quadratic_misfit import QuadraticMisfit
from mffnb.typing import Float64Array

__all__ = ["Frobenius"]


@dataclass(frozen=True)
class SquaredDistance:
    r"""Squared error, :math:`(x - y)^2 / 2`."""

    name: ClassVar[str] = "Frobenius"
    barrier: ClassVar[bool] = False
    curvature: ClassVar[float | None] = 1.0

    def value(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """Return the loss d(x, y) of each entry, elementwise."""
        return (x - y) ** 2 / 2

    def slope(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """Return the first derivative of d(x, y) with respect to y, elementwise."""
        return y - x

    def curvature_bound(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """Return the second derivative of d(x, y) with respect to y, elementwise: d is its own parabola."""
        return np.ones_like(y)


@dataclass(frozen=True)
class Frobenius:
    r"""Least squares, :math:`D = \frac{1}{2n} \sum_i \lVert x_i - a_i E \rVert^2` over n pixels.

    It suits signals with constant noise. Data are scaled to a mean squared pixel norm of 1 before penalties are added,
    so a penalty weight has the same meaning for every cube.

    Examples
    --------
    >>> import mffnb as mf
    >>> mf.Frobenius().distance(1.0).value(np.array([3.0]), np.array([1.0]))
    array([2.])
    """

    traits: ClassVar[SimilarityTraits] = SimilarityTraits(
        label="least squares", weight_power=0.5, distributed=True, scale_invariant=False, transform=None
    )

    def misfit(self, matrix: Matrix, gain: Float64Array | None = None, scale: float | None = None) -> QuadraticMisfit:
        """Return the misfit of data scaled by s such that the mean of ``|s x_i|^2`` over pixels is 1."""
        if scale is None:
            squared_norm = matrix.squared_norm
            scale = float((matrix.shape[0] / squared_norm) ** 0.5) if squared_norm > 0 else 1.0
        return QuadraticMisfit(matrix, gain, scale)

    def distance(self, scale: float) -> Distance:
        """Return the loss of single entries; it does not depend on the scale of the data."""
        return SquaredDistance()


NAMED: dict[str, Similarity] = {"frobenius": Frobenius()}
