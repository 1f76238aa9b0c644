"""Adaptation of a matplotlib figure to a dark page."""

from __future__ import annotations

from colorsys import hls_to_rgb, rgb_to_hls
from typing import Any

from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

__all__ = ["on_dark"]

_GREY = 0.1  # a colour of lower saturation counts as grey and is inverted
_DARKEST = 0.25  # lightness that replaces white; the inverse of black is white


def on_dark(figure: Figure) -> Figure:
    """Invert the lightness of black and grey artists of a figure, and make its background transparent.

    Examples
    --------
    >>> figure = Figure()
    >>> text = figure.text(0, 0, "m/z", color="black")
    >>> _ = on_dark(figure)
    >>> text.get_color()
    (0.9, 0.9, 0.9, 1.0)
    """
    figure.patch.set_alpha(0.0)
    for ax in figure.axes:
        ax.patch.set_alpha(0.0)
    for artist in figure.findobj(lambda one: hasattr(one, "get_color") and hasattr(one, "set_color")):
        color = _inverted_grey(artist.get_color())  # type: ignore[attr-defined]
        if color is not None:
            artist.set_color(color)  # type: ignore[attr-defined]
    for ax in figure.axes:
        ax.tick_params(
            which="both", colors=_inverted_grey("black")
        )  # applies to existing ticks, and to ticks created later
        for spine in ax.spines.values():
            spine.set_edgecolor(_inverted_grey(spine.get_edgecolor()) or spine.get_edgecolor())
    return figure


def _inverted_grey(color: Any) -> tuple[float, float, float, float] | None:
    """Return the inverse of a grey; None for any other colour."""
    try:
        red, green, blue, alpha = to_rgba(color)
    except (TypeError, ValueError):
        return None  # `color` is an array of colours
    hue, light, saturation = rgb_to_hls(red, green, blue)
    if saturation > _GREY:
        return None
    red, green, blue = hls_to_rgb(hue, 0.9 - (0.9 - _DARKEST) * light, saturation)
    return red, green, blue, alpha
