"""Parallel writing of a result whose maps are distributed over ranks: no rank holds the maps of all ranks."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from mffnb.io.netcdf_store import write_netcdf
from mffnb.io.zarr_store import fill, store_to_fill
from mffnb.matrices.collective_errors import run_collectively
from mffnb.typing import Array

_CHUNK_BYTES = 8 * 2**20


@dataclass(frozen=True, eq=False)
class Block:
    """The rows of the maps that this rank owns, and the communicator of all ranks.

    Attributes
    ----------
    communicator
        MPI communicator; ranks own consecutive rows in the order of their numbers.
    dim
        Name of the first pixel dimension, which is distributed over ranks.
    start, stop
        Range of the rows of this rank.
    rows
        Total number of rows of all ranks.
    """

    communicator: Any
    dim: Hashable
    start: int
    stop: int
    rows: int


def write_blocks(dataset: xr.Dataset, path: Path, block: Block) -> None:
    """Write a dataset of which each rank has its own rows; all ranks must call this function together.

    All ranks write a zarr store at once, each its own chunks. The first rank writes a NetCDF file and receives the rows
    of one other rank at a time.
    """
    names = [name for name, array in dataset.data_vars.items() if block.dim in array.dims]
    first = block.communicator.rank == 0
    small = _with_all_coordinates(dataset.drop_vars(names), block)
    if path.suffix.lower() == ".zarr":
        with store_to_fill(path, block.communicator) as part:
            whole = {name: _empty(dataset[name], block) for name in names}
            encoding = {name: {"chunks": _chunks(dataset[name], block)} for name in names}
            run_collectively(block.communicator, lambda: fill(small.assign(whole), part, encoding) if first else None)
            for name in names:
                _fill_own_chunks(dataset[name], part / str(name), encoding[name]["chunks"], block)
        return

    needed = sum(8 * dataset[name].size * block.rows // max(1, block.stop - block.start) for name in names)
    file = run_collectively(block.communicator, lambda: _skeleton(small, path, needed) if first else None)
    try:
        faults = [_append(dataset[name], file, block) for name in names]
        run_collectively(block.communicator, lambda: _finish(file, path, faults))
    finally:
        if file is not None:
            file.unlink(missing_ok=True)


def _with_all_coordinates(dataset: xr.Dataset, block: Block) -> xr.Dataset:
    """Return the dataset with the coordinates of the rows of all ranks, which are small."""
    here = {
        name: array.drop_vars(list(array.coords)) for name, array in dataset.coords.items() if block.dim in array.dims
    }
    found = block.communicator.allgather(here)
    coordinates = {name: xr.concat([part[name] for part in found], dim=block.dim) for name in here}
    return dataset.drop_vars(list(here)).assign_coords(coordinates)


def _empty(array: xr.DataArray, block: Block) -> xr.Variable:
    """Return an array of NaN for the rows of all ranks, broadcast so that it needs no memory and no disk space."""
    shape = [block.rows if name == block.dim else length for name, length in array.sizes.items()]
    return xr.Variable(array.dims, np.broadcast_to(np.nan, shape), array.attrs)


def _chunks(array: xr.DataArray, block: Block) -> tuple[int, ...]:
    """Return the chunk shape: whole map rows, at most 8 MB and at most as many as the rank with the fewest owns."""
    of_row = 8 * array.size // max(1, array.sizes[block.dim])
    fewest = min(block.communicator.allgather(block.stop - block.start))
    height = max(1, min(_CHUNK_BYTES // max(1, of_row), fewest))
    return tuple(height if name == block.dim else length for name, length in array.sizes.items())


def _fill_own_chunks(array: xr.DataArray, store: Path, chunks: tuple[int, ...], block: Block) -> None:
    """Write the chunks that begin in the rows of this rank; send rows of an earlier chunk to its rank."""
    axis, communicator = array.dims.index(block.dim), block.communicator
    height = chunks[axis]
    begin, end = (min(-(-row // height) * height, block.rows) for row in (block.start, block.stop))
    rows = np.moveaxis(array.values, axis, 0)
    before = np.ascontiguousarray(rows[: begin - block.start])
    requests = [communicator.Isend(before, dest=communicator.rank - 1)] if before.size else []
    after = np.empty((end - block.stop, *rows.shape[1:]))
    if after.size:
        communicator.Recv(after, source=communicator.rank + 1)
    for request in requests:
        request.Wait()
    mine = np.moveaxis(np.concatenate([rows[begin - block.start :], after]), 0, axis)
    run_collectively(communicator, lambda: _write_rows(store, axis, begin, mine))


def _write_rows(store: Path, axis: int, begin: int, values: Array) -> None:
    import zarr  # noqa: PLC0415  an extra

    stored = zarr.open_array(store, mode="r+")
    stored[(*[slice(None)] * axis, slice(begin, begin + values.shape[axis]))] = values


def _skeleton(small: xr.Dataset, path: Path, needed: int) -> Path:
    """Write a temporary file without the maps, after a check that the disk has room for them."""
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent}: make it first")
    # On a full disk, HDF5 would leave the file half open and later crash the process.
    if shutil.disk_usage(path.parent).free < needed:
        raise OSError(errno.ENOSPC, f"could not write {path}, any older file is as it was: {os.strerror(errno.ENOSPC)}")
    part = path.with_name(f".{path.stem}-{os.getpid()}.part{path.suffix}")
    write_netcdf(small, part)
    return part


def _finish(part: Path | None, path: Path, faults: list[Exception | None]) -> None:
    for fault in faults:
        if fault is not None:
            raise OSError(
                getattr(fault, "errno", None), f"could not write {path}, any older file is as it was: {fault}"
            )
    if part is not None:
        part.replace(path)


def _append(array: xr.DataArray, part: Path | None, block: Block) -> Exception | None:
    """Add an array to the NetCDF file of the first rank, the rows of one rank at a time; return the error if any."""
    communicator, axis = block.communicator, array.dims.index(block.dim)
    here = np.ascontiguousarray(array.values, dtype=np.float64)
    limits = communicator.gather((block.start, block.stop), root=0)
    if part is None:
        communicator.Send(here, dest=0)
        return None
    fault: Exception | None = None
    for rank, (start, stop) in enumerate(limits):
        rows = here
        if rank:  # received even after an error, because the sender waits
            shape = list(here.shape)
            shape[axis] = stop - start
            rows = np.empty(shape)
            communicator.Recv(rows, source=rank)
        try:
            if fault is None:
                _add_rows(array, part, block, rows, (*[slice(None)] * axis, slice(start, stop)))
        except Exception as error:  # HDF5 raises exceptions of many types
            fault = error
    return fault


def _add_rows(array: xr.DataArray, part: Path, block: Block, rows: Array, place: tuple[slice, ...]) -> None:
    import h5netcdf  # noqa: PLC0415  slow to import, and needed here only

    with h5netcdf.File(part, "a") as file:
        if array.name not in file.variables:
            for name, length in array.sizes.items():
                if name not in file.dimensions:
                    file.dimensions[name] = block.rows if name == block.dim else length
            stored = file.create_variable(array.name, array.dims, np.float64, fillvalue=np.nan)
            stored.attrs.update(array.attrs)
        file.variables[array.name][place] = rows
