"""Ridge (Tikhonov) penalty on a factor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from mffnb.knobs import knob
from mffnb.penalties.weight import check_weight
from mffnb.protocols.half import Half
from mffnb.protocols.traits import Distribution, TermTraits
from mffnb.typing import Float64Array

__all__ = ["Ridge"]


@dataclass(frozen=True)
class Ridge:
    r"""Ridge (Tikhonov) penalty: :math:`\frac{\lambda}{2} \sum_{ij} f_{ij}^2`.

    If endmembers are similar, noise causes large abundance errors of opposite sign. A ridge penalty distributes the
    signal evenly among components that the data cannot separate. Source: Kannan et al. 2018, Adv. Struct. Chem. Imaging
    4:6, table 2.

    Examples
    --------
    >>> import numpy as np
    >>> Ridge(0.5).value(np.array([[1.0, 2.0], [0.0, 3.0]]))
    3.5
    """

    traits: ClassVar[TermTraits] = TermTraits(
        pixelwise=True,
        uniform=True,
        rowwise=False,
        convex=True,
        distribution=Distribution.ENTRYWISE,
        abundance_label="ridge",
        endmember_label=None,
    )
    weight: float = knob(
        1e-3,
        label="ridge",
        low=1e-4,
        high=1.0,
        log=True,
        help="the higher, the more evenly similar components share what the data cannot separate",
    )

    def __post_init__(self) -> None:
        check_weight(self.weight)

    def value(self, factor: Float64Array) -> float:
        """Return the value of the penalty for a factor (k, entries)."""
        return self.weight / 2 * float(np.vdot(factor, factor))

    def fold(self, half: Half) -> Half:
        """Return the half-step subproblem with lambda added to the diagonal of its Gram matrix, which is exact."""
        return replace(half, gram=half.gram + self.weight * np.eye(len(half.gram)))
