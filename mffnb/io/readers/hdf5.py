"""Reader of HDF5 files, whose dimension scales become coordinates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import xarray as xr

from mffnb.cubes.as_cube import as_cube
from mffnb.cubes.lazy_array import from_hdf5, rename_dimensions
from mffnb.io.choose import choose_dataset, keep_on_disk
from mffnb.io.reader import Reader
from mffnb.typing import Array

__all__ = ["HDF5"]

_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def is_hdf5(path: Path) -> bool:
    """Return whether a file has the HDF5 signature: at its beginning, or at byte 512, 1024, ... after a user block."""
    if not path.is_file():
        return False
    size, position = path.stat().st_size, 0
    with path.open("rb") as file:
        while position + len(_SIGNATURE) <= size:
            file.seek(position)
            if file.read(len(_SIGNATURE)) == _SIGNATURE:
                return True
            position = max(512, 2 * position)
    return False


def read_hdf5(path: Path, dataset: str | None, lazy: bool | None) -> xr.DataArray:
    """Read a dataset of an HDF5 file; its dimension scales become coordinates."""
    import h5py  # noqa: PLC0415  a second of import that other formats need not pay

    with h5py.File(path, "r") as stored:
        dimensions: dict[str, int] = {}

        def visit(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset) and item.dtype.kind in "biuf":
                dimensions[name] = item.ndim

        stored.visititems(visit)
        name = choose_dataset(path, dimensions, dataset)
        item = stored[name]
        scales = [_scale(dimension) for dimension in item.dims]
        array = None if keep_on_disk(lazy, item.size) else item[()]
    if array is not None:
        return _calibrate(as_cube(array), scales)
    return _calibrate(from_hdf5(path, name), scales)


def _scale(dimension: Any) -> tuple[str, Array, dict[str, str]] | None:
    """Return name, values and units of the first scale of a dimension, if it is numeric and one-dimensional."""
    if not len(dimension):
        return None
    scale = dimension[0]
    if scale.ndim != 1 or scale.dtype.kind not in "biuf":
        return None
    units = scale.attrs.get("units")
    text = units.decode() if isinstance(units, bytes) else units
    return scale.name.rpartition("/")[2], scale[()], {"units": text} if isinstance(text, str) else {}


def _calibrate(cube: xr.DataArray, scales: list[tuple[str, Array, dict[str, str]] | None]) -> xr.DataArray:
    """Return the cube with names and coordinates from scales; without them if two names are equal."""
    named = {str(plain): scale for plain, scale in zip(cube.dims, scales, strict=True) if scale is not None}
    names = {plain: scale[0] for plain, scale in named.items()}
    if len({*names.values(), *(set(cube.dims) - set(names))}) < cube.ndim:
        return cube
    coordinates = {name: (name, values, attrs) for name, values, attrs in named.values()}
    return as_cube(rename_dimensions(cube, names).assign_coords(coordinates))


HDF5 = Reader(
    "HDF5, with dimension scales as in pyNSID",
    (".h5", ".hdf5", ".hdf", ".hf5"),
    read_hdf5,
    sniff=is_hdf5,
    datasets="path",
    lazy=True,
)
