"""Rows and columns of an array in memory, copied block by block: a masked image is not copied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, Self

import numpy as np

from mffnb.matrices.block_products import NATIVE, native
from mffnb.matrices.local import BLOCK_BYTES, CACHE_BYTES, Local, band_limits, sums_of_squares
from mffnb.typing import Array, Float64Array

# A selection of at most so many bytes, or of at most this fraction of the array, is copied once: an iteration on
# gathered pixels takes 1.7 times as long (12 % masked, k = 4).
_COPY_BYTES = 2**28
_COPY_FRACTION = 0.125


@dataclass(frozen=True, eq=False)
class Selection:
    """Selected rows and columns of an array in memory; slices of rows are copied when they are read.

    Parameters
    ----------
    array
        Array (all rows, all columns), in any order and of any real type; not modified.
    rows, columns
        Indices of the selected rows and columns; None for all of them.

    Examples
    --------
    >>> import numpy as np
    >>> some = Selection(np.arange(12).reshape(3, 4), np.array([0, 2]), np.array([1, 3]))
    >>> some[1:2].tolist(), some.T[0:1].tolist()
    ([[9, 11]], [[1, 9]])
    """

    array: Array
    rows: Array | None = None
    columns: Array | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Number of selected rows and of selected columns."""
        rows, columns = (
            length if selected is None else selected.size
            for length, selected in zip(self.array.shape, (self.rows, self.columns), strict=True)
        )
        return rows, columns

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the numbers."""
        return self.array.dtype

    @property
    def T(self) -> Self:
        """The transposed selection, without copying the data."""
        return type(self)(self.array.T, self.columns, self.rows)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> Array:
        """Return the selected rows ``start:stop``, with the selected columns: a view if all are selected."""
        some: Array = self.array[rows] if self.rows is None else self.array[self.rows[rows]]
        return some if self.columns is None else some.take(self.columns, axis=1)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self[0 : len(self)], dtype=dtype)


def selected(array: Array, rows: Array | None, columns: Array | None) -> Array | Selection:
    """Return rows and columns of an array (rows, columns) in types that kernels read, in little additional memory.

    The array itself is returned if nothing is to be selected or converted, a copy if it is small, and else a
    :class:`Selection`.

    Parameters
    ----------
    array
        Array of real numbers.
    rows, columns
        Booleans, True where a row or a column is selected; None for all.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb.matrices import selected
    >>> selected(np.arange(6.0).reshape(3, 2), rows=np.array([True, False, True]), columns=None).tolist()
    [[0.0, 1.0], [4.0, 5.0]]
    """
    readable = array.dtype in NATIVE and array.dtype.isnative
    if rows is None and columns is None and readable:
        return array
    indices = (None if mask is None else np.flatnonzero(mask) for mask in (rows, columns))
    some = Selection(array, *indices)
    size = some.shape[0] * some.shape[1] * (array.itemsize if readable else 8)
    if size > max(_COPY_BYTES, _COPY_FRACTION * array.nbytes):
        return some
    return native(some[0 : len(some)])


class RowsInMemory(Protocol):
    """Protocol of rows that are copied or computed, without reading a file, whenever they are read."""

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the numbers."""

    @property
    def T(self) -> Any:
        """The transposed rows; None if X can be read by rows only."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice, /) -> Array:
        """Return the rows ``start:stop``."""


@dataclass(frozen=True, eq=False)
class Gathered(Local):
    """A matrix of selected or computed rows, which are never stored as a whole.

    Its products have the bits of those of a copy, because its blocks have the same limits.

    Parameters
    ----------
    array
        Rows of X, for example a :class:`Selection`.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb.matrices import Gathered, Selection
    >>> X = Gathered(Selection(np.arange(12.0).reshape(4, 3), rows=np.array([0, 2])))
    >>> X.shape, X.times(np.ones((1, 3))).tolist()
    ((2, 3), [[3.0, 21.0]])
    """

    array: RowsInMemory

    def __str__(self) -> str:
        """Return the storage format and the type of the numbers as text."""
        return f"gathered rows of {self.array.dtype}"

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns."""
        return self.array.shape

    @property
    def transposed(self) -> Gathered | None:
        """The transposed matrix X^T, without copying the data; None if X can be read by rows only."""
        turned = self.array.T
        return None if turned is None else Gathered(turned)

    def bands(self) -> Iterator[tuple[int, int, Float64Array]]:
        """Yield (start, stop, rows) of each band, as C-contiguous float64 arrays."""
        for start, stop in band_limits(self.shape, CACHE_BYTES):
            yield start, stop, np.ascontiguousarray(self.array[start:stop], dtype=np.float64)

    def blocks(self) -> Iterator[tuple[int, int, Array]]:
        """Yield (start, stop, rows) of each block, as C-contiguous arrays in a type that kernels read."""
        itemsize = self.array.dtype.itemsize if self.array.dtype in NATIVE else 8
        for start, stop in band_limits(self.shape, BLOCK_BYTES * 8 // itemsize):
            yield start, stop, np.ascontiguousarray(native(self.array[start:stop]))

    @property
    def squared_norm(self) -> float:
        """Sum of squares of all entries."""
        return self._sums_of_squares[0]

    def negative_squares(self) -> float:
        """Return the sum of the squares of all negative entries, from the same pass as :attr:`squared_norm`."""
        return self._sums_of_squares[1]

    @cached_property
    def _sums_of_squares(self) -> tuple[float, float]:
        return sums_of_squares(self.array)
