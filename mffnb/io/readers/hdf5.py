"""Reader of HDF5 files, whose dimension scales become coordinates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import xarray as xr

from mffnb.cubes.as_cube import as_cube
from mffnb.cubes.lazy_array import from_hdf5, rename_dimensions
from mffnb.io.choose import check_numbers, choose_dataset
from mffnb.io.expansion import kept_on_disk, stored_size
from mffnb.io.files import is_hdf5
from mffnb.io.hdf5_dialects import dialect
from mffnb.io.reader import Reader
from mffnb.io.signal_table import Signal, of_array
from mffnb.typing import Array

__all__ = ["HDF5"]

_VALUES = {"units": "units", "long_name": "quantity"}  # attributes of the cube, and their names in pyNSID


def is_plain(path: Path) -> bool:
    """Return whether a file is HDF5, in no dialect that another reader reads."""
    return is_hdf5(path) and dialect(path) is None


def read_hdf5(path: Path, dataset: str | None, lazy: bool | None) -> xr.DataArray:
    """Read a dataset of an HDF5 file; its dimension scales become coordinates."""
    import h5py  # noqa: PLC0415  a second of import that other formats need not pay

    with h5py.File(path, "r") as stored:
        held = arrays_of(stored)
        name = held[choose_dataset(path, held, dataset)].name
        item = stored[name]
        check_numbers(path, name, item.dtype)
        axes, attrs = [_axis(dimension) for dimension in item.dims], _attributes(item)
        on_disk = kept_on_disk(path, lazy, item.shape, item.dtype.itemsize, stored_size(item))
        array = None if on_disk else item[()]
    cube = from_hdf5(path, name) if array is None else as_cube(array)
    return _calibrate(cube, axes).assign_attrs(attrs)


def labelled(item: Any, array: Array) -> xr.DataArray:
    """Return an array with names, coordinates and units of the dimensions of an open HDF5 dataset, in their order."""
    axes = [replace(_axis(dimension), kind="") for dimension in item.dims]  # without kinds nothing is transposed
    return _calibrate(as_cube(array), axes).assign_attrs(_attributes(item))


def _attributes(item: Any) -> dict[str, str]:
    """Return unit and quantity of the values of a dataset, where it states them."""
    return {ours: text for ours, theirs in _VALUES.items() if (text := _text(item.attrs.get(theirs)))}


def hdf5_contents(path: Path) -> tuple[Signal, ...]:
    """Return all arrays of numbers in an HDF5 file."""
    import h5py  # noqa: PLC0415  a second of import that other formats need not pay

    with h5py.File(path, "r") as stored:
        return tuple(arrays_of(stored))


def arrays_of(stored: Any) -> list[Signal]:
    """Return all arrays of numbers in an open HDF5 file, by their paths; coordinates of dimensions are left out."""
    import h5py  # noqa: PLC0415  a second of import that other formats need not pay

    found = []

    def visit(name: str, item: Any) -> None:
        if not isinstance(item, h5py.Dataset) or item.dtype.kind not in "biufc" or not item.shape:
            return
        if item.ndim > 1 or not item.is_scale:
            names = [_axis(dimension).name for dimension in item.dims]
            units = _text(item.attrs.get("units"))
            found.append(of_array(name, item, names if all(names) else (), units))

    stored.visititems(visit)
    return found


@dataclass(frozen=True, eq=False)
class StoredAxis:
    """Name, coordinates, unit and kind of one dimension, as an HDF5 file states them.

    Attributes
    ----------
    name
        Name of the dimension; empty if it has none.
    values
        Coordinates; None if there are none.
    units
        Unit of the coordinates; empty if there is none.
    kind
        ``dimension_type`` of pyNSID, such as ``"SPATIAL"``; empty if it is not stated.
    """

    name: str
    values: Array | None
    units: str
    kind: str


def _axis(dimension: Any) -> StoredAxis:
    """Return name, values, units and kind of a dimension: of its first scale, if this is a vector of numbers."""
    label = _text(dimension.label)
    if not len(dimension):
        return StoredAxis(label, None, "", "")
    scale = dimension[0]
    if scale.ndim != 1 or scale.dtype.kind not in "biuf":
        return StoredAxis(label, None, "", "")
    name = (scale.name or "").rpartition("/")[2] or label
    kind = _text(scale.attrs.get("dimension_type")).rpartition(".")[2].upper()
    return StoredAxis(name, scale[()], _text(scale.attrs.get("units")), kind)


def _text(value: Any) -> str:
    """Return an attribute as text; empty text for other types and for the placeholder of sidpy."""
    text = value.decode(errors="replace") if isinstance(value, bytes) else value
    return text if isinstance(text, str) and text != "generic" else ""


def _calibrate(cube: xr.DataArray, axes: list[StoredAxis]) -> xr.DataArray:
    """Return the cube with names, coordinates and kinds of its axes; without names if two are equal."""
    plain = [str(name) for name in cube.dims]
    names = {old: axis.name or old for old, axis in zip(plain, axes, strict=True)}
    if len({*names.values()}) < cube.ndim:
        return cube
    found = {names[old]: axis for old, axis in zip(plain, axes, strict=True)}
    coordinates = {
        name: (name, axis.values, {"units": axis.units} if axis.units else {})
        for name, axis in found.items()
        if axis.values is not None and len(axis.values) == cube.sizes[plain[list(found).index(name)]]
    }
    cube = as_cube(rename_dimensions(cube, names).assign_coords(coordinates))
    return _by_kind(cube, {name: axis.kind for name, axis in found.items()})


def _by_kind(cube: xr.DataArray, kinds: dict[str, str]) -> xr.DataArray:
    """Return the cube with spatial dimensions first, as pixels; all others are channels."""
    channels = [name for name, kind in kinds.items() if kind and kind != "SPATIAL"]
    pixels = [name for name in kinds if name not in channels]
    if not channels or not pixels:
        return cube
    cube = cube.transpose(*pixels, *channels)
    return cube.assign_attrs(channel=channels) if len(channels) > 1 else cube


HDF5 = Reader(
    "HDF5, with dimension scales as in pyNSID",
    (".h5", ".hdf5", ".hdf", ".hf5"),
    read_hdf5,
    hdf5_contents,
    sniff=is_plain,
    datasets="number or path",
    lazy=True,
)
