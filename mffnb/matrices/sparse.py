"""X as counts, most of them zero."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from mffnb.kernels import compress
from mffnb.matrices import block_products
from mffnb.matrices.block_products import CompressedRows, looked_at
from mffnb.matrices.local import BLOCK_BYTES, FILE_BYTES, Local, band_limits, sum_of_squares
from mffnb.typing import Array, Float64Array

if TYPE_CHECKING:
    from mffnb.protocols.matrix import Matrix, Move

_SHARE = 0.1  # of the bytes of X: what a copy of it may take


@dataclass(frozen=True, eq=False)
class Sparse(Local):
    """A sparse array (rows, columns), never made dense.

    Parameters
    ----------
    array
        A SciPy sparse array in compressed rows or columns, or compressed rows of ours.
    """

    array: Any

    @classmethod
    def of_few(cls, matrix: Matrix) -> Matrix:
        """A matrix in memory that shows few entries that are not zero, as a sparse one; any other as it is.

        Counts are kept in as few bytes as hold them: the copy is small beside X, and looked at faster by as much.
        """
        if isinstance(matrix, cls) or matrix.transposed is None:
            return matrix
        kept = _census(matrix)
        if kept is None:
            return matrix
        filled, kind = kept
        indptr = np.concatenate([[0], np.cumsum(filled)])
        columns = matrix.shape[1]
        indices, data = np.empty(indptr[-1] + 1, _index_type(columns)), np.empty(indptr[-1] + 1, kind)
        for start, stop, block in _blocks(matrix):
            compress.fill(looked_at(block), indptr[start : stop + 1], indices, data)
        return cls(CompressedRows(looked_at(indptr), looked_at(indices[:-1]), looked_at(data[:-1]), columns))

    def __str__(self) -> str:
        """The type of its numbers."""
        return f"compressed {'rows' if self._by_rows else 'columns'} of {self._parts.data.dtype}"

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""
        if isinstance(self.array, CompressedRows):
            return self.array.indptr.size - 1, self.array.columns
        return self.array.shape[0], self.array.shape[1]

    def times(self, basis: Float64Array) -> Float64Array:
        """``basis X^T``, (k, rows)."""
        if self._by_rows:
            return super().times(basis)
        product = np.zeros((len(basis), self.shape[0]))
        block_products.add_times(self._parts, basis, product)
        return product

    def transposed_times(self, factor: Float64Array) -> Float64Array:
        """``factor X``, (k, columns)."""
        if not self._by_rows:
            return block_products.times(self._parts, factor)
        return super().transposed_times(factor)

    def through(self, basis: Float64Array, move: Move) -> Float64Array:
        """Both products; in one look where rows are compressed, not columns."""
        if self._by_rows:
            return super().through(basis, move)
        return self.transposed_times(move(slice(0, self.shape[0]), self.times(basis)))

    def blocks(self) -> Iterator[tuple[int, int, CompressedRows]]:
        """Yield (start, stop, rows), views of about as many stored values each."""
        whole = self._parts
        wanted = np.arange(0, whole.indptr[-1], BLOCK_BYTES // 16)[1:]  # a value and its column
        limits = np.unique([0, *np.searchsorted(whole.indptr, wanted), self.shape[0]])
        for start, stop in itertools.pairwise(limits.tolist()):
            yield start, stop, whole._replace(indptr=whole.indptr[start : stop + 1])

    @property
    def _by_rows(self) -> bool:
        return isinstance(self.array, CompressedRows) or self.array.format == "csr"

    @cached_property
    def _parts(self) -> CompressedRows:
        """The rows, or where columns are compressed the columns, as kernels take them."""
        if isinstance(self.array, CompressedRows):
            return self.array
        array = self.array
        data = array.data if array.data.dtype in block_products.NATIVE else array.data.astype(np.float64)
        indptr, indices, data = (looked_at(part) for part in (array.indptr, array.indices, data))
        return CompressedRows(indptr, indices, data, array.shape[1 if self._by_rows else 0])

    @cached_property
    def transposed(self) -> Sparse:
        """X^T."""
        if not isinstance(self.array, CompressedRows):
            return Sparse(self.array.T)
        rows, columns = self.shape
        indptr, indices, data, _ = self.array
        begins = np.concatenate([[0], np.cumsum(np.bincount(indices, minlength=columns))])
        of_rows, values = np.empty(indices.size, _index_type(rows)), np.empty_like(data)
        compress.turn(indptr, indices, data, begins, of_rows, values)
        return Sparse(CompressedRows(looked_at(begins), looked_at(of_rows), looked_at(values), rows))

    def bands(self) -> Iterator[tuple[int, int, Any]]:
        """Yield (start, stop, rows) as CSR arrays of float64."""
        if not isinstance(self.array, CompressedRows):
            for start, stop in band_limits(self.shape, FILE_BYTES):
                yield start, stop, self._rows[start:stop]
            return
        for start, stop, block in self.blocks():
            yield start, stop, _as_scipy(block)

    def as_scipy(self) -> Any:
        """A SciPy sparse array of float64, in compressed rows or columns."""
        if isinstance(self.array, CompressedRows):
            return _as_scipy(self.array)
        return self.array.astype(np.float64, copy=False)

    @cached_property
    def _rows(self) -> Any:
        return self.as_scipy().tocsr()

    @cached_property
    def squared_norm(self) -> float:
        """Sum of squares in float64."""
        return sum_of_squares(self.array.data)


def _as_scipy(rows: CompressedRows) -> Any:
    here = slice(rows.indptr[0], rows.indptr[-1])
    values, places = rows.data[here].astype(np.float64), rows.indices[here].astype(np.int32)
    shape = rows.indptr.size - 1, rows.columns
    return sparse.csr_array((values, places, rows.indptr - rows.indptr[0]), shape=shape)


def _census(matrix: Matrix) -> tuple[Array, np.dtype[Any]] | None:
    """How many entries of each row are not zero, and the type that holds them; None where a copy would not be small."""
    rows, columns = matrix.shape
    filled, signs = np.zeros(rows, np.int64), np.zeros(3)
    for start, stop, block in _blocks(matrix):
        if not isinstance(block, np.ndarray):
            return None  # sparse already, below weights
        signs += compress.census(looked_at(block), filled[start:stop])
        broken, above_byte, above_two_bytes = signs
        counts = broken == 0.0 and above_two_bytes == 0.0
        kind = np.dtype(np.uint16 if above_byte else np.uint8) if counts else block.dtype
        each = kind.itemsize + _index_type(columns).itemsize
        if each * filled[:stop].sum() > _SHARE * rows * columns * block.dtype.itemsize:
            return None
    return filled, kind


def _blocks(matrix: Matrix) -> Iterator[tuple[int, int, Any]]:
    return matrix.blocks() if isinstance(matrix, Local) else matrix.bands()


def _index_type(entries: int) -> np.dtype[Any]:
    return np.dtype(np.uint16 if entries <= 2**16 else np.int32)
