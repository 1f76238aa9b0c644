"""Plots of endmember spectra, stacked or overlaid, with labels of their peaks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from scipy.signal import find_peaks

from mffnb.plots.labels import channel_coordinate, channel_label, identity, with_units

__all__ = ["draw_spectra", "label_peaks"]

_CLOSE = 0.02  # smallest distance of two labels, as a fraction of the axis width
_FAINT = 0.02  # smallest prominence of a peak, as a fraction of the largest one


def draw_spectra(
    spectra: xr.DataArray,
    ax: Axes,
    *,
    colors: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    stacked: bool = True,
    band: tuple[xr.DataArray, xr.DataArray] | None = None,
    **options: Any,
) -> Axes:
    """Draw spectra, one colour each, stacked above one another or overlaid.

    Parameters
    ----------
    spectra
        Endmember spectra ("component", channel dims); several channel dimensions are joined into one axis.
    ax
        Axes to draw on.
    colors, labels
        One colour and one label for each component; by default its own colour and its name.
    stacked
        If True, each spectrum is scaled to its maximum and offset by one from the previous one. If False, the values
        are drawn.
    band
        Lower and upper end of a pale band behind each spectrum, with the dimensions and the units of the spectra, for
        example ``(result.freedom.lower, result.freedom.upper)``.
    options
        Passed to ``Axes.plot``.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> import mffnb as mf
    >>> sample = mf.datasets.cits_pnictide(seed=0, shape=(20, 24, 60))
    >>> ax = mf.plots.draw_spectra(sample.endmembers, Figure().subplots(), stacked=False)
    >>> len(ax.lines), ax.get_xlabel()
    (3, 'sample bias (mV)')
    """
    values = spectra.values.reshape(len(spectra), -1)
    channel = channel_coordinate(spectra)
    named, colored = identity(spectra)
    colors, labels = colors or colored, labels or named
    options.setdefault("linewidth", 0.9)
    for number, (spectrum, color, label) in enumerate(zip(values, colors, labels, strict=True)):
        shift = len(values) - 1 - number if stacked else 0
        size = np.nanmax(np.abs(spectrum), initial=0.0) if stacked else 1.0
        unit = 0.9 / (size or 1.0) if stacked else 1.0
        shown = unit * spectrum + shift
        if band is not None:
            low, high = (unit * end.values.reshape(len(end), -1)[number] for end in band)
            inside = (np.minimum(end, 0.97) for end in (low, high)) if stacked else (low, high)  # below the next one
            ax.fill_between(channel, *(end + shift for end in inside), color=color, alpha=0.16, linewidth=0)
        ax.plot(channel, shown, color=color, label=label, **options)
        if stacked:
            ax.axhline(shift, color=color, linewidth=0.5, alpha=0.4)
            end = max(1, len(channel) // 7)
            at_left = np.nanmax(shown[:end], initial=0.0) < np.nanmax(
                shown[-end:], initial=0.0
            )  # place labels where spectra are low
            ax.text(
                0.005 if at_left else 0.995, shift + 0.88, label, color=color, ha="left" if at_left else "right",
                va="top", transform=ax.get_yaxis_transform(), fontsize="small", fontweight="bold",
            )  # fmt: skip
    if channel.size > 1:
        ax.set_xlim(channel[0], channel[-1])
    ax.set_xlabel(channel_label(spectra))
    if stacked:
        ax.set_yticks([])
        ax.set_ylabel("each scaled to its maximum")
    else:
        ax.set_ylabel(with_units(str(spectra.attrs.get("long_name", "intensity")), spectra.attrs.get("units")))
        ax.legend(frameon=False, fontsize="small")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def label_peaks(
    spectrum: xr.DataArray,
    ax: Axes,
    *,
    number: int = 6,
    digits: int = 0,
    color: str = "black",
    gap: float = _CLOSE,
    **options: Any,
) -> Axes:
    """Label the most prominent peaks of a drawn spectrum with their positions, as far as space allows.

    Parameters
    ----------
    spectrum
        Spectrum, (channels,), in the units in which it was drawn.
    ax
        Axes on which it was drawn, not stacked.
    number
        Maximum number of labels.
    digits
        Digits after the decimal point.
    color
        Colour of the text.
    gap
        Smallest distance of two labels, as a fraction of the width of the axis.
    options
        Passed to ``Axes.annotate``.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> from matplotlib.figure import Figure
    >>> from mffnb import plots
    >>> mass = np.arange(10.0, 60.0)
    >>> spectrum = xr.DataArray(np.isin(mass, (23, 39)) * [5.0], dims="mz", coords={"mz": mass})
    >>> ax = plots.label_peaks(spectrum, Figure().subplots())
    >>> [text.get_text() for text in ax.texts]
    ['23', '39']
    """
    values = np.asarray(spectrum.values, dtype=np.float64).ravel()
    coordinate = channel_coordinate(spectrum.expand_dims("component"))
    if not np.isfinite(values).any():
        return ax
    padded = np.concatenate(
        [[-np.inf], np.nan_to_num(values, nan=-np.inf), [-np.inf]]
    )  # with padding, a peak may be at an end
    peaks, found = find_peaks(padded, prominence=0, plateau_size=1)
    heights = np.where(np.isinf(found["prominences"]), np.nanmax(values) - np.nanmin(values), found["prominences"])
    clear = heights > _FAINT * heights.max(initial=0.0)
    peaks, heights = peaks[clear] - 1, heights[clear]
    chosen: list[int] = []
    for i in peaks[np.argsort(-heights, kind="stable")]:
        crowded = any(abs(coordinate[i] - coordinate[other]) < gap * np.ptp(coordinate) for other in chosen)
        if len(chosen) < number and not crowded:
            chosen.append(int(i))
    ax.margins(y=0.12)  # space for the labels
    for i in sorted(chosen):
        if values[i] > 0:
            ax.annotate(
                f"{coordinate[i]:.{digits}f}", (coordinate[i], values[i]), (0, 2), textcoords="offset points",
                ha="center", va="bottom", **{"color": color, "fontsize": "small"} | options,
            )  # fmt: skip
    return ax
