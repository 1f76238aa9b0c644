"""X in compressed sparse rows or columns, for counts most of which are zero."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from mffnb.kernels import compressed_rows
from mffnb.kernels.contiguous import read_only_view
from mffnb.kernels.tiers import numpy_steps
from mffnb.kernels.tiers.tier import choose
from mffnb.matrices import block_products
from mffnb.matrices.block_products import CompressedRows
from mffnb.matrices.local import BLOCK_BYTES, FILE_BYTES, Local, band_limits, sums_of_squares
from mffnb.typing import Array, Float64Array

if TYPE_CHECKING:
    from mffnb.protocols.matrix import Matrix
    from mffnb.protocols.row_update import Move

# Density (nonzeros / entries) up to which sparse products are faster for any number of components and any type of
# number. They take as long as dense ones at 0.14 (48 components) to 0.24 (4 components): benchmark speed.components.
_MAX_DENSITY = 0.125
_MAX_COPY_FRACTION = 0.1  # of a denser matrix: largest memory of a sparse copy, relative to that of X


@dataclass(frozen=True, eq=False)
class Sparse(Local):
    """A sparse matrix (rows, columns), never made dense.

    Parameters
    ----------
    array
        A SciPy sparse array in compressed rows or columns, or :class:`CompressedRows`.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import sparse
    >>> from mffnb.matrices import Sparse
    >>> X = Sparse(sparse.csr_array(np.diag([1.0, 2.0, 3.0])))
    >>> X.shape, X.times(np.ones((1, 3))).tolist()
    ((3, 3), [[1.0, 2.0, 3.0]])
    """

    array: Any

    @classmethod
    def compress_if_small(cls, matrix: Matrix) -> Matrix:
        """Return a sparse copy of a mostly zero dense matrix in memory; return any other matrix unchanged.

        Counts are stored in the smallest type that holds them. A copy is made if at most an eighth of the entries is
        nonzero, because products are then faster, or if it takes at most a tenth of the memory of X.
        """
        if isinstance(matrix, cls) or matrix.transposed is None:
            return matrix
        kept = _count_nonzeros(matrix)
        if kept is None:
            return matrix
        filled, kind = kept
        indptr = np.concatenate([[0], np.cumsum(filled)])
        columns = matrix.shape[1]
        indices, data = np.empty(indptr[-1] + 1, _index_type(columns)), np.empty(indptr[-1] + 1, kind)
        compress_rows = choose(compressed_rows.compress_rows, numpy_steps.compress_rows)
        for start, stop, block in _blocks(matrix):
            compress_rows(read_only_view(block), indptr[start : stop + 1], indices, data)
        return cls(
            CompressedRows(read_only_view(indptr), read_only_view(indices[:-1]), read_only_view(data[:-1]), columns)
        )

    def __str__(self) -> str:
        """Return the storage format and the type of the numbers as text."""
        return f"compressed {'rows' if self._by_rows else 'columns'} of {self._parts.data.dtype}"

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns."""
        if isinstance(self.array, CompressedRows):
            return self.array.indptr.size - 1, self.array.columns
        return self.array.shape[0], self.array.shape[1]

    def times(self, basis: Float64Array) -> Float64Array:
        """Compute ``basis X^T``, (k, rows), from a basis (k, columns)."""
        if self._by_rows:
            return super().times(basis)
        product = np.zeros((len(basis), self.shape[0]))
        block_products.add_times(self._parts, basis, product)
        return product

    def transposed_times(self, factor: Float64Array) -> Float64Array:
        """Compute ``factor X``, (k, columns), from a factor (k, rows)."""
        if not self._by_rows:
            return block_products.times(self._parts, factor)
        return super().transposed_times(factor)

    def fused_products(self, basis: Float64Array, move: Move) -> Float64Array:
        """Compute ``basis X^T``, update by ``move``, compute ``factor X``: one pass for CSR, two for CSC."""
        if self._by_rows:
            return super().fused_products(basis, move)
        return self.transposed_times(move(slice(0, self.shape[0]), self.times(basis)))

    def blocks(self) -> Iterator[tuple[int, int, CompressedRows]]:
        """Yield (start, stop, rows) of each block: views with nearly equal numbers of stored values."""
        whole = self._parts
        wanted = np.arange(0, whole.indptr[-1], BLOCK_BYTES // 16)[1:]  # value and column index take <= 16 bytes
        limits = np.unique([0, *np.searchsorted(whole.indptr, wanted), self.shape[0]])
        for start, stop in itertools.pairwise(limits.tolist()):
            yield start, stop, whole._replace(indptr=whole.indptr[start : stop + 1])

    @property
    def _by_rows(self) -> bool:
        """Whether the rows of X are compressed (CSR); otherwise its columns are (CSC)."""
        return isinstance(self.array, CompressedRows) or self.array.format == "csr"

    @cached_property
    def _parts(self) -> CompressedRows:
        """The compressed rows of X, or of X^T if columns are compressed, in the format of the kernels."""
        if isinstance(self.array, CompressedRows):
            return self.array
        array = self.array
        data = array.data if array.data.dtype in block_products.NATIVE else array.data.astype(np.float64)
        indptr, indices, data = (read_only_view(part) for part in (array.indptr, array.indices, data))
        return CompressedRows(indptr, indices, data, array.shape[1 if self._by_rows else 0])

    @cached_property
    def transposed(self) -> Sparse:
        """The transposed matrix X^T."""
        if not isinstance(self.array, CompressedRows):
            return Sparse(self.array.T)
        rows, columns = self.shape
        indptr, indices, data, _ = self.array
        begins = np.concatenate([[0], np.cumsum(np.bincount(indices, minlength=columns))])
        of_rows, values = np.empty(indices.size, _index_type(rows)), np.empty_like(data)
        transpose_rows = choose(compressed_rows.transpose_rows, numpy_steps.transpose_rows)
        transpose_rows(indptr, indices, data, begins, of_rows, values)
        return Sparse(CompressedRows(read_only_view(begins), read_only_view(of_rows), read_only_view(values), rows))

    def bands(self) -> Iterator[tuple[int, int, Any]]:
        """Yield (start, stop, rows) of each band as CSR arrays of float64."""
        if not isinstance(self.array, CompressedRows):
            for start, stop in band_limits(self.shape, FILE_BYTES):
                yield start, stop, self._rows[start:stop]
            return
        for start, stop, block in self.blocks():
            yield start, stop, _as_scipy(block)

    def as_scipy(self) -> Any:
        """Return a SciPy sparse array of float64, in compressed rows or columns."""
        if isinstance(self.array, CompressedRows):
            return _as_scipy(self.array)
        return self.array.astype(np.float64, copy=False)

    @cached_property
    def _rows(self) -> Any:
        """X as a CSR array of float64."""
        return self.as_scipy().tocsr()

    @property
    def squared_norm(self) -> float:
        """Sum of squares of all entries, in float64."""
        return self._sums_of_squares[0]

    def negative_squares(self) -> float:
        """Return the sum of the squares of all negative entries, from the same pass as :attr:`squared_norm`."""
        return self._sums_of_squares[1]

    @cached_property
    def _sums_of_squares(self) -> tuple[float, float]:
        return sums_of_squares(self._parts.data)


def _as_scipy(rows: CompressedRows) -> Any:
    """Convert a block of compressed rows to a CSR array of float64."""
    here = slice(rows.indptr[0], rows.indptr[-1])
    values, places = rows.data[here].astype(np.float64), rows.indices[here].astype(np.int32)
    shape, indptr = (rows.indptr.size - 1, rows.columns), rows.indptr - rows.indptr[0]
    # SciPy stores indices in the type of indptr: int64 takes twice the memory, and kernels would convert each band.
    indptr = indptr.astype(np.int32) if indptr[-1] < 2**31 else indptr
    return sparse.csr_array((values, places, indptr), shape=shape)


def _count_nonzeros(matrix: Matrix) -> tuple[Array, np.dtype[Any]] | None:
    """Count the nonzeros of each row, and choose the smallest type of number that holds all values.

    Returns None if products would not be faster and a copy would take more than a tenth of the memory of X.
    """
    rows, columns = matrix.shape
    if rows * columns == 0:
        return None  # a rank without pixels or channels has nothing to store
    filled, signs = np.zeros(rows, np.int64), np.zeros(3)
    count_nonzeros = choose(compressed_rows.count_nonzeros, numpy_steps.count_nonzeros)
    for start, stop, block in _blocks(matrix):
        if not isinstance(block, np.ndarray):
            return None  # the data are already sparse, inside of a scaled matrix
        signs += count_nonzeros(read_only_view(block), filled[start:stop])
        broken, above_byte, above_two_bytes = signs
        counts = broken == 0.0 and above_two_bytes == 0.0
        kind = np.dtype(np.uint16 if above_byte else np.uint8) if counts else block.dtype
        each = kind.itemsize + _index_type(columns).itemsize
        density = filled[:stop].sum() / (rows * columns)
        if density > _MAX_DENSITY and each * density > _MAX_COPY_FRACTION * block.dtype.itemsize:
            return None
    return filled, kind


def _blocks(matrix: Matrix) -> Iterator[tuple[int, int, Any]]:
    """Yield (start, stop, rows) of a matrix in the stored type if its class supports that, otherwise as float64."""
    return matrix.blocks() if isinstance(matrix, Local) else matrix.bands()


def _index_type(entries: int) -> np.dtype[Any]:
    """Return the smallest integer type that holds the column indices of a matrix with this number of columns."""
    return np.dtype(np.uint16 if entries <= 2**16 else np.int32)
