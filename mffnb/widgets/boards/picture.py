"""Show a Matplotlib figure in the browser with clickable regions, which the arrow keys select as well."""

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
from mffnb.widgets.lifetime import Displayed, bundle, hold_weakly, weakly
from mffnb.widgets.live_view.messages import MATPLOTLIB_LOCK, on_own_stack, png_bytes

_DPI = 144  # twice the nominal resolution of a screen, so that the figure is sharp on high-density screens

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class ClickTarget:
    """A value that a click selects, with its regions in a figure.

    Attributes
    ----------
    value
        Integer value that the click selects.
    label
        Text for screen readers and for the tooltip.
    boxes
        Left, top, width and height of each region as fractions of the figure size.
    kind
        Mark of the selected region: ``"strip"`` (tinted), ``"frame"`` (outlined, colours inside unchanged) or
        ``"point"``.
    """

    value: int
    label: str
    boxes: tuple[Box, ...]
    kind: str = "strip"


@dataclass(frozen=True, eq=False)
class RenderedFigure:
    """A figure with its text description and its clickable regions."""

    figure: Figure
    alt: str
    spots: tuple[ClickTarget, ...] = ()


class Picture(Displayed, anywidget.AnyWidget):
    """Browser widget that shows a Matplotlib figure with clickable regions in the theme of JupyterLab.

    The browser marks the selected region, so that a selection does not redraw the figure.

    Parameters
    ----------
    draw
        Returns the current figure, or None if there is nothing to show; called by :meth:`redraw` on any thread.
    what
        Name of the selected quantity, for example "number of components".
    on_choose
        Called with the value that was selected in the browser.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> def draw():
    ...     figure = Figure(figsize=(2, 1))
    ...     ax = figure.subplots()
    ...     ax.plot([1, 2], [0, 1], "o")
    ...     return RenderedFigure(figure, "a line", (ClickTarget(1, "first", tuple(boxes_around(ax, [1], [0]))),))
    >>> picture = Picture(draw, "point")
    >>> picture.redraw()
    >>> picture.spots[0]["label"], picture.image[1:4]
    ('first', b'PNG')
    """

    _esm = bundle(pathlib.Path(__file__).parent / "static" / "picture.js")
    _css = bundle(pathlib.Path(__file__).parent / "picture.css")

    shown = traitlets.Dict().tag(sync=True)
    """Current picture: ``image`` (PNG), ``alt`` text, ``width`` (CSS pixels) and ``spots`` (clickable regions).

    It is a single trait, so that all parts arrive in one message."""

    chosen = traitlets.Int(-1).tag(sync=True)
    """Selected value, marked in the browser; -1 for none."""

    dark = traitlets.Bool(False).tag(sync=True)
    """Whether JupyterLab uses a dark theme; set by the browser."""

    what = traitlets.Unicode().tag(sync=True)
    """Name of the selected quantity."""

    def __init__(
        self, draw: Callable[[], RenderedFigure | None], what: str, on_choose: Callable[[int], object] | None = None
    ) -> None:
        self._draw = draw
        self._on_choose = on_choose
        super().__init__(what=what)
        hold_weakly(self)
        redraw = weakly(self.redraw)
        self.observe(lambda _: redraw(), "dark")
        self.on_msg(weakly(self._receive))

    @property
    def image(self) -> bytes:
        """The figure as PNG; empty before the first :meth:`redraw`."""
        return bytes(self.shown.get("image", b""))

    @property
    def spots(self) -> list[dict[str, Any]]:
        """The clickable regions of the figure, one dict for each value."""
        return list(self.shown.get("spots", []))

    def redraw(self) -> None:
        """Draw the current figure and send it to the browser."""
        with MATPLOTLIB_LOCK:
            drawn = self._draw()
            if drawn is None:
                return
            figure = on_dark(drawn.figure) if self.dark else drawn.figure
            image = png_bytes(figure, _DPI)
            width = float(100 * figure.get_size_inches()[0])
            self.shown = {
                "image": image,
                "alt": drawn.alt,
                "width": width,
                "spots": [asdict(spot) for spot in drawn.spots],
            }

    def close(self) -> None:
        """Close the widget, and release the callbacks together with the data that they hold."""
        self._draw, self._on_choose = _nothing, None
        super().close()

    def _receive(self, _widget: object, content: Any, _buffers: object) -> None:
        """Handle a message from the browser, such as a selection; messages of another form are ignored."""
        value = content.get("choose") if isinstance(content, dict) else None
        if isinstance(value, int) and self._on_choose is not None:
            self._on_choose(value)


def _nothing() -> None:
    """Do nothing: this replaces the callbacks of a closed picture."""
    return


def freeze_layout(figure: Figure) -> Figure:
    """Compute the layout of a figure and fix it, so that regions stay valid when the figure is drawn again."""
    for _ in range(2):  # the first drawing creates the exponent labels, which change the layout
        on_own_stack(figure.draw_without_rendering)
    figure.set_layout_engine("none")
    return figure


def box_across(ax: Axes, low: float, high: float) -> Box:
    """Return the region of the figure between two x values of an axes, over the full height of the axes."""
    figure = ax.get_figure()
    assert figure is not None
    position = ax.get_position()
    (left, _), (right, _) = figure.transFigure.inverted().transform(ax.transData.transform([(low, 0.0), (high, 0.0)]))
    left, right = max(left, position.x0), min(right, position.x1)
    return float(left), float(1 - position.y1), float(right - left), float(position.height)


def boxes_around(ax: Axes, x: Sequence[float], y: Sequence[float], inches: float = 0.17) -> list[Box]:
    """Return a square region around each point of an axes; the layout of the figure must be fixed."""
    figure = ax.get_figure()
    assert isinstance(figure, Figure)
    points = figure.transFigure.inverted().transform(ax.transData.transform(np.column_stack([x, y])))
    width, height = inches / figure.get_size_inches()
    return [(float(a - width / 2), float(1 - b - height / 2), float(width), float(height)) for a, b in points]
