"""Tool of the explorer: profile of all maps along a line."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from mffnb.plots import as_image
from mffnb.typing import Float64Array
from mffnb.widgets.measured import pixel_axis
from mffnb.widgets.tool import Stage

__all__ = ["profile"]


def profile(
    stage: Stage, start: Sequence[float], end: Sequence[float], *, width: float = 0.0, points: int | None = None
) -> xr.DataArray:
    """Abundances along a line, averaged over its width, for example across an interface.

    Maps are interpolated linearly between pixels. Samples outside of the image and in masked pixels are left out.

    Parameters
    ----------
    start, end
        Ends of the line, as positions (y, x) in the last two pixel dimensions.
    width
        Width over which the profile is averaged, in the same units; lines parallel to this one are a pixel apart.
    points
        Number of points; about one for each pixel if None.

    Returns
    -------
    DataArray
        Abundances ("component", "distance"), with the distance from ``start`` in the units of the pixel dimensions.
        ``to_pandas().T.to_csv(path)`` writes a table.

    Raises
    ------
    ValueError
        If both ends are the same, or if the image is a line of pixels.

    Examples
    --------
    >>> import mffnb as mf
    >>> explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, k=3)
    >>> explorer.wait()
    >>> line = explorer.profile((75, 20), (75, 130), width=20)
    >>> line.dims, line.distance.attrs["units"]
    (('component', 'distance'), 'µm')
    >>> explorer.close()
    """
    maps = stage.result.abundances
    if maps.ndim < 3:
        raise ValueError("a line of pixels is its own profile: use explorer.result.abundances")
    names = maps.dims[-2:]
    axes = [pixel_axis(maps, name) for name in names]
    ends = np.array([start, end], dtype=np.float64)
    length = float(np.hypot(*(ends[1] - ends[0])))
    if not length > 0:
        raise ValueError("start and end are the same position: a profile needs two")
    step = float(np.mean([np.abs(np.diff(axis)).mean() if axis.size > 1 else 1.0 for axis in axes]))
    distance = np.linspace(0.0, length, points or max(2, round(length / step) + 1))
    along = (ends[1] - ends[0]) / length
    offsets = np.linspace(-width / 2, width / 2, round(width / step) + 1) if width else np.zeros(1)
    positions = ends[0] + distance[:, None, None] * along + offsets[:, None] * np.array([along[1], -along[0]])
    indices = [_index(axis, positions[..., i]) for i, axis in enumerate(axes)]
    values = np.stack([_mean_over_width(np.asarray(as_image(one, stage.section).values), indices) for one in maps])
    units = {str(maps[name].attrs.get("units", "")) for name in names if name in maps.coords} or {"pixel"}
    coords = {name: coordinate for name, coordinate in maps.coords.items() if coordinate.dims == ("component",)}
    attrs = {"units": " or ".join(sorted(units)), "long_name": "distance"}
    return xr.DataArray(
        values, dims=("component", "distance"), coords={**coords, "distance": ("distance", distance, attrs)},
        name="abundance", attrs=maps.attrs,
    )  # fmt: skip


def _index(axis: Float64Array, positions: Float64Array) -> Float64Array:
    """Return positions on an evenly or unevenly spaced axis as real indices; NaN outside of the image."""
    numbers = np.arange(axis.size, dtype=np.float64)
    rising = axis.size < 2 or axis[-1] > axis[0]
    ordered, order = (axis, numbers) if rising else (axis[::-1], numbers[::-1])
    found: Float64Array = np.interp(positions, ordered, order, left=np.nan, right=np.nan)
    return found


def _mean_over_width(image: Float64Array, indices: Sequence[Float64Array]) -> Float64Array:
    """Interpolate an image at positions (points, width) and average over the width; missing values are left out."""
    from scipy import ndimage  # noqa: PLC0415  slow import, not needed by the first picture

    outside = np.isnan(indices[0]) | np.isnan(indices[1])
    places = [np.where(outside, 0.0, index) for index in indices]
    values = np.where(outside, np.nan, ndimage.map_coordinates(image, places, order=1))
    count = np.isfinite(values).sum(axis=1)
    mean: Float64Array = np.where(count > 0, np.nansum(values, axis=1) / np.maximum(count, 1), np.nan)
    return mean
