"""Conversion for widgets: errors to HTML, Matplotlib figures to PNG, and the lock under which figures are drawn.

PNG pictures serve the panels of widgets, and notebooks that are displayed without a kernel.
"""

from __future__ import annotations

import base64
import html
import io
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure  # slow to import, and a live view draws no figure

MATPLOTLIB_LOCK = threading.RLock()
"""Lock that is held while Matplotlib draws, because its font caches are not thread-safe."""


def error_html(error: BaseException) -> str:
    """Return type and text of an error as one line of HTML."""
    return (
        '<div role="alert" style="color: var(--jp-error-color0, #b00020); padding: 4px 0">'
        f"{type(error).__name__}: {html.escape(str(error))}</div>"
    )


def png_bytes(figure: Figure, dpi: int = 72) -> bytes:
    """Return a figure as PNG with its full margins."""
    stream = io.BytesIO()
    with MATPLOTLIB_LOCK:
        figure.savefig(stream, format="png", dpi=dpi)
    return stream.getvalue()


def png_base64(figure: Figure) -> str:
    """Return a figure as base64-encoded PNG, cropped to its content, for the output of a notebook cell."""
    stream = io.BytesIO()
    with MATPLOTLIB_LOCK:
        figure.savefig(stream, format="png", dpi=72, bbox_inches="tight")
    return base64.b64encode(stream.getvalue()).decode("ascii")
