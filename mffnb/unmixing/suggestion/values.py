"""What the numbers of a spectral image are: whole or not, negative, zero; channels without a signal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mffnb.typing import Array
from mffnb.unmixing.suggestion.sample import Sample

_TOLERANCE = 1e-6  # relative deviation from a multiple of the step, for values that were stored as float32


@dataclass(frozen=True, eq=False)
class Values:
    """Properties of the values of a sample.

    Attributes
    ----------
    step
        Step of which all values are multiples: 1 for whole numbers; 0 if there is none.
    zeros
        Share of values that are exactly zero.
    negative
        Sum of squares of negative values relative to that of all values.
    dead
        True for channels whose values are all the same, (channels,).
    """

    step: float
    zeros: float
    negative: float
    dead: Array

    @classmethod
    def of(cls, sample: Sample) -> Values:
        """Examine the values of a sample."""
        X = sample.values
        zeros, squares, negative = 0, 0.0, 0.0
        for _, block in sample.blocks():
            zeros += int(np.count_nonzero(block == 0))
            squares += float(np.vdot(block, block))
            below = block[block < 0]
            negative += float(below @ below)
        return cls(
            step=step_of(X),
            zeros=zeros / X.size,
            negative=negative / squares if squares > 0 else 0.0,
            dead=(X[:1] == X).all(axis=0),
        )

    @property
    def constant(self) -> bool:
        """Whether all pixels are the same."""
        return bool(self.dead.all())


def step_of(X: Array) -> float:
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
