"""Endmembers with their uncertainty, and where maps are uncertain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mffnb.plots.labels import as_image, channel_coordinate, channel_label, identity
from mffnb.plots.maps import draw_map
from mffnb.typing import Array

if TYPE_CHECKING:
    from mffnb.bootstrap import Stability

_NOTHING_TO_SEE = 0.5  # of a lane: what is wider than this is cut, so that lanes stay apart


def draw_bands(
    spectra: xr.DataArray, lower: xr.DataArray, upper: xr.DataArray, ax: Axes, *, alpha: float = 0.35
) -> Axes:
    """Draw spectra above one another, each scaled to its largest value, with a band behind each.

    Parameters
    ----------
    spectra, lower, upper
        ("component", channel dims), in the same units.
    ax
        Where to draw.
    alpha
        Opacity of the bands.
    """
    curves, low, high = (one.values.reshape(len(one), -1) for one in (spectra, lower, upper))
    channel = channel_coordinate(spectra)
    labels, colors = identity(spectra)
    for number, (label, color) in enumerate(zip(labels, colors, strict=True)):
        shift = len(curves) - 1 - number
        unit = 0.85 / (np.nanmax(np.abs(curves[number]), initial=0.0) or 1.0)

        def lane(values: Array, unit: float = unit, shift: int = shift) -> Array:
            return np.asarray(np.clip(values * unit, -_NOTHING_TO_SEE, 0.98) + shift)

        ax.fill_between(channel, lane(low[number]), lane(high[number]), color=color, alpha=alpha, linewidth=0)
        ax.plot(channel, lane(curves[number]), color=color, linewidth=0.8, label=label)
        ax.axhline(shift, color=color, linewidth=0.5, alpha=0.4)
    ax.set_xlim(channel[0], channel[-1])
    ax.set_yticks([])
    ax.set(xlabel=channel_label(spectra), ylabel="each scaled to its maximum")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def stability(found: Stability, *, figure: Figure | None = None) -> Figure:
    """Draw a component in each row: its endmember in its band, its map, and the standard deviation of that map.

    Parameters
    ----------
    found
        What to show: replicas where there are some, else restarts.
    figure
        Figure to draw into; a new one, free of pyplot, if None.
    """
    part = found.replicas if found.replicas is not None else found.restarts
    if part is None:
        raise ValueError("there are neither replicas nor restarts to show")
    answer = found.answer
    k = len(answer.endmembers)
    labels, colors = identity(answer.abundances)
    plane = as_image(answer.abundances[0])
    tall = min(1.5, max(0.6, plane.shape[0] / plane.shape[1])) if plane.shape[0] > 1 else 0.5
    figure = figure or Figure(figsize=(12.0, k * (2.4 * tall + 0.6) + 0.8), layout="constrained")
    grid = figure.add_gridspec(k, 3, width_ratios=[2.0, 1.0, 1.0])
    for number in range(k):
        row = [figure.add_subplot(grid[number, column]) for column in range(3)]
        one = slice(number, number + 1)
        draw_bands(answer.endmembers[one], part.lower[one], part.upper[one], row[0])
        scores = [
            f"{name} {float(kind.score[number]):.2f}"
            for name, kind in (("restarts", found.restarts), ("replicas", found.replicas))
            if kind is not None
        ]
        row[0].set_title(
            f"{labels[number]}: stability over {', '.join(scores)}", color=colors[number], fontsize="medium"
        )
        draw_map(answer.abundances[number], row[1], color=colors[number], title="abundance")
        draw_map(part.deviation[number], row[2], title="its standard deviation")
        for ax in row[1:]:
            ax.set(xlabel="", ylabel="")
        if number < k - 1:
            row[0].set_xlabel("")
    over = f"replicas ({found.noise})" if found.replicas is not None else "restarts"
    figure.suptitle(f"{100 * found.level:g} % bands and standard deviations over {over}", fontsize="medium")
    return figure
