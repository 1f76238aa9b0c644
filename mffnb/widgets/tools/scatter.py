"""Tool of the explorer: scatter plot of two maps, in which an outline selects pixels as a region."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from mffnb.typing import Array, Float64Array
from mffnb.widgets.components import number_of
from mffnb.widgets.live_view.tile import encode_tile
from mffnb.widgets.tool import Stage, local_session
from mffnb.widgets.tools.band import band_image
from mffnb.widgets.tools.region import region

__all__ = ["scatter"]

Axis = int | str | Sequence[float]

_TRIANGLE = 3  # smallest number of corners


def scatter(
    stage: Stage,
    x: Axis | None = None,
    y: Axis | None = None,
    *,
    inside: Sequence[Sequence[float]] | None = None,
    name: str | None = None,
    shown: bool = True,
) -> xr.Dataset:
    """Scatter plot of two maps, pixel by pixel; an outline in it selects pixels as a region of the image.

    Parameters
    ----------
    x, y
        Number or name of a component for its abundances, or the ends ``(start, stop)`` of a band for its image. None
        keeps what is shown, at first the first two components.
    inside
        Corners of an outline in the plot, as values (x, y). The pixels whose values lie inside of it become a region
        with mean spectrum and mean abundances, see :meth:`mffnb.Explorer.region`.
    name
        Name of this region; R1, R2 and so on if it is omitted.
    shown
        Whether the page shows the plot. It is computed again when a run has ended.

    Returns
    -------
    Dataset
        ``horizontal`` and ``vertical`` (pixel dims), the values on both axes, and ``inside``, True for the selected
        pixels, if an outline was given. ``attrs["correlation"]`` is Pearson's coefficient of both.

    Raises
    ------
    ValueError
        If there is no such component, if a band is on another grid than the maps, or if no pixel is selected.

    Examples
    --------
    >>> import mffnb as mf
    >>> explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, k=3)
    >>> explorer.wait()
    >>> found = explorer.scatter(0, 1, inside=[(0.5, -1), (9, -1), (9, 0.3), (0.5, 0.3)], name="mostly 0")
    >>> explorer.regions["mostly 0"].pixels == int(found.inside.sum())
    True
    >>> explorer.close()
    """
    local_session(stage, "scatter")
    axes = _axes(stage, x, y)
    images = [_image(stage, axis) for axis in axes]
    if images[0].shape != images[1].shape:
        raise ValueError(
            "a band is an image before preprocessing, whose grid differs from that of the maps: "
            "switch the steps that change pixels off, or compare two components"
        )
    plain = [image.reset_coords(drop=True) for image in images]
    found = xr.Dataset({"horizontal": plain[0], "vertical": plain[1]})
    found.attrs["correlation"] = _correlation(*(image.values for image in images))
    if inside is not None:
        chosen = _points_inside(inside, *(image.values for image in images))
        found["inside"] = plain[0].copy(data=chosen)
        region(stage, mask=chosen, name=name)
    if not shown:
        stage.show_tool("scatter", **{**stage.shown_values("scatter"), "shown": False})
        return found
    tiles = [
        {"axis": axis, "label": image.attrs["label"], **encode_tile(image, stage.section, from_zero=False)}
        for axis, image in zip(axes, images, strict=True)
    ]
    stage.show_tool("scatter", follow=True, shown=True, x=tiles[0], y=tiles[1], correlation=found.attrs["correlation"])
    return found


def _axes(stage: Stage, x: Axis | None, y: Axis | None) -> list[int | list[float]]:
    """Return both axes: numbers of components, or ends of bands."""
    numbers = [int(number) for number in stage.result.endmembers["component"].values]
    before = stage.shown_values("scatter")
    first = [numbers[0], numbers[min(1, len(numbers) - 1)]]
    found: list[int | list[float]] = []
    for given, name, default in ((x, "x", first[0]), (y, "y", first[1])):
        axis = given if given is not None else before.get(name, {}).get("axis", default)
        if isinstance(axis, (int, str)):
            found.append(number_of(stage, axis))
        elif len(axis) == 2:
            found.append([float(end) for end in axis])
        else:
            raise ValueError(f"{name}={given!r} is neither a component nor the two ends of a band")
    return found


def _image(stage: Stage, axis: int | list[float]) -> xr.DataArray:
    """Return the values of an axis for each pixel, with their label."""
    if isinstance(axis, list):
        image = band_image(local_session(stage, "scatter"), *axis)
        return image.assign_attrs(label="band {:g} to {:g}".format(*image.attrs["range"]))
    maps = stage.result.abundances
    (row,) = np.flatnonzero(maps["component"].values == axis)
    return maps[int(row)].assign_attrs(label=stage.appearance.labels([axis])[0])


def _correlation(a: Array, b: Array) -> float:
    """Return Pearson's correlation coefficient over the pixels that both have; NaN if one is constant."""
    both = np.isfinite(a) & np.isfinite(b)
    a, b = a[both] - a[both].mean(), b[both] - b[both].mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 0 else float("nan")


def _points_inside(corners: Sequence[Sequence[float]], x: Array, y: Array) -> Array:
    """Return which points lie inside of a polygon, by the even-odd rule."""
    given: Float64Array = np.asarray(corners, dtype=np.float64)
    if given.ndim != 2 or given.shape[1] != 2 or len(given) < _TRIANGLE:
        raise ValueError(f"inside= needs three or more corners (x, y), got an array of the shape {given.shape}")
    inside = np.zeros(x.shape, dtype=bool)
    (left, low), (right, high) = given.min(axis=0), given.max(axis=0)
    near = (x >= left) & (x <= right) & (y >= low) & (y <= high)  # False for missing values
    u, v = x[near], y[near]
    odd = np.zeros(u.shape, dtype=bool)
    for (x0, y0), (x1, y1) in zip(given, np.roll(given, -1, axis=0), strict=True):
        crosses = (y0 > v) != (y1 > v)
        odd ^= crosses & (u < x0 + (v - y0) / (y1 - y0 if y1 != y0 else 1.0) * (x1 - x0))
    inside[near] = odd
    return inside
