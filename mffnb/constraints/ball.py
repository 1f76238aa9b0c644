"""Nothing negative, and nothing too large."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from mffnb.protocols.half import Half
from mffnb.typing import Float64Array, Total, local_total

__all__ = ["NonNegative", "UnitBall"]


@dataclass(frozen=True)
class NonNegative:
    r"""Nothing negative: :math:`f_{ij} \ge 0`. Every factor obeys it; naming it changes nothing."""

    pixelwise: ClassVar[bool] = True

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

    Parameters
    ----------
    radius
        r.
    total
        Sums over all processes that share the entries; a problem puts it there.
    """

    radius: float = 1.0
    total: Total = field(default=local_total, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.radius > 0:
            raise ValueError(f"the radius of a ball must be positive, got {self.radius!r}")

    def project(self, factor: Float64Array) -> Float64Array:
        """Clip, then scale: the exact projection on the intersection of cone and ball."""
        clipped = np.maximum(factor, 0.0)
        norm = np.sqrt(self.total((clipped**2).sum(axis=1)))[:, None]
        return clipped * np.where(norm > self.radius, self.radius / np.maximum(norm, 1e-300), 1.0)

    def fold(self, half: Half) -> Half:
        """Bound the rows of the half problem."""
        return replace(half, radius=min(half.radius, self.radius))
