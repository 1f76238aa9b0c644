"""Total image of a cube: the sum of each pixel over its channels, of a part of the rows if the cube is large."""

from __future__ import annotations

from math import ceil, prod

import numpy as np
import xarray as xr

from mffnb.cubes.layout import channel_names
from mffnb.cubes.sparse_pixels import sparse_pixels_of
from mffnb.typing import Array

_BLOCK = 1 << 20  # values of a block, which fit into the cache of the processor


def total_image(cube: xr.DataArray, most: int = 1 << 26) -> tuple[xr.DataArray, int]:
    """Return the sum over the channels, and the step between the rows that were read for it.

    Parameters
    ----------
    cube
        Cube (pixel dims, channel dims), lazy or not; missing values count as zero, pixels without any value are NaN.
    most
        Number of values to read at most. Of a larger cube, every n-th row of the first dimension is read and repeated,
        since files are read fastest in whole rows.

    Returns
    -------
    image, step
        Image (pixel dims) of float64 in the units of the cube; n, which is 1 if all rows were read.

    Examples
    --------
    >>> cube = xr.DataArray(np.arange(4.0)[:, None, None] * np.ones((4, 3, 8)), dims=("y", "x", "energy"))
    >>> image, step = total_image(cube, most=50)
    >>> image[:, 0].values, step
    (array([ 0.,  0., 16., 16.]), 2)
    """
    names = channel_names(cube, None)
    held = sparse_pixels_of(cube)
    if held is not None:
        plane = cube.isel({names[-1]: 0}, drop=True)
        sums = np.asarray(held.compressed().sum(axis=1), np.float64).reshape(plane.shape)
        return plane.copy(data=np.where(np.isnan(np.asarray(plane)), np.nan, sums)), 1
    first = cube.dims[0]
    step = 1 if first in names else min(ceil(cube.size / most), cube.sizes[first])
    pixels = [name for name in cube.dims if name not in names]
    ordered, count = cube.transpose(*pixels, *names), prod(cube.sizes[name] for name in names)
    shape = tuple(cube.sizes[name] for name in pixels)
    if step == 1:
        rows = _sums(ordered.values.reshape(-1, count)).reshape(shape)
    else:  # row by row, because HDF5 reads a slice with a step value by value
        used = [_sums(ordered[number].values.reshape(-1, count)) for number in range(0, shape[0], step)]
        rows = np.repeat(np.stack(used), step, axis=0)[: shape[0]].reshape(shape)
    coords = {name: one for name, one in cube.coords.items() if not {*one.dims} & {*names}}
    return xr.DataArray(rows, dims=pixels, coords=coords, attrs=cube.attrs), step


def _sums(pixels: Array) -> Array:
    """Return the sums of pixels (pixels, channels) without missing values; NaN for a pixel that has none."""
    sums = np.empty(len(pixels))
    count = max(1, _BLOCK // pixels.shape[1])
    for begin in range(0, len(pixels), count):
        block = pixels[begin : begin + count]
        if block.dtype.kind == "f":
            missing = np.isnan(block)
            found = np.where(missing, 0, block).sum(axis=1, dtype=np.float64)
            found[missing.all(axis=1)] = np.nan
        else:
            found = block.sum(axis=1, dtype=np.float64)
        sums[begin : begin + count] = found
    return sums
