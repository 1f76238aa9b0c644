"""History of an explorer: its states after each gesture, with the answers that belong to them, for undo and redo."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mffnb.solvers import Outcome
from mffnb.widgets.appearance import Appearance
from mffnb.widgets.equality import same
from mffnb.widgets.session.parameters import Parameters
from mffnb.widgets.session.solved import Solved
from mffnb.widgets.workspace import Workspace, bytes_of

_MOST_BYTES = 2**28  # memory of all answers and workspaces; the oldest entries are dropped
_MOST = 500  # entries
_ONE_GESTURE = 0.5  # continuous changes within this time in seconds are one step: each turn of the wheel is one


@dataclass(frozen=True, eq=False)
class Entry:
    """The explorer after a gesture.

    Attributes
    ----------
    solved
        The state that the run for its settings has reached.
    workspace
        Components, regions, pins and all else that the user has set beside the settings of the fit.
    """

    solved: Solved
    workspace: Workspace = field(default_factory=Workspace)

    @property
    def appearance(self) -> Appearance:
        """Names, colours, visibility and order of the components."""
        return self.workspace.appearance

    @property
    def parameters(self) -> Parameters:
        """Settings of the run."""
        return self.solved.parameters

    @property
    def outcome(self) -> Outcome:
        """How the run ended."""
        return self.solved.state.outcome

    @property
    def relative_error(self) -> float:
        """Relative error of the state."""
        return self.solved.state.relative_error

    @property
    def nbytes(self) -> int:
        """Memory of the factors."""
        return self.solved.state.abundances.nbytes + self.solved.state.endmembers.nbytes

    def __repr__(self) -> str:
        given = {name: value for name, value in self.parameters.as_dict().items() if name != "pixels"}
        changed = {name: value for name, value in given.items() if value not in (0, False, ())}
        settings = ", ".join(f"{name}={value!r}" for name, value in changed.items())
        return f"<{settings}: error {self.relative_error:.4g}, {self.outcome.name.lower()}>"


def _nbytes(entries: Sequence[Entry]) -> int:
    """Return the memory of all answers and workspaces, and of the images of earlier preprocessing steps and masks.

    Entries share what no gesture between them has changed.
    """
    images = {id(one.solved.data): one.solved.data for one in entries}
    del images[id(entries[-1].solved.data)]  # the explorer needs it in any case
    answers = {id(one.solved): one.nbytes for one in entries}
    parts = {id(part): part for one in entries for part in one.workspace.parts}
    return sum(answers.values()) + sum(image.nbytes for image in images.values()) + sum(map(bytes_of, parts.values()))


class History:
    """The entries of an explorer in their order, and the one that is shown.

    It may be used by several threads. A new entry replaces those that were undone. Gestures that are made while a run
    goes on are pending: they become entries with the answer of the run, and can be undone before without ending it.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._entries: list[Entry] = []
        self._position = -1
        self._pending: list[Workspace] = []
        self._place = -1
        self._last = ("", 0.0)
        self._version = 0
        self._step = True

    @property
    def version(self) -> int:
        """Number that rises with each gesture, and whenever entries or the position change."""
        return self._version

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All entries whose runs have ended, the oldest one first."""
        return tuple(self._entries)

    @property
    def shown(self) -> tuple[tuple[Entry, ...], int]:
        """All entries, and the index of the one that is shown, of the same moment."""
        with self._lock:
            return tuple(self._entries), self._position

    @property
    def position(self) -> int:
        """Index of the entry that was shown last; -1 before the first one."""
        return self._position

    @property
    def pending(self) -> bool:
        """Whether a run has begun whose answer is not an entry yet."""
        return bool(self._pending)

    @property
    def steps(self) -> tuple[int, int]:
        """Number of steps that can be undone, and of those that can be redone."""
        with self._lock:
            if self._pending:
                return self._position + 1 + self._place, len(self._pending) - 1 - self._place
            return max(self._position, 0), len(self._entries) - 1 - self._position

    def workspace(self) -> Workspace:
        """Return the workspace that was recorded last, or restored after it."""
        with self._lock:
            if self._pending:
                return self._pending[self._place]
            return self._entries[self._position].workspace if self._entries else Workspace()

    def begin(self, workspace: Workspace, *, step: bool = True) -> None:
        """Note that a run begins; its first entry will have this workspace.

        Without ``step`` its entry will replace the present one, because the user has not asked for the run.
        """
        with self._lock:
            self._pending, self._place, self._last, self._step = [workspace], 0, ("", 0.0), step

    def add(self, workspace: Workspace) -> None:
        """Add a gesture to the present answer, or to the run that goes on; none if it has changed nothing."""
        with self._lock:
            before = self.workspace()
            if same(before, workspace):
                return
            again = self._continues(workspace.continuous_change(before))
            if self._pending:
                self._pending[self._place + (not again) :] = [workspace]
                self._place = len(self._pending) - 1
                self._version += 1
            elif self._entries:
                solved = self._entries[self._position].solved
                self._append([Entry(solved, workspace)], self._position + (not again))
            self._merge_equal(again)

    def update(self, workspace: Workspace) -> None:
        """Replace the present workspace by one that has changed without a gesture."""
        with self._lock:
            if same(self.workspace(), workspace):
                return
            if self._pending:
                self._pending[self._place] = workspace
            elif self._entries:
                self._entries[self._position] = Entry(self._entries[self._position].solved, workspace)
                self._version += 1

    def settle(self, solved: Solved, adapted: Callable[[Workspace], Workspace], workspace: Workspace) -> None:
        """Add the state of a run that has ended, with all gestures since it began.

        Parameters
        ----------
        solved
            The state.
        adapted
            Returns an earlier workspace of the run without what belongs to components that have left.
        workspace
            The present workspace.
        """
        with self._lock:
            if not self._pending and self._entries and self._entries[self._position].solved is solved:
                return
            pending = [adapted(one) for one in self._pending] or [workspace]
            place, self._pending, self._place = max(self._place, 0), [], -1
            last = len(pending) - 1
            self._append([Entry(solved, one) for one in pending], max(self._position + self._step, 0))
            self._step = True
            self._position -= last - place

    def replace(self, entries: Sequence[Entry], position: int) -> None:
        """Replace all entries, by those of a session."""
        with self._lock:
            self._entries, self._position, self._pending, self._place = list(entries), position, [], -1
            self._version += 1

    def move(self, position: int) -> Entry:
        """Make another entry the one that is shown; a run that goes on is abandoned.

        Raises
        ------
        IndexError
            If there is no such entry.
        """
        with self._lock:
            if not 0 <= position < len(self._entries):
                raise IndexError(f"there is no entry {position} in the history, which has {len(self._entries)}")
            self._position, self._pending, self._place, self._last = position, [], -1, ("", 0.0)
            self._version += 1
            return self._entries[position]

    def move_pending(self, step: int) -> Workspace | None:
        """Return the workspace before (-1) or after (1) the present one of the run that goes on; None without one."""
        with self._lock:
            if not (self._pending and 0 <= self._place + step < len(self._pending)):
                return None
            self._place, self._last = self._place + step, ("", 0.0)
            return self._pending[self._place]

    def _append(self, entries: list[Entry], position: int) -> None:
        """Put entries at a position, in place of all later ones, and drop the oldest ones of too many."""
        self._entries[position:] = entries
        while len(self._entries) > _MOST or (len(self._entries) > 1 and _nbytes(self._entries) > _MOST_BYTES):
            del self._entries[0]
        self._position = len(self._entries) - 1
        self._version += 1

    def _continues(self, change: str) -> bool:
        """Whether a continuous change goes on with the one before, so that both are one step."""
        (before, moment), self._last = self._last, (change, time.monotonic())
        return bool(change) and change == before and self._last[1] - moment < _ONE_GESTURE

    def _merge_equal(self, again: bool) -> None:
        """Forget a continuous change that has returned to where it began."""
        if not again:
            return
        if self._pending and self._place > 0 and same(self._pending[-2], self._pending[-1]):
            del self._pending[-1]
            self._place -= 1
        elif not self._pending and self._position > 0:
            before, last = self._entries[-2:]
            if before.solved is last.solved and same(before.workspace, last.workspace):
                del self._entries[-1]
                self._position -= 1
