"""A part of a spectral image, small enough that its noise and its components are found within a second."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np

from mffnb.cubes.pixel_rows import CubeRows
from mffnb.graphs import Graph, grid
from mffnb.matrices import in_memory, sparse_if_smaller
from mffnb.protocols.matrix import Matrix
from mffnb.typing import Array, Float64Array
from mffnb.unmixing.image import Prepared

_ENTRIES, _SPARSE_ENTRIES = 2**22, 2**25  # most entries of a sample, and of one that is mostly zeros
_FILLED = 0.1  # largest share of non-zero values of data that are mostly zeros
_EXTREME = (1e-60, 1e60)  # largest values outside of this range are extreme: their squares may overflow
_STRIPS = 8  # strips of rows of the map, so that a sample shows all of its regions


@dataclass(frozen=True, eq=False)
class Sample:
    """Some pixels of an image, in strips of whole rows of the map, with the graph of their neighbours.

    Attributes
    ----------
    values
        The data, (pixels, channels); without missing entries.
    graph
        Nearest-neighbour graph of these pixels.
    share
        Number of these pixels relative to all used pixels.
    gaps
        Share of missing entries before they were left out or filled.
    """

    values: Array
    graph: Graph
    share: float
    gaps: float

    @classmethod
    def of(cls, image: Prepared) -> Sample:
        """Read the sample of a preprocessed image; of a lazy image no other rows are read."""
        rows = CubeRows(image.layout, image.cube, image.layout.first)
        pixels, channels = rows.shape
        few = min(_of(image, rows, _part(pixels, 1, 1024)).astype(bool).mean(), 1.0)
        most = (_SPARSE_ENTRIES if few <= _FILLED else _ENTRIES) // max(1, channels)
        row = prod(image.layout.map_shape[1:])
        if pixels <= most:
            chosen = np.arange(pixels)
        elif row > most // _STRIPS:  # rows of the map are longer than a strip: parts of some rows
            chosen = _part(pixels, _STRIPS, most)
        else:
            chosen = _strips(np.concatenate([[0], image.layout.pixel_ends]), most)
        values = _of(image, rows, chosen)
        mask = image.layout.pixel_mask
        position = chosen if mask is None else np.flatnonzero(mask)[chosen]
        values, kept, gaps = _complete(_moderate(values))
        return cls(values, _graph(position[kept], image.layout.map_shape), len(kept) / pixels, gaps)

    @property
    def matrix(self) -> Matrix:
        """The sample as a matrix, stored sparse if that is smaller."""
        return sparse_if_smaller(in_memory(self.values))

    def blocks(self, pixels: int = 512) -> Iterator[tuple[slice, Float64Array]]:
        """Yield (rows, values as float64) of blocks of pixels."""
        for start in range(0, len(self.values), pixels):
            rows = slice(start, min(start + pixels, len(self.values)))
            yield rows, self.values[rows].astype(np.float64)


def _part(pixels: int, parts: int, most: int) -> Array:
    """Return pixel numbers of evenly spaced runs of pixels, ``most`` at most."""
    length = max(1, min(most, pixels) // parts)
    starts = np.unique(np.linspace(0, pixels - length, parts).astype(int))
    return np.unique((starts[:, None] + np.arange(length)).ravel())


def _strips(ends: Array, most: int) -> Array:
    """Return pixel numbers of evenly spaced strips of rows of the map, ``most`` pixels at most."""
    rows = len(ends) - 1
    wanted = max(1, int(rows * most / max(1, ends[-1])))
    height = max(1, wanted // _STRIPS)
    starts = np.linspace(0, rows - height, max(1, wanted // height)).astype(int)
    chosen = np.unique((starts[:, None] + np.arange(height)).ravel())
    return np.concatenate([np.arange(ends[one], ends[one + 1]) for one in chosen])


def _of(image: Prepared, rows: CubeRows, chosen: Array) -> Array:
    """Read the rows of these pixels in runs of consecutive numbers, multiplied by the scales of the last step."""
    runs = np.split(chosen, np.flatnonzero(np.diff(chosen) != 1) + 1)
    values = np.concatenate([rows[int(run[0]) : int(run[-1]) + 1] for run in runs])
    if image.scales is None:
        return values
    of_rows, of_columns = image.scales
    values = values if of_rows is None else values * of_rows[chosen][:, None]
    return values if of_columns is None else values * of_columns


def _moderate(values: Array) -> Array:
    """Return values whose squares are finite: extreme ones are divided by the largest."""
    if values.dtype.kind != "f" or values.size == 0:
        return values
    largest = float(np.nanmax(np.abs(values)))
    return values if largest == 0 or _EXTREME[0] < largest < _EXTREME[1] else values / largest


def _complete(values: Array) -> tuple[Array, Array, float]:
    """Leave out pixels with gaps, or fill the gaps if most pixels have some; return values, pixel numbers, gap share.

    A gap is filled by the mean of its channel, scaled to the size of the pixel.
    """
    everything = np.arange(len(values))
    if values.dtype.kind != "f":
        return values, everything, 0.0
    missing = np.isnan(values)
    gaps = float(missing.mean())
    whole = np.flatnonzero(~missing.any(axis=1))
    if gaps == 0 or 2 * len(whole) >= len(values):
        return values[whole] if gaps else values, whole, gaps
    mean = np.nan_to_num(np.nanmean(values, axis=0)) if (~missing).any() else np.zeros(values.shape[1])
    size = np.nansum(values, axis=1) / np.maximum((~missing * mean).sum(axis=1), np.finfo(float).tiny)
    return np.where(missing, size[:, None] * mean, values), everything, gaps


def _graph(position: Array, shape: tuple[int, ...]) -> Graph:
    """Return the graph of neighbours of pixels at flat positions on a map; rows that lie apart stay apart."""
    row = prod(shape[1:])
    lines, line = np.unique(position // row, return_inverse=True)
    line += np.concatenate([[0], np.cumsum(np.diff(lines) > 1)])[line]  # an empty row between two strips
    used = np.zeros((int(line[-1]) + 1, row), dtype=bool)
    used[line, position % row] = True
    return grid((len(used), *shape[1:]), used.reshape(len(used), *shape[1:]))
