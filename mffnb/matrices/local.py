"""What matrices share that lie in one process whole."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

import numpy as np

from mffnb.matrices import block_products
from mffnb.matrices.shares import Whole
from mffnb.matrices.threaded import threaded_map
from mffnb.threads import blas_in_one_order
from mffnb.typing import Array, Float64Array

if TYPE_CHECKING:
    from mffnb.protocols.matrix import Matrix, Move

Result = TypeVar("Result")

#: Bands of rows that are read from a file: large enough to be worth a read, little beside any X worth chunking.
FILE_BYTES = 8 * 2**20
#: Blocks of an array in memory that are read once and used twice: little beside the last-level cache.
BLOCK_BYTES = 4 * 2**20
#: Bands of an array in memory: they stay in the second-level cache between being widened and being used.
CACHE_BYTES = 2**20


class Local(ABC):
    """All rows are here, and a sum over rows is complete as it stands."""

    #: Whether there is memory for one block of rows only.
    one_by_one: ClassVar[bool] = False

    def __str__(self) -> str:
        """How X is kept, for whoever asks why it takes so long."""
        return "bands of rows"

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""

    @abstractmethod
    def bands(self) -> Iterator[tuple[int, int, Any]]:
        """Yield (start, stop, rows): float64 arrays, or CSR where X is sparse."""

    def blocks(self) -> Iterator[tuple[int, int, Any]]:
        """Yield (start, stop, rows) in a type that :mod:`mffnb.matrices.block_products` takes, their own if it can."""
        return self.bands()

    def times(self, basis: Float64Array) -> Float64Array:
        """``basis X^T``, (k, rows)."""
        product = np.empty((len(basis), self.shape[0]))

        def of_block(piece: tuple[int, int, Any]) -> None:
            start, stop, block = piece
            product[:, start:stop] = block_products.times(block, basis)

        for _ in self._each(of_block):
            pass
        return product

    def transposed_times(self, factor: Float64Array) -> Float64Array:
        """``factor X``, (k, columns)."""
        return self._summed(lambda rows, block, out: block_products.add_times(block, factor[:, rows], out), factor)

    def through(self, basis: Float64Array, move: Move) -> Float64Array:
        """Both products in one look at X, see :class:`mffnb.protocols.Matrix`."""
        return self._summed(lambda rows, block, out: block_products.through(block, basis, rows, move, out), basis)

    def _each(self, of_block: Callable[[tuple[int, int, Any]], Result]) -> Iterator[Result]:
        """What becomes of each block, in order, on several threads; BLAS, where blocks need it, has one in each."""
        with blas_in_one_order():
            yield from threaded_map(of_block, self.blocks(), 1 if self.one_by_one else None)

    def _summed(self, add: Callable[[slice, Any, Float64Array], None], like: Float64Array) -> Float64Array:
        """Sum of what ``add(rows, block, out)`` adds to ``out`` (k, columns) over the blocks, in their order."""
        total = np.zeros((len(like), self.shape[1]))

        def of_block(piece: tuple[int, int, Any]) -> Float64Array:
            start, stop, block = piece
            part = np.zeros_like(total)
            add(slice(start, stop), block, part)
            return part

        for part in self._each(of_block):
            total += part
        return total

    @property
    def complete(self) -> bool:
        """Whether every entry counts in full."""
        return True

    @property
    def transposed(self) -> Matrix | None:
        """X^T; None where rows alone can be read."""
        return None

    @cached_property
    def row_squares(self) -> Float64Array:
        """Sum of squares of each row, (rows,)."""
        squares = np.empty(self.shape[0])
        for start, stop, band in self.bands():
            squares[start:stop] = row_sums_of_squares(band)
        return squares

    @property
    def shared(self) -> bool:
        """Not over processes."""
        return False

    @property
    def block(self) -> Self:
        """What is here: all of it."""
        return self

    def with_block(self, block: Matrix) -> Matrix:
        """What is made of all of it."""
        return block

    @property
    def own(self) -> slice:
        """The rows that are here: all."""
        return slice(0, self.shape[0])

    @property
    def own_columns(self) -> slice:
        """The columns that are here: all."""
        return slice(0, self.shape[1])

    @property
    def over_rows(self) -> Whole:
        """Nobody else has rows."""
        return Whole(self.shape[0])

    @property
    def over_columns(self) -> Whole:
        """Nobody else has columns."""
        return Whole(self.shape[1])

    def total(self, part: Float64Array) -> Float64Array:
        """Sum over all processes: the same."""
        return part

    def least(self, part: Float64Array) -> Float64Array:
        """The least over all processes: the same."""
        return part


def band_limits(shape: tuple[int, int], band_bytes: int) -> Iterator[tuple[int, int]]:
    """Limits of bands of rows that take about ``band_bytes`` as float64."""
    step = max(1, band_bytes // (8 * max(1, shape[1])))
    for start in range(0, shape[0], step):
        yield start, min(start + step, shape[0])


def row_sums_of_squares(band: Any) -> Float64Array:
    """Sum of squares of each row of an array or of a CSR array."""
    if isinstance(band, np.ndarray):
        return np.asarray(np.einsum("ij,ij->i", band, band))
    return np.asarray(band.multiply(band).sum(axis=1), dtype=np.float64).ravel()


def sum_of_squares(values: Array) -> float:
    """Sum of squares in float64, in pieces of two megabytes: float32 sums of a large image lose digits."""
    step = max(1, 2**18 // max(1, values[:1].size))
    return sum(_sum_of_squares(values[first : first + step]) for first in range(0, len(values), step))


def _sum_of_squares(piece: Array) -> float:
    flat = piece.astype(np.float64, copy=False).ravel()
    return float(np.einsum("i,i->", flat, flat))
