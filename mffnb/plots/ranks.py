"""Plots of the criteria for the number of components k, and of the tree of components over k."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import FancyBboxPatch

from mffnb.plots.labels import as_image
from mffnb.plots.maps import component_colormap
from mffnb.plots.palette import component_colors
from mffnb.plots.shown import ComponentTree, RankEvidence
from mffnb.typing import Array

__all__ = ["lineage", "rank_scan"]

_PANELS: dict[str, tuple[str, ...]] = {
    "fit": ("relative_error", "held_out"),
    "information criteria, above the lowest": ("aic", "bic"),
    "agreement of restarts": ("dispersion", "cophenetic", "silhouette"),
    "similarity of components": ("similarity",),
}
_NAMES = {"relative_error": "all entries", "held_out": "held-out entries", "aic": "AIC", "bic": "BIC"}

_GAP, _BESIDE, _MARGIN = 0.38, 0.12, 0.75  # gaps between rows and columns of a tree, left margin; in widths of a map
_THUMBNAIL = 200  # pixels, largest side of a thumbnail map


def rank_scan(
    scan: RankEvidence, *, ks: Sequence[int] | None = None, advice: bool = True, figure: Figure | None = None
) -> Figure:
    """Draw all criteria for the number of components against k, with the recommendation as the title.

    Parameters
    ----------
    scan
        Result of :func:`mffnb.selection.scan_rank`.
    ks
        Values of k on the axes, for a running scan that has not reached all of them.
    advice
        Whether to mark the recommended k; False during a scan, when the recommendation may still change.
    figure
        Figure to draw on; if None, a new one that pyplot does not manage.

    Examples
    --------
    >>> import mffnb as mf
    >>> cube = mf.datasets.cits_pnictide(seed=0, shape=(20, 24, 60)).cube
    >>> scan = mf.selection.scan_rank(cube, range(2, 4), n_init=2, splits=0, random_state=0)
    >>> len(mf.plots.rank_scan(scan).axes) > 3
    True
    """
    figure = figure or Figure(figsize=(11.0, 5.6), layout="constrained")
    axes = figure.subplots(2, 3).ravel()
    evidence, ks = scan.evidence, scan.ks if ks is None else sorted(ks)
    for ax, (title, names) in zip(axes, _PANELS.items(), strict=False):
        for name in names:
            values = evidence[name].values
            values = values - np.nanmin(values) if name in ("aic", "bic") and np.isfinite(values).any() else values
            ax.plot(scan.ks, values, "o-", markersize=4, label=_NAMES.get(name, name))
        ax.set_title(title, fontsize="medium")
        ax.ticklabel_format(axis="y", useOffset=False, scilimits=(-3, 7))
        if len(names) > 1:
            ax.legend(frameon=False, fontsize="small")
    axes[2].set_ylim(min(0.0, axes[2].get_ylim()[0]), 1.05)
    _draw_halves(scan, axes[4])
    _draw_images(scan, axes[5])
    for ax in axes[:5]:
        ax.set(xlabel="k", xticks=ks, xlim=(ks[0] - 0.5, ks[-1] + 0.5))
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
    if advice:
        _draw_advice(scan, figure, axes)
    return figure


def _draw_advice(scan: RankEvidence, figure: Figure, axes: Sequence[Axes]) -> None:
    found = scan.recommend()
    low, high = found.between
    for ax in axes:
        if found.k is not None:
            ax.axvline(found.k, color="#009e73", linewidth=6, alpha=0.25, zorder=0)
        else:
            ax.axvspan(low - 0.1, high + 0.1, color="#e69f00", alpha=0.15, linewidth=0, zorder=0)
    text = f"k = {found.k}" if found.k is not None else f"undetermined, between {low} and {high}"
    figure.suptitle(text, fontsize="medium")


def _draw_halves(scan: RankEvidence, ax: Axes) -> None:
    angles, within = scan.evidence.angles.values, scan.evidence.within.values
    ax.set_title("endmembers of two halves (rad)", fontsize="medium")
    if not np.isfinite(angles).any():
        return
    ax.plot(scan.ks, angles, ".", color="0.6")
    ax.plot(scan.ks, np.median(angles, axis=1), "o-", markersize=4, label="apart")
    ax.plot(scan.ks, np.median(within, axis=1), "--", color="0.4", label="closest two of one half")
    if max(np.nanmax(angles), np.nanmax(within, initial=0.0)) > 0:
        ax.set_yscale("log")
    ax.legend(frameon=False, fontsize="small")


def _draw_images(scan: RankEvidence, ax: Axes) -> None:
    images = scan.evidence.images
    ax.set_title("images above the noise", fontsize="medium")
    ax.set_xlabel("number of the image")
    if images.size:
        ax.plot(images.image, np.maximum(images, 1e-2), "o-", markersize=4)
        ax.axhline(1, color="0.4", linestyle="--")
        ax.set_yscale("log")


def lineage(tree: ComponentTree, *, chosen: int | None = None, figure: Figure | None = None) -> Figure:
    """Draw the maps of each k in a row, with a line from each component to its parent in the row above.

    A component keeps its colour and its column as k grows. A component that splits off from another gets the next
    colour and column, and a dashed line to its parent.

    Parameters
    ----------
    tree
        Tree of components, :class:`mffnb.selection.Lineage`.
    chosen
        The k whose row is highlighted.
    figure
        Figure to draw on; if None, a new one that pyplot does not manage.

    Examples
    --------
    >>> import mffnb as mf
    >>> cube = mf.datasets.cits_pnictide(seed=0, shape=(20, 24, 60)).cube
    >>> tree = mf.selection.Lineage.of({k: mf.unmix(cube, k, random_state=0) for k in (2, 3)})
    >>> figure = mf.plots.lineage(tree, chosen=3)
    >>> sum(len(ax.images) for ax in figure.axes)
    5
    """
    ks, families = sorted(tree.results), tree.families()
    columns = max((number for row in families.values() for number in row), default=0) + 1
    plane = as_image(tree.results[ks[0]].abundances[0])
    tall = min(1.5, max(0.4, plane.shape[0] / plane.shape[1]))
    step = tall + _GAP
    width, height = columns * (1 + _BESIDE) + _MARGIN, len(ks) * step
    inches = min(1.4, 11.0 / width)
    figure = figure or Figure(figsize=(inches * width, inches * height))
    ax = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    ax.set(xlim=(-_MARGIN, width - _MARGIN), ylim=(height, 0), aspect="equal")
    ax.axis("off")
    colors = component_colors(columns)
    middle: dict[tuple[int, int], tuple[float, float]] = {}
    for row, k in enumerate(ks):
        top = row * step + _GAP / 2
        _mark_row(ax, k, row * step, step, width, marked=k == chosen)
        ax.text(-0.12, top + tall / 2, f"k = {k}", ha="right", va="center")
        for component, family in enumerate(families[k]):
            left = family * (1 + _BESIDE)
            image = as_image(tree.results[k].abundances[component]).values
            _thumbnail(ax, image, (left, left + 1, top + tall, top), colors[family]).set_gid(
                f"k{k}-component{component}"
            )
            middle[k, component] = left + 0.5, top
    before: dict[int, int] = dict(zip(ks[1:], ks[:-1], strict=True))
    for link in tree.links.itertuples():
        (x, y), (to_x, to_y) = middle[before[link.k], link.parent], middle[link.k, link.component]
        style = "--" if link.new else "-"
        ax.plot([x, to_x], [y + tall, to_y], color="0.5", linestyle=style, linewidth=1.2, zorder=1)
    return figure


def _mark_row(ax: Axes, k: int, top: float, tall: float, width: float, *, marked: bool) -> None:
    """Draw the clickable box around the row of one k; it is visible only if the row is highlighted."""
    place = FancyBboxPatch(
        (0.03 - _MARGIN, top + 0.03), width - 0.06, tall - 0.06, boxstyle="round,pad=0,rounding_size=0.08",
        facecolor="#2b83d6", alpha=0.18 if marked else 0.0, linewidth=0, zorder=0,
    )  # fmt: skip
    place.set_gid(f"k{k}")
    ax.add_patch(place)


def _thumbnail(ax: Axes, image: Array, extent: tuple[float, float, float, float], color: str) -> AxesImage:
    """Draw a map without axes, decimated to the size on the screen."""
    every = max(1, max(image.shape) // _THUMBNAIL)
    high = np.nanpercentile(image, 99.8) if np.isfinite(image).any() else 1.0
    return ax.imshow(
        image[::every, ::every], extent=extent, interpolation="nearest", aspect="auto", cmap=component_colormap(color),
        vmin=0.0, vmax=high or 1.0, zorder=2,
    )  # fmt: skip
