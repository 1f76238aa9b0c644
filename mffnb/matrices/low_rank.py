"""X as the product of two thin factors, after compression by a truncated SVD."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mffnb.matrices.local import CACHE_BYTES, Local, band_limits
from mffnb.protocols.row_update import Move
from mffnb.typing import Array, Float64Array


@dataclass(frozen=True, eq=False)
class LowRank(Local):
    """A low-rank matrix ``left^T right`` of rank up to a few dozen.

    Parameters
    ----------
    left
        Scores of the rows (pixels), (rank, rows).
    right
        Orthonormal loadings of the columns (channels), (rank, columns).

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb.matrices import LowRank
    >>> X = LowRank(left=np.array([[1.0, 2.0, 3.0]]), right=np.array([[0.6, 0.8]]))  # rank 1
    >>> X.shape, X.squared_norm
    ((3, 2), 14.0)
    """

    left: Float64Array
    right: Float64Array

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns."""
        return self.left.shape[1], self.right.shape[1]

    def times(self, basis: Float64Array) -> Float64Array:
        """Compute ``basis X^T``, (k, rows), from a basis (k, columns)."""
        product: Float64Array = (basis @ self.right.T) @ self.left
        return product

    def transposed_times(self, factor: Float64Array) -> Float64Array:
        """Compute ``factor X``, (k, columns), from a factor (k, rows)."""
        product: Float64Array = (factor @ self.left.T) @ self.right
        return product

    def fused_products(self, basis: Float64Array, move: Move) -> Float64Array:
        """Compute ``basis X^T``, update the factor by ``move`` and compute ``factor X``, from the two thin factors."""
        return self.transposed_times(move(slice(0, self.shape[0]), self.times(basis)))

    def subset(self, rows: Array) -> LowRank:
        """Return the matrix of the rows with the given indices."""
        return LowRank(np.ascontiguousarray(self.left[:, rows]), self.right)

    @property
    def transposed(self) -> LowRank:
        """The transposed matrix X^T."""
        return LowRank(self.right, self.left)

    def bands(self) -> Iterator[tuple[int, int, Float64Array]]:
        """Yield (start, stop, rows) of each band, multiplied out as float64."""
        for start, stop in band_limits(self.shape, CACHE_BYTES):
            yield start, stop, self.left[:, start:stop].T @ self.right

    @cached_property
    def squared_norm(self) -> float:
        """Sum of squares of all entries."""
        return float(np.vdot(self.left @ self.left.T, self.right @ self.right.T))
