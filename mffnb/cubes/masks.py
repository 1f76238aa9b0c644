"""Masks of pixels and channels: count, align, restrict and expand."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from math import prod
from typing import Any

import numpy as np
import xarray as xr

from mffnb.typing import Array


def cumulative_used(shape: tuple[int, ...], mask: Array | None) -> Array:
    """Return the cumulative number of used (not masked) entries at the end of each row of the first dimension."""
    if mask is None:
        return np.arange(1, shape[0] + 1) * prod(shape[1:])
    return np.cumsum(mask.reshape(shape[0], -1).sum(axis=1))


def align_mask(
    mask: Any, pixel_shape: Mapping[Hashable, int], channel_shape: Mapping[Hashable, int]
) -> tuple[bool, Array]:
    """Align a mask with the pixel or the channel dimensions of a cube, by label or by shape.

    Parameters
    ----------
    mask
        Boolean array or DataArray, True where data are used.
    pixel_shape, channel_shape
        Name and length of each dimension.

    Returns
    -------
    of_pixels, aligned
        True if the mask is over the pixels, False if it is over the channels; and its values in the order of the
        dimensions.
    """
    labels = set(mask.dims) if isinstance(mask, xr.DataArray) else None
    shape = np.shape(mask)
    if np.asarray(mask).dtype != bool:
        raise ValueError("a mask holds True where data are used: pass a boolean array, for example mask != 0")
    for of_pixels, dimensions in ((True, pixel_shape), (False, channel_shape)):
        if labels == set(dimensions) or (labels is None and shape == tuple(dimensions.values())):
            return of_pixels, _in_order(mask, dimensions)
    raise ValueError(
        f"a mask of shape {shape} fits neither the pixels {pixel_shape} nor the channels {channel_shape}: "
        "give one for each, mask=[pixels, channels]"
    )


def _in_order(mask: Any, dimensions: Mapping[Hashable, int]) -> Array:
    """Return the values of a mask in the order of the dimensions."""
    values = mask.transpose(*dimensions).values if isinstance(mask, xr.DataArray) else np.asarray(mask)
    if values.shape != tuple(dimensions.values()):
        raise ValueError(f"a mask of shape {values.shape} does not fit the dimensions {dict(dimensions)}")
    return values


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
