"""The running fit of an explorer: moves of the controls start it, its states go to the live view."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import ipywidgets
import xarray as xr

from mffnb.cubes.tiles import note_of
from mffnb.errors import UnsupportedCombinationError, collected_warnings
from mffnb.solvers import Outcome
from mffnb.unmixing.freedom import Freedom
from mffnb.unmixing.joint_mosaic import is_mosaic, joint_of_mosaic
from mffnb.unmixing.result import Unmixing
from mffnb.widgets.appearance import Appearance, visible
from mffnb.widgets.controls.follow_button import FollowButton
from mffnb.widgets.fit_controls import FitControls
from mffnb.widgets.frames import Frames
from mffnb.widgets.history import Entry, History
from mffnb.widgets.lifetime import weakly
from mffnb.widgets.live_following import LiveFollowing
from mffnb.widgets.live_freedom import LiveFreedom
from mffnb.widgets.live_view.live_view import SPECTRA_TRAITS, STYLE_TRAITS, LiveView
from mffnb.widgets.live_view.messages import error_html
from mffnb.widgets.live_view.runner import Runner
from mffnb.widgets.notices import Notice, failure_notices, notices_of, without_actions
from mffnb.widgets.pins import Pin
from mffnb.widgets.rank_evidence import RankEvidence
from mffnb.widgets.recorder import Recorder
from mffnb.widgets.regions import Region, on_grown_image
from mffnb.widgets.saving.live_state import settings_of, solved_from, solved_values
from mffnb.widgets.saving.moments import packed, unpacked
from mffnb.widgets.session.answer_session import AnswerSession
from mffnb.widgets.session.engine_session import EngineSession
from mffnb.widgets.session.followed_session import FollowedSession
from mffnb.widgets.session.parameters import Parameters
from mffnb.widgets.session.progress import outcome_text
from mffnb.widgets.session.session import Session
from mffnb.widgets.session.solved import Solved
from mffnb.widgets.session.wording import settings_text
from mffnb.widgets.shown_tools import ShownTools
from mffnb.widgets.static_picture import StaticPicture
from mffnb.widgets.tool import LocalSession, refuse_while_followed
from mffnb.widgets.tools import TOOLS
from mffnb.widgets.tools.freedom import show_freedom
from mffnb.widgets.tools.region import show_regions
from mffnb.widgets.workspace import Workspace

# The state of the controls is sent to the browser again after the first frames. ipykernel handles the messages of a
# slider on the thread that last wrote to it. At first this is the main thread, which a running cell blocks. Writing to
# the slider while a message of the browser is handled moves it to a message thread. This is repeated, since the first
# messages may come before that thread exists.
_GREETINGS = 4


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
    picture
        Static picture of the widget that holds the view; None for one of the answer alone.
    follow_button
        Button that ends and begins the following of a growing file; None for other images.
    """

    def __init__(
        self,
        session: LocalSession | EngineSession,
        controls: FitControls,
        view: LiveView,
        error: ipywidgets.HTML,
        path: str | None = None,
        picture: StaticPicture | None = None,
        follow_button: FollowButton | None = None,
    ) -> None:
        self.session, self.path, self.history = session, path, History()
        self.regions: dict[str, Region] = {}
        self.pins: dict[str, Pin] = {}
        self.overlays: dict[str, xr.DataArray] = {}
        self.kept: dict[str, Unmixing] = {}
        self.section: dict[Hashable, int] = {}
        self.appearance = self._at_start = Appearance()
        self._restored: Solved | None = None
        self._numbers: tuple[int, Solved] | None = None
        self._showing = threading.RLock()
        self._published: tuple[int, Solved, bool] | None = None
        self._raised: list[tuple[str, type[Warning]]] = []
        self._newest: tuple[int, Parameters] | None = None
        self._opening: tuple[Parameters, Notice] | None = None
        self._controls, self._view, self._error = weakref.ref(controls), weakref.ref(view), weakref.ref(error)
        self.runner: Runner[Parameters, Solved] = Runner(
            partial(_solve, session, self._raised), weakly(self._publish), on_error=weakly(self._complain)
        )
        self.picture = picture or StaticPicture(weakly(self._figure))
        self._frames = Frames(session, self._view)
        self._labelled: tuple[Solved, Unmixing] | None = None
        # The history is shown from the start; on engines, whose states cannot be restored, there is none.
        described = [] if isinstance(session, EngineSession) else ["show_history"]
        self._tools = ShownTools(self._view, [*described, *(["evidence"] if isinstance(session, Session) else [])])
        self.rank_evidence = RankEvidence(controls.max_components, self._show_evidence)
        self.live_freedom = LiveFreedom(self._freedom_found)
        self._recorder = Recorder(self.history, weakly(self._workspace), weakly(self._show_history))
        self._described = 0
        self._greetings = _GREETINGS
        self._submitting = threading.Lock()
        view.on_drawn = self._drawn
        view.on_call = self._call
        view.observe(weakly(self._record_view), STYLE_TRAITS)
        view.observe(weakly(self._search_freedom), "freedom_bands")
        controls.on_change(self.submit)
        controls.on_restart(self.start_afresh)
        controls.on_stop(session.stop)
        self._following = None
        if isinstance(session, FollowedSession) and follow_button is not None:
            self._following = LiveFollowing(session, follow_button, view, weakly(self.follow_again))

    def __del__(self) -> None:
        self.rank_evidence.close()
        self.live_freedom.close(timeout=0.0)
        self.runner.close(timeout=0.0)

    @property
    def result(self) -> Unmixing:
        """The present result with labels, as soon as there is one."""
        while self.session.last is None and not self.runner.settled(0.02):
            pass  # wait for the first state, which comes within milliseconds, and not for the end of the run
        solved = self.session.last
        if solved is None:
            self.runner.wait()  # there is no state: raise the error of the run
            if isinstance(self.session, AnswerSession):
                raise ValueError(self.session.absent)
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
            # Without the lock a thread could submit values after newer ones that another thread has read.
            with self.gesture(), self._submitting:
                self.session.cancel_stop()
                self.rank_evidence.pause()  # it continues when the run has ended
                self.live_freedom.pause()
                self._submit(controls.parameters)

    def _submit(self, parameters: Parameters, *, step: bool = True) -> None:
        """Start a run; the lock is held."""
        if self._following is not None:
            self._following.show()
        self._newest = self.runner.submit(parameters), parameters
        self._recorder.begins(self._newest[0], step=step)
        self._announce(*self._newest)

    def show_answer(self, solved: Solved, *, step: bool) -> None:
        """Show an answer of a search; ``step`` says whether it is a step of the history, or replaces the present one.

        A search that goes on shows its newest answer without a step.
        """
        assert isinstance(self.session, AnswerSession), "a run shows its own states"
        with self.gesture(), self._submitting:
            self.session.restore(solved)
            self._submit(solved.parameters, step=step)

    def expect(self, text: str, *, coming: bool) -> None:
        """Say that another answer of a search was selected, until the next one is shown.

        The picture greys if that answer is ``coming``; otherwise the text is shown as an error.
        """
        view = self._view()
        with self.gesture(), self._submitting:
            generation = self.runner.generation + 1
            self._recorder.begins(generation)
            if isinstance(self.session, AnswerSession):
                self.session.waiting = True
            if view is not None and coming:
                view.activity = {"generation": generation, "text": text, "progress": None, "failed": False}
            elif view is not None:
                view.error = text

    def clear(self, reason: str) -> None:
        """Show no answer of a search, and keep the reason for those who ask for one."""
        view, session = self._view(), self.session
        assert isinstance(session, AnswerSession), "a run always has a state"
        with self.gesture(), self._submitting, self._showing:
            generation = self.runner.generation + 1
            self._recorder.begins(generation)
            session.clear(reason)
            self._published = self._labelled = None
            if view is not None:
                view.activity = {"generation": generation, "text": reason, "progress": None, "failed": True}
                view.notices = []
                view.clear()

    def start_afresh(self) -> None:
        """Start a run from the data."""
        self.session.start_afresh()
        self.submit()

    def follow_again(self) -> None:
        """Go on with a growing file after the last frame that was followed, see :meth:`Explorer.follow_again`."""
        session = self.session
        if not isinstance(session, FollowedSession):
            raise UnsupportedCombinationError(
                "this explorer has all of its image: mf.explore(path, k, follow=True) follows a file that grows"
            )
        if session.following and not session.stopping:
            return
        with self.gesture():
            session.follow_again(self.settings)
            self.history.replace([], -1)  # its answers have fewer frames
            self.submit()

    def set_exactly(self, control: str, value: float) -> None:
        """Set a weight to exactly this number; its slider gets another step."""
        controls = self._controls()
        if controls is not None:
            controls.set_exactly(control, value)

    def gesture(self) -> AbstractContextManager[None]:
        """Record what the user changes in this context as one step of the history."""
        return self._recorder.gesture()

    def announce_opening(self, notice: Notice) -> None:
        """Show a line on the settings at the opening, for as long as they are in force."""
        view = self._view()
        if view is not None:
            with self._showing:  # the first run may end at this moment
                self._opening = self.settings, notice
                view.notices = [notice, *view.notices]

    def _opened_with(self, parameters: Parameters) -> list[Notice]:
        """Return the line on the settings at the opening if they are in force, and that on channels left out."""
        opening = [self._opening[1]] if self._opening is not None and self._opening[0] == parameters else []
        note = note_of(self.session.source.cube) if isinstance(self.session, Session) else ""
        frames = "" if self._following is None else self._following.note
        return [*opening, *({"text": text} for text in (note, frames) if text)]

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
    def color_map(self) -> str:
        """Colour map of the maps in the page."""
        view = self._view()
        return "component" if view is None else str(view.color_map)

    def send_file(self, name: str, content: bytes, request: int) -> None:
        """Send a file to the page, which saves it through the browser if it has made this request."""
        view = self._view()
        if view is not None:
            view.send({"type": "file", "name": name, "request": request}, [content])

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
        """Show the components in another way."""
        with self._showing:
            self.appearance, self._labelled = appearance, None
        self._show_again()

    def _show_again(self) -> None:
        """Show the present state again, after its appearance or section has changed."""
        with self._showing:
            published = self._published
            if published is None:
                return
            self._frames.show(published, self.appearance, self.section)
        if published[2]:
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
        """Show another section of a stack in all maps."""
        before, self.section = self.section, dict(section)
        stacked = self.result.abundances.dims[1:-2]
        if any(before.get(name) != self.section.get(name) for name in stacked):
            self._show_again()
        elif self.shown_values("orthogonal_sections").get("shown"):
            TOOLS["orthogonal_sections"](self)  # the maps stay

    def show_entry(self, position: int) -> None:
        """Show an entry of the history: restore its workspace, move the controls to its settings, show its answer."""
        controls, session = self._controls(), self.session
        if controls is None or isinstance(session, EngineSession):
            raise UnsupportedCombinationError(
                "undo needs the pixels in this process: open an explorer without cluster="
            )
        with self.gesture():
            entry = self.history.move(position)
            self._recorder.moves()
            there = self._published is not None and self._published[1] is entry.solved and self.settled
            there = there and not (isinstance(session, AnswerSession) and session.waiting)
            if there and controls.parameters == entry.parameters:  # else other settings have failed
                self._show_workspace(entry.workspace)  # no run is needed
                return
            with self._submitting:
                session.restore(entry.solved)
                self._restored, self._numbers = entry.solved, (0, entry.solved)
                self._restore_workspace(entry.workspace, entry.solved.names)
            controls.show(entry.parameters, entry.workspace.positions)

    def undo_pending(self, *, redo: bool = False) -> bool:
        """Undo or redo a gesture that was made since the present run began; False if there is none."""
        with self.gesture():
            workspace = self.history.move_pending(1 if redo else -1)
            if workspace is not None:
                self._recorder.moves()
                self._show_workspace(workspace)
        return workspace is not None

    def _workspace(self) -> Workspace:
        """Return the present workspace."""
        view, controls = self._view(), self._controls()
        style = {} if view is None else {name: getattr(view, name) for name in STYLE_TRAITS}
        return Workspace(
            self.appearance,
            dict(self.regions),
            dict(self.pins),
            dict(self.overlays),
            dict(self.kept),
            dict(self.section),
            self._tools.recorded,
            style,
            {} if controls is None else controls.positions,
        )

    def _restore_workspace(self, one: Workspace, names: Sequence[int]) -> None:
        """Return to a workspace for components of these names, without showing the state of the run again."""
        self._frames.expect(names, one.appearance)
        with self._showing:
            self.appearance, self.section, self._labelled = one.appearance, dict(one.section), None
            self.regions, self.pins = dict(one.regions), dict(one.pins)
            self.overlays, self.kept = dict(one.overlays), dict(one.kept)
        self._tools.restore(one.tools)
        self.set_spectra_view(**one.style)

    def _show_workspace(self, one: Workspace) -> None:
        """Return to a workspace of the present answer."""
        changed = (one.appearance, dict(one.section)) != (self.appearance, self.section)
        self._restore_workspace(one, () if self._published is None else self._published[1].names)
        if changed:
            self._show_again()
        else:
            self._tools.call_again(self)

    def stored(self) -> dict[str, Any]:
        """Return the state of the explorer as values that a session holds."""
        controls, view, session = self._controls(), self._view(), self.session
        if controls is None or view is None or not isinstance(session, Session) or session.last is None:
            raise RuntimeError("the explorer was closed before it had solved anything")
        with self._showing:
            last, (entries, position) = session.last, self.history.shown
            answers = list({id(one): one for one in (*(entry.solved for entry in entries), last)}.values())
            number = {id(one): i for i, one in enumerate(answers)}
            return {
                "settings": settings_of(session, controls.parameters, controls.max_components),
                "parameters": controls.parameters,
                "answers": [solved_values(one) for one in answers],
                "last": number[id(last)],
                "history": [number[id(entry.solved)] for entry in entries],
                "position": position,
                **packed(
                    [*(entry.workspace for entry in entries), self._workspace().sharing(self.history.workspace())]
                ),
                # The freedom is searched again: it belongs to a run, whose number is another one after restoring.
                "described": {name: one for name, one in self._tools.described.items() if name != "freedom"},
                "evidence": self.rank_evidence.stored(last.data),
            }

    def restore(self, stored: Mapping[str, Any]) -> None:
        """Restore the state that :meth:`stored` has returned, instead of the first run."""
        controls, view, session = self._controls(), self._view(), self.session
        assert controls is not None, "a new explorer has controls"
        assert view is not None, "a new explorer has a view"
        assert isinstance(session, Session), "only sessions of one process are saved"
        answers = [solved_from(values, session) for values in stored["answers"]]
        *earlier, workspace = unpacked(stored, session.source.cube)
        entries = [Entry(answers[number], one) for number, one in zip(stored["history"], earlier, strict=True)]
        last = answers[stored["last"]]
        with self.gesture():
            self._recorder.moves()
            self.history.replace(entries, stored["position"])
            self._tools.restore_described(stored["described"])
            self._restore_workspace(workspace, last.names)
            self.rank_evidence.restore(last.data, stored.get("evidence"))
            settled = last.state.outcome is not Outcome.RUNNING
            session.restore(last, settled=settled)
            self._restored, self._numbers = last, (0, last)
            controls.show(stored["parameters"], workspace.positions)

    def show_tool(
        self, name: str, *, follow: bool | Mapping[str, Any] = False, recorded: bool = True, **values: Any
    ) -> None:
        """Send the values that a tool shows to the page, see :class:`mffnb.widgets.tool.Stage`."""
        self._tools.show(name, values, follow, recorded=recorded)

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
        view = self._view()
        if view is not None:
            with self.gesture():
                for name, value in traits.items():
                    view.set_trait(name, value)

    def _search_freedom(self, _: Any = None) -> None:
        """Search for the freedom of the answer on the screen, if the page shows it."""
        view, solved = self._view(), self.session.last
        if view is None or solved is None or isinstance(self.session, EngineSession):
            return
        if not view.freedom_bands:
            self.live_freedom.pause()
        elif self._published is not None and self._published[1:] == (solved, True):
            image = solved.data.image
            processed = image.chain is not None and image.scales is None  # else the last step is not in the cube
            self.live_freedom.resume(self.result, image.cube if processed else None)

    def show_freedom(self, found: Freedom | str, *, complete: bool = True) -> None:
        """Show how far each spectrum of the answer could turn, see :class:`mffnb.widgets.tool.Stage`."""
        published = self._published
        if published is not None and published[2]:
            show_freedom(self, found, published[0], complete=complete)

    def _freedom_found(self, answer: Unmixing, found: Freedom | str, complete: bool) -> None:
        """Show what a search has found; called on its thread."""
        labelled = self._labelled
        if labelled is not None and labelled[1] is answer:
            self.show_freedom(found, complete=complete)

    def _record_view(self, _: Any) -> None:
        """Record a change of how the answer is shown by the page, or by an assignment in Python."""
        with self.gesture():
            pass

    def _show_history(self) -> None:
        """Show how many gestures can be undone, and redone, and the thumbnails."""
        following = self._following is not None and self._following.going_on  # nothing is recorded yet
        if isinstance(self.session, EngineSession) or following:
            return
        if self.history.entries or self.history.pending:
            earlier, later = self.history.steps
            self.show_tool("undo", recorded=False, earlier=earlier, later=later)
            if self._described != self.history.version:
                self._described = self.history.version
                self._tools.call_again(self, described=True)

    def _call(self, name: str, arguments: Mapping[str, Any]) -> None:
        """Call a tool for the page."""
        refuse_while_followed(self, name)
        with self.gesture():
            TOOLS[name](self, **arguments)

    def close(self) -> None:
        """End the background threads, complete the static picture, and delete the image on engines."""
        self.rank_evidence.close()
        self.live_freedom.close()
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
        if self._following is not None:
            self._following.show()
        with self._recorder.consequence():
            with self._showing:  # a tool may show the same state in another way at this moment
                if isinstance(self.session, AnswerSession) and self.session.last is not solved:
                    return  # another answer was selected in the meantime, which failed
                self.appearance = self._appearance_of(generation, solved)
                self._published = generation, solved, final
                self._frames.show(self._published, self.appearance, self.section)
            view = self._view()
            if final and view is not None and not isinstance(self.session, EngineSession):
                labels = self.appearance.labels(solved.names)
                found = notices_of(solved, self.session.source.task.transform, self._raised, labels)
                found = found if isinstance(self.session, Session) else without_actions(found)
                with self._showing:  # the line on the opening may come at this moment
                    view.notices = self._opened_with(solved.parameters) + found
            if final:
                self._keep_regions()
                self._tools.call_again(self)
                self._tools.call_again(self, described=True)  # also while a gesture waits, which is recorded later
            # States on engines cannot be restored.
            if final and not solved.unchanged and not isinstance(self.session, EngineSession):
                self._recorder.ends(generation, solved)
        if final:
            self._search_freedom()
        self.picture.renew(settled=final)

    def _keep_regions(self) -> None:
        """Let the regions of a file that has grown keep their pixels."""
        if self._following is None or not self.regions:
            return
        maps = self.result.abundances
        if any(one.mask.shape != maps.shape[1:] for one in self.regions.values()):
            self.regions = {name: on_grown_image(one, maps) for name, one in self.regions.items()}
            show_regions(self, self.result)

    def _appearance_of(self, generation: int, solved: Solved) -> Appearance:
        """Return how a state is shown: as in the history if it is restored, else without components that have left.

        At its end a run may give the number of a component back that it has removed at its start.
        """
        if solved.origin is not None:  # a search gives no number twice, so that nothing is forgotten
            return self.appearance.with_names_of(solved.origin.result)
        followed, self._numbers = self._numbers, (generation, solved)
        if followed is None or self._restored is solved:
            self._restored, self._at_start = None, self.appearance
            return self.appearance
        last, before = followed
        if last != generation:
            self._at_start = self.appearance
        # On another grid components are found from the data: their numbers are not those of before.
        # While a file grows, they are matched.
        names = solved.names if self._following is not None or before.data.same_grid(solved.data) else ()
        now = self.appearance.following(before.names, names)
        back = {*names} - {*before.names} if last == generation else set()
        return now.with_returned(back, self._at_start) if back else now

    def _figure(self) -> Any:
        """Return a figure of the present answer with its settings below, for a notebook without a kernel."""
        solved = self.session.last
        if solved is None:
            return None
        result = self.result
        # How far spectra could turn is drawn if it is known: to compute it here would slow the next move down.
        shown = visible(result)
        several = joint_of_mosaic(shown) if is_mosaic(shown) else shown
        figure = several.plot(**({} if "freedom" in vars(result) else {"band": None, "note": ""}))
        error = f"relative error {solved.state.relative_error:.3g}"
        text = f"{settings_text(solved.parameters)}: {outcome_text(solved)}, {error}"
        low = 0.25 / figure.get_figheight()  # height of one line; cropping instead would draw everything twice
        figure.get_layout_engine().set(rect=(0, low, 1, 1 - 2 * low))
        figure.text(0.01, 0.3 * low, text, fontsize="medium", color="0.35")
        return figure

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
        if self._following is not None:
            self._following.show()
        view, newest = self._view(), self._newest
        if view is not None and newest is not None:
            self._announce(*newest, failed=True)
            view.notices = failure_notices(newest[1], earlier=bool(self.history.entries))


def _solve(
    session: LocalSession | EngineSession, raised: list[tuple[str, type[Warning]]], parameters: Parameters
) -> Iterator[Solved | None]:
    """Run the solver; warnings of the run go to a list for the page instead of the stderr of the worker."""
    raised.clear()
    with collected_warnings() as found:
        for step in session.solve(parameters):
            raised[:] = found
            yield step
