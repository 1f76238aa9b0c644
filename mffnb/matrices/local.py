"""What matrices share that lie in one process whole."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from mffnb.typing import Array, Float64Array


class Local(ABC):
    """All rows are here, and a sum over rows is complete as it stands."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""

    @property
    def own(self) -> slice:
        """The rows that are here: all."""
        return slice(0, self.shape[0])

    def total(self, part: Float64Array) -> Float64Array:
        """Sum over all rows from the sum over the rows here: the same."""
        return part


def sum_of_squares(values: Array) -> float:
    """Sum of squares in float64, in pieces of two megabytes: float32 sums of a large image lose digits."""
    step = max(1, 2**18 // max(1, values[:1].size))
    return sum(_sum_of_squares(values[first : first + step]) for first in range(0, len(values), step))


def _sum_of_squares(piece: Array) -> float:
    flat = piece.astype(np.float64, copy=False).ravel()
    return float(np.einsum("i,i->", flat, flat))
