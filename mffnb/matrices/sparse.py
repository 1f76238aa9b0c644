"""X as counts, most of them zero."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from mffnb.matrices import block_products
from mffnb.matrices.local import BLOCK_BYTES, FILE_BYTES, Local, band_limits, sum_of_squares
from mffnb.typing import Float64Array

if TYPE_CHECKING:
    from mffnb.protocols import Matrix, Move

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
        if self._by_rows:
            return block_products.times(self._parts, basis)
        product = np.zeros((len(basis), self.shape[0]))
        block_products.add_times(self._parts, basis, product)
        return product

    def transposed_times(self, factor: Float64Array) -> Float64Array:
        """``factor X``, (k, columns)."""
        if not self._by_rows:
            return block_products.times(self._parts, factor)
        product = np.zeros((len(factor), self.shape[1]))
        block_products.add_times(self._parts, factor, product)
        return product

    def through(self, basis: Float64Array, move: Move) -> Float64Array:
        """Both products; in one look where rows are compressed, not columns."""
        if self._by_rows:
            return super().through(basis, move)
        return self.transposed_times(move(slice(0, self.shape[0]), self.times(basis)))

    def blocks(self) -> Iterator[tuple[int, int, block_products.CompressedRows]]:
        """Yield (start, stop, rows), views of about as many stored values each."""
        whole = self._parts
        wanted = np.arange(0, whole.indptr[-1], BLOCK_BYTES // 16)[1:]  # a value and its column
        limits = np.unique([0, *np.searchsorted(whole.indptr, wanted), self.shape[0]])
        for start, stop in itertools.pairwise(limits.tolist()):
            yield start, stop, whole._replace(indptr=whole.indptr[start : stop + 1])

    @property
    def _by_rows(self) -> bool:
        return bool(self.array.format == "csr")

    @cached_property
    def _parts(self) -> block_products.CompressedRows:
        """The rows, or where columns are compressed the columns, as kernels take them."""
        array = self.array
        data = array.data if array.data.dtype in block_products.NATIVE else array.data.astype(np.float64)
        indptr, indices, data = (block_products.looked_at(part) for part in (array.indptr, array.indices, data))
        return block_products.CompressedRows(indptr, indices, data, array.shape[1 if self._by_rows else 0])

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
