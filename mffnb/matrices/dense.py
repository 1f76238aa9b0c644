"""X as a float64 array in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mffnb.matrices.local import CACHE_BYTES, Local, band_limits, sum_of_squares
from mffnb.typing import Array, Float64Array


@dataclass(frozen=True, eq=False)
class Dense(Local):
    """A float64 array (rows, columns) in C or Fortran order, never copied and never written to.

    Any other array is a :class:`mffnb.matrices.Chunked`, see :func:`mffnb.matrices.in_memory`.
    """

    array: Array

    def __post_init__(self) -> None:
        flags = self.array.flags
        if self.array.dtype != np.float64 or not (flags.c_contiguous or flags.f_contiguous):
            raise TypeError(
                f"Dense holds contiguous float64, got {self.array.dtype}: mffnb.matrices.in_memory(X) takes any array"
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""
        return self.array.shape[0], self.array.shape[1]

    def times(self, basis: Float64Array) -> Float64Array:
        """``basis X^T``, (k, rows)."""
        product: Float64Array = basis @ self.array.T
        return product

    def transposed_times(self, factor: Float64Array) -> Float64Array:
        """``factor X``, (k, columns)."""
        product: Float64Array = factor @ self.array
        return product

    @property
    def transposed(self) -> Dense:
        """X^T, a view."""
        return Dense(self.array.T)

    def bands(self) -> Iterator[tuple[int, int, Float64Array]]:
        """Yield (start, stop, rows), C contiguous."""
        for start, stop in band_limits(self.shape, CACHE_BYTES):
            yield start, stop, np.ascontiguousarray(self.array[start:stop])

    @cached_property
    def squared_norm(self) -> float:
        """Sum of squares."""
        return sum_of_squares(self.array if self.array.flags.c_contiguous else self.array.T)
