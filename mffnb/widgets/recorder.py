"""Records the gestures of an explorer's user in its history: the one place where this happens."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mffnb.widgets.history import History
from mffnb.widgets.session.solved import Solved
from mffnb.widgets.workspace import Workspace


@dataclass
class _Changes:
    """What has happened since the history was compared with the workspace.

    Attributes
    ----------
    gesture
        Whether the user has made a gesture.
    moved
        Whether undo or redo has moved to another entry.
    begun
        Number of the run that has begun, if any.
    step
        Whether its answer is a step of its own; otherwise it takes the place of the present one.
    ended
        Number and state of the run that has ended, if any.
    """

    gesture: bool = False
    moved: bool = False
    begun: int | None = None
    step: bool = True
    ended: tuple[int, Solved] | None = None


class Recorder:
    """Compares the workspace before and after each gesture, and adds it to the history if it has changed.

    A gesture is a call of a tool, a change of the page, or a move of a control; what a run changes by itself is none.
    Nested gestures are one, and so are those that two threads make at the same time.

    Parameters
    ----------
    history
        The history.
    workspace
        Returns the present workspace.
    recorded
        Called after the history has been compared.
    """

    def __init__(self, history: History, workspace: Callable[[], Workspace], recorded: Callable[[], object]) -> None:
        self._history, self._workspace, self._recorded = history, workspace, recorded
        self._lock = threading.RLock()
        self._open = 0
        self._newest = 0
        self._changes = _Changes()
        self._worker: int | None = None

    @contextmanager
    def gesture(self) -> Iterator[None]:
        """Record what the user changes in this context as one step."""
        with self._context():
            self._changes.gesture |= self._worker != threading.get_ident()
            yield

    @contextmanager
    def consequence(self) -> Iterator[None]:
        """Take what the worker of the run changes in this context as a part of the last step."""
        with self._context():
            self._worker = threading.get_ident()
            try:
                yield
            finally:
                self._worker = None

    @contextmanager
    def _context(self) -> Iterator[None]:
        with self._lock:
            self._open += 1
        try:
            yield
        finally:
            with self._lock:
                self._open -= 1
                if self._open == 0:
                    self._compare()

    def begins(self, generation: int, *, step: bool = True) -> None:
        """Note in a gesture that a run begins, and whether its answer is a step of its own."""
        self._changes.begun = self._newest = generation
        self._changes.step = step

    def moves(self) -> None:
        """Note in a gesture that the history has moved to another entry, whose run and workspace are no new step."""
        self._changes.moved = True

    def ends(self, generation: int, solved: Solved) -> None:
        """Note in a consequence that a run has ended."""
        self._changes.ended = generation, solved

    def _compare(self) -> None:
        """Add the changes to the history."""
        history, changes, self._changes = self._history, self._changes, _Changes()
        now = self._workspace().sharing(history.workspace())
        late = changes.ended is not None and changes.ended[0] < self._newest  # newer settings came in the meantime
        if late and history.pending and not changes.moved:
            self._settle(changes, now)
            changes.begun = self._newest
        if changes.moved:
            history.update(now)
        elif changes.begun is not None:
            history.begin(now, step=changes.step)
        elif changes.gesture:
            history.add(now)
        else:
            history.update(now)
        if not late:
            self._settle(changes, now)
        self._recorded()

    def _settle(self, changes: _Changes, now: Workspace) -> None:
        if changes.ended is not None:
            _, solved = changes.ended
            self._history.settle(solved, lambda one: _adapted(one, solved), now)


def _adapted(workspace: Workspace, solved: Solved) -> Workspace:
    """Return a workspace without what belongs to components that have left; a search gives no number twice."""
    return workspace if solved.origin is not None else workspace.without_components(solved.names)
