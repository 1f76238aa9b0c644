"""Reader of JCAMP-DX spectra through the optional jcamp package."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.data_array import coordinate, data_array
from mffnb.errors import FileWarning, warn
from mffnb.io.choose import choose_signal
from mffnb.io.reader import Reader
from mffnb.io.signal_table import Signal

__all__ = ["JCAMP"]


def read_jcamp(path: Path, dataset: str | None, _lazy: bool | None) -> xr.DataArray:
    """Read the spectra of a JCAMP-DX file as a line (x, channel); ``dataset`` selects one by its number or title."""
    stored, blocks, printed = _blocks(path)
    listed = _listed(path, stored, blocks)
    if dataset is not None:
        blocks = [blocks[choose_signal(path, listed, dataset, range(len(blocks)))]]
    for block in blocks:
        stated, found = int(block.get("npoints", len(block["y"]))), len(block["y"])
        if not stated == found == len(block["x"]):
            raise ValueError(f"{path.name} holds {found} of {stated} points: it is truncated or damaged, copy it again")
    axis = np.asarray(blocks[0]["x"], float)
    if any(not np.array_equal(one["x"], axis) for one in blocks):
        problem = f"its {len(blocks)} spectra have different axes and are read one by one"
        choose_signal(path, listed, None, range(len(blocks)), problem=problem)
    for text in dict.fromkeys(printed.splitlines()):
        warn(f"{path.name}: {text}", FileWarning)
    units = str(blocks[0].get("xunits", "")).strip().lower()
    known = {"1/cm": "1/cm", "cm-1": "1/cm", "nanometers": "nm", "micrometers": "µm"}.get(units, units)
    coords: dict[Any, xr.Variable] = {"channel": coordinate("channel", axis, {"units": known} if known else {})}
    attrs = {"title": str(stored.get("title", path.stem)), "long_name": str(blocks[0].get("yunits", "")).capitalize()}
    return data_array(np.array([one["y"] for one in blocks], float), ("x", "channel"), coords, attrs=attrs)


def jcamp_contents(path: Path) -> tuple[Signal, ...]:
    """Return the spectra of the file; those of one axis are read together."""
    stored, blocks, _ = _blocks(path)
    return _listed(path, stored, blocks)


def _listed(path: Path, stored: Mapping[str, Any], blocks: Sequence[Mapping[str, Any]]) -> tuple[Signal, ...]:
    """Return the signals of the blocks that hold a spectrum."""
    return tuple(
        Signal(
            str(block.get("title") or stored.get("title") or path.stem),
            (len(block["y"]),),
            ("channel",),
            str(block.get("yunits", "")).lower(),
            "float64",
        )
        for block in blocks
    )


def _blocks(path: Path) -> tuple[Mapping[str, Any], list[Mapping[str, Any]], str]:
    """Return all fields of a file, its blocks that hold a spectrum, and what the package printed."""
    try:
        import jcamp  # noqa: PLC0415  an extra
    except ImportError:
        raise ValueError(f'reading {path.name} needs the jcamp package: pip install "mffnb[io]"') from None
    lines = path.read_bytes().splitlines(keepends=True)
    if not any(line.strip().upper().startswith(b"##END") for line in lines[-5:]):
        raise ValueError(f"{path.name} has no line ##END=: it is truncated, so copy it again")
    printed = io.StringIO()  # the package prints its complaints
    with redirect_stdout(printed):
        stored = jcamp.read(lines)
    blocks = [one for one in stored.get("children", [stored]) if np.size(one.get("y", ())) > 1]
    if not blocks:
        raise ValueError(
            f"{path.name} holds no spectrum in the forms (X++(Y..Y)) or (XY..XY): export it as one of these"
        )
    return stored, blocks, printed.getvalue()


def is_jcamp(path: Path) -> bool:
    """Return whether the first line that is no comment begins with ``##``."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        lines = (line.strip().removeprefix(b"\xef\xbb\xbf") for line in file.read(1 << 16).splitlines())
        return next((line for line in lines if line and not line.startswith(b"$$")), b"").startswith(b"##")


JCAMP = Reader(
    "JCAMP-DX spectrum",
    (".jdx", ".dx", ".jcm"),
    read_jcamp,
    jcamp_contents,
    sniff=is_jcamp,
    datasets="number or title",
    extra="io",
    package="jcamp",
)
