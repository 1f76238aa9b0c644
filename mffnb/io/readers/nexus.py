"""Reader of NeXus files (HDF5): an NXdata group with its axes, in the versions 1 to 3 of the convention."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.as_cube import as_cube, from_axes
from mffnb.cubes.axis_kinds import with_kinds
from mffnb.cubes.lazy_array import from_hdf5, with_axes
from mffnb.errors import FileWarning, warn
from mffnb.io.choose import check_numbers, choose_signal
from mffnb.io.expansion import kept_on_disk, stored_size
from mffnb.io.files import is_hdf5
from mffnb.io.hdf5_dialects import NEXUS as DIALECT
from mffnb.io.hdf5_dialects import dialect, nexus_signal, text
from mffnb.io.reader import Reader
from mffnb.io.readers.hdf5 import arrays_of, read_hdf5
from mffnb.io.signal_table import Signal, of_array
from mffnb.typing import Array

__all__ = ["NEXUS"]

_SIGNAL_DIMENSIONS = {"scalar": 0, "spectrum": 1, "image": 2}


def read_nexus(path: Path, dataset: str | None, lazy: bool | None) -> xr.DataArray:
    """Read the data of an NXdata group; ``dataset`` names the group, its data, or any other array of the file."""
    import h5py  # noqa: PLC0415  a second of import that other formats need not pay

    with h5py.File(path, "r") as stored:
        listed, count = _listed(stored)
        if not count:
            return read_hdf5(path, dataset, lazy)
        default = _default(stored, [one.name for one in listed[:count]]) if dataset is None else None
        name = listed[choose_signal(path, listed, default or dataset, range(count))].name
        if name not in [one.name for one in listed[:count]]:
            return read_hdf5(path, name, lazy)
        item = stored[name]
        check_numbers(path, name, item.dtype)
        axes = _with_signal(with_kinds(_axes(path, item)), item)
        attrs = {key: found for key in ("units", "long_name") if (found := text(item.attrs.get(key)))}
        on_disk = kept_on_disk(path, lazy, item.shape, item.dtype.itemsize, stored_size(item))
        array = None if on_disk else item[()]
    cube = as_cube(with_axes(from_hdf5(path, name), axes) if array is None else from_axes(array, axes))
    return cube.assign_attrs({"channel": [cube.dims[-1]]} | cube.attrs | attrs)


def nexus_contents(path: Path) -> tuple[Signal, ...]:
    """Return the data of the NXdata groups, then all other arrays of numbers in the file."""
    import h5py  # noqa: PLC0415  a second of import that other formats need not pay

    with h5py.File(path, "r") as stored:
        return tuple(_listed(stored)[0])


def _listed(stored: Any) -> tuple[list[Signal], int]:
    """Return the signals of an open file, and how many of them, the first ones, are data of NXdata groups."""
    found = []
    for name in _groups(stored):
        item = stored[name]
        names = dict(_stated(item.parent, item))
        dims = [names.get(position, "") for position in range(item.ndim)]
        title = name.rpartition("/")[0]
        found.append(of_array(name, item, dims if all(dims) else (), text(item.attrs.get("units")), title))
    groups = {one.name for one in found}
    return [*found, *(one for one in arrays_of(stored) if one.name not in groups)], len(found)


def _groups(stored: Any) -> list[str]:
    """Return the paths of the data of all NXdata groups with two or more dimensions."""
    found = []

    def visit(name: str, item: Any) -> None:
        signal = nexus_signal(item)
        if signal is not None and item[signal].ndim >= 2:
            found.append(f"{name}/{signal}")

    stored.visititems(visit)
    return found


def _default(stored: Any, names: list[str]) -> str | None:
    """Return the data to which the ``default`` attributes of the file lead; None if there are none."""
    item = stored
    while (name := text(item.attrs.get("default"))) in item and hasattr(item[name], "keys"):
        item = item[name]
    return next((name for name in names if name.rpartition("/")[0] == item.name.strip("/")), None)


def _axes(path: Path, item: Any) -> list[dict[str, Any]]:
    """Return an axis dictionary for each dimension of the data, with the coordinates that the group states."""
    group = item.parent
    axes: list[dict[str, Any]] = [{"size": size} for size in item.shape]
    for position, name in _stated(group, item):
        vector = group.get(name)
        values = None if vector is None or vector.dtype.kind not in "biuf" else vector[()]
        if values is not None and values.shape == (item.shape[position] + 1,):
            values = (values[1:] + values[:-1]) / 2  # edges of the channels of a histogram
        if values is None or values.shape != (item.shape[position],):
            warn(
                f"{path.name}: the axis {name!r} is no vector of {item.shape[position]} numbers and was left out: "
                "assign the coordinates by yourself",
                FileWarning,
            )
            values = np.arange(item.shape[position], dtype=np.float64)
        units = "" if vector is None else text(vector.attrs.get("units"))
        axes[position] |= {"name": name, "axis": values, "units": units}
    return axes


def _stated(group: Any, item: Any) -> list[tuple[int, str]]:
    """Return position and name of the axes that a group states, in any version of the convention."""
    listed = _names(group.attrs.get("axes")) or _names(item.attrs.get("axes"))
    if listed:
        found = [
            (_position(group.attrs.get(f"{name}_indices"), position), name) for position, name in enumerate(listed)
        ]
    else:
        numbers = {name: text(group[name].attrs.get("axis")) for name in group if hasattr(group[name], "shape")}
        found = [(int(number) - 1, name) for name, number in numbers.items() if number.isdigit()]
    known = [
        (position, name) for position, name in found if name != "." and name in group and 0 <= position < item.ndim
    ]
    first = dict(reversed(known))
    return sorted(first.items())


def _names(value: Any) -> list[str]:
    """Return the names in an attribute: a list, or one text with colons or commas between them."""
    if isinstance(value, np.ndarray) and value.ndim:
        return [text(one) for one in value]
    return [one for one in re.split(r"[:,\s]+", text(value).strip("[] ")) if one]


def _position(value: Any, default: int) -> int:
    """Return the dimension of an axis: its first index, or its position in the list."""
    found: Array = np.ravel(default if value is None else value)
    return int(found[0]) if found.size else default


def _with_signal(axes: list[dict[str, Any]], item: Any) -> list[dict[str, Any]]:
    """Return the axes with the last ones as channels that ``interpretation`` states, if their names do not decide."""
    kinds = {axis["navigate"] for axis in axes}
    stated = text(item.attrs.get("interpretation")) or text(item.parent.attrs.get("interpretation"))
    count = _SIGNAL_DIMENSIONS.get(stated, 0)
    if kinds == {True, False} or not 0 < count < len(axes):
        return axes
    return [axis | {"navigate": number < len(axes) - count} for number, axis in enumerate(axes)]


NEXUS = Reader(
    "NeXus (NXdata)",
    (".h5", ".hdf5", ".hdf", ".hf5", ".nxs", ".nx5"),
    read_nexus,
    nexus_contents,
    sniff=lambda path: dialect(path) == DIALECT or (path.suffix.lower().startswith(".nx") and is_hdf5(path)),
    datasets="number, or path of the group or of an array",
    lazy=True,
)
