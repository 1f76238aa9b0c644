"""Pixels of a labelled cube as rows of a matrix, read on demand."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Protocol

import numpy as np
import xarray as xr

from mffnb.cubes.lazy_array import stored_chunks
from mffnb.errors import SlowReadingWarning, warn
from mffnb.matrices import FILE_BYTES
from mffnb.matrices.block_products import NATIVE
from mffnb.matrices.prefetching import read_ahead
from mffnb.typing import Array

# Band sizes, in bytes of values converted to float64. A band is 1/256 of the file, but large enough for an efficient
# read.
_BAND_FRACTION, _LARGEST_BAND = 256, 8 * FILE_BYTES
# A band contains whole layers of chunks of the file, unless a layer is larger than this number of bytes.
_LARGEST_LAYER = 64 * FILE_BYTES
# A warning is issued if each pass over the data reads the file at least this many times.
_REREADS_TO_WARN = 3


class RowLayout(Protocol):
    """Protocol of the dimensions and masks of a cube; see :class:`mffnb.cubes.layout.Layout`."""

    @property
    def pixel_shape(self) -> Mapping[Hashable, int]:
        """Name and length of each pixel dimension of the cube."""

    @property
    def channel_shape(self) -> Mapping[Hashable, int]:
        """Name and length of each channel dimension of the cube."""

    @property
    def map_shape(self) -> tuple[int, ...]:
        """Lengths of the pixel dimensions."""

    @property
    def pixel_mask(self) -> Array | None:
        """Boolean map, True where a pixel is used; None if all pixels are used."""

    @property
    def channel_mask(self) -> Array | None:
        """Boolean array over the channel dimensions, True where a channel is used; None if all channels are used."""


@dataclass(frozen=True, eq=False)
class CubeRows:
    """Used pixels of a cube as rows of a matrix; of a lazy cube only the requested rows are read.

    Parameters
    ----------
    layout
        Layout that tells which dimensions are pixels, and which pixels and channels are used.
    data
        The labelled cube, with or without its values in memory.
    first
        Index along the first dimension of the array in the file at which the cube begins.
    """

    layout: RowLayout
    data: xr.DataArray
    first: int = 0

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of used pixels and of used channels."""
        lengths = (self.layout.map_shape, tuple(self.layout.channel_shape.values()))
        masks = (self.layout.pixel_mask, self.layout.channel_mask)
        used = [prod(n) if mask is None else int(mask.sum()) for n, mask in zip(lengths, masks, strict=True)]
        return used[0], used[1]

    @property
    def in_memory(self) -> bool:
        """Whether the values of the cube are in memory, so that rows need not be read."""
        return is_in_memory(self.data)

    def __getitem__(self, rows: slice) -> Array:
        """Return the used pixels ``start:stop`` as rows, in the stored type if kernels read it, else as float64."""
        layout, start, stop = self.layout, rows.start, rows.stop
        if self._used_positions is not None and stop > start:
            start, stop = int(self._used_positions[start]), int(self._used_positions[stop - 1]) + 1
        try:
            X = self._pixels(self.data.variable, layout.map_shape, start, stop)
        except (OSError, RuntimeError, ValueError) as error:  # HDF5, zarr and codecs raise various types
            if self.in_memory:
                raise
            raise self._read_error(start, stop, error) from error
        if layout.pixel_mask is not None:
            X = X[layout.pixel_mask.ravel()[start:stop]]
        if layout.channel_mask is not None:
            X = X[:, layout.channel_mask.ravel()]
        return X if X.dtype in NATIVE and X.dtype.isnative else X.astype(np.float64)

    def all_pixels(self) -> Array:
        """Return all pixels and channels of a cube in memory, masked ones as well: a view where NumPy can make one."""
        shape = self.layout.map_shape
        return self._pixels(self.data.variable, shape, 0, prod(shape))

    @cached_property
    def limits(self) -> Array:
        """Limits of the bands of rows, (bands + 1,), chosen such that each chunk of the file is read once."""
        shape, channels = self.layout.map_shape, max(1, prod(self.layout.channel_shape.values()))
        band = min(max(8 * prod(shape) * channels // _BAND_FRACTION, FILE_BYTES), _LARGEST_BAND)
        stored = self._chunk_lengths()
        limits, times = _band_limits(
            shape, stored, self.first, band // (8 * channels), _LARGEST_LAYER // (8 * channels)
        )
        if times >= _REREADS_TO_WARN and not self.in_memory and 8 * prod(shape) * channels > _LARGEST_LAYER:
            warn(
                f"{self._source} is stored in chunks of {' x '.join(map(str, stored))} pixels, so large that each "
                f"pass over the data reads it {times} times: store it in chunks of few rows and all channels",
                SlowReadingWarning,
            )
        if self._used_positions is not None:
            limits = np.unique(np.searchsorted(self._used_positions, limits))
        return limits

    def bands(self, share: slice = slice(None)) -> Iterator[tuple[int, int, Array]]:
        """Yield (start, stop, rows) of each band of rows, or only of the bands that the slice ``share`` selects."""
        limits = list(itertools.pairwise(self.limits.tolist()))[share]
        if not self.in_memory:
            return read_ahead(lambda limit: (*limit, self[slice(*limit)]), limits)
        if self.layout.pixel_mask is not None or self.layout.channel_mask is not None:
            return ((start, stop, self[start:stop]) for start, stop in limits)  # a mask copies what it selects
        whole = self[0 : self.shape[0]]  # rows of an array in memory are a view
        return ((start, stop, whole[start:stop]) for start, stop in limits)

    @cached_property
    def _used_positions(self) -> Array | None:
        """Flat indices of the used pixels on the map, ascending; None if all pixels are used."""
        mask = self.layout.pixel_mask
        return None if mask is None else np.flatnonzero(mask)

    def _pixels(self, data: xr.Variable, shape: tuple[int, ...], start: int, stop: int) -> Array:
        """Read pixels ``start:stop`` of a map of this shape, (stop - start, channels), not only whole rows."""
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
            # Values are read before they are transposed, because a transposed lazy array would be read element by
            # element. Values in memory are used as they are: compute imports dask.
            values = (some if self.in_memory else some.compute()).transpose(*names, *self.layout.channel_shape).values
            parts.append(values.reshape((bottom - top) * row, -1))
        if bottom * row < stop:
            parts.append(self._pixels(data.isel({first: bottom}), shape[1:], 0, stop - bottom * row))
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _chunk_lengths(self) -> tuple[int, ...]:
        """Chunk lengths of the file along each pixel dimension; 1 where they are unknown."""
        known = stored_chunks(self.data)
        return tuple(min(int(known.get(name, 1)), length) for name, length in self.layout.pixel_shape.items())

    @property
    def _source(self) -> str:
        """Name of the file that holds the cube, for messages."""
        return str(self.data.attrs.get("source") or "the file")

    def _read_error(self, start: int, stop: int, error: Exception) -> OSError:
        """Return the error to raise for rows ``start:stop`` that cannot be read."""
        name = next(iter(self.layout.pixel_shape))
        row = prod(self.layout.map_shape[1:])
        first, last = start // row + self.first, (stop - 1) // row + self.first
        return OSError(f"{self._source}: rows {first} to {last} of {name!r} cannot be read: {error}")


def _band_limits(
    shape: tuple[int, ...], stored: tuple[int, ...], first: int, band: int, most: int
) -> tuple[Array, int]:
    """Compute the limits of the groups of pixels in which a file is read, and how often they read each stored chunk.

    A group (band) has about ``band`` pixels. It ends where chunks of the file end, so that no chunk is read twice; the
    map begins ``first`` rows below the first row of the file. If the rows that one layer of chunks covers have more
    pixels than ``most``, or if there are no chunks and rows are long, a band lies within one row of the map.
    """
    row, height = prod(shape[1:]), stored[0]
    if height * row > most and height > 1 and row <= most:
        few = max(1, most // row)  # map rows that ``most`` pixels allow, fewer than a layer of chunks has
        return np.append(np.arange(0, shape[0], few) * row, shape[0] * row), -(-height // few)
    if len(shape) > 1 and (row > most or (height == 1 and row > band)):
        inner, times = _band_limits(shape[1:], stored[1:], 0, band, most)
        starts = (np.arange(shape[0]) * row)[:, None] + inner[:-1]
        return np.append(starts.ravel(), shape[0] * row), times * height
    step = height * max(1, band // (height * row))
    ends = np.arange(step - first % step, shape[0], step)
    return np.concatenate([[0], ends, [shape[0]]]) * row, 1


def is_in_memory(cube: xr.DataArray) -> bool:
    """Return whether the values of a cube are in memory, so that they need no reading or computing."""
    return bool(getattr(cube.variable, "_in_memory", True))
