"""Figure of what an explorer's page shows, for a paper: maps with scale bars, spectra with axes, units and names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize, PowerNorm
from matplotlib.figure import Figure

from mffnb.plots.labels import as_image, identity, pixel_coordinate, pixel_size
from mffnb.plots.maps import draw_colors, draw_map, draw_scale_bar, extent
from mffnb.typing import Array, Float64Array
from mffnb.unmixing.result import Unmixing
from mffnb.widgets.appearance import visible
from mffnb.widgets.live_view.frame_builder import sections_of
from mffnb.widgets.page_charts import (
    PROFILE_HEIGHT,
    decoded,
    draw_line,
    draw_profile,
    draw_scatter,
    draw_sections,
    sections_height,
)
from mffnb.widgets.page_spectra import draw_lanes, height_of_lanes
from mffnb.widgets.tool import Stage
from mffnb.widgets.tools.composite import picture

_WIDTH = 9.5  # inches: reduced to the two columns of a journal, text of 10 points has 7.5
_COLUMNS = 4  # largest number of pictures in a row
_RARE = 0.02  # a clipped maximum below this share of the maximum would hide a rare component
_RIGHT = 0.85  # share of the width of a map beyond which a name stands at the left of its mark
_DECADES = 4  # of the logarithmic intensity of patterns, as in the page
_MISFIT, _BAND = "#b8860b", "#6b8e9e"  # colours of these tiles in the page


@dataclass(frozen=True, eq=False)
class _Tile:
    """A picture of the figure.

    Attributes
    ----------
    title, color
        Text above it, and the colour of a component or None.
    plane
        Image (height, width), with coordinates.
    colors
        Red, green and blue of its pixels, in place of those of its values.
    options
        Options of :func:`mffnb.plots.draw_map`.
    of_pixels
        Whether its axes are those of the image, and not those of the channels.
    scatter
        What the tool shows of a scatter plot, which is drawn in place of the image; empty for an image.
    """

    title: str
    plane: xr.DataArray
    color: str | None = None
    colors: Array | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    of_pixels: bool = True
    scatter: Mapping[str, Any] = field(default_factory=dict)


def page_figure(stage: Stage) -> Figure:
    """Draw what the page shows: maps of the components and of the tools, and below them the spectra or patterns.

    Colours, contrast, section of a stack, names and order are those of the page, as are scale, normalisation and zoom
    of the spectra. Regions, kept pixels and the line of a profile are drawn on the maps. Orthogonal sections and the
    profile are between maps and spectra, as on the page; spectra of regions and pixels are below those of the
    components.
    """
    answer = visible(stage.result)
    tiles = [*_components(stage, answer), *_of_tools(stage, answer)]
    patterns = list(_patterns(answer))
    sections, line = _on_page(stage, "orthogonal_sections", "sections"), _on_page(stage, "profile", "values")
    grids = [_grid(tiles), _grid(patterns)]
    heights = [grids[0][2]]
    heights += [sections_height(sections)] if sections else []
    heights += [PROFILE_HEIGHT] if line else []
    heights += [grids[1][2] if patterns else height_of_lanes(stage, answer)]
    where = ", ".join(one.text for one in sections_of(answer.abundances[0], stage.section))
    figure = Figure(figsize=(_WIDTH, sum(heights) + (0.3 if where else 0.0)), layout="constrained")
    parts: Any = figure.subfigures(len(heights), 1, height_ratios=heights)
    above, *between, below = parts
    for tile, ax in _on_axes(above, tiles, *grids[0][:2]):
        _draw(tile, ax, stage)
    if sections:
        draw_sections(between[0], stage, sections, lambda values: _norm(values, *stage.contrast))
    if line:
        draw_profile(between[-1], line, answer)
    if patterns:
        for tile, ax in _on_axes(below, patterns, *grids[1][:2]):
            _draw(tile, ax, stage)
    else:
        draw_lanes(below, stage, answer)
    if where:
        figure.suptitle(where, fontsize="medium")
    return figure


def _on_page(stage: Stage, tool: str, key: str) -> Mapping[str, Any]:
    """Return what a tool shows; nothing while the page does not show it or its first values are awaited."""
    shown = stage.shown_values(tool)
    return shown if shown.get("shown") and shown.get(key) is not None else {}


def _components(stage: Stage, answer: Unmixing) -> Iterator[_Tile]:
    """Return the maps of the components, with the colours and the contrast of the page."""
    clip, gamma = stage.contrast
    for image, label, color in zip(answer.abundances, *identity(answer.abundances), strict=True):
        plane = as_image(image, stage.section)
        options: dict[str, Any] = {"norm": _norm(plane.values, clip, gamma)}
        if stage.color_map != "component":
            options["cmap"] = stage.color_map
        yield _Tile(label, plane, color, options=options)


def _norm(values: Array, clip: float, gamma: float) -> Normalize:
    """Return the scale of a map on which at most ``clip`` per cent of its pixels are saturated, as in the page."""
    seen = np.sort(values[np.isfinite(values)].astype(np.float64))
    top = float(seen[-1]) if seen.size else 1.0
    upper = float(seen[-1 - int(seen.size * clip / 100)]) if seen.size else 1.0
    low = min(0.0, float(seen[0])) if seen.size else 0.0
    high = upper if upper > _RARE * top else top
    return PowerNorm(gamma, vmin=low, vmax=high if high > low else low + 1.0)


def _of_tools(stage: Stage, answer: Unmixing) -> Iterator[_Tile]:
    """Return the maps that tools add to the page."""
    plane = as_image(answer.abundances[0], stage.section)
    composite = stage.shown_values("composite")
    if composite.get("shown"):
        yield _Tile("composite", plane, colors=picture(stage, composite["opacity"]).values)
    misfit = stage.shown_values("residual_map")
    if misfit.get("shown"):
        yield _Tile("misfit (noise = 1)", _decoded(misfit, plane), _MISFIT)
    band = stage.shown_values("band")
    if band.get("shown"):
        yield _Tile(str(band["text"]), _decoded(band, plane), _BAND)
    for one in stage.shown_values("compare").get("tiles", ()) if stage.shown_values("compare").get("shown") else ():
        low, high = one["range"]
        options = {"cmap": "RdBu_r", "vmin": low, "vmax": high}
        yield _Tile(one["label"], _decoded(one, plane), one["colour"], options=options)
    scatter = _on_page(stage, "scatter", "x")
    if scatter:
        yield _Tile("scatter", plane, of_pixels=False, scatter=scatter)


def _decoded(tile: Mapping[str, Any], plane: xr.DataArray) -> xr.DataArray:
    """Return the values of a map that a tool shows, see ``encode_tile``, with the coordinates of the picture."""
    found = xr.DataArray(decoded(tile), dims=plane.dims)
    for name in plane.dims:
        axis = pixel_coordinate(plane, name)
        if axis is not None:  # the middle of each block of pixels
            at = (np.arange(found.sizes[name]) + 0.5) * axis.size / found.sizes[name] - 0.5
            middle: Float64Array = np.interp(at, np.arange(axis.size), axis)
            found = found.assign_coords({name: (name, middle, plane[name].attrs)})
    return found


def _patterns(answer: Unmixing) -> Iterator[_Tile]:
    """Return endmembers with two channel axes as images on a logarithmic scale; nothing for spectra."""
    if answer.endmembers.ndim != 3:
        return
    for pattern, label, color in zip(answer.endmembers, *identity(answer.endmembers), strict=True):
        top = float(np.nanmax(pattern.values, initial=0.0)) or 1.0
        lifted = pattern.where(~(pattern < top / 10**_DECADES), top / 10**_DECADES)  # zero is as dark as the weakest
        options = {"norm": LogNorm(top / 10**_DECADES, top)}
        yield _Tile(label, lifted, color, options=options, of_pixels=False)


def _grid(tiles: list[_Tile]) -> tuple[int, int, float]:
    """Return rows, columns and height in inches of pictures."""
    if not tiles:
        return 0, 0, 0.0
    rows = -(-len(tiles) // _COLUMNS)
    columns = -(-len(tiles) // rows)
    height, width = tiles[0].plane.shape
    size = pixel_size(tiles[0].plane)
    ratio = height / width if size is None else height * size[0] / (width * size[1])
    tall = min(2.0, max(0.3, ratio)) if height > 1 else 0.4
    return rows, columns, rows * (_WIDTH / max(columns, 3) * 0.78 * tall + 0.45)


def _on_axes(figure: Any, tiles: list[_Tile], rows: int, columns: int) -> Iterator[tuple[_Tile, Axes]]:
    """Return pictures with their axes; those without a picture are removed."""
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for ax in axes[len(tiles) :]:
        ax.remove()
    return zip(tiles, axes[: len(tiles)], strict=True)


def _draw(tile: _Tile, ax: Axes, stage: Stage) -> None:
    """Draw a picture, with a scale bar if the size of its pixels is known, and with regions and kept pixels."""
    if tile.scatter:
        draw_scatter(ax, tile.scatter)
    elif tile.colors is not None:
        draw_colors(tile.colors, tile.plane, ax, title=tile.title)
    else:
        draw_map(tile.plane, ax, color=tile.color, title=tile.title, **tile.options)
    if not tile.of_pixels:
        return
    if pixel_size(tile.plane) is not None and tile.plane.shape[0] > 1:
        draw_scale_bar(tile.plane, ax)
    _draw_marks(ax, tile.plane, stage)


def _draw_marks(ax: Axes, plane: xr.DataArray, stage: Stage) -> None:
    """Draw the outlines and names of regions, a diamond at each kept pixel, and the line of the profile."""
    left, right, bottom, top = extent(plane)
    if line := _on_page(stage, "profile", "line"):
        draw_line(ax, plane, line)
    for region in stage.regions.values():
        inside = np.asarray(as_image(region.mask, stage.section).values, dtype=np.float64)
        if min(inside.shape) < 2 or not inside.any():
            continue
        rows, columns = inside.shape
        x = left + (np.arange(columns) + 0.5) * (right - left) / columns
        y = top + (np.arange(rows) + 0.5) * (bottom - top) / rows
        for color, width in (("black", 2.2), ("white", 1.0)):
            ax.contour(x, y, inside, levels=[0.5], colors=color, linewidths=width)
        row, column = np.argwhere(inside > 0)[0]
        _name(ax, region.name, x[column], y[row])
    for pin in stage.pins.values():
        row, column = pin.pixel
        height, width = as_image(stage.result.abundances[0], stage.section).shape
        here = left + (column + 0.5) * (right - left) / width, top + (row + 0.5) * (bottom - top) / height
        ax.plot(*here, marker="D", markersize=4, markerfacecolor="none", markeredgecolor="white")
        _name(ax, pin.name, *here)


def _name(ax: Axes, text: str, x: float, y: float) -> None:
    """Write a name beside a mark, white on black, on the side that has room."""
    left, right = ax.get_xlim()
    at_right = (x - left) / (right - left) > _RIGHT
    ax.annotate(
        text, (x, y), (-4, 4) if at_right else (4, 4), textcoords="offset points", ha="right" if at_right else "left",
        color="white", fontsize="x-small", annotation_clip=True,
        bbox={"boxstyle": "square,pad=0.15", "facecolor": "black", "edgecolor": "none", "alpha": 0.6},
    )  # fmt: skip
