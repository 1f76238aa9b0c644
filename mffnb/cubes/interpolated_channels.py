"""Interpolation of the channels of several images to those of the first one."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import xarray as xr

from mffnb.cubes.common_channels import check_units, positions_of
from mffnb.cubes.data_array import coordinate, data_array
from mffnb.cubes.layout import frame_of
from mffnb.typing import Array


def interpolate_channels(
    cubes: Sequence[xr.DataArray], channels: Sequence[Hashable]
) -> tuple[list[xr.DataArray], list[dict[Hashable, Array]], str]:
    """Return images at the channels of the first one that lie within the range of all, linearly interpolated.

    An image that has these channels is not interpolated.

    Returns
    -------
    images
        With the coordinates of the first image along the channel dimensions.
    nearest
        For each image and channel dimension, its nearest channel to each common channel, for masks and weights.
    note
        A sentence on what was interpolated; "" if nothing was.

    Raises
    ------
    ValueError
        If units differ, coordinates are no numbers, or ranges do not overlap.

    Examples
    --------
    >>> def image(first): return xr.DataArray([[0.0, 2.0, 4.0]], dims=("x", "e"), coords={"e": first + np.arange(3.0)})
    >>> images, _, note = interpolate_channels([image(0.0), image(0.5)], ["e"])
    >>> images[1].values.tolist(), images[1].e.values.tolist()
    ([[1.0, 3.0]], [1.0, 2.0])
    >>> note
    "2 of 3 channels along 'e' of the first image, to which image 1 is interpolated linearly"
    """
    images, nearest, notes = list(cubes), [dict[Hashable, Array]() for _ in cubes], []
    for name in channels:
        check_units(name, [frame_of(cube, channels) for cube in cubes])
        axes = [_axis(cube, name, number) for number, cube in enumerate(cubes)]
        low, high = max(axis.min() for axis in axes), min(axis.max() for axis in axes)
        rounding = 1e-9 * np.ptp(axes[0])
        kept = np.flatnonzero((axes[0] >= low - rounding) & (axes[0] <= high + rounding))
        if kept.size == 0:
            raise ValueError(f"the channels of the images along {str(name)!r} have no range in common")
        target, moved = axes[0][kept], []
        for number, axis in enumerate(axes):
            positions = positions_of(axis, target)
            if (positions >= 0).all():
                images[number] = images[number].isel({name: positions})
            else:
                images[number] = _interpolated(images[number], name, axis, target)
                positions = np.abs(axis[:, None] - target).argmin(axis=0)
                moved.append(number)
            nearest[number][name] = positions
        if moved:
            who = ", ".join(map(str, moved))
            notes.append(
                f"{kept.size} of {axes[0].size} channels along {str(name)!r} of the first image, to which image"
                f"{'s' if len(moved) > 1 else ''} {who} {'are' if len(moved) > 1 else 'is'} interpolated linearly"
            )
    return images, nearest, "; ".join(notes)


def _axis(cube: xr.DataArray, name: Hashable, number: int) -> Array:
    """Return the numeric coordinates of a channel dimension."""
    if name not in cube.coords or cube[name].dims != (name,) or cube[name].dtype.kind not in "iuf":
        raise ValueError(
            f"image {number} has no numbers as coordinates along {str(name)!r} to interpolate at: add coordinates, or "
            "use channels='intersection'"
        )
    return np.asarray(cube[name].values, dtype=np.float64)


def _interpolated(cube: xr.DataArray, name: Hashable, axis: Array, target: Array) -> xr.DataArray:
    """Return an image at other coordinates of one dimension, which lie within its range."""
    order = np.argsort(axis, kind="stable")
    rising = axis[order]
    upper = np.clip(np.searchsorted(rising, target), 1, max(axis.size - 1, 1))
    share = np.clip((target - rising[upper - 1]) / (rising[upper] - rising[upper - 1]), 0.0, 1.0)
    last = cube.transpose(..., name)
    values = np.asarray(last.values)
    kind = values.dtype if values.dtype.kind == "f" else np.float64
    found = (values[..., order[upper - 1]] * (1 - share) + values[..., order[upper]] * share).astype(kind)
    coords = {key: one.variable for key, one in cube.coords.items() if name not in one.dims}
    coords[name] = coordinate(name, target, cube[name].attrs)
    return data_array(found, last.dims, coords, cube.name, cube.attrs).transpose(*cube.dims)
