"""Mark of a cube whose pixels are those of several images: a coordinate that says which image a pixel belongs to."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from math import prod

import numpy as np
import xarray as xr

PIXEL, IMAGE = "pixel", "image"
"""Name of the pixel dimension of stacked images, and of the coordinate with the number of the image."""
TILES = "image_tiles"
"""Attribute of that coordinate in a mosaic, whose pixel dimensions are rows and columns of a picture."""
NOTE = "image_channels"
"""Attribute of it with a sentence on channels that were left out."""
_SHAPES = "image_shapes"


def image_coordinate(shapes: Sequence[Sequence[int]]) -> xr.Variable:
    """Return the coordinate that marks stacked images of these map shapes.

    Examples
    --------
    >>> mark = image_coordinate([(2, 2), (3,)])
    >>> mark.values.tolist(), mark.attrs
    ([0, 0, 0, 0, 1, 1, 1], {'image_shapes': '2x2 3'})
    """
    numbers = np.repeat(np.arange(len(shapes)), [prod(shape) for shape in shapes])
    return xr.Variable((PIXEL,), numbers, {_SHAPES: " ".join("x".join(map(str, shape)) for shape in shapes)})


def image_numbers(coords: Mapping[Hashable, xr.Variable]) -> xr.Variable | None:
    """Return the number of the image of each pixel, -1 for none; None if the coordinates are not of several images."""
    mark = coords.get(IMAGE)
    return mark if mark is not None and {_SHAPES, TILES} & {*mark.attrs} else None


def shapes_of_images(coords: Mapping[Hashable, xr.Variable]) -> list[tuple[int, ...]]:
    """Return the map shapes of stacked images, in order; an empty list for the pixels of one image.

    Raises
    ------
    ValueError
        If pixels were removed or merged after stacking, so that the neighbours of a pixel are not known.
    """
    mark = image_numbers(coords)
    if mark is None or TILES in mark.attrs:
        return []
    shapes = [tuple(map(int, shape.split("x"))) for shape in str(mark.attrs[_SHAPES]).split()]
    if not np.array_equal(mark.values, np.repeat(np.arange(len(shapes)), [prod(shape) for shape in shapes])):
        raise ValueError(
            "pixels of stacked images were removed or merged, so their neighbours are not known: crop or bin each "
            "image before they are stacked"
        )
    return shapes
