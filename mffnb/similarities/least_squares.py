"""Noise that is the same everywhere, with outliers or without."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from mffnb.protocols import Similarity
from mffnb.protocols.matrix import Matrix
from mffnb.similarities.banded_misfits import Banded
from mffnb.similarities.distances import Clipped, Distance, Entrywise, Squares
from mffnb.similarities.misfits import LeastSquares
from mffnb.similarities.noise_models import noise_level, tamed
from mffnb.typing import Float64Array

__all__ = ["Frobenius", "Huber"]


@dataclass(frozen=True)
class Frobenius:
    r"""Least squares, :math:`D = \frac{1}{2n} \sum_i \lVert x_i - a_i E \rVert^2` over n pixels.

    The right choice for signals with constant noise. Data are scaled to a mean squared pixel norm of 1 before
    penalties are added, so that a penalty weight means the same for every cube.
    """

    #: What an explorer calls it.
    label: ClassVar[str] = "least squares"
    #: A weight w on the loss is the same as data multiplied by w to this power.
    weight_power: ClassVar[float] = 0.5
    #: Whether processes may share the data.
    shared_out: ClassVar[bool] = True

    def misfit(self, matrix: Matrix, gain: Float64Array | None = None, scale: float | None = None) -> LeastSquares:
        """Bind to data, scaled such that the mean of ``|s x_i|^2`` over pixels is 1."""
        if scale is None:
            squared_norm = matrix.squared_norm
            scale = float((matrix.shape[0] / squared_norm) ** 0.5) if squared_norm > 0 else 1.0
        return LeastSquares(matrix, gain, scale)

    def distance(self, scale: float) -> Distance:
        """Of single entries."""
        return Squares()


@dataclass(frozen=True)
class Huber:
    r"""Least squares that outliers, hot pixels and spikes, do not draw along.

    .. math:: D = \tfrac1n \sum_{im} \rho(x_{im} - a_i e_m), \qquad
              \rho(r) = \begin{cases} r^2 / 2 & |r| \le \delta\sigma \\
              \delta\sigma (|r| - \delta\sigma / 2) & \text{beyond} \end{cases}

    Data are scaled as for :class:`Frobenius`, and the threshold with them. A half step is that of least squares on data
    whose residuals are cut at the threshold. Weights of pixels and channels multiply residuals (by their root) before
    that, those of single entries the whole of rho. Source: Huber 1964, Ann. Math. Stat. 35:73.

    Parameters
    ----------
    delta
        Threshold in units of the noise; "auto" is 1.345, with which nothing but a twentieth of the information is lost
        where noise is normal.
    noise
        sigma, the standard deviation of the noise in the units of the (weighted) data. None finds it in the data
        alone: 1.4826 times the median modulus of what a model of low rank leaves, fitted with residuals cut in the same
        way (:func:`mffnb.similarities.noise_models.noise_level`).
    """

    #: What an explorer calls it.
    label: ClassVar[str] = "outliers (Huber)"
    #: A weight w on the loss is the same as data multiplied by w to this power.
    weight_power: ClassVar[float] = 0.5
    delta: float | str = "auto"
    noise: float | None = None

    def __post_init__(self) -> None:
        if self.delta != "auto" and (isinstance(self.delta, str) or not 0 < self.delta < np.inf):
            raise ValueError(f"delta must be a finite number > 0, or 'auto', got {self.delta!r}")
        if self.noise is not None and not 0 < self.noise < np.inf:
            raise ValueError(f"noise must be a finite number > 0, got {self.noise!r}")

    def settled(self, matrix: Matrix) -> Huber:
        """The same with the noise of these data."""
        return self if self.noise is not None else replace(self, noise=noise_level(matrix))

    def misfit(self, matrix: Matrix, gain: Float64Array | None = None, scale: float | None = None) -> Banded:
        """Bind to data, scaled such that the mean of ``|s x_i|^2`` over pixels is 1."""
        settled = self.settled(matrix)
        scale = Frobenius().misfit(matrix, gain, scale).scale
        nothing = np.zeros((1, matrix.own.stop - matrix.own.start)), np.zeros((1, matrix.shape[1]))
        return Banded(matrix, gain, scale, Entrywise(settled.distance(scale))).with_zero(*nothing)

    def to_start_from(self, matrix: Matrix) -> Matrix:
        """Complete data without what sticks far out: outliers would draw a start along."""
        assert self.noise is not None
        return tamed(matrix, self.noise)

    def distance(self, scale: float) -> Distance:
        """Of single entries of data multiplied by ``scale``."""
        assert self.noise is not None
        return Clipped((1.345 if isinstance(self.delta, str) else self.delta) * self.noise * scale)


NAMED: dict[str, Similarity] = {"frobenius": Frobenius(), "huber": Huber()}
