"""Division of each of several stacked images by its own brightness, so that no image dominates a joint fit."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import xarray as xr

from mffnb.cubes.stacked_images import image_numbers
from mffnb.preprocessing.row_blocks import per_pixel
from mffnb.preprocessing.scaling import AffineScaling
from mffnb.preprocessing.step import Step

__all__ = ["ImageScaling"]


@dataclass(frozen=True)
class ImageScaling(Step):
    r"""Divide each of several stacked images by its own brightness, :math:`x_{ij} = X_{ij} / s_{m(i)}`.

    .. math:: s_m = r_m / \Bigl(\prod_{l=1}^{M} r_l\Bigr)^{1/M}, \qquad
              r_m^2 = \frac{1}{n_m} \sum_{i \in m} \sum_j X_{ij}^2

    with the image m(i) of pixel i and the :math:`n_m` measured pixels of image m. All images then have the same mean
    squared norm of a pixel. The inverse multiplies the abundances. :func:`mffnb.unmix` adds this step for a list of
    images. A single image is not changed, and an image without signal neither.

    Examples
    --------
    >>> import xarray as xr
    >>> from mffnb.cubes.stacked_images import image_coordinate
    >>> values = [[3.0, 4.0], [30.0, 40.0]]
    >>> both = xr.DataArray(values, dims=("pixel", "energy"), coords={"image": image_coordinate([(1,), (1,)])})
    >>> ImageScaling().fit(both, ("energy",)).transform(both).values.round(6).tolist()
    [[9.486833, 12.649111], [9.486833, 12.649111]]
    """

    def fit(self, cube: xr.DataArray, channel: tuple[Hashable, ...]) -> AffineScaling:
        """Compute the relative root mean square norm of the pixels of each image, ignoring NaN."""
        mark = image_numbers({name: one.variable for name, one in cube.coords.items()})
        if mark is None:
            return AffineScaling(channel_scale=xr.Variable((), 1.0))
        names, number = list(channel), mark.values
        squares = per_pixel(cube, channel, lambda block: (block.astype(np.float64) ** 2).sum(names)).values
        measured = per_pixel(cube, channel, lambda block: block.notnull().any(names)).values
        images, inside = int(number.max()) + 1, number >= 0
        totals = np.bincount(number[inside], np.where(measured, squares, 0.0)[inside], images)
        counts = np.bincount(number[inside], measured[inside], images)
        bright = totals > 0
        norms = np.sqrt(totals[bright] / counts[bright])
        scale = np.ones(images)
        scale[bright] = norms / np.exp(np.log(norms).mean()) if norms.size else norms
        return AffineScaling(pixel_scale=xr.Variable(mark.dims, np.where(inside, scale[number], 1.0)))
