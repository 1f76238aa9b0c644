"""What the tools of an explorer show in the page, and the tools that are called again after each run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from mffnb.widgets.live_view.live_view import LiveView
from mffnb.widgets.tool import Stage
from mffnb.widgets.tools import TOOLS
from mffnb.widgets.workspace import Shown


class ShownTools:
    """Values of the tools for the page.

    Parameters
    ----------
    view
        Returns the live view; None if it was dropped.
    following
        Names of tools that are called again after each gesture from the start, and describe the session.
    """

    def __init__(self, view: Callable[[], LiveView | None], following: Iterable[str] = ()) -> None:
        self._view, self._changing = view, threading.Lock()
        # Both are replaced and not changed, because the worker may go through the old ones.
        self.recorded: Mapping[str, Shown] = {}
        """What tools show that undo restores."""
        self.described: Mapping[str, Shown] = {name: Shown({}, {}) for name in following}
        """What tools show that describe the session itself, such as its code, or only what the pointer is at."""

    def show(self, name: str, values: Mapping[str, Any], follow: bool | Mapping[str, Any], *, recorded: bool) -> None:
        """Send values to the page, and note whether the tool is called again, see :meth:`Stage.show_tool`."""
        values = {key: _plain(value) for key, value in values.items()}
        if recorded and name not in self.recorded and values == {"shown": False}:
            return  # a call that only computes is no step
        given = None if follow is False else {} if follow is True else follow
        with self._changing:  # several threads show something
            if recorded:
                self.recorded = {**self.recorded, name: Shown(values, given)}
                self.described = {one: shown for one, shown in self.described.items() if one != name}
            else:
                self.described = {**self.described, name: Shown(values, given)}
        self._send(name, values)

    def values(self, name: str) -> Mapping[str, Any]:
        """Return the values that a tool has shown last; empty before its first call."""
        found = self.recorded.get(name) or self.described.get(name)
        return {} if found is None else found.values

    def restore(self, recorded: Mapping[str, Shown]) -> None:
        """Show again what the tools have shown earlier."""
        before, self.recorded = self.recorded, dict(recorded)
        for name in {*before} | {*recorded}:
            if before.get(name) is not recorded.get(name):
                self._send(name, self.values(name))

    def restore_described(self, described: Mapping[str, Shown]) -> None:
        """Show what tools of another session have shown that describe it."""
        self.described = dict(described)
        for name, one in described.items():
            self._send(name, one.values)

    def call_again(self, stage: Stage, *, described: bool = False) -> None:
        """Call the tools that follow the run; one that fails is hidden, and its error is not that of the run.

        Parameters
        ----------
        stage
            The explorer.
        described
            Call those that describe the session, instead of those that undo restores.
        """
        for name, one in (self.described if described else self.recorded).items():
            if one.follow is None:
                continue
            try:
                TOOLS[name](stage, **one.follow)
            except (LookupError, ValueError) as error:
                self.show(name, {**one.values, "shown": False}, follow=False, recorded=not described)
                view = self._view()
                if view is not None:
                    view.error = f"{name}: {error}"

    def _send(self, name: str, values: Mapping[str, Any]) -> None:
        view = self._view()
        if view is not None:
            view.show_tool(name, values)


def _plain(value: Any) -> Any:
    """Return a value with Python's numbers in place of NumPy's, as a session gives them back."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, tuple)):
        return type(value)(map(_plain, value))
    return {key: _plain(one) for key, one in value.items()} if isinstance(value, dict) else value
