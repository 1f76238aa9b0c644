"""Part of a large cube that is preprocessed or read from a file, so that the rest is not."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.layout import channel_names, frame_of
from mffnb.cubes.masks import aligned_masks
from mffnb.cubes.pixel_rows import is_in_memory
from mffnb.cubes.sparse_pixels import sparse_pixels_of
from mffnb.preprocessing import Step

_ENTRIES = 2**23  # entries of a part
_LAZY, _HELD = 2**24, 2**27  # entries of a cube in a file, and of one in memory, of which a part is taken
_HEIGHT = 16  # rows in a strip: few of them have a false neighbour in the next strip


def excerpt(cube: xr.DataArray, channel: Any, mask: Any, steps: Sequence[Step]) -> tuple[xr.DataArray, Any]:
    """Return strips of rows of a large cube, and its mask on them; the cube itself if all of it can be used quickly.

    Parameters
    ----------
    cube
        Spectral image, also one whose values are in a file.
    channel, mask, steps
        As for :func:`mffnb.unmix`.
    """
    held = is_in_memory(cube)
    whole = cube.size <= (_HELD if held else _LAZY) or (held and not steps)
    if whole or any(step.takes_image for step in steps) or sparse_pixels_of(cube) is not None:
        return cube, mask
    frame = frame_of(cube, channel_names(cube, channel))
    left = max(1, _ENTRIES // max(1, prod(frame.channel_shape.values())))  # pixels that are still allowed
    kept: dict[Any, Any] = {}
    for number, name in enumerate(frame.pixel_shape):
        length, below = frame.pixel_shape[name], prod(list(frame.pixel_shape.values())[number + 1 :])
        rows = min(length, max(1, left // max(1, below)))
        if number == 0 and rows >= 2 * _HEIGHT:
            starts = np.linspace(0, length - _HEIGHT, rows // _HEIGHT).astype(int)
            kept[name] = np.unique((starts[:, None] + np.arange(_HEIGHT)).ravel())
        elif rows < length:
            kept[name] = np.arange((length - rows) // 2, (length - rows) // 2 + rows)
        left = max(1, left // rows)
    masks = aligned_masks(mask, frame)
    shapes = frame.pixel_shape, frame.channel_shape
    labelled = [
        xr.DataArray(one, dims=tuple(shape)) for one, shape in zip(masks, shapes, strict=True) if one is not None
    ]
    parts = [one.isel({name: index for name, index in kept.items() if name in one.dims}) for one in labelled]
    return cube.isel(kept).load(), parts or None
