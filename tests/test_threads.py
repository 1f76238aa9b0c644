from __future__ import annotations

import contextlib

import numpy as np
import pytest
import xarray as xr
from threadpoolctl import threadpool_info, threadpool_limits

import mffnb as mf
from mffnb.threads import allowed_threads, half_of_the_threads, limit_threads, single_threaded_blas


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
    with limit_threads(3):
        assert max(blas()) == 3
        with limit_threads(1):
            assert max(blas()) == 1
            with half_of_the_threads():
                assert max(blas()) == 1
        assert max(blas()) == 3
        with limit_threads(8):
            assert max(blas()) == 3
    assert blas() == before


def test_blas_alone_keeps_to_one_thread():
    before = blas()
    assert allowed_threads() == 4
    with single_threaded_blas():
        assert (blas(), allowed_threads()) == ({1}, 4)
        with limit_threads(2):
            assert (blas(), allowed_threads()) == ({1}, 2)
    assert blas() == before


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"smoothness": 0.1, "init": "random"},
        {"sum_to_one": True, "volume": 1e-3},
        {"solver": "pivoting"},
        {"similarity": "kl"},
        {"similarity": "huber"},
        {"k": 30, "init": "random"},  # so many that BLAS multiplies
    ],
)
@pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")
def test_the_answer_is_the_same_for_any_number_of_threads(options):
    rng = np.random.default_rng(0)
    data = rng.random((100, 80, 3)) @ rng.random((3, 150)) + 0.1 * rng.random((100, 80, 150))
    answers = []
    for threads in (1, 2, 4):
        with threadpool_limits(threads, user_api="blas"):
            answers.append(mf.unmix(data, max_iter=4, random_state=0, **{"k": 3} | options))
    for answer in answers[1:]:
        for part in ("abundances", "endmembers"):
            xr.testing.assert_identical(getattr(answer, part), getattr(answers[0], part))
