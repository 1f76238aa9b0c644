"""Static picture of a widget: an output of its own, which a saved or exported notebook shows without a kernel.

JupyterLab and nbconvert prefer the view of a widget over a picture in the same output. The picture is therefore a
second output in front of it. `live_view.css` hides it while the live view is in the page.
"""

from __future__ import annotations

import base64
import logging
import struct
import threading
import time
import uuid
import zlib
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from IPython import get_ipython

from mffnb.widgets.live_view.messages import png_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure  # slow to import, and a live view draws no figure

logger = logging.getLogger(__name__)

# Figures are imported before they are drawn: a library keeps the traceback of an import that failed, and with it all
# frames that were running then. Frames that draw hold the explorer, whose memory would not be freed.

_REST = 2.0  # seconds without a new answer before it is drawn, since drawing slows a moving slider down
_FIRST = 2.0  # seconds after which an unfinished run is drawn for the first time
_HEADER = 33  # bytes of a PNG file up to the end of its first chunk; a multiple of 3, so that base64 keeps the mark
_MARK = b"Software\0mffnb, static picture of a widget"
_NONE_YET = "This notebook was saved before the first picture: run the cell again."


class StaticPicture:
    """Draw a picture of a widget in the background, and replace the output of its cell by it.

    Nothing is drawn before the widget is displayed in a notebook, and no call but :meth:`finish` waits for a picture.

    Parameters
    ----------
    draw
        Returns the figure of the present answer, or None if there is none yet; a callback that does not keep the
        widget alive.

    Examples
    --------
    >>> picture = StaticPicture(lambda: None)
    >>> picture.renew()
    >>> picture.displayed  # in no notebook
    False
    """

    def __init__(self, draw: Callable[[], Figure | None]) -> None:
        self._draw = draw
        self._identifier = f"mffnb-{uuid.uuid4().hex}"
        self._changed = threading.Condition()
        self._drawing = threading.Lock()
        self._shell: Any = None
        self._stale = self._drawn = False
        self._due: float | None = None
        self._thread: threading.Thread | None = None
        self._newest: dict[str, str] = {
            "text/html": f'<div class="mffnb-static">{_NONE_YET}</div>',
            "text/plain": _NONE_YET,
        }

    @property
    def displayed(self) -> bool:
        """Whether the widget has been displayed in a notebook."""
        return self._shell is not None

    def display(self) -> None:
        """Add the picture to the output of the present cell: the newest one, or a line that there is none yet."""
        shell = get_ipython()
        if shell is None or not shell.has_trait("kernel"):  # a terminal would print the text
            return
        self._shell = shell
        self._publish(update=False)
        with self._changed:
            self._schedule(_REST if self._stale else _FIRST)

    def renew(self, *, settled: bool = True) -> None:
        """Draw the picture again after a moment; an answer that is not settled is drawn if there is no picture yet."""
        with self._changed:
            self._stale = True
            if settled and self._drawn:
                self._due = None  # a later answer comes soon, as while a slider moves
            if settled or not self._drawn:
                self._schedule(_REST if settled else _FIRST)

    def finish(self) -> None:
        """Draw the newest answer now, if the picture in the notebook is older."""
        if self._shell is not None and self._stale:
            self._redraw()

    def _schedule(self, delay: float) -> None:
        """Let the thread draw after a delay, unless it does so earlier; the lock is held."""
        if self._shell is None:
            return
        if self._due is None:
            self._due = time.monotonic() + delay
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="mffnb-static-picture", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _work(self) -> None:
        """Draw when it is due; the thread ends when nothing is left to draw."""
        while True:
            with self._changed:
                while self._due is not None and (left := self._due - time.monotonic()) > 0:
                    self._changed.wait(left)
                if self._due is None:
                    self._thread = None
                    return
                self._due = None
            self._redraw()

    def _redraw(self) -> None:
        """Draw the present answer, and replace the picture in the notebook; an error is only logged."""
        with self._drawing:
            self._stale = False  # before drawing: a change meanwhile makes the picture stale again
            try:
                import_module("mffnb.plots.figures")  # see the comment above
                figure = self._draw()
                if figure is None:
                    return
                picture = base64.b64encode(marked(png_bytes(figure))).decode("ascii")
            except Exception:
                logger.debug("The static picture was not drawn", exc_info=True)
                return
            self._newest = {"image/png": picture, "text/plain": "Static picture of a widget: run the cell again."}
            self._drawn = True
            self._publish(update=True)

    def _publish(self, *, update: bool) -> None:
        """Send the newest picture; JupyterLab finds the outputs to update by their identifier, whatever cell runs."""
        self._shell.display_pub.publish(self._newest, transient={"display_id": self._identifier}, update=update)


def marked(png: bytes) -> bytes:
    """Add a text chunk behind the header of a PNG file, by which the style sheet of the page knows the picture."""
    return png[:_HEADER] + mark() + png[_HEADER:]


def mark() -> bytes:
    """Return the text chunk of a static picture."""
    chunk = b"tEXt" + _MARK
    return struct.pack(">I", len(_MARK)) + chunk + struct.pack(">I", zlib.crc32(chunk))
