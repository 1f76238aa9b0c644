"""Reader of tables in text and Excel files: maps, lists of spectra and single spectra, of LabSpec, WITec and others.

The layout follows from the table:

- wide: the first row holds the channels; below it each row is a pixel, after its position (x, y) or its time;
- long: columns x, y, channel and value, as Renishaw exports them;
- columns: the first column holds the channels, each other one is a spectrum; ``Spectrum(x/y)`` of WITec is a map;
- two columns: one spectrum.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import xarray as xr

from mffnb.cubes.data_array import coordinate, data_array
from mffnb.cubes.pixel_list import as_map
from mffnb.errors import FileWarning, warn
from mffnb.io.choose import choose_signal, matching
from mffnb.io.reader import Reader, starts_with
from mffnb.io.signal_table import Signal
from mffnb.io.text_table import Table, sheets
from mffnb.typing import Array

__all__ = ["EXCEL", "TEXT"]

_LAYOUTS = ("rows", "columns")
_POSITION = re.compile(r"\s*([xy])\b.*", re.IGNORECASE)
_INDEX = re.compile(r".*\((\d+)/(\d+)\)\s*")
_SPECTRAL = re.compile(
    r"wave|shift|raman|energy|lambda|freq|m/z|\bmz\b|mass|bias|channel|\bnm\b|\bev\b|cm-1|1/cm", re.I
)
_UNIT = re.compile(r"[(\[]([^()\[\]]+)[)\]]")


def read_text(path: Path, dataset: str | None, _lazy: bool | None) -> xr.DataArray:
    """Read the table in a text file."""
    if dataset is not None and dataset not in _LAYOUTS:
        raise ValueError(f"{path.name}: dataset={dataset!r} is no layout of a table: give 'rows' or 'columns'")
    return _cube(path, Table.of_text(path), dataset)


def text_contents(path: Path) -> tuple[Signal, ...]:
    """Return the one table of the file, whose text has to be read for it."""
    return (Signal(path.stem, Table.of_text(path).values.shape, ("row", "column"), dtype="float64"),)


def read_excel(path: Path, dataset: str | None, _lazy: bool | None) -> xr.DataArray:
    """Read the table in a sheet of an Excel file; ``dataset`` is a sheet, a layout, or ``sheet/layout``."""
    listed = sheets(path)
    sheet, layout = dataset, None
    if dataset is not None and not matching(listed, dataset):
        head, _, last = dataset.rpartition("/")  # no name of a sheet contains a slash
        if last in _LAYOUTS:
            sheet, layout = head or None, last
    name = listed[choose_signal(path, listed, sheet, range(len(listed)))].name
    return _cube(path, Table.of_sheet(path, name), layout, f"{name}/")


def _cube(path: Path, table: Table, layout: str | None, sheet: str = "") -> xr.DataArray:
    """Return the cube that a table holds, by its layout."""
    header, values = table.header, table.values
    channels = _channels(header)
    if channels is not None:
        return _wide(path, header, values, channels)
    if layout != "rows":
        if values.shape[1] == 2 and layout is None:
            return _spectra(values[:, 0], values[:, 1:].T, header)
        if values.shape[1] == 4 and layout is None and (cube := _long(path, header, values)) is not None:
            return cube
        places = [_INDEX.fullmatch(name) for name in header[1:]]
        if places and all(places):
            x, y = (np.array([float(one[number]) for one in places if one]) for number in (1, 2))
            return _labelled(path, values[:, 1:].T, x, y, values[:, 0], header[0])
        if layout == "columns" or (header and (header[0] == "" or _SPECTRAL.search(header[0]))):
            return _spectra(values[:, 0], values[:, 1:].T, header)
    if layout == "rows":
        return data_array(values, ("x", "channel"))
    raise ValueError(
        f"{path.name}: rows or columns of this table of {values.shape[0]} x {values.shape[1]} numbers may be spectra: "
        f"say dataset='{sheet}rows' or dataset='{sheet}columns' (the first column then holds the channels)"
    )


def _channels(header: tuple[str, ...]) -> Array | None:
    """Return the channels that the header of a wide table states after up to two labels; None for another table."""
    labels = next((n for n, cell in enumerate(header) if _number(cell) is not None), len(header))
    rest = [_number(cell) for cell in header[labels:]]
    known = [one for one in rest if one is not None]
    return np.array(known) if labels <= 2 and len(known) == len(rest) > 1 else None


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _wide(path: Path, header: tuple[str, ...], values: Array, channels: Array) -> xr.DataArray:
    """Return a table with one row for each pixel, after 0 to 2 columns of labels."""
    count = values.shape[1] - channels.size
    spectra = values[:, count:]
    if count == 2:
        names = [found[1].lower() if (found := _POSITION.fullmatch(cell)) else "" for cell in header[:2]]
        x = names.index("x") if set(names) == {"x", "y"} else 0
        if set(names) != {"x", "y"} and path.suffix.lower() != ".xyz":
            # LabSpec does not name the columns: positions along a scan line, x, change from row to row.
            changes = [int((np.diff(values[:, number]) != 0).sum()) for number in (0, 1)]
            x = int(changes[1] > changes[0])
        return _labelled(path, spectra, values[:, x], values[:, 1 - x], channels, "")
    cube = data_array(spectra, ("x", "channel"), {"channel": coordinate("channel", channels)})
    return cube.assign_coords(x=values[:, 0]) if count else cube


def _long(path: Path, header: tuple[str, ...], values: Array) -> xr.DataArray | None:
    """Return a table of columns x, y, channel and value as a map; None if it is none."""
    names = [found[1].lower() if (found := _POSITION.fullmatch(cell)) else "" for cell in header[:2]]
    x = names.index("x") if set(names) == {"x", "y"} else 0
    pixels, of_pixel = np.unique(values[:, :2], axis=0, return_inverse=True)
    channels, of_channel = np.unique(values[:, 2], return_inverse=True)
    flat = of_pixel.ravel() * channels.size + of_channel
    whole = np.unique(flat).size == flat.size == len(pixels) * channels.size and channels.size > 1
    if not whole:
        if set(names) == {"x", "y"}:
            raise ValueError(
                f"{path.name} holds {len(values)} rows for {len(pixels)} positions and {channels.size} channels: it is "
                "truncated, or its pixels have different channels"
            )
        return None
    spectra = np.empty(flat.size)
    spectra[flat] = values[:, 3]
    label = header[2] if len(header) == 4 else ""
    return _labelled(path, spectra.reshape(len(pixels), -1), pixels[:, x], pixels[:, 1 - x], channels, label)


def _spectra(channels: Array, spectra: Array, header: tuple[str, ...]) -> xr.DataArray:
    """Return spectra (spectra, channels) as a line of pixels."""
    cube = data_array(spectra, ("x", "channel"), {"channel": coordinate("channel", channels)})
    return _with_label(cube, header[0] if header else "")


def _labelled(path: Path, spectra: Array, x: Array, y: Array, channels: Array, label: str) -> xr.DataArray:
    """Return spectra at positions as a map, and report pixels that are missing."""
    if not np.isfinite([x, y]).all():
        raise ValueError(f"{path.name} lacks positions of some spectra: it is damaged, export it again")
    cube, missing = as_map(spectra, x, y)
    if missing:
        warn(f"{path.name}: {missing} pixels of the map have no spectrum, and are masked", FileWarning)
    return _with_label(cube.assign_coords(channel=channels), label)


def _with_label(cube: xr.DataArray, label: str) -> xr.DataArray:
    """Return the cube with the unit that the label of the channel column states, as in ``Raman shift (1/cm)``."""
    unit = _UNIT.search(label)
    attrs = ({"units": unit[1]} if unit else {}) | ({"long_name": label} if label else {})
    cube["channel"].attrs.update(attrs)
    return cube


TEXT = Reader(
    "table of text: LabSpec, WITec, Renishaw, .xyz, csv, two-column spectra",
    (".csv", ".tsv", ".txt", ".xyz", ".asc", ".dat", ".dpt"),
    read_text,
    text_contents,
    datasets="`rows` or `columns`, where the layout is not clear",
)
EXCEL = Reader(
    "Excel table",
    (".xlsx",),
    read_excel,
    sheets,
    sniff=starts_with(b"PK\x03\x04"),
    datasets="number or name of the sheet; `sheet/rows` or `sheet/columns`, where the layout is not clear",
    extra="io",
    package="openpyxl",
)
