"""Tool of the explorer: profile of all maps along a line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from mffnb.plots import as_image
from mffnb.typing import Float64Array
from mffnb.widgets.measured import pixel_axis
from mffnb.widgets.region_shapes import fractional_index
from mffnb.widgets.tool import Stage

__all__ = ["profile"]


def profile(
    stage: Stage,
    start: Sequence[float] | None = None,
    end: Sequence[float] | None = None,
    *,
    width: float | None = None,
    points: int | None = None,
    line: Sequence[Sequence[float]] | None = None,
    shown: bool = True,
    moving: bool = False,
) -> xr.DataArray | None:
    """Line profile of all abundance maps, averaged over a width, for example across an interface.

    Maps are interpolated linearly between pixels. Samples outside of the image and in masked pixels are left out. The
    page draws the line on the maps and the profile below them; ``undo`` takes the line back.

    Parameters
    ----------
    start, end
        Ends of the line, as positions (y, x) in the last two pixel dimensions; those of the line that is shown if
        omitted.
    width
        Width over which the profile is averaged, in the same units; lines parallel to this one are a pixel apart. If
        omitted, zero for a new line, and that of the line that is shown otherwise.
    points
        Number of points; about one for each pixel if None.
    line
        Both ends as shares of height and width of the picture, (0, 0) to (1, 1), instead of ``start`` and ``end``; the
        page draws these.
    shown
        Whether the page shows the profile. False without a line removes the one that is shown.
    moving
        Whether the line is still being drawn: it is shown, and no step for ``undo``.

    Returns
    -------
    DataArray
        Abundances ("component", "distance"), with the distance from ``start`` in the units of the pixel dimensions.
        ``to_pandas().T.to_csv(path)`` writes a table. None if there is no line.

    Raises
    ------
    ValueError
        If both ends are the same, if the width is negative, or if the image is a line of pixels.

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
    axes = [pixel_axis(maps, name) for name in maps.dims[-2:]]
    if line is not None:
        start, end = (_position(axes, one) for one in line)
    before = stage.spectra_view.get("profile_line") or []
    if start is None and end is None and shown and before:
        start, end, width = before[:2], before[2:4], before[4] if width is None else width
    if start is None and end is None:
        _remove(stage)
        return None
    if start is None or end is None:
        raise ValueError("a profile needs two positions: give start=(y, x) and end=(y, x)")
    ends, width = np.array([start, end], dtype=np.float64), width or 0.0
    found = _sampled(stage, maps, axes, ends, width, points)
    if shown:
        _show(stage, found, axes, ends, width, moving=moving)
        if not moving:
            stage.set_spectra_view(profile_line=[*ends.ravel().tolist(), float(width)])
    return found


def _sampled(
    stage: Stage, maps: xr.DataArray, axes: Sequence[Float64Array], ends: Float64Array, width: float, points: int | None
) -> xr.DataArray:
    """Return the abundances along a line."""
    length = float(np.hypot(*(ends[1] - ends[0])))
    if not length > 0:
        raise ValueError("start and end are the same position: a profile needs two")
    if not width >= 0:
        raise ValueError(f"width must be zero or larger, got {width}")
    step = float(np.mean([_step(axis) for axis in axes]))
    distance = np.linspace(0.0, length, points or max(2, round(length / step) + 1))
    along = (ends[1] - ends[0]) / length
    offsets = np.linspace(-width / 2, width / 2, round(width / step) + 1) if width else np.zeros(1)
    positions = ends[0] + distance[:, None, None] * along + offsets[:, None] * np.array([along[1], -along[0]])
    indices = [_index(axis, positions[..., i]) for i, axis in enumerate(axes)]
    values = np.stack([_mean_over_width(np.asarray(as_image(one, stage.section).values), indices) for one in maps])
    units = {str(maps[name].attrs.get("units", "")) for name in maps.dims[-2:] if name in maps.coords} or {"pixel"}
    coords = {name: coordinate for name, coordinate in maps.coords.items() if coordinate.dims == ("component",)}
    attrs = {"units": " or ".join(sorted(units)), "long_name": "distance"}
    return xr.DataArray(
        values, dims=("component", "distance"), coords={**coords, "distance": ("distance", distance, attrs)},
        name="abundance", attrs=maps.attrs,
    )  # fmt: skip


def _show(
    stage: Stage, found: xr.DataArray, axes: Sequence[Float64Array], ends: Float64Array, width: float, *, moving: bool
) -> None:
    """Send the line, and the profile along it, to the page."""
    sizes = np.array([axis.size for axis in axes])
    shares = [(fractional_index(axis, pair) + 0.5) / size for axis, pair, size in zip(axes, ends.T, sizes, strict=True)]
    values: dict[str, Any] = {
        "line": np.stack(shares, axis=1).tolist(),
        "width": float(width),
        "extent": [size * _step(axis) for axis, size in zip(axes, sizes, strict=True)],  # height and width of the image
        "pixel": float(np.mean([_step(axis) for axis in axes])),
        "units": found.distance.attrs["units"],
        "numbers": [int(number) for number in found.component.values],
        "distance": found.distance.values,
        "values": found.values,
        "python": _call(ends, width),
    }
    stage.show_tool("profile", follow=not moving, recorded=not moving, shown=True, **values)


def _remove(stage: Stage) -> None:
    """Remove the line that the page shows, if there is one."""
    stage.show_tool("profile", follow=False, shown=False)
    stage.set_spectra_view(profile_line=[])


def _call(ends: Float64Array, width: float) -> str:
    """Return the Python call for a line."""
    start, end = (f"({y:g}, {x:g})" for y, x in ends)
    return f"explorer.profile({start}, {end}{f', width={width:g}' if width else ''})"


def _step(axis: Float64Array) -> float:
    """Return the mean distance of two pixels along an axis."""
    return float(np.abs(np.diff(axis)).mean()) if axis.size > 1 else 1.0


def _position(axes: Sequence[Float64Array], shares: Sequence[float]) -> list[float]:
    """Return the position (y, x) of a point that is given by its shares of height and width."""
    position = []
    for axis, share in zip(axes, shares, strict=True):
        index = float(share) * axis.size - 0.5
        below = int(np.clip(np.floor(index), 0, max(axis.size - 2, 0)))
        step = axis[below + 1] - axis[below] if axis.size > 1 else 1.0
        hundredth = 2 - int(np.floor(np.log10(abs(step) or 1.0)))  # decimals: the page draws no finer
        position.append(round(float(axis[below] + (index - below) * step), hundredth))
    return position


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
