"""Plots of abundance maps: a single map, a scale bar, a colour composite of several maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap, to_hex, to_rgb
from matplotlib.patches import Patch

from mffnb.plots.labels import as_image, identity, pixel_coordinate, pixel_label, pixel_size
from mffnb.typing import Array

__all__ = ["component_colormap", "draw_composite", "draw_map", "draw_scale_bar"]

_DARK = "#0b0e14"
_BRIGHT = 99.8  # percentile at the upper end of the colour scale, so that one hot pixel does not darken the map


def component_colormap(color: str) -> Colormap:
    """Return the colour map of a component: near black, its colour, a pale tint; luminance rises monotonically.

    Examples
    --------
    >>> from mffnb.plots import component_colormap
    >>> component_colormap("#009e73").name
    '#009e73'
    """
    stops = [(0.0, _DARK), (0.75, color), (1.0, _tint(color))]
    return LinearSegmentedColormap.from_list(color, stops)


def draw_map(
    image: xr.DataArray,
    ax: Axes,
    *,
    color: str | None = None,
    title: str = "",
    colorbar: bool = True,
    **options: Any,
) -> Axes:
    """Draw one map with calibrated axes.

    Parameters
    ----------
    image
        Map with one to four pixel dimensions; of a stack, the middle section is drawn.
    ax
        Axes to draw on.
    color
        Colour of the component; the colour scale runs from near black through this colour to a pale tint. None for the
        colour scale viridis.
    title
        Title of the axes.
    colorbar
        Whether to add a colour bar.
    options
        Passed to ``Axes.imshow``. Defaults without ``norm``: ``vmin`` is 0 or the lowest value, ``vmax`` the 99.8th
        percentile; and equal lengths on both axes if they have the same unit.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> import mffnb as mf
    >>> sample = mf.datasets.cits_pnictide(seed=0, shape=(20, 24, 60))
    >>> ax = mf.plots.draw_map(sample.abundances[0], Figure().subplots(), title="matrix")
    >>> ax.images[0].get_array().shape, ax.get_title()
    ((20, 24), 'matrix')
    """
    plane = as_image(image)
    options.setdefault("cmap", "viridis" if color is None else component_colormap(color))
    values = plane.values[np.isfinite(plane.values)]
    lowest, bright, highest = np.percentile(values, [0, _BRIGHT, 100]) if values.size else (0.0, 1.0, 1.0)
    if "norm" not in options:
        options.setdefault("vmin", min(0.0, lowest))
        options.setdefault("vmax", bright if bright > 0 else highest)
    aspect = options.pop("aspect", "auto" if plane.shape[0] == 1 else _aspect(plane))
    drawn = ax.imshow(plane.values, extent=extent(plane), interpolation="nearest", **options)
    ax.set_aspect(aspect)
    ax.set_xlabel(pixel_label(plane, plane.dims[1]))
    ax.set_ylabel(pixel_label(plane, plane.dims[0]))
    ax.set_title(title, fontsize="medium", color=color or "black")
    if colorbar:
        figure = ax.get_figure()
        if figure is not None:
            beyond = highest > float(drawn.get_clim()[1])
            figure.colorbar(drawn, ax=ax, fraction=0.046, pad=0.03, extend="max" if beyond else "neither")
    return ax


def extent(plane: xr.DataArray) -> tuple[float, float, float, float]:
    """Return the outer pixel edges of a map (left, right, bottom, top); the first row is at the top."""
    edges = []
    for name in (plane.dims[1], plane.dims[0]):
        size = plane.sizes[name]
        first, last, step = 0.0, size - 1.0, 1.0
        coordinate = pixel_coordinate(plane, name)
        if size > 1 and coordinate is not None:
            first, last = float(coordinate[0]), float(coordinate[-1])
            step = (last - first) / (size - 1)
        edges += [first - step / 2, last + step / 2]
    left, right, top, bottom = edges
    return left, right, bottom, top


def _aspect(plane: xr.DataArray) -> Any:
    """Return the aspect ratio of a map: equal lengths if both axes have the same unit, otherwise square pixels."""
    units = {plane[name].attrs.get("units") if name in plane.coords else None for name in plane.dims}
    if len(units) == 1:
        return "equal"
    left, right, bottom, top = extent(plane)
    return abs((right - left) / plane.shape[1] / ((top - bottom) / plane.shape[0]))


def _tint(color: str) -> str:
    """Return the pale tint of a colour: a mixture with 75 % white."""
    ramp = LinearSegmentedColormap.from_list("tint", [color, "white"])
    return to_hex(ramp(0.75))


def draw_scale_bar(image: xr.DataArray, ax: Axes, length: float | None = None) -> Axes:
    """Draw a scale bar on a map, and remove the ticks and labels of its axes.

    Parameters
    ----------
    image
        The map that was drawn.
    ax
        Axes on which it was drawn.
    length
        Length of the bar in units of the horizontal axis. If None: 1, 2 or 5 times a power of ten, up to a quarter of
        the width.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> import mffnb as mf
    >>> image = mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube.sum("mz")
    >>> ax = mf.plots.draw_map(image, Figure().subplots(), colorbar=False)
    >>> ax = mf.plots.draw_scale_bar(image, ax)
    >>> ax.texts[0].get_text()[0] in "125"
    True
    """
    plane = as_image(image)
    left, right, bottom, top = extent(plane)
    width, height = right - left, top - bottom
    size = pixel_size(plane)
    unit = "pixel" if size is None else size[2]
    # Without a common unit of both axes, the length of the bar is a number of pixels.
    width_in_units = float(plane.shape[1]) if size is None else abs(width)
    length = _round_length(width_in_units / 4) if length is None else length
    bar = width * length / width_in_units
    x, y = left + 0.05 * width, bottom + 0.06 * height
    outline = [patheffects.withStroke(linewidth=2.5, foreground="black")]
    ax.plot([x, x + bar], [y, y], color="white", linewidth=3, solid_capstyle="butt", path_effects=[
        patheffects.withStroke(linewidth=5, foreground="black")])  # fmt: skip
    # The label starts at the left end of the bar, so that a label wider than the bar stays inside a small map.
    ax.text(x, y + 0.03 * height, f"{length:g} {unit}", color="white", ha="left", va="bottom",
            fontsize="small", fontweight="bold", path_effects=outline)  # fmt: skip
    ax.set(xticks=[], yticks=[], xlabel="", ylabel="", xlim=(left, right), ylim=(bottom, top))
    return ax


def draw_composite(
    abundances: xr.DataArray, ax: Axes, *, colors: Sequence[str] | None = None, title: str = "", legend: bool = True
) -> Axes:
    """Draw a colour composite: each map in its colour, summed as light (additive mixing).

    Parameters
    ----------
    abundances
        Maps ("component", pixel dims); each is scaled from 0 to its 99.8th percentile. Up to about four components
        can be distinguished.
    ax
        Axes to draw on.
    colors
        One colour for each component; by default the colours that the components have in all plots.
    title
        Title of the axes.
    legend
        Whether to add a legend of the components.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> import mffnb as mf
    >>> sample = mf.datasets.tof_sims_2d(seed=0, shape=(16, 24))
    >>> ax = mf.plots.draw_composite(sample.abundances, Figure().subplots())
    >>> ax.images[0].get_array().shape
    (16, 24, 3)
    """
    labels, own = identity(abundances)
    planes = [as_image(image) for image in abundances]
    light = np.zeros((*planes[0].shape, 3))
    for plane, color in zip(planes, colors or own, strict=True):
        values = np.nan_to_num(plane.values.astype(np.float64))
        bright = _brightness(plane.values)
        light += np.clip(values / bright, 0.0, 1.0)[..., None] * to_rgb(color)
    draw_colors(np.clip(light, 0.0, 1.0), planes[0], ax, title=title)
    if legend:
        handles = [Patch(color=color, label=label) for color, label in zip(colors or own, labels, strict=True)]
        ax.legend(handles=handles, frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(1.02, 1.0))
    return ax


def draw_colors(colors: Array, plane: xr.DataArray, ax: Axes, *, title: str = "") -> Axes:
    """Draw a picture (height, width, rgb) with the calibrated axes of a map of the same area."""
    ax.imshow(colors, extent=extent(plane), interpolation="nearest")
    ax.set_aspect(_aspect(plane))
    ax.set(xlabel=pixel_label(plane, plane.dims[1]), ylabel=pixel_label(plane, plane.dims[0]))
    ax.set_title(title, fontsize="medium")
    return ax


def _brightness(values: Array) -> float:
    """Return the value drawn at full brightness: the 99.8th percentile of the pixels with data.

    If that is 0, the maximum of these pixels; if that is 0 too, or no pixel has data, 1.
    """
    finite = values[np.isfinite(values)]
    return float(np.percentile(finite, _BRIGHT) or finite.max() or 1.0) if finite.size else 1.0


def _round_length(length: float) -> float:
    """Return the largest of 1, 2, 5 times a power of ten that does not exceed a length."""
    decade = 10.0 ** np.floor(np.log10(length))
    return float(max(step for step in (1, 2, 5) if step * decade <= length * (1 + 1e-9)) * decade)
