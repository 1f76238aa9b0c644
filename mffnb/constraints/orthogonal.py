"""Orthogonal non-negative factor: one component per pixel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from mffnb.protocols.half import Half
from mffnb.protocols.traits import Distribution, TermTraits
from mffnb.typing import Float64Array

__all__ = ["Orthogonal"]


@dataclass(frozen=True)
class Orthogonal:
    r"""Orthogonal maps: :math:`F F^T` diagonal with F >= 0, so every pixel has at most one component.

    The result is a clustering of the pixels, like k-means, with an amplitude for each pixel. The set is not convex, so
    the result depends on the start values; :class:`mffnb.geometry.Groups` provides suitable ones. With abundances that
    also sum to one, this is k-means. For orthogonal components of both signs use :func:`mffnb.presets.svd` or
    :func:`mffnb.presets.pca`.

    Source: Ding, Li, Peng & Park 2006, KDD, 126; Pompili, Gillis, Absil & Glineur 2014, Neurocomputing 141:15.

    Examples
    --------
    >>> import numpy as np
    >>> Orthogonal().project(np.array([[3.0, 1.0, -1.0], [2.0, 4.0, -2.0]])).tolist()
    [[3.0, 0.0, 0.0], [0.0, 4.0, 0.0]]
    """

    traits: ClassVar[TermTraits] = TermTraits(
        pixelwise=True,
        uniform=False,
        rowwise=False,
        convex=False,
        distribution=Distribution.ENTRYWISE,
        abundance_label="one per pixel",
        endmember_label=None,
    )

    def project(self, factor: Float64Array) -> Float64Array:
        """Keep only the largest entry of each column, if it is positive: the nearest orthogonal non-negative factor."""
        kept = np.arange(len(factor))[:, None] == np.argmax(factor, axis=0)
        return np.where(kept, np.maximum(factor, 0.0), 0.0)

    def fold(self, half: Half) -> Half:
        """Return the half-step subproblem with at most one non-zero entry in each column of the factor."""
        return replace(half, single=True)
