"""Huber's loss: least squares that is robust against outliers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from mffnb.protocols.distance import Distance
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.similarity import Similarity
from mffnb.protocols.traits import SimilarityTraits
from mffnb.similarities.banded_misfit import BandedMisfit
from mffnb.similarities.least_squares import Frobenius
from mffnb.similarities.measures import Entrywise
from mffnb.similarities.noise_models import robust_noise_level, without_outliers
from mffnb.typing import Float64Array

__all__ = ["Huber"]


@dataclass(frozen=True)
class HuberDistance:
    r"""Huber's loss: :math:`r^2 / 2` for residuals r up to a threshold, linear beyond it."""

    threshold: float
    name: ClassVar[str] = "Huber"
    barrier: ClassVar[bool] = False  # finite for every model y >= 0
    curvature: ClassVar[float | None] = 1.0  # the second derivative is 1 or 0, so curvature_bound is at most 1

    def value(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """Return the loss d(x, y) of each entry, elementwise."""
        size = np.abs(x - y)
        within = np.minimum(size, self.threshold)
        return within * (size - within / 2)

    def slope(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """Return the first derivative of d(x, y) with respect to y, elementwise."""
        return np.clip(y - x, -self.threshold, self.threshold)

    def curvature_bound(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """Return slope / residual: the second derivative of a parabola that touches d at y and lies above it."""
        return self.threshold / np.maximum(np.abs(x - y), self.threshold)


@dataclass(frozen=True)
class Huber:
    r"""Huber's loss: least squares that is robust against outliers such as hot pixels and spikes.

    .. math:: D = \tfrac1n \sum_{im} \rho(x_{im} - a_i e_m), \qquad
              \rho(r) = \begin{cases} r^2 / 2 & |r| \le \delta\sigma \\
              \delta\sigma (|r| - \delta\sigma / 2) & \text{beyond} \end{cases}

    Data are scaled as for :class:`Frobenius`, and the threshold is scaled with them. A half step is that of least
    squares on data whose residuals are clipped at the threshold. Square roots of the weights of pixels and channels
    multiply the residuals before clipping; weights of single entries multiply rho. Source: Huber 1964, Ann. Math. Stat.
    35:73.

    Parameters
    ----------
    delta
        Threshold in units of the noise level. "auto" is 1.345, which has 95 % efficiency for normal noise.
    noise
        sigma, the standard deviation of the noise in the units of the (weighted) data. None estimates it from the data
        as 1.4826 times the median absolute residual of a low-rank model that is fitted with clipped residuals
        (:func:`mffnb.similarities.noise_models.robust_noise_level`).

    Examples
    --------
    >>> import mffnb as mf
    >>> loss = mf.Huber(delta=1.0, noise=1.0).distance(1.0)
    >>> loss.value(np.array([0.5, 3.0]), np.zeros(2))  # quadratic up to delta, linear beyond
    array([0.125, 2.5  ])
    """

    traits: ClassVar[SimilarityTraits] = SimilarityTraits(
        label="outliers (Huber)", weight_power=0.5, distributed=True, scale_invariant=False, transform=None
    )
    delta: float | str = "auto"
    noise: float | None = None

    def __post_init__(self) -> None:
        if self.delta != "auto" and (isinstance(self.delta, str) or not 0 < self.delta < np.inf):
            raise ValueError(f"delta must be a finite number > 0, or 'auto', got {self.delta!r}")
        if self.noise is not None and not 0 < self.noise < np.inf:
            raise ValueError(f"noise must be a finite number > 0, got {self.noise!r}")

    def estimated_from(self, matrix: Matrix) -> Huber:
        """Return the similarity with the noise level estimated from these data, unless the user gave one."""
        return self if self.noise is not None else replace(self, noise=robust_noise_level(matrix))

    def misfit(self, matrix: Matrix, gain: Float64Array | None = None, scale: float | None = None) -> BandedMisfit:
        """Return the misfit of data scaled by s such that the mean of ``|s x_i|^2`` over pixels is 1."""
        similarity = self.estimated_from(matrix)
        scale = Frobenius().misfit(matrix, gain, scale).scale
        zero_model = (
            np.zeros((1, matrix.own.stop - matrix.own.start)),
            np.zeros((1, matrix.own_columns.stop - matrix.own_columns.start)),
        )
        measure = Entrywise(similarity.distance(scale))
        return BandedMisfit(matrix, gain, scale, measure).with_reference(*zero_model)

    def start_data(self, matrix: Matrix) -> Matrix:
        """Return complete data with outliers clipped, because methods for start values are not robust."""
        assert self.noise is not None
        return without_outliers(matrix, self.noise)

    def distance(self, scale: float) -> Distance:
        """Return the loss of single entries, with the threshold multiplied by ``scale`` like the data."""
        assert self.noise is not None
        return HuberDistance((1.345 if isinstance(self.delta, str) else self.delta) * self.noise * scale)


NAMED: dict[str, Similarity] = {"huber": Huber()}
