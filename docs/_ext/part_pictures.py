"""Pictures of the effect of each part on small data, drawn when the site is built: by the part itself, or its formula.

``DRAWN`` names each picture after the page of the part. A picture has a white ground, so it is readable on light and on
dark pages.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import part_scenes as scenes
import xarray as xr
from matplotlib.figure import Figure

import mffnb as mf

DRAWN: dict[str, Drawing] = {}
"""Pictures by the dotted name of the part."""

BEFORE, AFTER = "#7f7f7f", "#0072b2"
"""Grey for what was, blue for what the part makes of it."""


class Drawing(NamedTuple):
    """A picture: the function that draws it, and what is seen, in one sentence."""

    draw: Callable[[], Figure]
    text: str


def drawn(name: str, text: str) -> Callable[[Callable[[], Figure]], Callable[[], Figure]]:
    """Register a function that draws the picture of ``mffnb.NAME``."""

    def register(function: Callable[[], Figure]) -> Callable[[], Figure]:
        DRAWN[f"mffnb.{name}"] = Drawing(function, text)
        return function

    return register


def file_name(name: str) -> str:
    """Name of the file with the picture of a part.

    >>> file_name("mffnb.preprocessing.Bin")
    'preprocessing.Bin.png'
    """
    return f"{name.removeprefix('mffnb.')}.png"


def images() -> dict[str, tuple[str, str]]:
    """Path of each picture on the site and its text, by the name of the part.

    >>> images()["mffnb.Sparsity"][0]
    '/pictures/parts/Sparsity.png'
    """
    return {name: (f"/pictures/parts/{file_name(name)}", drawing.text) for name, drawing in DRAWN.items()}


def draw_all(folder: Path) -> None:
    """Draw the pictures that are older than this program."""
    newest = max(path.stat().st_mtime for path in Path(__file__).parent.glob("part_*.py"))
    folder.mkdir(parents=True, exist_ok=True)
    for name, drawing in DRAWN.items():
        path = folder / file_name(name)
        if path.exists() and path.stat().st_mtime > newest:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", mf.errors.MffnbWarning)
            figure = drawing.draw()
        figure.savefig(path, dpi=110, facecolor="white")


def panels(*titles: str, width: float = 2.6, height: float = 2.1) -> tuple[Figure, list[Any]]:
    """A figure with one panel for each title."""
    figure = Figure((width * len(titles), height), layout="constrained")
    axes = list(np.atleast_1d(figure.subplots(1, len(titles))))
    for ax, title in zip(axes, titles, strict=True):
        ax.set_title(title, fontsize=9)
        ax.tick_params(labelsize=7)
    return figure, axes


def image(ax: Any, values: Any, top: float | None = None) -> None:
    """Draw a map without ticks."""
    ax.imshow(values, vmin=0, vmax=top, cmap="viridis")
    ax.set(xticks=[], yticks=[])


def curves(ax: Any, x: Any, values: Any, x_label: str = "", **options: Any) -> None:
    """Draw one or more curves (curves, points)."""
    for one in np.atleast_2d(values):
        ax.plot(x, one, lw=1.2, **options)
    ax.set_xlabel(x_label, fontsize=8)


# Penalties and constraints on maps: the spectra are known, so that the picture shows the part alone.


def maps_with(*terms: Any, noise: float = 0.25) -> xr.DataArray:
    """Maps of the noisy scene for the true spectra and the given terms."""
    cube = scenes.noisy(noise)
    result = mf.unmix(cube, 3, known=scenes.spectra(), abundance_terms=list(terms), random_state=0, max_iter=300)
    return result.abundances


def with_and_without(label: str, *terms: Any, component: int = 1) -> Figure:
    """One map of the noisy scene without and with the terms."""
    plain, changed = maps_with(), maps_with(*terms)
    figure, axes = panels("without", label)
    for ax, result in zip(axes, (plain, changed), strict=True):
        image(ax, result[component].values, 1.2)
    return figure


@drawn("Sparsity", "One map of a noisy mixture without and with sparsity: faint values become zero.")
def _sparsity() -> Figure:
    return with_and_without("Sparsity(0.1)", mf.Sparsity(0.1), component=0)


@drawn("Smoothness", "One map of a noisy mixture without and with smoothness: noise and sharp edges are blurred.")
def _smoothness() -> Figure:
    return with_and_without("Smoothness(1)", mf.Smoothness(1.0))


@drawn("TotalVariation", "One map of a noisy mixture without and with total variation: noise goes, edges stay sharp.")
def _variation() -> Figure:
    return with_and_without("TotalVariation(0.1)", mf.TotalVariation(0.1), component=0)


@drawn("Ridge", "Abundances of the pixels in one row without and with a ridge penalty: large values shrink most.")
def _ridge() -> Figure:
    figure, (ax,) = panels("abundance along one row", width=4.4)
    for terms, color, label in [((), BEFORE, "without"), ((mf.Ridge(1.0),), AFTER, "Ridge(1)")]:
        row = maps_with(*terms)[0].values[16]
        ax.plot(row, color=color, label=label, lw=1.2)
    ax.legend(fontsize=7)
    return figure


@drawn("GroupSparsity", "Norm of each of six fitted components of three materials: the penalty sets three to zero.")
def _groups() -> Figure:
    cube = scenes.noisy(0.1)
    figure, axes = panels("without", "GroupSparsity(0.05)")
    for ax, terms, color in zip(axes, ([], [mf.GroupSparsity(0.05)]), (BEFORE, AFTER), strict=True):
        result = mf.unmix(cube, 6, abundance_terms=terms, random_state=0, max_iter=2000)
        share = (result.abundances * result.endmembers.sum("channel")).mean(("y", "x"))
        ax.bar(np.arange(6), np.sort(share.values)[::-1], color=color)
        ax.set_xlabel("component", fontsize=8)
    axes[0].set_ylabel("mean intensity", fontsize=8)
    return figure


@drawn(
    "SpectralSmoothness", "One endmember of a noisy mixture without and with the penalty: the curve loses its noise."
)
def _spectral() -> Figure:
    cube = scenes.noisy(0.6)[:12, :12]
    figure, (ax,) = panels("one endmember", width=4.4)
    for terms, color, label in [
        ([], BEFORE, "without"),
        ([mf.SpectralSmoothness(10.0)], AFTER, "SpectralSmoothness(10)"),
    ]:
        result = mf.unmix(cube, 1, endmember_terms=terms, random_state=0)
        curves(ax, np.arange(60), result.endmembers.values, "channel", color=color, label=label)
    ax.legend(fontsize=7)
    return figure


def simplices(*runs: tuple[str, dict[str, Any]]) -> Figure:
    """Pixels of a three-component mixture in a plane, and the triangle of endmembers of each run."""
    rng = np.random.default_rng(0)
    true = scenes.spectra(30) + 0.3
    fractions = rng.dirichlet([1, 1, 1], 1500)
    fractions = fractions[fractions.max(axis=1) < 0.8][:600]
    cube = xr.DataArray((fractions @ true)[None] + rng.normal(0, 0.005, (1, 600, 30)), dims=("y", "x", "channel"))
    cube = cube.clip(0)
    mean = cube.values[0].mean(axis=0)
    axes_of_plane = np.linalg.svd(cube.values[0] - mean, full_matrices=False)[2][:2]
    figure, axes = panels(*(title for title, _ in runs))
    for ax, (_, options) in zip(axes, runs, strict=True):
        result = mf.unmix(cube, 3, random_state=0, **options)
        plane = (cube.values[0] - mean) @ axes_of_plane.T
        corners = (result.endmembers.values - mean) @ axes_of_plane.T
        truth = (true - mean) @ axes_of_plane.T
        ax.plot(*plane.T, ".", ms=2, color=BEFORE)
        ax.plot(*np.vstack([corners, corners[:1]]).T, "-o", color=AFTER, ms=4)
        ax.plot(*truth.T, "x", color="#d55e00", ms=6)
        ax.set(xticks=[], yticks=[], aspect="equal", xlim=(-3.2, 3.2), ylim=(-2.6, 2.6))
    return figure


@drawn(
    "MinimumVolume",
    "Pixels in the plane of three spectra (grey), true spectra (crosses) and fitted ones (triangle): "
    "without a volume the triangle is too large, with one its corners are close to the crosses.",
)
def _volume() -> Figure:
    return simplices(
        ("sum to one alone", {"sum_to_one": True}), ("MinimumVolume(1e-4)", {"sum_to_one": True, "volume": 1e-4})
    )


def projected(part: Any, label: str, points: Any, shape: Callable[[Any], None], span: tuple[float, float]) -> Figure:
    """Pairs of abundances before and after the projection, with arrows, and the outline of the set."""
    after = part.project(points.copy())
    figure, (ax,) = panels(label, width=2.8, height=2.5)
    shape(ax)
    for start, end in zip(points.T, after.T, strict=True):
        ax.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": BEFORE, "lw": 0.8})
    ax.plot(*points, "o", ms=3, color=BEFORE)
    ax.plot(*after, "o", ms=4, color=AFTER)
    ax.set(xlim=span, ylim=span, aspect="equal")
    ax.set_xlabel("first component", fontsize=8)
    ax.set_ylabel("second component", fontsize=8)
    return figure


def points(low: float, high: float, count: int = 14) -> Any:
    """Random pairs, (2, count)."""
    return np.random.default_rng(0).uniform(low, high, (2, count))


@drawn("NonNegative", "Arrows from pairs of values to the nearest pair without a negative value.")
def _non_negative() -> Figure:
    quadrant = lambda ax: ax.fill([0, 2, 2, 0], [0, 0, 2, 2], color=AFTER, alpha=0.12)  # noqa: E731
    return projected(mf.NonNegative(), "nearest non-negative values", points(-1, 1), quadrant, (-1.1, 1.1))


@drawn("Bounds", "Arrows from pairs of values to the nearest pair inside of the bounds 0.2 and 0.8.")
def _bounds() -> Figure:
    square = lambda ax: ax.fill([0.2, 0.8, 0.8, 0.2], [0.2, 0.2, 0.8, 0.8], color=AFTER, alpha=0.12)  # noqa: E731
    return projected(mf.Bounds(0.2, 0.8), "Bounds(0.2, 0.8)", points(-0.2, 1.3), square, (-0.3, 1.4))


@drawn("Simplex", "Arrows from pairs of abundances to the nearest pair of fractions that sum to one, on a line.")
def _simplex() -> Figure:
    line = lambda ax: ax.plot([0, 1], [1, 0], color=AFTER, lw=5, alpha=0.25)  # noqa: E731
    return projected(mf.Simplex(), "nearest fractions", points(0, 1.2), line, (-0.1, 1.3))


@drawn("UnitBall", "Arrows from spectra of two channels to the nearest spectra inside of a circle of radius one.")
def _ball() -> Figure:
    angle = np.linspace(0, np.pi / 2, 50)
    quarter = lambda ax: ax.fill([0, *np.cos(angle)], [0, *np.sin(angle)], color=AFTER, alpha=0.12)  # noqa: E731
    given = points(0, 1.4)
    after = np.stack([mf.UnitBall().project(one[None])[0] for one in given.T], axis=1)
    figure, (ax,) = panels("UnitBall()", width=2.8, height=2.5)
    quarter(ax)
    for start, end in zip(given.T, after.T, strict=True):
        ax.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": BEFORE, "lw": 0.8})
    ax.plot(*given, "o", ms=3, color=BEFORE)
    ax.plot(*after, "o", ms=4, color=AFTER)
    ax.set(xlim=(-0.1, 1.5), ylim=(-0.1, 1.5), aspect="equal")
    ax.set_xlabel("first channel", fontsize=8)
    ax.set_ylabel("second channel", fontsize=8)
    return figure


@drawn(
    "Orthogonal",
    "Three maps as one picture of the components: without the constraint colours mix, with it each pixel has one.",
)
def _orthogonal() -> Figure:
    figure, axes = panels("without", "Orthogonal()")
    for ax, terms in zip(axes, ((), (mf.Orthogonal(),)), strict=True):
        values = maps_with(*terms).values
        ax.imshow(np.clip(np.moveaxis(values, 0, -1), 0, 1))
        ax.set(xticks=[], yticks=[])
    return figure


@drawn("Unimodal", "A noisy curve and the nearest curve that rises to one peak and then falls.")
def _unimodal() -> Figure:
    curve = np.clip(scenes.spectra()[1] + np.random.default_rng(0).normal(0, 0.12, 60), 0, None)
    figure, (ax,) = panels("one endmember", width=4.4)
    curves(ax, np.arange(60), curve, "channel", color=BEFORE, label="before")
    curves(ax, np.arange(60), mf.Unimodal().project(curve[None].copy()), "channel", color=AFTER, label="Unimodal()")
    ax.legend(fontsize=7)
    return figure


@drawn("PatternSymmetry", "A noisy Fourier pattern of a square lattice, and its mean over rotations by 90 degrees.")
def _pattern_symmetry() -> Figure:
    rng = np.random.default_rng(0)
    ky, kx = np.mgrid[-12:13, -12:13]
    spots = sum(np.exp(-((ky - y) ** 2 + (kx - x) ** 2) / 2) for y, x in ((0, 7), (7, 0), (0, -7), (-7, 0)))
    noisy = np.abs(spots + rng.normal(0, 0.3, ky.shape))
    mean = mf.PatternSymmetry(4, axes=ky.shape).project(noisy.reshape(1, -1).copy()).reshape(ky.shape)
    figure, axes = panels("without", "PatternSymmetry(4)")
    for ax, pattern in zip(axes, (noisy, mean), strict=True):
        image(ax, pattern, 1.2)
    return figure


@drawn("Pinned", "An endmember before and after: its known channels get their values, the other channels stay free.")
def _pinned() -> Figure:
    free = scenes.spectra()[1:2] + 0.1
    known = np.full((1, 60), np.nan)
    known[0, :30] = scenes.spectra()[1, :30] ** 2
    figure, (ax,) = panels("channels 0 to 29 are known", width=4.4)
    ax.axvspan(0, 29, color=AFTER, alpha=0.1)
    curves(ax, np.arange(60), free, "channel", color=BEFORE, label="before")
    curves(ax, np.arange(60), mf.Pinned(known).project(free.copy()), "channel", color=AFTER, label="Pinned")
    ax.legend(fontsize=7)
    return figure


@drawn("Fixed", "One map without and with the fact that the component is absent in the upper left quarter.")
def _fixed() -> Figure:
    where = np.zeros((scenes.SIDE, scenes.SIDE), dtype=bool)
    where[:20, :20] = True
    return with_and_without("Fixed(2, upper left)", mf.Fixed(2, where), component=2)
