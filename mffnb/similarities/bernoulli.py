"""Bernoulli likelihood of Boolean data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mffnb.errors import UnsupportedCombinationError
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.similarity import Similarity
from mffnb.protocols.traits import SimilarityTraits
from mffnb.similarities.banded_misfit import BandedMisfit
from mffnb.transforms import Logistic
from mffnb.typing import Float64Array

__all__ = ["Bernoulli"]


@dataclass(frozen=True)
class Bernoulli:
    r"""Negative log-likelihood of Boolean data, or of relative frequencies, given their probabilities.

    .. math:: D = \tfrac1n \sum_{im} \Bigl[ x_{im} \log\frac{x_{im}}{p_{im}}
              + (1 - x_{im}) \log\frac{1 - x_{im}}{1 - p_{im}} \Bigr], \qquad P = f(A E)

    The transform f is :class:`mffnb.transforms.Logistic` if none is given. Data are not scaled. Add a penalty,
    ``abundance_terms=[Ridge(0.01)]`` for example: without one the factors usually diverge, and a warning says so. See
    :class:`mffnb.transforms.Logistic` for the reason.

    Examples
    --------
    >>> import numpy as np
    >>> import mffnb as mf
    >>> answers = np.random.default_rng(0).random((6, 10, 8)) < 0.3
    >>> result = mf.unmix(answers, 2, similarity="bernoulli", abundance_terms=[mf.Ridge(0.01)], random_state=0)
    >>> chances = result.reconstruction()
    >>> bool(chances.min() > 0), bool(chances.max() < 1)
    (True, True)
    """

    traits: ClassVar[SimilarityTraits] = SimilarityTraits(
        label="yes or no (Bernoulli)",
        weight_power=None,
        distributed=True,
        scale_invariant=False,
        transform=Logistic(),
    )

    def misfit(self, matrix: Matrix, gain: Float64Array | None = None, scale: float | None = None) -> BandedMisfit:
        """Raise UnsupportedCombinationError: without a transform the model is not limited to 0 to 1."""
        raise UnsupportedCombinationError(
            "the Bernoulli likelihood is of chances, which the identity does not keep between 0 and 1: "
            "use transform='logistic', or leave it out"
        )


NAMED: dict[str, Similarity] = {"bernoulli": Bernoulli()}
