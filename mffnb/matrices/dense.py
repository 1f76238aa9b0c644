"""X as a contiguous array in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mffnb.matrices import block_products
from mffnb.matrices.local import BLOCK_BYTES, CACHE_BYTES, Local, band_limits, sums_of_squares
from mffnb.typing import Array, Float64Array


@dataclass(frozen=True, eq=False)
class Dense(Local):
    """A matrix in memory: an array (rows, columns) in C or Fortran order, never copied and never modified.

    Its type is one of :data:`mffnb.matrices.block_products.NATIVE`. Arrays of other types are wrapped by
    :func:`mffnb.matrices.in_memory`.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb.matrices import Dense
    >>> X = Dense(np.arange(6.0).reshape(3, 2))
    >>> E = np.array([[1.0, 1.0]])  # (k, channels)
    >>> X.times(E), X.squared_norm  # E X^T, (k, pixels), and the sum of squares
    (array([[1., 5., 9.]]), 55.0)
    """

    array: Array

    def __post_init__(self) -> None:
        if block_products.native(self.array) is not self.array:
            raise TypeError(
                f"Dense needs a contiguous array of float64, float32, uint8 or uint16, not {self.array.dtype}, strides "
                f"{self.array.strides}: use mffnb.matrices.in_memory(X)"
            )

    def __str__(self) -> str:
        """Return the storage format and the type of the numbers as text."""
        return f"dense {self.array.dtype}"

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns."""
        return self.array.shape[0], self.array.shape[1]

    def times(self, basis: Float64Array) -> Float64Array:
        """Compute ``basis X^T``, (k, rows), from a basis (k, columns)."""
        if self.array.flags.c_contiguous:
            return super().times(basis)
        return block_products.times(self.array, basis)

    def transposed_times(self, factor: Float64Array) -> Float64Array:
        """Compute ``factor X``, (k, columns), from a factor (k, rows)."""
        if self.array.flags.c_contiguous:
            return super().transposed_times(factor)
        product = np.zeros((len(factor), self.shape[1]))
        block_products.add_times(self.array, factor, product)
        return product

    @property
    def transposed(self) -> Dense:
        """The transposed matrix X^T, without copying the data."""
        return Dense(self.array.T)

    def bands(self) -> Iterator[tuple[int, int, Float64Array]]:
        """Yield (start, stop, rows) of each band, as C-contiguous float64 arrays."""
        for start, stop in band_limits(self.shape, CACHE_BYTES):
            yield start, stop, np.ascontiguousarray(self.array[start:stop], dtype=np.float64)

    def selected(self, rows: Array) -> Float64Array:
        """Return some rows as a C-contiguous float64 array, without a pass over the others."""
        found = np.empty((len(rows), self.shape[1]))
        for start, stop in band_limits(found.shape, CACHE_BYTES):
            found[start:stop] = self.array[rows[start:stop]]
        return found

    def blocks(self) -> Iterator[tuple[int, int, Array]]:
        """Yield (start, stop, rows) of each block, as C-contiguous arrays in the stored type."""
        for start, stop in band_limits(self.shape, BLOCK_BYTES * 8 // self.array.itemsize):
            yield start, stop, np.ascontiguousarray(self.array[start:stop])

    @property
    def squared_norm(self) -> float:
        """Sum of squares of all entries."""
        return self._sums_of_squares[0]

    def negative_squares(self) -> float:
        """Return the sum of the squares of all negative entries, from the same pass as :attr:`squared_norm`."""
        return self._sums_of_squares[1]

    @cached_property
    def _sums_of_squares(self) -> tuple[float, float]:
        return sums_of_squares(self.array if self.array.flags.c_contiguous else self.array.T)
