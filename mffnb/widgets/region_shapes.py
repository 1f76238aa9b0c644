"""Shapes of regions: which pixels lie inside of a polygon, a rectangle, an ellipse or the stroke of a brush."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from mffnb.typing import Array, Float64Array
from mffnb.widgets.measured import pixel_axis

SHAPES = ("polygon", "rectangle", "ellipse", "brush")
_LEAST = {"polygon": 3, "rectangle": 2, "ellipse": 2, "brush": 1}  # smallest number of positions
_CORNERS = 64  # of the outline of an ellipse
_THIN = 1e-9  # pixels: smallest radius of an ellipse, so that its quadratic form is finite


def mask_inside(
    maps: xr.DataArray, vertices: Any, *, shares: bool, shape: str = "polygon", width: float = 0.0
) -> tuple[xr.DataArray, Float64Array | None]:
    """Return the pixels inside of a shape, and the corners of its outline as shares of height and width of the picture.

    A pixel is inside if its centre is. In a stack the shape extends through all sections. The outline of a brush is
    that of its pixels, so it has no corners (None).

    Parameters
    ----------
    maps
        Maps ("component", pixel dims).
    vertices
        Positions (y, x) in the last two pixel dimensions: corners of a polygon, two opposite corners of a rectangle or
        of the box around an ellipse, or the path of a brush.
    shares
        Whether they are given as shares of height and width of the picture instead.
    shape
        One of ``SHAPES``.
    width
        Diameter of the brush in pixels.

    Raises
    ------
    ValueError
        If shape, width or number of positions is not valid, or if the image is a line of pixels.
    """
    image = maps.isel(component=0, drop=True)
    _check(shape, width)
    given = np.asarray(vertices, dtype=np.float64)
    if given.ndim != 2 or given.shape[1] != 2 or len(given) < _LEAST[shape]:
        count = {1: "one", 2: "two", 3: "three"}[_LEAST[shape]]
        exact = shape in ("rectangle", "ellipse")
        more = "" if exact else " or more"
        raise ValueError(f"vertices need {count}{more} positions (y, x), got an array of the shape {given.shape}")
    if shape in ("rectangle", "ellipse") and len(given) != _LEAST[shape]:
        raise ValueError(f"the {shape} takes two opposite corners (y, x), got {len(given)} positions")
    if image.ndim < 2:
        raise ValueError("a line of pixels has no area: give mask=, True for the pixels of the region")
    axes = [pixel_axis(image, name) for name in image.dims[-2:]]
    sizes = np.array([axis.size for axis in axes])
    if shares:
        indices = given * sizes - 0.5
    else:
        indices = np.stack([fractional_index(axis, ends) for axis, ends in zip(axes, given.T, strict=True)], axis=1)
    inside, corners = _shaped(shape, indices, (axes[0].size, axes[1].size), width)
    plane = xr.DataArray(inside, dims=image.dims[-2:])
    mask = (xr.zeros_like(image, dtype=bool) | plane).transpose(*image.dims)
    return mask, None if corners is None else (corners + 0.5) / sizes


def _check(shape: str, width: float) -> None:
    if shape not in SHAPES:
        raise ValueError(f"shape={shape!r} is not known: use {', '.join(SHAPES)}")
    if shape == "brush" and not (np.isfinite(width) and width > 0):
        raise ValueError(f"a brush needs a width > 0, its diameter in pixels, got {width!r}")


def _shaped(
    shape: str, indices: Float64Array, size: tuple[int, int], width: float
) -> tuple[Array, Float64Array | None]:
    """Return the mask of a shape, and the corners of its outline, both from positions in units of pixels."""
    if shape == "brush":
        return _stroke(indices, size, width / 2), None
    if shape == "polygon":
        return _inside(indices, size), indices
    (top, left), (bottom, right) = indices.min(axis=0), indices.max(axis=0)
    if shape == "rectangle":
        corners = np.array([[top, left], [top, right], [bottom, right], [bottom, left]])
        return _inside(corners, size), corners
    centre, radii = np.array([top + bottom, left + right]) / 2, np.array([bottom - top, right - left]) / 2
    angle = 2 * np.pi * np.arange(_CORNERS) / _CORNERS
    corners = centre + radii * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    rows, columns = np.arange(size[0])[:, None] - centre[0], np.arange(size[1])[None] - centre[1]
    radii = np.maximum(radii, _THIN)
    return (rows / radii[0]) ** 2 + (columns / radii[1]) ** 2 <= 1, corners


def _stroke(path: Float64Array, size: tuple[int, int], radius: float) -> Array:
    """Return which pixels of a picture lie within a radius of a path of straight pieces."""
    pixels = np.stack(np.meshgrid(*map(np.arange, size), indexing="ij"), axis=-1).astype(np.float64)
    inside = np.zeros(size, dtype=bool)
    for start, end in zip(path, [*path[1:], path[-1]], strict=True):
        low = np.clip(np.floor(np.minimum(start, end) - radius), 0, size).astype(int)
        high = np.clip(np.ceil(np.maximum(start, end) + radius) + 1, 0, size).astype(int)
        near = (slice(low[0], high[0]), slice(low[1], high[1]))  # pixels that a piece can reach
        along = end - start
        length = float(along @ along)
        at = np.clip((pixels[near] - start) @ along / length, 0.0, 1.0) if length > 0 else np.zeros(1)
        distance = pixels[near] - start - at[..., None] * along
        inside[near] |= (distance**2).sum(axis=-1) <= radius**2
    return inside


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
    rows, columns = np.arange(shape[0]), np.arange(shape[1])
    inside = np.zeros(shape, dtype=bool)
    for (y0, x0), (y1, x1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        crossed = rows[(y0 > rows) != (y1 > rows)]  # an edge along a row crosses none, so there is no division by zero
        inside[crossed] ^= columns < x0 + (crossed[:, None] - y0) / (y1 - y0) * (x1 - x0)
    return inside
