"""The pixels of a labelled cube as rows of a matrix, read where they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from mffnb.matrices.block_products import NATIVE
from mffnb.typing import Array

if TYPE_CHECKING:
    from mffnb.layout import Layout

_SCAN_BYTES = 8 * 2**20


@dataclass(frozen=True, eq=False)
class CubeRows:
    """Used pixels of a cube as rows of a matrix; a lazy cube is read only where asked."""

    layout: Layout
    data: xr.DataArray

    @property
    def shape(self) -> tuple[int, int]:
        """Used pixels, used channels."""
        lengths = (self.layout.map_shape, tuple(self.layout.channel_shape.values()))
        masks = (self.layout.pixel_mask, self.layout.channel_mask)
        used = [prod(n) if mask is None else int(mask.sum()) for n, mask in zip(lengths, masks, strict=True)]
        return used[0], used[1]

    def __getitem__(self, rows: slice) -> Array:
        """Used pixels ``start:stop``, in their own type where products read it as it is, else as float64."""
        layout, start, stop = self.layout, rows.start, rows.stop
        first, length = next(iter(layout.pixel_shape.items()))
        row = prod(layout.map_shape[1:])
        ends = np.arange(1, length + 1) * row
        if layout.pixel_mask is not None:
            ends = np.cumsum(layout.pixel_mask.reshape(length, -1).sum(axis=1))
        # Whole rows of the map that contain the wanted pixels, and what of them is wanted.
        top, bottom = np.searchsorted(ends, [start, stop - 1], side="right") if stop > start else (0, -1)
        part = self.data if (top, bottom) == (0, length - 1) else self.data.isel({first: slice(top, bottom + 1)})
        ordered = part.transpose(*layout.pixel_shape, *layout.channel_shape)
        X = ordered.values.reshape((bottom + 1 - top) * row, -1)
        before = int(ends[top - 1]) if top else 0
        if layout.pixel_mask is not None:
            X = X[layout.pixel_mask.reshape(length, -1)[top : bottom + 1].ravel()]
        X = X[start - before : stop - before]
        if layout.channel_mask is not None:
            X = X[:, layout.channel_mask.ravel()]
        return X if X.dtype in NATIVE and X.dtype.isnative else X.astype(np.float64)


def in_memory_already(cube: xr.DataArray) -> bool:
    """Whether the values are an array in memory, and not to be computed or read first."""
    return bool(getattr(cube.variable, "_in_memory", True))


def scanned(rows: CubeRows) -> Iterator[tuple[int, int, Array]]:
    """Yield (start, stop, rows) for a single look at all of them."""
    step = max(1, _SCAN_BYTES // (8 * max(1, rows.shape[1])))
    # The rows of an array in memory are a view, and cheap; a lazy cube is read in pieces.
    whole = rows[0 : rows.shape[0]] if in_memory_already(rows.data) else rows
    for start in range(0, rows.shape[0], step):
        stop = min(start + step, rows.shape[0])
        yield start, stop, whole[start:stop]
