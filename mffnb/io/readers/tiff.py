"""Reader of TIFF stacks (plain, OME-TIFF, ImageJ) through the optional tifffile package: planes are channels."""

from __future__ import annotations

import re
from functools import partial
from math import prod
from pathlib import Path
from typing import Any
from warnings import warn
from weakref import finalize
from xml.etree import ElementTree

import numpy as np
import xarray as xr

from mffnb.cubes.as_cube import as_cube, from_axes
from mffnb.cubes.lazy_array import lazy_cube, with_axes
from mffnb.errors import FileWarning
from mffnb.io.choose import check_numbers, choose_signal
from mffnb.io.companions import check_inside
from mffnb.io.expansion import check_chunk, kept_on_disk
from mffnb.io.reader import Reader
from mffnb.io.reader_log import collected_log
from mffnb.io.signal_table import Signal, of_array

__all__ = ["TIFF"]

_NAMES = {"Y": "y", "X": "x", "Z": "z", "T": "t", "S": "sample", "C": "channel", "I": "channel", "Q": "channel"}
_UNITS = {"micron": "µm", "um": "µm", "\\u00B5m": "µm"}
_FORBIDDEN = re.compile(r"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)
_NUMBER = re.compile(r"\s*([-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)\s*(\S*)\s*")


def read_tiff(path: Path, dataset: str | None, lazy: bool | None) -> xr.DataArray:
    """Read a series of a TIFF file: height and width of a page are pixels, all other axes are channels."""
    with collected_log("tifffile") as messages, _opened(path) as file:
        _check_other_files(path, file.ome_metadata if file.is_ome else None)
        number = _choose(path, file.series, dataset)
        series = file.series[number]
        check_numbers(path, f"series {number}", series.dtype)
        _check_size(path, series, _stated_planes(file, number))
        _report(path, messages)
        axes = _axes(file, series, number)
        if kept_on_disk(path, lazy, series.shape, series.dtype.itemsize, path.stat().st_size):
            return with_axes(lazy_cube(partial(StoredSeries, path, number), [axis["name"] for axis in axes]), axes)
        return as_cube(from_axes(series.asarray(), axes))


def _choose(path: Path, series: Any, requested: str | None) -> int:
    """Return the number of a series: as requested by number or name, or the only one, or the only stack."""
    deep = [n for n, one in enumerate(series) if one.ndim >= 3]
    return choose_signal(path, _listed(series), requested, deep if len(deep) == 1 else range(len(series)))


def tiff_contents(path: Path) -> tuple[Signal, ...]:
    """Return the series of a TIFF file."""
    with collected_log("tifffile"), _opened(path) as file:
        _check_other_files(path, file.ome_metadata if file.is_ome else None)
        return _listed(file.series)


def _listed(series: Any) -> tuple[Signal, ...]:
    """Return the signals of the series of an open file."""
    return tuple(of_array(one.name, one, [_NAMES.get(letter, letter.lower()) for letter in one.axes]) for one in series)


def _opened(path: Path) -> Any:
    """Open a TIFF file.

    Raises
    ------
    ValueError
        If the tifffile package is missing.
    """
    try:
        import tifffile  # noqa: PLC0415  an extra
    except ImportError:
        raise ValueError('reading TIFF files needs the tifffile package: pip install "mffnb[io]"') from None
    return tifffile.TiffFile(path)


def _check_other_files(path: Path, description: str | None) -> None:
    """Raise ValueError if an OME description names files in other folders, or declares entities."""
    if not description:
        return
    if _FORBIDDEN.search(description):
        raise ValueError(f"{path.name} declares entities in its OME description, and is not read: save it without them")
    for item in ElementTree.fromstring(description).iter():
        for key in ("FileName", "MetadataFile"):
            if key in item.attrib:
                place = (path.parent / item.attrib[key]).resolve()
                check_inside(path, item.attrib[key], place, path.resolve().parent)


def _stated_planes(file: Any, number: int) -> int:
    """Return the number of planes that the description of a series states; 1 if there is none."""
    if file.is_imagej:
        return int((file.imagej_metadata or {}).get("images", 1))
    images = _ome_images(file.ome_metadata) if file.is_ome else []
    return prod(int(images[number].get(f"Size{letter}", 1)) for letter in "ZCT") if number < len(images) else 1


def _check_size(path: Path, series: Any, stated: int) -> None:
    """Raise ValueError if the file is shorter than its pages need, or has fewer pages than its description says."""
    size = path.stat().st_size
    pages = [page for page in series.pages if page is not None]
    folder = path.resolve().parent
    for place in {page.parent.filehandle.path for page in pages}:
        check_inside(path, Path(place).name, Path(place).resolve(), folder)
    ends = [
        offset + count for page in pages for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True)
    ]
    if series.dataoffset is not None:
        ends.append(series.dataoffset + series.nbytes)
    for page in pages[:1]:
        # Strips and tiles are decompressed as a whole.
        check_chunk(path, page.chunks, series.dtype.itemsize, size)
    missing = max(ends, default=0) - size
    if missing > 0:
        raise ValueError(f"{path.name} is truncated, {missing} of its bytes are missing: copy it again")
    found = series.size // max(1, series.sizes.get("height", 1) * series.sizes.get("width", 1))
    if series.is_truncated:
        raise ValueError(f"{path.name} is truncated: copy it again")
    if stated > max(found, len(series)):
        raise ValueError(f"{path.name} is truncated, it has {found} planes of {stated}: copy it again")


def _report(path: Path, messages: list[str]) -> None:
    """Raise ValueError if tifffile met an address outside the file, and warn of its other messages."""
    outside = [text for text in messages if "offset" in text]
    if outside:
        raise ValueError(f"{path.name} is truncated or damaged ({outside[0]}): copy it again")
    for text in dict.fromkeys(messages):
        warn(f"{path.name}: {text}", FileWarning, stacklevel=2)


def _axes(file: Any, series: Any, number: int) -> list[dict[str, Any]]:
    """Return axis dictionaries of a series, with pixel size and channel values where the file states them."""
    letters = series.axes
    kinds = _ome(file.ome_metadata, number) if file.is_ome else _imagej(file) if file.is_imagej else {}
    axes: list[dict[str, Any]] = []
    for position, (letter, size) in enumerate(zip(letters, series.shape, strict=True)):
        name = _NAMES.get(letter, letter.lower())
        name = name if name not in [axis["name"] for axis in axes] else f"axis_{position}"
        known = kinds.get(letter, {})
        if "axis" in known and len(known["axis"]) != size:
            known = {}
        axes.append({"name": name, "size": size, "navigate": letter in "YX", **known})
    return axes


def _imagej(file: Any) -> dict[str, dict[str, Any]]:
    """Return scale and unit of each axis, by letter, from the description by ImageJ and the resolution of the page."""
    stated, tags = file.imagej_metadata or {}, file.pages[0].tags
    units = _unit(stated.get("unit"))
    found: dict[str, dict[str, Any]] = {}
    for letter, tag in (("X", "XResolution"), ("Y", "YResolution")):
        value = tags[tag].value if tag in tags else (0, 1)
        if value[0] and units:
            found[letter] = {"scale": value[1] / value[0], "units": units}
    if stated.get("spacing"):
        found["Z"] = {"scale": float(stated["spacing"]), **({"units": units} if units else {})}
    return found


def _ome_images(text: str) -> list[Any]:
    """Return the elements of OME metadata that describe the pixels of each image."""
    return [item for item in ElementTree.fromstring(text).iter() if item.tag.rpartition("}")[2] == "Pixels"]


def _ome(text: str, number: int) -> dict[str, dict[str, Any]]:
    """Return scale, unit and channel values of each axis, by letter, from OME metadata."""
    images = _ome_images(text)
    if number >= len(images):
        return {}
    pixels, found = images[number], {}
    for letter in "XYZ":
        if f"PhysicalSize{letter}" in pixels.attrib:
            scale = float(pixels.attrib[f"PhysicalSize{letter}"])
            found[letter] = {"scale": scale, "units": _unit(pixels.attrib.get(f"PhysicalSize{letter}Unit", "µm"))}
    if "TimeIncrement" in pixels.attrib:
        found["T"] = {
            "scale": float(pixels.attrib["TimeIncrement"]),
            "units": pixels.attrib.get("TimeIncrementUnit", "s"),
        }
    channels = [item.attrib for item in pixels if item.tag.rpartition("}")[2] == "Channel"]
    if channels and all("EmissionWavelength" in channel for channel in channels):
        values = np.array([float(channel["EmissionWavelength"]) for channel in channels])
        found["C"] = {"axis": values, "units": channels[0].get("EmissionWavelengthUnit", "nm")}
    else:
        names = [_NUMBER.fullmatch(channel.get("Name", "")) for channel in channels]
        read = [name.groups() for name in names if name]
        if read and len(read) == len(channels) and len({unit for _, unit in read}) == 1:
            units = {"units": read[0][1]} if read[0][1] else {}
            found["C"] = {"axis": np.array([float(value) for value, _ in read]), **units}
    return found


def _unit(text: Any) -> str:
    """Return the usual symbol of a unit of length; pixels are none."""
    text = str(text or "")
    return "" if text in ("pixel", "pixels") else _UNITS.get(text, text)


class StoredSeries:
    """A series of a TIFF file as an array whose parts are read on demand; the file is closed with the array."""

    def __init__(self, path: Path, number: int):
        import tifffile  # noqa: PLC0415  an extra
        import zarr  # noqa: PLC0415  an extra

        file = tifffile.TiffFile(path)
        finalize(self, file.close)
        found: Any = zarr.open(file.series[number].aszarr(), mode="r")
        self._array: Any = found if isinstance(found, zarr.Array) else found["0"]
        self.shape, self.dtype, self.chunks = self._array.shape, self._array.dtype, self._array.chunks

    def __getitem__(self, key: tuple[Any, ...]) -> Any:
        """Read the part of the array that integers and slices select, one for each dimension."""
        return self._array[key]


TIFF = Reader(
    "TIFF, OME-TIFF and ImageJ stacks; planes are channels",
    (".tif", ".tiff", ".btf", ".tf8"),
    read_tiff,
    tiff_contents,
    datasets="number or name",
    lazy=True,
    extra="io",
    package="tifffile",
)
