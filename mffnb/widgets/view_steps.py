"""Undo and redo of changes to how the page shows spectra: axes, normalisation, zoom."""

from __future__ import annotations

import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mffnb.widgets.history import Entry

_ONE_GESTURE = 0.5  # zooms, or sections, within this time in seconds are one step: each turn of the wheel is one
_MERGED = ({"channel_range"}, {"section"})


@dataclass(frozen=True)
class Step:
    """Traits of the live view before and after a change."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    time: float


@dataclass
class _Steps:
    done: list[Step] = field(default_factory=list)
    undone: list[Step] = field(default_factory=list)


class ViewSteps:
    """Changes of the view that were made while an entry of the history was shown, by entry.

    They are undone before the entry itself, and forgotten with it.
    """

    def __init__(self) -> None:
        self._steps: weakref.WeakKeyDictionary[Entry, _Steps] = weakref.WeakKeyDictionary()

    def record(self, entry: Entry, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """Add a change; those that were undone can no longer be redone."""
        steps, now = self._steps.setdefault(entry, _Steps()), time.monotonic()
        steps.undone.clear()
        last = steps.done[-1] if steps.done else None
        if last is not None and {*after} == {*last.after} and {*after} in _MERGED and now - last.time < _ONE_GESTURE:
            steps.done[-1:] = [Step(last.before, after, now)] if after != last.before else []
        else:
            steps.done.append(Step(before, after, now))

    def undo(self, entry: Entry) -> Mapping[str, Any] | None:
        """Return the traits before the last change, which becomes one to redo; None if there is none."""
        steps = self._steps.get(entry)
        if steps is None or not steps.done:
            return None
        steps.undone.append(steps.done.pop())
        return steps.undone[-1].before

    def redo(self, entry: Entry) -> Mapping[str, Any] | None:
        """Return the traits after the change that was undone last; None if there is none."""
        steps = self._steps.get(entry)
        if steps is None or not steps.undone:
            return None
        steps.done.append(steps.undone.pop())
        return steps.done[-1].after

    def forget_undone(self, entry: Entry) -> None:
        """Forget the changes that could be redone, because another run followed the entry."""
        if entry in self._steps:
            self._steps[entry].undone.clear()

    def counts(self, entry: Entry) -> tuple[int, int]:
        """Return the number of changes that can be undone, and of those that can be redone."""
        steps = self._steps.get(entry, _Steps())
        return len(steps.done), len(steps.undone)
