"""Read and write NetCDF-4 files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import xarray as xr

from mffnb.cubes.as_cube import as_cube
from mffnb.io.atomic import write_atomically
from mffnb.io.choose import _choose, _lazy

_NETCDF = {".nc", ".nc4", ".netcdf"}


def write_netcdf(dataset: xr.Dataset, path: str | os.PathLike[str]) -> None:
    """Write a NetCDF-4 file through h5netcdf; a fault on the way leaves any older file as it was."""
    # In memory first: HDF5 that meets a full disk keeps the file half open, and takes the process down later.
    content = bytes(dataset.to_netcdf(engine="h5netcdf"))
    try:
        write_atomically(path, lambda part: part.write_bytes(content))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise OSError(error.errno, f"could not write {path}, any older file is as it was: {error}") from error


def read_netcdf(path: str | os.PathLike[str]) -> xr.Dataset:
    """Read a NetCDF-4 file into memory, units left as text."""
    with _open_netcdf(Path(path)) as stored:
        return stored.load()


def _opened(path: Path, **options: Any) -> xr.Dataset:
    # Units such as "s" are labels of an axis here; xarray would turn the axis into time spans. Dates stay dates.
    return xr.open_dataset(path, decode_timedelta=False, cache=False, **options)


def _open_netcdf(path: Path) -> xr.Dataset:
    return _opened(path, engine="h5netcdf", phony_dims="access")


def _read_netcdf_variable(path: Path, wanted: str | None, lazy: bool | None) -> xr.DataArray:
    stored = _open_netcdf(path)
    cube = stored[_choose(path, {str(key): stored[key].ndim for key in stored.data_vars}, wanted)]
    if _lazy(lazy, cube.size):
        return as_cube(cube)  # the file stays open as long as the cube lives
    with stored:
        return as_cube(cube.load())
