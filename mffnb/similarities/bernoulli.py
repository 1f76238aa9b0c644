"""Data between 0 and 1, described through a map: the likelihood of yes and no, and other distances of chances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy import special

from mffnb.errors import UnsupportedCombinationError
from mffnb.protocols import Similarity
from mffnb.protocols.matrix import Matrix
from mffnb.similarities.banded_misfits import Banded, looks
from mffnb.similarities.distances import Entrywise, Odds
from mffnb.similarities.divergences import BetaDivergence
from mffnb.transforms import Logistic
from mffnb.typing import Float64Array

__all__ = ["Bernoulli", "through"]


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


NAMED: dict[str, Similarity] = {"bernoulli": Bernoulli()}
