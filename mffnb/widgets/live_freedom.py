"""Freedom of the spectra of an explorer, computed while it is at rest on a thread of low priority."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import xarray as xr

from mffnb.matrices.cancellation import Cancelled, iterate_cancellable
from mffnb.unmixing.freedom import Freedom
from mffnb.unmixing.result import Unmixing
from mffnb.widgets.lifetime import weakly
from mffnb.widgets.live_view.runner import Runner

_NICENESS = 10  # as the Unix command nice
_REST = 1.0  # seconds without a move of a control before the search begins, which would slow the next picture down
_SHOWN_PER_SECOND = 4  # each one paints all spectra again


class LiveFreedom:
    """Search for the freedom of the present answer: begun when the explorer rests, left when a control moves.

    Parameters
    ----------
    found
        ``found(answer, freedom, complete)``, called on the thread of the search as the range grows; the freedom is a
        sentence where there is none. Held weakly.
    """

    def __init__(self, found: Callable[[Unmixing, Freedom | str, bool], object]) -> None:
        self._found = weakly(found)
        self._moved = threading.Event()
        self._runner: Runner[tuple[Unmixing, xr.DataArray | None], Callable[[], Freedom]] = Runner(
            _search_until(self._moved),
            weakly(self._publish),
            frames_per_second=_SHOWN_PER_SECOND,
            on_error=weakly(self._complain),
        )
        self._answer: Unmixing | None = None

    def resume(self, answer: Unmixing, image: xr.DataArray | None) -> None:
        """Search for the freedom of an answer, whose preprocessed image is given; returns at once."""
        self._answer = answer
        self._moved.clear()
        self._runner.submit((answer, image))

    def pause(self) -> None:
        """Leave the search at its next step, some milliseconds away."""
        self._moved.set()
        self._answer = None

    def wait(self, timeout: float | None = None) -> None:
        """Wait until no search is running; raise its error if it failed."""
        self._runner.wait(timeout)

    def close(self, timeout: float = 2.0) -> None:
        """Leave the search and end its thread; wait for it, for this many seconds at most."""
        self.pause()
        self._runner.close(timeout=timeout)

    # ------------------------------------------------------------------------- called on the thread of the search

    def _publish(
        self, _: int, given: tuple[Unmixing, xr.DataArray | None], found: Callable[[], Freedom], final: bool
    ) -> None:
        if self._answer is given[0]:
            self._found(given[0], found(), final)

    def _complain(self, error: BaseException) -> None:
        answer = self._answer
        if answer is not None:
            self._found(answer, str(error), True)


def _search_until(
    moved: threading.Event,
) -> Callable[[tuple[Unmixing, xr.DataArray | None]], Iterator[Callable[[], Freedom] | None]]:
    """Return the function that searches until the range is complete or a control moves."""

    def search(given: tuple[Unmixing, xr.DataArray | None]) -> Iterator[Callable[[], Freedom] | None]:
        answer, image = given
        if sys.platform == "linux":  # elsewhere the priority is that of the whole process
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        if moved.wait(_REST):
            return
        with suppress(Cancelled):
            for found in iterate_cancellable(answer.growing_freedom(image), moved.is_set):
                if moved.is_set():
                    return
                yield found

    return search
