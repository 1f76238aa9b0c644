"""Figures of a rank scan in which each k can be clicked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from mffnb import plots
from mffnb.selection.component_tree import Lineage
from mffnb.selection.scan import RankScan
from mffnb.unmixing.result import Unmixing
from mffnb.widgets.boards.picture import ClickTarget, RenderedFigure, box_across, freeze_layout

_HALF = 0.5  # half width of the clickable strip of each k, in units of k
_OVER_K = 5  # number of axes of mffnb.plots.rank_scan that have k on the x axis


def criteria(scan: RankScan, ks: Sequence[int], *, ended: bool) -> RenderedFigure:
    """Draw all criteria of a rank scan; each finished k is a clickable strip in every axes."""
    figure = freeze_layout(plots.rank_scan(scan, ks=ks, advice=ended))
    axes = figure.axes[:_OVER_K]
    spots = tuple(
        ClickTarget(k, _criteria_text(scan, k), tuple(box_across(ax, k - _HALF, k + _HALF) for ax in axes))
        for k in scan.ks
    )
    alt = f"Criteria against the number of components k = {_listed(scan.ks)}. {scan.recommend() if ended else ''}"
    return RenderedFigure(figure, alt, spots)


def tree(lineage: Lineage) -> RenderedFigure:
    """Draw the component tree of a rank scan; each k is a clickable row of maps."""
    figure = plots.lineage(lineage)
    (ax,) = figure.axes
    spots = []
    for patch in ax.patches:
        k = int(str(patch.get_gid()).removeprefix("k"))
        box = figure.transFigure.inverted().transform_bbox(patch.get_window_extent())
        spots.append(
            ClickTarget(k, f"k = {k}: a row of {k} maps", ((box.x0, 1 - box.y1, box.width, box.height),), "frame")
        )
    ks = sorted(lineage.results)
    alt = f"Tree of the components: a row of maps for each of k = {_listed(ks)}, each map linked to its parent"
    return RenderedFigure(figure, alt, tuple(spots))


def summary(scan: RankScan, shown: Unmixing) -> Figure:
    """Draw the criteria above the result for one k, for notebooks that are displayed without a kernel."""
    height = 3.4 + 0.6 * len(shown.endmembers)
    figure = Figure(figsize=(11.0, 5.6 + height), layout="constrained")
    parts: Any = figure.subfigures(2, 1, height_ratios=[5.6, height])
    plots.rank_scan(scan, figure=parts[0])
    plots.overview(shown, figure=parts[1])
    return figure


def _criteria_text(scan: RankScan, k: int) -> str:
    """Return a text with the main criteria of one k, for screen readers."""
    row = scan.evidence.sel(k=k)
    parts = [f"relative error {float(row.relative_error):.3g}"]
    for name, text, unit in (("held_out", "held-out error", ""), ("split_half", "angle between halves", " rad")):
        value = float(row[name])
        if math.isfinite(value):
            parts.append(f"{text} {value:.3g}{unit}")
    return f"k = {k}: {', '.join(parts)}"


def _listed(ks: list[int]) -> str:
    """Return numbers as a comma-separated text."""
    return ", ".join(map(str, ks))
