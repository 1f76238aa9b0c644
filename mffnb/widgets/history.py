"""History of an explorer: the settings whose runs have ended, with their answers, for undo and redo."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from mffnb.solvers import Outcome
from mffnb.widgets.appearance import Appearance
from mffnb.widgets.session.parameters import Parameters
from mffnb.widgets.session.solved import Solved

_MOST_BYTES = 2**28  # memory of all answers; the oldest ones are dropped


@dataclass(frozen=True, eq=False)
class Entry:
    """Settings of a run that has ended.

    Attributes
    ----------
    solved
        The state that the run has reached.
    appearance
        Names, colours, visibility and order of its components.
    """

    solved: Solved
    appearance: Appearance = field(default_factory=Appearance)

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
        changed = {name: value for name, value in self.parameters.as_dict().items() if value not in (0, False, ())}
        settings = ", ".join(f"{name}={value!r}" for name, value in changed.items())
        return f"<{settings}: error {self.relative_error:.4g}, {self.outcome.name.lower()}>"


class History:
    """The entries of an explorer in their order, and the one that is shown.

    It may be used by several threads. A new entry replaces those that were undone.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._position = -1

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All entries, the oldest one first."""
        return tuple(self._entries)

    @property
    def position(self) -> int:
        """Index of the entry that was shown last; -1 before the first one."""
        return self._position

    def record(self, solved: Solved, appearance: Appearance) -> None:
        """Add the state of a run that has ended, and how it is shown, unless both are those of the present entry."""
        with self._lock:
            shown = self._entries[self._position] if self._entries else None
            if shown is not None and shown.solved is solved and shown.appearance == appearance:
                return
            self._entries[self._position + 1 :] = [Entry(solved, appearance)]
            while len(self._entries) > 1 and _bytes_of(self._entries) > _MOST_BYTES:
                del self._entries[0]
            self._position = len(self._entries) - 1

    def replace(self, entries: Sequence[Entry], position: int) -> None:
        """Replace all entries, by those of a session."""
        with self._lock:
            self._entries, self._position = list(entries), position

    def move(self, position: int) -> Entry:
        """Make another entry the one that is shown.

        Raises
        ------
        IndexError
            If there is no such entry.
        """
        with self._lock:
            if not 0 <= position < len(self._entries):
                raise IndexError(f"there is no entry {position} in the history, which has {len(self._entries)}")
            self._position = position
            return self._entries[position]


def _bytes_of(entries: list[Entry]) -> int:
    """Return the memory of all answers; entries that differ in their appearance only share one."""
    return sum({id(one.solved): one.nbytes for one in entries}.values())
