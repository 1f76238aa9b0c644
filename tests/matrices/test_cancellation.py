"""Cancelling a computation between two items, only on the thread and inside the context that asks for it."""

from __future__ import annotations

import threading

import pytest

from mffnb.matrices.cancellation import Cancelled, cancellable, check_cancelled, checked, iterate_cancellable
from mffnb.matrices.threaded import threaded_map


def test_outside_of_a_context_nothing_is_cancelled():
    with cancellable(lambda: True):
        pass
    check_cancelled()
    assert list(checked("ab")) == ["a", "b"]


def test_contexts_nest_and_each_condition_counts():
    with cancellable(lambda: False):
        check_cancelled()
        with cancellable(lambda: True), pytest.raises(Cancelled):
            check_cancelled()
        check_cancelled()
    with cancellable(lambda: True), cancellable(lambda: False), pytest.raises(Cancelled):
        check_cancelled()


def test_other_threads_are_not_cancelled():
    failures = []

    def work():
        try:
            check_cancelled()
        except Cancelled:
            failures.append("cancelled")

    with cancellable(lambda: True):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert failures == []


@pytest.mark.parametrize("threads", [1, 2])
def test_map_over_bands_ends_after_the_present_items(threads):
    wanted, done = threading.Event(), []

    def work(item):
        done.append(item)
        if item == 3:
            wanted.set()
        return item

    with cancellable(wanted.is_set), pytest.raises(Cancelled):
        for _ in threaded_map(work, range(1000), threads):
            pass
    assert 3 in done
    assert len(done) < 10


def test_code_between_two_items_is_not_cancelled():
    wanted = threading.Event()

    def items():
        for number in range(5):
            check_cancelled()
            yield number

    seen, steps = [], iterate_cancellable(items(), wanted.is_set)
    seen.append(next(steps))
    wanted.set()
    check_cancelled()  # as a callback or a widget might
    with pytest.raises(Cancelled):
        seen.append(next(steps))
    assert seen == [0]
