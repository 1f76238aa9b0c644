"""How well a model describes the data: D(X, A E)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from scipy import special

from mffnb.errors import UnsupportedCombinationError
from mffnb.losses import Banded, looks
from mffnb.matrices import lean
from mffnb.matrices.partial import mean_model
from mffnb.measures import Clipped, Cosine, Distance, Entrywise, Odds, Powers, Squares
from mffnb.misfits import Divergence, LeastSquares
from mffnb.noise import noise_level, tamed
from mffnb.protocols import Matrix, Misfit, Similarity
from mffnb.transforms import Logistic
from mffnb.typing import Float64Array


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
        least = float(matrix.least(np.array(min((float(band.min()) for _, _, band in matrix.bands()), default=0.0))))
        if least < 0:
            raise ValueError(
                f"the Kullback-Leibler divergence is for counts, and the data go down to {least:.3g}: "
                "clip them with cube.clip(0), or use similarity='frobenius'"
            )
        scale = _to_mean_sum_one(matrix) if scale is None else scale
        return Divergence(lean(matrix), gain, scale)

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
        size, spectrum = _mean_model(matrix)
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
        way (:func:`mffnb.noise.noise_level`).
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


@dataclass(frozen=True)
class SpectralAngle:
    r"""Closeness of the individual spectra: every pixel counts alike, however bright it is.

    .. math:: D = \tfrac1n \sum_i \bigl[ 1 - \cos(x_i, a_i E) \bigr]

    The angle leaves open how long a pixel is, so abundances are fractions up to a gain
    (:class:`mffnb.Simplex` with ``gain=True``, which is added if it is not there): the gain of a pixel is what brings
    a_i E nearest to x_i. The length of all endmembers together is open as well, and a penalty on them is refused.
    Weights of channels and entries count in the product and in both lengths, weights of pixels multiply the summand.
    Sources: Kannan et al. 2018, Adv. Struct. Chem. Imaging 4:6, table 2; Kruse et al. 1993, Remote Sens. Environ.
    44:145 (spectral angle mapper).
    """

    #: What an explorer calls it.
    label: ClassVar[str] = "angles of spectra"
    #: A weight w on the loss is the same as data multiplied by w to this power.
    weight_power: ClassVar[float] = 0.5
    #: Whether it does not see how large a pixel is.
    sizeless: ClassVar[bool] = True

    def misfit(self, matrix: Matrix, gain: Float64Array | None = None, scale: float | None = None) -> Banded:
        """Bind to data; the scale is that of :class:`Frobenius`, though nothing but starts depends on it."""
        scale = Frobenius().misfit(matrix, gain, scale).scale
        pixels = None if gain is None else gain**2
        return Banded(matrix, None, scale, Cosine(), pixels=pixels).with_zero(*_mean_model(matrix))


@dataclass(frozen=True)
class Bernoulli:
    r"""Minus the log-likelihood of Boolean data, or of shares of yes, given their chances.

    .. math:: D = \tfrac1n \sum_{im} \Bigl[ x_{im} \log\frac{x_{im}}{p_{im}}
              + (1 - x_{im}) \log\frac{1 - x_{im}}{1 - p_{im}} \Bigr], \qquad P = f(A E)

    Chances come through :class:`mffnb.transforms.Logistic`, which is taken if no transformation is given. Data are not
    scaled. Add a penalty, ``abundance_terms=[Ridge(0.01)]`` say: without one the factors as a rule run off to infinity,
    of which a warning tells; see there why.
    """

    #: What an explorer calls it.
    label: ClassVar[str] = "yes or no (Bernoulli)"
    #: No power of a weight does to Boolean data what the weight does to the loss.
    weight_power: ClassVar[None] = None
    #: What makes chances of a model.
    transform: ClassVar[Logistic] = Logistic()

    def misfit(self, matrix: Matrix, gain: Float64Array | None = None, scale: float | None = None) -> Banded:
        """Refuse to do without a map: chances have to stay between 0 and 1."""
        raise UnsupportedCombinationError(
            "the Bernoulli likelihood is of chances, which the identity does not keep between 0 and 1: "
            "use transform='logistic', or leave it out"
        )


def through(
    similarity: Similarity,
    transform: Logistic,
    matrix: Matrix,
    gain: Float64Array | None = None,
    offset: Float64Array | None = None,
) -> Banded:
    """Bind a similarity to data that the model describes through a map: X ~ f(b + A E); nothing is scaled.

    Parameters
    ----------
    similarity
        One that looks at single entries.
    transform
        F.
    matrix, gain
        As for :meth:`mffnb.protocols.Similarity.misfit`.
    offset
        B, (channels,); None begins with that of the mean spectrum.

    Raises
    ------
    UnsupportedCombinationError
        For a similarity that does not look at single entries.
    ValueError
        For data that are not between 0 and 1.
    """
    name = type(similarity).__name__
    odds = isinstance(similarity, Bernoulli)
    if isinstance(similarity, BetaDivergence):
        similarity.check(matrix)
    if not (odds or hasattr(similarity, "distance")):
        raise UnsupportedCombinationError(f"{name} looks at whole spectra: leave out the transformation")
    if gain is not None:
        raise UnsupportedCombinationError("a logistic model has no gain of pixels: leave out the gain")
    total, counted = np.zeros((2, matrix.shape[1]))
    outside = 0.0
    for _, x, w in looks(matrix):
        seen = np.ones_like(x) if w is None else w
        outside += float(((x < 0) | (x > 1))[seen > 0].sum())
        total, counted = total + (x * seen).sum(axis=0), counted + seen.sum(axis=0)
    if float(matrix.total(np.array(outside))) > 0:
        raise ValueError(
            "a logistic model is for data between 0 and 1: divide them by their maximum, or threshold them"
        )
    means = matrix.total(total) / np.maximum(matrix.total(counted), 1e-300)
    begin = np.clip(special.logit(means), -15.0, 15.0)

    def measure(offset: Float64Array | None) -> Any:
        return Odds(offset) if odds else Entrywise(similarity.distance(1.0), transform, offset)  # type: ignore[attr-defined]

    nothing = np.zeros((1, matrix.own.stop - matrix.own.start)), np.zeros((1, matrix.shape[1]))
    zero = Banded(matrix, None, 1.0, measure(begin)).distance(*nothing)
    if not transform.intercept:
        return Banded(matrix, None, 1.0, measure(None), zero)
    return Banded(matrix, None, 1.0, measure(begin if offset is None else offset), zero)


def _to_mean_sum_one(matrix: Matrix) -> float:
    """The scale that brings the mean sum of a pixel to 1."""
    ones = np.ones((1, matrix.own_columns.stop - matrix.own_columns.start))
    whole = float(matrix.total(matrix.times(ones).sum(axis=1))[0])
    return matrix.shape[0] / whole if whole > 0 else 1.0


def _mean_model(matrix: Matrix) -> tuple[Float64Array, Float64Array]:
    """A single component: the size of each pixel, (1, own pixels), and the mean spectrum, (1, channels)."""
    if not matrix.complete:
        return mean_model(matrix)
    pixels = matrix.times(np.ones((1, matrix.shape[1])))
    spectrum = matrix.transposed_times(np.ones_like(pixels))
    return pixels, spectrum / (float(spectrum.sum()) or 1.0)
