"""Tools of the explorer: what a tool of :mod:`mffnb.widgets.tools` may use, and what it shows in the page.

A tool is a function ``name(stage, **arguments)``. Its module lists it in ``__all__``, and it is then both the method
``Explorer.name(**arguments)`` and the answer to the message ``stage.call("name", arguments)`` of the page. Each call is
a gesture: what it changes of the stage becomes one step of the history, without a line in the tool.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any, Protocol, TypeAlias, TypeVar, cast

import xarray as xr

from mffnb.errors import UnsupportedCombinationError
from mffnb.unmixing.freedom import Freedom
from mffnb.unmixing.result import Unmixing
from mffnb.widgets.appearance import Appearance
from mffnb.widgets.history import History
from mffnb.widgets.pins import Pin
from mffnb.widgets.rank_evidence import RankEvidence
from mffnb.widgets.regions import Region
from mffnb.widgets.session.answer_session import AnswerSession, no_run
from mffnb.widgets.session.engine_session import EngineSession
from mffnb.widgets.session.followed_session import FollowedSession
from mffnb.widgets.session.parameters import Parameters
from mffnb.widgets.session.session import Session
from mffnb.widgets.session.solved import Solved

Function = TypeVar("Function", bound=Callable[..., Any])
LocalSession: TypeAlias = Session | AnswerSession
"""A session whose pixels are in this process."""


WITHOUT_ALL_FRAMES = frozenset(
    {
        "apply", "hide", "identify", "match", "orthogonal_sections", "profile", "rename", "reorder", "save_picture",
        "set_color", "set_number", "show", "show_section", "show_spectra",
    }
)  # fmt: skip
"""Tools for a file that is still followed: they need only maps and spectra as they are."""


class Stage(Protocol):
    """The part of an explorer that a tool uses."""

    @property
    def session(self) -> LocalSession | EngineSession:
        """Cube, settings and newest state."""

    @property
    def result(self) -> Unmixing:
        """The newest state with labels, as soon as there is one."""

    @property
    def settled(self) -> bool:
        """Whether the run for the present settings has ended."""

    def gesture(self) -> AbstractContextManager[None]:
        """Record what the user changes in this context as one step of the history."""

    @property
    def history(self) -> History:
        """States after each gesture, with their settings and answers."""

    @property
    def settings(self) -> Parameters:
        """The present settings."""

    def change(self, appearance: Appearance | None = None, **settings: Any) -> None:
        """Start a run from the last state with changed settings, or with the present ones if none is given.

        Another appearance comes with its answer.
        """

    @property
    def appearance(self) -> Appearance:
        """Names, colours, visibility and order of the components."""

    def set_appearance(self, appearance: Appearance) -> None:
        """Show the components in another way."""

    def continue_from(self, solved: Solved, appearance: Appearance | None = None) -> None:
        """Run on from a state that a tool has edited, with its number of components."""

    @property
    def contrast(self) -> tuple[float, float]:
        """Percentage of the brightest pixels that the page saturates, and exponent of its contrast."""

    @property
    def color_map(self) -> str:
        """Colour map of the maps in the page; "component" for the colour of each component."""

    def send_file(self, name: str, content: bytes, request: int) -> None:
        """Send a file to the page, which saves it through the browser if it has made this request."""

    @property
    def pins(self) -> dict[str, Pin]:
        """Pixels whose spectra the page keeps, by name."""

    @property
    def regions(self) -> dict[str, Region]:
        """Regions of the image, by name."""

    @property
    def overlays(self) -> dict[str, xr.DataArray]:
        """Images of the same area that the user has passed to tools, by the name of the tool."""

    @property
    def rank_evidence(self) -> RankEvidence:
        """Evidence for the number of components that is computed while no run is going on."""

    @property
    def kept(self) -> dict[str, Unmixing]:
        """Answers that were kept for comparison, by name."""

    @property
    def section(self) -> Mapping[Hashable, int]:
        """Index of the section of a stack that the maps show, by dimension; the middle one where it is absent."""

    def set_section(self, section: Mapping[Hashable, int]) -> None:
        """Show another section of a stack in all maps, those of tools too."""

    @property
    def path(self) -> str | None:
        """Path of the file that is explored; None for a cube from memory."""

    def start_afresh(self) -> None:
        """Start the run from the data instead of the last state."""

    def show_entry(self, position: int) -> None:
        """Show an entry of the history: its settings, its answer and its workspace."""

    @property
    def spectra_view(self) -> Mapping[str, Any]:
        """How the page shows the spectra: the traits ``SPECTRA_TRAITS`` of the live view, by name."""

    def set_spectra_view(self, **traits: Any) -> None:
        """Change how the page shows the spectra; all traits together are one change."""

    def show_freedom(self, found: Freedom | str, *, complete: bool = True) -> None:
        """Show how far each spectrum of the answer could turn, or a sentence why this is not known.

        ``complete`` is False while the search goes on.
        """

    def undo_pending(self, *, redo: bool = False) -> bool:
        """Undo or redo a gesture that was made since the present run began; False if there is none."""

    def set_exactly(self, control: str, value: float) -> None:
        """Set a weight to exactly this number; its slider gets another step."""

    def stored(self) -> dict[str, Any]:
        """Return settings, answers, history, regions, names and what tools show, as values that a session holds."""

    def show_tool(
        self, name: str, *, follow: bool | Mapping[str, Any] = False, recorded: bool = True, **values: Any
    ) -> None:
        """Send the values that a tool shows to its part in the page: text, numbers, and arrays as float32.

        They stay there until the next call, also when the page is loaded again. With ``follow``, the tool is called
        again whenever a run has ended or another section is shown: without arguments, or with the given ones.
        Undo restores them, unless ``recorded`` is False: for tools that describe the session itself, such as its code,
        or what the pointer is at. These are called again after each gesture.
        """

    def shown_values(self, name: str) -> Mapping[str, Any]:
        """Return the values that a tool has shown last; empty before its first call."""


class Staged(Protocol):
    """A widget that has the tools as methods."""

    @property
    def stage(self) -> Stage:
        """What the tools use of the widget."""


def local_session(stage: Stage, name: str) -> LocalSession:
    """Return the session of a stage if it has all pixels in this process; refuse the tool otherwise."""
    if isinstance(stage.session, EngineSession):
        raise UnsupportedCombinationError(
            f"{name} needs the pixels in this process, and they are on engines: open an explorer without cluster="
        )
    refuse_while_followed(stage, name)
    return stage.session


def refuse_while_followed(stage: Stage, name: str) -> None:
    """Refuse a tool that needs all frames while the file of an explorer is followed.

    Raises
    ------
    UnsupportedCombinationError
        If it is none of :data:`WITHOUT_ALL_FRAMES`.
    """
    if name in WITHOUT_ALL_FRAMES:
        return
    if isinstance(stage.session, FollowedSession) and stage.session.following:
        raise UnsupportedCombinationError(
            f"{name} needs all frames, and the file is still followed: wait for its end, or click stop"
        )


def running_session(stage: Stage, name: str) -> Session:
    """Return the session of a stage for a tool that starts a run; refuse the tool where answers of a search are shown.

    Raises
    ------
    UnsupportedCombinationError
        If no run can be started in this process.
    """
    session = local_session(stage, name)
    if isinstance(session, AnswerSession):
        raise no_run(name)
    return session


def as_gesture(tool: Function) -> Function:
    """Return a tool as a method of a widget: what it changes of the stage becomes one step of the history."""

    @wraps(tool)
    def call(widget: Staged, *arguments: Any, **keywords: Any) -> Any:
        stage = widget.stage
        refuse_while_followed(stage, tool.__name__)
        with stage.gesture():
            return tool(stage, *arguments, **keywords)

    return cast(Function, call)
