"""X as counts, most of them zero."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from mffnb.matrices.local import FILE_BYTES, Local, band_limits, sum_of_squares
from mffnb.typing import Float64Array

if TYPE_CHECKING:
    from mffnb.protocols import Matrix

# An entry takes 12 bytes instead of 8, and is kept twice, by rows and by columns: worth it well below a third.
_FEW = 0.2


@dataclass(frozen=True, eq=False)
class Sparse(Local):
    """A SciPy sparse array (rows, columns) in compressed rows or columns, never made dense."""

    array: Any

    @classmethod
    def of_few(cls, matrix: Matrix) -> Matrix:
        """A matrix in memory that shows few entries that are not zero, as a sparse one; any other as it is."""
        if isinstance(matrix, cls) or matrix.transposed is None:
            return matrix
        bands, kept, seen = [], 0, 0
        for _, _, band in matrix.bands():
            bands.append(sparse.csr_array(band))
            kept, seen = kept + bands[-1].nnz, seen + band.shape[0] * band.shape[1]
            if kept > _FEW * seen:
                return matrix
        return cls(sparse.vstack(bands, format="csr"))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""
        return self.array.shape[0], self.array.shape[1]

    def times(self, basis: Float64Array) -> Float64Array:
        """``basis X^T``, (k, rows)."""
        return np.ascontiguousarray((self.array @ basis.T).T, dtype=np.float64)

    def transposed_times(self, factor: Float64Array) -> Float64Array:
        """``factor X``, (k, columns)."""
        return np.ascontiguousarray((self.array.T @ factor.T).T, dtype=np.float64)

    @cached_property
    def transposed(self) -> Sparse:
        """X^T."""
        return Sparse(self.array.T)

    def bands(self) -> Iterator[tuple[int, int, Any]]:
        """Yield (start, stop, rows) as CSR arrays of float64."""
        for start, stop in band_limits(self.shape, FILE_BYTES):
            yield start, stop, self._rows[start:stop]

    @cached_property
    def _rows(self) -> Any:
        return self.array.tocsr().astype(np.float64, copy=False)

    @cached_property
    def squared_norm(self) -> float:
        """Sum of squares in float64."""
        return sum_of_squares(self.array.data)
