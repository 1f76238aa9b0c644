"""What a scan and a search have in common: progress, a stop button, the live view, and an explorer that takes over."""

from __future__ import annotations

import html
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Generic, TypeVar

import ipywidgets

from mffnb.unmixing.result import Unmixing
from mffnb.widgets.explorer import Explorer
from mffnb.widgets.live_view.framing import Framing
from mffnb.widgets.live_view.live_view import LiveView
from mffnb.widgets.live_view.messages import complaint
from mffnb.widgets.live_view.runner import Runner
from mffnb.widgets.session.solved import inherited, numbers_of

_GREETINGS = 4  # see mffnb.widgets.explorer
_PHYSICS = {"k", "sparsity", "smoothness", "volume", "sum_to_one", "gain", "similarity", "known", "weights"}
_PARTS = {"mask", "preprocess", "channel", "abundance_terms", "endmember_terms"}
_EXPLORED = _PHYSICS | _PARTS | {"random_state", "solver", "max_iter", "tol"}

P = TypeVar("P")
S = TypeVar("S")


class Board(Generic[P, S]):
    """Progress, a stop button, the live view with its background worker, and a place for an explorer.

    Parameters
    ----------
    solve, publish
        As for :class:`mffnb.widgets.live_view.runner.Runner`.
    to_explorer
        What the button says that opens an explorer, and what its tooltip says.
    explore
        Called by that button.
    frames_per_second
        Of what is published.
    """

    def __init__(
        self,
        solve: Callable[[P], Iterator[S]],
        publish: Callable[[int, P, S, bool], object],
        *,
        to_explorer: tuple[str, str],
        explore: Callable[[], object],
        frames_per_second: float,
    ) -> None:
        self.stopped = threading.Event()
        self.bar = ipywidgets.FloatProgress(
            value=0.0, min=0.0, max=1.0, layout={"width": "auto", "min_width": "8em", "flex": "1 1 14em"}
        )
        self.text = ipywidgets.HTML(layout={"flex": "2 1 16em", "min_width": "0"})
        self.stop = ipywidgets.Button(
            description="stop", tooltip="End it here, and keep all that is done", icon="stop",
            layout={"width": "7em", "flex": "0 0 auto"},
        )  # fmt: skip
        self.hand = ipywidgets.Button(
            description=to_explorer[0], tooltip=to_explorer[1], icon="sliders", disabled=True,
            layout={"width": "auto", "flex": "0 0 auto"},
        )  # fmt: skip
        self.progress = ipywidgets.HBox(
            [self.bar, self.text, self.stop], layout={"align_items": "center", "flex_flow": "row wrap"}
        )
        self.words = ipywidgets.HTML()
        self.words.add_class("mffnb-words")
        self.error = ipywidgets.HTML()
        self.view = LiveView()
        self.place = ipywidgets.VBox()
        self.explorer: Explorer | None = None
        self.runner: Runner[P, S] = Runner(solve, publish, frames_per_second=frames_per_second, on_error=self.complain)
        self.changing = threading.RLock()  # callbacks may come on any thread
        self._framing: tuple[Any, Framing] | None = None
        self._named: Unmixing | None = None
        self._frames = 0
        self._greetings = _GREETINGS
        self._greeted: tuple[ipywidgets.Widget, ...] = ()
        self.view.on_drawn = self._drawn
        self.stop.on_click(lambda _: self.end())
        self.hand.on_click(lambda _: self._guarded(explore))

    @property
    def widgets(self) -> tuple[ipywidgets.Widget, ...]:
        """All of them."""
        return self.bar, self.text, self.stop, self.hand, self.progress, self.words, self.error, self.view, self.place

    def end(self) -> None:
        """Ask whatever runs to end; what is done is kept."""
        self.stopped.set()
        self.stop.disabled = True

    def tell(self, share: float, text: str, *, final: bool) -> None:
        """Say how far it is."""
        self.bar.value = share
        self.text.value = f'<span class="mffnb-words" role="status">{html.escape(text)}</span>'
        if final:
            self.stop.disabled = True
            self.bar.bar_style = "success" if share >= 1 else ""

    def complain(self, error: BaseException) -> None:
        """Show an error."""
        self.error.value = complaint(error)
        self.stop.disabled = True
        self.bar.bar_style = "danger"

    def named(self, answer: Unmixing) -> tuple[int, ...]:
        """Numbers for the components of an answer: those of the ones shown before that they resemble most."""
        spectra = answer.endmembers.fillna(0.0).values.reshape(len(answer.endmembers), -1)
        before = self._named
        if before is None:
            return numbers_of(answer)
        shown = before.endmembers.fillna(0.0).values.reshape(len(before.endmembers), -1)
        if shown.shape[1] != spectra.shape[1]:
            return numbers_of(answer)
        return inherited(spectra, shown, numbers_of(before))

    def show(self, answer: Unmixing, status: Mapping[str, object], parameters: Mapping[str, object]) -> None:
        """Show an answer, its components in the order of their numbers."""
        with self.changing:
            self._named = answer
            self._frames += 1
            if self._framing is None or self._framing[0] is not answer.cube:
                self._framing = answer.cube, Framing(answer.abundances[0], answer.endmembers[0])
            frame = self._framing[1].frame(
                answer.abundances,
                answer.endmembers,
                numbers_of(answer),
                status={"outcome": answer.outcome.name.lower().replace("_", " "), **status},
                generation=self._frames,
                parameters=parameters,
                final=True,
            )
            self.view.show(frame)

    def clear(self) -> None:
        """Show no answer."""
        with self.changing:
            self.view.clear()

    def open_explorer(self, answer: Unmixing, settings: Mapping[str, Any]) -> Explorer:
        """Open an explorer below, which goes on from an answer with the settings it was found with."""
        known = {name: value for name, value in settings.items() if name in _EXPLORED and value is not None}
        # Where the data decided, the answer knows how.
        known |= {name: answer.parameters[name] for name in ("sum_to_one", "gain") if name in answer.parameters}
        if known.get("volume") == "auto":
            known |= {"sum_to_one": False, "gain": False}
        known |= {"k": len(answer.endmembers), "start": answer}
        with self.changing:
            if self.explorer is not None:
                self.explorer.close()
            self.explorer = Explorer(answer.cube, **known)
            self.place.children = [self.explorer]
            return self.explorer

    def close(self) -> None:
        """End the worker and remove everything; the explorer as well."""
        self.stopped.set()
        self.runner.close()
        self.view.on_drawn = None
        if self.explorer is not None:
            self.explorer.close()
        for widget in self.widgets:
            widget.close()

    def greet(self, *widgets: ipywidgets.Widget) -> None:
        """Name the controls that are to answer while a cell runs; see :mod:`mffnb.widgets.explorer`."""
        self._greeted = (*widgets, self.stop, self.hand)

    def _drawn(self, _sequence: int) -> None:
        self.runner.acknowledge()
        if self._greetings > 0:
            self._greetings -= 1
            for widget in self._greeted:
                widget.send_state("tooltip" if widget.has_trait("tooltip") else "value")

    def _guarded(self, call: Callable[[], object]) -> None:
        try:
            call()
        except Exception as error:  # a click has nobody else to tell
            self.error.value = complaint(error)


def ordered(answer: Unmixing, names: tuple[int, ...]) -> Unmixing:
    """An answer whose components carry these numbers, in their order."""
    order = sorted(range(len(names)), key=lambda one: names[one])
    number = {"component": [names[one] for one in order]}
    other = answer.alternative
    return replace(
        answer,
        endmembers=answer.endmembers.isel(component=order).assign_coords(number),
        abundances=answer.abundances.isel(component=order).assign_coords(number),
        alternative=None if other is None else other.isel(component=order).assign_coords(number),
    )
