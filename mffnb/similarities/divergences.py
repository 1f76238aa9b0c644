"""Noise that grows with the signal: counts, and signals that vary in proportion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mffnb.matrices import sparse_if_smaller
from mffnb.matrices.partial import mean_model
from mffnb.protocols import Similarity
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.misfit import Misfit
from mffnb.similarities.banded_misfits import Banded, looks
from mffnb.similarities.distances import Distance, Entrywise, Powers
from mffnb.similarities.least_squares import Frobenius
from mffnb.similarities.misfits import Divergence
from mffnb.typing import Float64Array

__all__ = ["BetaDivergence", "KullbackLeibler"]


@dataclass(frozen=True)
class KullbackLeibler:
    r"""Generalised Kullback-Leibler divergence, the negative log-likelihood of Poisson counts but for a constant.

    .. math:: D = \tfrac{1}{n} \sum_{im} \bigl[ x_{im} \log \tfrac{x_{im}}{r_{im}} - x_{im} + r_{im} \bigr],
              \qquad R = A E

    The right choice for counts, few of them above all. Data are scaled to a mean pixel sum of 1 before penalties are
    added. Source: Lee & Seung 1999, Nature 401:788.
    """

    #: What an explorer calls it.
    label: ClassVar[str] = "counts (KL)"
    #: A weight w on the loss is the same as data multiplied by w to this power.
    weight_power: ClassVar[float] = 1.0
    #: Whether processes may share the data.
    shared_out: ClassVar[bool] = True

    def misfit(self, matrix: Matrix, gain: Float64Array | None = None, scale: float | None = None) -> Divergence:
        """Bind to data, scaled such that the mean of ``sum_m s x_im`` over pixels is 1.

        Raises
        ------
        ValueError
            If anything in the data is negative.
        """
        least = float(matrix.minimum(np.array(min((float(band.min()) for _, _, band in matrix.bands()), default=0.0))))
        if least < 0:
            raise ValueError(
                f"the Kullback-Leibler divergence is for counts, and the data go down to {least:.3g}: "
                "clip them with cube.clip(0), or use similarity='frobenius'"
            )
        scale = _to_mean_sum_one(matrix) if scale is None else scale
        return Divergence(sparse_if_smaller(matrix), gain, scale)

    def distance(self, scale: float) -> Distance:
        """Of single entries."""
        return Powers(1.0)


@dataclass(frozen=True)
class BetaDivergence:
    r"""Noise that grows as a power of the signal, its variance as :math:`r^{2 - \beta}`.

    .. math:: D = \tfrac1n \sum_{im} \frac{x_{im}^\beta + (\beta - 1) r_{im}^\beta - \beta x_{im} r_{im}^{\beta - 1}}
              {\beta (\beta - 1)}, \qquad R = A E

    :math:`\beta = 2` is :class:`Frobenius`, 1 is :class:`KullbackLeibler`, and the limit 0 that of Itakura and Saito:
    noise in proportion to the signal (speckle, gamma noise), so that faint entries count as much as bright ones. Data
    are scaled to a mean over pixels of :math:`\sum_m (s x_{im})^\beta` of 1; for beta <= 0 to a mean pixel sum of 1.
    Source: Févotte & Idier 2011, Neural Computation 23:2421.

    Parameters
    ----------
    beta
        Which power; at and below 0 the data have to be positive, below 2 not negative.

    Examples
    --------
    >>> from mffnb.similarities import BetaDivergence
    >>> float(BetaDivergence(0.0).distance(1.0).value(2.0 * np.ones(1), np.ones(1)).round(6)[0])   # 2 - log 2 - 1
    0.306853
    """

    #: What an explorer calls it.
    label: ClassVar[str] = "in proportion (Itakura-Saito)"
    beta: float = 0.5

    def __post_init__(self) -> None:
        if not (np.isfinite(self.beta) and -4 <= self.beta <= 4):
            raise ValueError(f"beta must be a number from -4 to 4, got {self.beta!r}")

    @property
    def weight_power(self) -> float | None:
        """A weight w on the loss is the same as data multiplied by w to this power; None where there is no such."""
        return None if self.beta == 0 else 1 / self.beta

    def misfit(self, matrix: Matrix, gain: Float64Array | None = None, scale: float | None = None) -> Misfit:
        """Bind to data, scaled.

        Raises
        ------
        ValueError
            If the data are not positive enough for this beta.
        """
        if self.beta == 2:
            return Frobenius().misfit(matrix, gain, scale)
        if self.beta == 1:
            return KullbackLeibler().misfit(matrix, gain, scale)
        lifted = self.check(matrix)
        if scale is None and self.beta > 0:
            whole = float(matrix.total(np.array(lifted)))  # of all pixels
            scale = float((matrix.shape[0] / whole) ** (1 / self.beta)) if whole > 0 else 1.0
        scale = _to_mean_sum_one(matrix) if scale is None else scale
        size, spectrum = mean_model(matrix)
        A = scale * size if gain is None else scale * size / gain
        return Banded(matrix, gain, scale, Entrywise(self.distance(scale))).with_zero(A, spectrum)

    def check(self, matrix: Matrix) -> float:
        """Refuse data that are not positive enough; the sum of ``w x^beta`` over the pixels here, where beta > 0."""
        least, lifted = np.inf, 0.0
        for _, x, w in looks(matrix):
            counted = x if w is None else x[w > 0]
            least = min(least, float(counted.min(initial=np.inf)))
            if least >= 0 and self.beta > 0:
                lifted += float((x**self.beta if w is None else w * x**self.beta).sum())
        low = least < 0 if self.beta > 0 else least <= 0
        if float(matrix.total(np.array(float(low)))) > 0:
            raise ValueError(
                f"BetaDivergence({self.beta:g}) is for data {'not below' if self.beta > 0 else 'above'} zero, and "
                f"these go down to {least:.3g}: mask or raise what is not, or use similarity='kl' or 'frobenius'"
            )
        return lifted

    def distance(self, scale: float) -> Distance:
        """Of single entries."""
        return Powers(float(self.beta))


def _to_mean_sum_one(matrix: Matrix) -> float:
    """The scale that brings the mean sum of a pixel to 1."""
    ones = np.ones((1, matrix.own_columns.stop - matrix.own_columns.start))
    whole = float(matrix.total(matrix.times(ones).sum(axis=1))[0])
    return matrix.shape[0] / whole if whole > 0 else 1.0


NAMED: dict[str, Similarity] = {"kl": KullbackLeibler(), "itakura-saito": BetaDivergence(0.0)}
