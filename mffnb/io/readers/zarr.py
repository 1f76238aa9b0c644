"""Reader of zarr stores, through the optional zarr package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import xarray as xr

from mffnb.cubes.as_cube import as_cube
from mffnb.cubes.lazy_array import from_zarr
from mffnb.io.choose import check_numbers, choose_dataset
from mffnb.io.expansion import chunk_bytes, kept_on_disk, zarr_expands
from mffnb.io.netcdf_store import open_labelled
from mffnb.io.reader import Reader
from mffnb.io.zarr_store import arrays_in, check_blosc, is_store

__all__ = ["ZARR"]


def read_zarr_array(path: Path, dataset: str | None, lazy: bool | None) -> xr.DataArray:
    """Read an array of a zarr store, with its coordinates if xarray has written it."""
    try:
        import zarr  # noqa: PLC0415  an extra
    except ImportError:
        raise ValueError('reading .zarr needs the zarr package: pip install "mffnb[io]"') from None
    stored = zarr.open(path, mode="r")
    held = arrays_in(stored)
    zarr_expands(path, held)
    check_blosc(path, held)
    found = {name: item for name, item in held.items() if not name or item.dtype.kind in "biufc"}
    name = choose_dataset(path, {name: array.shape for name, array in found.items()}, dataset)
    check_numbers(path, name or path.name, found[name].dtype)
    array, group = found[name], name.rpartition("/")[0]
    on_disk = kept_on_disk(path, lazy, array.shape, array.dtype.itemsize, chunk_bytes(array))
    names: Any = getattr(array.metadata, "dimension_names", None) or array.attrs.get("_ARRAY_DIMENSIONS")
    if names is None or not all(names) or not name:
        cube = from_zarr(path, name)
    else:  # the store was written by xarray, with coordinates
        options = {"engine": "zarr", "group": group or None, "consolidated": False, "chunks": None}
        cube = as_cube(open_labelled(path, **options)[name.rpartition("/")[2]])
    return cube if on_disk else cube.load()


ZARR = Reader(
    "zarr", (".zarr",), read_zarr_array, sniff=is_store, datasets="path", lazy=True, extra="io", package="zarr"
)
