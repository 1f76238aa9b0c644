"""Divergences for noise that grows with the signal: Kullback-Leibler (Poisson) and beta divergences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy

from mffnb.matrices import sparse_if_smaller
from mffnb.matrices.partial import mean_model
from mffnb.protocols.distance import Distance
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.misfit import Misfit
from mffnb.protocols.similarity import Similarity
from mffnb.protocols.traits import SimilarityTraits
from mffnb.similarities.banded_misfit import BandedMisfit, dense_bands
from mffnb.similarities.least_squares import Frobenius
from mffnb.similarities.measures import Entrywise
from mffnb.similarities.poisson_misfit import PoissonMisfit
from mffnb.typing import Float64Array

__all__ = ["BetaDivergence", "KullbackLeibler"]

_FLOOR = 1e-100  # smaller model values are replaced by this one in denominators
_STEEPEST = 1e-10  # relative to the data: smaller model values use the slope of this one; at zero it would be infinite


@dataclass(frozen=True)
class BetaDistance:
    r"""Beta divergence, :math:`\frac{x^\beta + (\beta - 1) y^\beta - \beta x y^{\beta - 1}}{\beta (\beta - 1)}`.

    The limits are the Kullback-Leibler divergence for beta = 1 and the Itakura-Saito divergence for beta = 0.
    """

    beta: float
    name: ClassVar[str] = "BetaDivergence"
    curvature: ClassVar[float | None] = None

    @property
    def barrier(self) -> bool:
        """Whether the divergence is infinite for y = 0 < x, which holds for beta <= 1."""
        return self.beta <= 1

    def value(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """Return the loss d(x, y) of each entry, elementwise."""
        beta = self.beta
        none, y = y <= _FLOOR, np.maximum(y, _FLOOR)
        if beta == 0:
            ratio = x / y
            out = ratio - np.log(ratio) - 1
        elif beta == 1:
            out = scipy.special.xlogy(x, x / y) - x + y
        else:
            power = _power(y, beta - 1)
            out = (_power(x, beta) / beta - x * power) / (beta - 1) + y * power / beta
        return np.where(none & (x > 0), np.inf, out) if self.barrier and none.any() else out

    def slope(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """Return the first derivative of d(x, y) with respect to y, elementwise."""
        floored = np.maximum(y, np.maximum(_FLOOR, _STEEPEST * x))
        return (y - x) * _power(floored, self.beta - 2)

    def curvature_bound(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """Return an upper bound on the second derivative with respect to y: the sum of its positive terms."""
        beta, y = self.beta, np.maximum(y, np.maximum(_FLOOR, _STEEPEST * x))
        power = _power(y, beta - 3)
        out = max(0.0, 2 - beta) * x * power
        return out + (beta - 1) * y * power if beta > 1 else out


@dataclass(frozen=True)
class KullbackLeibler:
    r"""Generalised Kullback-Leibler divergence: the negative log-likelihood of Poisson counts, up to a constant.

    .. math:: D = \tfrac{1}{n} \sum_{im} \bigl[ x_{im} \log \tfrac{x_{im}}{r_{im}} - x_{im} + r_{im} \bigr],
              \qquad R = A E

    It suits counts, in particular low counts. Data are scaled to a mean pixel sum of 1 before penalties are added.
    Source: Lee & Seung 1999, Nature 401:788.

    Examples
    --------
    >>> import mffnb as mf
    >>> mf.KullbackLeibler().distance(1.0).value(np.array([2.0]), np.array([1.0])).round(4)  # 2 log 2 - 2 + 1
    array([0.3863])
    """

    traits: ClassVar[SimilarityTraits] = SimilarityTraits(
        label="counts (KL)", weight_power=1.0, distributed=True, scale_invariant=False, transform=None
    )

    def misfit(self, matrix: Matrix, gain: Float64Array | None = None, scale: float | None = None) -> PoissonMisfit:
        """Return the misfit of data scaled by s such that the mean of ``sum_m s x_im`` over pixels is 1.

        Raises
        ------
        ValueError
            If the data have negative entries.
        """
        least = float(matrix.minimum(np.array(min((float(band.min()) for _, _, band in matrix.bands()), default=0.0))))
        if least < 0:
            raise ValueError(
                f"the Kullback-Leibler divergence is for counts, and the data go down to {least:.3g}: "
                "clip them with cube.clip(0), or use similarity='frobenius'"
            )
        scale = _to_mean_sum_one(matrix) if scale is None else scale
        return PoissonMisfit(sparse_if_smaller(matrix), gain, scale)

    def distance(self, scale: float) -> Distance:
        """Return the loss of single entries; it does not depend on the scale of the data."""
        return BetaDistance(1.0)


@dataclass(frozen=True)
class BetaDivergence:
    r"""Beta divergence, for noise with a variance proportional to :math:`r^{2 - \beta}` of the signal r.

    .. math:: D = \tfrac1n \sum_{im} \frac{x_{im}^\beta + (\beta - 1) r_{im}^\beta - \beta x_{im} r_{im}^{\beta - 1}}
              {\beta (\beta - 1)}, \qquad R = A E

    :math:`\beta = 2` is :class:`Frobenius`, 1 is :class:`KullbackLeibler`, and 0 is the Itakura-Saito divergence for
    noise proportional to the signal (speckle, gamma noise), where faint and bright entries have equal weight. Data are
    scaled to a mean over pixels of :math:`\sum_m (s x_{im})^\beta` of 1; for beta <= 0 to a mean pixel sum of 1.
    Source: Févotte & Idier 2011, Neural Computation 23:2421.

    Parameters
    ----------
    beta
        Exponent. For beta <= 0 the data must be positive, for 0 < beta < 2 non-negative.

    Examples
    --------
    >>> from mffnb.similarities import BetaDivergence
    >>> float(BetaDivergence(0.0).distance(1.0).value(2.0 * np.ones(1), np.ones(1)).round(6)[0])   # 2 - log 2 - 1
    0.306853
    """

    beta: float = 0.5

    def __post_init__(self) -> None:
        if not (np.isfinite(self.beta) and -4 <= self.beta <= 4):
            raise ValueError(f"beta must be a number from -4 to 4, got {self.beta!r}")

    @property
    def traits(self) -> SimilarityTraits:
        """Capabilities of the divergence; the power of weights depends on beta."""
        return SimilarityTraits(
            label="in proportion (Itakura-Saito)",
            weight_power=None if self.beta == 0 else 1 / self.beta,
            distributed=True,
            scale_invariant=False,
            transform=None,
        )

    def misfit(self, matrix: Matrix, gain: Float64Array | None = None, scale: float | None = None) -> Misfit:
        """Return the misfit of data scaled as described for the class.

        Raises
        ------
        ValueError
            If the data have zero or negative entries that this beta does not allow.
        """
        if self.beta == 2:
            return Frobenius().misfit(matrix, gain, scale)
        if self.beta == 1:
            return KullbackLeibler().misfit(matrix, gain, scale)
        power_sum = self.check(matrix)
        if scale is None and self.beta > 0:
            whole = float(matrix.total(np.array(power_sum)))  # sum over all ranks
            scale = float((matrix.shape[0] / whole) ** (1 / self.beta)) if whole > 0 else 1.0
        scale = _to_mean_sum_one(matrix) if scale is None else scale
        size, spectrum = mean_model(matrix)
        A = scale * size if gain is None else scale * size / gain
        return BandedMisfit(matrix, gain, scale, Entrywise(self.distance(scale))).with_reference(A, spectrum)

    def check(self, matrix: Matrix) -> float:
        """Raise ValueError for data that beta does not allow; return the sum of ``w x^beta`` on this rank, or 0."""
        least, power_sum = np.inf, 0.0
        for _, x, w in dense_bands(matrix):
            counted = x if w is None else x[w > 0]
            least = min(least, float(counted.min(initial=np.inf)))
            if least >= 0 and self.beta > 0:
                power_sum += float((x**self.beta if w is None else w * x**self.beta).sum())
        low = least < 0 if self.beta > 0 else least <= 0
        whole = float(matrix.minimum(np.array(least)))
        if float(matrix.total(np.array(float(low)))) > 0:
            raise ValueError(
                f"BetaDivergence({self.beta:g}) is for data {'not below' if self.beta > 0 else 'above'} zero, and "
                f"these go down to {whole:.3g}: mask or raise what is not, or use similarity='kl' or 'frobenius'"
            )
        return power_sum

    def distance(self, scale: float) -> Distance:
        """Return the loss of single entries; it does not depend on the scale of the data."""
        return BetaDistance(float(self.beta))


def _to_mean_sum_one(matrix: Matrix) -> float:
    """Return the factor that scales the data to a mean pixel sum of 1."""
    ones = np.ones((1, matrix.own_columns.stop - matrix.own_columns.start))
    whole = float(matrix.total(matrix.times(ones).sum(axis=1))[0])
    return matrix.shape[0] / whole if whole > 0 else 1.0


def _power(base: Float64Array, exponent: float) -> Float64Array:
    """Return ``base ** exponent`` elementwise, fast if twice the exponent is a small integer."""
    twice = 2 * exponent
    if twice != round(twice) or abs(twice) > 8:
        return np.asarray(base**exponent)
    root = np.sqrt(base) if round(twice) % 2 else None
    whole = abs(int(exponent))
    out = np.ones_like(base) if root is None else root
    for _ in range(whole):
        out = out * base
    return out if exponent >= 0 else 1 / out


NAMED: dict[str, Similarity] = {"kl": KullbackLeibler(), "itakura-saito": BetaDivergence(0.0)}
