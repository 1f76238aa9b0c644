"""Reader of NetCDF files: NetCDF-4 (HDF5) and NetCDF-3 (classic)."""

from __future__ import annotations

from pathlib import Path

import xarray as xr

from mffnb.cubes.as_cube import as_cube
from mffnb.io.choose import check_numbers, choose_dataset
from mffnb.io.expansion import kept_on_disk
from mffnb.io.files import is_hdf5, is_netcdf3
from mffnb.io.netcdf_store import open_netcdf
from mffnb.io.reader import Reader

__all__ = ["NETCDF"]


def read_netcdf_variable(path: Path, dataset: str | None, lazy: bool | None) -> xr.DataArray:
    """Read a variable of a NetCDF file with its coordinates as a cube."""
    stored = open_netcdf(path)
    numeric = {str(key): array.shape for key, array in stored.data_vars.items() if array.dtype.kind in "biufc"}
    if dataset is None and len(numeric) > 1:
        # Beside tables of settings, an image is what has coordinates.
        numeric = {key: shape for key, shape in numeric.items() if _has_coordinates(stored[key])} or numeric
    cube = stored[choose_dataset(path, numeric, dataset)]
    check_numbers(path, str(cube.name), cube.dtype)
    if kept_on_disk(path, lazy, cube.shape, cube.dtype.itemsize, path.stat().st_size):
        return as_cube(cube)  # the file stays open as long as the cube exists
    with stored:
        return as_cube(cube.load())


def _has_coordinates(array: xr.DataArray) -> bool:
    """Return whether an array has two or more dimensions, with coordinates along all that are longer than one."""
    return array.ndim >= 2 and all(name in array.coords for name, length in array.sizes.items() if length > 1)


NETCDF = Reader(
    "NetCDF-4 and NetCDF-3",
    (".nc", ".nc4", ".nc3", ".cdf", ".netcdf"),
    read_netcdf_variable,
    sniff=lambda path: is_hdf5(path) or is_netcdf3(path),
    datasets="name",
    lazy=True,
)
