"""Unimodal rows: spectra with one peak."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from mffnb.kernels import unimodal
from mffnb.protocols.half import Half
from mffnb.protocols.traits import Distribution, TermTraits
from mffnb.typing import Float64Array

__all__ = ["Unimodal"]


@dataclass(frozen=True)
class Unimodal:
    r"""Unimodality: :math:`0 \le f_{j1} \le \dots \le f_{jp} \ge \dots \ge f_{jm} \ge 0`, with a free peak position p.

    It suits endmembers with a single line (an emission line, a chromatogram, a rocking curve). Masked channels are
    removed first; the remaining ones are treated as adjacent. The set is a non-convex cone; its projection is exact.

    Source: Bro & Sidiropoulos 1998, J. Chemometrics 12:223.

    Examples
    --------
    >>> import numpy as np
    >>> Unimodal().project(np.array([[0.0, 3.0, 1.0, 2.0, -1.0]])).tolist()
    [[0.0, 3.0, 1.5, 1.5, 0.0]]
    """

    traits: ClassVar[TermTraits] = TermTraits(
        pixelwise=False,
        uniform=False,
        rowwise=True,
        convex=False,
        distribution=Distribution.WHOLE,
        abundance_label=None,
        endmember_label="one peak",
    )

    def project(self, factor: Float64Array) -> Float64Array:
        """Return the nearest factor with one peak in each row."""
        nearest = np.empty(factor.shape)
        unimodal.nearest_unimodal(np.ascontiguousarray(factor, dtype=np.float64), nearest)
        return nearest

    def fold(self, half: Half) -> Half:
        """Return the half-step subproblem with this set appended to its sets with a projection."""
        return replace(half, proximal=(*half.proximal, self))
