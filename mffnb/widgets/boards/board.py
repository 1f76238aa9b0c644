"""Elements common to the rank explorer and the tuning monitor: progress bar, stop button, live view, explorer."""

from __future__ import annotations

import html
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import ipywidgets

from mffnb.unmixing.result import Unmixing
from mffnb.widgets.explorer import Explorer
from mffnb.widgets.lifetime import hold_weakly, weakly
from mffnb.widgets.live_view.frame_builder import FrameBuilder
from mffnb.widgets.live_view.live_view import LiveView
from mffnb.widgets.live_view.messages import error_html
from mffnb.widgets.live_view.runner import Runner
from mffnb.widgets.session.solved import matched_numbers, numbers_of
from mffnb.widgets.static_picture import StaticPicture

if TYPE_CHECKING:
    from matplotlib.figure import Figure  # slow to import

# number of frames after which the state of the controls is sent again; mffnb.widgets.explorer gives the reason
_REFRESHES = 4
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
    summary
        Returns the figure that a notebook shows without a kernel, or None; it does not keep the search widget alive.
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
        summary: Callable[[], Figure | None],
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
        self.view = LiveView()
        self.explorer_box = ipywidgets.VBox()
        self.explorer: Explorer | None = None
        self.failure: Exception | None = None
        self.runner: Runner[P, S] = Runner(
            solve, weakly(publish), frames_per_second=frames_per_second, on_error=weakly(self.show_error)
        )
        self.static_picture = StaticPicture(summary)
        self.lock = threading.RLock()  # widget callbacks may run on any thread
        self._frame_builder: tuple[Any, FrameBuilder] | None = None
        self._previous_answer: Unmixing | None = None
        self._frames = 0
        self._refreshes_left = _REFRESHES
        self._refreshed: tuple[ipywidgets.Widget, ...] = ()
        hold_weakly(*self.widgets)
        self.view.on_drawn = weakly(self._drawn)
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

    def component_numbers(self, answer: Unmixing) -> tuple[int, ...]:
        """Return a number for each component of a result: that of the most similar component that was shown before.

        Components therefore keep their number and colour while the result changes.
        """
        spectra = answer.endmembers.fillna(0.0).values.reshape(len(answer.endmembers), -1)
        before = self._previous_answer
        if before is None:
            return numbers_of(answer)
        shown = before.endmembers.fillna(0.0).values.reshape(len(before.endmembers), -1)
        if shown.shape[1] != spectra.shape[1]:
            return numbers_of(answer)
        return matched_numbers(spectra, shown, numbers_of(before))

    def show(self, answer: Unmixing, status: Mapping[str, object], parameters: Mapping[str, object]) -> None:
        """Show a result in the live view, with components in the order of their numbers."""
        with self.lock:
            self._previous_answer = answer
            self._frames += 1
            if self._frame_builder is None or self._frame_builder[0] is not answer.cube:
                self._frame_builder = answer.cube, FrameBuilder(answer.abundances[0], answer.endmembers)
            frame = self._frame_builder[1].frame(
                answer.abundances,
                answer.endmembers,
                numbers_of(answer),
                status={"outcome": answer.outcome.name.lower().replace("_", " "), **status},
                generation=self._frames,
                parameters=parameters,
                final=True,
            )
            self.view.show(frame)
        self.static_picture.renew()

    def clear(self) -> None:
        """Remove maps and spectra from the live view."""
        with self.lock:
            self.view.clear()

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

    def close(self) -> None:
        """Close all widgets of the board and the explorer."""
        if self.explorer is not None:
            self.explorer.close()
        for widget in self.widgets:
            widget.close()

    def refresh_when_drawn(self, *widgets: ipywidgets.Widget) -> None:
        """Send the state of these controls to the browser again after the first frames.

        Otherwise they would not react while a cell runs: see the comment in :mod:`mffnb.widgets.explorer`.
        """
        self._refreshed = (*widgets, self.stop_button, self.explore_button)

    def _drawn(self, _sequence: int) -> None:
        """Report a frame that the browser has drawn to the worker, and send the state of the controls again."""
        self.runner.acknowledge()
        if self._refreshes_left > 0:
            self._refreshes_left -= 1
            for widget in self._refreshed:
                widget.send_state("tooltip" if widget.has_trait("tooltip") else "value")

    def call_and_show_error(self, call: Callable[..., object], *arguments: Any) -> None:
        """Run the callback of a button or figure; if it raises an error, show the error and keep it as ``failure``."""
        try:
            call(*arguments)
        except Exception as error:  # a notebook does not show an exception in a widget callback
            self.failure = error
            self.error.value = error_html(error)


def with_component_numbers(answer: Unmixing, numbers: tuple[int, ...]) -> Unmixing:
    """Return a copy of a result with these component numbers as its coordinate, sorted by number."""
    order = sorted(range(len(numbers)), key=lambda component: numbers[component])
    coordinate = {"component": [numbers[component] for component in order]}
    other = answer.alternative
    return replace(
        answer,
        endmembers=answer.endmembers.isel(component=order).assign_coords(coordinate),
        abundances=answer.abundances.isel(component=order).assign_coords(coordinate),
        alternative=None if other is None else other.isel(component=order).assign_coords(coordinate),
    )
