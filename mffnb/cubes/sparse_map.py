"""Sparse maps in memory: compressed rows of the measured pixels, wrapped for xarray without a dense copy."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from mffnb.cubes.dense_copy import DenseCopy
from mffnb.typing import Array

# Entries of the largest dense copy, 1 GB of float32: a longer spectrum axis is meant to stay sparse.
_MOST_DENSE = 1 << 28


@dataclass(frozen=True, eq=False)
class SparseMap(DenseCopy):
    """Sparse spectral image (pixel dims, channel) as a duck array for xarray; pixels may be missing.

    Integers and slices select pixels and channels without a dense copy. Any other operation works on a dense copy, in
    which missing pixels are NaN.

    Parameters
    ----------
    rows
        SciPy CSR array (pixels, channels), in the order of the map; rows of missing pixels are empty.
    map_shape
        Lengths of the pixel dimensions.
    absent
        Boolean array (pixels,), True where a pixel was not measured.

    Examples
    --------
    >>> from scipy import sparse
    >>> counts = SparseMap(sparse.csr_array(np.eye(4, 6)), (2, 2), np.array([False, False, False, True]))
    >>> counts.shape, counts[:, 1].shape, np.asarray(counts[1, :, 2])
    ((2, 2, 6), (2, 6), array([ 1., nan]))
    """

    rows: Any
    map_shape: tuple[int, ...]
    absent: Array

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the pixel dimensions and number of channels."""
        return (*self.map_shape, int(self.rows.shape[1]))

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.map_shape) + 1

    @property
    def size(self) -> int:
        """Number of entries, including zeros."""
        return prod(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the numbers; a floating type if pixels are missing."""
        stored = np.dtype(self.rows.dtype)
        return np.result_type(stored, np.float32) if self.absent.any() else stored

    def compressed(self) -> Any:
        """Return the pixels as a SciPy CSR array (pixels, channels)."""
        return self.rows

    def without(self, pixels: Array) -> SparseMap:
        """Return the image with some pixels missing, True in a Boolean array (pixels,)."""
        number = np.repeat(pixels, np.diff(self.rows.indptr))
        begins = np.append(0, np.cumsum(~number))[self.rows.indptr]
        kept = (self.rows.data[~number], self.rows.indices[~number], begins)
        return SparseMap(type(self.rows)(kept, shape=self.rows.shape), self.map_shape, self.absent | pixels)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if self.size > _MOST_DENSE:
            raise MemoryError(
                f"this step needs a dense copy of a sparse image, {self.size} numbers: select channels first, for "
                "example cube.sel({cube.dims[-1]: slice(low, high)})"
            )
        dense = self.rows.toarray().astype(self.dtype, copy=False)
        if self.absent.any():
            dense[self.absent] = np.nan
        return np.asarray(dense.reshape(self.shape), dtype=dtype)

    def __getitem__(self, key: Any) -> Any:
        """Select pixels and channels, sparse if a pixel dimension and the channels are left."""
        full = [*key] if isinstance(key, tuple) else [key]
        if full and full[-1] is Ellipsis:  # xarray adds it to every key
            full = full[:-1]
        if any(one is None or one is Ellipsis or np.ndim(one) > 1 for one in full if not isinstance(one, slice)):
            return np.asarray(self)[key]
        full += [slice(None)] * (self.ndim - len(full))
        *of_pixels, of_channels = full
        picked = np.arange(prod(self.map_shape)).reshape(self.map_shape)[tuple(of_pixels)]
        flat = np.atleast_1d(picked).ravel()
        single = isinstance(of_channels, (int, np.integer))
        columns = [int(of_channels)] if single else of_channels
        rows = self.rows if flat.size == self.rows.shape[0] and (np.diff(flat) == 1).all() else self.rows[flat]
        if not isinstance(columns, slice) or columns != slice(None):
            rows = rows[:, columns]
        part = SparseMap(rows, np.shape(np.atleast_1d(picked)), self.absent[flat])
        if picked.ndim and not single:
            return part
        return np.asarray(part).reshape((*picked.shape, *(() if single else (rows.shape[1],))))[()]

    def __repr__(self) -> str:
        return (
            f"<sparse map {self.shape}, {self.rows.nnz} nonzero {self.dtype}, {int(self.absent.sum())} pixels missing>"
        )

    def transpose(self, *order: Any) -> Any:
        """Return the transposed image as a dense array; itself if the order does not change."""
        flat = order[0] if len(order) == 1 and isinstance(order[0], (tuple, list)) else order
        if tuple(flat) == tuple(range(self.ndim)):
            return self
        return np.asarray(self).transpose(*order)
