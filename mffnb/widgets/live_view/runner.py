"""Background worker that solves for the newest parameters and publishes intermediate states.

It is made for a slider. `submit` never blocks. A running solve is abandoned between two yields when newer parameters
arrive. States are published only as fast as the browser draws them. `solve` is any generator function, and `publish`
receives what it yields. A solve that has no new state yet yields None, so that it can be abandoned. A state of an
earlier solve would be published with parameters and a generation that are not its own.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from mffnb.matrices.cancellation import Cancelled, iterate_cancellable

P = TypeVar("P")
S = TypeVar("S")

logger = logging.getLogger(__name__)

STARVED_AFTER = 3
"""Number of consecutive solves abandoned without a frame after which a state is shown all the same."""


SLOWEST_PERIOD = 0.2
"""Seconds between two frames of a run at most, however long the browser needs to draw one."""


MEASURED_DRAWINGS = 3
"""Drawing times of which the shortest one counts: the first frame of another k takes longer than those after it."""


IDLE_SECONDS = 0.3
"""Seconds without a request after which the thread ends, so that views that are dropped without close leave none."""


@dataclass(frozen=True)
class Record:
    """Timing of one generation (one request to solve).

    Parameters
    ----------
    generation : int
        Number that `submit` returned.
    latency_ms : float
        From `submit` to the start of the solve.
    run_ms : float
        From the start of the solve to its end, publishing included.
    frames : int
        Number of states that were published.
    abandoned : bool
        True if newer parameters, or `close`, stopped it.
    """

    generation: int
    latency_ms: float
    run_ms: float
    frames: int
    abandoned: bool


class Runner(Generic[P, S]):
    """Solve for the newest parameters on one background thread and publish intermediate states.

    Parameters
    ----------
    solve : callable
        ``solve(parameters)`` returns an iterator of states, usually a generator; the last one is the result. Elements
        that are None are not published.
    publish : callable
        ``publish(generation, parameters, state, final)``, called on the worker thread, never for an older
        generation after a newer one.
    frames_per_second : float
        Upper limit for states of one generation. Its first state and the final one are exempt.
    drawing_share : float
        Largest share of the time that the browser spends on drawing frames of one generation, from the time between a
        frame and its acknowledgement. The rest is for the gestures of the user. The limit above is lower where needed.
    acknowledge_timeout : float
        Seconds to wait for `acknowledge` before the next frame is sent. Without any acknowledgement so far (no
        browser), there is no waiting.
    on_error : callable, optional
        ``on_error(exception)``, called on the worker thread when `solve` or `publish` raised.

    Examples
    --------
    >>> def solve(n):
    ...     for i in range(n):
    ...         yield i
    >>> seen = []
    >>> runner = Runner(solve, lambda generation, n, state, final: seen.append((state, final)))
    >>> runner.submit(3)
    1
    >>> runner.wait(timeout=10)
    >>> seen[-1]
    (2, True)
    >>> runner.close()
    """

    def __init__(
        self,
        solve: Callable[[P], Iterator[S | None]],
        publish: Callable[[int, P, S, bool], object],
        *,
        frames_per_second: float = 20.0,
        drawing_share: float = 1 / 3,
        acknowledge_timeout: float = 0.3,
        on_error: Callable[[BaseException], object] | None = None,
    ) -> None:
        self.log: deque[Record] = deque(maxlen=256)
        self._solve = solve
        self._publish = publish
        self._on_error = on_error
        self._period = 1.0 / frames_per_second
        self._drawing_share = drawing_share
        self._acknowledge_timeout = acknowledge_timeout
        # This condition protects all attributes below. It is not held while solve, publish or on_error run, because
        # submit must not block.
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._generation = 0
        self._done = 0
        self._request: tuple[P, float] | None = None
        self._error: BaseException | None = None
        self._undrawn = 0
        self._listening = False
        self._sent_at = -float("inf")
        self._drawing_seconds: deque[float] = deque(maxlen=MEASURED_DRAWINGS)
        self._starved = 0

    @property
    def generation(self) -> int:
        """Number of the newest submitted generation (request); 0 before the first."""
        return self._generation

    @property
    def busy(self) -> bool:
        """Whether the newest generation has not been solved yet."""
        return self._done < self._generation and not self._closed

    def submit(self, parameters: P) -> int:
        """Request a solve with these parameters; never blocks, may be called from any thread.

        Returns
        -------
        int
            Number of the generation, one more than the last.

        Raises
        ------
        RuntimeError
            If the runner is closed.
        """
        with self._changed:
            if self._closed:
                raise RuntimeError("This runner is closed; make a new one to solve again.")
            self._generation += 1
            self._request = (parameters, time.perf_counter())
            self._error = None
            if self._thread is None:
                # The thread is a daemon, so that it does not keep the process alive. It starts with the first request,
                # so that an unused runner has no thread.
                self._thread = threading.Thread(target=self._work, name="mffnb-runner", daemon=True)
                self._thread.start()
            self._changed.notify_all()
            return self._generation

    def acknowledge(self, *_: object) -> None:
        """Report that the browser has drawn the last frame; arguments are ignored, so that this can be any callback."""
        with self._changed:
            if self._undrawn:
                self._drawing_seconds.append(time.perf_counter() - self._sent_at)
            self._undrawn = 0
            self._listening = True
            self._changed.notify_all()

    def wait(self, timeout: float | None = None) -> None:
        """Block until the newest submitted generation is done.

        Raises
        ------
        TimeoutError
            If that takes longer than `timeout` seconds.
        RuntimeError
            If the runner is closed before the end, or if called on the worker thread itself.
        BaseException
            The error that `solve` or `publish` raised; it is raised only once.
        """
        if threading.current_thread() is self._thread:
            raise RuntimeError("wait() inside solve or publish would wait for itself.")
        with self._changed:
            ended = self._changed.wait_for(lambda: self._done >= self._generation or self._closed, timeout)
            if not ended:
                raise TimeoutError(f"The solve did not end within {timeout:g} seconds.")
            if self._done < self._generation:
                raise RuntimeError("The runner was closed before the solve ended.")
            error, self._error = self._error, None
        if error is not None:
            raise error

    def settled(self, timeout: float | None = None) -> bool:
        """Wait until the newest generation is done or the runner is closed; never raise the error of a solve.

        The error is kept, and the next call of `wait` raises it.

        Returns
        -------
        bool
            True if the generation is done or the runner is closed, False after `timeout` seconds.
        """
        with self._changed:
            return self._changed.wait_for(lambda: self._done >= self._generation or self._closed, timeout)

    def close(self, timeout: float = 2.0) -> None:
        """Abandon the running solve and end the thread; may be called repeatedly.

        Parameters
        ----------
        timeout : float
            Seconds to wait for the thread, which ends at the next yield of the solve; 0 does not wait.
        """
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            thread = self._thread
        # Without waiting, no module is used: at the exit of the interpreter, modules are deleted before explorers.
        if timeout > 0 and thread is not None and thread is not threading.current_thread():
            thread.join(timeout)
            if thread.is_alive():
                logger.warning("The solve did not reach a yield within %g s; its thread ends when it does.", timeout)

    # ------------------------------------------------------------------------- called on the worker thread

    def _work(self) -> None:
        """Run the main loop of the worker thread: wait for a request, and solve it."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._request is not None, IDLE_SECONDS)
                if self._closed or self._request is None:
                    self._thread = None  # the next request starts a thread
                    return
                generation, (parameters, submitted) = self._generation, self._request
                self._request = None
            self._run(generation, parameters, submitted)
            # Release the parameters and the data that they hold while the worker waits for a request.
            del parameters

    def _run(self, generation: int, parameters: P, submitted: float) -> None:
        """Run one generation and record its timing and its error."""
        started = time.perf_counter()
        sent = _Counter()
        error: BaseException | None = None
        finished = False
        try:
            finished = self._iterate(generation, parameters, sent)
        except BaseException as exception:  # includes SystemExit, which must not end the worker thread
            error = exception
        abandoned = not finished and self._superseded(generation)
        self._starved = self._starved + 1 if abandoned and not sent.frames else 0
        if error is not None:
            self._report(error, abandoned)
        ended = time.perf_counter()
        self.log.append(
            Record(generation, 1e3 * (started - submitted), 1e3 * (ended - started), sent.frames, abandoned)
        )
        with self._changed:
            # Check again under the lock: the error of an older generation is dropped.
            if error is not None and generation == self._generation:
                self._error = error
            if not self._closed or not abandoned:
                self._done = generation
            self._changed.notify_all()

    def _iterate(self, generation: int, parameters: P, sent: _Counter) -> bool:
        """Run a solve and publish its states; return False if newer parameters ended it."""
        solving = self._solve(parameters)
        newest: S | None = None
        unsent: S | None = None

        def cancelled() -> bool:
            return self._superseded(generation) and not (self._must_show and newest is None)

        states = iterate_cancellable(iter(solving), cancelled)
        try:
            for state in states:
                if state is not None:
                    newest = unsent = state
                if self._superseded(generation):
                    # Compute the first state even if newer parameters have arrived. Otherwise the view would freeze
                    # while a slider moves faster than first states are computed.
                    if self._must_show and newest is None:
                        continue
                    if self._must_show and unsent is not None and self._may_send(first=True):
                        self._send(generation, parameters, unsent, False, sent)
                    return False
                if unsent is not None and self._may_send(first=sent.frames == 0):
                    self._send(generation, parameters, unsent, False, sent)
                    unsent = None
            if not self._screen_is_free(generation):
                return False
            if newest is not None:
                self._send(generation, parameters, newest, True, sent)
            return True
        except Cancelled:
            return False
        finally:
            # Close a generator immediately, so that a solve releases its arrays on this thread; other iterators have no
            # close.
            states.close()
            close = getattr(solving, "close", None)
            if close is not None:
                close()

    @property
    def _must_show(self) -> bool:
        """Whether the first state is computed and shown even if newer parameters arrive."""
        return self._starved >= STARVED_AFTER and not self._closed

    def _superseded(self, generation: int) -> bool:
        """Whether a newer generation was submitted, or the runner is closed."""
        return self._closed or self._generation != generation

    def _may_send(self, *, first: bool) -> bool:
        """Whether the browser is ready for a frame and the frame rate allows it.

        The first frame of a generation may follow one frame that is not drawn yet: the browser draws only the newest.
        """
        elapsed = time.perf_counter() - self._sent_at
        if self._listening and self._undrawn > first and elapsed < self._acknowledge_timeout:
            return False
        needed = min(self._drawing_seconds, default=0.0) / self._drawing_share
        return first or elapsed >= max(self._period, min(needed, SLOWEST_PERIOD))

    def _screen_is_free(self, generation: int) -> bool:
        """Wait until the last frame is drawn, or for the time limit; return False if newer parameters arrived."""
        with self._changed:
            remaining = self._sent_at + self._acknowledge_timeout - time.perf_counter()
            if self._listening and remaining > 0:
                self._changed.wait_for(lambda: not self._undrawn or self._superseded(generation), remaining)
            return not self._superseded(generation)

    def _send(self, generation: int, parameters: P, state: S, final: bool, sent: _Counter) -> None:
        """Publish a state and count it."""
        with self._changed:
            self._undrawn += 1
            self._sent_at = time.perf_counter()
        self._publish(generation, parameters, state, final)
        sent.frames += 1

    def _report(self, error: BaseException, abandoned: bool) -> None:
        """Pass the error of a solve to `on_error`; write errors of an abandoned solve to the log."""
        if abandoned:
            logger.debug("An abandoned solve raised %r", error)
        elif self._on_error is not None:
            try:
                self._on_error(error)
            except Exception:
                logger.exception("on_error raised")


@dataclass
class _Counter:
    """Number of states of one generation that have been published."""

    frames: int = 0
