"""Total image of a cube: the sum of each pixel over its channels, of a part of the channels if there are many."""

from __future__ import annotations

from math import ceil

import numpy as np
import xarray as xr

from mffnb.cubes.layout import channel_names
from mffnb.cubes.sparse_pixels import sparse_pixels_of


def total_image(cube: xr.DataArray, most: int = 1 << 26) -> tuple[xr.DataArray, int]:
    """Return the sum over the channels, and the step between the channels that it counts.

    Parameters
    ----------
    cube
        Cube (pixel dims, channel dims), lazy or not; missing values count as zero, pixels without any value are NaN.
    most
        Largest number of values to read. Of a larger cube, every n-th channel of the last dimension counts.

    Returns
    -------
    image, step
        Image (pixel dims) of float64 in the units of the cube; n, which is 1 if all channels count.

    Examples
    --------
    >>> cube = xr.DataArray(np.ones((2, 3, 8)), dims=("y", "x", "energy"))
    >>> image, step = total_image(cube, most=24)
    >>> float(image[0, 0]), step
    (4.0, 2)
    """
    names = channel_names(cube, None)
    held = sparse_pixels_of(cube)
    if held is not None:
        pixels = cube.isel({names[-1]: 0}, drop=True)
        sums = np.asarray(held.compressed().sum(axis=1), np.float64).reshape(pixels.shape)
        return pixels.copy(data=np.where(np.isnan(np.asarray(pixels)), np.nan, sums)), 1
    step = min(ceil(cube.size / most), cube.sizes[names[-1]])
    part = cube.isel({names[-1]: slice(None, None, step)})
    return part.sum(names, min_count=1 if part.dtype.kind == "f" else None, dtype=np.float64, keep_attrs=True), step
