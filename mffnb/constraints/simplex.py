"""Fractions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from mffnb.protocols import Half
from mffnb.typing import Float64Array


@dataclass(frozen=True)
class Simplex:
    r"""Fractions: :math:`f_{ij} \ge 0,\ \sum_j f_{ji} = 1` for every pixel i, exactly.

    Source: Heinz & Chang 2001, IEEE TGRS 39:529 (fully constrained least squares).

    Parameters
    ----------
    gain
        Whether the sum holds only up to a factor for each pixel (illumination, thickness, total ion current): data are
        then a_i E times a gain that is found for each pixel.

    Examples
    --------
    >>> import numpy as np
    >>> Simplex().project(np.array([[2.0], [1.0], [-1.0]])).ravel().tolist()
    [1.0, 0.0, 0.0]
    """

    pixelwise: ClassVar[bool] = True
    gain: bool = False

    def project(self, factor: Float64Array) -> Float64Array:
        """Return the nearest factor (k, entries) whose columns sum to one (Held, Wolfe & Crowder 1974)."""
        falling = -np.sort(-factor, axis=0)
        excess = (np.cumsum(falling, axis=0) - 1) / np.arange(1, len(factor) + 1)[:, None]
        kept = np.maximum(1, np.sum(falling > excess, axis=0))
        return np.maximum(factor - np.take_along_axis(excess, kept[None] - 1, axis=0), 0.0)

    def fold(self, half: Half) -> Half:
        """Bind the entries of each column."""
        return replace(half, sum_to_one=True)
