"""Mosaic of several images: maps and lines of pixels side by side in one picture, with masked pixels between them."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict
from math import prod
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.data_array import coordinate
from mffnb.cubes.image_stack import ImageStack
from mffnb.cubes.sparse_map import SparseMap
from mffnb.cubes.sparse_pixels import sparse_pixels_of
from mffnb.cubes.stacked_images import IMAGE, NOTE, TILES
from mffnb.cubes.tiles import COLUMN, ROW, Tile, order_of
from mffnb.typing import Array

_ASPECT = 1.6  # width over height that the page shows largest
_GAP = 0.02  # of the width of the mosaic


def mosaic_of(stack: ImageStack, names: Sequence[str]) -> tuple[xr.DataArray, Array]:
    """Arrange stacked images, maps or lines of pixels, as one cube (row, column, channels).

    Rows of images have a similar width, and at least one column or row of missing pixels lies between two images, so no
    pixel has a neighbour in another image. The coordinate "image" holds the number of the image of each pixel, -1
    between images, and the positions of the images.

    Returns
    -------
    cube
        The mosaic.
    order
        Index in the mosaic, row by row, of each pixel of the stack.

    Raises
    ------
    ValueError
        If an image has more than two pixel dimensions, or channels are called "row" or "column".
    """
    channels = tuple(name for name in stack.cube.dims[1:])
    taken = next((name for name in channels if name in (ROW, COLUMN)), None)
    if taken is not None:
        raise ValueError(f"a mosaic of images uses the name {taken!r} itself: rename that channel dimension")
    shapes: list[tuple[int, int]] = []
    for name, frame in zip(names, stack.frames, strict=True):
        shape = tuple(frame.pixel_shape.values())
        if len(shape) > 2:
            raise ValueError(
                f"several images are explored as maps or lines, and {name} is a stack of {len(shape)} pixel "
                "dimensions: explore it alone, or use mf.unmix for the list"
            )
        shapes.append((shape[0] if len(shape) == 2 else 1, shape[-1]))
    boxes, (height, width) = _packed(shapes)
    tiles = [
        Tile(name, top, left, *shape, tuple(map(str, frame.pixel_shape)), _coords(frame.coords, frame))
        for name, (top, left), shape, frame in zip(names, boxes, shapes, stack.frames, strict=True)
    ]
    order = order_of(tiles, (height, width))
    mark = np.full(height * width, -1)
    mark[order] = np.repeat(np.arange(len(tiles)), [prod(shape) for shape in shapes])
    attrs = {TILES: json.dumps([asdict(one) for one in tiles])} | ({NOTE: stack.note} if stack.note else {})
    coords = {name: one.variable for name, one in stack.cube.coords.items() if name != IMAGE}
    coords[IMAGE] = xr.Variable((ROW, COLUMN), mark.reshape(height, width), attrs)
    coords |= _common_steps(tiles, (height, width))
    values = _placed(stack.cube, order, (height, width))
    cube = xr.DataArray(xr.Variable((ROW, COLUMN, *channels), values, stack.cube.attrs), coords=coords)
    cube.name = stack.cube.name
    return cube, order


def _packed(sizes: Sequence[tuple[int, int]]) -> tuple[list[tuple[int, int]], tuple[int, int]]:
    """Return top and left end of boxes in rows, in their order, and height and width of the whole.

    Each limit of the width that ends a first row is tried.

    Examples
    --------
    >>> _packed([(4, 6), (4, 6), (1, 5)])
    ([(0, 0), (0, 7), (5, 0)], (6, 13))
    """
    limits = {sum(width for _, width in sizes[: stop + 1]) for stop in range(len(sizes))}
    found = [_in_rows(sizes, limit) for limit in sorted(limits)]
    return min(found, key=lambda one: abs(np.log(one[1][1] / one[1][0] / _ASPECT)))


def _in_rows(sizes: Sequence[tuple[int, int]], limit: int) -> tuple[list[tuple[int, int]], tuple[int, int]]:
    """Return the boxes in rows of at most this sum of widths, or of one box."""
    gap = max(1, round(_GAP * limit))
    found: list[tuple[int, int]] = []
    left = top = tall = wide = used = 0
    for height, width in sizes:
        if used and used + width > limit:
            left, top, tall, used = 0, top + tall + gap, 0, 0
        found.append((top, left))
        wide, tall, used = max(wide, left + width), max(tall, height), used + width
        left += width + gap
    return found, (top + tall, wide)


def _coords(coords: Mapping[Hashable, xr.Variable], frame: Any) -> dict[str, tuple[list[float], dict[str, str]]]:
    """Return the numeric coordinates of the pixel dimensions of an image as plain values."""
    return {
        str(name): (
            coords[name].values.astype(np.float64).tolist(),
            {key: str(value) for key, value in coords[name].attrs.items() if key in ("units", "long_name")},
        )
        for name in frame.pixel_shape
        if name in coords and coords[name].dims == (name,) and coords[name].dtype.kind in "iuf"
    }


def _common_steps(tiles: Sequence[Tile], shape: tuple[int, int]) -> dict[Hashable, xr.Variable]:
    """Return coordinates of a mosaic whose images have one pixel size in one unit, for the scale bar; else none."""
    steps, units = [], set()
    for tile in tiles:
        for name in tile.dims:
            values, attrs = tile.coords.get(name, ([], {}))
            differences = np.abs(np.diff(values))
            if differences.size == 0 or not attrs.get("units") or not np.allclose(differences, differences[0], 1e-3, 0):
                return {}
            steps.append(differences[0])
            units.add(attrs["units"])
    if len(units) != 1 or not np.allclose(steps, steps[0], rtol=1e-3, atol=0) or not steps[0] > 0:
        return {}
    unit = {"units": units.pop()}
    return {
        name: coordinate(name, np.arange(length) * steps[0], unit)
        for name, length in zip((ROW, COLUMN), shape, strict=True)
    }


def _placed(cube: xr.DataArray, order: Array, shape: tuple[int, int]) -> Any:
    """Return the pixels of a stack at their positions in a mosaic, sparse if they are; NaN between the images."""
    held = sparse_pixels_of(cube)
    if held is not None:
        absent = np.ones(prod(shape), bool)
        absent[order] = held.absent if isinstance(held, SparseMap) else False
        rows = held.compressed()
        source = np.full(prod(shape), -1)
        source[order] = np.arange(order.size)
        lengths = np.zeros(prod(shape), np.int64)
        lengths[order] = np.diff(rows.indptr)
        picked = rows[source[source >= 0]]
        empty = type(rows)(
            (picked.data, picked.indices, np.append(0, np.cumsum(lengths))), (prod(shape), rows.shape[1])
        )
        return SparseMap(empty, shape, absent)
    values = cube.values
    kind = values.dtype if values.dtype.kind == "f" else np.result_type(values.dtype, np.float32)
    placed = np.full((prod(shape), *values.shape[1:]), np.nan, kind)
    placed[order] = values
    return placed.reshape(*shape, *values.shape[1:])
