"""Regions of an explorer's image: sets of pixels with a name, their mean spectrum and their mean abundances."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.align import align
from mffnb.cubes.layout import frame_of
from mffnb.typing import Array, Float64Array
from mffnb.widgets.measured import pixel_axis

_TRIANGLE = 3  # smallest number of corners
_BLOCK = 1024  # number of pixels whose spectra are read at once


@dataclass(frozen=True, eq=False)
class Region:
    """A region of the image.

    Attributes
    ----------
    name
        Name of the region.
    mask
        True for its pixels (pixel dims), on the grid of the result.
    mean_spectrum
        Mean of the measured spectra of its pixels, (channel dims), in the units of the cube.
    abundances
        Mean abundance of each component over the pixels of the region that the fit uses, (component,).
    vertices
        Corners of its outline as shares of height and width of the picture, (corners, 2); None for a mask.
    """

    name: str
    mask: xr.DataArray
    mean_spectrum: xr.DataArray
    abundances: xr.DataArray
    vertices: Float64Array | None = None

    @property
    def pixels(self) -> int:
        """Number of its pixels."""
        return int(self.mask.sum())

    def __repr__(self) -> str:
        return f"<region {self.name}: {self.pixels} pixels>"


def mask_inside(maps: xr.DataArray, corners: Any, *, shares: bool) -> tuple[xr.DataArray, Float64Array]:
    """Return the pixels inside of a polygon, and its corners as shares of height and width of the picture.

    A pixel is inside if its centre is. In a stack the polygon extends through all sections.

    Parameters
    ----------
    maps
        Maps ("component", pixel dims).
    corners
        Corners as positions (y, x) in the last two pixel dimensions.
    shares
        Whether they are given as shares of height and width of the picture instead.
    """
    image = maps.isel(component=0, drop=True)
    given = np.asarray(corners, dtype=np.float64)
    if given.ndim != 2 or given.shape[1] != 2 or len(given) < _TRIANGLE:
        raise ValueError(f"vertices need three or more positions (y, x), got an array of the shape {given.shape}")
    if image.ndim < 2:
        raise ValueError("a line of pixels has no area: give mask=, True for the pixels of the region")
    axes = [pixel_axis(image, name) for name in image.dims[-2:]]
    sizes = np.array([axis.size for axis in axes])
    if shares:
        indices = given * sizes - 0.5
    else:
        indices = np.stack([fractional_index(axis, ends) for axis, ends in zip(axes, given.T, strict=True)], axis=1)
    plane = xr.DataArray(_inside(indices, (axes[0].size, axes[1].size)), dims=image.dims[-2:])
    mask = (xr.zeros_like(image, dtype=bool) | plane).transpose(*image.dims)
    return mask, (indices + 0.5) / sizes


def given_mask(maps: xr.DataArray, mask: Array | xr.DataArray) -> xr.DataArray:
    """Align a mask over the pixels with the maps, by its labels or by its shape."""
    image = maps.isel(component=0, drop=True)
    found = align(mask, frame_of(maps, ["component"]), "the mask of the region", [tuple(image.dims)])
    return image.copy(data=np.broadcast_to(found.transpose(*image.dims).values.astype(bool), image.shape))


def mean_over(cube: xr.DataArray, mask: xr.DataArray) -> xr.DataArray:
    """Return the mean spectrum of the pixels of a mask; missing entries are left out.

    Raises
    ------
    ValueError
        If no pixel is in the mask.
    """
    found = np.nonzero(mask.values)
    if found[0].size == 0:
        raise ValueError("the region holds no pixel: draw a larger one")
    total: Any = 0.0
    count: Any = 0.0
    for start in range(0, found[0].size, _BLOCK):
        indices: Mapping[Hashable, xr.DataArray] = {
            name: xr.DataArray(part[start : start + _BLOCK], dims="pixel")
            for name, part in zip(mask.dims, found, strict=True)
        }
        spectra = cube.isel(indices).compute().astype(np.float64)
        total, count = total + spectra.sum("pixel"), count + spectra.notnull().sum("pixel")
    mean: xr.DataArray = (total / count).assign_attrs(cube.attrs)
    return mean.rename("mean spectrum")


def fractional_index(axis: Float64Array, values: Float64Array) -> Float64Array:
    """Return the index of positions on an axis as real numbers, extrapolated beyond its ends."""
    if axis.size < 2:
        return np.asarray(values - axis[0])
    rising = axis if axis[-1] > axis[0] else -axis
    wanted = values if axis[-1] > axis[0] else -values
    below = np.clip(np.searchsorted(rising, wanted) - 1, 0, axis.size - 2)
    index: Float64Array = below + (wanted - rising[below]) / (rising[below + 1] - rising[below])
    return index


def _inside(corners: Float64Array, shape: tuple[int, int]) -> Array:
    """Return which pixels of a picture lie inside of a polygon, by the even-odd rule along each row."""
    rows, columns = np.arange(shape[0])[:, None], np.arange(shape[1])[None]
    inside = np.zeros(shape, dtype=bool)
    for (y0, x0), (y1, x1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        crosses = (y0 > rows) != (y1 > rows)
        at = x0 + (rows - y0) / (y1 - y0 if y1 != y0 else 1.0) * (x1 - x0)
        inside ^= crosses & (columns < at)
    return inside
