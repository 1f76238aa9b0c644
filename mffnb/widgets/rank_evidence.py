"""Evidence for the number of components k, computed while the explorer is idle on a thread of low priority."""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import xarray as xr

from mffnb.matrices.cancellation import Cancelled, iterate_cancellable
from mffnb.widgets.lifetime import weakly
from mffnb.widgets.live_view.runner import Runner
from mffnb.widgets.session.live_data import LiveImage

if TYPE_CHECKING:
    from mffnb.selection.data_criteria import DataCriteria

_NICENESS = 10  # as the Unix command nice


class RankEvidence:
    """Criteria of the data for k of one explorer: computed on request, paused while the explorer works.

    Parameters
    ----------
    most
        Largest k.
    found
        Method that is called, on the thread of the computation, after each step; held weakly.

    Attributes
    ----------
    most
        Largest k.
    wanted
        Whether the user has requested the evidence; it is then computed whenever the explorer is idle.
    error
        Error that ended the computation, as a sentence; empty for none.
    """

    def __init__(self, most: int, found: Callable[[], object]) -> None:
        self.wanted, self.error = False, ""
        self.most, self._found = most, weakly(found)
        self._criteria: weakref.WeakKeyDictionary[LiveImage, DataCriteria] = weakref.WeakKeyDictionary()
        self._working = threading.Event()
        self._runner: Runner[DataCriteria, float] = Runner(
            _steps_while(self._working), weakly(self._publish), on_error=weakly(self._complain)
        )

    def of(self, image: LiveImage) -> DataCriteria | None:
        """Return the criteria of an image as far as they are computed; None before the first request."""
        return self._criteria.get(image)

    def _created(self, image: LiveImage) -> DataCriteria:
        """Return the criteria of an image.

        Their seed is always 0, so that a restart with another seed does not change what is known about the data.
        """
        from mffnb.selection.data_criteria import DataCriteria  # noqa: PLC0415  libraries that a first picture needs not

        if image not in self._criteria:
            self._criteria[image] = DataCriteria(image.matrix, image.image, range(2, self.most + 1), seed=0)
        return self._criteria[image]

    @property
    def running(self) -> bool:
        """Whether a computation is running, and was not told to end."""
        return self._working.is_set() and self._runner.busy

    def resume(self, image: LiveImage) -> None:
        """Compute what is missing for an image, if it is wanted; returns at once."""
        if not self.wanted or self.running:
            return
        criteria = self._created(image)
        if not criteria.complete:
            self.error = ""
            self._working.set()
            self._runner.submit(criteria)

    def pause(self) -> None:
        """End the computation at once; :meth:`resume` continues it. What is complete stays."""
        self._working.clear()

    def wait(self, timeout: float | None = None) -> None:
        """Wait until no computation is running; raise its error if it failed."""
        self._runner.wait(timeout)

    def stored(self, image: LiveImage) -> xr.Dataset | None:
        """Return the evidence of an image for a session; None while it is not complete."""
        criteria = self.of(image)
        return criteria.evidence if criteria is not None and criteria.complete else None

    def restore(self, image: LiveImage, evidence: xr.Dataset | None) -> None:
        """Take the evidence of an image from a session."""
        if evidence is not None:
            self._created(image).restore(evidence)

    def close(self) -> None:
        """End the computation and its thread, without waiting for it."""
        self._working.clear()
        self._runner.close(timeout=0.0)

    # ------------------------------------------------------------------------- called on the worker thread

    def _publish(self, _generation: int, _criteria: DataCriteria, _share: float, _final: bool) -> None:
        self._found()

    def _complain(self, error: BaseException) -> None:
        self.wanted, self.error = False, f"the evidence cannot be computed: {error}"
        self._found()


def _steps_while(working: threading.Event) -> Callable[[DataCriteria], Iterator[float]]:
    """Return the function that computes criteria until they are complete or the event is cleared."""

    def steps(criteria: DataCriteria) -> Iterator[float]:
        if sys.platform == "linux":  # elsewhere the priority is that of the whole process
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        with suppress(Cancelled):
            yield from iterate_cancellable(criteria.steps(), lambda: not working.is_set())

    return steps
