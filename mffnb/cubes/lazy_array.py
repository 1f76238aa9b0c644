"""Arrays in files as xarray takes them: nothing is read before it is asked for, and then only that."""

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

from mffnb.cubes.as_cube import as_cube
from mffnb.typing import Array

_PIECES = "preferred_chunks"  # xarray's own name for it


class StoredArray(BackendArray):
    """An array that ``source`` opens; opened again in each process that it is sent to.

    Parameters
    ----------
    source
        Returns something with a shape, a dtype and basic indexing.
    """

    def __init__(self, source: Callable[[], Any]):
        self._source = source
        self._array = source()
        self.shape: tuple[int, ...] = tuple(self._array.shape)
        self.dtype = np.dtype(self._array.dtype)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        """What is asked for, read from the file."""
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.BASIC, self._read)

    def _read(self, key: tuple[Any, ...]) -> Array:
        if self._array is None:
            self._array = self._source()
        return np.asarray(self._array[key])

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_array": None}


class NpyFile:
    """The array of a ``.npy`` file, read by as many bytes as are asked for instead of mapped into memory."""

    def __init__(self, path: Path):
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
        self._path, self._offset = path, mapped.offset
        self.shape, self.dtype = mapped.shape, mapped.dtype
        self._mapped = None if mapped.flags.c_contiguous else mapped

    def __getitem__(self, key: tuple[Any, ...]) -> Array:
        """Integers and slices, one for each dimension."""
        if self._mapped is not None:
            return np.array(self._mapped[key])
        # What lies between the first and the last byte, without the dimensions that lead to one row.
        first, shape, rest = 0, list(self.shape), list(key)
        while rest and not isinstance(rest[0], slice):
            first = first * shape[0] + int(rest[0]) % shape.pop(0)
            rest = rest[1:]
        start, stop, step = rest[0].indices(shape[0]) if rest else (0, 1, 1)
        count = max(0, stop - start) * prod(shape[1:])
        entry = (first * (shape[0] if shape else 1) + start) * prod(shape[1:])
        got = np.fromfile(self._path, self.dtype, count, offset=self._offset + entry * self.dtype.itemsize)
        if got.size < count:
            raise OSError(f"{self._path} is cut short")
        if not rest:
            return np.asarray(got[0])
        whole = got.reshape(max(0, stop - start), *shape[1:])
        return whole[(slice(None, None, step), *rest[1:])]


def stored_cube(source: Callable[[], Any], names: Sequence[str] | None = None) -> xr.DataArray:
    """A cube that stays in its file.

    Parameters
    ----------
    source
        Opens the array; may be sent to other processes.
    names
        Those of its dimensions; if None, as :func:`mffnb.cubes.as_cube.as_cube` names them.
    """
    array = StoredArray(source)
    dims = as_cube(np.empty((1,) * len(array.shape))).dims if names is None else tuple(names)
    cube = as_cube(xr.DataArray(xr.Variable(dims, indexing.LazilyIndexedArray(array))))
    chunks = getattr(array._array, "chunks", None)
    cube.encoding = {_PIECES: dict(zip(dims, chunks, strict=True))} if chunks else {}
    return cube


def pieces_of(cube: xr.DataArray) -> dict[Hashable, int]:
    """Lengths, by dimension, of the pieces in which a cube is stored, where that is known."""
    return {name: sizes[0] for name, sizes in cube.chunksizes.items()} or dict(cube.encoding.get(_PIECES) or {})


def renamed(cube: xr.DataArray, names: Mapping[Any, Hashable]) -> xr.DataArray:
    """A cube with other names for dimensions, in what is known of its pieces as well."""
    pieces = {names.get(name, name): length for name, length in pieces_of(cube).items()}
    cube = cube.rename(names)
    cube.encoding = {**cube.encoding, _PIECES: pieces}
    return cube


def from_npy(path: Path) -> xr.DataArray:
    """The cube in a ``.npy`` file."""
    return stored_cube(partial(NpyFile, path))


def from_hdf5(path: Path, name: str) -> xr.DataArray:
    """The cube in a dataset of an HDF5 file; every process opens the file by itself."""
    return stored_cube(partial(_hdf5, path, name))


def from_zarr(path: Path, name: str, names: Sequence[str] | None = None) -> xr.DataArray:
    """The cube in an array of a zarr store."""
    return stored_cube(partial(_zarr, path, name), names)


def _hdf5(path: Path, name: str) -> Any:
    import h5py  # noqa: PLC0415  a second of import that other formats need not pay

    return h5py.File(path, "r")[name]


def _zarr(path: Path, name: str) -> Any:
    import zarr  # noqa: PLC0415  an extra

    return zarr.open_array(path / name, mode="r")
