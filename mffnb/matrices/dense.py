"""X as an array in memory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mffnb.matrices.chunked import Chunked
from mffnb.matrices.local import Local, sum_of_squares
from mffnb.typing import Array, Float64Array

# Between these the product of a value and a factor neither overflows float32 nor loses digits to its subnormal numbers.
_FLOAT32 = (1e-25, 1e25)


@dataclass(frozen=True, eq=False)
class Dense(Local):
    """A float32 or float64 array (rows, columns) in C or Fortran order, never copied and never written to.

    Products are accumulated in the precision of the array by BLAS and handed on in float64; those of float32 data near
    the ends of what float32 can hold are formed in float64, band by band.
    """

    array: Array

    def __post_init__(self) -> None:
        if self.array.dtype not in (np.float32, np.float64):
            raise TypeError(f"Dense holds float32 or float64, got {self.array.dtype}: X.astype(float) first")

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""
        return self.array.shape[0], self.array.shape[1]

    def times(self, basis: Float64Array) -> Float64Array:
        """``basis X^T``, (k, rows)."""
        if self._at_the_ends:
            return Chunked(self.array).times(basis)
        return np.asarray(basis.astype(self.array.dtype, copy=False) @ self.array.T, np.float64)

    def transposed_times(self, factor: Float64Array) -> Float64Array:
        """``factor X``, (k, columns)."""
        if self._at_the_ends:
            return Chunked(self.array).transposed_times(factor)
        return np.asarray(factor.astype(self.array.dtype, copy=False) @ self.array, np.float64)

    @cached_property
    def _at_the_ends(self) -> bool:
        norm = self.squared_norm**0.5
        return self.array.dtype == np.float32 and not _FLOAT32[0] < norm / max(1, self.array.size) <= norm < _FLOAT32[1]

    @cached_property
    def squared_norm(self) -> float:
        """Sum of squares in float64."""
        return sum_of_squares(self.array if self.array.flags.c_contiguous else self.array.T)
