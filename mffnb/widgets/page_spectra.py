"""Spectra of an explorer's page as a figure: one axis for each, scaled, normalised and zoomed as in the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullLocator

from mffnb.errors import UnsupportedCombinationError
from mffnb.plots.labels import channel_coordinate, channel_label, identity, with_units
from mffnb.plots.spectra import label_peaks
from mffnb.typing import Array, Float64Array
from mffnb.unmixing.result import Unmixing
from mffnb.widgets.tool import Stage
from mffnb.widgets.tools.region import mean_abundances
from mffnb.widgets.tools.show_spectra import normalized

_LANE, _AXIS = 0.72, 0.7  # inches of a spectrum, and of the channel axis
_REGION, _MEAN = "#8a6d3b", "#7f7f7f"  # colours of these spectra in the page
_SMALLEST = 0.08  # share of the height that a labelled peak has at least, as in the page
_GAP, _EDGE = 0.045, 0.015  # shares of the width between two labels, and between a label and an end of the axis
_MOST_DECADES, _FEWEST_DECADES = 5, 2  # of the logarithmic axis
_TITLES = {
    "none": "{name}{unit}",
    "max": "{name} / maximum",
    "area": "{name} / area",
    "abundance": "contribution{unit}",
}


@dataclass(frozen=True, eq=False)
class _Lane:
    """One spectrum.

    Attributes
    ----------
    label, color
        Its name, and the colour of its curve.
    channel, values
        The curve.
    model
        A dashed curve at the same channels, or None.
    component
        Whether it is an endmember: components share a range if the page shows a common one, and so do all others.
    smooth
        Whether its peaks may get labels: not those of noisy spectra.
    bands
        Pairs of ends of bands behind the curve, the palest first; they may leave the lane.
    """

    label: str
    color: str
    channel: Float64Array
    values: Float64Array
    model: Float64Array | None = None
    component: bool = False
    smooth: bool = False
    bands: Sequence[tuple[Float64Array, Float64Array]] = ()

    def times(self, factor: float) -> _Lane:
        """Return the lane in other units."""
        return replace(
            self,
            values=self.values * factor,
            model=None if self.model is None else self.model * factor,
            bands=[(low * factor, high * factor) for low, high in self.bands],
        )

    def range_between(self, ends: tuple[float, float]) -> tuple[float, float]:
        """Return the smallest and the largest value between two channels, zero included."""
        inside = (self.channel >= min(ends)) & (self.channel <= max(ends))
        curves = [self.values, *([] if self.model is None else [self.model])]
        seen = np.concatenate([curve[inside] for curve in curves])
        seen = seen[np.isfinite(seen)]
        return float(min(seen.min(initial=0.0), 0.0)), float(max(seen.max(initial=0.0), 0.0))


def height_of_lanes(stage: Stage, answer: Unmixing) -> float:
    """Return the height in inches that the spectra need."""
    return _AXIS + _LANE * len(list(_lanes(stage, answer)))


def draw_lanes(figure: Any, stage: Stage, answer: Unmixing) -> None:
    """Draw the spectra of the page on a figure: those of the components, then those that tools add."""
    view = stage.spectra_view
    lanes = list(_lanes(stage, answer))
    axes: list[Axes] = list(figure.subplots(len(lanes), 1, sharex=True, squeeze=False)[:, 0])
    channel = lanes[0].channel
    ends = float(channel[0]), float(channel[-1])
    chosen = view.get("channel_range") or ()
    if chosen:
        ends = (chosen[0], chosen[1]) if ends[0] <= ends[1] else (chosen[1], chosen[0])
    margin = _EDGE * abs(ends[1] - ends[0])
    zoom = min(ends) + margin, max(ends) - margin
    ranges = [lane.range_between(ends) for lane in lanes]
    for lane, ax, own in zip(lanes, axes, ranges, strict=True):
        alike = [one for one, other in zip(ranges, lanes, strict=True) if other.component == lane.component]
        low, high = (min(one[0] for one in alike), max(one[1] for one in alike)) if view.get("common_scale") else own
        _draw(
            lane, ax, (low, high), str(view.get("intensity_scale", "linear")), zoom if view.get("peak_labels") else None
        )
        ax.tick_params(labelbottom=ax is axes[-1])
    if channel.size > 1:
        axes[0].set_xlim(*ends)
    axes[-1].set_xlabel(channel_label(answer.endmembers))
    attrs = answer.endmembers.attrs
    title = _TITLES[str(view.get("normalization", "none"))]
    unit = with_units("", attrs.get("units"))
    figure.supylabel(title.format(name=attrs.get("long_name", "intensity"), unit=unit), fontsize="medium")


def _draw(lane: _Lane, ax: Axes, ends: tuple[float, float], scale: str, zoom: tuple[float, float] | None) -> None:
    """Draw one spectrum with its name, and with labels of its peaks between two channels."""
    low, high = ends
    for i, (lower, upper) in enumerate(lane.bands):
        ax.fill_between(lane.channel, lower, upper, color=lane.color, alpha=0.16 + 0.14 * i, linewidth=0)
    ax.plot(lane.channel, lane.values, color=lane.color, linewidth=0.9 if lane.model is None else 1.6)
    if lane.model is not None:
        ax.plot(lane.channel, lane.model, color="black", linewidth=0.7, linestyle="--")
    ax.axhline(0, color="0.8", linewidth=0.5, zorder=0)
    if zoom is not None and lane.smooth:
        inside = (lane.channel > zoom[0]) & (lane.channel < zoom[1])
        seen = np.where(inside & (lane.values >= _SMALLEST * high), lane.values, 0.0)
        peaked = xr.DataArray(seen, dims="channel", coords={"channel": lane.channel})[inside]
        if peaked.size:
            label_peaks(peaked, ax, digits=_digits(lane), gap=_GAP)
    room = 0.3 * ((high - low) or 1.0)
    if scale == "log":
        knee = _knee(lane, high)
        ax.set_yscale("symlog", linthresh=knee)
        ax.set_yticks([0.0, *_decades(knee, high)])
        ax.yaxis.set_minor_locator(NullLocator())
        ax.set_ylim(low, high * 5 if high > 0 else 1.0)
    else:
        if scale == "sqrt":
            ax.set_yscale("function", functions=(_root, _square))
        ax.yaxis.set_major_locator(MaxNLocator(3))
        ax.yaxis.set_minor_locator(NullLocator())
        ax.set_ylim(low, high + room)
    ax.tick_params(labelsize="small")
    ax.spines[["top", "right"]].set_visible(False)
    ax.text(
        1.005, 0.5, lane.label, color=lane.color, ha="left", va="center", transform=ax.transAxes,
        fontsize="small", fontweight="bold", wrap=True,
    )  # fmt: skip


def _lanes(stage: Stage, answer: Unmixing) -> Iterator[_Lane]:
    """Return the spectra of the page in the chosen normalisation."""
    how = str(stage.spectra_view.get("normalization", "none"))
    channel = channel_coordinate(answer.endmembers)
    spectra = answer.endmembers.values.reshape(len(answer.endmembers), -1)
    shown = normalized(answer, how).values.reshape(spectra.shape)
    used = np.isfinite(spectra).all(axis=0)
    free = _freedom(stage, answer)
    for row, (label, color) in enumerate(zip(*identity(answer.endmembers), strict=True)):
        values, scaled = spectra[row], shown[row]
        bands = [] if free is None else [(free[0][row][used], free[1][row][used])]
        one = _Lane(label, color, channel[used], values[used], component=True, smooth=True, bands=bands)
        size = _largest(values)
        yield one.times(_largest(scaled) / size if size > 0 else 1.0)
    for one in _measured(stage, answer, channel, used):
        size = {"max": _largest(one.values), "area": abs(float(np.trapezoid(one.values, one.channel)))}.get(how, 1.0)
        yield one.times(1.0 / size) if size > 0 else one


def _largest(values: Array) -> float:
    """Return the largest absolute value of a spectrum."""
    return float(np.nanmax(np.abs(values), initial=0.0))


def _freedom(stage: Stage, answer: Unmixing) -> tuple[Float64Array, Float64Array] | None:
    """Return how far the spectra could turn, (k, channels) each, if the page shows it."""
    if not stage.spectra_view.get("freedom_bands") or answer.cube is None:  # a file that is still followed has no cube
        return None
    try:
        found = stage.result.freedom
    except UnsupportedCombinationError:
        return None
    lower, upper = (end.sel(component=answer.endmembers["component"]) for end in (found.lower, found.upper))
    return lower.values.reshape(len(lower), -1), upper.values.reshape(len(upper), -1)


def _measured(stage: Stage, answer: Unmixing, channel: Array, used: Array) -> Iterator[_Lane]:
    """Return the measured spectra: kept pixels, regions, the mean of the image."""
    for pin in stage.pins.values():
        yield _Lane(pin.name, _MEAN, channel[used], pin.measured.values.ravel()[used])
    spectra = answer.endmembers.values.reshape(len(answer.endmembers), -1)
    for region in stage.regions.values():
        measured = region.mean_spectrum.values.ravel()
        if measured.size != used.size:
            continue  # preprocessing has changed the channels since
        model = mean_abundances(answer, region.mask).values @ spectra
        yield _Lane(region.name, _REGION, channel[used], measured[used], model=model[used])
    mean = stage.shown_values("mean_spectrum")
    if mean.get("shown"):
        own, values = (np.asarray(mean[name], dtype=np.float64) for name in ("channel", "values"))
        yield _Lane("mean", _MEAN, own, values, smooth=True)


def _digits(lane: _Lane) -> int:
    """Return the digits after the decimal point that distinguish neighbouring channels, two at most."""
    step = float(np.abs(np.diff(lane.channel)).mean()) if lane.channel.size > 1 else 1.0
    return int(np.clip(-np.floor(np.log10(step)), 0, 2)) if step > 0 else 0


def _knee(lane: _Lane, top: float) -> float:
    """Return the value at which the logarithmic axis becomes linear: near the smallest tenth of the positive values."""
    positive = lane.values[lane.values > 0]
    if not positive.size or top <= 0:
        return 1.0
    small = float(np.quantile(positive, 0.1))
    return float(min(max(small, top / 10**_MOST_DECADES), top / 10**_FEWEST_DECADES))


def _decades(knee: float, top: float) -> Float64Array:
    """Return the powers of ten that get a label: two at most, the highest one first."""
    last, first = np.floor(np.log10(top)) if top > 0 else 0.0, np.ceil(np.log10(knee))
    powers: Float64Array = 10.0 ** np.arange(last, first - 0.5, -max(1.0, np.ceil((last - first + 1) / 2)))
    return powers


def _root(values: Any) -> Any:
    return np.sign(values) * np.sqrt(np.abs(values))


def _square(values: Any) -> Any:
    return np.sign(values) * np.square(values)
