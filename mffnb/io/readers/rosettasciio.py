"""Readers through the optional RosettaSciIO package: vendor formats by suffix, HDF5 dialects by content."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.as_cube import as_cube, axis_names, from_axes, in_array_order
from mffnb.cubes.axis_kinds import with_kinds
from mffnb.cubes.layout import channel_names
from mffnb.cubes.signal_metadata import with_metadata
from mffnb.errors import FileWarning, warn
from mffnb.io.bruker_check import check_bruker
from mffnb.io.choose import check_numbers, stays_on_disk
from mffnb.io.companions import check_companions
from mffnb.io.expansion import hdf5_expands, zarr_expands
from mffnb.io.expected_size import warn_if_short
from mffnb.io.files import is_hdf5
from mffnb.io.hdf5_dialects import NEXUS, dialect
from mffnb.io.reader import Reader
from mffnb.io.reader_log import collected_log
from mffnb.io.readers.hdf5 import hdf5_contents, read_hdf5
from mffnb.io.short_text import short_text
from mffnb.io.signal_table import Signal
from mffnb.io.signals import Reordered, listed_signals, number_of_signal, units_of_values, warn_if_incomplete
from mffnb.io.unknown_formats import no_reader, refusal
from mffnb.io.zarr_store import arrays_in, check_blosc

__all__ = ["EDAX_JEOL", "HDF5_DIALECTS", "ROSETTASCIIO"]

# Log files of sensors, which have a suffix of text tables.
_NO_IMAGES = ("Impulse", "Protochips", "DENS", "NumPy")
# By default, the plug-in for Tofwerk reads the sum of all spectra only.
_OPTIONS: dict[str, dict[str, Any]] = {
    "Tofwerk": {"signal": "nominal_peak_data"},
    "Arina": {"dtype": np.uint32},  # the plug-in would store counts as uint16, without a test that they fit
}
_SQUARE = (
    "the file states no scan shape, and a square scan was assumed, {0[0]} x {0[1]} positions: if it is another one, "
    "read the images with dataset='entry/data/data_000001', and reshape them"
)


def read_rosettasciio(path: Path, dataset: str | None, lazy: bool | None) -> xr.DataArray:
    """Read a signal with the first RosettaSciIO plug-in for this file that does not fail."""
    signals, messages = _opened(path, lazy)
    for message in messages:
        warn(f"{path.name}: {message}", FileWarning)
    return _cube(path, signals, dataset)


def rosettasciio_contents(path: Path) -> tuple[Signal, ...]:
    """Return the signals of the file; their data stay on disk where the plug-in can do it."""
    return listed_signals(_opened(path, True)[0])


def _opened(path: Path, lazy: bool | None) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the signals that the first fitting plug-in reads, and its messages.

    Raises
    ------
    ValueError
        If there is no plug-in for this file, or all fail.
    """
    if (reason := refusal(path)) is not None:
        raise ValueError(reason)
    warn_if_short(path)
    plugins = _plugins(path)
    if not plugins:
        raise ValueError(no_reader(path))
    failures = []
    check_companions(path)
    if path.is_file():
        check_bruker(path)
    on_disk = _expands(path) or (stays_on_disk(_size(path)) if lazy is None else lazy)
    for plugin in plugins:
        with collected_log("rsciio") as messages:
            try:
                signals = _signals(plugin, path, on_disk)
            except ModuleNotFoundError as error:
                failures.append(f"{plugin['name']}: it needs the {error.name} package, pip install {error.name}")
                continue
            except Exception as error:  # plug-ins raise exceptions of all types; another plug-in may succeed
                failures.append(f"{plugin['name']}: {short_text(error)}")
                continue
        if not signals:
            failures.extend(messages)
            continue
        if plugin["name"] == "Arina":
            messages.append(_SQUARE.format(signals[0]["data"].shape))
        return signals, list(dict.fromkeys(messages))
    raise ValueError(f"{path.name} could not be read as {path.suffix} file; " + "; ".join(failures))


def read_dialect(path: Path, dataset: str | None, lazy: bool | None) -> xr.DataArray:
    """Read a signal of an HDF5 file of a known dialect; or any array of it, if ``dataset`` is a path in the file."""
    if dataset is not None and "/" in dataset and dataset.strip("/") in [one.name for one in hdf5_contents(path)]:
        return read_hdf5(path, dataset, lazy)
    return read_rosettasciio(path, dataset, lazy)


def _plugins(path: Path) -> list[Mapping[str, Any]]:
    """Return the RosettaSciIO plug-ins that read a file: chosen by content for HDF5, else by suffix."""
    try:
        from rsciio import IO_PLUGINS  # noqa: PLC0415  an extra
    except ImportError:
        raise ValueError(f'reading {path.suffix or "this"} files needs RosettaSciIO: pip install "mffnb[io]"') from None
    found = dialect(path)
    if found is not None:
        return [plugin for plugin in IO_PLUGINS if plugin["name"] == found]
    suffix = path.suffix.lower().lstrip(".")
    usable = [plugin for plugin in IO_PLUGINS if plugin["name"] not in _NO_IMAGES]
    return [plugin for plugin in usable if suffix in map(str.lower, plugin["file_extensions"])]


def _signals(plugin: Mapping[str, Any], path: Path, on_disk: bool) -> list[dict[str, Any]]:
    """Read all signals of a file, on disk if it is requested and the plug-in can do it."""
    read = importlib.import_module(plugin["api"]).file_reader
    options = _OPTIONS.get(plugin["name"], {})
    if on_disk:
        try:
            return list(read(str(path), lazy=True, **options))
        except Exception:  # plug-ins that cannot leave this file on disk raise exceptions of all types
            if _expands(path):
                raise
    return list(read(str(path), **options))


def _expands(path: Path) -> bool:
    """Return whether an array of an HDF5 file or of a HyperSpy store expands so much that it must stay on disk."""
    if is_hdf5(path):
        return hdf5_expands(path)
    if path.suffix.lower() != ".zspy":
        return False
    try:
        import zarr  # noqa: PLC0415  an extra
    except ImportError:  # the plug-in says so
        return False
    stored = zarr.open(path if path.is_dir() else zarr.storage.ZipStore(path, mode="r"), mode="r")
    arrays = arrays_in(stored)
    check_blosc(path, arrays)
    return zarr_expands(path, arrays)


def _size(path: Path) -> int:
    """Return the size of a file, or of all files of a store."""
    return sum(one.stat().st_size for one in (path.rglob("*") if path.is_dir() else [path]))


def _cube(path: Path, signals: Sequence[Mapping[str, Any]], dataset: str | None) -> xr.DataArray:
    """Return one of the signals as a cube, with its axes as the instrument meant them."""
    signal = signals[number_of_signal(path, signals, dataset)]
    title = signal.get("metadata", {}).get("General", {}).get("title") or "the signal"
    check_numbers(path, str(title), signal["data"].dtype)
    ordered = Reordered.of(path, signal["data"], with_kinds(signal["axes"]), signal.get("post_process", ()))
    cube = as_cube(from_axes(ordered.data, ordered.axes))
    warn_if_incomplete(path, cube, axis_names(in_array_order(ordered.axes))[0], channel_names(cube, None))
    kinds = {axis["navigate"] for axis in ordered.axes}
    channel = {"channel": [cube.dims[-1]]} if kinds == {True, False} else {}
    cube = with_metadata(cube, signal.get("metadata", {}))
    return cube.assign_attrs(channel | cube.attrs | units_of_values(signal))


ROSETTASCIIO = Reader(
    "all formats of RosettaSciIO",
    (),
    read_rosettasciio,
    rosettasciio_contents,
    datasets="number or title",
    lazy=True,
    extra="io",
    package="rosettasciio",
)
# Suffixes that other readers have as well, whose content is not theirs.
EDAX_JEOL = Reader(
    "EDAX spectrum, JEOL or Hamamatsu image",
    (".spc", ".img"),
    read_rosettasciio,
    rosettasciio_contents,
    datasets="number or title",
    lazy=True,
    extra="io",
    package="rosettasciio",
)
HDF5_DIALECTS = Reader(
    "HDF5 of HyperSpy, Delmic, EMD (py4DSTEM, Velox), Arina, USID, Tofwerk",
    (".h5", ".hdf5", ".hdf", ".hf5"),
    read_dialect,
    rosettasciio_contents,
    sniff=lambda path: dialect(path) not in (None, NEXUS),
    datasets="number, title or path",
    lazy=True,
    extra="io",
    package="rosettasciio",
)
