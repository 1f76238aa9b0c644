"""A least and a largest value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from mffnb.knobs import knob
from mffnb.protocols.half import Half
from mffnb.typing import Float64Array

__all__ = ["Bounds"]


@dataclass(frozen=True, eq=False)
class Bounds:
    r"""A box: :math:`l \le f_{ij} \le u`.

    Bounds are in the units of the answer: those of the data for endmembers, plain numbers for abundances. They fix how
    scale is shared between the two factors, so that the answer is handed out as it is, and not brought to abundances
    that sum to 1 on average. Source: Kannan et al. 2018, Adv. Struct. Chem. Imaging 4:6, table 2.

    Parameters
    ----------
    lower, upper
        l and u, 0 <= l <= u, u > 0; numbers, or one for each channel, (channels,).

    Examples
    --------
    >>> import numpy as np
    >>> Bounds(0.0, 1.0).project(np.array([[-1.0, 0.5, 2.0]])).tolist()
    [[0.0, 0.5, 1.0]]
    """

    pixelwise: ClassVar[bool] = True
    offered: ClassVar[dict[str, str]] = {"abundances": "bounds"}
    lower: Any = knob(0.0, low=0.0, high=1.0, zero=False, help="the least value")  # noqa: RUF009  a field
    upper: Any = knob(1.0, low=0.02, high=2.0, zero=False, help="the largest value")  # noqa: RUF009  a field

    def __post_init__(self) -> None:
        lower, upper = (np.asarray(side, dtype=np.float64) for side in (self.lower, self.upper))
        if max(lower.ndim, upper.ndim) > 1:
            raise ValueError(f"bounds are numbers, or one for each channel, got shapes {lower.shape} and {upper.shape}")
        if not (np.all(lower >= 0) and np.all(lower <= upper) and np.all(upper > 0) and np.all(np.isfinite(lower))):
            raise ValueError(f"bounds must leave room, 0 <= lower <= upper and upper > 0, got {lower} and {upper}")

    @property
    def bounds_each(self) -> bool:
        """Whether each channel has bounds of its own."""
        return bool(np.ndim(self.lower) or np.ndim(self.upper))

    @property
    def closed(self) -> bool:
        """Whether there is a largest value everywhere."""
        return bool(np.all(np.isfinite(self.upper)))

    def scaled(self, factor: float | Float64Array) -> Bounds:
        """The box for a factor whose values are multiplied by something."""
        return replace(self, lower=np.asarray(self.lower) * factor, upper=np.asarray(self.upper) * factor)

    def of(self, entries: slice) -> Bounds:
        """The box of some channels."""
        sides = (side if np.ndim(side) == 0 else np.asarray(side)[entries] for side in (self.lower, self.upper))
        return Bounds(*sides)

    def project(self, factor: Float64Array) -> Float64Array:
        """Clip: the nearest point of the box."""
        return np.clip(factor, self.lower, self.upper)

    def fold(self, half: Half) -> Half:
        """Bound the entries of the half problem."""
        lower, upper = np.maximum(half.lower, self.lower), np.minimum(half.upper, self.upper)
        if np.any(lower > upper):
            raise ValueError("two Bounds on one factor leave no room between them: make one of the two")
        return replace(half, lower=lower, upper=upper)
