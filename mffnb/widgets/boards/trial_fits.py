"""The answers at the settings of trials, found on a thread of their own when they are asked for, and kept."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

from mffnb.errors import without_warnings
from mffnb.unmixing.result import Unmixing
from mffnb.unmixing.unmix import unmix

_KEPT = 12  # answers; maps of a large image are large


class Fits:
    """Answers by the number of their trial; what is asked for last is what is worked on.

    Examples
    --------
    >>> import mffnb as mf
    >>> cube = mf.datasets.tof_sims_2d(seed=0, shape=(8, 12)).cube
    >>> fits = Fits()
    >>> fits.ask(0, cube, {"k": 2, "random_state": 0})
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
        self._complaints: dict[int, str] = {}
        self._wanted: int | None = None
        self._future: Future[None] | None = None

    @property
    def settled(self) -> bool:
        """Whether nothing is being worked on."""
        return self._future is None or self._future.done()

    def get(self, number: int) -> Unmixing | None:
        """The answer of a trial, if it is there."""
        with self._lock:
            return self._answers.get(number)

    def complaint(self, number: int) -> str:
        """Why there is none; empty if nothing went wrong."""
        return self._complaints.get(number, "")

    def keep(self, number: int, answer: Unmixing) -> None:
        """Put an answer in the place of an older one."""
        with self._lock:
            self._answers[number] = answer
            self._answers.move_to_end(number)
            while len(self._answers) > _KEPT:
                self._answers.popitem(last=False)

    def ask(self, number: int, cube: Any, settings: Mapping[str, Any]) -> None:
        """Work on a trial, unless that is done or under way; what was asked for before is given up."""
        with self._lock:
            if number == self._wanted or number in self._answers or number in self._complaints:
                return
            self._wanted = number
        self._future = self._pool.submit(self._fit, number, cube, dict(settings))

    def wait(self, seconds: float) -> None:
        """Wait a while for what is being worked on."""
        if self._future is not None:
            wait([self._future], seconds)

    def close(self) -> None:
        """Give up what is being worked on."""
        self._wanted = None
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _fit(self, number: int, cube: Any, settings: dict[str, Any]) -> None:
        if number != self._wanted:
            return
        settings = {name: value for name, value in settings.items() if name not in ("callback", "progress", "cluster")}
        try:
            with without_warnings():
                answer = unmix(cube, **settings, callback=lambda _: number != self._wanted)
        except Exception as error:
            self._complaints[number] = f"{type(error).__name__}: {error}"
        else:
            if number == self._wanted:
                self.keep(number, answer)
        with self._lock:
            if number == self._wanted:
                self._wanted = None
