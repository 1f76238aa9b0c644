"""The pixels of a labelled cube as rows of a matrix, read where they are asked for."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Protocol

import numpy as np
import xarray as xr

from mffnb.cubes.lazy_array import pieces_of
from mffnb.errors import SlowReadingWarning
from mffnb.matrices import FILE_BYTES
from mffnb.matrices.block_products import NATIVE
from mffnb.matrices.reading import read_ahead
from mffnb.typing import Array

# All as float64. A band of a file is a 256th of it, but not so small that a read is not worth its while, ...
_PARTS, _LARGEST_BAND = 256, 8 * FILE_BYTES
# ... and the pieces in which a file is stored are read whole, so long as a layer of them does not take more than this.
_LARGEST_LAYER = 64 * FILE_BYTES
# Reading everything so many times over is worth a word.
_OFTEN = 3


class RowLayout(Protocol):
    """Pixel and channel dimensions of a cube and their masks; see :class:`mffnb.cubes.layout.Layout`."""

    @property
    def pixel_shape(self) -> Mapping[Hashable, int]:
        """Name and length of each pixel dimension."""

    @property
    def channel_shape(self) -> Mapping[Hashable, int]:
        """Name and length of each channel dimension."""

    @property
    def map_shape(self) -> tuple[int, ...]:
        """Lengths of the pixel dimensions."""

    @property
    def pixel_mask(self) -> Array | None:
        """True where a pixel is used, (map shape); None where all are."""

    @property
    def channel_mask(self) -> Array | None:
        """True where a channel is used; None where all are."""


@dataclass(frozen=True, eq=False)
class CubeRows:
    """Used pixels of a cube as rows of a matrix; a lazy cube is read only where asked.

    Parameters
    ----------
    layout
        Which dimensions are pixels, and which pixels and channels are used.
    data
        The cube.
    first
        At which row of the first dimension of the file the cube begins.
    """

    layout: RowLayout
    data: xr.DataArray
    first: int = 0

    @property
    def shape(self) -> tuple[int, int]:
        """Used pixels, used channels."""
        lengths = (self.layout.map_shape, tuple(self.layout.channel_shape.values()))
        masks = (self.layout.pixel_mask, self.layout.channel_mask)
        used = [prod(n) if mask is None else int(mask.sum()) for n, mask in zip(lengths, masks, strict=True)]
        return used[0], used[1]

    @property
    def in_memory(self) -> bool:
        """Whether the values are there already."""
        return in_memory_already(self.data)

    def __getitem__(self, rows: slice) -> Array:
        """Used pixels ``start:stop``, in their own type where products read it as it is, else as float64."""
        layout, start, stop = self.layout, rows.start, rows.stop
        if self._places is not None and stop > start:
            start, stop = int(self._places[start]), int(self._places[stop - 1]) + 1
        try:
            X = self._pixels(self.data.variable, layout.map_shape, start, stop)
        except (OSError, RuntimeError, ValueError) as error:  # HDF5, zarr and codecs raise what they like
            if self.in_memory:
                raise
            raise self._damaged(start, stop, error) from error
        if layout.pixel_mask is not None:
            X = X[layout.pixel_mask.ravel()[start:stop]]
        if layout.channel_mask is not None:
            X = X[:, layout.channel_mask.ravel()]
        return X if X.dtype in NATIVE and X.dtype.isnative else X.astype(np.float64)

    @cached_property
    def limits(self) -> Array:
        """Limits of bands to read, (bands + 1,): pieces in which the file is stored are read whole, and once."""
        shape, channels = self.layout.map_shape, max(1, prod(self.layout.channel_shape.values()))
        band = min(max(8 * prod(shape) * channels // _PARTS, FILE_BYTES), _LARGEST_BAND)
        stored = self._stored_in()
        limits, times = _limits(shape, stored, self.first, band // (8 * channels), _LARGEST_LAYER // (8 * channels))
        if times >= _OFTEN and not self.in_memory and 8 * prod(shape) * channels > _LARGEST_LAYER:
            warnings.warn(
                f"{self._source} is stored in pieces of {' x '.join(map(str, stored))} pixels, so large that each look "
                f"at the data reads it {times} times over: store it in pieces of few rows and all channels",
                SlowReadingWarning,
                stacklevel=2,
            )
        if self._places is not None:
            limits = np.unique(np.searchsorted(self._places, limits))
        return limits

    def bands(self, share: slice = slice(None)) -> Iterator[tuple[int, int, Array]]:
        """Yield (start, stop, rows) for a single look at some of the bands, or at all of them."""
        limits = list(itertools.pairwise(self.limits.tolist()))[share]
        if not self.in_memory:
            return read_ahead(lambda limit: (*limit, self[slice(*limit)]), limits)
        whole = self[0 : self.shape[0]]  # the rows of an array in memory are a view, and cheap
        return ((start, stop, whole[start:stop]) for start, stop in limits)

    @cached_property
    def _places(self) -> Array | None:
        """Where on the map the used pixels are; None where all are used."""
        mask = self.layout.pixel_mask
        return None if mask is None else np.flatnonzero(mask)

    def _pixels(self, data: xr.Variable, shape: tuple[int, ...], start: int, stop: int) -> Array:
        """Pixels ``start:stop`` of a map of that shape, (stop - start, channels): whole rows, and parts of two."""
        first = list(self.layout.pixel_shape)[-len(shape)]
        row = prod(shape[1:])
        top, bottom = -(-start // row), stop // row
        if top > bottom:
            return self._pixels(data.isel({first: bottom}), shape[1:], start - bottom * row, stop - bottom * row)
        parts = []
        if start < top * row:
            parts.append(self._pixels(data.isel({first: top - 1}), shape[1:], start - (top - 1) * row, row))
        if top < bottom or start == stop:
            some = data if (top, bottom) == (0, data.sizes[first]) else data.isel({first: slice(top, bottom)})
            names = [name for name in self.layout.pixel_shape if name in some.dims]
            # Read first: a lazy array that is turned is read element by element.
            values = some.compute().transpose(*names, *self.layout.channel_shape).values
            parts.append(values.reshape((bottom - top) * row, -1))
        if bottom * row < stop:
            parts.append(self._pixels(data.isel({first: bottom}), shape[1:], 0, stop - bottom * row))
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _stored_in(self) -> tuple[int, ...]:
        """Lengths along the pixel dimensions of the pieces in which a file is stored; 1 where nobody says."""
        known = pieces_of(self.data)
        return tuple(min(int(known.get(name, 1)), length) for name, length in self.layout.pixel_shape.items())

    @property
    def _source(self) -> str:
        return str(self.data.attrs.get("source") or "the file")

    def _damaged(self, start: int, stop: int, error: Exception) -> OSError:
        name = next(iter(self.layout.pixel_shape))
        row = prod(self.layout.map_shape[1:])
        first, last = start // row + self.first, (stop - 1) // row + self.first
        return OSError(f"{self._source}: what is stored for rows {first} to {last} of {name!r} cannot be read: {error}")


def _limits(shape: tuple[int, ...], stored: tuple[int, ...], first: int, band: int, most: int) -> tuple[Array, int]:
    """Limits of bands of about ``band`` pixels on a map, and how often they read each piece that is stored.

    Bands end where layers of pieces do, counted from ``first`` rows before the map. Where a layer has more pixels than
    ``most``, or where nothing is stored in layers, bands lie within one row of a map whose rows are long.
    """
    row, height = prod(shape[1:]), stored[0]
    if height * row > most and height > 1 and row <= most:
        few = max(1, most // row)  # as many rows as there may be, though not all of a layer
        return np.append(np.arange(0, shape[0], few) * row, shape[0] * row), -(-height // few)
    if len(shape) > 1 and (row > most or (height == 1 and row > band)):
        inner, times = _limits(shape[1:], stored[1:], 0, band, most)
        starts = (np.arange(shape[0]) * row)[:, None] + inner[:-1]
        return np.append(starts.ravel(), shape[0] * row), times * height
    step = height * max(1, band // (height * row))
    ends = np.arange(step - first % step, shape[0], step)
    return np.concatenate([[0], ends, [shape[0]]]) * row, 1


def in_memory_already(cube: xr.DataArray) -> bool:
    """Whether the values are an array in memory, and not to be computed or read first."""
    return bool(getattr(cube.variable, "_in_memory", True))
