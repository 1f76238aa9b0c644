"""Tool of the explorer: three orthogonal sections of a component's map of a stack, through one point."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from mffnb.plots.labels import MAXIMUM, pixel_coordinate
from mffnb.widgets.components import number_of
from mffnb.widgets.live_view.frame import block_mean, quantise
from mffnb.widgets.tool import Stage

__all__ = ["orthogonal_sections"]

_LARGEST = 1024  # longest side of a section in pixels
_STACK = 3  # number of pixel dimensions that the sections need


def orthogonal_sections(stage: Stage, component: int | str | None = None, *, shown: bool = True) -> xr.Dataset | None:
    """Three orthogonal sections through the map of a component of a stack (z, y, x), with a common crosshair.

    ``explorer.show_section(z=..., y=..., x=...)`` moves the point through which they go, as does a click on one of
    them. In a series of frames (t, y, x) they show how rows and columns change with time.

    Parameters
    ----------
    component
        Number or name; the one that is shown if omitted, else the first one.
    shown
        False removes the sections from the page.

    Returns
    -------
    Dataset
        ``yx``, ``zx`` and ``zy`` for pixel dimensions of these names: two-dimensional maps, whose third coordinate is
        that of the cut. None if they are removed.

    Raises
    ------
    ValueError
        If the pixels have fewer than three dimensions, or if there is no such component.

    Examples
    --------
    >>> import mffnb as mf, xarray as xr
    >>> cube = mf.datasets.tof_sims_2d(seed=0, shape=(12, 16)).cube
    >>> explorer = mf.explore(xr.concat([cube, 2 * cube], dim="z"), k=3)
    >>> explorer.wait()
    >>> explorer.show_section(z=1, x=60)
    >>> explorer.orthogonal_sections(0).zx.sizes
    Frozen({'z': 2, 'x': 16})
    >>> explorer.close()
    """
    if not shown:
        stage.show_tool("orthogonal_sections", follow=False, shown=False)
        stage.set_spectra_view(orthogonal=[])
        return None
    maps = stage.result.abundances
    if maps.ndim <= _STACK:
        raise ValueError("orthogonal sections need pixels of three dimensions, for example z, y and x")
    numbers = [int(one) for one in maps.component.values]
    if component is None:
        before = list(stage.spectra_view.get("orthogonal") or [])
        number = before[0] if before and before[0] in numbers else numbers[0]
    else:
        number = number_of(stage, component)
    volume = maps[numbers.index(number)]
    point = cut_point(volume, stage.section)
    volume = volume.isel({name: point[name] for name in volume.dims[:-_STACK]})
    sections = cut_sections(volume, point)
    _show(stage, number, volume, sections, point)
    stage.set_spectra_view(orthogonal=[number])
    return sections


def cut_point(volume: xr.DataArray, section: Mapping[Hashable, int]) -> dict[Hashable, int]:
    """Return the index of the cut along each dimension; the middle where none is chosen, or a maximum is shown."""
    chosen = {name: section.get(name, MAXIMUM) for name in volume.dims}
    return {
        name: size // 2 if chosen[name] == MAXIMUM else min(chosen[name], size - 1)
        for name, size in volume.sizes.items()
    }


def cut_sections(volume: xr.DataArray, point: Mapping[Hashable, int]) -> xr.Dataset:
    """Return the three sections; the coordinate of the cut of one is no coordinate of the others."""
    depth, row, column = volume.dims
    planes = {}
    for cut, plane in ((depth, (row, column)), (row, (depth, column)), (column, (depth, row))):
        planes["".join(map(str, plane))] = volume.isel({cut: point[cut]}).reset_coords(drop=True)
    return xr.Dataset(planes)


def _show(stage: Stage, number: int, volume: xr.DataArray, sections: xr.Dataset, point: Mapping[Hashable, int]) -> None:
    """Send the sections to the page, with one range of values, which is that of the whole stack."""
    values = [np.asarray(one.values, dtype=np.float64)[None] for one in sections.values()]
    reduced = [block_mean(one, max(1, math.ceil(max(one.shape) / _LARGEST)))[0] for one in values]
    seen = volume.values[np.isfinite(volume.values)]
    ends = [seen.min(), seen.max()] if seen.size else [0.0, 0.0]
    codes, (shown_range,) = quantise(np.concatenate([*(one.ravel() for one in reduced), ends])[None])
    parts = np.split(codes[0], np.cumsum([one.size for one in reduced]))
    stage.show_tool(
        "orthogonal_sections",
        follow=True,
        shown=True,
        number=number,
        range=shown_range,
        sections=[
            {"codes": part.tobytes(), "shape": list(one.shape)} for part, one in zip(parts[:-1], reduced, strict=True)
        ],
        axes=[_axis(volume, name, point[name]) for name in volume.dims],
    )


def _axis(volume: xr.DataArray, name: Hashable, index: int) -> dict[str, Any]:
    """Return name, unit, size and position of the cut of a dimension for the page."""
    axis = pixel_coordinate(volume, name)
    count = volume.sizes[name]
    units = "" if axis is None else str(volume[name].attrs.get("units", ""))
    step = 1.0 if axis is None or axis.size < 2 else float(np.abs(np.diff(axis)).mean())
    at = f"{index if axis is None else axis[index]:.4g}"
    text = f"{name} = {at}{f' {units}' if units else ''}"
    return {"name": str(name), "text": text, "at": at, "units": units, "index": index, "count": count, "step": step}
