"""Protocols of similarities: the loss between data and model, before it is bound to data.

Optional capabilities are declared in :class:`mffnb.protocols.SimilarityTraits`.
"""

from __future__ import annotations

from typing import Protocol, Self, runtime_checkable

from mffnb.protocols.distance import Distance
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.misfit import Misfit
from mffnb.typing import Float64Array


@runtime_checkable
class Similarity(Protocol):
    """Loss between data and model; it also defines the data scale to which penalty weights refer."""

    def misfit(self, matrix: Matrix, gain: Float64Array | None = None, scale: float | None = None) -> Misfit:
        """Return the misfit of given data; ``scale`` replaces the scale that is derived from the data."""


@runtime_checkable
class EntrywiseSimilarity(Similarity, Protocol):
    """Similarity that is a sum of losses of single entries, so that it can be combined with a transform."""

    def distance(self, scale: float) -> Distance:
        """Return the loss of single entries of data that are multiplied by ``scale``."""


@runtime_checkable
class DataDependent(Similarity, Protocol):
    """A similarity with parameters that are estimated from the data, such as the noise level of Huber's loss.

    Both methods are needed: a class that has only one of them is not recognised as data-dependent.
    """

    def estimated_from(self, matrix: Matrix) -> Self:
        """Return the similarity with its parameters estimated from X."""

    def start_data(self, matrix: Matrix) -> Matrix:
        """Return the data without outliers, from which start values are computed."""
