"""Reader of ENVI images: a text header (``.hdr``) beside a file of numbers in the order bsq, bil or bip."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.as_cube import as_cube, from_axes
from mffnb.cubes.lazy_array import lazy_cube, with_axes
from mffnb.errors import FileWarning, warn
from mffnb.io.choose import check_numbers, keep_on_disk
from mffnb.io.reader import Reader
from mffnb.io.signal_table import Signal
from mffnb.typing import Array

__all__ = ["ENVI"]

_TYPES = {1: "u1", 2: "i2", 3: "i4", 4: "f4", 5: "f8", 6: "c8", 9: "c16", 12: "u2", 13: "u4", 14: "i8", 15: "u8"}
_ORDERS = {"bsq": ("channel", "y", "x"), "bil": ("y", "channel", "x"), "bip": ("y", "x", "channel")}
_SUFFIXES = ("", ".img", ".dat", ".raw", ".bsq", ".bil", ".bip", ".bin", ".cube")
_LONGEST_HEADER = 1 << 24
_UNITS = {"nanometers": "nm", "micrometers": "µm", "meters": "m", "wavenumber": "1/cm"}


def read_envi(path: Path, _dataset: str | None, lazy: bool | None) -> xr.DataArray:
    """Read an ENVI image as (y, x, channel); bad bands and the ignored value are masked unless it stays on disk."""
    header = Header.of(path)
    check_numbers(path, header.data.name, header.dtype)
    axes = [header.axis(name) for name in _ORDERS[header.order]]
    good = header.numbers("bbl")
    bad = np.zeros(header.sizes["channel"], bool) if good is None else good == 0
    ignored = header.numbers("data ignore value")
    if keep_on_disk(lazy, prod(header.shape)):
        cube = with_axes(lazy_cube(partial(StoredNumbers, header), [axis["name"] for axis in axes]), axes)
        if ignored is not None:
            warn(f"{path.name}: the value {ignored[0]:g} is to be ignored, and is kept on disk: mask it", FileWarning)
    else:
        cube = as_cube(from_axes(np.array(StoredNumbers(header)[...]), axes))
        if bad.any() or ignored is not None:
            number = cube.values
            used = ~bad if ignored is None else ~bad & (number != number.dtype.type(ignored[0]))
            cube = cube.astype(np.result_type(number, np.float32)).where(np.broadcast_to(used, number.shape))
    if bad.any():
        cube = cube.assign_coords(good_band=("channel", ~bad))
        if cube.dtype.kind != "f" or keep_on_disk(lazy, prod(header.shape)):
            warn(f"{path.name}: {bad.sum()} bad bands stay on disk: pass mask=cube['good_band']", FileWarning)
    return cube.assign_attrs(title=header.fields.get("description", path.stem).strip())


def envi_contents(path: Path) -> tuple[Signal, ...]:
    """Return the one image of the file, with its title."""
    header = Header.of(path)
    title = header.fields.get("description", path.stem).strip()
    return (Signal(title, header.shape, _ORDERS[header.order], dtype=str(header.dtype.newbyteorder("="))),)


@dataclass(frozen=True)
class Header:
    """Header of an ENVI image.

    Attributes
    ----------
    path
        The header file.
    data
        The file of numbers.
    fields
        All fields as text, with names in lower case.
    order
        ``bsq``, ``bil`` or ``bip``.
    dtype
        Type of the numbers with their byte order.
    offset
        Position of the first number in the file.
    """

    path: Path
    data: Path
    fields: dict[str, str]
    order: str
    dtype: np.dtype[Any]
    offset: int

    @classmethod
    def of(cls, path: Path) -> Header:
        """Read the header of an image, from the header or from the file of numbers.

        Raises
        ------
        ValueError
            If a field is missing or unknown, or the file of numbers is missing, elsewhere or too short.
        """
        place = header_file(path)
        if place is None:
            raise ValueError(f"{path.name} needs its header {path.stem}.hdr in the same folder: copy it there")
        with place.open("rb") as file:
            text = file.read(_LONGEST_HEADER).decode("utf-8", "replace")
        if text.count("{") > text.count("}"):
            raise ValueError(f"{place.name} is truncated within a list of values: copy the header again")
        pairs = re.findall(r"^\s*([^=\n{}]+?)\s*=\s*(\{[^}]*\}|[^\n{]*)", text, re.MULTILINE)
        fields = {name.lower(): value.strip().strip("{}").strip() for name, value in pairs}
        try:
            kind, order = int(fields["data type"]), fields["interleave"].lower()
            sizes = [int(fields[name]) for name in ("samples", "lines", "bands")]
            offset, swapped = int(fields.get("header offset", 0)), int(fields.get("byte order", 0))
        except (KeyError, ValueError) as error:
            raise ValueError(
                f"{place.name} lacks a number or states a wrong one ({error}): copy the header again"
            ) from None
        if kind not in _TYPES or order not in _ORDERS or min(sizes) < 1 or offset < 0:
            raise ValueError(
                f"{place.name} states data type {kind}, interleave {order!r} and {sizes} samples, lines and bands: it "
                "is no ENVI image, export it again"
            )
        dtype = np.dtype((">" if swapped else "<") + _TYPES[kind])
        found = cls(place, _data_file(place, path), fields, order, dtype, offset)
        missing = offset + prod(sizes) * dtype.itemsize - found.data.stat().st_size
        if missing > 0:
            raise ValueError(
                f"{found.data.name}, the numbers of {place.name}, is truncated: {missing} bytes are missing, so copy "
                "it again"
            )
        return found

    @property
    def sizes(self) -> dict[str, int]:
        """Lengths of the dimensions by name."""
        return {name: int(self.fields[key]) for name, key in (("x", "samples"), ("y", "lines"), ("channel", "bands"))}

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the dimensions in the order of the file."""
        return tuple(self.sizes[name] for name in _ORDERS[self.order])

    def numbers(self, name: str) -> Array | None:
        """Return the numbers of a field; None if it is missing or not made of numbers."""
        try:
            return np.array([float(part) for part in self.fields[name].split(",") if part.strip()])
        except (KeyError, ValueError):
            return None

    def axis(self, name: str) -> dict[str, Any]:
        """Return the axis dictionary of a dimension, with wavelengths or positions where the header states them."""
        size = self.sizes[name]
        axis: dict[str, Any] = {"name": name, "size": size, "navigate": name != "channel"}
        if name == "channel":
            wavelengths = self.numbers("wavelength")
            if wavelengths is not None and wavelengths.size == size:
                units = self.fields.get("wavelength units", "")
                return axis | {"axis": wavelengths, "units": _UNITS.get(units.lower(), units)}
            return axis
        parts = [part.strip() for part in self.fields.get("map info", "").split(",")]
        try:
            first, start, step = (float(parts[n + (name == "y")]) for n in (1, 3, 5))
        except (IndexError, ValueError):
            return axis
        units = next((part.partition("=")[2].strip() for part in parts if part.lower().startswith("units")), "meters")
        sign = -1 if name == "y" else 1  # lines run from north to south
        positions = start + sign * step * (np.arange(size) + 1.5 - first)
        return axis | {"axis": positions, "units": _UNITS.get(units.lower(), units)}


class StoredNumbers:
    """The numbers of an ENVI image as an array whose parts are read on demand."""

    def __init__(self, header: Header):
        self._array: Any = np.memmap(header.data, header.dtype, "r", header.offset, header.shape)
        self.shape, self.dtype = header.shape, header.dtype.newbyteorder("=")

    def __getitem__(self, key: Any) -> Any:
        """Read the part of the array that integers and slices select, in the byte order of the machine."""
        return np.array(self._array[key], self.dtype)


def header_file(path: Path) -> Path | None:
    """Return the header of an ENVI image: the file itself, or the one beside it; None if there is none."""
    candidates = (path.with_suffix(".hdr"), path.with_name(path.name + ".hdr"), path.with_suffix(".HDR"))
    for one in (path, *candidates) if path.suffix.lower() == ".hdr" else candidates:
        if one.is_file():
            with one.open("rb") as file:
                if file.read(4) == b"ENVI":
                    return one
    return None


def _data_file(header: Path, named: Path) -> Path:
    """Return the file of numbers of a header: the one that was named, or the one of the same name beside it."""
    if named != header:
        return named
    stem = header.with_suffix("")
    candidates = [stem.with_name(stem.name + one) for suffix in _SUFFIXES for one in (suffix, suffix.upper())]
    found = next((one for one in candidates if one.is_file()), None)
    if found is None:
        raise ValueError(f"{header.name} needs its file of numbers, such as {stem.name}.img, in the same folder")
    if found.resolve().parent != header.resolve().parent:
        raise ValueError(
            f"{found.name} is a link to another folder than that of {header.name}, and is not read: copy the file "
            "there, if you trust it"
        )
    return found


ENVI = Reader(
    "ENVI image (bsq, bil, bip)",
    (".hdr", ".img", ".bil", ".bip", ".bsq"),
    read_envi,
    envi_contents,
    sniff=lambda path: header_file(path) is not None,
    lazy=True,
)
