"""X read in bands of rows from wherever it lies: a file larger than memory, a lazy array, an awkward layout."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Protocol

import numpy as np

from mffnb.matrices.block_products import native
from mffnb.matrices.local import FILE_BYTES, Local, band_limits, sum_of_squares
from mffnb.matrices.reading import read_ahead
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
    """Rows read band by band, once per iteration where every pixel moves by itself; else twice.

    While one band is used the next one is read on a thread of its own: two of them are in memory at most. Rows that
    lie in memory, or say so (``in_memory = True``), are taken as they are asked for.

    Parameters
    ----------
    rows
        Where they come from: an array, a memory map, :class:`mffnb.cubes.pixel_rows.CubeRows`.
    limits
        Limits of the bands, (bands + 1,): where the source is stored in pieces, these should be read whole. If None,
        bands of ``band_bytes`` as float64.
    band_bytes
        Size of a band.
    """

    one_by_one: ClassVar[bool] = True
    rows: Rows
    limits: Array | None = None
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
        return self._read(lambda rows: np.ascontiguousarray(rows, dtype=np.float64))

    def blocks(self) -> Iterator[tuple[int, int, Array]]:
        """Yield (start, stop, rows) in their own type where products know it."""
        return self._read(lambda rows: native(np.asarray(rows)))

    @cached_property
    def squared_norm(self) -> float:
        """Sum of squares in float64."""
        return sum(map(_squares, self.blocks()))

    def _read(self, kept_as: Callable[[Any], Array]) -> Iterator[tuple[int, int, Array]]:
        """Yield (start, stop, rows); give those no name, or they are still there while others are read."""

        def read(limits: tuple[int, int]) -> tuple[int, int, Array]:
            start, stop = limits
            return start, stop, kept_as(self.rows[start:stop])

        if self.limits is None:
            limits = band_limits(self.shape, self.band_bytes)
        else:
            limits = itertools.pairwise(self.limits.tolist())
        at_once = getattr(self.rows, "in_memory", isinstance(self.rows, np.ndarray))
        return map(read, limits) if at_once else read_ahead(read, limits)


def _squares(band: tuple[int, int, Array]) -> float:
    return sum_of_squares(band[2])
