"""What the tools of an explorer show in the page, and the tools that are called again after each run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mffnb.widgets.live_view.live_view import LiveView
from mffnb.widgets.tool import Stage
from mffnb.widgets.tools import TOOLS

# Tools that show what a trait of the view says, and nothing if it is empty.
_DRAWN_FROM = {"profile_line": "profile", "orthogonal": "orthogonal_sections"}


class ShownTools:
    """Values of the tools for the page.

    Parameters
    ----------
    view
        Returns the live view; None if it was dropped.
    following
        Names of tools that are called again after each run from the start.

    Attributes
    ----------
    shown
        The values that each tool has shown last.
    following
        Arguments of the tools that are called again, by name.
    """

    def __init__(self, view: Callable[[], LiveView | None], following: Iterable[str] = ()) -> None:
        self._view = view
        self.shown: dict[str, Mapping[str, Any]] = {}
        self.following: dict[str, Mapping[str, Any]] = {name: {} for name in following}

    def show(self, name: str, values: Mapping[str, Any], follow: bool | Mapping[str, Any]) -> None:
        """Send values to the page, and note whether the tool is called again, see :meth:`Stage.show_tool`."""
        self.shown[name] = values
        following = {one: arguments for one, arguments in self.following.items() if one != name}
        if follow is not False:
            following[name] = {} if follow is True else follow
        self.following = following  # replaced, because the worker may go through the old one
        view = self._view()
        if view is not None:
            view.show_tool(name, values)

    def values(self, name: str) -> Mapping[str, Any]:
        """Return the values that a tool has shown last; empty before its first call."""
        return self.shown.get(name, {})

    def call_again(self, stage: Stage) -> None:
        """Call the tools that follow the run; one that fails is hidden, and its error is not that of the run."""
        for name, arguments in self.following.items():
            try:
                TOOLS[name](stage, **arguments)
            except (LookupError, ValueError) as error:
                self.show(name, {**self.values(name), "shown": False}, follow=False)
                view = self._view()
                if view is not None:
                    view.error = f"{name}: {error}"

    def follow_view(self, stage: Stage, traits: Mapping[str, Any]) -> None:
        """Call the tools again that show traits of the view, after these were undone or redone."""
        for trait, name in _DRAWN_FROM.items():
            if trait in traits:
                TOOLS[name](stage, shown=bool(traits[trait]))
