"""Lazy arrays in files for xarray: only the requested part is read."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from mffnb.cubes.as_cube import as_cube, axis_names, from_axes, in_array_order
from mffnb.cubes.hdf5_chunks import CompressedDataset, is_gzip
from mffnb.typing import Array

_CHUNKS_KEY = "preferred_chunks"  # key of the chunk lengths in the encoding of xarray


class LazyFileArray(BackendArray):
    """Array in a file for xarray's lazy indexing; each process that receives it opens the file by itself.

    Parameters
    ----------
    source
        Function that opens the file and returns an object with a shape, a dtype and basic indexing.
    """

    def __init__(self, source: Callable[[], Any]):
        self._source = source
        self._array = source()
        self.shape: tuple[int, ...] = tuple(self._array.shape)
        self.dtype = np.dtype(self._array.dtype)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        """Read the part of the array with an indexer of xarray from the file."""
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.BASIC, self._read)

    def _read(self, key: tuple[Any, ...]) -> Array:
        """Read the part of the array with the given basic index (integers and slices)."""
        if self._array is None:
            self._array = self._source()
        return np.asarray(self._array[key])

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_array": None}


class NpyFile:
    """The array of a ``.npy`` file, read in byte ranges instead of mapped into memory."""

    def __init__(self, path: Path):
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
        self._path, self._offset = path, mapped.offset
        self.shape, self.dtype = mapped.shape, mapped.dtype
        self._mapped = None if mapped.flags.c_contiguous else mapped

    def __getitem__(self, key: tuple[Any, ...]) -> Array:
        """Read the part of the array that integers and slices select, one for each dimension."""
        if self._mapped is not None:
            return np.array(self._mapped[key])
        # One contiguous range of bytes is read. Leading dimensions with a single index shorten it.
        first, shape, rest = 0, list(self.shape), list(key)
        while rest and not isinstance(rest[0], slice):
            first = first * shape[0] + int(rest[0]) % shape.pop(0)
            rest = rest[1:]
        start, stop, step = rest[0].indices(shape[0]) if rest else (0, 1, 1)
        count = max(0, stop - start) * prod(shape[1:])
        entry = (first * (shape[0] if shape else 1) + start) * prod(shape[1:])
        got = np.fromfile(self._path, self.dtype, count, offset=self._offset + entry * self.dtype.itemsize)
        if got.size < count:
            raise OSError(f"{self._path} is truncated")
        if not rest:
            return np.asarray(got[0])
        whole = got.reshape(max(0, stop - start), *shape[1:])
        return whole[(slice(None, None, step), *rest[1:])]


def lazy_cube(source: Callable[[], Any], names: Sequence[str] | None = None) -> xr.DataArray:
    """Return a labelled cube that stays in its file.

    Parameters
    ----------
    source
        Function that opens the array in the file; it must be picklable.
    names
        Names of the dimensions; if None, as :func:`mffnb.cubes.as_cube.as_cube` names them.
    """
    array = LazyFileArray(source)
    dims = as_cube(np.empty((1,) * len(array.shape))).dims if names is None else tuple(names)
    cube = as_cube(xr.DataArray(xr.Variable(dims, indexing.LazilyIndexedArray(array))))
    chunks = getattr(array._array, "chunks", None)
    cube.encoding = {_CHUNKS_KEY: dict(zip(dims, chunks, strict=True))} if chunks else {}
    return cube


def stored_chunks(cube: xr.DataArray) -> dict[Hashable, int]:
    """Return the chunk lengths of a cube in its file, by dimension; empty where they are unknown."""
    return {name: sizes[0] for name, sizes in cube.chunksizes.items()} or dict(cube.encoding.get(_CHUNKS_KEY) or {})


def rename_dimensions(cube: xr.DataArray, names: Mapping[Any, Hashable]) -> xr.DataArray:
    """Rename dimensions of a cube, also in its stored chunk lengths."""
    pieces = {names.get(name, name): length for name, length in stored_chunks(cube).items()}
    cube = cube.rename(names)
    cube.encoding = {**cube.encoding, _CHUNKS_KEY: pieces}
    return cube


def with_axes(cube: xr.DataArray, axes: Sequence[Mapping[str, Any]]) -> xr.DataArray:
    """Return a lazy cube with the labels of axis dictionaries, channels last, as :func:`from_axes` labels an array."""
    names = axis_names(in_array_order(axes))
    cube = rename_dimensions(cube, dict(zip(cube.dims, names, strict=True)))
    labels = from_axes(np.broadcast_to(np.float32(0), cube.shape), axes)
    return cube.assign_coords(labels.coords).assign_attrs(labels.attrs).transpose(*labels.dims)


def from_npy(path: Path) -> xr.DataArray:
    """Return the lazy cube in a ``.npy`` file."""
    return lazy_cube(partial(NpyFile, path))


def from_hdf5(path: Path, name: str) -> xr.DataArray:
    """Return the lazy cube in a dataset of an HDF5 file; every process opens the file itself."""
    return lazy_cube(partial(_hdf5, path, name))


def from_zarr(path: Path, name: str, names: Sequence[str] | None = None) -> xr.DataArray:
    """Return the lazy cube in an array of a zarr store."""
    return lazy_cube(partial(_zarr, path, name), names)


def _hdf5(path: Path, name: str) -> Any:
    """Open a dataset of an HDF5 file; gzip is decompressed on several threads."""
    import h5py  # noqa: PLC0415  slow import, needed for HDF5 only

    dataset = h5py.File(path, "r")[name]
    return CompressedDataset(dataset) if is_gzip(dataset) else dataset


def _zarr(path: Path, name: str) -> Any:
    """Open an array of a zarr store."""
    import zarr  # noqa: PLC0415  optional dependency

    return zarr.open_array(path / name, mode="r")
