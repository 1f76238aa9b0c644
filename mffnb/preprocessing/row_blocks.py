"""Sums and elementwise functions of large cubes in blocks of rows: xarray makes copies of the whole cube for each."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import reduce
from itertools import chain
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.pixel_rows import is_in_memory
from mffnb.cubes.sparse_map import SparseMap
from mffnb.cubes.sparse_pixels import SparsePixels, sparse_pixels_of

#: Smaller cubes are processed as a whole. A block of a larger one has about so many bytes.
LARGE_BYTES = 2**28
_BLOCK_BYTES = 2**23

Positions = Mapping[Hashable, slice]


def row_blocks(cube: xr.DataArray, dim: Hashable) -> Iterator[Positions]:
    """Yield the positions of blocks along one dimension; all of them at once for a small or a lazy cube."""
    length = cube.sizes[dim]
    if not is_in_memory(cube) or cube.nbytes <= LARGE_BYTES:
        yield {dim: slice(0, length)}
        return
    step = max(1, _BLOCK_BYTES * length // cube.nbytes)
    for start in range(0, length, step):
        yield {dim: slice(start, min(start + step, length))}


def elementwise(cube: xr.DataArray, function: Callable[[xr.DataArray, Positions], xr.DataArray]) -> xr.DataArray:
    """Apply a function that keeps the grid to a cube, block by block.

    Parameters
    ----------
    cube
        Labelled data; not modified.
    function
        Called with a block of the cube and its position; returns a block with the same dimensions.
    """
    blocks = row_blocks(cube, cube.dims[0]) if cube.dims else iter([{}])
    first = next(blocks)
    part = function(cube.isel(first), first)
    if part.shape == cube.shape:
        return part
    values = np.empty(cube.shape, part.dtype)
    for block in chain([first], blocks):
        part = function(cube.isel(block), block)
        values[block[cube.dims[0]]] = part.values
    whole = cube.copy(data=values)
    whole.attrs = part.attrs
    return whole


def per_pixel(
    cube: xr.DataArray, channel: tuple[Hashable, ...], function: Callable[[xr.DataArray], xr.DataArray]
) -> xr.DataArray:
    """Return a function of each pixel, such as its sum over channels, computed block by block."""
    parts: list[xr.DataArray] = _of_blocks(cube, channel, function)
    if len(parts) == 1:
        return parts[0]
    return xr.concat(parts, _blocked(cube, channel), coords="minimal", compat="override", join="override")


def sums_of_pixels(cube: xr.DataArray, channel: tuple[Hashable, ...], power: int = 1) -> xr.DataArray:
    """Return the sum over channels of each pixel, or of its squares (``power=2``), in float64, ignoring NaN."""
    if (pixels := _sparse(cube, channel)) is not None:
        rows = pixels.compressed()
        number = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
        sums = np.bincount(number, rows.data.astype(np.float64) ** power, minlength=rows.shape[0])
        coords = {name: one for name, one in cube.coords.items() if not set(one.dims) & set(channel)}
        return xr.DataArray(sums.reshape(pixels.shape[:-1]), dims=cube.dims[:-1], coords=coords)
    if power == 1:
        return per_pixel(cube, channel, lambda block: block.sum(list(channel), dtype=np.float64))
    return per_pixel(cube, channel, lambda block: (block.astype(np.float64) ** power).sum(list(channel)))


def over_pixels(
    cube: xr.DataArray,
    channel: tuple[Hashable, ...],
    function: Callable[[xr.DataArray], xr.DataArray],
    combine: Callable[[Any, Any], Any],
) -> xr.DataArray:
    """Return a function of all pixels, such as their sum; ``combine`` joins the values of two blocks."""
    found: xr.DataArray = reduce(combine, _of_blocks(cube, channel, function))
    return found


def mean_over_pixels(cube: xr.DataArray, channel: tuple[Hashable, ...]) -> xr.DataArray:
    """Return the mean spectrum in float64, ignoring NaN."""
    over = [name for name in cube.dims if name not in channel]
    if (pixels := _sparse(cube, channel)) is not None:
        rows = pixels.compressed()
        measured = rows.shape[0] - int(pixels.absent.sum() if isinstance(pixels, SparseMap) else 0)
        means = np.asarray(rows.sum(axis=0, dtype=np.float64)).ravel() / max(measured, 1)
        coords = {name: one for name, one in cube.coords.items() if set(one.dims) <= set(channel) and one.dims}
        return xr.DataArray(means, dims=channel, coords=coords)
    if len(list(row_blocks(cube, _blocked(cube, channel)))) == 1:
        return cube.mean(over, dtype=np.float64)

    def sums(part: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
        return part.sum(over, dtype=np.float64), part.count(over)

    parts = _of_blocks(cube, channel, sums)
    total, count = (reduce(lambda one, other: one + other, some) for some in zip(*parts, strict=True))
    mean: xr.DataArray = total / count.where(count > 0)
    return mean


def count_infinite(cube: xr.DataArray) -> int:
    """Return the number of infinite values of a cube."""
    if cube.dtype.kind != "f":
        return 0
    if (pixels := sparse_pixels_of(cube)) is not None:
        return int(np.isinf(pixels.compressed().data).sum())
    return int(over_pixels(cube, (), lambda part: np.isinf(part).sum(), lambda one, other: one + other))


def smallest(cube: xr.DataArray) -> float:
    """Return the smallest value that is not NaN; NaN if there is none."""
    if (pixels := sparse_pixels_of(cube)) is not None:
        return float(pixels.compressed().data.min(initial=0))  # entries that are not stored are zero
    return float(over_pixels(cube, (), lambda part: part.min().compute(), np.fmin))


def _sparse(cube: xr.DataArray, channel: tuple[Hashable, ...]) -> SparseMap | SparsePixels | None:
    """Return the sparse pixels that a cube wraps, if its last dimension is the only channel; None for other cubes."""
    return sparse_pixels_of(cube) if channel == cube.dims[-1:] else None


def _of_blocks(cube: xr.DataArray, channel: tuple[Hashable, ...], function: Callable[[xr.DataArray], Any]) -> list[Any]:
    blocks = list(row_blocks(cube, _blocked(cube, channel)))
    return [function(cube if len(blocks) == 1 else cube.isel(block)) for block in blocks]


def _blocked(cube: xr.DataArray, channel: tuple[Hashable, ...]) -> Hashable:
    """Return the dimension along which blocks are taken: the first one that is not a channel."""
    return next((name for name in cube.dims if name not in channel), cube.dims[0])
