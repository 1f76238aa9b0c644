"""Conversion for widgets: errors to HTML, Matplotlib figures to PNG, and the lock under which figures are drawn.

PNG pictures serve the panels of widgets, and notebooks that are displayed without a kernel.
"""

from __future__ import annotations

import html
import io
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

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


def on_own_stack(function: Callable[..., Any], *arguments: Any, **keywords: Any) -> None:
    """Call a function of Matplotlib on a thread of its own, while this thread holds the lock.

    The parser of its formulas (pyparsing) leaves exceptions in reference cycles. They hold all frames of the stack, and
    with them a widget and its data, until the garbage collector runs. A new stack has no frame of a widget.
    """
    with MATPLOTLIB_LOCK, ThreadPoolExecutor(1, thread_name_prefix="mffnb-drawing") as pool:
        pool.submit(function, *arguments, **keywords).result()


def png_bytes(figure: Figure, dpi: int = 72) -> bytes:
    """Return a figure as PNG with its full margins."""
    stream = io.BytesIO()
    on_own_stack(figure.savefig, stream, format="png", dpi=dpi)
    return stream.getvalue()
