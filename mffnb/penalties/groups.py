"""Group sparsity: a penalty that switches off whole components."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

import numpy as np

from mffnb.knobs import knob
from mffnb.penalties.weight import check_weight
from mffnb.protocols.half import Half
from mffnb.protocols.traits import Distribution, TermTraits
from mffnb.typing import Float64Array, Total, local_total

__all__ = ["GroupSparsity"]

# Root mean square of a map, at which the penalty changes from linear to logarithmic. Scaled data have a mean squared
# pixel norm of 1, so a component of this strength explains one hundredth of them.
_EPSILON = 0.1


@dataclass(frozen=True)
class GroupSparsity:
    r"""Group sparsity: :math:`\lambda\, n \sum_j \epsilon \log(1 + r_j / \epsilon)` with r_j the rms of map j.

    For a faint component the penalty is that of a group lasso, lambda times the rms of its map per pixel. A component
    that explains less than this is set to zero as a whole, so k may be chosen too large. Above epsilon = 0.1 the
    penalty grows logarithmically, so strong components are hardly reduced. Two copies of one component cost more than
    one; under the sum of norms they would cost the same, and both would remain.

    Source: Yuan & Lin 2006, J. R. Statist. Soc. B 68:49 (group lasso); Candes, Wakin & Boyd 2008, J. Fourier Anal.
    Appl. 14:877 (the logarithm); Tan & Fevotte 2013, IEEE TPAMI 35:1592 (the number of components of NMF).

    Parameters
    ----------
    weight
        lambda; 1e-2 is a reasonable first value. Components that fit noise only have similar strengths, so a rising
        weight removes them together: the number of components after the largest drop is the best estimate of k.
    total
        Function that sums an array over all ranks that share the entries; set by :meth:`on_rank`.

    Examples
    --------
    >>> import numpy as np
    >>> F = np.array([[0.3, 0.4], [0.01, 0.0]])
    >>> round(GroupSparsity(0.5).value(F), 4)
    0.158
    >>> GroupSparsity(0.5).prox(F, 0.1).round(3).tolist()     # the first is hardly reduced, the second is set to zero
    [[0.29, 0.387], [0.0, 0.0]]
    """

    traits: ClassVar[TermTraits] = TermTraits(
        pixelwise=False,
        uniform=False,
        rowwise=True,
        convex=False,
        distribution=Distribution.SUMMED,
        abundance_label="few components",
        endmember_label=None,
    )
    weight: float = knob(
        1e-2,
        label="few components",
        low=1e-4,
        high=1.0,
        log=True,
        help="the higher, the more components are set to zero",
    )
    total: Total = field(default=local_total, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_weight(self.weight)

    def value(self, factor: Float64Array) -> float:
        """Return the value of the penalty for a factor (k, entries)."""
        squares, entries = self._sums(factor)
        return float(self.weight * entries * _EPSILON * np.log1p(np.sqrt(squares / entries) / _EPSILON).sum())

    def prox(self, factor: Float64Array, step: float) -> Float64Array:
        """Return the non-negative proximal point: clip, then scale each row to the stationary point or to zero."""
        clipped = np.maximum(factor, 0.0)
        squares, entries = self._sums(clipped)
        rms = np.sqrt(squares / entries)[:, None]
        strength = step * self.weight * _EPSILON
        stationary = (rms - _EPSILON + np.sqrt(np.maximum((rms + _EPSILON) ** 2 - 4 * strength, 0.0))) / 2
        new = np.maximum(stationary, 0.0)
        decrease = rms**2 / 2 - (new - rms) ** 2 / 2 - strength * np.log1p(new / _EPSILON)
        return clipped * np.where((decrease > 0) & (rms > 0), new / np.maximum(rms, 1e-300), 0.0)

    def fold(self, half: Half) -> Half:
        """Return the half-step subproblem with this penalty appended to its terms with a proximal operator."""
        return replace(half, proximal=(*half.proximal, self))

    def on_rank(self, entries: slice, total: Total) -> Self:
        """Return this penalty for the entries of this rank, with row norms summed over all ranks."""
        return replace(self, total=total)

    def _sums(self, factor: Float64Array) -> tuple[Float64Array, float]:
        """Return the sum of squares of each row, (k,), and the number of its entries, on all ranks."""
        sums = self.total(np.append((factor**2).sum(axis=1), float(factor.shape[1])))
        return sums[:-1], float(sums[-1])
