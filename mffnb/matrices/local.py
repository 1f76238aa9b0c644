"""Base class of data matrices that are not distributed over processes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

import numpy as np

from mffnb.matrices import block_products
from mffnb.matrices.axis_distribution import LocalAxis
from mffnb.matrices.cancellation import checked
from mffnb.matrices.threaded import threaded_map
from mffnb.threads import single_threaded_blas
from mffnb.typing import Array, Float64Array

if TYPE_CHECKING:
    from mffnb.protocols.matrix import Matrix
    from mffnb.protocols.row_update import Move

Result = TypeVar("Result")

#: Size of a band read from a file: large enough for an efficient read, and small compared with any X that does not fit
#: into memory.
FILE_BYTES = 8 * 2**20
#: Size of a block of an array in memory that is read once and used for both products: small compared with the
#: last-level cache.
BLOCK_BYTES = 4 * 2**20
#: Size of a band of an array in memory: it stays in the second-level cache between its conversion and its use.
CACHE_BYTES = 2**20


class Local(ABC):
    """A matrix whose rows and columns are all in this process."""

    #: Whether memory holds few blocks of rows at a time, so that blocks are not distributed over threads.
    single_threaded: ClassVar[bool] = False

    def __str__(self) -> str:
        """Return the storage format of X, on which the speed of a product depends."""
        return "bands of rows"

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns."""

    @abstractmethod
    def bands(self) -> Iterator[tuple[int, int, Any]]:
        """Yield (start, stop, rows) of each band: float64 arrays, or CSR arrays if X is sparse."""

    def blocks(self) -> Iterator[tuple[int, int, Any]]:
        """Yield (start, stop, rows) in a type that :mod:`mffnb.matrices.block_products` supports."""
        return self.bands()

    def times(self, basis: Float64Array) -> Float64Array:
        """Compute ``basis X^T``, (k, rows), from a basis (k, columns)."""
        product = np.empty((len(basis), self.shape[0]))

        def of_block(piece: tuple[int, int, Any]) -> None:
            start, stop, block = piece
            product[:, start:stop] = block_products.times(block, basis)

        for _ in self._map_blocks(of_block):
            pass
        return product

    def transposed_times(self, factor: Float64Array) -> Float64Array:
        """Compute ``factor X``, (k, columns), from a factor (k, rows)."""
        return self._sum_over_blocks(
            lambda rows, block, out: block_products.add_times(block, factor[:, rows], out), factor
        )

    def fused_products(self, basis: Float64Array, move: Move) -> Float64Array:
        """Compute ``basis X^T``, update the factor by ``move`` and compute ``factor X``, in one pass over X."""
        return self._sum_over_blocks(
            lambda rows, block, out: block_products.fused_products(block, basis, rows, move, out), basis
        )

    def _map_blocks(self, of_block: Callable[[tuple[int, int, Any]], Result]) -> Iterator[Result]:
        """Apply a function to each block on several threads, each with one BLAS thread; yield results in order."""
        with single_threaded_blas():
            yield from threaded_map(of_block, self.blocks(), 1 if self.single_threaded else None)

    def _sum_over_blocks(self, add: Callable[[slice, Any, Float64Array], None], like: Float64Array) -> Float64Array:
        """Sum the contributions that ``add(rows, block, out)`` adds to ``out`` (k, columns), in the order of blocks.

        The length of the array ``like`` is k.
        """
        total = np.zeros((len(like), self.shape[1]))

        def of_block(piece: tuple[int, int, Any]) -> Float64Array:
            start, stop, block = piece
            part = np.zeros_like(total)
            add(slice(start, stop), block, part)
            return part

        for part in self._map_blocks(of_block):
            total += part
        return total

    @property
    def complete(self) -> bool:
        """Whether no entry is missing or weighted."""
        return True

    @property
    def transposed(self) -> Matrix | None:
        """The transposed matrix X^T; None if X can be read by rows only."""
        return None

    @cached_property
    def row_squares(self) -> Float64Array:
        """Sum of squares of each row, (rows,)."""
        squares = np.empty(self.shape[0])
        for start, stop, band in self.bands():
            squares[start:stop] = row_sums_of_squares(band)
        return squares

    def negative_squares(self) -> float:
        """Return the sum of the squares of all negative entries, from one pass over X for all runs on it."""
        return self._negative_squares

    @cached_property
    def _negative_squares(self) -> float:
        bands = (band for _, _, band in self.bands())
        return sum(sum_of_negative_squares(band if isinstance(band, np.ndarray) else band.data) for band in bands)

    @property
    def shared(self) -> bool:
        """Always False: X is not distributed."""
        return False

    @property
    def block(self) -> Self:
        """The block of X in this process: X itself."""
        return self

    def with_block(self, block: Matrix) -> Matrix:
        """Return ``block`` itself as the matrix, because the block of this process is all of X."""
        return block

    @property
    def own(self) -> slice:
        """Rows whose factor this process owns: all of them."""
        return slice(0, self.shape[0])

    @property
    def own_columns(self) -> slice:
        """Columns whose factor this process owns: all of them."""
        return slice(0, self.shape[1])

    @property
    def row_axis(self) -> LocalAxis:
        """Distribution of the rows over ranks: all rows are in this process."""
        return LocalAxis(self.shape[0])

    @property
    def column_axis(self) -> LocalAxis:
        """Distribution of the columns over ranks: all columns are in this process."""
        return LocalAxis(self.shape[1])

    def total(self, part: Float64Array) -> Float64Array:
        """Return the sum over all processes, which is ``part`` itself."""
        return part

    def minimum(self, part: Float64Array) -> Float64Array:
        """Return the minimum over all processes, which is ``part`` itself."""
        return part


def band_limits(shape: tuple[int, int], band_bytes: int) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) of bands of rows that take about ``band_bytes`` as float64.

    The computation may be cancelled before each band, see :mod:`mffnb.matrices.cancellation`.
    """
    step = max(1, band_bytes // (8 * max(1, shape[1])))
    for start in checked(range(0, shape[0], step)):
        yield start, min(start + step, shape[0])


def row_sums_of_squares(band: Any) -> Float64Array:
    """Return the sum of squares of each row of an array or of a CSR array."""
    if isinstance(band, np.ndarray):
        return np.asarray(np.einsum("ij,ij->i", band, band))
    return np.asarray(band.multiply(band).sum(axis=1), dtype=np.float64).ravel()


def sums_of_squares(values: Any) -> tuple[float, float]:
    """Return the sum of squares of an array, and that of its negative entries, in float64.

    Both are computed in one pass, in pieces of two megabytes: a sum in float32 over a large image would lose digits,
    and a float64 copy of the whole array would need memory.
    """
    step = max(1, 2**18 // max(1, values[:1].size))
    pieces = (values[first : first + step] for first in range(0, len(values), step))
    found = [(_sum_of_squares(piece), sum_of_negative_squares(piece)) for piece in checked(pieces)]
    return sum(whole for whole, _ in found), sum(negative for _, negative in found)


def sum_of_negative_squares(values: Array) -> float:
    """Return the sum of squares of the negative entries of an array in float64."""
    if values.dtype.kind == "u" or not values.min(initial=0) < 0:
        return 0.0
    negative = np.minimum(values, 0).astype(np.float64, copy=False).ravel()
    return float(negative @ negative)


def _sum_of_squares(piece: Array) -> float:
    """Return the sum of squares of an array, converted to float64."""
    flat = piece.astype(np.float64, copy=False).ravel()
    return float(np.einsum("i,i->", flat, flat))
