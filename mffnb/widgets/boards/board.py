"""Elements common to the rank explorer and the tuning monitor: progress bar, stop button, live view, explorer."""

from __future__ import annotations

import html
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import ipywidgets

from mffnb.plots.palette import component_colors
from mffnb.unmixing.result import Unmixing
from mffnb.widgets.boards.answer_controls import AnswerControls
from mffnb.widgets.explorer import OFFERED_COLORS, Explorer
from mffnb.widgets.lifetime import hold_weakly, weakly
from mffnb.widgets.live_fit import LiveFit
from mffnb.widgets.live_view.live_view import LiveView
from mffnb.widgets.live_view.messages import error_html
from mffnb.widgets.live_view.runner import Runner
from mffnb.widgets.session.answer_session import AnswerSession
from mffnb.widgets.session.search_answer import SearchAnswer
from mffnb.widgets.static_picture import StaticPicture
from mffnb.widgets.tools import TOOLS

if TYPE_CHECKING:
    from matplotlib.figure import Figure  # slow to import

OF_AN_EXPLORER = frozenset(
    {
        "apply", "apply_suggestion", "back", "evidence", "fill_evidence", "fit_only", "fix", "hold", "leave_out",
        "leave_out_channels", "merge", "release", "rerun", "save", "set_number", "split", "suggest", "use_channels",
    }
)  # fmt: skip
"""Tools that start a run, or concern the settings of one: the view of a search does not offer them."""
_MODEL_KEYWORDS = {"k", "sparsity", "smoothness", "volume", "sum_to_one", "gain", "similarity", "known", "weights"}
_DATA_KEYWORDS = {"mask", "preprocess", "channel", "abundance_terms", "endmember_terms"}
_EXPLORER_KEYWORDS = _MODEL_KEYWORDS | _DATA_KEYWORDS | {"random_state", "solver", "max_iter", "tol"}

P = TypeVar("P")  # type of the parameters of a solve
S = TypeVar("S")  # type of the state that a solve yields


class Board(Generic[P, S]):
    """Common parts of search widgets: progress bar, stop button, live view with background worker, box for an explorer.

    Parameters
    ----------
    solve, publish
        Functions that solve and that publish a state, as for :class:`mffnb.widgets.live_view.runner.Runner`;
        ``publish`` is a method, which is held weakly.
    to_explorer
        Label and tooltip of the button that opens an explorer.
    explore
        Called when that button is clicked; a callback that does not keep the search widget alive.
    selected
        Called with the answer to which undo or the history returns, so that the search widget selects it; a callback
        that does not keep it alive.
    summary
        Returns the figure that a notebook shows without a kernel, or None; it does not keep the search widget alive.
    opener, owner
        Name of the class of the search widget in code, and of a variable for it in the hints of the page.
    cube
        The cube or path that the user has passed to it.
    frames_per_second
        Largest rate of published states.
    stopped
        Event that requests the end of the search.
    """

    def __init__(
        self,
        solve: Callable[[P], Iterator[S]],
        publish: Callable[[int, P, S, bool], object],
        *,
        to_explorer: tuple[str, str],
        explore: Callable[[], object],
        selected: Callable[[SearchAnswer], object],
        summary: Callable[[], Figure | None],
        opener: str,
        owner: str,
        cube: Any,
        frames_per_second: float,
        stopped: threading.Event,
    ) -> None:
        self.stopped = stopped
        self.bar = ipywidgets.FloatProgress(
            value=0.0, min=0.0, max=1.0, layout={"width": "auto", "min_width": "8em", "flex": "1 1 14em"}
        )
        self.text = ipywidgets.HTML(layout={"flex": "2 1 16em", "min_width": "0"})
        self.stop_button = ipywidgets.Button(
            description="stop", tooltip="Stop now and keep all finished results", icon="stop",
            layout={"width": "7em", "flex": "0 0 auto"},
        )  # fmt: skip
        self.explore_button = ipywidgets.Button(
            description=to_explorer[0], tooltip=to_explorer[1], icon="sliders", disabled=True,
            layout={"width": "auto", "flex": "0 0 auto"},
        )  # fmt: skip
        self.progress = ipywidgets.HBox(
            [self.bar, self.text, self.stop_button], layout={"align_items": "center", "flex_flow": "row wrap"}
        )
        self.description = ipywidgets.HTML()
        self.description.add_class("mffnb-words")
        self.error = ipywidgets.HTML()
        self.view = LiveView(tools=[name for name in TOOLS if name not in OF_AN_EXPLORER], owner=owner)
        self.view_error = ipywidgets.HTML()
        self.explorer_box = ipywidgets.VBox()
        self.explorer: Explorer | None = None
        self.failure: Exception | None = None
        self.runner: Runner[P, S] = Runner(
            solve, weakly(publish), frames_per_second=frames_per_second, on_error=weakly(self.show_error)
        )
        self.static_picture = StaticPicture(summary)
        self.lock = threading.RLock()  # widget callbacks may run on any thread
        self.session = AnswerSession(opener)
        self.controls = AnswerControls(self.session, selected, weakly(self._refresh))
        path = os.path.abspath(cube) if isinstance(cube, (str, os.PathLike)) else None
        self.fit = LiveFit(self.session, self.controls, self.view, self.view_error, path, self.static_picture)
        self.fit.show_tool("set_color", recorded=False, palette=component_colors(OFFERED_COLORS))
        self._shown: SearchAnswer | None = None
        self._expected = ""
        self._refreshed: tuple[ipywidgets.Widget, ...] = ()
        hold_weakly(*self.widgets)
        stop, call = weakly(self.request_stop), weakly(self.call_and_show_error)
        self.stop_button.on_click(lambda _: stop())
        self.explore_button.on_click(lambda _: call(explore))

    @property
    def widgets(self) -> tuple[ipywidgets.Widget, ...]:
        """All widgets of the board, for the layout of the search widget."""
        return (
            self.bar,
            self.text,
            self.stop_button,
            self.explore_button,
            self.progress,
            self.description,
            self.error,
            self.view_error,
            self.view,
            self.explorer_box,
        )

    def request_stop(self) -> None:
        """Request the end of the running search; finished results are kept."""
        self.stopped.set()
        self.stop_button.disabled = True

    def show_progress(self, share: float, text: str, *, final: bool) -> None:
        """Show the completed fraction of the search on the progress bar, with a text beside it."""
        self.bar.value = share
        self.text.value = f'<span class="mffnb-words" role="status">{html.escape(text)}</span>'
        if final:
            self.stop_button.disabled = True
            self.bar.bar_style = "success" if share >= 1 else ""

    def show_error(self, error: BaseException) -> None:
        """Show the message of an error, and mark the progress bar as failed."""
        self.error.value = error_html(error)
        self.stop_button.disabled = True
        self.bar.bar_style = "danger"

    def show(self, answer: SearchAnswer, *, step: bool) -> None:
        """Show an answer in the live view, unless it is shown; ``step`` says whether undo returns to the one before."""
        with self.lock:
            if answer is self._shown and not self._expected:
                return
            self._shown, self._expected = answer, ""
            self.fit.show_answer(self.session.solved(answer), step=step)

    def expect(self, text: str, *, coming: bool = True) -> None:
        """Say which answer is selected that is not there, and whether it is coming."""
        with self.lock:
            if text != self._expected:
                self._expected = text
                self.fit.expect(text, coming=coming)

    def clear(self, reason: str) -> None:
        """Remove maps and spectra from the live view, because an answer was selected that does not exist."""
        with self.lock:
            if reason != self._expected:
                self._shown, self._expected = None, reason
                self.fit.clear(reason)

    def returned(self, answer: SearchAnswer) -> None:
        """Note that undo or the history shows this answer."""
        with self.lock:
            self._shown, self._expected = answer, ""

    def named(self, answer: SearchAnswer) -> Unmixing:
        """Return the result of an answer with the names, colours and order that the user has given."""
        return self.fit.appearance.applied(answer.result)

    def open_explorer(self, answer: Unmixing, settings: Mapping[str, Any]) -> Explorer:
        """Open an explorer below the board, which starts from a result and the settings of its fit."""
        known = {name: value for name, value in settings.items() if name in _EXPLORER_KEYWORDS and value is not None}
        # For settings with the value "auto", use the values that the fit selected; the result contains them.
        known |= {name: answer.parameters[name] for name in ("sum_to_one", "gain") if name in answer.parameters}
        if known.get("volume") == "auto":
            known |= {"sum_to_one": False, "gain": False}
        known |= {"k": len(answer.endmembers), "start": answer}
        with self.lock:
            if self.explorer is not None:
                self.explorer.close()
            self.explorer = Explorer(answer.cube, **known)
            self.explorer_box.children = [self.explorer]
            return self.explorer

    def end(self, patience: float) -> None:
        """Stop the background worker; wait ``patience`` seconds for its thread."""
        self.stopped.set()
        self.runner.close(patience)
        self.fit.runner.close(patience)

    def close(self) -> None:
        """Close all widgets of the board and the explorer."""
        self.fit.close()
        if self.explorer is not None:
            self.explorer.close()
        for widget in self.widgets:
            widget.close()

    def refresh_when_drawn(self, *widgets: ipywidgets.Widget) -> None:
        """Send the state of these controls to the browser again after the first frames.

        Otherwise they would not react while a cell runs: see the comment in :mod:`mffnb.widgets.live_fit`.
        """
        self._refreshed = (*widgets, self.stop_button, self.explore_button)

    def _refresh(self) -> None:
        for widget in self._refreshed:
            widget.send_state("tooltip" if widget.has_trait("tooltip") else "value")

    def call_and_show_error(self, call: Callable[..., object], *arguments: Any) -> None:
        """Run the callback of a button or figure; if it raises an error, show the error and keep it as ``failure``."""
        try:
            call(*arguments)
        except Exception as error:  # a notebook does not show an exception in a widget callback
            self.failure = error
            self.error.value = error_html(error)
