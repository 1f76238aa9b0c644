"""Ctrl-C that takes effect at safe points only.

Python raises KeyboardInterrupt between any two bytecodes: while a lock is held, after a call was sent to one of two
ranks, or on one rank inside a sum over all ranks. The other threads and ranks would then wait without end.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mffnb.matrices import Distributed
from mffnb.protocols import Matrix
from mffnb.solvers.state import Outcome, State

_BETWEEN_EXCHANGES = 0.05  # seconds

PATIENCE = 1.0
"""Seconds that Ctrl-C waits for a safe point; a launcher and a terminal may both send it, a moment apart."""


class Interrupts:
    """Whether Ctrl-C was pressed and has not taken effect yet.

    Examples
    --------
    >>> interrupts = Interrupts()
    >>> interrupts.take()
    False
    >>> interrupts.press()
    >>> interrupts.take(), interrupts.take()
    (True, False)
    """

    def __init__(self) -> None:
        self._since: float | None = None

    def press(self, *_: Any) -> None:
        """Signal handler: record Ctrl-C; raise KeyboardInterrupt where an earlier one has found no safe point."""
        now = time.monotonic()
        if self._since is None:
            self._since = now
        elif now - self._since >= PATIENCE:
            raise KeyboardInterrupt

    def take(self) -> bool:
        """Return whether Ctrl-C was pressed since the last call."""
        pressed, self._since = self._since is not None, None
        return pressed

    def check(self) -> None:
        """Raise KeyboardInterrupt if Ctrl-C was pressed; to be called at safe points."""
        if self.take():
            raise KeyboardInterrupt


@contextmanager
def deferred_interrupts() -> Iterator[Interrupts]:
    """Record Ctrl-C instead of raising KeyboardInterrupt; one that was not taken is raised at the end of the block.

    Nothing changes outside the main thread, which alone receives signals, or where Ctrl-C has a handler already.
    """
    interrupts = Interrupts()
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield interrupts
        return
    signal.signal(signal.SIGINT, interrupts.press)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    interrupts.check()


@contextmanager
def interruptible(states: Iterator[State], matrix: Matrix) -> Iterator[Iterator[State]]:
    """Give the states of a run; on several ranks, Ctrl-C on any of them ends it on all, after the same state.

    A rank that left the run alone would leave the others waiting in their next sum. In one process nothing changes.
    """
    if not isinstance(matrix, Distributed) or not matrix.shared:
        yield states
        return
    with deferred_interrupts() as interrupts:
        yield _interrupted_together(states, interrupts, matrix.communicator)
        interrupts.take()  # too late to be agreed upon: this rank must not leave alone


def _interrupted_together(states: Iterator[State], interrupts: Interrupts, communicator: Any) -> Iterator[State]:
    """Yield states; raise KeyboardInterrupt on all ranks after the same one if Ctrl-C was pressed on any.

    Ranks exchange this some times a second, not in every iteration, and after the last state.
    """
    period, next_exchange, last = 1, 0, time.monotonic()
    for state in states:
        yield state
        if not state.whole or (state.iteration < next_exchange and state.outcome is Outcome.RUNNING):
            continue
        pressed, seconds = zip(*communicator.allgather((interrupts.take(), time.monotonic() - last)), strict=True)
        if any(pressed):
            raise KeyboardInterrupt
        # All ranks compute the same period from the same numbers.
        period = int(min(max(1.0, period * _BETWEEN_EXCHANGES / max(*seconds, 1e-6)), 2 * period))
        next_exchange, last = state.iteration + period, time.monotonic()
