"""X read in bands of rows from wherever it lies: a file larger than memory, a lazy array, an awkward layout."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Protocol

import numpy as np

from mffnb.matrices.block_products import native
from mffnb.matrices.local import FILE_BYTES, Local, band_limits, sum_of_squares
from mffnb.typing import Array, Float64Array


class Rows(Protocol):
    """Something of shape (rows, columns) that hands out consecutive rows as an array."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""

    def __getitem__(self, rows: slice, /) -> Array:
        """Rows ``start:stop`` as an array (stop - start, columns)."""


@dataclass(frozen=True, eq=False)
class Chunked(Local):
    """Rows read band by band, once per iteration where every pixel moves by itself; at most one band is in memory.

    Parameters
    ----------
    rows
        Where they come from: an array, a memory map, :class:`mffnb.cube_rows.CubeRows`.
    multiple
        Bands are a multiple of this number of rows high, where the source is stored in such pieces.
    band_bytes
        Size of a band as float64.
    """

    one_by_one: ClassVar[bool] = True
    rows: Rows
    multiple: int = 1
    band_bytes: int = FILE_BYTES

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""
        return self.rows.shape

    @property
    def transposed(self) -> Chunked | None:
        """X^T where X is an array in memory; a file is read by rows."""
        rows: Any = self.rows
        return Chunked(rows.T, band_bytes=self.band_bytes) if isinstance(rows, np.ndarray) else None

    def bands(self) -> Iterator[tuple[int, int, Float64Array]]:
        """Yield (start, stop, rows) as they are read."""
        for start, stop in self._limits():
            yield start, stop, self._band(start, stop)

    def blocks(self) -> Iterator[tuple[int, int, Array]]:
        """Yield (start, stop, rows) in their own type where products know it."""
        for start, stop in self._limits():
            yield start, stop, native(np.asarray(self.rows[start:stop]))

    @cached_property
    def squared_norm(self) -> float:
        """Sum of squares in float64."""
        return sum(sum_of_squares(self._band(start, stop)) for start, stop in self._limits())

    def _limits(self) -> Iterator[tuple[int, int]]:
        return band_limits(self.shape, self.band_bytes, self.multiple)

    def _band(self, start: int, stop: int) -> Float64Array:
        """Rows ``start:stop``; give it no name, or it is still there while the next one is read."""
        return np.ascontiguousarray(self.rows[start:stop], dtype=np.float64)
