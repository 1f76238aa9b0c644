"""Readers of Nanonis spectroscopy: grids (``.3ds``) and point spectra (``.dat``), by a parser of this package.

A grid file is a text header, then for each pixel, x fastest and from the lower left corner, the parameters and all
channels as big-endian float32. The nanonispy2 package is not used: it reads all channels into memory, and fills
grids that were stopped early with zeros.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.data_array import coordinate, data_array
from mffnb.errors import FileWarning, warn
from mffnb.io.choose import choose_signal
from mffnb.io.reader import Reader, starts_with
from mffnb.io.signal_table import Signal
from mffnb.typing import Array

__all__ = ["NANONIS_GRID", "NANONIS_POINT"]

_END, _LONGEST_HEADER = b":HEADER_END:", 1 << 20
_LOCK_IN = re.compile(r"^li[xyr]?\b|lix|omega|lock-?in|demod", re.IGNORECASE)
_CURRENT = re.compile(r"^(current|input \d+)\b", re.IGNORECASE)
_SIDE = re.compile(r"\[(bwd|filt)\]")
# A header that states more than this many pixels for each one in the file is damaged rather than of a stopped grid.
_MOST_MISSING = 1 << 20


def read_grid(path: Path, dataset: str | None, _lazy: bool | None) -> xr.DataArray:
    """Read a channel of a Nanonis grid as (y, x, sweep); pixels that were not measured are NaN."""
    grid = Grid.of(path)
    number, reason = choose_channel(path, grid_contents(path), dataset, grid.sweep)
    pixels, points = grid.shape[0] * grid.shape[1], grid.points
    stored = np.memmap(
        path, ">f4", "r", grid.begin, (grid.measured, len(grid.parameters) + points * len(grid.channels))
    )
    parameters = np.full((pixels, len(grid.parameters)), np.nan)
    parameters[: grid.measured] = stored[:, : len(grid.parameters)]
    first = len(grid.parameters) + number * points
    values = np.full((pixels, points), np.nan, np.float32)
    values[: grid.measured] = stored[:, first : first + points]
    # A grid that was stopped may be filled up with zeros, in its parameters as well.
    empty = (parameters == 0).all(axis=1) & (values == 0).all(axis=1)
    values[empty], parameters[empty] = np.nan, np.nan
    missing = int(np.isnan(values).all(axis=1).sum())
    if missing == pixels:
        raise ValueError(f"{path.name} holds no measured pixel of {pixels}: copy it again, or measure it again")
    if missing:
        warn(f"{path.name}: {missing} of {pixels} pixels were not measured, and are masked", FileWarning)
    name, units = split_unit(grid.sweep)
    axis = _sweep_values(path, grid, parameters, stored[0, len(grid.parameters) :])
    coords: dict[Any, xr.Variable] = {name.lower(): coordinate(name.lower(), axis, {"units": units})}
    for dim, length, size in zip(("y", "x"), grid.shape, grid.size[::-1], strict=True):
        centres = (np.arange(length) + 0.5) * (size * 1e9 / length)
        coords[dim] = coordinate(dim, centres, {"units": "nm", "long_name": f"{dim} from the lower left corner"})
    height = next((one for one in ("Scan:Z (m)", "Z (m)") if one in grid.parameters), None)
    if height is not None:
        topography = parameters[:, grid.parameters.index(height)].reshape(grid.shape)
        coords["topography"] = xr.Variable(("y", "x"), topography, {"units": "m", "long_name": height})
    attrs = grid.attrs | _channel_attrs(grid.channels[number], reason)
    return data_array(values.reshape(*grid.shape, points), ("y", "x", name.lower()), coords, attrs=attrs)


def grid_contents(path: Path) -> tuple[Signal, ...]:
    """Return the channels of a grid."""
    grid = Grid.of(path)
    return _channels(
        grid.channels, (*grid.shape, grid.points), ("y", "x", split_unit(grid.sweep)[0].lower()), "float32"
    )


def read_point(path: Path, dataset: str | None, _lazy: bool | None) -> xr.DataArray:
    """Read a channel of a Nanonis point spectrum as a line (x, sweep) of one pixel."""
    head, names, columns = _table(path)
    number, reason = choose_channel(path, _point_channels(names, columns), dataset, names[0])
    name, (_, units) = _sweep_name(names), split_unit(names[0])
    fields = dict(part[:2] for part in (line.strip().split("\t") for line in head.split("\n")) if len(part) >= 2)
    attrs: dict[str, Any] = {
        key: fields[key] for key in ("Experiment", "Date", "X (m)", "Y (m)", "Z (m)") if key in fields
    }
    coords: dict[Any, xr.Variable] = {name: coordinate(name, columns[0], {"units": units})}
    attrs |= _channel_attrs(names[1 + number], reason)
    return data_array(columns[1 + number][None], ("x", name), coords, attrs=attrs)


def point_contents(path: Path) -> tuple[Signal, ...]:
    """Return the channels of a point spectrum."""
    return _point_channels(*_table(path)[1:])


def _point_channels(names: Sequence[str], columns: Array) -> tuple[Signal, ...]:
    return _channels(names[1:], (1, columns.shape[1]), ("x", _sweep_name(names)), "float64")


def _sweep_name(names: Sequence[str]) -> str:
    """Return the name of the swept signal, the first column, as a dimension."""
    return split_unit(names[0])[0].lower().removesuffix(" calc")


def _channels(names: Sequence[str], shape: tuple[int, ...], dims: tuple[str, ...], dtype: str) -> tuple[Signal, ...]:
    """Return the signals of channels; a channel may be named without its unit."""
    parts = [(name, *split_unit(name)) for name in names]
    return tuple(Signal(plain, shape, dims, units, dtype, name) for name, plain, units in parts)


def _table(path: Path) -> tuple[str, list[str], Array]:
    """Return header, names and columns of a point spectrum."""
    text = path.read_bytes().decode("utf-8", "replace")
    head, found, table = text.partition("[DATA]")
    lines = table.split("\n")[1:]
    if not found or len(lines) < 2:
        raise ValueError(f"{path.name} has no table after [DATA]: it is truncated, so copy it again")
    names = [one.strip() for one in lines[0].split("\t")]
    cells = [line.split("\t") for line in lines[1:] if line.strip()]
    if len(names) < 2 or not cells or any(len(row) != len(names) for row in cells) or not text.endswith("\n"):
        raise ValueError(
            f"{path.name} has lines with other than {len(names)} values: it is truncated, so copy it again"
        )
    return head, names, np.array(cells, float).T


@dataclass(frozen=True)
class Grid:
    """Header of a grid: geometry, names of parameters and channels, and how many pixels the file holds.

    Attributes
    ----------
    shape
        Numbers of rows (y) and of columns (x).
    size
        Width and height in m.
    points
        Points of each sweep.
    sweep
        Name of the swept signal with its unit.
    channels, parameters
        Names with units, in the order of the file.
    begin
        Position of the first pixel in the file.
    measured
        Number of pixels that are complete in the file.
    linear
        Whether the sweep is given by its start and end.
    attrs
        Metadata of the experiment.
    """

    shape: tuple[int, int]
    size: tuple[float, float]
    points: int
    sweep: str
    channels: tuple[str, ...]
    parameters: tuple[str, ...]
    begin: int
    measured: int
    linear: bool
    attrs: dict[str, Any]

    @classmethod
    def of(cls, path: Path) -> Grid:
        """Read the header of a grid file.

        Raises
        ------
        ValueError
            If the header is incomplete, or does not fit the size of the file.
        """
        with path.open("rb") as file:
            head = file.read(_LONGEST_HEADER)
        end = head.find(_END)
        if end < 0:
            raise ValueError(
                f"{path.name} has no line {_END.decode()}: it is truncated or no Nanonis grid, copy it again"
            )
        fields = {
            key.strip(): value.strip().strip('"')
            for key, _, value in (line.partition("=") for line in head[:end].decode("latin-1").split("\n"))
        }
        try:
            columns, rows = (int(one) for one in re.findall(r"\d+", fields["Grid dim"])[:2])
            centre_x, centre_y, width, height, angle = (float(one) for one in fields["Grid settings"].split(";")[:5])
            points, number = int(fields["Points"]), int(fields["# Parameters (4 byte)"])
            channels, sweep = tuple(fields["Channels"].split(";")), fields["Sweep Signal"]
        except (KeyError, ValueError) as error:
            raise ValueError(f"{path.name} has an incomplete header ({error}): copy it again") from None
        named = [one for key in ("Fixed parameters", "Experiment parameters") for one in fields.get(key, "").split(";")]
        parameters = tuple([one for one in named if one][:number])
        parameters += tuple(f"parameter {one}" for one in range(len(parameters), number))
        begin = end + len(_END) + (2 if head[end + len(_END) : end + len(_END) + 2] == b"\r\n" else 1)
        one_pixel = 4 * (number + points * len(channels))
        held = max(0, path.stat().st_size - begin) // one_pixel if one_pixel else 0
        if min(columns, rows, points, held) < 1 or columns * rows > held + _MOST_MISSING:
            raise ValueError(
                f"{path.name} holds {held} complete pixels, its header states {columns} x {rows} of {points} points: "
                "it is truncated or damaged, so copy it again"
            )
        attrs = {
            "title": fields.get("Experiment", path.stem),
            "start_time": fields.get("Start time", ""),
            "grid_centre_m": [centre_x, centre_y],
            "grid_size_m": [width, height],
            "grid_angle_deg": angle,
        }
        return cls(
            (rows, columns), (width, height), points, sweep, channels, parameters, begin, min(held, columns * rows),
            fields.get("Filetype", "Linear") == "Linear", attrs,
        )  # fmt: skip


def choose_channel(path: Path, channels: Sequence[Signal], requested: str | None, sweep: str) -> tuple[int, str]:
    """Return the number of a channel and why it was chosen: as requested, else lock-in, current, or the first one.

    Examples
    --------
    >>> channels = [Signal("Current (A)", (9, 50)), Signal("LIX 1 omega (A)", (9, 50))]
    >>> choose_channel(Path("a.3ds"), channels, None, "Bias (V)")
    (1, 'the first lock-in signal')
    """
    if requested is not None:
        return choose_signal(path, channels, requested, range(len(channels)), keyword="channel"), "requested"
    names = [one.title or one.name for one in channels]
    forward = [n for n, name in enumerate(names) if not _SIDE.search(name)] or list(range(len(names)))
    for pattern, reason in ((_LOCK_IN, "the first lock-in signal"), (_CURRENT, "no lock-in signal: the current")):
        fitting = [n for n in forward if pattern.search(names[n])]
        if fitting:
            return fitting[0], reason
    others = [n for n in forward if names[n] != sweep and not names[n].startswith("Bias")]
    return (others or forward)[0], "no lock-in signal and no current: the first channel"


def split_unit(name: str) -> tuple[str, str]:
    """Split a name of Nanonis into the signal and its unit.

    Examples
    --------
    >>> split_unit("Input 3 (A) [bwd] [filt]"), split_unit("Current [bwd] (A)")
    (('Input 3 [bwd] [filt]', 'A'), ('Current [bwd]', 'A'))
    """
    found = re.search(r"\s*\(([^()]*)\)", name)
    return (name[: found.start()] + name[found.end() :], found.group(1)) if found else (name, "")


def _sweep_values(path: Path, grid: Grid, parameters: Array, pixel: Array) -> Array:
    """Return the coordinates of the sweep: from start to end, or as the first pixel recorded the swept signal."""
    if not grid.linear and grid.sweep in grid.channels:
        first = grid.channels.index(grid.sweep) * grid.points
        return np.asarray(pixel[first : first + grid.points], np.float64)
    if not grid.linear or grid.parameters[:2] != ("Sweep Start", "Sweep End"):
        warn(f"{path.name} does not state the values of the sweep: its points are numbered instead", FileWarning)
        return np.arange(float(grid.points))
    ends = parameters[~np.isnan(parameters[:, 0]), :2]
    spread = float(np.ptp(ends, axis=0).max())
    if spread > 1e-3 * abs(float(ends[0, 1] - ends[0, 0])):
        warn(
            f"{path.name}: start and end of the sweep differ by {spread:.3g} between pixels, and those of the first "
            "pixel label all: compare absolute positions with care",
            FileWarning,
        )
    values: Array = np.linspace(ends[0, 0], ends[0, 1], grid.points)
    return values


def _channel_attrs(name: str, reason: str) -> dict[str, Any]:
    """Return quantity and unit of a channel, and why it was chosen."""
    quantity, units = split_unit(name)
    return {"long_name": quantity, "units": units, "dataset": name, "choice": reason}


NANONIS_GRID = Reader(
    "Nanonis grid spectroscopy",
    (".3ds",),
    read_grid,
    grid_contents,
    sniff=starts_with(b"Grid dim"),
    datasets="number or channel",
    channels=True,
)
NANONIS_POINT = Reader(
    "Nanonis point spectrum",
    (".dat",),
    read_point,
    point_contents,
    sniff=starts_with(b"Experiment\t"),
    datasets="number or channel",
    channels=True,
)
