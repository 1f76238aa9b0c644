"""Reader of NetCDF files: NetCDF-4 (HDF5) and NetCDF-3 (classic)."""

from __future__ import annotations

from pathlib import Path

import xarray as xr

from mffnb.cubes.as_cube import as_cube
from mffnb.cubes.axis_kinds import is_spatial
from mffnb.cubes.pixel_rows import is_in_memory
from mffnb.io.choose import check_numbers, choose_dataset
from mffnb.io.expansion import kept_on_disk
from mffnb.io.files import is_hdf5, is_netcdf3
from mffnb.io.netcdf_store import open_netcdf
from mffnb.io.reader import Reader
from mffnb.io.signal_table import Signal, of_array

__all__ = ["NETCDF"]


def read_netcdf_variable(path: Path, dataset: str | None, lazy: bool | None) -> xr.DataArray:
    """Read a variable of a NetCDF file with its coordinates as a cube."""
    stored = open_netcdf(path)
    try:
        cube = stored[_chosen(path, stored, dataset)]
        check_numbers(path, str(cube.name), cube.dtype)
        if _is_picture(cube):
            cube = _as_picture(path, cube, dataset)
        on_disk = kept_on_disk(path, lazy, cube.shape, cube.dtype.itemsize, path.stat().st_size)
        cube = as_cube(cube if on_disk else cube.load())
    except BaseException:
        stored.close()
        raise
    if not is_in_memory(cube):
        return cube  # the file stays open as long as the cube exists
    stored.close()
    return cube


def netcdf_contents(path: Path) -> tuple[Signal, ...]:
    """Return the arrays of numbers in a NetCDF file, without its coordinates."""
    with open_netcdf(path) as stored:
        return _listed(stored)


def _listed(stored: xr.Dataset) -> tuple[Signal, ...]:
    numeric = [(str(name), one) for name, one in stored.data_vars.items() if one.ndim and one.dtype.kind in "biufc"]
    return tuple(of_array(name, array, array.dims, array.attrs.get("units")) for name, array in numeric)


def _chosen(path: Path, stored: xr.Dataset, dataset: str | None) -> str:
    """Return the name of the variable to read: beside tables of settings, an image is what has coordinates."""
    listed = _listed(stored)
    labelled = [number for number, one in enumerate(listed) if _has_coordinates(stored[one.name])]
    return listed[choose_dataset(path, listed, dataset, labelled or None)].name


def _is_picture(cube: xr.DataArray) -> bool:
    """Return whether two dimensions, which are both positions, are the only ones longer than one."""
    long = [name for name, length in cube.sizes.items() if length > 1]
    if "channel" in cube.attrs:
        return False
    return len(long) == 2 and all(is_spatial(name, cube[name].attrs.get("units")) for name in long)


def _as_picture(path: Path, cube: xr.DataArray, dataset: str | None) -> xr.DataArray:
    """Return a picture (y, x) that was named; refuse one that was not, since it has no spectral axis.

    Raises
    ------
    ValueError
        If the picture was not named.
    """
    rows, columns = (length for length in cube.shape if length > 1)
    if dataset is None:
        raise ValueError(
            f"{path.name}: {cube.name!r} is a picture of {rows} x {columns} pixels without a spectral axis, which "
            f"cannot be unmixed: read it as a picture with dataset={cube.name!r}, for example to join it to a spectral "
            "image, mf.preprocessing.augment(cube, picture)"
        )
    return cube.squeeze([name for name, length in cube.sizes.items() if length == 1])


def _has_coordinates(array: xr.DataArray) -> bool:
    """Return whether an array has two or more dimensions, with coordinates along all that are longer than one."""
    return array.ndim >= 2 and all(name in array.coords for name, length in array.sizes.items() if length > 1)


NETCDF = Reader(
    "NetCDF-4 and NetCDF-3",
    (".nc", ".nc4", ".nc3", ".cdf", ".netcdf"),
    read_netcdf_variable,
    netcdf_contents,
    sniff=lambda path: is_hdf5(path) or is_netcdf3(path),
    datasets="number or name",
    lazy=True,
)
