"""A figure in the browser with places to choose from: by a click, or by arrow keys."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import anywidget
import numpy as np
import traitlets
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mffnb.plots import on_dark
from mffnb.widgets.live_view.messages import DRAWING, png

_DPI = 144  # sharp on screens with small pixels

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Spot:
    """A value that can be chosen, and where it is in the figure.

    Attributes
    ----------
    value
        A whole number.
    label
        What a reader of screens says, and a tooltip shows.
    boxes
        Left, top, width and height, each as a share of the figure: of all places that mean this value.
    kind
        ``"strip"`` (tinted when chosen), ``"frame"`` (framed, so that what is in it keeps its colours) or ``"point"``.
    """

    value: int
    label: str
    boxes: tuple[Box, ...]
    kind: str = "strip"


@dataclass(frozen=True, eq=False)
class Drawn:
    """A figure, what it shows in words, and what can be chosen in it."""

    figure: Figure
    alt: str
    spots: tuple[Spot, ...] = ()


class Picture(anywidget.AnyWidget):
    """A figure by Matplotlib that follows the theme of JupyterLab, with places that can be chosen.

    What is chosen is marked in the browser, so that choosing draws nothing anew.

    Parameters
    ----------
    draw
        Makes the figure as it is now; called by :meth:`redraw`, on any thread; None while there is nothing to show.
    what
        Name of the choice, "number of components" say.
    on_choose
        Called with the value that was chosen in the browser.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> def draw():
    ...     figure = Figure(figsize=(2, 1))
    ...     ax = figure.subplots()
    ...     ax.plot([1, 2], [0, 1], "o")
    ...     return Drawn(figure, "a line", (Spot(1, "first", tuple(around(ax, [1], [0]))),))
    >>> picture = Picture(draw, "point")
    >>> picture.redraw()
    >>> picture.spots[0]["label"], picture.image[1:4]
    ('first', b'PNG')
    """

    _esm = pathlib.Path(__file__).parent / "picture.js"
    _css = pathlib.Path(__file__).parent / "picture.css"

    shown = traitlets.Dict().tag(sync=True)
    """The picture: ``image`` (PNG), ``alt``, ``width`` (of the page, in CSS pixels) and ``spots``; one trait, so that
    they come together."""

    chosen = traitlets.Int(-1).tag(sync=True)
    """The value that is marked; -1 for none."""

    dark = traitlets.Bool(False).tag(sync=True)
    """Whether the page is dark; the browser says so."""

    what = traitlets.Unicode().tag(sync=True)
    """Name of the choice."""

    def __init__(
        self, draw: Callable[[], Drawn | None], what: str, on_choose: Callable[[int], object] | None = None
    ) -> None:
        self._draw = draw
        self._on_choose = on_choose
        super().__init__(what=what)
        self.observe(lambda _: self.redraw(), "dark")
        self.on_msg(self._receive)

    @property
    def image(self) -> bytes:
        """The picture, PNG; nothing before it was first drawn."""
        return bytes(self.shown.get("image", b""))

    @property
    def spots(self) -> list[dict[str, Any]]:
        """What can be chosen in it."""
        return list(self.shown.get("spots", []))

    def redraw(self) -> None:
        """Draw it as it is now."""
        with DRAWING:
            drawn = self._draw()
            if drawn is None:
                return
            figure = on_dark(drawn.figure) if self.dark else drawn.figure
            image = png(figure, _DPI)
            width = float(100 * figure.get_size_inches()[0])
            self.shown = {
                "image": image,
                "alt": drawn.alt,
                "width": width,
                "spots": [asdict(spot) for spot in drawn.spots],
            }

    def close(self) -> None:
        """Remove it, and let go of what it draws."""
        self._draw, self._on_choose = _nothing, None
        super().close()

    def _receive(self, _widget: object, content: Any, _buffers: object) -> None:
        value = content.get("choose") if isinstance(content, dict) else None
        if isinstance(value, int) and self._on_choose is not None:
            self._on_choose(value)


def _nothing() -> None:
    return None


def laid_out(figure: Figure) -> Figure:
    """Arrange a figure for good, so that whoever draws it finds everything where it is now."""
    for _ in range(2):  # exponents beside axes are known only once these have been drawn
        figure.draw_without_rendering()
    figure.set_layout_engine("none")
    return figure


def across(ax: Axes, low: float, high: float) -> Box:
    """The part of a figure between two values of x of one of its axes."""
    figure = ax.get_figure()
    assert figure is not None
    place = ax.get_position()
    (left, _), (right, _) = figure.transFigure.inverted().transform(ax.transData.transform([(low, 0.0), (high, 0.0)]))
    left, right = max(left, place.x0), min(right, place.x1)
    return float(left), float(1 - place.y1), float(right - left), float(place.height)


def around(ax: Axes, x: Sequence[float], y: Sequence[float], inches: float = 0.17) -> list[Box]:
    """A small square around each point of axes that have been laid out."""
    figure = ax.get_figure()
    assert isinstance(figure, Figure)
    points = figure.transFigure.inverted().transform(ax.transData.transform(np.column_stack([x, y])))
    width, height = inches / figure.get_size_inches()
    return [(float(a - width / 2), float(1 - b - height / 2), float(width), float(height)) for a, b in points]
