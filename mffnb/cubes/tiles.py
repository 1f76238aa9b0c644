"""Tiles of a mosaic: where each of several images lies in the rows and columns of one picture."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import xarray as xr

from mffnb.cubes.data_array import coordinate, data_array
from mffnb.cubes.stacked_images import IMAGE, NOTE, TILES
from mffnb.graphs import Graph, bands, disjoint, grid
from mffnb.typing import Array

ROW, COLUMN = "row", "column"
"""Pixel dimensions of a mosaic."""


@dataclass(frozen=True)
class Tile:
    """Position of one image in a mosaic, with the pixel dimensions and coordinates of the image.

    Attributes
    ----------
    name
        Name of the image.
    top, left, height, width
        Its rows and columns in the mosaic; a line of pixels has the height 1.
    dims
        Its pixel dimensions.
    coords
        Values and attributes of the coordinate of each pixel dimension that has one.
    """

    name: str
    top: int
    left: int
    height: int
    width: int
    dims: tuple[str, ...]
    coords: Mapping[str, tuple[list[float], dict[str, str]]]

    @property
    def area(self) -> dict[Hashable, slice]:
        """Its rows and columns, for ``DataArray.isel``."""
        return {ROW: slice(self.top, self.top + self.height), COLUMN: slice(self.left, self.left + self.width)}

    def variable(self, array: xr.Variable) -> xr.Variable:
        """Return the part of an array over the mosaic that is this image, in the dimensions of the image."""
        there = {name: part for name, part in self.area.items() if name in array.dims}
        part = array.isel(there)
        if len(self.dims) == 1 and ROW in part.dims:
            part = part.isel({ROW: 0})
        names: dict[Hashable, Hashable] = {ROW: self.dims[0], COLUMN: self.dims[-1]}
        return xr.Variable([names.get(name, name) for name in part.dims], part.data, part.attrs)

    def part(self, array: xr.DataArray) -> xr.DataArray:
        """Return the part of a labelled array over the mosaic that is this image, with its own coordinates."""
        kept = {name: one.variable for name, one in array.coords.items() if not {*one.dims} & {ROW, COLUMN}}
        for name, (values, attrs) in self.coords.items():
            kept[name] = coordinate(name, np.array(values), attrs)
        found = self.variable(array.variable)
        return data_array(found.data, found.dims, kept, array.name, array.attrs)

    def pixel(self, position: Mapping[str, float]) -> tuple[int, int]:
        """Return row and column in the mosaic of the pixel of this image that is nearest to a position.

        Raises
        ------
        ValueError
            If a dimension is missing or unknown, or the position lies outside of the image.
        """
        if {*position} != {*self.dims}:
            wanted = " and ".join(f"{name}=" for name in self.dims)
            raise ValueError(f"give a position for each pixel dimension of image {self.name!r}, {wanted}")
        found = [self._nearest(name, position[name]) for name in self.dims]
        row, column = (0, *found)[-2:]
        return self.top + row, self.left + column

    def axis(self, name: str) -> Array:
        """Return the coordinate of a pixel dimension, or pixel numbers."""
        length = self.width if name == self.dims[-1] else self.height
        return np.array(self.coords[name][0]) if name in self.coords else np.arange(float(length))

    def _nearest(self, name: str, value: float) -> int:
        axis = self.axis(name)
        index, steps = int(np.argmin(np.abs(axis - value))), np.abs(np.diff(axis))
        if not abs(axis[index] - value) <= steps.max(initial=1.0 if steps.size == 0 else 0.0):
            raise ValueError(
                f"{name}={value:g} lies outside of image {self.name!r}, which has {name} from {axis.min():g} to "
                f"{axis.max():g}"
            )
        return index


def tiles_of(array: xr.DataArray) -> tuple[Tile, ...]:
    """Return the positions of the images of a mosaic; () for an array that is none."""
    mark = array.coords.get(IMAGE)
    return () if mark is None or TILES not in mark.attrs else _parsed(mark.attrs[TILES])


def note_of(array: xr.DataArray) -> str:
    """Return the sentence on channels that were left out of a mosaic; "" if there are none."""
    mark = array.coords.get(IMAGE)
    return "" if mark is None else str(mark.attrs.get(NOTE, ""))


@lru_cache(maxsize=8)
def _parsed(text: str) -> tuple[Tile, ...]:
    """Return the tiles that an attribute holds; cached, because tools read them for each position of the pointer."""
    return tuple(
        Tile(**{**one, "dims": tuple(one["dims"]), "coords": {n: (v, a) for n, (v, a) in one["coords"].items()}})
        for one in json.loads(text)
    )


def order_of(tiles: Sequence[Tile], shape: tuple[int, int]) -> Array:
    """Return the index in a mosaic of this shape, row by row, of each pixel of the stacked images."""
    index = np.arange(shape[0] * shape[1]).reshape(shape)
    return np.concatenate([index[tuple(one.area.values())].ravel() for one in tiles])


def tile_named(tiles: Sequence[Tile], image: int | str) -> Tile:
    """Return the tile of an image, by its number or its name.

    Raises
    ------
    ValueError
        If there is no such image.
    """
    names = [one.name for one in tiles]
    if isinstance(image, str) and image in names:
        return tiles[names.index(image)]
    if not isinstance(image, str) and -len(tiles) <= image < len(tiles):
        return tiles[image]
    if not tiles:
        raise ValueError(f"image={image!r} selects one of several images, and this explorer shows one: leave it out")
    raise ValueError(f"there is no image {image!r}: the names are {', '.join(names)}")


def graph_of_tiles(mark: xr.Variable, mask: Array | None) -> Graph:
    """Return the graph of the used pixels of a mosaic, row by row: that of each image, without an edge between them.

    Parameters
    ----------
    mark
        The coordinate "image" of the mosaic.
    mask
        True where a pixel is used; None for all pixels of the images.

    Raises
    ------
    ValueError
        If pixels were removed or merged, so that the neighbours of a pixel are not known.
    """
    tiles, shape = _parsed(mark.attrs[TILES]), mark.shape
    owner = np.repeat(np.arange(len(tiles)), [one.height * one.width for one in tiles])
    order = order_of(tiles, (shape[0], shape[1])) if _fits(tiles, shape) else np.empty(0, int)
    if order.size == 0 or not np.array_equal(mark.values.ravel()[order], owner):
        raise ValueError(
            "pixels of several images were removed or merged, so their neighbours are not known: crop or bin each "
            "image before they are explored together"
        )
    used = mark.values >= 0 if mask is None else mask & (mark.values >= 0)
    shapes = [(one.width,) if len(one.dims) == 1 else (one.height, one.width) for one in tiles]
    masks = [used[tuple(one.area.values())] for one in tiles]
    graphs = [grid(own, one.reshape(own)) for own, one in zip(shapes, masks, strict=True) if one.any()]
    return disjoint(graphs).reordered(np.argsort(order[used.ravel()[order]]), bands(shape, used))


def _fits(tiles: Sequence[Tile], shape: tuple[int, ...]) -> bool:
    """Whether all tiles lie inside of a picture."""
    return all(one.top + one.height <= shape[0] and one.left + one.width <= shape[1] for one in tiles)
