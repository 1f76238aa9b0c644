"""Handling of Ctrl-C: it takes effect only at safe points of a run.

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

_BETWEEN_EXCHANGES = 0.05  # seconds between two exchanges of pressed Ctrl-C among ranks

PATIENCE = 1.0
"""Seconds that Ctrl-C waits for a safe point; a launcher and a terminal may both send it, a moment apart."""


class Interrupts:
    """Record of Ctrl-C: whether it was pressed and has not taken effect yet.

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
        """Handle the signal: record Ctrl-C; raise KeyboardInterrupt if an earlier one has not taken effect yet."""
        now = time.monotonic()
        if self._since is None:
            self._since = now
        elif now - self._since >= PATIENCE:
            raise KeyboardInterrupt

    def take(self) -> bool:
        """Return whether Ctrl-C was pressed since the last call, and clear the record."""
        pressed, self._since = self._since is not None, None
        return pressed

    def check(self) -> None:
        """Raise KeyboardInterrupt if Ctrl-C was pressed; to be called at safe points."""
        if self.take():
            raise KeyboardInterrupt


def require_uninterrupted(outcome: Outcome) -> None:
    """Raise KeyboardInterrupt if Ctrl-C ended a fit, so that a search never counts a partial fit as a whole one.

    A single fit keeps its partial result and returns; a search of many fits must end and keep its complete fits.
    """
    if outcome is Outcome.INTERRUPTED:
        raise KeyboardInterrupt


@contextmanager
def deferred_interrupts() -> Iterator[Interrupts]:
    """Record Ctrl-C instead of raising KeyboardInterrupt; raise an unused one at the end of the block.

    Nothing changes in threads other than the main thread, which alone receives signals, or if the program has set its
    own handler of Ctrl-C.
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
    """Return the states of a run such that Ctrl-C on any rank ends the run on all ranks after the same state.

    If only one rank left the run, the others would wait for it in their next sum. In one process nothing changes.
    """
    if not isinstance(matrix, Distributed) or not matrix.shared:
        yield states
        return
    with deferred_interrupts() as interrupts:
        yield _interrupted_together(states, interrupts, matrix.communicator)
        interrupts.take()  # ignored: the run has ended, and no further exchange among ranks follows


def _interrupted_together(states: Iterator[State], interrupts: Interrupts, communicator: Any) -> Iterator[State]:
    """Yield states; raise KeyboardInterrupt on all ranks after the same one if Ctrl-C was pressed on any.

    Ranks exchange whether Ctrl-C was pressed several times per second, not in every iteration, and after the last
    state.
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
