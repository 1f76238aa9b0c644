"""Layout of a labelled cube: conversion to a matrix (pixels, channels), and of factors to labelled maps and spectra."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.align import Frame, align, expand, labelled_spectra
from mffnb.cubes.data_array import coordinate, data_array
from mffnb.cubes.masks import aligned_masks, cumulative_used, exclude_missing, insert_masked
from mffnb.cubes.missing import check_infinite, count_missing
from mffnb.cubes.pixel_rows import CubeRows, is_in_memory
from mffnb.cubes.sparse_map import SparseMap
from mffnb.cubes.sparse_pixels import sparse_pixels_of
from mffnb.cubes.stacked_images import IMAGE, TILES, image_numbers, shapes_of_images
from mffnb.cubes.step_weights import step_weights
from mffnb.cubes.tiles import graph_of_tiles
from mffnb.graphs import Graph, bands, disjoint, grid
from mffnb.matrices import Chunked, Gathered, Partial, Selection, Sparse, in_memory, selected
from mffnb.protocols.communicator import SINGLE, Communicator
from mffnb.protocols.matrix import Matrix
from mffnb.typing import Array, Float64Array


@dataclass(frozen=True, eq=False)
class Layout:
    """Pixel and channel dimensions of a cube, their masks and coordinates; aligns labelled data with the matrix.

    Build it with :meth:`of`.

    Attributes
    ----------
    pixel_shape, channel_shape
        Length of each pixel dimension and of each channel dimension, by name.
    pixel_mask, channel_mask
        Boolean arrays of those shapes, True where a pixel or channel is used; None if all are used.
    coords, name, attrs
        Coordinates, name and attributes of the cube.
    gaps
        Whether single entries are missing among the used pixels and channels.
    first
        Index of the first row in the larger map, if this layout is a section of a map; otherwise 0.
    """

    pixel_shape: dict[Hashable, int]
    channel_shape: dict[Hashable, int]
    pixel_mask: Array | None
    channel_mask: Array | None
    coords: dict[Hashable, xr.Variable]
    name: Hashable | None
    attrs: dict[str, Any]
    gaps: bool = False
    first: int = 0

    @classmethod
    def of(
        cls,
        cube: xr.DataArray,
        channel: str | Sequence[Hashable] | None = None,
        mask: Any = None,
        communicator: Communicator = SINGLE,
    ) -> Layout:
        """Determine which dimensions of a cube are pixels and channels, and which of these are used.

        Parameters
        ----------
        cube
            Labelled spectral image.
        channel
            Name(s) of the channel dimension(s); if None, those that the reader of the file set, or the last dimension
            if it set none.
        mask
            True where data are to be used: an array over the pixel or over the channel dimensions, or a list of both.
            Pixels and channels that hold only NaN are masked as well.
        communicator
            MPI communicator whose ranks have the same cube: each rank counts missing values in a part of it.

        Raises
        ------
        ValueError
            On all ranks, for unknown names, masks of the wrong shape, and infinite values.
        """
        frame = frame_of(cube, channel_names(cube, channel))
        if not frame.pixel_shape:
            raise ValueError(f"channel={channel!r} leaves no pixel dimension of {cube.dims}")
        layout = cls(
            pixel_shape=dict(frame.pixel_shape),
            channel_shape=dict(frame.channel_shape),
            pixel_mask=None,
            channel_mask=None,
            coords=dict(frame.coords),
            name=cube.name,
            attrs=dict(cube.attrs),
        )
        return layout._with_masks(mask)._without_missing(cube, communicator)

    @property
    def map_shape(self) -> tuple[int, ...]:
        """Lengths of the pixel dimensions."""
        return tuple(self.pixel_shape.values())

    @property
    def template(self) -> xr.DataArray:
        """A cube of zeros with these dimensions, coordinates and attributes, which needs no memory."""
        shape = {**self.pixel_shape, **self.channel_shape}
        zeros = np.broadcast_to(np.float32(0), tuple(shape.values()))
        return data_array(zeros, tuple(shape), self.coords, attrs=self.attrs)

    @cached_property
    def graph(self) -> Graph:
        """Nearest-neighbour graph of the used pixels; of stacked images, without an edge between two images."""
        mark = self.coords.get(IMAGE)
        if mark is not None and TILES in mark.attrs:
            return graph_of_tiles(mark, self.pixel_mask)
        shapes = shapes_of_images(self.coords)
        if not shapes:
            return grid(self.map_shape, self.pixel_mask)
        ends = np.cumsum([prod(shape) for shape in shapes])[:-1]
        masks = [None] * len(shapes) if self.pixel_mask is None else np.split(self.pixel_mask, ends)
        return disjoint([grid(shape, mask) for shape, mask in zip(shapes, masks, strict=True)])

    def graph_along(self, along: Mapping[str, float]) -> Graph:
        """Return the graph of the used pixels with edges along some dimensions only, see :func:`step_weights`."""
        return grid(self.map_shape, self.pixel_mask, self.steps_along(along))

    def steps_along(self, along: Mapping[str, float]) -> list[Float64Array]:
        """Return the edge weight of each step along each pixel dimension, see :func:`step_weights`."""
        if image_numbers(self.coords) is not None:
            raise ValueError(
                f"along={dict(along)} names dimensions of one image, and this is a list of images: unmix each of them "
                "alone, or use smoothness="
            )
        return step_weights(self.pixel_shape, self.coords, along)

    @cached_property
    def bands(self) -> Array:
        """Limits of the bands (groups of whole rows of a map) into which the pixel graph is divided."""
        if image_numbers(self.coords) is not None:
            return self.graph.bands
        return bands(self.map_shape, self.pixel_mask)

    def matrix(self, cube: xr.DataArray) -> Matrix:
        """Return the data matrix X (used pixels, used channels): a view if possible, lazy bands, or a sparse matrix.

        Of a large cube in memory, masked pixels and channels are left out block by block, without a copy.
        """
        rows, held = CubeRows(self, cube, self.first), is_in_memory(cube)
        if self.gaps and not held:
            raise ValueError("a cube with missing entries has to be in memory: load it first, cube.load()")
        of_pixels, of_channels = (None if one is None else one.ravel() for one in (self.pixel_mask, self.channel_mask))
        if not self.gaps and (pixels := sparse_pixels_of(cube)) is not None:
            counts = pixels.compressed()
            counts = counts if of_pixels is None else counts[of_pixels]
            return Sparse(counts if of_channels is None else counts[:, of_channels])
        if not held:
            return Chunked(rows, rows.limits)
        some = selected(rows.all_pixels(), of_pixels, of_channels)
        if self.gaps:
            return Partial(some)
        return Gathered(some) if isinstance(some, Selection) else in_memory(some)

    def section(self, start: int, stop: int) -> Layout:
        """Return the layout of a section of the map: rows ``start:stop`` of the first pixel dimension."""
        first = next(iter(self.pixel_shape))
        coords = {
            name: variable.isel({first: slice(start, stop)}) if first in variable.dims else variable
            for name, variable in self.coords.items()
        }
        mask = None if self.pixel_mask is None else self.pixel_mask[start:stop]
        shape = {**self.pixel_shape, first: stop - start}
        return replace(self, pixel_shape=shape, pixel_mask=mask, coords=coords, first=self.first + start)

    def channel_section(self, start: int, stop: int) -> Layout:
        """Return the layout of a section of the spectra: indices ``start:stop`` of the first channel dimension."""
        first = next(iter(self.channel_shape))
        coords = {
            name: variable.isel({first: slice(start, stop)}) if first in variable.dims else variable
            for name, variable in self.coords.items()
        }
        mask = None if self.channel_mask is None else self.channel_mask[start:stop]
        return replace(
            self, channel_shape={**self.channel_shape, first: stop - start}, channel_mask=mask, coords=coords
        )

    @property
    def pixel_ends(self) -> Array:
        """Cumulative number of used pixels at the end of each row of the first pixel dimension."""
        return cumulative_used(self.map_shape, self.pixel_mask)

    @property
    def channel_ends(self) -> Array:
        """Cumulative number of used channels at the end of each row of the first channel dimension."""
        return cumulative_used(tuple(self.channel_shape.values()), self.channel_mask)

    def cube(self, X: Array) -> xr.DataArray:
        """Return the labelled cube of a matrix (used pixels, used channels), with NaN elsewhere."""
        values = insert_masked(insert_masked(X, self.channel_mask).T, self.pixel_mask).T
        return self._labelled(values, {**self.pixel_shape, **self.channel_shape}, name=self.name, attrs=self.attrs)

    def abundances(self, factor: Array) -> xr.DataArray:
        """Return labelled maps ("component", pixel dims) of A (k, used pixels), with NaN where masked."""
        values = insert_masked(factor, self.pixel_mask)
        return self._labelled(values, {"component": len(factor), **self.pixel_shape}, name="abundance")

    def map(self, values: Array, name: str) -> xr.DataArray:
        """Return a labelled map (pixel dims) of one value per used pixel, with NaN where masked."""
        return self._labelled(insert_masked(values[None], self.pixel_mask), dict(self.pixel_shape), name=name)

    def endmembers(self, factor: Array) -> xr.DataArray:
        """Return labelled spectra ("component", channel dims) of E (k, used channels), in the units of the cube."""
        attrs = {key: value for key, value in self.attrs.items() if key in ("units", "long_name")}
        values = insert_masked(factor, self.channel_mask)
        return self._labelled(values, {"component": len(factor), **self.channel_shape}, name="endmember", attrs=attrs)

    @property
    def frame(self) -> Frame:
        """Dimensions and coordinates to which other arrays are aligned."""
        return Frame(self.pixel_shape, self.channel_shape, self.coords)

    def aligned(self, values: Any, what: str) -> xr.Variable:
        """Align an array over the pixels, the channels or the whole cube with the dimensions of the cube.

        Raises
        ------
        ValueError
            If labels or shape do not fit, or fit in two ways.
        """
        frame = self.frame
        readings = [frame.pixels(), frame.channels(), (*frame.pixels(), *frame.channels())]
        return align(values, frame, what, readings)

    def rows(self, values: Any, what: str) -> Array:
        """Align values with the matrix: to (pixels, 1), (1, channels), or (pixels, channels) if they vary along both.

        Parameters
        ----------
        values
            An array with the axes of the cube in their order, or a labelled array with dimensions of the cube.
        what
            Name of the values in error messages.
        """
        found = self.aligned(values, what)
        of_pixels = None if self.pixel_mask is None else self.pixel_mask.ravel()
        of_channels = None if self.channel_mask is None else self.channel_mask.ravel()
        along_pixels = bool(set(found.dims) & set(self.pixel_shape))
        along_channels = bool(set(found.dims) & set(self.channel_shape))
        shape = (self.pixel_shape if along_pixels else {}) | (self.channel_shape if along_channels else {})
        array: Array = expand(found, shape).values
        array = array.reshape(prod(self.map_shape) if along_pixels else 1, -1)
        array = array if of_pixels is None or not along_pixels else array[of_pixels]
        return array if of_channels is None or not along_channels else array[:, of_channels]

    def pixel_values(self, values: Any, what: str) -> Array:
        """Align values over the pixels with the map and return them in its order, (all pixels,).

        Raises
        ------
        ValueError
            If labels or shape do not fit the pixel dimensions.
        """
        found = align(values, self.frame, what, [self.frame.pixels()])
        other = next((name for name in found.dims if name not in self.pixel_shape), None)
        if other is not None:
            raise ValueError(
                f"{what} varies along {other!r}, and it needs one value for each pixel: drop that dimension"
            )
        array: Array = expand(found, self.pixel_shape).values.ravel()
        return array

    def spectra(self, values: Any, what: str = "known endmembers") -> Array:
        """Return given spectra at the used channels of the cube, (spectra, used channels).

        Raises
        ------
        ValueError
            If the spectra are sampled at other coordinates than the cube.
        """
        array = labelled_spectra(values, self.frame, what).values.reshape(-1, prod(self.channel_shape.values()))
        return array if self.channel_mask is None else array[:, self.channel_mask.ravel()]

    def _labelled(
        self,
        values: Array,
        shape: Mapping[Hashable, int],
        name: Hashable | None,
        attrs: Mapping[str, Any] | None = None,
    ) -> xr.DataArray:
        """Return an array as a DataArray with the coordinates of the cube for its dimensions."""
        coords: dict[Hashable, xr.Variable] = {
            key: variable for key, variable in self.coords.items() if set(variable.dims) <= set(shape)
        }
        if "component" in shape:
            coords["component"] = coordinate("component", np.arange(shape["component"]))
        values = values.reshape(tuple(shape.values()))
        return data_array(values, tuple(shape), coords, name, attrs)

    def _with_masks(self, mask: Any) -> Layout:
        """Return the layout with the user's masks applied, each aligned with the pixels or with the channels.

        A mask that uses everything becomes None, because selection by a mask copies the data.
        """
        masks = (None if one is None or one.all() else one for one in aligned_masks(mask, self.frame))
        pixels, channels = masks
        return replace(self, pixel_mask=pixels, channel_mask=channels)._checked()

    def _without_missing(self, cube: xr.DataArray, communicator: Communicator) -> Layout:
        """Return the layout without pixels and channels that hold only NaN; other NaN set its attribute ``gaps``.

        Infinite values raise an error.
        """
        if cube.dtype.kind != "f":
            return self
        rows = CubeRows(self, cube, self.first)
        infinite, in_pixel, in_channel = count_missing(rows, communicator)
        check_infinite(infinite)
        if not in_pixel.any():
            return self
        no_pixel = in_pixel == rows.shape[1]
        no_channel = in_channel - no_pixel.sum() == (~no_pixel).sum()
        single = int(in_pixel.sum()) - no_pixel.sum() * rows.shape[1] - no_channel.sum() * (~no_pixel).sum()
        layout = replace(self, gaps=single > 0)
        if no_pixel.any():
            layout = replace(layout, pixel_mask=exclude_missing(self.pixel_mask, no_pixel, self.map_shape))
        if no_channel.any():
            channel_shape = tuple(self.channel_shape.values())
            layout = replace(layout, channel_mask=exclude_missing(self.channel_mask, no_channel, channel_shape))
        return layout._checked()

    def _checked(self) -> Layout:
        """Return the layout; raise ValueError if no pixel or no channel is used."""
        for name, mask in (("pixel", self.pixel_mask), ("channel", self.channel_mask)):
            if mask is not None and not mask.any():
                raise ValueError(f"no {name} is left: all are masked or missing (a mask is True where data are used)")
        return self


def channel_names(cube: xr.DataArray, channel: str | Sequence[Hashable] | None) -> tuple[Hashable, ...]:
    """Return the channel dimensions: the given names; if None, those that a reader set, or the last dimension."""
    if channel is None:
        several = cube.attrs.get("channel")
        return tuple(several) if isinstance(several, list) and set(several) < set(cube.dims) else (cube.dims[-1],)
    names = (channel,) if isinstance(channel, str) else tuple(channel)
    unknown = [name for name in names if name not in cube.dims]
    if unknown:
        raise ValueError(f"channel={unknown[0]!r} is not a dimension of the cube: it has {cube.dims}")
    if len({*names}) < len(names):
        raise ValueError(f"channel={names} names a dimension twice: name each one once")
    return names


def frame_of(cube: xr.DataArray, channels: Sequence[Hashable]) -> Frame:
    """Return the dimensions and coordinates of a cube with these channel dimensions; all others are pixels."""
    return Frame(
        {name: cube.sizes[name] for name in cube.dims if name not in channels},
        {name: cube.sizes[name] for name in channels},
        {name: coordinate.variable for name, coordinate in cube.coords.items()},
    )


def without_masked(cube: xr.DataArray, masks: tuple[Array | None, Array | None], frame: Frame) -> xr.DataArray:
    """Return the cube with NaN for masked pixels and channels; the cube itself if all are used."""
    for mask, shape in zip(masks, (frame.pixel_shape, frame.channel_shape), strict=True):
        if mask is not None:
            used, held = xr.DataArray(mask, dims=tuple(shape)), sparse_pixels_of(cube)
            if isinstance(held, SparseMap) and used.dims == cube.dims[:-1]:
                stored = cube.encoding.get("dtype", cube.dtype)
                cube = cube.copy(data=held.without(~mask.ravel()))
                cube.encoding = {**cube.encoding, "dtype": stored}
            else:
                cube = _with_nan(cube, used)
    return cube


def _with_nan(cube: xr.DataArray, used: xr.DataArray) -> xr.DataArray:
    """Return the cube with NaN where it is not used; ``encoding`` keeps the type of whole numbers."""
    stored = cube.encoding.get("dtype", cube.dtype)
    floating = cube if cube.dtype.kind == "f" else cube.astype(np.float64)
    masked: xr.DataArray = floating.where(used)
    masked.encoding = {**masked.encoding, "dtype": stored}
    return masked
