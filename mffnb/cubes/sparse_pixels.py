"""Sparse images: counts in compressed sparse rows in a file, wrapped for xarray without a dense copy."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from scipy import sparse

from mffnb.cubes.dense_copy import DenseCopy
from mffnb.cubes.sparse_map import SparseMap
from mffnb.typing import Array

_COMPRESSED_ROWS = {"indices", "indptr", "format", "shape", "data"}


@dataclass(frozen=True, eq=False)
class SparsePixels(DenseCopy):
    """Rows ``start:stop`` of a sparse matrix (pixels, channels) in a SciPy ``.npz`` file, as a duck array for xarray.

    A slice of rows is again a :class:`SparsePixels`, without reading the file. Any other operation reads the rows and
    works on a dense copy.

    Parameters
    ----------
    path
        The ``.npz`` file.
    start, stop
        Range of rows (pixels) of the matrix in the file.
    columns
        Number of channels.
    dtype
        Type of the numbers.
    """

    path: Path
    start: int
    stop: int
    columns: int
    dtype: np.dtype[Any]

    @classmethod
    def of(cls, path: Path) -> SparsePixels:
        """Return all rows of the sparse matrix in a file, without reading its values.

        Raises
        ------
        ValueError
            If the file holds compressed columns or blocks instead of rows.
        """
        with np.load(path, allow_pickle=False) as archive:
            kept, shape = archive["format"].item(), archive["shape"]
        name = kept.decode() if isinstance(kept, bytes) else str(kept)
        if name != "csr":
            raise ValueError(f"{path.name} holds a sparse matrix in format {name!r}: save compressed rows, X.tocsr()")
        with zipfile.ZipFile(path) as archive, archive.open("data.npy") as member:
            dtype = npy_header(member)[1]
        return cls(path, 0, int(shape[0]), int(shape[1]), dtype)

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of pixels and of channels."""
        return self.stop - self.start, self.columns

    @property
    def ndim(self) -> int:
        """Number of dimensions: 2."""
        return 2

    @property
    def size(self) -> int:
        """Number of entries, including zeros."""
        return self.shape[0] * self.columns

    def compressed(self) -> Any:
        """Read these rows from the file as a SciPy CSR array."""
        with zipfile.ZipFile(self.path) as archive:
            begins = _read_entries(archive, "indptr.npy", self.start, self.stop + 1)
            first, last = int(begins[0]), int(begins[-1])
            indices, data = (_read_entries(archive, f"{name}.npy", first, last) for name in ("indices", "data"))
        return sparse.csr_array((data, indices, begins - first), shape=self.shape)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.asarray(self.compressed().toarray(), dtype=dtype)

    def __getitem__(self, key: Any) -> Any:
        """Index the matrix: a slice of consecutive rows stays compressed; any other index returns a dense array."""
        rows, columns = (*key, slice(None))[:2] if isinstance(key, tuple) else (key, slice(None))
        if isinstance(rows, slice) and isinstance(columns, slice):
            start, stop, step = rows.indices(self.shape[0])
            if step == 1 and columns.indices(self.columns) == (0, self.columns, 1):
                return replace(self, start=self.start + start, stop=self.start + max(start, stop))
        return np.asarray(self)[key]

    def transpose(self, *order: Any) -> Array:
        """Return the transposed matrix as a dense array."""
        return np.asarray(self).transpose(*order)


def sparse_pixels_of(cube: xr.DataArray) -> SparsePixels | SparseMap | None:
    """Return the :class:`SparsePixels` or :class:`SparseMap` that a cube wraps; None for another kind of array."""
    held = getattr(cube.variable, "_data", None)
    return held if isinstance(held, (SparsePixels, SparseMap)) else None


def is_sparse_file(names: set[str]) -> bool:
    """Whether an ``.npz`` file with arrays of these names was written by :func:`scipy.sparse.save_npz`."""
    return names >= _COMPRESSED_ROWS


def npy_header(member: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Read shape and type of an array from the header of a ``.npy`` stream."""
    version = np.lib.format.read_magic(member)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = header(member)
    return shape, dtype


def _read_entries(archive: zipfile.ZipFile, name: str, first: int, last: int) -> Array:
    """Read the entries ``first:last`` of a one-dimensional array in an archive, without storing the entries before."""
    with archive.open(name) as member:
        _, dtype = npy_header(member)
        member.seek(first * dtype.itemsize, 1)
        wanted = (last - first) * dtype.itemsize
        content = member.read(wanted)
    if len(content) < wanted:
        raise OSError(f"{archive.filename} is truncated")
    return np.frombuffer(content, dtype)
