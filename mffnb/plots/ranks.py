"""Evidence for the number of components, and the tree of components as it grows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch

from mffnb.palette import component_colors
from mffnb.plots.labels import as_image
from mffnb.plots.maps import draw_map

if TYPE_CHECKING:
    from mffnb.selection.lineage import Lineage
    from mffnb.selection.scan import RankScan

_PANELS: dict[str, tuple[str, ...]] = {
    "fit": ("relative_error", "held_out"),
    "information criteria, above the lowest": ("aic", "bic"),
    "agreement of restarts": ("dispersion", "cophenetic", "silhouette"),
    "likeness of components": ("similarity",),
}
_NAMES = {"relative_error": "all entries", "held_out": "held-out entries", "aic": "AIC", "bic": "BIC"}


def rank_scan(scan: RankScan, *, figure: Figure | None = None) -> Figure:
    """Draw all criteria against k, those that speak for themselves at the end, and the recommendation above.

    Parameters
    ----------
    scan
        What to show.
    figure
        Figure to draw into; a new one, free of pyplot, if None.
    """
    figure = figure or Figure(figsize=(11.0, 5.6), layout="constrained")
    axes = figure.subplots(2, 3).ravel()
    evidence, advice = scan.evidence, scan.recommend()
    for ax, (title, names) in zip(axes, _PANELS.items(), strict=False):
        for name in names:
            values = evidence[name].values
            values = values - np.nanmin(values) if name in ("aic", "bic") and np.isfinite(values).any() else values
            ax.plot(scan.ks, values, "o-", markersize=4, label=_NAMES.get(name, name))
        ax.set_title(title, fontsize="medium")
        if len(names) > 1:
            ax.legend(frameon=False, fontsize="small")
    _draw_halves(scan, axes[4])
    _draw_images(scan, axes[5])
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
        if advice.k is not None:
            ax.axvline(advice.k, color="#009e73", linewidth=6, alpha=0.25, zorder=0)
        else:
            ax.axvspan(*advice.between, color="#e69f00", alpha=0.15, zorder=0)
    for ax in axes[:5]:
        ax.set(xlabel="k", xticks=scan.ks)
    low, high = advice.between
    text = f"k = {advice.k}" if advice.k is not None else f"cannot tell, between {low} and {high}"
    figure.suptitle(text, fontsize="medium")
    return figure


def _draw_halves(scan: RankScan, ax: Axes) -> None:
    angles, within = scan.evidence.angles.values, scan.evidence.within.values
    ax.set_title("endmembers of two halves (rad)", fontsize="medium")
    if not np.isfinite(angles).any():
        return
    ax.plot(scan.ks, angles, ".", color="0.6")
    ax.plot(scan.ks, np.median(angles, axis=1), "o-", markersize=4, label="apart")
    ax.plot(scan.ks, np.median(within, axis=1), "--", color="0.4", label="closest two of one half")
    ax.set_yscale("log")
    ax.legend(frameon=False, fontsize="small")


def _draw_images(scan: RankScan, ax: Axes) -> None:
    images = scan.evidence.images
    ax.set_title("images above the noise", fontsize="medium")
    ax.set_xlabel("number of the image")
    if images.size:
        ax.plot(images.image, np.maximum(images, 1e-2), "o-", markersize=4)
        ax.axhline(1, color="0.4", linestyle="--")
        ax.set_yscale("log")


def lineage(tree: Lineage, *, figure: Figure | None = None) -> Figure:
    """Draw the maps of each k in a row, and from each a line to where it came from in the row above.

    A component keeps its colour and its column as k grows; one that splits off gets the next of both.

    Parameters
    ----------
    tree
        What to show.
    figure
        Figure to draw into; a new one, free of pyplot, if None.
    """
    ks, families = sorted(tree.results), tree.families()
    columns = max((number for row in families.values() for number in row), default=0) + 1
    plane = as_image(tree.results[ks[0]].abundances[0])
    tall = min(1.5, max(0.5, plane.shape[0] / plane.shape[1]))
    figure = figure or Figure(figsize=(1.5 * columns + 0.8, (1.5 * tall + 0.5) * len(ks)))
    grid = figure.add_gridspec(len(ks), columns, left=0.06, right=0.99, top=0.98, bottom=0.02, hspace=0.35)
    colors = component_colors(columns)
    drawn: dict[tuple[int, int], Axes] = {}
    for row, k in enumerate(ks):
        maps = tree.results[k].abundances
        for component, family in enumerate(families[k]):
            ax = figure.add_subplot(grid[row, family])
            draw_map(maps[component], ax, color=colors[family], colorbar=False)
            ax.set(xticks=[], yticks=[], xlabel="", ylabel="")
            ax.set_gid(f"k{k}-component{component}")
            drawn[k, component] = ax
        first = drawn[k, int(np.argmin(families[k]))]
        first.set_ylabel(f"k = {k}", rotation=0, ha="right", va="center")
    before: dict[int, int] = dict(zip(ks[1:], ks[:-1], strict=True))
    for link in tree.links.itertuples():
        _connect(figure, drawn[before[link.k], link.parent], drawn[link.k, link.component], link.new)
    return figure


def _connect(figure: Figure, parent: Axes, child: Axes, new: Any) -> None:
    """A line from below one map to above another; dashed where a component splits off."""
    style = "--" if new else "-"
    where = ((0.5, 0.0), (0.5, 1.0), "axes fraction", "axes fraction")
    line = ConnectionPatch(*where, axesA=parent, axesB=child, color="0.5", linestyle=style, linewidth=1.2)
    figure.add_artist(line)
