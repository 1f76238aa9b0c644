"""What widgets say in words, and what they leave for whoever reads a notebook without a kernel."""

from __future__ import annotations

import base64
import html
import io
import threading

from matplotlib.figure import Figure

DRAWING = threading.RLock()
"""Held while Matplotlib draws: its caches of fonts are not made for two threads."""


def complaint(error: BaseException) -> str:
    """An error in one line of HTML."""
    return (
        '<div role="alert" style="color: var(--jp-error-color0, #b00020); padding: 4px 0">'
        f"{type(error).__name__}: {html.escape(str(error))}</div>"
    )


def png(figure: Figure, dpi: int = 72) -> bytes:
    """A figure as it is, margins and all."""
    stream = io.BytesIO()
    with DRAWING:
        figure.savefig(stream, format="png", dpi=dpi)
    return stream.getvalue()


def encoded(figure: Figure) -> str:
    """A figure, cut to what is drawn, for the bundle of a notebook."""
    stream = io.BytesIO()
    with DRAWING:
        figure.savefig(stream, format="png", dpi=72, bbox_inches="tight")
    return base64.b64encode(stream.getvalue()).decode("ascii")
