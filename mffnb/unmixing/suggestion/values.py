"""What the numbers of a spectral image are: whole or not, negative, zero, saturated; channels without a signal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mffnb.typing import Array
from mffnb.unmixing.suggestion.sample import Sample

_LEAST = 20  # steps between zero and the largest value from which values at the largest one can be saturated
_NEAR, _FEWEST = 0.98, 5  # a pile at the largest value has more entries than the range below it, and this many
_TOLERANCE = 1e-6  # relative deviation from a multiple of the step, for values that were stored as float32


@dataclass(frozen=True, eq=False)
class Values:
    """Properties of the values of a sample.

    Attributes
    ----------
    step
        Step of which all values are multiples: 1 for whole numbers; 0 if there is none.
    largest
        Largest value.
    zeros
        Share of values that are exactly zero.
    negative
        Sum of squares of negative values relative to that of all values.
    saturated
        Numbers of pixels that reach the largest value in a pile of equal values; empty if values do not pile up.
    dead
        True for channels whose values are all the same, (channels,).
    """

    step: float
    largest: float
    zeros: float
    negative: float
    saturated: Array
    dead: Array

    @classmethod
    def of(cls, sample: Sample) -> Values:
        """Examine the values of a sample."""
        X = sample.values
        top = float(X.max())
        zeros, squares, negative, near, equal, at_top = 0, 0.0, 0.0, 0, 0, []
        for rows, block in sample.blocks():
            zeros += int(np.count_nonzero(block == 0))
            squares += float(np.vdot(block, block))
            below = block[block < 0]
            negative += float(below @ below)
            near += int(np.count_nonzero((block >= _NEAR * top) & (block < top)))
            equal += int(np.count_nonzero(block == top))
            at_top.append(rows.start + np.flatnonzero((block == top).any(axis=1)))
        full = np.concatenate(at_top)
        step = _step(X)
        many = equal >= _FEWEST and equal > near and top > 0 and (step == 0 or top >= _LEAST * step)
        dead = (X[:1] == X).all(axis=0)
        return cls(
            step=step,
            largest=top,
            zeros=zeros / X.size,
            negative=negative / squares if squares > 0 else 0.0,
            saturated=full if many and len(full) < len(X) and not dead.all() else np.empty(0, dtype=int),
            dead=dead,
        )

    @property
    def constant(self) -> bool:
        """Whether all pixels are the same."""
        return bool(self.dead.all())


def _step(X: Array) -> float:
    """Return the step of which all values are multiples; 0 if there is none."""
    if X.dtype.kind in "iub":
        return 1.0
    some = X.ravel()[:: max(1, X.size // 2**18)].astype(np.float64)
    sizes = np.abs(some[some != 0])
    if sizes.size == 0:
        return 0.0
    if np.all(sizes == np.round(sizes)):
        return 1.0
    step = float(sizes.min())
    multiples = sizes / step
    near = np.abs(multiples - np.round(multiples)) <= _TOLERANCE * multiples
    return step if near.all() and sizes.max() < 1e5 * step else 0.0
