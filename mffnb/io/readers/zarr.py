"""Reader of zarr stores, through the optional zarr package."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from mffnb.cubes.as_cube import as_cube
from mffnb.cubes.lazy_array import from_zarr
from mffnb.io.choose import check_numbers, choose_dataset
from mffnb.io.expansion import chunk_bytes, kept_on_disk, zarr_expands
from mffnb.io.netcdf_store import open_labelled
from mffnb.io.reader import Reader
from mffnb.io.signal_table import Signal, of_array
from mffnb.io.zarr_store import arrays_in, check_blosc, is_store

__all__ = ["ZARR"]


def read_zarr_array(path: Path, dataset: str | None, lazy: bool | None) -> xr.DataArray:
    """Read an array of a zarr store, with its coordinates if xarray has written it."""
    found = _arrays(path)
    listed = _listed(found)
    name = listed[choose_dataset(path, listed, dataset)].name
    array, group = found[name], name.rpartition("/")[0]
    check_numbers(path, name or path.name, array.dtype)
    on_disk = kept_on_disk(path, lazy, array.shape, array.dtype.itemsize, chunk_bytes(array))
    if not _dimensions(array) or not name:
        cube = from_zarr(path, name)
    else:  # the store was written by xarray, with coordinates
        options = {"engine": "zarr", "group": group or None, "consolidated": False, "chunks": None}
        cube = as_cube(open_labelled(path, **options)[name.rpartition("/")[2]])
    return cube if on_disk else cube.load()


def zarr_contents(path: Path) -> tuple[Signal, ...]:
    """Return all arrays of numbers in a store."""
    return _listed(_arrays(path))


def _arrays(path: Path) -> dict[str, Any]:
    """Return the arrays of numbers in a store by their paths; the path of a store that is one array is empty."""
    try:
        import zarr  # noqa: PLC0415  an extra
    except ImportError:
        raise ValueError('reading .zarr needs the zarr package: pip install "mffnb[io]"') from None
    held = arrays_in(zarr.open(path, mode="r"))
    zarr_expands(path, held)
    check_blosc(path, held)
    return {name: item for name, item in held.items() if not name or item.dtype.kind in "biufc"}


def _listed(found: Mapping[str, Any]) -> tuple[Signal, ...]:
    return tuple(
        of_array(name, array, _dimensions(array), array.attrs.get("units")) for name, array in sorted(found.items())
    )


def _dimensions(array: Any) -> tuple[str, ...]:
    """Return the names of the dimensions that xarray has written; empty if there are none."""
    names: Any = getattr(array.metadata, "dimension_names", None) or array.attrs.get("_ARRAY_DIMENSIONS")
    return tuple(names) if names is not None and all(names) else ()


ZARR = Reader(
    "zarr",
    (".zarr",),
    read_zarr_array,
    zarr_contents,
    sniff=is_store,
    datasets="number or path",
    lazy=True,
    extra="io",
    package="zarr",
)
