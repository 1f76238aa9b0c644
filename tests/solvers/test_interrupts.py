"""Ctrl-C at safe points only, and on all ranks after the same iteration."""

from __future__ import annotations

import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from mffnb.solvers import Outcome, interrupts
from mffnb.solvers.interrupts import Interrupts, deferred_interrupts


@pytest.fixture(autouse=True)
def _ctrl_c():
    """A shell may start its background jobs with Ctrl-C ignored."""
    kept = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, kept)


def test_ctrl_c_waits_for_a_safe_point():
    with deferred_interrupts() as pressed:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)  # a launcher sends it as well
        with pytest.raises(KeyboardInterrupt):
            pressed.check()
        pressed.check()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_that_found_no_safe_point_is_raised_at_the_end():
    done = []

    def work():
        with deferred_interrupts():
            signal.raise_signal(signal.SIGINT)
            done.append("all")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["all"]


def test_a_second_ctrl_c_does_not_wait(monkeypatch):
    monkeypatch.setattr(interrupts, "PATIENCE", 0.0)
    with deferred_interrupts() as pressed:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert pressed.take()


def test_a_handler_of_the_user_is_left_alone():
    seen = []
    signal.signal(signal.SIGINT, lambda *_: seen.append("mine"))
    with deferred_interrupts() as pressed:
        signal.raise_signal(signal.SIGINT)
        assert not pressed.take()
    assert seen == ["mine"]


def test_other_threads_have_no_signals_to_defer():
    def enter():
        with deferred_interrupts():
            return signal.getsignal(signal.SIGINT)

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(enter).result() is signal.default_int_handler


class Together:
    """The communicator of two ranks that are threads."""

    def __init__(self):
        self._barrier, self._sent = threading.Barrier(2, timeout=20), {}

    def of(self, rank):
        def allgather(value):
            self._sent[rank] = value
            self._barrier.wait()
            found = [self._sent[0], self._sent[1]]
            self._barrier.wait()
            return found

        return SimpleNamespace(allgather=allgather)


@pytest.mark.parametrize("presses", [(3, None), (None, 7), (5, 6), (0, 100), (300, 200)])
def test_ranks_that_are_interrupted_at_different_moments_end_after_the_same_state(presses):
    ranks = Together()

    def run(rank):
        mine, seen = Interrupts(), []

        def states():
            for iteration in range(10**5):
                if iteration == presses[rank]:
                    mine.press()
                whole = iteration % 2 == 0
                yield SimpleNamespace(iteration=iteration // 2, whole=whole, outcome=Outcome.RUNNING)

        def look():
            for state in interrupts._interrupted_together(states(), mine, ranks.of(rank)):
                seen.append(state.iteration)  # noqa: PERF401  those before the interrupt

        with pytest.raises(KeyboardInterrupt):
            look()
        return seen

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(run, (0, 1))
    assert one == other
    assert one[-1] >= min(press for press in presses if press is not None) // 2
