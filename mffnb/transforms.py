"""Transforms f in the model X ~ f(A E): identity, rounding, logistic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy import special

from mffnb.keywords import advises_keywords
from mffnb.protocols import Transform, TransformTraits, traits_of
from mffnb.typing import Array, Float64Array

__all__ = ["Logistic", "Rounding"]

CERTAIN = 20.0
"""Log-odds beyond which a probability is certain for any image: a chance of two in a billion."""

_LARGEST_INTERCEPT = 15.0  # limit of log-odds that are computed from probabilities


@dataclass(frozen=True)
class Identity:
    r"""Identity transform: the model is the product of the factors, :math:`X \sim A E`."""

    traits: ClassVar[TransformTraits] = TransformTraits(fitted=False)

    def apply(self, model: Float64Array) -> Float64Array:
        """Return the model unchanged."""
        return model


@advises_keywords
@dataclass(frozen=True)
class Rounding:
    r"""Rounding of the model to integers: :math:`X \sim \operatorname{round}(A E)`.

    The derivative of rounding is zero, so the factors are fitted through the identity and the reconstruction is
    rounded. Source: Kannan et al. 2018, Adv. Struct. Chem. Imaging 4:6, table 2.

    Examples
    --------
    >>> import numpy as np
    >>> Rounding().apply(np.array([0.4, 1.6])).tolist()
    [0.0, 2.0]
    """

    traits: ClassVar[TransformTraits] = TransformTraits(fitted=False)

    def apply(self, model: Float64Array) -> Float64Array:
        """Return the model rounded to the nearest integers."""
        return np.rint(model)


@advises_keywords
@dataclass(frozen=True)
class Logistic:
    r"""Logistic function: :math:`X \sim 1 / (1 + e^{-(b + A E)})`, for data between 0 and 1 such as Boolean maps.

    A E is the contribution of the components to the log-odds of a channel. The intercept b, one number for each
    channel, is the log-odds without any component. It is fitted with the factors, within :math:`\pm 15`; data are not
    scaled. ``similarity="bernoulli"`` is the likelihood of Boolean data; other similarities compare data and
    probabilities.

    The factors may diverge. If a component separates zeros and ones of some pixels or channels, the likelihood grows
    with the component and has no maximum. This happens in nearly all data, including noise. A penalty prevents it:
    ``abundance_terms=[Ridge(0.01)]``, or sparsity and smoothness (0.1 each, say) where pixels have few channels. No
    penalty is added automatically, because its weight would determine the result and the objective would no longer be
    the likelihood. A run that ends with certain probabilities warns instead.

    Sources: Schein, Saul & Ungar 2003, AISTATS ("A generalized linear model for principal component
    analysis of binary data"); Kannan et al. 2018, Adv. Struct. Chem. Imaging 4:6, table 2.

    Parameters
    ----------
    intercept
        Whether the model has an intercept; without one, no probability is below one half because A E >= 0.

    Examples
    --------
    >>> import numpy as np
    >>> Logistic().apply(np.array([0.0, np.log(3.0)])).tolist()
    [0.5, 0.75]
    """

    traits: ClassVar[TransformTraits] = TransformTraits(fitted=True)
    limits: ClassVar[tuple[float, float]] = (0.0, 1.0)
    intercept: bool = True

    def apply(self, model: Float64Array) -> Float64Array:
        """Return the probabilities for given log-odds."""
        probability: Float64Array = special.expit(model)
        return probability

    def derivatives(self, mapped: Float64Array) -> tuple[Float64Array, Float64Array]:
        """Return first and second derivative of the logistic function where it has the given probabilities."""
        first = mapped * (1 - mapped)
        return first, first * (1 - 2 * mapped)

    def inverse(self, mapped: Float64Array) -> Float64Array:
        """Return the log-odds of given probabilities, limited to a finite range."""
        log_odds: Float64Array = np.clip(special.logit(mapped), -_LARGEST_INTERCEPT, _LARGEST_INTERCEPT)
        return log_odds


@dataclass(frozen=True, eq=False)
class Mapped:
    """Transform with fitted intercept: f(b + A E).

    Attributes
    ----------
    transform
        Transform f.
    intercept
        Intercept b, an array or labelled array over the channels; None for zeros.
    """

    transform: Transform
    intercept: Array | Any = None

    @property
    def name(self) -> str:
        """Name by which users select the transform f, or its repr if it has no name."""
        return next((name for name, one in NAMED.items() if one == self.transform), repr(self.transform))

    @property
    def fitted(self) -> bool:
        """Whether the factors were fitted through the transform; otherwise it is applied to the reconstruction only."""
        return traits_of(self.transform).fitted

    def apply(self, model: Any) -> Any:
        """Return f(b + model), with the product of the factors as ``model``."""
        return self.transform.apply(model if self.intercept is None else model + self.intercept)


NAMED: dict[str, Transform] = {"identity": Identity(), "logistic": Logistic(), "rounding": Rounding()}
