"""Read zarr stores, an optional extra."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import xarray as xr

from mffnb.cubes.as_cube import as_cube
from mffnb.cubes.lazy_array import from_zarr
from mffnb.io.choose import _choose, _lazy
from mffnb.io.netcdf import _opened


def _read_zarr(path: Path, wanted: str | None, lazy: bool | None) -> xr.DataArray:
    try:
        import zarr  # noqa: PLC0415  an extra
    except ImportError:
        raise ValueError('reading .zarr needs the zarr package: pip install "mffnb[io]"') from None
    stored = zarr.open(path, mode="r")
    if isinstance(stored, zarr.Array):
        found = {"": stored}
    else:
        members = stored.members(max_depth=None)
        found = {name: item for name, item in members if isinstance(item, zarr.Array) and item.dtype.kind in "biuf"}
    name = _choose(path, {name: array.ndim for name, array in found.items()}, wanted)
    array, group = found[name], name.rpartition("/")[0]
    names: Any = getattr(array.metadata, "dimension_names", None) or array.attrs.get("_ARRAY_DIMENSIONS")
    if names is None or not all(names) or not name:
        cube = from_zarr(path, name)
    else:  # as xarray wrote it, coordinates and all
        options = {"engine": "zarr", "group": group or None, "consolidated": False, "chunks": None}
        cube = as_cube(_opened(path, **options)[name.rpartition("/")[2]])
    return cube if _lazy(lazy, cube.size) else cube.load()
