"""Plots of endmembers with uncertainty bands, and of maps with their standard deviation."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mffnb.plots.labels import as_image, channel_coordinate, channel_label, identity
from mffnb.plots.maps import draw_map
from mffnb.plots.shown import Uncertainty
from mffnb.typing import Array

__all__ = ["draw_bands", "stability"]

_BELOW, _ABOVE = 0.05, 0.98  # vertical limits of a spectrum in the stack, so that wide bands do not reach the next one
_NOTE_WIDTH = 140  # characters in a line above the figure


def draw_bands(spectra: xr.DataArray, *bands: tuple[xr.DataArray, xr.DataArray], ax: Axes) -> Axes:
    """Draw stacked spectra, each scaled to its maximum, with uncertainty bands behind each.

    Parameters
    ----------
    spectra
        Endmember spectra ("component", channel dims).
    bands
        Any number of pairs (lower, upper) of limits of a band, with the shape and the units of the spectra. The last
        band is drawn on top in the colour of the component, the others are grey.
    ax
        Axes to draw on.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> from matplotlib.figure import Figure
    >>> from mffnb import plots
    >>> spectra = xr.DataArray(np.ones((2, 5)), dims=("component", "energy"))
    >>> ax = plots.draw_bands(spectra, (spectra - 0.1, spectra + 0.1), ax=Figure().subplots())
    >>> len(ax.collections)
    2
    """
    curves = spectra.values.reshape(len(spectra), -1)
    channel = channel_coordinate(spectra)
    labels, colors = identity(spectra)
    for number, (label, color) in enumerate(zip(labels, colors, strict=True)):
        shift = len(curves) - 1 - number
        unit = 0.85 / (np.nanmax(np.abs(curves[number]), initial=0.0) or 1.0)

        def lane(values: Array, unit: float = unit, shift: int = shift) -> Array:
            return np.asarray(np.clip(values * unit, -_BELOW, _ABOVE) + shift)

        for place, band in enumerate(bands, start=1):
            low, high = (lane(one.values.reshape(len(one), -1)[number]) for one in band)
            shade = {"color": color, "alpha": 0.45} if place == len(bands) else {"color": "0.82"}
            ax.fill_between(channel, low, high, linewidth=0, **shade)
        ax.plot(channel, lane(curves[number]), color=color, linewidth=0.8, label=label)
        ax.axhline(shift, color=color, linewidth=0.5, alpha=0.4)
    if channel[0] != channel[-1]:  # a single channel has no range
        ax.set_xlim(channel[0], channel[-1])
    ax.set_yticks([])
    ax.set(xlabel=channel_label(spectra), ylabel="scaled to maximum")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def stability(found: Uncertainty, *, figure: Figure | None = None) -> Figure:
    """Draw a stability analysis: for each component the endmember with bands, its map and the map's deviation.

    The band over replicas, including what the data leave undetermined, has the colour of the component. The band over
    restarts is grey. If the bands may be unreliable, the title says why.

    Parameters
    ----------
    found
        Result of :func:`mffnb.selection.stability`; without replicas, only restarts are shown.
    figure
        Figure to draw on; if None, a new one that pyplot does not manage.

    Examples
    --------
    >>> import mffnb as mf
    >>> cube = mf.datasets.cits_pnictide(seed=0, shape=(20, 24, 60)).cube
    >>> found = mf.selection.stability(cube, 2, n_init=2, n_bootstrap=9, random_state=0)
    >>> figure = mf.plots.stability(found)
    >>> sum(len(ax.images) for ax in figure.axes) >= 4
    True
    """
    part = found.replicas if found.replicas is not None else found.restarts
    if part is None:
        raise ValueError("there are neither replicas nor restarts to show")
    answer = found.answer
    replicated: list[Any] = [found] if found.replicas is not None else []
    k = len(answer.endmembers)
    labels, colors = identity(answer.abundances)
    plane = as_image(answer.abundances[0])
    tall = min(1.5, max(0.6, plane.shape[0] / plane.shape[1])) if plane.shape[0] > 1 else 0.5
    figure = figure or Figure(figsize=(12.0, k * (2.4 * tall + 0.6) + 0.8), layout="constrained")
    grid = figure.add_gridspec(k, 3, width_ratios=[2.0, 1.0, 1.0])
    for number in range(k):
        row = [figure.add_subplot(grid[number, column]) for column in range(3)]
        one = slice(number, number + 1)
        bands = [(kind.lower[one], kind.upper[one]) for kind in (found.restarts, *replicated) if kind is not None]
        draw_bands(answer.endmembers[one], *bands, ax=row[0])
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
        row[2].set_ylabel("")
        if number < k - 1:
            for ax in row:
                ax.set_xlabel("")
    open_too = " and what the data leave undetermined" if found.reach is not None else ""
    over = [f"replicas ({found.noise}){open_too} (in colour)"] if found.replicas is not None else []
    over += ["restarts (grey)"] if over and found.restarts is not None else ["restarts"] if not over else []
    title = f"{100 * found.level:g} % bands over {' and over '.join(over)}"
    doubt = textwrap.fill(found.doubt, _NOTE_WIDTH)
    figure.suptitle(f"{title}\n{doubt}" if doubt else title, fontsize="medium")
    return figure
