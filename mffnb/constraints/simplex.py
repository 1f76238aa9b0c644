"""Abundances that sum to one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from mffnb.errors import UnsupportedCombinationError
from mffnb.protocols.half import Half
from mffnb.protocols.traits import Distribution, TermTraits
from mffnb.typing import Float64Array

__all__ = ["Simplex"]

_CORRECTIONS = 3  # Newton steps on the sum: the first is exact, the others remove rounding errors
_ROUNDING = 1e-12
_ZERO = 1e-15  # a smaller fraction is a rounding error: the component is absent


@dataclass(frozen=True)
class Simplex:
    r"""Sum-to-one constraint: :math:`f_{ij} \ge 0,\ \sum_j f_{ji} = 1` for every pixel i, exactly.

    Source: Heinz & Chang 2001, IEEE TGRS 39:529 (fully constrained least squares).

    Parameters
    ----------
    gain
        Whether each pixel has an unknown gain (illumination, thickness, total ion current). The model of pixel i is
        then its gain times a_i E, and the gain is estimated.

    Examples
    --------
    >>> import numpy as np
    >>> Simplex().project(np.array([[2.0], [1.0], [-1.0]])).ravel().tolist()
    [1.0, 0.0, 0.0]
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
    gain: bool = False

    def project(self, factor: Float64Array) -> Float64Array:
        """Return the nearest factor (k, entries) whose columns sum to one (Held, Wolfe & Crowder 1974)."""
        factor = factor - factor.max(axis=0)  # avoids cancellation for large entries
        falling = -np.sort(-factor, axis=0)
        excess = (np.cumsum(falling, axis=0) - 1) / np.arange(1, len(factor) + 1)[:, None]
        kept = np.maximum(1, np.sum(falling > excess, axis=0))
        fractions = factor - np.take_along_axis(excess, kept[None] - 1, axis=0)
        return np.where(fractions < _ZERO, 0.0, fractions)

    def fold(self, half: Half) -> Half:
        """Return the half-step subproblem with the constraint that columns of the factor sum to one."""
        return replace(half, sum_to_one=True)


def nearest_fractions(point: Float64Array, lower: float = 0.0, upper: float = np.inf) -> Float64Array:
    r"""Project onto the intersection of the simplex and a box: columns sum to one, entries lie between bounds.

    The result is :math:`\min(u, \max(l, f_{ji} - \nu_i))` with the shift :math:`\nu_i` for which the sum is one. Where
    no bound is active it equals the projection of :class:`Simplex`.

    Parameters
    ----------
    point
        Point F to project, (k, entries).
    lower, upper
        Bounds l and u on every entry.

    Raises
    ------
    UnsupportedCombinationError
        If no factor within the bounds has columns that sum to one.

    Examples
    --------
    >>> import numpy as np
    >>> nearest_fractions(np.array([[9e9], [1.0], [0.0]]), upper=0.8).ravel().round(3).tolist()
    [0.8, 0.2, 0.0]
    """
    k = len(point)
    if not (k * lower <= 1 + _ROUNDING and k * upper >= 1 - _ROUNDING):
        raise UnsupportedCombinationError(
            f"{k} fractions between {lower:.3g} and {upper:.3g} cannot sum to 1: "
            f"let Bounds of the abundances have 1/{k} between them"
        )
    nearest = Simplex().project(point)
    beyond = np.flatnonzero((nearest.min(axis=0, initial=1.0) < lower) | (nearest.max(axis=0, initial=0.0) > upper))
    if not beyond.size:
        return nearest
    nearest[:, beyond] = _project_bounded(_with_small_gaps(point[:, beyond]), lower, upper)
    return nearest


def _with_small_gaps(f: Float64Array) -> Float64Array:
    """Limit the gaps between sorted entries of a column to 1, which keeps the projection and avoids cancellation."""
    order = np.argsort(-f, axis=0)
    gaps = np.diff(np.take_along_axis(f, order, axis=0), axis=0, prepend=f.max(axis=0, keepdims=True))
    closer = np.empty_like(f)
    np.put_along_axis(closer, order, np.cumsum(np.maximum(gaps, -1.0), axis=0), axis=0)
    return closer


def _project_bounded(f: Float64Array, lower: float, upper: float) -> Float64Array:
    """Project columns whose bounds are active, by bisection over the shifts at which a bound becomes (in)active."""
    breaks = np.sort(np.concatenate([f - min(upper, 1.0), f - lower]), axis=0)
    first, last = np.zeros((1, f.shape[1]), int), np.full((1, f.shape[1]), len(breaks) - 1)
    while np.any(last - first > 1):
        middle = (first + last) // 2
        large = np.clip(f - np.take_along_axis(breaks, middle, axis=0), lower, upper).sum(axis=0) >= 1
        first, last = np.where(large, middle, first), np.where(large, last, middle)
    level = (np.take_along_axis(breaks, first, axis=0) + np.take_along_axis(breaks, last, axis=0)) / 2
    moving = (f - level > lower) & (f - level < upper)
    f = np.clip(f - level, lower, upper)
    for _ in range(_CORRECTIONS):
        missing = 1 - f.sum(axis=0)
        f = np.clip(f + moving * (missing / np.maximum(moving.sum(axis=0), 1)), lower, upper)
        moving = np.where(missing > 0, f < upper, f > lower)  # entries that may still move towards the sum
    return f
