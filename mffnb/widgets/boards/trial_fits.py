"""Fit the settings of selected trials on a background thread on demand, and keep the newest results."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from mffnb.errors import without_warnings
from mffnb.kernels.tiers.tier import await_kernels
from mffnb.unmixing.result import Unmixing
from mffnb.unmixing.unmix import unmix
from mffnb.widgets.boards.shown_images import ShownImages

_KEPT = 12  # number of cached results, to limit memory


@dataclass(frozen=True, eq=False)
class _Request:
    """A request to fit a trial; a second request for the same trial is another object."""

    number: int
    images: ShownImages
    settings: dict[str, Any]


class TrialFits:
    """Cache of fit results by trial number; fits run on a background thread, and a new request cancels the old one.

    Examples
    --------
    >>> import mffnb as mf
    >>> cube = mf.datasets.tof_sims_2d(seed=0, shape=(8, 12)).cube
    >>> fits = TrialFits()
    >>> fits.request(0, ShownImages(None, cube), {"k": 2, "random_state": 0})
    >>> while not fits.settled:
    ...     fits.wait(0.1)
    >>> fits.get(0).abundances.sizes["component"]
    2
    >>> fits.close()
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="mffnb-fit")
        self._lock = threading.Lock()
        self._answers: OrderedDict[int, Unmixing] = OrderedDict()
        self._errors: dict[int, str] = {}
        self._wanted: _Request | None = None
        self._future: Future[None] | None = None

    @property
    def settled(self) -> bool:
        """Whether no fit is running or requested."""
        return self._future is None or self._future.done()

    def get(self, number: int) -> Unmixing | None:
        """Return the result for a trial, or None if its fit has not finished."""
        with self._lock:
            return self._answers.get(number)

    def error_message(self, number: int) -> str:
        """Return the error message of the fit for a trial; empty if the fit did not fail."""
        return self._errors.get(number, "")

    def store(self, number: int, answer: Unmixing) -> None:
        """Store the result for a trial, and delete the oldest results beyond the limit."""
        with self._lock:
            self._answers[number] = answer
            self._answers.move_to_end(number)
            while len(self._answers) > _KEPT:
                self._answers.popitem(last=False)

    def request(self, number: int, images: ShownImages, settings: Mapping[str, Any]) -> None:
        """Start the fit for a trial unless it is finished or running; cancel the fit that was requested before."""
        with self._lock:
            running = self._wanted is not None and self._wanted.number == number
            if running or number in self._answers or number in self._errors:
                return
            self._wanted = request = _Request(number, images, dict(settings))
        self._future = self._pool.submit(self._fit, request)

    def wait(self, seconds: float) -> None:
        """Wait at most this many seconds for the running fit."""
        if self._future is not None:
            wait([self._future], seconds)

    def close(self) -> None:
        """Cancel the running fit and end the thread."""
        self._wanted = None
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _fit(self, request: _Request) -> None:
        """Run the fit for a trial on the background thread; its callback stops it once another trial is requested.

        A stopped fit is not stored, even if its trial has been requested again in the meantime.
        """
        if request is not self._wanted:
            return
        number = request.number
        settings = {n: value for n, value in request.settings.items() if n not in ("callback", "progress", "cluster")}
        try:
            with without_warnings(), await_kernels():  # the result is that of the trial, to the last bit
                found = unmix(request.images.given, **settings, callback=lambda _: request is not self._wanted)
                answer = request.images.shown(found)
        except Exception as error:
            self._errors[number] = f"{type(error).__name__}: {error}"
        else:
            if request is self._wanted:
                self.store(number, answer)
        with self._lock:
            if request is self._wanted:
                self._wanted = None
