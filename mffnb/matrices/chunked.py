"""X read in bands of rows: from a file larger than memory, a lazy array, or an array with an unusual layout."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Protocol

import numpy as np

from mffnb.matrices.block_products import native
from mffnb.matrices.local import FILE_BYTES, Local, band_limits, sums_of_squares
from mffnb.matrices.prefetching import read_ahead
from mffnb.typing import Array, Float64Array


class Rows(Protocol):
    """Protocol of a row source: an object of shape (rows, columns) whose slices of rows are arrays.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb.matrices import Rows
    >>> rows: Rows = np.ones((6, 3))  # an array, a memory map or a dataset of HDF5
    >>> rows.shape, rows[0:2].shape
    ((6, 3), (2, 3))
    """

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns."""

    def __getitem__(self, rows: slice, /) -> Array:
        """Return the rows ``start:stop`` as an array (stop - start, columns)."""


@dataclass(frozen=True, eq=False)
class Chunked(Local):
    """A matrix whose rows are read band by band.

    Each iteration reads X once if the update of each pixel is independent of other pixels; otherwise it reads X twice.
    While one band is used, the next one is read on a background thread, so at most two bands are in memory. Rows of an
    array in memory, or of a source with ``in_memory = True``, are sliced directly.

    Parameters
    ----------
    rows
        Source of the rows: an array, a memory map, or :class:`mffnb.cubes.pixel_rows.CubeRows`.
    limits
        Limits of the bands, (bands + 1,). They should coincide with the chunks of the file, so that each chunk is read
        once. If None, bands have about ``band_bytes`` as float64.
    band_bytes
        Size of a band in bytes of float64 numbers, if ``limits`` is None.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb.matrices import Chunked
    >>> X = Chunked(np.ones((6, 3)), limits=np.array([0, 4, 6]))
    >>> [(start, stop) for start, stop, band in X.bands()], X.squared_norm
    ([(0, 4), (4, 6)], 18.0)
    """

    single_threaded: ClassVar[bool] = True
    rows: Rows
    limits: Array | None = None
    band_bytes: int = FILE_BYTES

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns."""
        return self.rows.shape

    @property
    def transposed(self) -> Chunked | None:
        """X^T if X is an array in memory; None for a file, which is read by rows."""
        rows: Any = self.rows
        return Chunked(rows.T, band_bytes=self.band_bytes) if isinstance(rows, np.ndarray) else None

    def bands(self) -> Iterator[tuple[int, int, Float64Array]]:
        """Yield (start, stop, rows) of each band of consecutive rows, as C-contiguous float64 arrays."""
        return self._read(lambda rows: np.ascontiguousarray(rows, dtype=np.float64))

    def blocks(self) -> Iterator[tuple[int, int, Array]]:
        """Yield (start, stop, rows) of each band of consecutive rows: in the type of the file, if kernels read it.

        Rows of another type are converted to float64.
        """
        return self._read(lambda rows: native(np.asarray(rows)))

    @property
    def squared_norm(self) -> float:
        """Sum of squares of all entries, in float64."""
        return self._energies[0]

    def negative_squares(self) -> float:
        """Return the sum of the squares of all negative entries, from the same pass as :attr:`squared_norm`."""
        return self._energies[1]

    @cached_property
    def _energies(self) -> tuple[float, float]:
        """Sum of squares of all entries, and of the negative ones."""
        found = list(map(lambda block: sums_of_squares(block[2]), self.blocks()))  # noqa: C417  a loop would keep a block
        return sum(whole for whole, _ in found), sum(negative for _, negative in found)

    def _read(self, convert: Callable[[Any], Array]) -> Iterator[tuple[int, int, Array]]:
        """Yield (start, stop, rows converted by ``convert``) of each band.

        A caller that keeps a reference to the rows causes three bands to be in memory instead of two.
        """

        def read(limits: tuple[int, int]) -> tuple[int, int, Array]:
            start, stop = limits
            return start, stop, convert(self.rows[start:stop])

        if self.limits is None:
            limits = band_limits(self.shape, self.band_bytes)
        else:
            limits = itertools.pairwise(self.limits.tolist())
        resident = getattr(self.rows, "in_memory", isinstance(self.rows, np.ndarray))
        return map(read, limits) if resident else read_ahead(read, limits)
