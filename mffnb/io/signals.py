"""Signals in a file of RosettaSciIO: choice by number or title, order of the axes, and a test for missing data."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.as_cube import in_array_order
from mffnb.cubes.pixel_rows import is_in_memory
from mffnb.errors import FileWarning, warn
from mffnb.io.choose import choose_signal
from mffnb.io.expansion import expands
from mffnb.io.signal_table import Signal, of_array
from mffnb.typing import Array

_ZERO_SHARE = 0.05


@dataclass(frozen=True, eq=False)
class Reordered:
    """Data and axes of a signal, with the methods that the post-processing of RosettaSciIO calls on a HyperSpy signal.

    Attributes
    ----------
    data
        The array.
    axes
        Axis dictionaries in the order of the array.
    """

    data: Array
    axes: list[dict[str, Any]]

    @classmethod
    def of(
        cls, path: Path, data: Array, axes: Sequence[Mapping[str, Any]], steps: Sequence[Callable[[Any], Any]]
    ) -> Reordered:
        """Return the data after all steps of post-processing; warn of a step that cannot be applied."""
        order = sorted(range(len(axes)), key=lambda i: (_index(axes[i], i), i))
        found = cls(data, [{**axes[i], "index_in_array": None} for i in order])
        for step in steps:
            try:
                found = step(found)
            except AttributeError as error:
                warn(
                    f"{path.name}: a step of the reader was left out ({error}): check which dimension is the channel, "
                    "and name it with channel=",
                    FileWarning,
                )
        return found

    def to_signal1D(self, **_options: Any) -> Reordered:
        """Return the signal with the first axis of the array as the only channel."""
        axes = [{**axis, "navigate": number > 0} for number, axis in enumerate(self.axes)]
        return Reordered(self.data, axes)

    def squeeze(self) -> Reordered:
        """Return the signal without axes of length one, as long as two axes are left."""
        long = [number for number, length in enumerate(self.data.shape) if length > 1]
        if len(long) < 2:
            return self
        index = tuple(slice(None) if number in long else 0 for number in range(self.data.ndim))
        return Reordered(self.data[index], [self.axes[number] for number in long])


def _index(axis: Mapping[str, Any], default: int) -> int:
    found = axis.get("index_in_array")
    return default if found is None else int(found)


def number_of_signal(path: Path, signals: Sequence[Mapping[str, Any]], requested: str | None) -> int:
    """Return the number of a signal: by number or title, or the only one that can be a spectral image.

    Raises
    ------
    ValueError
        If there is no such signal, or several are possible; the message is the numbered table of the signals.
    """
    fitting = [number for number, signal in enumerate(signals) if _can_be_image(signal)]
    spectral = [number for number in fitting if _has_both_kinds(signals[number])]
    deep = [number for number in spectral or fitting if np.ndim(signals[number]["data"]) >= 3]
    fitting = next((found for found in (deep, spectral) if len(found) == 1), fitting)
    return choose_signal(path, listed_signals(signals), requested, fitting)


def listed_signals(signals: Sequence[Mapping[str, Any]]) -> tuple[Signal, ...]:
    """Return title, shape, dimensions, type and unit of signals in the layout of RosettaSciIO."""
    found = []
    for signal in signals:
        title = str(signal.get("metadata", {}).get("General", {}).get("title") or "")
        names = [axis.get("name") for axis in in_array_order(signal["axes"])]
        dims = names if all(isinstance(name, str) and name for name in names) else ()
        found.append(of_array(title, signal["data"], dims, units_of_values(signal).get("units")))
    return tuple(found)


def units_of_values(signal: Mapping[str, Any]) -> dict[str, str]:
    """Return quantity and unit of the values, which HyperSpy writes as ``"Intensity (Counts)"``."""
    quantity = signal.get("metadata", {}).get("Signal", {}).get("quantity")
    if not isinstance(quantity, str) or not quantity:
        return {}
    name, opened, units = quantity.removesuffix(")").partition(" (")
    return {"long_name": name} | ({"units": units} if opened else {})


def warn_if_incomplete(path: Path, cube: xr.DataArray, stored_first: Hashable, channels: Sequence[Hashable]) -> None:
    """Warn of an array that ends in zeros: readers fill what a truncated file lacks.

    Of a lazy cube, only the last row is read, unless it is zero; nothing, if the file is far smaller than the cube.

    Parameters
    ----------
    path
        The file, for the message.
    cube
        The cube with its pixels first.
    stored_first
        First dimension in the order of the file. If it is a channel, whole channels are missing, else pixels.
    channels
        Channel dimensions.

    Raises
    ------
    ValueError
        If all values are zero.
    """
    if cube.ndim < 2 or cube.dtype.kind not in "iufc" or not cube.size:
        return
    if not is_in_memory(cube) and expands(cube.nbytes, 0) and expands(cube.nbytes, path.stat().st_size):
        return
    kind = "channels" if stored_first in channels else "pixels"
    counted = [name for name in cube.dims if (name in channels) == (kind == "channels")]
    counted = [stored_first, *(name for name in counted if name != stored_first)]
    others = [name for name in cube.dims if name not in counted]
    last = cube.isel({stored_first: slice(-1, None)})
    if not is_in_memory(cube) and bool((last != 0).any()):
        return
    filled: Array = np.asarray((cube != 0).any(others).transpose(*counted)).ravel()
    if not filled.any():
        raise ValueError(f"{path.name} holds only zeros: it may be truncated, so copy it from the instrument again")
    missing = int(np.argmax(filled[::-1]))
    if missing > max(1, _ZERO_SHARE * filled.size):
        warn(
            f"{path.name}: the last {missing} of {filled.size} {kind} ({100 * missing / filled.size:.0f} %) are zero: "
            f"the file may be truncated; compare its size with the original, or mask these {kind}",
            FileWarning,
        )


def _can_be_image(signal: Mapping[str, Any]) -> bool:
    """Return whether a signal is an array of real or complex numbers with two or more dimensions."""
    return np.ndim(signal["data"]) >= 2 and signal["data"].dtype.kind in "biufc"


def _has_both_kinds(signal: Mapping[str, Any]) -> bool:
    """Return whether the reader states pixel axes and channel axes."""
    stated = [bool(axis.get("navigate")) for axis in signal["axes"]]
    return any(stated) and not all(stated)
