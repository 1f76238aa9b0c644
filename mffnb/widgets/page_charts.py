"""Charts of an explorer's page as a figure: scatter of two maps, profile along a line, sections of a stack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm, Normalize
from matplotlib.patches import Polygon

from mffnb.plots.labels import identity
from mffnb.plots.maps import draw_map, extent
from mffnb.typing import Float64Array
from mffnb.unmixing.result import Unmixing
from mffnb.widgets.live_view.frame import LEVELS, MISSING
from mffnb.widgets.tool import Stage
from mffnb.widgets.tools.orthogonal_sections import cut_point, cut_sections

PROFILE_HEIGHT = 2.1  # inches
_SECTIONS_WIDTH, _SECTIONS_HEIGHT = 5.5, 4.0  # largest size of the three sections in inches
_SCATTER = "#5b7fb5"  # colour of the tile in the page
_THINNEST = 0.25  # share of the first section to which a stack of few sections is stretched, as in the page
_BINS = ((20_000, 85), (200_000, 128))  # bins along an axis for fewer pixels than this, as in the page
_MOST_BINS = 255


def decoded(tile: Mapping[str, Any]) -> Float64Array:
    """Return the values (height, width) of a map that a tool shows, see ``encode_tile``; NaN where there are none."""
    codes = np.frombuffer(tile["codes"], np.uint8).reshape(tile["shape"])
    low, high = tile["range"]
    values: Float64Array = np.where(codes == MISSING, np.nan, low + codes.astype(np.float64) / LEVELS * (high - low))
    return values


def draw_scatter(ax: Axes, shown: Mapping[str, Any]) -> None:
    """Draw the scatter plot of the page: number of pixels by their values in two maps, on a logarithmic scale."""
    x, y = (decoded(shown[name]).ravel() for name in ("x", "y"))
    both = np.isfinite(x) & np.isfinite(y)
    bins = next((bins for most, bins in _BINS if x.size < most), _MOST_BINS)
    ranges = [_widened(shown[name]["range"]) for name in ("x", "y")]
    counts, columns, rows = np.histogram2d(x[both], y[both], bins=bins, range=ranges)
    colors = LinearSegmentedColormap.from_list("scatter", ["#b8c8e0", _SCATTER, "#16233a"])
    norm = LogNorm(1, max(2.0, float(counts.max())))
    drawn = ax.pcolormesh(
        columns, rows, np.ma.masked_less(counts.T, 1), norm=norm, cmap=colors, rasterized=True
    )  # a vector file would hold a path for each bin
    correlation = shown.get("correlation", float("nan"))
    ax.set_title("scatter" if not np.isfinite(correlation) else f"scatter, r = {correlation:.2f}", fontsize="medium")
    ax.set(xlabel=shown["x"]["label"], ylabel=shown["y"]["label"])
    ax.set_box_aspect(1)
    figure = ax.get_figure()
    if figure is not None:
        figure.colorbar(drawn, ax=ax, fraction=0.046, pad=0.03).set_label("pixels")


def _widened(ends: Any) -> tuple[float, float]:
    """Return the ends of an axis; those of a constant map are moved apart."""
    low, high = float(ends[0]), float(ends[1])
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def draw_profile(figure: Any, shown: Mapping[str, Any], answer: Unmixing) -> None:
    """Draw the profile along the line that the page shows: one curve for each visible component."""
    ax = figure.subplots()
    distance: Float64Array = np.asarray(shown["distance"], dtype=np.float64)
    curves: Float64Array = np.asarray(shown["values"], dtype=np.float64).reshape(-1, distance.size)
    by_number = dict(zip(shown["numbers"], curves, strict=True))
    for number, label, color in zip(answer.endmembers["component"].values, *identity(answer.endmembers), strict=True):
        if int(number) in by_number:
            ax.plot(distance, by_number[int(number)], color=color, linewidth=1.4, label=label)
    ax.set_xlim(float(distance[0]), float(distance[-1]))
    ax.axhline(0, color="0.8", linewidth=0.5, zorder=0)
    ax.set(xlabel=f"distance ({shown['units']})", ylabel="abundance")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize="small", loc="center left", bbox_to_anchor=(1.005, 0.5))


def draw_line(ax: Axes, plane: xr.DataArray, shown: Mapping[str, Any]) -> None:
    """Draw the line of the profile on a map, and the outline of the area over which it is averaged."""
    left, right, bottom, top = extent(plane)
    (y0, x0), (y1, x1) = shown["line"]
    x = left + np.array([x0, x1]) * (right - left)
    y = top + np.array([y0, y1]) * (bottom - top)
    for color, width in (("black", 2.6), ("white", 1.2)):
        ax.plot(x, y, color=color, linewidth=width, marker="o", markersize=width + 1.5, scalex=False, scaley=False)
    if shown["width"] > 0:
        tall, wide = shown["extent"]
        along = np.array([(y1 - y0) * tall, (x1 - x0) * wide])
        across = np.array([along[1], -along[0]]) / np.hypot(*along) * shown["width"] / 2
        dy, dx = across[0] / tall * (bottom - top), across[1] / wide * (right - left)
        corners = [(x[0] - dx, y[0] - dy), (x[1] - dx, y[1] - dy), (x[1] + dx, y[1] + dy), (x[0] + dx, y[0] + dy)]
        ax.add_patch(Polygon(corners, fill=False, edgecolor="white", linewidth=0.8, linestyle="--"))


def sections_size(shown: Mapping[str, Any]) -> tuple[float, float, float]:
    """Return width and height of the first section and the thickness of the other two, in inches.

    Rows and columns of the sections have one scale. A stack of few sections is stretched, as in the page.
    """
    depth, rows, columns = (one["count"] * one["step"] for one in shown["axes"])
    units = [one["units"] for one in shown["axes"]]
    plane = rows / columns if units[1] == units[2] else shown["axes"][1]["count"] / shown["axes"][2]["count"]
    ratio = min(max(plane, 1 / 6), 6.0)
    true = depth / max(rows, columns) if len(set(units)) == 1 else _THINNEST
    thickness = min(max(true, _THINNEST), 1.0) * max(1.0, ratio)
    width = min(_SECTIONS_WIDTH / (1 + thickness), _SECTIONS_HEIGHT / (ratio + thickness))
    return width, width * ratio, width * thickness


def sections_height(shown: Mapping[str, Any]) -> float:
    """Return the height in inches that the sections need, with their axes."""
    _, height, depth = sections_size(shown)
    return height + depth + 1.2


def draw_sections(figure: Any, stage: Stage, shown: Mapping[str, Any], norm: Any) -> None:
    """Draw three orthogonal sections of a component with the lines of the cuts.

    ``norm`` returns the colour scale of values; all three sections have the same one.
    """
    maps = stage.result.abundances
    row = [int(one) for one in maps.component.values].index(int(shown["number"]))
    (label,) = stage.appearance.labels([int(shown["number"])])
    color = identity(maps)[1][row]
    volume = maps[row]
    point = cut_point(volume, stage.section)
    volume = volume.isel({name: point[name] for name in volume.dims[:-3]})
    front, under, side = cut_sections(volume, point).values()
    width, height, depth = sections_size(shown)
    # The right part is empty: the figure has the width of the page, the sections keep their proportions.
    margin = max(0.5, 7.0 - width - depth)
    grid = figure.add_gridspec(2, 3, width_ratios=[width, depth, margin], height_ratios=[height, depth])
    scale: Normalize = norm(np.concatenate([one.values.ravel() for one in (front, under, side)]))
    options = {"norm": scale} if stage.color_map == "component" else {"norm": scale, "cmap": stage.color_map}
    axes: list[Axes] = []
    for i, (plane, cell, cut) in enumerate(((front, grid[0, 0], 0), (under, grid[1, 0], 1), (side.T, grid[0, 1], 2))):
        ax = figure.add_subplot(cell)
        at = shown["axes"][cut]["text"]
        title = f"{label}, {at}" if i == 0 else at
        draw_map(plane, ax, color=color, title=title, colorbar=False, aspect="auto", **options)
        ax.set_box_aspect((depth if i == 1 else height) / (depth if i == 2 else width))
        ax.set_anchor(("SE", "NE", "SW")[i])
        _draw_cuts(ax, plane, point)
        axes.append(ax)
    figure.colorbar(axes[0].images[0], ax=axes[2], fraction=0.2 if depth < width else 0.08, pad=0.05, shrink=0.9)


def _draw_cuts(ax: Axes, plane: xr.DataArray, point: Mapping[Any, int]) -> None:
    """Draw the lines at which the other two sections cut a section."""
    left, right, bottom, top = extent(plane)
    rows, columns = plane.shape
    y = top + (point[plane.dims[0]] + 0.5) * (bottom - top) / rows
    x = left + (point[plane.dims[1]] + 0.5) * (right - left) / columns
    ax.axhline(y, color="white", linewidth=0.7, linestyle="--")
    ax.axvline(x, color="white", linewidth=0.7, linestyle="--")
