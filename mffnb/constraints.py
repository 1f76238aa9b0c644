"""What an answer must obey: sets that a factor lies in."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mffnb.protocols import Half
from mffnb.typing import Float64Array


@dataclass(frozen=True)
class NonNegative:
    r"""Nothing negative: :math:`f_{ij} \ge 0`. Every factor obeys it; naming it changes nothing."""

    def project(self, factor: Float64Array) -> Float64Array:
        """Return the nearest non-negative factor."""
        return np.maximum(factor, 0.0)

    def fold(self, half: Half) -> Half:
        """Leave the half problem as it is: its factor is non-negative already."""
        return half


@dataclass(frozen=True)
class UnitBall:
    r"""Bounded rows: :math:`f_j \ge 0,\ \lVert f_j \rVert \le r`.

    This fixes the scale between the two factors: without it a penalty on A can be made arbitrarily small by
    moving scale into E. It is added by itself to E where A is penalised (and there the norms end at r), to A,
    with r the root of the number of pixels, where only E is.
    """

    radius: float = 1.0

    def project(self, factor: Float64Array) -> Float64Array:
        """Clip, then scale: the exact projection on the intersection of cone and ball."""
        clipped = np.maximum(factor, 0.0)
        norm = np.linalg.norm(clipped, axis=1, keepdims=True)
        return clipped * np.where(norm > self.radius, self.radius / np.maximum(norm, 1e-300), 1.0)

    def fold(self, half: Half) -> Half:
        """Bound the rows of the half problem."""
        return replace(half, radius=min(half.radius, self.radius))


@dataclass(frozen=True)
class Simplex:
    r"""Fractions: :math:`f_{ij} \ge 0,\ \sum_j f_{ji} = 1` for every pixel i, exactly.

    Source: Heinz & Chang 2001, IEEE TGRS 39:529 (fully constrained least squares).

    Examples
    --------
    >>> import numpy as np
    >>> Simplex().project(np.array([[2.0], [1.0], [-1.0]])).ravel().tolist()
    [1.0, 0.0, 0.0]
    """

    def project(self, factor: Float64Array) -> Float64Array:
        """Return the nearest factor (k, entries) whose columns sum to one (Held, Wolfe & Crowder 1974)."""
        falling = -np.sort(-factor, axis=0)
        excess = (np.cumsum(falling, axis=0) - 1) / np.arange(1, len(factor) + 1)[:, None]
        kept = np.maximum(1, np.sum(falling > excess, axis=0))
        return np.maximum(factor - np.take_along_axis(excess, kept[None] - 1, axis=0), 0.0)

    def fold(self, half: Half) -> Half:
        """Bind the entries of each column."""
        return replace(half, sum_to_one=True)
