"""Common channels of several images: alignment of their channel coordinates by label."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mffnb.cubes.align import Frame
from mffnb.cubes.coordinates import matching_order
from mffnb.typing import Array

_STEP_FRACTION = 1e-3  # largest distance of equal coordinates, in units of the smallest step


def common_channels(frames: Sequence[Frame]) -> tuple[tuple[dict[Hashable, Array], ...], str]:
    """Return the positions of the channels that all images have, and a sentence on those that are left out.

    Channels with coordinates are aligned by them, in the order of the first image; numbers are equal within a
    thousandth of the smallest step. Channels without coordinates are aligned by position.

    Raises
    ------
    ValueError
        If units differ, no channel is common, or channels without coordinates differ in number.

    Examples
    --------
    >>> import xarray as xr
    >>> def frame(first): return Frame({"x": 2}, {"e": 3}, {"e": xr.Variable(("e",), np.arange(first, first + 3.0))})
    >>> kept, note = common_channels([frame(0), frame(1)])
    >>> [one["e"].tolist() for one in kept], note
    ([[1, 2], [0, 1]], "2 of 3 and 3 channels along 'e' are common to all images, the others are left out")
    """
    kept: tuple[dict[Hashable, Array], ...] = tuple({} for _ in frames)
    notes = []
    for name in frames[0].channel_shape:
        lengths = [frame.channel_shape[name] for frame in frames]
        for one, positions in zip(kept, _along(name, frames, lengths), strict=True):
            one[name] = positions
        left = kept[0][name].size
        if left < max(lengths):
            counts = f"{', '.join(map(str, lengths[:-1]))} and {lengths[-1]}"
            notes.append(
                f"{left} of {counts} channels along {str(name)!r} are common to all images, the others are left out"
            )
    return kept, "; ".join(notes)


def _along(name: Hashable, frames: Sequence[Frame], lengths: Sequence[int]) -> list[Array]:
    """Return the positions of the common channels along one dimension, for each image."""
    check_units(name, frames)
    labels = [frame.coordinates(name) for frame in frames]
    if any(one is None for one in labels):
        if len({*lengths}) > 1:
            raise ValueError(
                f"the images have {', '.join(map(str, lengths))} channels along {str(name)!r}, and not all have "
                "coordinates there to align them: crop them to the same channels, or add coordinates"
            )
        return [np.arange(length) for length in lengths]
    found = [positions_of(one, labels[0]) for one in labels]
    everywhere = np.all([one >= 0 for one in found], axis=0)
    if not everywhere.any():
        raise ValueError(
            f"the images have no channel along {str(name)!r} in common: interpolate them to one axis with "
            "channels='interpolate'"
        )
    return [one[everywhere] for one in found]


def check_units(name: Hashable, frames: Sequence[Frame]) -> None:
    """Refuse images whose coordinates along a dimension have different units.

    Raises
    ------
    ValueError
        If they have.
    """
    units = list(dict.fromkeys(unit for unit in (_unit(name, frame) for frame in frames) if unit))
    if len(units) > 1:
        raise ValueError(
            f"{str(name)!r} has different units in the images ({', '.join(units)}): convert the coordinates to one unit"
        )


def _unit(name: Hashable, frame: Frame) -> str:
    """Return the unit of the coordinates along a dimension; "" if there is none."""
    variable = frame.coords.get(name)
    return "" if variable is None else str(variable.attrs.get("units") or "")


def positions_of(given: Any, wanted: Any) -> Array:
    """Return the position in ``given`` of each coordinate in ``wanted``; -1 where it is missing."""
    given, wanted = np.asarray(given), np.asarray(wanted)
    order = matching_order(given, wanted)
    if order is not None:
        return order
    if given.dtype.kind not in "biuf" or wanted.dtype.kind not in "biuf":
        index = pd.Index(given)
        if not index.is_unique:
            raise ValueError("a channel label occurs twice in one image: make the labels unique")
        return np.asarray(index.get_indexer(pd.Index(wanted)))
    given, wanted = given.astype(np.float64), wanted.astype(np.float64)
    order = np.argsort(given, kind="stable")
    upper = np.clip(np.searchsorted(given[order], wanted), 1, max(1, given.size - 1))
    near = np.stack([order[upper - 1], order[np.minimum(upper, given.size - 1)]])
    nearest = np.where(np.abs(given[near[0]] - wanted) <= np.abs(given[near[1]] - wanted), near[0], near[1])
    steps = np.abs(np.concatenate([np.diff(np.sort(given)), np.diff(np.sort(wanted))]))
    step = float(steps[steps > 0].min(initial=np.inf))
    tolerance = _STEP_FRACTION * step if np.isfinite(step) else 0.0
    return np.where(np.abs(given[nearest] - wanted) <= tolerance, nearest, -1)
