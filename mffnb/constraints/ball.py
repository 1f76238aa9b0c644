"""Constraints on a factor: non-negative entries, and rows of bounded norm."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

import numpy as np

from mffnb.protocols.half import Half
from mffnb.protocols.traits import Distribution, TermTraits
from mffnb.typing import Float64Array, Total, local_total

__all__ = ["NonNegative", "UnitBall"]


@dataclass(frozen=True)
class NonNegative:
    r"""Non-negativity: :math:`f_{ij} \ge 0`. It always holds, so adding it changes nothing.

    Examples
    --------
    >>> import mffnb as mf
    >>> mf.NonNegative().project(np.array([[-1.0, 2.0]]))
    array([[0., 2.]])
    """

    traits: ClassVar[TermTraits] = TermTraits(
        pixelwise=True,
        uniform=False,  # True would select other kernels, whose results differ by rounding
        rowwise=False,
        convex=True,
        distribution=Distribution.ENTRYWISE,
        abundance_label=None,
        endmember_label=None,
    )

    def project(self, factor: Float64Array) -> Float64Array:
        """Return the nearest non-negative factor."""
        return np.maximum(factor, 0.0)

    def fold(self, half: Half) -> Half:
        """Return the half-step subproblem unchanged: its factor is non-negative already."""
        return half


@dataclass(frozen=True)
class UnitBall:
    r"""Ball constraint on rows: :math:`f_j \ge 0,\ \lVert f_j \rVert \le r`.

    It fixes the scale between the two factors. Without it, a penalty on A becomes arbitrarily small if scale moves into
    E. It is added automatically: to E where A is penalised (norms then converge to r), and to A, with r the square root
    of the number of pixels, where only E is penalised.

    Parameters
    ----------
    radius
        r, the largest norm of a row.
    total
        Function that sums an array over all ranks that share the entries; set by :meth:`on_rank`.

    Examples
    --------
    >>> import mffnb as mf
    >>> mf.UnitBall(1.0).project(np.array([[3.0, 4.0]]))
    array([[0.6, 0.8]])
    """

    traits: ClassVar[TermTraits] = TermTraits(
        pixelwise=False,
        uniform=False,
        rowwise=False,
        convex=True,
        distribution=Distribution.SUMMED,
        abundance_label=None,
        endmember_label=None,
    )
    radius: float = 1.0
    total: Total = field(default=local_total, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.radius > 0:
            raise ValueError(f"the radius of a ball must be positive, got {self.radius!r}")

    def project(self, factor: Float64Array) -> Float64Array:
        """Clip a factor at zero, then scale long rows to norm r: the exact projection onto cone and ball."""
        clipped = np.maximum(factor, 0.0)
        norm = np.sqrt(self.total((clipped**2).sum(axis=1)))[:, None]
        return clipped * (self.radius / np.maximum(norm, self.radius))

    def fold(self, half: Half) -> Half:
        """Return the half-step subproblem with the bound r on the norm of each row."""
        return replace(half, radius=min(half.radius, self.radius))

    def on_rank(self, entries: slice, total: Total) -> Self:
        """Return this constraint for the entries of this rank, with row norms summed over all ranks."""
        return replace(self, total=total)
