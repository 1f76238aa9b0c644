"""Bands of X on several threads: the same numbers as on one, and nobody writes once it is over."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from scipy import sparse
from threadpoolctl import threadpool_limits

from mffnb import MatrixFactorization
from mffnb.matrices.threaded import threaded_map
from mffnb.threads import allowed_threads, limit_threads


def test_results_come_in_order_whoever_is_first():
    def slow_first(i):
        time.sleep(0.02 if i == 0 else 0.0)
        return i

    assert list(threaded_map(slow_first, range(20), threads=3)) == list(range(20))


def test_a_single_item_wakes_no_other_thread():
    here = threading.get_ident()
    assert list(threaded_map(lambda _: threading.get_ident(), range(1), threads=3)) == [here]
    assert here not in threaded_map(lambda _: threading.get_ident(), range(2), threads=3)


def test_few_items_are_in_flight():
    made = []

    def items():
        for i in range(10):
            made.append(i)
            yield i

    running = threaded_map(lambda i: i, items(), threads=2)
    next(running)
    assert len(made) <= 4
    running.close()
    assert len(made) <= 4


def test_a_fault_comes_out_when_all_that_has_begun_is_over():
    lock, inside = threading.Lock(), []

    def work(i):
        with lock:
            inside.append(i)
        time.sleep(0.02)
        with lock:
            inside.remove(i)
        if i == 1:
            raise ValueError("band 1 is broken")

    with pytest.raises(ValueError, match="band 1 is broken"):
        list(threaded_map(work, range(8), threads=2))
    assert inside == []


def test_as_many_threads_as_blas_may_use():
    with threadpool_limits(2, user_api="blas"):
        assert allowed_threads() == 2
        with limit_threads(1):
            assert allowed_threads() == 1
    names = set()
    list(threaded_map(lambda _: names.add(threading.current_thread().name), range(4), threads=1))
    assert names == {threading.current_thread().name}


@pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")
@pytest.mark.parametrize("layout", [np.asarray, sparse.csr_array, lambda X: X.astype(np.float32)])
@pytest.mark.parametrize("options", [{}, {"similarity": "kl"}])
def test_the_same_bits_for_any_number_of_threads(monkeypatch, layout, options):
    monkeypatch.setattr("mffnb.matrices.dense.BLOCK_BYTES", 2**14)
    monkeypatch.setattr("mffnb.matrices.sparse.BLOCK_BYTES", 2**14)
    rng = np.random.default_rng(0)
    X = rng.poisson(3 * rng.dirichlet(np.ones(3), 2000) @ rng.gamma(1.0, 1.0, (3, 40))).astype(float)
    fits = []
    for threads in (1, 2, 3):
        with threadpool_limits(1, user_api="blas"):  # BLAS itself adds up in another order
            monkeypatch.setattr("mffnb.matrices.threaded.allowed_threads", lambda n=threads: n)
            fits.append(MatrixFactorization(3, max_iter=15, tol=0, random_state=0, **options).fit(layout(X)))
    for other in fits[1:]:
        np.testing.assert_array_equal(other.components_, fits[0].components_)
        assert other.objective_ == fits[0].objective_
