"""The wish of the user to stop a run, from another thread."""

from __future__ import annotations

import time

#: Seconds after a stop in which the first state of a run may still arrive. A small image then shows a state of the new
#: settings; a large one does not keep the user waiting.
GRACE = 0.05


class Stopping:
    """Request to stop a run, and whether it is so old that not even a first state is waited for.

    Examples
    --------
    >>> stopping = Stopping()
    >>> stopping.request()
    >>> stopping.wanted, stopping.overdue
    (True, False)
    >>> stopping.cancel()
    >>> stopping.wanted
    False
    """

    def __init__(self) -> None:
        self._since: float | None = None

    @property
    def wanted(self) -> bool:
        """Whether the run is to end with the state that it has."""
        return self._since is not None

    @property
    def overdue(self) -> bool:
        """Whether the run is to end even without a state, :data:`GRACE` seconds after the request."""
        since = self._since
        return since is not None and time.perf_counter() - since > GRACE

    def request(self) -> None:
        """Request the end of the present run, or of the next one if none is running."""
        self._since = time.perf_counter() if self._since is None else self._since

    def cancel(self) -> None:
        """Cancel the request, so that the next run is not ended."""
        self._since = None
