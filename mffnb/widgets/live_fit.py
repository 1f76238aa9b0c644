"""The running fit of an explorer: moves of the controls start it, its states go to the live view."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import ipywidgets
import xarray as xr

from mffnb.errors import UnsupportedCombinationError, collected_warnings
from mffnb.plots.labels import MAXIMUM
from mffnb.solvers import Outcome
from mffnb.unmixing.result import Unmixing
from mffnb.widgets.appearance import Appearance, visible
from mffnb.widgets.controls.controls import Controls
from mffnb.widgets.frames import Frames
from mffnb.widgets.history import Entry, History
from mffnb.widgets.lifetime import weakly
from mffnb.widgets.live_view.live_view import SPECTRA_TRAITS, STYLE_TRAITS, LiveView
from mffnb.widgets.live_view.messages import error_html
from mffnb.widgets.live_view.runner import Runner
from mffnb.widgets.notices import failure_notices, notices_of
from mffnb.widgets.pins import Pin
from mffnb.widgets.rank_evidence import RankEvidence
from mffnb.widgets.regions import Region
from mffnb.widgets.saving.live_state import kept_values, settings_of, solved_from, solved_values
from mffnb.widgets.session.engine_session import EngineSession
from mffnb.widgets.session.parameters import Parameters
from mffnb.widgets.session.progress import outcome_text
from mffnb.widgets.session.session import Session
from mffnb.widgets.session.solved import Solved
from mffnb.widgets.session.wording import settings_text
from mffnb.widgets.shown_tools import ShownTools
from mffnb.widgets.static_picture import StaticPicture
from mffnb.widgets.tools import TOOLS
from mffnb.widgets.tools.show_section import show_on_section
from mffnb.widgets.view_steps import ViewSteps

# The state of the controls is sent to the browser again after the first frames. ipykernel handles the messages of a
# slider on the thread that last wrote to it. At first this is the main thread, which a running cell blocks. Writing to
# the slider while a message of the browser is handled moves it to a message thread. This is repeated, since the first
# messages may come before that thread exists.
_GREETINGS = 4
# Names of the section of a stack, and of the choice of a maximum over sections, among the changes that can be undone.
_SECTION, _PROJECTION = "section", "projection"


class LiveFit:
    """Session and background worker of an explorer, between its controls and its live view.

    Controls and view hold the fit by their callbacks, and the fit holds them by weak references: it runs for as long as
    the explorer, the controls or the view exist, and its memory is freed at once when the last of them is dropped.

    Parameters
    ----------
    session
        The image and the solver.
    controls, view
        Widgets that set the parameters and show the states.
    error
        Widget that shows the error of a run.
    path
        Path of the file that is explored; None for a cube from memory.
    """

    def __init__(
        self,
        session: Session | EngineSession,
        controls: Controls,
        view: LiveView,
        error: ipywidgets.HTML,
        path: str | None = None,
    ) -> None:
        self.session, self.path, self.history = session, path, History()
        self.regions: dict[str, Region] = {}
        self.pins: dict[str, Pin] = {}
        self.overlays: dict[str, xr.DataArray] = {}
        self.kept: dict[str, Unmixing] = {}
        self.section: dict[Hashable, int] = {}
        self.appearance = self._at_start = Appearance()
        self._restored: tuple[Solved, Appearance] | None = None
        self._showing = threading.RLock()
        self._published: tuple[int, Solved, bool] | None = None
        self._raised: list[tuple[str, type[Warning]]] = []
        self._newest: tuple[int, Parameters] | None = None
        self._controls, self._view, self._error = weakref.ref(controls), weakref.ref(view), weakref.ref(error)
        self.runner: Runner[Parameters, Solved] = Runner(
            partial(_solve, session, self._raised), weakly(self._publish), on_error=weakly(self._complain)
        )
        self.picture = StaticPicture(weakly(self._figure))
        self._frames = Frames(session, self._view)
        self._labelled: tuple[Solved, Unmixing] | None = None
        # The history is shown from the start; on engines, whose states cannot be restored, there is none.
        self._tools = ShownTools(self._view, ["show_history", "evidence"] if isinstance(session, Session) else [])
        self.rank_evidence = RankEvidence(controls.k.max, self._show_evidence)
        self._view_steps = ViewSteps()
        self._setting_view = False
        self._greetings = _GREETINGS
        self._submitting = threading.Lock()
        view.on_drawn = self._drawn
        view.on_call = self._call
        view.observe(weakly(self._record_view), SPECTRA_TRAITS)
        controls.on_change(self.submit)
        controls.on_restart(self.start_afresh)
        controls.on_stop(session.stop)

    def __del__(self) -> None:
        self.rank_evidence.close()
        self.runner.close(timeout=0.0)

    @property
    def result(self) -> Unmixing:
        """The present result with labels, as soon as there is one."""
        while self.session.last is None and not self.runner.settled(0.02):
            pass  # wait for the first state, which comes within milliseconds, and not for the end of the run
        solved = self.session.last
        if solved is None:
            self.runner.wait()  # there is no state: raise the error of the run
            raise RuntimeError(
                "there is no result, since the first run was stopped or closed before its first picture: move a "
                "slider, or open a new explorer"
            )
        labelled = self._labelled
        if labelled is None or labelled[0] is not solved:
            labelled = self._labelled = solved, self.appearance.applied(self.session.result(solved))
        return labelled[1]

    def submit(self) -> None:
        """Start a run for the present values of the controls, from the last state."""
        controls = self._controls()
        if controls is not None:
            with self._submitting:  # else a thread could submit values after newer ones that another thread has read
                self.session.cancel_stop()
                self.rank_evidence.pause()  # it continues when the run has ended
                parameters = controls.parameters
                self._newest = self.runner.submit(parameters), parameters
                self._announce(*self._newest)

    def start_afresh(self) -> None:
        """Start a run from the data."""
        self.session.start_afresh()
        self.submit()

    def set_exactly(self, control: str, value: float) -> None:
        """Set a weight to exactly this number; its slider gets another step."""
        controls = self._controls()
        if controls is not None:
            controls.set_exactly(control, value)

    def _announce(self, generation: int, parameters: Parameters, *, failed: bool = False) -> None:
        """Tell the page what is done for the newest settings; it greys the picture of older ones."""
        view = self._view()
        if view is not None:
            text = settings_text(parameters)
            view.activity = {"generation": generation, "text": text, "progress": None, "failed": failed}

    @property
    def contrast(self) -> tuple[float, float]:
        """Percentage of the brightest pixels that the page saturates, and exponent of its contrast."""
        view = self._view()
        return (0.0, 1.0) if view is None else (view.clip, view.gamma)

    @property
    def settled(self) -> bool:
        """Whether the run for the present settings has ended."""
        return self.runner.settled(0.0)

    @property
    def settings(self) -> Parameters:
        """The present settings."""
        controls = self._controls()
        if controls is None:
            raise RuntimeError("the controls of this explorer were dropped")
        return controls.parameters

    def change(self, appearance: Appearance | None = None, **settings: Any) -> None:
        """Start a run from the last state with changed settings, see :meth:`Controls.set`, or with the present ones."""
        controls, before = self._controls(), self.appearance
        if controls is None:
            return
        self.appearance = before if appearance is None else appearance
        try:
            if settings:
                controls.set(**settings)
            else:
                self.submit()
        except ValueError:
            self.appearance = before
            raise

    def set_appearance(self, appearance: Appearance) -> None:
        """Show the components in another way; it becomes an entry of the history."""
        with self._showing:
            self.appearance, self._labelled, published = appearance, None, self._published
            if published is None:
                return
            self._frames.show(published, self.appearance, self.section)
            _, solved, final = published
            if final and self.settled:
                self._record(solved)
        if final:
            self._tools.call_again(self)
        self.picture.renew()

    def continue_from(self, solved: Solved, appearance: Appearance | None = None) -> None:
        """Run on from a state that a tool has edited, with its number of components."""
        controls, session = self._controls(), self.session
        if controls is None or isinstance(session, EngineSession):
            raise UnsupportedCombinationError(
                "components are edited in this process only: open an explorer without cluster="
            )
        before = self.appearance
        with self._submitting:
            session.continue_from(solved)
            self.appearance = before if appearance is None else appearance
        try:
            controls.set(k=len(solved.names))
        except ValueError:
            session.continue_from(None)
            self.appearance = before
            raise

    def set_section(self, section: Mapping[Hashable, int]) -> None:
        """Show another section of a stack in all maps; each change can be undone."""
        before = dict(self.section)
        self._show_section(section)
        if self.section != before:
            same = {*_projected(before)} == {*_projected(self.section)}
            step = _SECTION if same else _PROJECTION
            self._record_step({step: before}, {step: self.section})

    def _show_section(self, section: Mapping[Hashable, int]) -> None:
        """Show a section of a stack without a record."""
        before, published = self.section, self._published
        self.section = dict(section)
        stacked = self.result.abundances.dims[1:-2]
        if all(before.get(name) == self.section.get(name) for name in stacked):
            self._tools.follow_view(self, {"orthogonal": self.spectra_view.get("orthogonal")})  # the maps stay
        elif published is not None:
            self._frames.show(published, self.appearance, self.section)
            self._tools.call_again(self)

    def show_entry(self, position: int) -> None:
        """Show an entry of the history: move the controls to its settings, and show its answer."""
        controls, session = self._controls(), self.session
        if controls is None or isinstance(session, EngineSession):
            raise UnsupportedCombinationError(
                "undo needs the pixels in this process: open an explorer without cluster="
            )
        entry = self.history.move(position)
        there = self._published is not None and self._published[1] is entry.solved and self.settled
        if there and controls.parameters == entry.parameters:  # else other settings have failed
            self.set_appearance(entry.appearance)  # nothing else differs, so that no run is needed
            return
        with self._submitting:
            session.restore(entry.solved)
            self._restored = entry.solved, entry.appearance
        controls.show(entry.parameters)

    def stored(self) -> dict[str, Any]:
        """Return the state of the explorer as values that a session holds."""
        controls, view, session = self._controls(), self._view(), self.session
        if controls is None or view is None or isinstance(session, EngineSession) or session.last is None:
            raise RuntimeError("the explorer was closed before it had solved anything")
        with self._showing:
            last, entries = session.last, self.history.entries
            answers = list({id(one): one for one in (*(entry.solved for entry in entries), last)}.values())
            number = {id(one): i for i, one in enumerate(answers)}
            return {
                "settings": settings_of(session, controls.parameters, controls.k.max),
                "parameters": controls.parameters,
                "answers": [solved_values(one) for one in answers],
                "history": [(number[id(entry.solved)], entry.appearance) for entry in entries],
                "position": self.history.position,
                "last": number[id(last)],
                "appearance": self.appearance,
                "regions": self.regions,
                "pins": self.pins,
                "overlays": self.overlays,
                "kept": kept_values(self.kept),
                "section": self.section,
                "evidence": self.rank_evidence.stored(last.data),
                "shown": self._tools.shown,
                "following": self._tools.following,
                "style": {name: getattr(view, name) for name in STYLE_TRAITS},
            }

    def restore(self, stored: Mapping[str, Any]) -> None:
        """Restore the state that :meth:`stored` has returned, instead of the first run."""
        controls, view, session = self._controls(), self._view(), self.session
        assert controls is not None, "a new explorer has controls"
        assert view is not None, "a new explorer has a view"
        assert isinstance(session, Session), "only sessions of one process are saved"
        answers = [solved_from(values, session) for values in stored["answers"]]
        entries = [Entry(answers[number], appearance) for number, appearance in stored["history"]]
        self.history.replace(entries, stored["position"])
        self.regions, self.overlays = dict(stored["regions"]), dict(stored["overlays"])
        self.pins = dict(stored.get("pins", {}))  # files of earlier versions have none
        self.section, cube = dict(stored["section"]), session.source.cube
        self.kept = {name: replace(answer, cube=cube) for name, answer in stored["kept"].items()}
        self._set_style(stored["style"])
        for name, values in stored["shown"].items():
            self.show_tool(name, follow=stored["following"].get(name, False), **values)
        last = answers[stored["last"]]
        self.rank_evidence.restore(last.data, stored.get("evidence"))
        session.restore(last, settled=last.state.outcome is not Outcome.RUNNING)
        self.appearance, self._restored = stored["appearance"], (last, stored["appearance"])
        controls.show(stored["parameters"])

    def show_tool(self, name: str, *, follow: bool | Mapping[str, Any] = False, **values: Any) -> None:
        """Send the values that a tool shows to the page, see :class:`mffnb.widgets.tool.Stage`."""
        self._tools.show(name, values, follow)

    def shown_values(self, name: str) -> Mapping[str, Any]:
        """Return the values that a tool has shown last; empty before its first call."""
        return self._tools.values(name)

    @property
    def spectra_view(self) -> Mapping[str, Any]:
        """How the page shows the spectra: traits of the live view, see :class:`mffnb.widgets.tool.Stage`."""
        view = self._view()
        return {} if view is None else {name: getattr(view, name) for name in SPECTRA_TRAITS}

    def set_spectra_view(self, **traits: Any) -> None:
        """Change how the page shows the spectra; all traits together are one change that can be undone."""
        before = self.spectra_view
        self._set_style(traits)
        after = self.spectra_view
        changed = [name for name in after if after[name] != before[name]]
        if changed:
            self._record_step({name: before[name] for name in changed}, {name: after[name] for name in changed})

    def _set_style(self, traits: Mapping[str, Any]) -> None:
        """Set traits of the view without a record."""
        view = self._view()
        if view is None:
            return
        self._setting_view = True
        try:
            for name, value in traits.items():
                view.set_trait(name, value)
        finally:
            self._setting_view = False

    def undo_view(self, *, redo: bool = False) -> bool:
        """Undo or redo the last change of how the page shows the spectra, if there is one since the last run."""
        if self.history.position < 0:
            return False
        entry = self.history.entries[self.history.position]
        traits = self._view_steps.redo(entry) if redo else self._view_steps.undo(entry)
        if traits is None:
            return False
        for name in {_SECTION, _PROJECTION} & {*traits}:
            self._show_section(traits[name])
            show_on_section(self)
        self._set_style({name: value for name, value in traits.items() if name not in (_SECTION, _PROJECTION)})
        self._tools.follow_view(self, traits)
        self._show_undo()
        return True

    def _record_view(self, change: Any) -> None:
        """Record a change of how the spectra are shown by the page, or by an assignment in Python."""
        if not self._setting_view:
            self._record_step({change.name: change.old}, {change.name: change.new})

    def _record_step(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """Record a change that belongs to the entry of the history that is shown."""
        if self.history.position >= 0:
            entry = self.history.entries[self.history.position]
            self._view_steps.record(entry, before, after)
            self._show_undo()

    def _show_undo(self) -> None:
        """Show how many changes can be undone, and redone."""
        history = self.history
        done, undone = self._view_steps.counts(history.entries[history.position])
        self.show_tool("undo", earlier=history.position + done, later=self._later() + undone)

    def _call(self, name: str, arguments: Mapping[str, Any]) -> None:
        """Call a tool for the page."""
        TOOLS[name](self, **arguments)

    def close(self) -> None:
        """End the background threads, complete the static picture, and delete the image on engines."""
        self.rank_evidence.close()
        self.runner.close()
        self.picture.finish()
        if isinstance(self.session, EngineSession):
            self.session.close()

    # ------------------------------------------------------------------------- called on the worker threads

    def _show_evidence(self) -> None:
        """Show the evidence for k as far as it is computed."""
        TOOLS["evidence"](self)

    def _publish(self, generation: int, _: Parameters, solved: Solved, final: bool) -> None:
        """Show a state in the live view, and record it in the history if the run has ended."""
        error = self._error()
        if error is not None:
            error.value = ""
        with self._showing:  # a tool may show the same state in another way at this moment
            self.appearance = self._appearance_of(generation, solved)
            self._published = generation, solved, final
            self._frames.show(self._published, self.appearance, self.section)
            if final and not solved.unchanged:
                self._record(solved)
        view = self._view()
        if final and view is not None and not isinstance(self.session, EngineSession):
            view.notices = notices_of(solved, self.session.source.task.transform, self._raised)
        if final:
            self._tools.call_again(self)
        self.picture.renew(settled=final)

    def _appearance_of(self, generation: int, solved: Solved) -> Appearance:
        """Return how a state is shown: as in the history if it is restored, else without components that have left.

        At its end a run may give the number of a component back that it has removed at its start.
        """
        if self._restored is not None and self._restored[0] is solved:
            (_, appearance), self._restored, self._labelled = self._restored, None, None
            return appearance
        if self._published is None:
            return self.appearance
        last, before, _ = self._published
        if last != generation:
            self._at_start = self.appearance
        # On another grid components are found from the data: their numbers are not those of before.
        names = solved.names if before.data.same_grid(solved.data) else ()
        now = self.appearance.following(before.names, names)
        back = {*names} - {*before.names} if last == generation else set()
        return now.with_returned(back, self._at_start) if back else now

    def _record(self, solved: Solved) -> None:
        """Add a state and its appearance to the history."""
        if isinstance(self.session, EngineSession):  # whose states cannot be restored
            return
        before = self.history.entries[self.history.position] if self.history.position >= 0 else None
        self.history.record(solved, self.appearance)
        if before is not None and before is not self.history.entries[self.history.position]:
            self._view_steps.forget_undone(before)
        self._show_undo()

    def _figure(self) -> Any:
        """Return a figure of the present answer with its settings below, for a notebook without a kernel."""
        solved = self.session.last
        if solved is None:
            return None
        figure = visible(self.result).plot()
        error = f"relative error {solved.state.relative_error:.3g}"
        text = f"{settings_text(solved.parameters)}: {outcome_text(solved)}, {error}"
        low = 0.25 / figure.get_figheight()  # height of one line; cropping instead would draw everything twice
        figure.get_layout_engine().set(rect=(0, low, 1, 1 - 2 * low))
        figure.text(0.01, 0.3 * low, text, fontsize="medium", color="0.35")
        return figure

    def _later(self) -> int:
        """Return the number of settings that can be redone."""
        return len(self.history.entries) - 1 - self.history.position

    def _drawn(self, _sequence: int) -> None:
        """Let the worker send the next frame; called on the thread that handles messages of the page."""
        self.runner.acknowledge()
        if self._greetings > 0:
            self._greetings -= 1
            controls = self._controls()
            if controls is not None:
                controls.resend_state()

    def _complain(self, error: BaseException) -> None:
        """Show the error of a run."""
        shown = self._error()
        if shown is not None:
            shown.value = error_html(error)
        view, newest = self._view(), self._newest
        if view is not None and newest is not None:
            self._announce(*newest, failed=True)
            view.notices = failure_notices(newest[1], earlier=bool(self.history.entries))


def _projected(section: Mapping[Hashable, int]) -> Iterator[Hashable]:
    """Yield the dimensions over which the maps show the maximum."""
    return (name for name, index in section.items() if index == MAXIMUM)


def _solve(
    session: Session | EngineSession, raised: list[tuple[str, type[Warning]]], parameters: Parameters
) -> Iterator[Solved | None]:
    """Run the solver; warnings of the run go to a list for the page instead of the stderr of the worker."""
    raised.clear()
    with collected_warnings() as found:
        for step in session.solve(parameters):
            raised[:] = found
            yield step
