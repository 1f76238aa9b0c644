"""Lifetime of widgets: a widget stays in memory while a variable, a container or the page holds it, and no longer.

ipywidgets keeps each open widget in a table of the process until ``close()``, and with it the data that its callbacks
reach. Widgets of this package are in that table by weak references, and their callbacks reach their owner by
:func:`weakly`. A widget that is displayed is held here, by a strong reference, until its cell runs again and
the page has removed the view. The page does not report that a cell was deleted: such a widget stays until ``close()``.
"""

from __future__ import annotations

import os
import pathlib
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import ipywidgets
from IPython import get_ipython
from ipywidgets.widgets import widget as table_of_widgets


def weakly(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a callback that calls a bound method without keeping its object alive; afterwards it returns None.

    Examples
    --------
    >>> class Counter:
    ...     def next(self):
    ...         return 1
    >>> counter = Counter()
    >>> callback = weakly(counter.next)
    >>> callback()
    1
    >>> del counter
    >>> callback()
    """
    reference = weakref.WeakMethod(method)

    def call(*arguments: Any, **keywords: Any) -> Any:
        target = reference()
        return None if target is None else target(*arguments, **keywords)

    return call


def hold_weakly(*widgets: ipywidgets.Widget) -> None:
    """Replace the references of ipywidgets to widgets, and to their layout and style, by weak ones.

    A reloaded page restores its widgets from the table, so the entries stay, as proxies.
    """
    for widget in widgets:
        for part in (widget, *(getattr(widget, name) for name in ("layout", "style") if widget.has_trait(name))):
            if part is not None and part.comm is not None:
                table_of_widgets._instances[part.model_id] = weakref.proxy(part)
                part.comm.on_msg(weakly(part._handle_msg))


def bundle(path: pathlib.Path) -> str | pathlib.Path:
    """Return the text of a script or style sheet of the page; the path while a developer wants hot reload.

    anywidget watches a path for changes, and its watcher keeps every widget alive.
    """
    return path if os.environ.get("ANYWIDGET_HMR") else path.read_text(encoding="utf-8")


class Displayed(ipywidgets.DOMWidget):
    """Base class of widgets that stay in memory while the page shows them, and only then without a variable."""

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """Return the notebook output of the widget, and hold the widget for the cell that displays it."""
        _hold(self)
        return super()._repr_mimebundle_(**options)

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:
        """Return the state of some traits; that of all traits is requested by a page that is loaded again."""
        held = None if key is not None or self.comm is None else _HELD.get(self.model_id)
        if held is not None:
            held.views = 0  # the views of the page before have gone without a message
        state: dict[str, Any] = super().get_state(key, drop_defaults)
        return state

    def close(self) -> None:
        """Close the widget in the page and release it."""
        if self.comm is not None:
            _HELD.pop(self.model_id, None)
        super().close()


@dataclass
class _Held:
    """A displayed widget, the cells whose output holds its view, and the number of views in the page.

    The cell None stands for output of no known cell.
    """

    widget: ipywidgets.Widget
    cells: set[str | None] = field(default_factory=set)
    views: int = 0


_HELD: dict[str, _Held] = {}
"""Displayed widgets by the identifier of their model."""


def _hold(widget: ipywidgets.Widget) -> None:
    """Hold a widget that is being displayed, until its cell runs again and the page has removed its last view."""
    shell = get_ipython()
    if shell is None or widget.comm is None:
        return
    if _cell_starts not in shell.events.callbacks["pre_run_cell"]:
        shell.events.register("pre_run_cell", _cell_starts)
    if widget._view_count is None:
        widget._view_count = 0  # from now on the page reports the number of views
        widget.observe(_views_changed, "_view_count")
    _HELD.setdefault(widget.model_id, _Held(widget)).cells.add(_cell_of_output(shell))


def _cell_of_output(shell: Any) -> str | None:
    """Return the identifier of the cell that receives output now; None in programs that send none."""
    request = shell.get_parent() if hasattr(shell, "get_parent") else {}  # a terminal has no requests
    cell: str | None = request.get("metadata", {}).get("cellId")
    return cell


def _cell_starts(info: Any) -> None:
    """Release the widgets in the output of the cell that runs again, since the page removes this output."""
    for held in list(_HELD.values()):
        if info.cell_id is not None and info.cell_id in held.cells:
            held.cells.discard(info.cell_id)
            _release_unless_shown(held)


def _views_changed(change: Any) -> None:
    """Release a widget whose cell ran again once the page has removed its last view."""
    held = _HELD.get(change.owner.model_id) if change.owner.comm is not None else None
    if held is not None:
        held.views += change.new - change.old
        _release_unless_shown(held)


def _release_unless_shown(held: _Held) -> None:
    """Release a widget that neither a cell nor a view holds, also from IPython's history of outputs."""
    if held.cells or held.views > 0:
        return
    _HELD.pop(held.widget.model_id, None)
    shell = get_ipython()
    outputs = shell.user_ns["_oh"]
    numbers = [number for number, output in outputs.items() if output is held.widget]
    for number in numbers:
        del outputs[number]
    for names in (shell.user_ns, shell.user_ns_hidden):
        for name in ("_", "__", "___", *(f"_{number}" for number in numbers)):
            if names.get(name) is held.widget:
                names[name] = ""
    for name in ("_", "__", "___"):
        if getattr(shell.displayhook, name) is held.widget:
            setattr(shell.displayhook, name, "")
