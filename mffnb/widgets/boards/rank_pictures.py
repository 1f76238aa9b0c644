"""A scan of the number of components as pictures in which a k can be chosen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from mffnb import plots
from mffnb.selection.component_tree import Lineage
from mffnb.selection.scan import RankScan
from mffnb.unmixing.result import Unmixing
from mffnb.widgets.boards.picture import Drawn, Spot, across, laid_out

_HALF = 0.5  # of a step of k is its share of an axis
_OVER_K = 5  # axes of plots.rank_scan that run over k


def criteria(scan: RankScan, ks: Sequence[int], *, ended: bool) -> Drawn:
    """All criteria on axes for all k that are to come; a k is a strip of each."""
    figure = laid_out(plots.rank_scan(scan, ks=ks, advice=ended))
    axes = figure.axes[:_OVER_K]
    spots = tuple(Spot(k, _words(scan, k), tuple(across(ax, k - _HALF, k + _HALF) for ax in axes)) for k in scan.ks)
    alt = f"Criteria against the number of components k = {_listed(scan.ks)}. {scan.recommend() if ended else ''}"
    return Drawn(figure, alt, spots)


def tree(lineage: Lineage) -> Drawn:
    """The tree of the components; a k is a row."""
    figure = plots.lineage(lineage)
    (ax,) = figure.axes
    spots = []
    for patch in ax.patches:
        k = int(str(patch.get_gid()).removeprefix("k"))
        box = figure.transFigure.inverted().transform_bbox(patch.get_window_extent())
        spots.append(Spot(k, f"k = {k}: a row of {k} maps", ((box.x0, 1 - box.y1, box.width, box.height),), "frame"))
    ks = sorted(lineage.results)
    alt = f"Tree of the components: a row of maps for each of k = {_listed(ks)}, each map linked to where it came from"
    return Drawn(figure, alt, tuple(spots))


def summary(scan: RankScan, shown: Unmixing) -> Figure:
    """Criteria above an answer, for whoever reads a notebook without a kernel."""
    height = 3.4 + 0.6 * len(shown.endmembers)
    figure = Figure(figsize=(11.0, 5.6 + height), layout="constrained")
    parts: Any = figure.subfigures(2, 1, height_ratios=[5.6, height])
    plots.rank_scan(scan, figure=parts[0])
    plots.overview(shown, figure=parts[1])
    return figure


def _words(scan: RankScan, k: int) -> str:
    """What the criteria say of one k."""
    row = scan.evidence.sel(k=k)
    parts = [f"relative error {100 * float(row.relative_error):.3g} %"]
    for name, text, unit in (("held_out", "held-out error", ""), ("split_half", "halves are apart by", " rad")):
        value = float(row[name])
        if math.isfinite(value):
            parts.append(f"{text} {value:.3g}{unit}")
    return f"k = {k}: {', '.join(parts)}"


def _listed(ks: list[int]) -> str:
    return ", ".join(map(str, ks))
