"""Regions of an explorer's image: sets of pixels with a name, their mean spectrum and their mean abundances."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.align import align
from mffnb.cubes.layout import frame_of
from mffnb.typing import Array, Float64Array

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


def on_grown_image(region: Region, maps: xr.DataArray) -> Region:
    """Return a region for an image that has grown along its first pixel dimension: it keeps its pixels.

    Examples
    --------
    >>> maps = xr.DataArray(np.zeros((2, 6, 4)), dims=("component", "y", "x"))
    >>> before = given_mask(maps[:, :3], np.eye(3, 4))
    >>> region = Region("R1", before, maps[0, 0], maps[:, 0, 0], np.array([[0.0, 0.0], [1.0, 0.5], [1.0, 0.0]]))
    >>> grown = on_grown_image(region, maps)
    >>> grown.pixels, grown.mask.shape, grown.vertices[:, 0].tolist()
    (3, (6, 4), [0.0, 0.5, 0.5])
    """
    mask = xr.zeros_like(maps.isel(component=0, drop=True), dtype=bool)
    mask.values[: len(region.mask)] = region.mask.values
    vertices = region.vertices
    if vertices is not None and mask.ndim <= 2:  # the picture has the frames of a map or a line, not those of a stack
        vertices = vertices.copy()
        vertices[:, 2 - mask.ndim] *= len(region.mask) / len(mask)
    return replace(region, mask=mask, vertices=vertices)


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
