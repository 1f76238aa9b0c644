from __future__ import annotations

import contextlib

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from mffnb.threads import at_most, half_of_the_threads


def blas():
    return {info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def _four_threads():
    with threadpool_limits(4, user_api="blas"):
        yield


def test_half_inside_all_of_them_after():
    before = blas()
    with half_of_the_threads():
        assert max(blas()) == max(1, max(before) // 2)
    assert blas() == before


def test_overlapping_users_leave_nothing_behind():
    before = blas()
    first, second = contextlib.ExitStack(), contextlib.ExitStack()
    first.enter_context(half_of_the_threads())
    second.enter_context(half_of_the_threads())
    half = max(1, max(before) // 2)
    assert max(blas()) == half
    first.close()  # the first one in is the first one out
    assert max(blas()) == half
    second.close()
    assert blas() == before


def test_the_lowest_limit_that_is_wanted_holds():
    before = blas()
    with at_most(3):
        assert max(blas()) == 3
        with at_most(1):
            assert max(blas()) == 1
            with half_of_the_threads():
                assert max(blas()) == 1
        assert max(blas()) == 3
        with at_most(8):
            assert max(blas()) == 3
    assert blas() == before
