"""Few components per pixel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from mffnb.knobs import knob
from mffnb.penalties.weight import check_weight
from mffnb.protocols.half import Half
from mffnb.typing import Float64Array

__all__ = ["Sparsity"]


@dataclass(frozen=True)
class Sparsity:
    r"""Few components per pixel: :math:`\lambda \sum_{ij} f_{ij}` for :math:`f_{ij} \ge 0` (lasso).

    Source: Kannan et al. 2018, Adv. Struct. Chem. Imaging 4:6, table 2.

    Examples
    --------
    >>> import numpy as np
    >>> Sparsity(0.5).value(np.array([[1.0, 2.0], [0.0, 3.0]]))
    3.0
    """

    pixelwise: ClassVar[bool] = True
    alike: ClassVar[bool] = True
    weight: float = knob(
        1e-3,
        label="sparsity",
        low=1e-4,
        high=1.0,
        log=True,
        help="lambda 1: the higher, the fewer components share a pixel",
    )

    def __post_init__(self) -> None:
        check_weight(self.weight)

    def value(self, factor: Float64Array) -> float:
        """Evaluate the penalty of a factor (k, entries)."""
        return self.weight * float(factor.sum())

    def fold(self, half: Half) -> Half:
        """L1 is linear on non-negative factors: it lowers the cross product."""
        return replace(half, cross=half.cross - self.weight)
