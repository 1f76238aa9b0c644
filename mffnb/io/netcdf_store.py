"""Results as NetCDF-4 files: writing and reading."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from mffnb.io.atomic import write_atomically
from mffnb.io.expansion import hdf5_expands
from mffnb.io.files import check_links, is_netcdf3


def write_netcdf(dataset: xr.Dataset, path: str | os.PathLike[str]) -> None:
    """Write a dataset as a NetCDF-4 file through h5netcdf; after an error an older file is unchanged."""
    # The file is first built in memory. On a full disk, HDF5 would leave it half open and later crash the process.
    _write_bytes(bytes(dataset.to_netcdf(engine="h5netcdf")), path)


def write_netcdf_groups(
    groups: Mapping[str, xr.Dataset], attrs: Mapping[str, str], path: str | os.PathLike[str]
) -> None:
    """Write datasets as the groups of one NetCDF-4 file; after an error an older file is unchanged."""
    tree = xr.DataTree.from_dict({"/": xr.Dataset(attrs=attrs)} | {f"/{name}": one for name, one in groups.items()})
    content = tree.to_netcdf(engine="h5netcdf")
    assert content is not None, "without a path, the content is returned"
    _write_bytes(bytes(content), path)


def groups_of(images: int) -> list[str]:
    """Return the names of the groups of several images in one file.

    Examples
    --------
    >>> groups_of(2)
    ['image_0', 'image_1']
    """
    return [f"image_{number}" for number in range(images)]


def _write_bytes(content: bytes, path: str | os.PathLike[str]) -> None:
    """Write the content of a file; after an error an older file is unchanged."""
    try:
        write_atomically(path, lambda part: part.write_bytes(content))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise OSError(error.errno, f"could not write {path}, any older file is as it was: {error}") from error


def read_netcdf(path: str | os.PathLike[str], group: str | None = None) -> xr.Dataset:
    """Read a NetCDF-4 file, or one group of it, into memory, with units kept as text."""
    with open_netcdf(Path(path), group) as stored:
        return stored.load()


def open_netcdf(path: Path, group: str | None = None) -> xr.Dataset:
    """Open a NetCDF file, or one group of it, without loading its arrays."""
    if is_netcdf3(path):
        return open_labelled(path, engine="scipy")
    check_links(path)
    hdf5_expands(path)
    return open_labelled(path, engine="h5netcdf", phony_dims="access", group=group)


def open_labelled(path: Path, **options: Any) -> xr.Dataset:
    """Open a dataset with xarray; units stay text, so that "s" does not turn an axis into time spans.

    Dates are decoded.
    """
    return xr.open_dataset(path, decode_timedelta=False, cache=False, **options)
