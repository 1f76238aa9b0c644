"""Few components."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from mffnb.knobs import knob
from mffnb.penalties.weight import check_weight
from mffnb.protocols.half import Half
from mffnb.typing import Float64Array

__all__ = ["GroupSparsity"]

_BEND = 0.1  # rms of a map, of data with mean squared pixel norm 1: a component that explains one part in a hundred


@dataclass(frozen=True)
class GroupSparsity:
    r"""Few components: :math:`\lambda\, n \sum_j \epsilon \log(1 + r_j / \epsilon)`, r_j the rms of map j of n pixels.

    In the objective, which is divided by n, a faint component costs lambda times the rms of its map, as a group lasso
    has it, and is switched off as a whole where it explains less; k may be chosen too large. A component well above
    epsilon = 0.1 costs little more if it grows. So it is hardly diminished, and two copies of one component cost more
    than one does: under the sum of norms itself they cost the same, and both would stay.

    Source: Yuan & Lin 2006, J. R. Statist. Soc. B 68:49 (group lasso); Candes, Wakin & Boyd 2008, J. Fourier Anal.
    Appl. 14:877 (the logarithm); Tan & Fevotte 2013, IEEE TPAMI 35:1592 (the number of components of NMF).

    Parameters
    ----------
    weight
        lambda; 1e-2 is a sensible start. Components of nothing but noise are about as faint as each other, so that a
        rising weight takes them away at once: the number left after the largest drop is the one to believe.

    Examples
    --------
    >>> import numpy as np
    >>> F = np.array([[0.3, 0.4], [0.01, 0.0]])
    >>> round(GroupSparsity(0.5).value(F), 4)
    0.158
    >>> GroupSparsity(0.5).prox(F, 0.1).round(3).tolist()     # one is hardly diminished, one switched off
    [[0.29, 0.387], [0.0, 0.0]]
    """

    rowwise: ClassVar[bool] = True
    offered: ClassVar[dict[str, str]] = {"abundances": "few components"}
    weight: float = knob(
        1e-2,
        label="few components",
        low=1e-4,
        high=1.0,
        log=True,
        help="the higher, the more components are switched off",
    )

    def __post_init__(self) -> None:
        check_weight(self.weight)

    def value(self, factor: Float64Array) -> float:
        """Evaluate the penalty of a factor (k, entries)."""
        rms = np.sqrt(np.mean(factor**2, axis=1))
        return float(self.weight * factor.shape[1] * _BEND * np.log1p(rms / _BEND).sum())

    def prox(self, factor: Float64Array, step: float) -> Float64Array:
        """The non-negative proximal point: clip, then shorten each row to where the slopes meet, or to zero."""
        clipped = np.maximum(factor, 0.0)
        rms = np.sqrt(np.mean(clipped**2, axis=1, keepdims=True))
        strength = step * self.weight * _BEND
        meet = (rms - _BEND + np.sqrt(np.maximum((rms + _BEND) ** 2 - 4 * strength, 0.0))) / 2
        new = np.maximum(meet, 0.0)
        gain = rms**2 / 2 - (new - rms) ** 2 / 2 - strength * np.log1p(new / _BEND)
        return clipped * np.where((gain > 0) & (rms > 0), new / np.maximum(rms, 1e-300), 0.0)

    def fold(self, half: Half) -> Half:
        """No quadratic: the solver takes its proximal point."""
        return replace(half, proximal=(*half.proximal, self))
