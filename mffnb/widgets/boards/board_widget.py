"""Base class of the rank explorer and the tuning monitor: access to the board, waiting, and the static picture."""

from __future__ import annotations

from typing import Any

import ipywidgets
from matplotlib.figure import Figure

from mffnb.widgets.boards.board import Board
from mffnb.widgets.explorer import Explorer
from mffnb.widgets.lifetime import Displayed
from mffnb.widgets.live_view.live_view import LiveView

_CLOSE_WAIT = 2.0  # longest time in seconds that closing waits for the running fit


class BoardWidget(Displayed, ipywidgets.VBox):
    """Base class of a widget with a :class:`Board` that runs a search in the background."""

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
