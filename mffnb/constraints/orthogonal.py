"""One component per pixel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from mffnb.protocols.half import Half
from mffnb.typing import Float64Array

__all__ = ["Orthogonal"]


@dataclass(frozen=True)
class Orthogonal:
    r"""Maps that do not overlap: :math:`F F^T` diagonal with F >= 0, so that every pixel has one component at most.

    This groups the pixels, like k-means, but for how much of its component each of them holds. The set is not convex:
    where a run ends depends on its start, for which :class:`mffnb.geometry.Groups` is made. Abundances that sum to one
    besides are those of k-means itself. Components that are orthogonal and have both signs are
    :func:`mffnb.presets.svd` and :func:`mffnb.presets.pca`.

    Source: Ding, Li, Peng & Park 2006, KDD, 126; Pompili, Gillis, Absil & Glineur 2014, Neurocomputing 141:15.

    Examples
    --------
    >>> import numpy as np
    >>> Orthogonal().project(np.array([[3.0, 1.0, -1.0], [2.0, 4.0, -2.0]])).tolist()
    [[3.0, 0.0, 0.0], [0.0, 4.0, 0.0]]
    """

    pixelwise: ClassVar[bool] = True
    offered: ClassVar[dict[str, str]] = {"abundances": "one per pixel"}

    def project(self, factor: Float64Array) -> Float64Array:
        """Keep the largest entry of each column, where it is positive: the nearest point of the set."""
        kept = np.arange(len(factor))[:, None] == np.argmax(factor, axis=0)
        return np.where(kept, np.maximum(factor, 0.0), 0.0)

    def fold(self, half: Half) -> Half:
        """Leave one entry in each column."""
        return replace(half, single=True)
