"""Lagrange multipliers of the ball constraint on abundances, with which new pixels are solved one by one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from mffnb.protocols.half import Half
from mffnb.protocols.traits import Distribution, TermTraits
from mffnb.typing import Float64Array


@dataclass(frozen=True, eq=False)
class RowRidge:
    r"""Ridge with one weight for each row: :math:`\tfrac12 \sum_j \mu_j \lVert f_j \rVert^2`.

    With the multipliers of a ball constraint as weights, the minimum of each pixel is that of the constrained problem,
    and does not depend on the number of pixels.

    Parameters
    ----------
    weights
        mu, one number >= 0 for each component, (k,).
    """

    traits: ClassVar[TermTraits] = TermTraits(
        pixelwise=True,
        uniform=False,
        rowwise=False,
        convex=True,
        distribution=Distribution.ENTRYWISE,
        abundance_label=None,
        endmember_label=None,
    )
    weights: Float64Array

    def value(self, factor: Float64Array) -> float:
        """Return half of the sum of mu_j |f_j|^2 over the rows of a factor (k, entries)."""
        return float(self.weights @ (factor**2).sum(axis=1) / 2)

    def fold(self, half: Half) -> Half:
        """Return the half-step subproblem with the weights added to the diagonal of the Gram matrix."""
        return replace(half, gram=half.gram + np.diag(self.weights))
