"""Requests of the user to restart a run from the data, which a run of an earlier request does not fulfil."""

from __future__ import annotations

import threading


class Restarts:
    """Count requests to restart from the data, and those that runs have fulfilled.

    A request can arrive at any moment of a run, from another thread. A run fulfils only the requests that were made
    before it began.

    Examples
    --------
    >>> restarts = Restarts()
    >>> restarts.request()
    >>> before = restarts.requested  # a run begins
    >>> restarts.request()
    >>> restarts.fulfil(before)
    >>> restarts.wanted
    True
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requested = 0
        self._fulfilled = 0

    @property
    def requested(self) -> int:
        """Number of requests so far."""
        return self._requested

    @property
    def wanted(self) -> bool:
        """Whether a request is not fulfilled yet."""
        return self._requested > self._fulfilled

    def request(self) -> None:
        """Request a restart."""
        with self._lock:
            self._requested += 1

    def fulfil(self, number: int) -> None:
        """Report that a run has restarted which began after this number of requests."""
        self._fulfilled = max(self._fulfilled, number)
