"""Reader of Gwyddion Simple Field (``.gsf``): one picture, such as the topography beside a spectral image."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.data_array import coordinate, data_array
from mffnb.io.reader import Reader, starts_with
from mffnb.io.signal_table import Signal, of_array

__all__ = ["GSF"]

_MAGIC = b"Gwyddion Simple Field 1.0\n"
_LONGEST_HEADER = 1 << 20


def read_gsf(path: Path, _dataset: str | None, _lazy: bool | None) -> xr.DataArray:
    """Read a picture (y, x), first row at the top, with positions in the unit that the file states."""
    with path.open("rb") as file:
        head = file.read(_LONGEST_HEADER)
    end = head.find(b"\0")
    if end < 0:
        raise ValueError(f"{path.name} has no end of its header: it is truncated, copy it again")
    lines = head[len(_MAGIC) : end].decode("utf-8", "replace").split("\n")
    fields = {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in lines if "=" in line)}
    try:
        shape = (int(fields["YRes"]), int(fields["XRes"]))
        extents = [float(fields.get(key) or 0) for key in ("YReal", "XReal")]
        offsets = [float(fields.get(key) or 0) for key in ("YOffset", "XOffset")]
    except (KeyError, ValueError) as error:
        raise ValueError(f"{path.name} lacks a number in its header ({error}): copy or export it again") from None
    begin = (end // 4 + 1) * 4  # 1 to 4 zero bytes fill the header up to a multiple of 4
    missing = begin + 4 * prod(shape) - path.stat().st_size
    if min(shape) < 1 or missing > 0:
        raise ValueError(
            f"{path.name} states {shape[0]} x {shape[1]} pixels, {missing} bytes more than it has: it is truncated, so "
            "copy it again"
        )
    values = np.fromfile(path, "<f4", prod(shape), offset=begin).reshape(shape).astype(np.float32)
    units = fields.get("XYUnits", "")
    coords: dict[Any, xr.Variable] = {}
    for name, size, extent, offset in zip(("y", "x"), shape, extents, offsets, strict=True):
        if extent > 0:
            positions = offset + (np.arange(size) + 0.5) * (extent / size)
            coords[name] = coordinate(name, positions, {"units": units} if units else {})
    attrs = {"title": fields.get("Title", path.stem)} | ({"units": fields["ZUnits"]} if fields.get("ZUnits") else {})
    return data_array(values, ("y", "x"), coords, attrs=attrs)


def gsf_contents(path: Path) -> tuple[Signal, ...]:
    """Return the one picture of the file."""
    picture = read_gsf(path, None, None)
    return (of_array(picture.attrs["title"], picture, picture.dims, picture.attrs.get("units")),)


GSF = Reader("Gwyddion Simple Field (picture)", (".gsf",), read_gsf, gsf_contents, sniff=starts_with(_MAGIC.strip()))
