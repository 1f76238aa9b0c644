"""Readers of NumPy files: single arrays (``.npy``), and archives of arrays or of a sparse matrix (``.npz``)."""

from __future__ import annotations

import zipfile
from math import prod
from pathlib import Path

import numpy as np
import xarray as xr

from mffnb.cubes.as_cube import as_cube
from mffnb.cubes.lazy_array import from_npy
from mffnb.cubes.sparse_pixels import SparsePixels, is_sparse_file, npy_header
from mffnb.io.choose import check_numbers, choose_dataset, keep_on_disk
from mffnb.io.expansion import check_expansion
from mffnb.io.reader import Reader, starts_with
from mffnb.io.signal_table import Signal, of_array

__all__ = ["NPY", "NPZ"]


def read_npy(path: Path, _dataset: str | None, lazy: bool | None) -> xr.DataArray:
    """Read the array of a ``.npy`` file."""
    stored = np.load(path, allow_pickle=False, mmap_mode="r")
    check_numbers(path, path.stem, stored.dtype)
    return from_npy(path) if keep_on_disk(lazy, stored.size) else as_cube(np.array(stored))


def npy_contents(path: Path) -> tuple[Signal, ...]:
    """Return the one array of the file."""
    return (of_array(path.stem, np.load(path, allow_pickle=False, mmap_mode="r")),)


def read_npz(path: Path, dataset: str | None, _lazy: bool | None) -> xr.DataArray:
    """Read an array of a ``.npz`` archive, or a matrix of compressed sparse rows, which stays sparse."""
    members = _members(path)
    if dataset is None and is_sparse_file(set(members)):
        pixels = SparsePixels.of(path)
        return as_cube(xr.DataArray(xr.Variable(as_cube(np.empty((1, 1))).dims, pixels)))
    with np.load(path, allow_pickle=False) as archive:
        listed = [one for one in members.values() if one is not None]
        name = listed[choose_dataset(path, listed, dataset)].name
        array = archive[name]
    check_numbers(path, name, array.dtype)
    return as_cube(array)


def npz_contents(path: Path) -> tuple[Signal, ...]:
    """Return the arrays of numbers in an archive, or its one matrix of compressed sparse rows."""
    members = _members(path)
    if is_sparse_file(set(members)):
        pixels = SparsePixels.of(path)
        return (Signal(path.stem, pixels.shape, dtype=str(pixels.dtype)),)
    return tuple(one for one in members.values() if one is not None)


def _members(path: Path) -> dict[str, Signal | None]:
    """Return the signal of each array in an archive by name, from its header; None for text."""
    found: dict[str, Signal | None] = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            with archive.open(name) as member:
                shape, dtype = npy_header(member)
            stored = min(archive.getinfo(name).compress_size, path.stat().st_size)
            check_expansion(path, prod(shape) * dtype.itemsize, stored, "load the array by yourself if you trust it")
            key = name.removesuffix(".npy")
            found[key] = Signal(key, tuple(shape), dtype=str(dtype)) if dtype.kind in "biufc" else None
    return found


NPY = Reader("NumPy array", (".npy",), read_npy, npy_contents, sniff=starts_with(b"\x93NUMPY"), lazy=True)
NPZ = Reader(
    "NumPy archive, or SciPy sparse matrix",
    (".npz",),
    read_npz,
    npz_contents,
    sniff=starts_with(b"PK\x03\x04"),
    datasets="number or name",
)
