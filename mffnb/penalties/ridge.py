"""Nothing larger than it has to be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from mffnb.knobs import knob
from mffnb.penalties.weight import check_weight
from mffnb.protocols.half import Half
from mffnb.typing import Float64Array

__all__ = ["Ridge"]


@dataclass(frozen=True)
class Ridge:
    r"""Small values: :math:`\frac{\lambda}{2} \sum_{ij} f_{ij}^2` (Tikhonov).

    Where endmembers resemble each other, noise makes abundances large and opposite; a ridge shares out what the data
    cannot tell apart evenly. Source: Kannan et al. 2018, Adv. Struct. Chem. Imaging 4:6, table 2.

    Examples
    --------
    >>> import numpy as np
    >>> Ridge(0.5).value(np.array([[1.0, 2.0], [0.0, 3.0]]))
    3.5
    """

    pixelwise: ClassVar[bool] = True
    alike: ClassVar[bool] = True
    offered: ClassVar[dict[str, str]] = {"abundances": "ridge"}
    weight: float = knob(
        1e-3,
        label="ridge",
        low=1e-4,
        high=1.0,
        log=True,
        help="the higher, the more evenly alike components share what the data cannot tell apart",
    )

    def __post_init__(self) -> None:
        check_weight(self.weight)

    def value(self, factor: Float64Array) -> float:
        """Evaluate the penalty of a factor (k, entries)."""
        return self.weight / 2 * float(np.vdot(factor, factor))

    def fold(self, half: Half) -> Half:
        """A quadratic, the same for all entries: it raises the diagonal of the Gram matrix."""
        return replace(half, gram=half.gram + self.weight * np.eye(len(half.gram)))
