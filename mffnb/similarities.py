"""How well a model describes the data: D(X, A E)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mffnb.matrices import Sparse
from mffnb.misfits import Divergence, LeastSquares
from mffnb.protocols import Matrix
from mffnb.typing import Float64Array


@dataclass(frozen=True)
class Frobenius:
    r"""Least squares, :math:`D = \frac{1}{2n} \sum_i \lVert x_i - a_i E \rVert^2` over n pixels.

    The right choice for signals with constant noise. Data are scaled to a mean squared pixel norm of 1 before
    penalties are added, so that a penalty weight means the same for every cube.
    """

    #: A weight w on the loss is the same as data multiplied by w to this power.
    weight_power: ClassVar[float] = 0.5

    def misfit(self, matrix: Matrix, gain: Float64Array | None = None, scale: float | None = None) -> LeastSquares:
        """Bind to data, scaled such that the mean of ``|s x_i|^2`` over pixels is 1."""
        if scale is None:
            squared_norm = matrix.squared_norm
            scale = float((matrix.shape[0] / squared_norm) ** 0.5) if squared_norm > 0 else 1.0
        return LeastSquares(matrix, gain, scale)


@dataclass(frozen=True)
class KullbackLeibler:
    r"""Generalised Kullback-Leibler divergence, the negative log-likelihood of Poisson counts but for a constant.

    .. math:: D = \tfrac{1}{n} \sum_{im} \bigl[ x_{im} \log \tfrac{x_{im}}{r_{im}} - x_{im} + r_{im} \bigr],
              \qquad R = A E

    The right choice for counts, few of them above all. Data are scaled to a mean pixel sum of 1 before penalties are
    added. Source: Lee & Seung 1999, Nature 401:788.
    """

    #: A weight w on the loss is the same as data multiplied by w to this power.
    weight_power: ClassVar[float] = 1.0

    def misfit(self, matrix: Matrix, gain: Float64Array | None = None, scale: float | None = None) -> Divergence:
        """Bind to data, scaled such that the mean of ``sum_m s x_im`` over pixels is 1.

        Raises
        ------
        ValueError
            If anything in the data is negative.
        """
        least = min((float(band.min()) for _, _, band in matrix.bands()), default=0.0)
        if float(matrix.total(np.array(float(least < 0)))) > 0:
            raise ValueError(
                f"the Kullback-Leibler divergence is for counts, and the data go down to {least:.3g}: "
                "clip them with cube.clip(0), or use similarity='frobenius'"
            )
        if scale is None:
            whole = float(matrix.total(matrix.times(np.ones((1, matrix.shape[1]))).sum(axis=1))[0])
            scale = matrix.shape[0] / whole if whole > 0 else 1.0
        return Divergence(Sparse.of_few(matrix) if matrix.complete else matrix, gain, scale)
