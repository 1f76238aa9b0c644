"""Pictures of cubes and results: pure functions that draw on axes and return them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap, to_hex
from matplotlib.figure import Figure

from mffnb.palette import component_colors
from mffnb.typing import Array

if TYPE_CHECKING:
    from mffnb.result import Unmixing

_DARK = "#0b0e14"
_BRIGHT = 99.8  # percentile shown brightest: one hot pixel must not darken a map; the colour bar says so


def component_colormap(color: str) -> Colormap:
    """From near black through a component's colour to a pale tint of it: brightness rises all the way.

    Examples
    --------
    >>> from mffnb.plots import component_colormap
    >>> component_colormap("#009e73").name
    '#009e73'
    """
    stops = [(0.0, _DARK), (0.75, color), (1.0, _tint(color))]
    return LinearSegmentedColormap.from_list(color, stops)


def as_image(image: xr.DataArray) -> xr.DataArray:
    """Reduce a map to two dimensions: a line scan becomes one row, a stack its middle section."""
    if image.ndim == 1:
        return image.expand_dims({"": 1})
    return image.isel({name: image.sizes[name] // 2 for name in image.dims[:-2]})


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
        Map with one to four pixel dimensions; of a stack the middle section is shown.
    ax
        Where to draw.
    color
        Component colour; the map runs from black to it. Viridis if None.
    title
        Text above the map.
    colorbar
        Whether to add one.
    options
        For ``Axes.imshow``; by default ``vmin`` is 0 or the lowest value, ``vmax`` the 99.8th percentile.
    """
    plane = as_image(image)
    options.setdefault("cmap", "viridis" if color is None else component_colormap(color))
    values = plane.values[np.isfinite(plane.values)]
    lowest, bright, highest = np.percentile(values, [0, _BRIGHT, 100]) if values.size else (0.0, 1.0, 1.0)
    options.setdefault("vmin", min(0.0, lowest))
    options.setdefault("vmax", bright if bright > 0 else highest)
    drawn = ax.imshow(plane.values, extent=_extent(plane), interpolation="nearest", **options)
    ax.set_aspect("auto" if plane.shape[0] == 1 else _aspect(plane))
    ax.set_xlabel(axis_label(plane, plane.dims[1]))
    ax.set_ylabel(axis_label(plane, plane.dims[0]))
    ax.set_title(title, fontsize="medium", color=color or "black")
    if colorbar:
        figure = ax.get_figure()
        if figure is not None:
            figure.colorbar(
                drawn, ax=ax, fraction=0.046, pad=0.03, extend="max" if highest > options["vmax"] else "neither"
            )
    return ax


def draw_spectra(
    spectra: xr.DataArray,
    ax: Axes,
    *,
    colors: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    stacked: bool = True,
    **options: Any,
) -> Axes:
    """Draw spectra, one colour each, above one another or in one frame.

    Parameters
    ----------
    spectra
        ("component", channel dims); several channel dimensions are drawn one after the other.
    ax
        Where to draw.
    colors, labels
        One for each component; by default the component's own colour and number.
    stacked
        Scale each spectrum to its largest value and shift it up by one; else draw them as they are.
    options
        For ``Axes.plot``.
    """
    values = spectra.values.reshape(len(spectra), -1)
    channel = channel_coordinate(spectra)
    named, colored = _identity(spectra)
    colors, labels = colors or colored, labels or named
    options.setdefault("linewidth", 0.9)
    for number, (spectrum, color, label) in enumerate(zip(values, colors, labels, strict=True)):
        shift = len(values) - 1 - number if stacked else 0
        size = np.abs(spectrum).max() if stacked else 1.0
        shown = 0.9 * spectrum / (size or 1.0) + shift if stacked else spectrum
        ax.plot(channel, shown, color=color, label=label, **options)
        if stacked:
            ax.axhline(shift, color=color, linewidth=0.5, alpha=0.4)
            end = max(1, len(channel) // 7)
            at_left = np.nanmax(shown[:end], initial=0.0) < np.nanmax(shown[-end:], initial=0.0)  # where there is room
            ax.text(
                0.005 if at_left else 0.995, shift + 0.88, label, color=color, ha="left" if at_left else "right",
                va="top", transform=ax.get_yaxis_transform(), fontsize="small", fontweight="bold",
            )  # fmt: skip
    ax.set_xlim(channel[0], channel[-1])
    ax.set_xlabel(axis_label(spectra, spectra.dims[-1]))
    if stacked:
        ax.set_yticks([])
        ax.set_ylabel("each scaled to its maximum")
    else:
        ax.set_ylabel(_with_units(str(spectra.attrs.get("long_name", "intensity")), spectra.attrs.get("units")))
        ax.legend(frameon=False, fontsize="small")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def overview(result: Unmixing, *, figure: Figure | None = None, columns: int = 6) -> Figure:
    """Draw all maps above all spectra, one colour a component.

    Parameters
    ----------
    result
        What to show.
    figure
        Figure to draw into; a new one, free of pyplot, if None.
    columns
        Most maps in a row.
    """
    k = len(result.abundances)
    columns = min(columns, k)
    rows = -(-k // columns)
    plane = as_image(result.abundances[0])
    tall = min(2.0, max(0.5, plane.shape[0] / plane.shape[1])) if plane.shape[0] > 1 else 0.4
    tile = 11.0 / max(columns, 3)
    height = rows * (tile * 0.8 * tall + 0.5), 0.9 + 0.62 * k
    labels, colors = _identity(result.abundances)
    figure = figure or Figure(figsize=(11.0, sum(height)), layout="constrained")
    parts: Any = figure.subfigures(2, 1, height_ratios=height)
    above, below = parts
    for number, ax in enumerate(above.subplots(rows, columns, squeeze=False).flat):
        if number >= k:
            ax.axis("off")
            continue
        draw_map(result.abundances[number], ax, color=colors[number], title=labels[number])
        if number % columns:
            ax.set_ylabel("")
    draw_spectra(result.endmembers, below.subplots())
    return figure


def channel_coordinate(spectra: xr.DataArray) -> Array:
    """The coordinate of the channels, or their numbers where there is none or where they span dimensions."""
    name = spectra.dims[-1]
    if spectra.ndim == 2 and name in spectra.coords and spectra[name].dtype.kind in "iuf":
        return np.asarray(spectra[name].values, dtype=np.float64)
    return np.arange(spectra[0].size, dtype=np.float64)


def axis_label(array: xr.DataArray, name: Any) -> str:
    """Name of a dimension with its units, ``"m/z (u)"`` say."""
    if name not in array.coords:
        return str(name)
    attrs = array[name].attrs
    return _with_units(str(attrs.get("long_name", name)), attrs.get("units"))


def pixel_size(image: xr.DataArray) -> tuple[float, float, str] | None:
    """Height, width and unit of a pixel, where both axes are evenly spaced in the same unit; else None."""
    plane = as_image(image)
    sizes, units = [], set()
    for name in plane.dims:
        if name not in plane.coords or plane.sizes[name] < 2 or not plane[name].attrs.get("units"):
            return None
        steps = np.diff(np.asarray(plane[name].values, dtype=np.float64))
        if not np.allclose(steps, steps[0], rtol=1e-3, atol=0) or steps[0] == 0:
            return None
        sizes.append(abs(float(steps[0])))
        units.add(str(plane[name].attrs["units"]))
    return (sizes[0], sizes[1], units.pop()) if len(units) == 1 else None


def _identity(array: xr.DataArray) -> tuple[list[str], list[str]]:
    """Labels and colours that go with the names of components, whatever their order and number."""
    names = array["component"].values if "component" in array.coords else np.arange(len(array))
    if names.dtype.kind not in "iu":
        return [str(name) for name in names], component_colors(len(names))
    palette = component_colors(int(names.max(initial=0)) + 1)
    return [f"component {name}" for name in names], [palette[name] for name in names]


def _extent(plane: xr.DataArray) -> tuple[float, float, float, float]:
    """Edges of the outer pixels: left, right, bottom, top; the first row is on top."""
    edges = []
    for name in (plane.dims[1], plane.dims[0]):
        size = plane.sizes[name]
        first, last, step = 0.0, size - 1.0, 1.0
        if size > 1 and name in plane.coords and plane[name].dtype.kind in "iuf":
            first, last = float(plane[name][0]), float(plane[name][-1])
            step = (last - first) / (size - 1)
        edges += [first - step / 2, last + step / 2]
    left, right, top, bottom = edges
    return left, right, bottom, top


def _aspect(plane: xr.DataArray) -> Any:
    """Equal lengths where both axes have the same unit, else square pixels."""
    units = {plane[name].attrs.get("units") if name in plane.coords else None for name in plane.dims}
    if len(units) == 1:
        return "equal"
    left, right, bottom, top = _extent(plane)
    return abs((right - left) / plane.shape[1] / ((top - bottom) / plane.shape[0]))


def _with_units(text: str, units: object) -> str:
    return f"{text} ({units})" if units else text


def _tint(color: str) -> str:
    ramp = LinearSegmentedColormap.from_list("tint", [color, "white"])
    return to_hex(ramp(0.75))
