"""Write results as NetCDF-4 files, and read them back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import xarray as xr

from mffnb.io.atomic import write_atomically


def write_netcdf(dataset: xr.Dataset, path: str | os.PathLike[str]) -> None:
    """Write a NetCDF-4 file through h5netcdf; after an error the older file is unchanged."""
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
    with open_netcdf(Path(path)) as stored:
        return stored.load()


def open_netcdf(path: Path) -> xr.Dataset:
    """Open a NetCDF-4 file without loading it."""
    return open_labelled(path, engine="h5netcdf", phony_dims="access")


def open_labelled(path: Path, **options: Any) -> xr.Dataset:
    """Open a dataset with xarray, units left as text: "s" labels an axis and is no time span. Dates are decoded."""
    return xr.open_dataset(path, decode_timedelta=False, cache=False, **options)
