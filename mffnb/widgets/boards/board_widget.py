"""Base class of the rank explorer and the tuning monitor: access to the board, waiting, and the static picture."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

import ipywidgets
from matplotlib.figure import Figure

from mffnb.unmixing.result import Unmixing
from mffnb.widgets.appearance import Appearance
from mffnb.widgets.boards.board import Board
from mffnb.widgets.explorer import Explorer
from mffnb.widgets.history import History
from mffnb.widgets.lifetime import Displayed
from mffnb.widgets.live_view.live_view import LiveView
from mffnb.widgets.pins import Pin
from mffnb.widgets.regions import Region
from mffnb.widgets.tool import Stage
from mffnb.widgets.tools import ToolMethods

_CLOSE_WAIT = 2.0  # longest time in seconds that closing waits for the running fit


class BoardWidget(ToolMethods, Displayed, ipywidgets.VBox):
    """Base class of a widget with a :class:`Board` that runs a search in the background.

    Tools of the explorer are methods here too, for the answer that is shown. Those that start a run are refused.
    """

    _board: Board[Any, Any]
    _parts: tuple[ipywidgets.Widget, ...]

    def __del__(self) -> None:
        # The parts close themselves when they are dropped: a variable may still hold the explorer or the view.
        if hasattr(self, "_board"):  # the board is missing if the constructor raised an error
            self._end(0.0)
        ipywidgets.Widget.close(self)

    @property
    def view(self) -> LiveView:
        """Live view with maps and spectra of the result that the user has selected; empty before the first one."""
        return self._board.view

    @property
    def stage(self) -> Stage:
        """What the tools use of the widget."""
        return self._board.fit

    def gesture(self) -> AbstractContextManager[None]:
        """Record all that is changed in this context as one step, which ``undo`` takes back."""
        return self._board.fit.gesture()

    @property
    def history(self) -> History:
        """States after each gesture with their answers; ``undo`` and ``redo`` move in it."""
        return self._board.fit.history

    @property
    def appearance(self) -> Appearance:
        """Names, colours, visibility and order of the components, by number."""
        return self._board.fit.appearance

    @property
    def names(self) -> Mapping[int, str]:
        """Names that ``rename`` has given to components, by number."""
        return self._board.fit.appearance.names

    @property
    def pins(self) -> dict[str, Pin]:
        """Pixels whose spectra the page keeps, by name; ``probe`` adds one, ``drop_pin`` removes it."""
        return self._board.fit.pins

    @property
    def regions(self) -> dict[str, Region]:
        """Regions of the image, by name; ``region`` adds one, ``drop_region`` removes it."""
        return self._board.fit.regions

    @property
    def kept(self) -> dict[str, Unmixing]:
        """Answers that ``keep`` has kept for comparison, by name."""
        return self._board.fit.kept

    @property
    def explorer(self) -> Explorer | None:
        """The explorer opened from the selected result, or None."""
        return self._board.explorer

    def stop(self) -> None:
        """Stop the search after the running fits; all finished results are kept."""
        self._board.request_stop()

    def wait(self, timeout: float | None = None) -> None:
        """Block until the search has ended and the selected result is shown; raise the error of a failed search.

        Raises
        ------
        TimeoutError
            If the search has not ended after ``timeout`` seconds.
        """
        self._board.runner.wait(timeout)
        self._board.fit.runner.wait(timeout)
        self._board.static_picture.finish()

    def close(self) -> None:
        """Stop the search and close the widget; finished results stay available."""
        if hasattr(self, "_board"):
            self._end(_CLOSE_WAIT)
            self._board.static_picture.finish()
            self._board.close()
            for widget in self._parts:
                widget.close()
        super().close()

    def _end(self, patience: float) -> None:
        """Stop the search; wait ``patience`` seconds for the worker thread."""
        self._board.end(patience)

    def _summary(self) -> Figure | None:
        """Return the figure that a notebook shows without a kernel; None if there is no result yet."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """Return the notebook output of the widget, after an output with its static picture."""
        self._board.static_picture.display()
        return super()._repr_mimebundle_(**options)
