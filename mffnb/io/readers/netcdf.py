"""Reader of NetCDF-4 files."""

from __future__ import annotations

from pathlib import Path

import xarray as xr

from mffnb.cubes.as_cube import as_cube
from mffnb.io.choose import choose_dataset, keep_on_disk
from mffnb.io.netcdf_store import open_netcdf
from mffnb.io.reader import Reader
from mffnb.io.readers.hdf5 import is_hdf5

__all__ = ["NETCDF"]


def read_netcdf_variable(path: Path, dataset: str | None, lazy: bool | None) -> xr.DataArray:
    """Read a variable of a NetCDF file with its coordinates as a cube."""
    stored = open_netcdf(path)
    cube = stored[choose_dataset(path, {str(key): stored[key].ndim for key in stored.data_vars}, dataset)]
    if keep_on_disk(lazy, cube.size):
        return as_cube(cube)  # the file stays open as long as the cube exists
    with stored:
        return as_cube(cube.load())


NETCDF = Reader("NetCDF-4", (".nc", ".nc4", ".netcdf"), read_netcdf_variable, sniff=is_hdf5, datasets="name", lazy=True)
