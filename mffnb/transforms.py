"""Maps between the product of the factors and the data: X ~ f(A E)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from mffnb.typing import Array, Float64Array

__all__ = ["Logistic", "Rounding"]

CERTAIN = 20.0
"""Log-odds of two in a billion, which an image cannot tell from certainty."""


@dataclass(frozen=True)
class Identity:
    r"""The model is the product of the factors, :math:`X \sim A E`."""

    def apply(self, model: Float64Array) -> Float64Array:
        """The model as it is."""
        return model


@dataclass(frozen=True)
class Rounding:
    r"""Whole numbers: :math:`X \sim \operatorname{round}(A E)`.

    Rounding has no slope that could be followed, so the factors are fitted through the identity, and the map is applied
    to what is reconstructed. Source: Kannan et al. 2018, Adv. Struct. Chem. Imaging 4:6, table 2.

    Examples
    --------
    >>> import numpy as np
    >>> Rounding().apply(np.array([0.4, 1.6])).tolist()
    [0.0, 2.0]
    """

    def apply(self, model: Float64Array) -> Float64Array:
        """The nearest whole numbers."""
        return np.rint(model)


@dataclass(frozen=True)
class Logistic:
    r"""Chances: :math:`X \sim 1 / (1 + e^{-(b + A E)})`, for data between 0 and 1, Boolean maps above all.

    A E is what components add to the log-odds of a channel, and the intercept b, one number for each channel, its
    log-odds where no component is present. It is fitted with the factors, within :math:`\pm 15`; data are not scaled.
    The likelihood of Boolean data is ``similarity="bernoulli"``; least squares and others measure the distance of the
    chances instead.

    Log-odds have no end. Where a component separates the yes from the no of some pixels, or of some channels, the more
    it grows the better, and the factors run off to infinity: no maximum of the likelihood exists. That happens in
    nearly all data, noise as well, and a penalty ends it: ``abundance_terms=[Ridge(0.01)]``, or sparsity and smoothness
    (0.1 each, say) where pixels have few channels. None is added by itself, since its weight would decide the answer,
    and the objective would no longer be the likelihood; a run that ends with certain chances warns instead.

    Sources: Schein, Saul & Ungar 2003, AISTATS ("A generalized linear model for principal component
    analysis of binary data"); Kannan et al. 2018, Adv. Struct. Chem. Imaging 4:6, table 2.

    Parameters
    ----------
    intercept
        Whether there is one; without it nothing is less likely than even.

    Examples
    --------
    >>> import numpy as np
    >>> Logistic().apply(np.array([0.0, np.log(3.0)])).tolist()
    [0.5, 0.75]
    """

    intercept: bool = True

    def apply(self, model: Float64Array) -> Float64Array:
        """The chance that log-odds stand for."""
        chance: Float64Array = special.expit(model)
        return chance

    def derivatives(self, mapped: Float64Array) -> tuple[Float64Array, Float64Array]:
        """The first two derivatives, from the chance."""
        first = mapped * (1 - mapped)
        return first, first * (1 - 2 * mapped)


@dataclass(frozen=True, eq=False)
class Mapped:
    """What a fitted model goes through.

    Attributes
    ----------
    transform
        F.
    intercept
        B, what is added to the model of every pixel before, over its channels; None for nothing. An array, or labelled.
    """

    transform: Any
    intercept: Array | Any = None

    @property
    def name(self) -> str:
        """That of the transformation, or what it is made of."""
        return next((name for name, one in NAMED.items() if one == self.transform), repr(self.transform))

    @property
    def fitted(self) -> bool:
        """Whether the factors were fitted through it, so that it belongs to the model; else to what is shown of it."""
        return hasattr(self.transform, "derivatives")

    def apply(self, model: Any) -> Any:
        """F(b + model)."""
        return self.transform.apply(model if self.intercept is None else model + self.intercept)


NAMED: dict[str, Any] = {"identity": Identity(), "logistic": Logistic(), "rounding": Rounding()}
