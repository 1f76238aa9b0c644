"""Lower and upper bounds on the entries of a factor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from mffnb.knobs import knob
from mffnb.protocols.half import Half
from mffnb.protocols.traits import Distribution, TermTraits
from mffnb.typing import Float64Array, Total

__all__ = ["Bounds"]


@dataclass(frozen=True, eq=False)
class Bounds:
    r"""Box constraint: :math:`l \le f_{ij} \le u`.

    Bounds are in the units of the result: those of the data for endmembers, plain numbers for abundances. They fix the
    scale between the two factors, so the result is not normalised to abundances with a mean sum of 1. Source: Kannan et
    al. 2018, Adv. Struct. Chem. Imaging 4:6, table 2.

    Parameters
    ----------
    lower, upper
        l and u with 0 <= l <= u and u > 0: single numbers, or one number for each channel, (channels,).

    Examples
    --------
    >>> import numpy as np
    >>> Bounds(0.0, 1.0).project(np.array([[-1.0, 0.5, 2.0]])).tolist()
    [[0.0, 0.5, 1.0]]
    """

    traits: ClassVar[TermTraits] = TermTraits(
        pixelwise=True,
        uniform=False,
        rowwise=False,
        convex=True,
        distribution=Distribution.ENTRYWISE,
        abundance_label="bounds",
        endmember_label=None,
    )
    lower: Any = knob(0.0, low=0.0, high=1.0, zero=False, help="the minimum")  # noqa: RUF009  a field
    upper: Any = knob(1.0, low=0.02, high=2.0, zero=False, help="the maximum")  # noqa: RUF009  a field

    def __post_init__(self) -> None:
        lower, upper = (np.asarray(side, dtype=np.float64) for side in (self.lower, self.upper))
        if max(lower.ndim, upper.ndim) > 1:
            raise ValueError(f"bounds are numbers, or one for each channel, got shapes {lower.shape} and {upper.shape}")
        if not (np.all(lower >= 0) and np.all(lower <= upper) and np.all(upper > 0) and np.all(np.isfinite(lower))):
            raise ValueError(f"bounds must leave room, 0 <= lower <= upper and upper > 0, got {lower} and {upper}")

    @property
    def bounds_each(self) -> bool:
        """Whether each channel has its own bounds."""
        return bool(np.ndim(self.lower) or np.ndim(self.upper))

    @property
    def closed(self) -> bool:
        """Whether all upper bounds are finite."""
        return bool(np.all(np.isfinite(self.upper)))

    def scaled(self, factor: float | Float64Array) -> Bounds:
        """Return the bounds multiplied by ``factor``, for a factor matrix in other units."""
        return replace(self, lower=np.asarray(self.lower) * factor, upper=np.asarray(self.upper) * factor)

    def on_rank(self, entries: slice, total: Total) -> Self:
        """Return this constraint with the bounds of the entries that this rank owns."""
        lower, upper = (side if np.ndim(side) == 0 else np.asarray(side)[entries] for side in (self.lower, self.upper))
        return replace(self, lower=lower, upper=upper)

    def project(self, factor: Float64Array) -> Float64Array:
        """Clip a factor to the bounds, which gives the nearest point of the box."""
        return np.clip(factor, self.lower, self.upper)

    def fold(self, half: Half) -> Half:
        """Return the half-step subproblem with its bounds tightened to these bounds."""
        lower, upper = np.maximum(half.lower, self.lower), np.minimum(half.upper, self.upper)
        if np.any(lower > upper):
            raise ValueError("two Bounds on one factor leave no room between them: make one of the two")
        return replace(half, lower=lower, upper=upper)
