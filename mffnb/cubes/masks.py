"""Masks of pixels and channels: count, align, restrict and expand."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from math import prod
from typing import Any

import numpy as np

from mffnb.cubes.align import Frame, align, expand
from mffnb.cubes.axes import Beside
from mffnb.errors import MffnbWarning, warn
from mffnb.matrices.nested_lists import is_array_like, shape_of
from mffnb.typing import Array


def cumulative_used(shape: tuple[int, ...], mask: Array | None) -> Array:
    """Return the cumulative number of used (not masked) entries at the end of each row of the first dimension."""
    if mask is None:
        return np.arange(1, shape[0] + 1) * prod(shape[1:])
    return np.cumsum(mask.reshape(shape[0], -1).sum(axis=1))


def aligned_masks(mask: Any, frame: Frame) -> tuple[Array | None, Array | None]:
    """Return the masks of the pixels and of the channels in the order of the cube; None where there is none.

    Parameters
    ----------
    mask
        Array, DataArray, pandas object or HyperSpy signal over the pixels or over the channels, or a list of these; in
        a list of two, the first may be that of the pixels and the second that of the channels. Booleans or 0 and 1,
        True where data are used; masks of the same dimensions are combined. A HyperSpy signal has the opposite meaning:
        it is inverted, with a warning.
    frame
        Dimensions and coordinates of the cube.

    Raises
    ------
    ValueError
        If a mask fits neither the pixels nor the channels, or fits both, or is not made of booleans, and for an empty
        list.
    """
    found: dict[bool, Array | None] = {True: None, False: None}
    in_order = isinstance(mask, (list, tuple)) and _fits_pixels_then_channels(mask, frame)
    # Two lists of numbers with equal lengths form an array too, which cannot fit pixels or channels if its parts do.
    several = in_order or (isinstance(mask, (list, tuple)) and not is_array_like(mask))
    parts = mask if several else [mask]
    both = [names for names in (frame.pixels(), frame.channels()) if names]
    if not parts:
        raise ValueError("mask is an empty list: give at least one mask, or leave mask out to use all data")
    for position, part in enumerate(parts):
        if part is None:
            continue
        readings = [both[position]] if in_order else both
        of_pixels, values = _aligned_mask(part, frame, readings)
        before = found[of_pixels]
        found[of_pixels] = values if before is None else before & values
    return found[True], found[False]


def _fits_pixels_then_channels(masks: Sequence[Any], frame: Frame) -> bool:
    """Return whether there are two masks, with the shapes of the pixels and of the channels in this order."""
    shapes = [tuple(frame.pixel_shape.values()), tuple(frame.channel_shape.values())]
    return len(masks) == 2 and all(
        part is None or shape_of(part) == shape for part, shape in zip(masks, shapes, strict=True)
    )


def _aligned_mask(mask: Any, frame: Frame, readings: Sequence[tuple[Hashable, ...]]) -> tuple[bool, Array]:
    """Return whether a mask is over the pixels, and its values over all pixels or all channels."""
    beside = Beside.of(mask, "mask")
    found = align(beside, frame, "mask", readings)
    names = set(found.dims)
    of_pixels = names <= set(frame.pixel_shape)
    if not of_pixels and not names <= set(frame.channel_shape):
        raise ValueError(
            f"mask has the dimensions {tuple(map(str, found.dims))}, of pixels and of channels: give one for each, "
            "mask=[pixels, channels], or set single entries to NaN, cube.where(mask)"
        )
    shape = dict(frame.pixel_shape if of_pixels else frame.channel_shape)
    values = _booleans(expand(found, shape).values)
    if beside.from_hyperspy:
        warn(
            "a HyperSpy mask is True where data are left out: it was inverted, since mask is True where data are used",
            MffnbWarning,
        )
        values = ~values
    return of_pixels, values


def _booleans(values: Array) -> Array:
    """Return a mask of booleans, or of 0 and 1, as booleans."""
    if values.dtype != bool and not np.isin(values, (0, 1)).all():
        raise ValueError(
            "a mask is True where data are used: pass booleans, or 0 and 1, for example mask != 0; got other numbers"
        )
    return values.astype(bool)


def exclude_missing(mask: Array | None, missing: Array, shape: tuple[int, ...]) -> Array:
    """Return the mask with entries that are missing from the data set to unused."""
    used = np.ones(prod(shape), dtype=bool) if mask is None else mask.ravel().copy()
    used[used] = ~missing
    return used.reshape(shape)


def insert_masked(rows: Array, mask: Array | None) -> Array:
    """Expand values (k, used entries) to (k, all entries), with NaN for entries that the mask excludes."""
    if mask is None:
        return rows
    full = np.full((len(rows), mask.size), np.nan)
    full[:, mask.ravel()] = rows
    return full
