"""Reader of Galactic SPC files (GRAMS), of the present format and of the older one, by a parser of this package.

The layout is that of the published "Universal Data Format Specification". The spc-io package is not used: it needs
pydantic, and does not read the older format.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.data_array import coordinate, data_array
from mffnb.io.choose import choose_signal
from mffnb.io.reader import Reader
from mffnb.io.signal_table import Signal
from mffnb.typing import Array

__all__ = ["GALACTIC"]

_NEW, _NEW_SWAPPED, _OLD = 0x4B, 0x4C, 0x4D
_SHORT, _MULTIPLE, _OWN_X, _STATED_X = 0x01, 0x04, 0x40, 0x80
_FLOATS = -128  # exponent of values that are float32
_SUBHEADER = struct.Struct("<BbhfffiifI")
_X_UNITS = {1: "1/cm", 2: "µm", 3: "nm", 4: "s", 5: "min", 6: "Hz", 7: "kHz", 8: "MHz", 9: "m/z", 10: "ppm", 11: "d",
            12: "a", 13: "1/cm", 17: "°C", 18: "°F", 19: "K", 25: "h", 28: "°"}  # fmt: skip


@dataclass(frozen=True)
class Header:
    """What the header of an SPC file states, in both formats.

    Attributes
    ----------
    old
        Whether the format is the older one.
    flags, exponent
        Flags, and exponent of integer values if the spectra have none of their own.
    points, spectra
        Number of points of a spectrum, and of spectra; 0 if it is not stated.
    ends
        First and last coordinate.
    units
        Unit of the coordinates.
    begin
        Position of the first spectrum or coordinate in the file.
    """

    old: bool
    flags: int
    exponent: int
    points: int
    spectra: int
    ends: tuple[float, float]
    units: str
    begin: int

    @classmethod
    def of(cls, path: Path, content: bytes) -> Header:
        """Read the header.

        Raises
        ------
        ValueError
            If the file is truncated or of a byte order that is no longer used.
        """
        if content[1:2] == bytes([_NEW_SWAPPED]):
            raise ValueError(f"{path.name} has the byte order of old Macintosh files: save it again with GRAMS")
        old = content[1:2] == bytes([_OLD])
        if len(content) < (256 if old else 512):
            raise ValueError(f"{path.name} is truncated within its header: copy it again")
        if old:
            flags, _, exponent, points, first, last, kind = struct.unpack_from("<BBhfffB", content)
            found = cls(True, flags, exponent, int(points), 0, (first, last), _X_UNITS.get(kind, ""), 224)
        else:
            flags, _, _, exponent, points, first, last, spectra, kind = struct.unpack_from("<BBBbiddiB", content)
            found = cls(False, flags, exponent, points, spectra, (first, last), _X_UNITS.get(kind, ""), 512)
        if not 0 < found.points <= len(content) or not 0 <= found.spectra <= len(content):
            raise ValueError(f"{path.name} states {found.points} points of {found.spectra} spectra: it is damaged")
        return found


def read_galactic(path: Path, dataset: str | None, _lazy: bool | None) -> xr.DataArray:
    """Read the spectra of an SPC file as a line (x, channel); ``dataset`` selects one by its number."""
    content = path.read_bytes()
    header = Header.of(path, content)
    spectra, times = _spectra(path, content, header)
    listed = _listed(spectra, times)
    if dataset is not None:
        number = choose_signal(path, listed, dataset, range(len(listed)))
        spectra, times = [spectra[number]], [times[number]]
    axis = spectra[0][0]
    if any(not np.array_equal(one, axis) for one, _ in spectra):
        problem = f"its {len(spectra)} spectra have different axes and are read one by one"
        choose_signal(path, listed, None, range(len(listed)), problem=problem)
    units = {"units": header.units} if header.units else {}
    coords: dict[Any, xr.Variable] = {"channel": coordinate("channel", axis, units)}
    cube = data_array(np.stack([values for _, values in spectra]), ("x", "channel"), coords)
    return cube.assign_coords(z=("x", times)) if len(set(times)) > 1 else cube


def galactic_contents(path: Path) -> tuple[Signal, ...]:
    """Return the spectra of the file; those of one axis are read together."""
    content = path.read_bytes()
    return _listed(*_spectra(path, content, Header.of(path, content)))


def _listed(spectra: list[tuple[Array, Array]], times: list[float]) -> tuple[Signal, ...]:
    """Return the signals of spectra, with their z values as titles if these differ."""
    titles = [f"z = {time:g}" if len(set(times)) > 1 else "" for time in times]
    return tuple(
        Signal(f"spectrum {number}", (values.size,), ("channel",), dtype=str(values.dtype), title=title)
        for number, ((_, values), title) in enumerate(zip(spectra, titles, strict=True))
    )


def _spectra(path: Path, content: bytes, header: Header) -> tuple[list[tuple[Array, Array]], list[float]]:
    """Return coordinates and values of all spectra, and their z values (time or position)."""
    place, axis = header.begin, np.linspace(*header.ends, header.points)
    if header.flags & _STATED_X and not header.flags & _OWN_X:
        axis, place = _array(path, content, place, "<f4", header.points)
    found: list[tuple[Array, Array]] = []
    times: list[float] = []
    while len(found) < header.spectra or (header.old and (not found or place < len(content))):
        if place + _SUBHEADER.size > len(content):
            raise ValueError(f"{path.name} is truncated, it ends after {len(found)} spectra: copy it again")
        _, exponent, _, time, _, _, own_points, _, _, _ = _SUBHEADER.unpack_from(content, place)
        place += _SUBHEADER.size
        points, coordinates = header.points, axis
        if header.flags & _OWN_X:
            points = own_points
            coordinates, place = _array(path, content, place, "<f4", points)
        exponent = exponent if header.flags & _MULTIPLE else header.exponent
        if exponent == _FLOATS and not header.old:
            values, place = _array(path, content, place, "<f4", points)
        else:
            bits = 16 if header.flags & _SHORT else 32
            numbers, place = _array(path, content, place, f"<i{bits // 8}", points)
            if header.old and bits == 32:  # the two halves of each number are exchanged
                numbers = numbers.astype("<i4").view("<i2").reshape(-1, 2)[:, ::-1].copy().view("<i4").ravel()
            values = np.ldexp(numbers.astype(np.float64), exponent - bits)
        found.append((coordinates, values))
        times.append(time)
    return found, times


def _array(path: Path, content: bytes, place: int, kind: str, count: int) -> tuple[Array, int]:
    """Return an array at a position of the file, and the position after it."""
    end = place + np.dtype(kind).itemsize * count
    if count < 1 or end > len(content):
        raise ValueError(
            f"{path.name} is truncated or damaged, {count} numbers at byte {place} are missing: copy it again"
        )
    stored = np.frombuffer(content, kind, count, place)
    return stored.astype(np.float64 if stored.dtype.kind == "f" else np.int32), end


def is_galactic(path: Path) -> bool:
    """Return whether the second byte is a version of Galactic SPC; EDAX files of this suffix begin with a float."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(4)
    return len(head) == 4 and head[1] in (_NEW, _NEW_SWAPPED, _OLD) and head[3] not in (0x3E, 0x3F, 0x40)


GALACTIC = Reader(
    "Galactic SPC (GRAMS)", (".spc",), read_galactic, galactic_contents, sniff=is_galactic, datasets="number"
)
