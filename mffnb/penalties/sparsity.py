"""L1 (lasso) penalty."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from mffnb.knobs import knob
from mffnb.penalties.weight import check_weight
from mffnb.protocols.half import Half
from mffnb.protocols.traits import Distribution, TermTraits
from mffnb.typing import Float64Array

__all__ = ["Sparsity"]


@dataclass(frozen=True)
class Sparsity:
    r"""L1 (lasso) penalty: :math:`\lambda \sum_{ij} f_{ij}` for :math:`f_{ij} \ge 0`.

    The result has few components per pixel.

    Source: Kannan et al. 2018, Adv. Struct. Chem. Imaging 4:6, table 2.

    Examples
    --------
    >>> import numpy as np
    >>> Sparsity(0.5).value(np.array([[1.0, 2.0], [0.0, 3.0]]))
    3.0
    """

    traits: ClassVar[TermTraits] = TermTraits(
        pixelwise=True,
        uniform=True,
        rowwise=False,
        convex=True,
        distribution=Distribution.ENTRYWISE,
        abundance_label=None,
        endmember_label=None,
    )
    weight: float = knob(
        1e-3,
        label="sparsity",
        low=1e-4,
        high=1.0,
        log=True,
        help="lambda 1: the higher, the fewer components per pixel",
    )

    def __post_init__(self) -> None:
        check_weight(self.weight)

    def value(self, factor: Float64Array) -> float:
        """Return the value of the penalty for a factor (k, entries)."""
        return self.weight * float(factor.sum())

    def fold(self, half: Half) -> Half:
        """Return the half-step subproblem with lambda subtracted from its cross product: for F >= 0 L1 is linear."""
        return replace(half, cross=half.cross - self.weight)
