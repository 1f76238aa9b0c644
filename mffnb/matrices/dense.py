"""X as an array in memory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mffnb.typing import Array, Float64Array


@dataclass(frozen=True, eq=False)
class Dense:
    """A float32 or float64 array (rows, columns), any layout, never copied and never written to.

    Products are accumulated in the precision of the array by BLAS and handed on in float64.
    """

    array: Array

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""
        return self.array.shape[0], self.array.shape[1]

    @property
    def T(self) -> Dense:
        """The transposed matrix, a view."""
        return Dense(self.array.T)

    def cross(self, basis: Float64Array) -> Float64Array:
        """``basis @ X^T``, (k, rows)."""
        return np.ascontiguousarray(basis.astype(self.array.dtype, copy=False) @ self.array.T, np.float64)

    @cached_property
    def squared_norm(self) -> float:
        """Sum of squares in float64, block by block, since float32 sums of a large image lose digits."""
        rows = self.array if self.array.flags.c_contiguous else self.array.T
        step = max(1, 2**20 // max(1, rows.shape[1]))
        total = 0.0
        for first in range(0, rows.shape[0], step):
            block = rows[first : first + step].astype(np.float64, copy=False)
            total += float(np.einsum("ij,ij->", block, block))
        return total
