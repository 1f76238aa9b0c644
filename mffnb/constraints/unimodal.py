"""One peak."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from mffnb.kernels import unimodal
from mffnb.protocols.half import Half
from mffnb.typing import Float64Array

__all__ = ["Unimodal"]


@dataclass(frozen=True)
class Unimodal:
    r"""One peak in each row: :math:`0 \le f_{j1} \le \dots \le f_{jp} \ge \dots \ge f_{jm} \ge 0`, p found for each.

    For endmembers that are a single line (an emission line, a chromatogram, a rocking curve). Channels that are masked
    are left out before: those that remain are in one row. The set is a cone that is not convex, of which the nearest
    point is found exactly.

    Source: Bro & Sidiropoulos 1998, J. Chemometrics 12:223.

    Examples
    --------
    >>> import numpy as np
    >>> Unimodal().project(np.array([[0.0, 3.0, 1.0, 2.0, -1.0]])).tolist()
    [[0.0, 3.0, 1.5, 1.5, 0.0]]
    """

    rowwise: ClassVar[bool] = True
    convex: ClassVar[bool] = False
    offered: ClassVar[dict[str, str]] = {"endmembers": "one peak"}

    def project(self, factor: Float64Array) -> Float64Array:
        """Return the nearest factor with one peak in each row."""
        nearest = np.empty(factor.shape)
        unimodal.nearest_unimodal(np.ascontiguousarray(factor, dtype=np.float64), nearest)
        return nearest

    def fold(self, half: Half) -> Half:
        """A set that no field describes: the solver takes its nearest point."""
        return replace(half, proximal=(*half.proximal, self))
