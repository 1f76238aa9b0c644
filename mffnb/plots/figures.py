"""Figures of a result: maps and spectra, residuals, sections of stacks."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mffnb.plots.labels import (
    as_image,
    channel_coordinate,
    channel_label,
    identity,
    pixel_coordinate,
    pixel_label,
    with_units,
)
from mffnb.plots.maps import draw_map
from mffnb.plots.shown import Factors, Fit
from mffnb.plots.spectra import draw_spectra

__all__ = ["joint_overview", "overview", "residuals", "sections"]

_NOTE_WIDTH = 150  # characters in a line above the spectra


def overview(
    result: Factors,
    *,
    figure: Figure | None = None,
    columns: int = 6,
    band: tuple[xr.DataArray, xr.DataArray] | None = None,
    note: str = "",
) -> Figure:
    """Draw the abundance maps above the endmember spectra, one colour for each component.

    Parameters
    ----------
    result
        Endmembers and abundances, for example :class:`mffnb.Unmixing`.
    figure
        Figure to draw on; if None, a new one that pyplot does not manage.
    columns
        Maximum number of maps in a row.
    band, note
        Lower and upper end of a pale band behind each spectrum, and sentences above them, one for each line.

    Examples
    --------
    >>> import mffnb as mf
    >>> cube = mf.datasets.cits_pnictide(seed=0, shape=(20, 24, 60)).cube
    >>> figure = mf.plots.overview(mf.unmix(cube, 3, random_state=0))
    >>> sum(len(ax.images) for ax in figure.axes)
    3
    """
    k = len(result.abundances)
    columns = min(columns, k)
    rows = -(-k // columns)
    plane = as_image(result.abundances[0])
    tall = min(2.0, max(0.5, plane.shape[0] / plane.shape[1])) if plane.shape[0] > 1 else 0.4
    tile = 11.0 / max(columns, 3)
    height = rows * (tile * 0.8 * tall + 0.5), 0.9 + 0.62 * k
    labels, colors = identity(result.abundances)
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
    ax = draw_spectra(result.endmembers, below.subplots(), band=band)
    _write_note(note, ax)
    return figure


def _write_note(note: str, ax: Axes) -> None:
    """Write lines of text above the spectra, wrapped to the width of the figure."""
    lines = [part for line in note.splitlines() for part in textwrap.wrap(line, _NOTE_WIDTH)]
    if lines:
        ax.set_title("\n".join(lines), loc="left", fontsize="small", color="0.35")


def residuals(result: Fit, cube: Any = None, *, figure: Figure | None = None) -> Figure:
    r"""Draw the residual: root mean square over channels as a map, mean and deviation over pixels as a spectrum.

    The residual of a good model is noise: the map shows no structure of the sample, and the mean residual is small
    compared with its standard deviation. The map shows :math:`\sqrt{\langle (X - A E)^2 \rangle}` over channels. The
    plot below shows the mean residual over pixels with a band of one standard deviation.

    Parameters
    ----------
    result
        Endmembers and abundances, for example :class:`mffnb.Unmixing`.
    cube
        The data; needed only if the result was loaded from a file, which does not contain them.
    figure
        Figure to draw on; if None, a new one that pyplot does not manage.

    Examples
    --------
    >>> import mffnb as mf
    >>> cube = mf.datasets.cits_pnictide(seed=0, shape=(20, 24, 60)).cube
    >>> figure = mf.plots.residuals(mf.unmix(cube, 3, random_state=0))
    >>> figure.axes[0].images[0].get_array().shape
    (20, 24)
    """
    missed = result.residual(cube)
    channels = [name for name in result.endmembers.dims if name != "component"]
    pixels = [name for name in missed.dims if name not in channels]
    figure = figure or Figure(figsize=(11.0, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1, 2.2])
    drawn = {"map": (missed**2).mean(channels) ** 0.5, "mean": missed.mean(pixels), "scatter": missed.std(pixels)}
    whole = xr.Dataset(drawn).compute()  # one pass over a residual that is computed in blocks
    draw_map(whole["map"], left, title="root mean square residual")
    mean, scatter = whole["mean"].values.ravel(), whole["scatter"].values.ravel()
    coordinate = channel_coordinate(result.endmembers)
    right.fill_between(coordinate, mean - scatter, mean + scatter, color="0.85", label="± standard deviation")
    right.plot(coordinate, mean, color="black", linewidth=0.9, label="mean over pixels")
    right.axhline(0, color="#d55e00", linewidth=0.6)
    units = missed.attrs.get("units")
    right.set(xlabel=channel_label(result.endmembers), ylabel=with_units("residual", units))
    if coordinate.size > 1:
        right.set_xlim(coordinate[0], coordinate[-1])
    right.legend(frameon=False, fontsize="small", ncols=2)
    right.spines[["top", "right"]].set_visible(False)
    return figure


def sections(result: Factors, across: str, at: float | None = None, *, figure: Figure | None = None) -> Figure:
    """Draw one section of each map of a three-dimensional stack, for example of a depth profile.

    Parameters
    ----------
    result
        Result with three or more pixel dimensions.
    across
        Pixel dimension normal to the section: ``"y"`` gives sections in x and z.
    at
        Position of the section in units of that coordinate; the middle if None.
    figure
        Figure to draw on; if None, a new one that pyplot does not manage.

    Raises
    ------
    ValueError
        If the maps have no such dimension.

    Examples
    --------
    >>> import mffnb as mf
    >>> cube = mf.datasets.tof_sims_3d(seed=0, shape=(20, 8, 8)).cube
    >>> figure = mf.plots.sections(mf.unmix(cube, 2, random_state=0), across="y")
    >>> figure.axes[0].images[0].get_array().shape
    (20, 8)
    """
    maps = result.abundances
    if across not in maps.dims[1:]:
        raise ValueError(f"the maps have no dimension {across!r}: use one of {', '.join(map(str, maps.dims[1:]))}")
    coordinate = pixel_coordinate(maps, across)
    if at is None:
        number = maps.sizes[across] // 2
    else:
        number = int(at) if coordinate is None else int(np.argmin(np.abs(coordinate - at)))
        if not 0 <= number < maps.sizes[across]:
            raise ValueError(f"at={at} is no section: {across!r} has {maps.sizes[across]} of them, numbered from 0")
    cut = maps.isel({across: number})
    labels, colors = identity(maps)
    figure = figure or Figure(figsize=(11.0, 3.0 + 0.3 * (len(maps) > 4)), layout="constrained")
    for component, ax in enumerate(figure.subplots(1, len(maps), squeeze=False).flat):
        draw_map(cut[component], ax, color=colors[component], title=labels[component], aspect="auto")
        if component:
            ax.set_ylabel("")
    where = f", section {number}" if coordinate is None else f" = {coordinate[number]:.4g}"
    figure.suptitle(f"{pixel_label(maps, across)}{where}", fontsize="medium")
    return figure


def joint_overview(
    results: Sequence[Factors],
    names: Sequence[str],
    *,
    endmembers: xr.DataArray | None = None,
    figure: Figure | None = None,
    band: tuple[xr.DataArray, xr.DataArray] | None = None,
    note: str = "",
) -> Figure:
    """Draw the abundance maps of several images, one row for each, above the endmember spectra that they share.

    Parameters
    ----------
    results
        Results with the same endmembers, for example the items of a :class:`mffnb.JointUnmixing`.
    names
        Name of each image.
    endmembers
        The spectra, if those of the results differ; None for those of the first result.
    figure
        Figure to draw on; if None, a new one that pyplot does not manage.
    band, note
        Lower and upper end of a pale band behind each spectrum, and sentences above them, one for each line.

    Examples
    --------
    >>> import mffnb as mf
    >>> images = [mf.datasets.cits_pnictide(seed=seed, shape=(20, 24, 60)).cube for seed in (0, 1)]
    >>> joint = mf.unmix(images, 3, random_state=0)
    >>> figure = mf.plots.joint_overview(list(joint), ["before", "after"])
    >>> sum(len(ax.images) for ax in figure.axes) >= 6
    True
    """
    k = len(results[0].abundances)
    labels, colors = identity(results[0].abundances)
    tile = 11.0 / max(k, 3)
    heights = []
    for result in results:
        plane = as_image(result.abundances[0])
        tall = min(2.0, max(0.5, plane.shape[0] / plane.shape[1])) if plane.shape[0] > 1 else 0.4
        heights.append(tile * 0.8 * tall + 0.7)
    heights.append(0.9 + 0.62 * k)
    figure = figure or Figure(figsize=(11.0, sum(heights)), layout="constrained")
    parts: Any = figure.subfigures(len(heights), 1, height_ratios=heights)
    for part, result, name in zip(parts[:-1], results, names, strict=True):
        for number, ax in enumerate(part.subplots(1, k, squeeze=False).flat):
            draw_map(result.abundances[number], ax, color=colors[number], title=f"{name}: {labels[number]}")
            if number:
                ax.set_ylabel("")
    ax = draw_spectra(results[0].endmembers if endmembers is None else endmembers, parts[-1].subplots(), band=band)
    _write_note(note, ax)
    return figure
