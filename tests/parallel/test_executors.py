"""Starts, scans, searches and stability on any executor give the answers of one process."""

from __future__ import annotations

from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.parallel.executors import executor_of
from mffnb.tuning import BIC, tune
from tests.conftest import mixture

OPTIONS = {"n_init": 4, "random_state": 7, "sparsity": 1e-2}
SPACE, SEARCH = {"sparsity": (1e-3, 1.0)}, {"objective": BIC(), "max_evals": 5, "seed": 5, "k": 3}
SCAN = {"n_init": 2, "splits": 2, "random_state": 0}


@contextmanager
def dask():
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


KINDS = {
    "threads": lambda: ThreadPoolExecutor(2),
    "processes": lambda: ProcessPoolExecutor(2, mp_context=get_context("spawn")),
    "dask": dask,
}


def same(one, many):
    for name in ("endmembers", "abundances"):
        xr.testing.assert_identical(getattr(one, name), getattr(many, name))


@pytest.mark.ranks
@pytest.mark.parametrize("kind", KINDS)
def test_answers_do_not_depend_on_the_executor(kind, tmp_path):
    cube = mixture()
    np.save(tmp_path / "map.npy", cube.values)
    with KINDS[kind]() as pool:
        for data in (cube, tmp_path / "map.npy"):
            one, many = mf.unmix(data, 3, **OPTIONS), mf.unmix(data, 3, cluster=pool, **OPTIONS)
            same(one, many)
            assert one.parameters["start"] == many.parameters["start"]
        assert tune(cube, SPACE, executor=pool, **SEARCH).trials == tune(cube, SPACE, **SEARCH).trials
        scans = [mf.selection.scan_rank(cube, range(2, 4), executor=where, **SCAN) for where in (None, pool)]
        xr.testing.assert_identical(scans[0].evidence, scans[1].evidence)
        bands = [
            mf.selection.stability(cube, 3, 2, 0, executor=where, random_state=0, max_iter=30) for where in (None, pool)
        ]
        xr.testing.assert_identical(bands[0].restarts.lower, bands[1].restarts.lower)


def test_starts_on_threads_give_the_serial_answer(cube):
    seen = []
    with ThreadPoolExecutor(2) as pool:
        many = mf.unmix(cube, 3, cluster=pool, callback=seen.append, **OPTIONS)
    same(mf.unmix(cube, 3, **OPTIONS), many)
    assert len(seen) == 4


class Forgetful:
    """An executor whose workers share no memory with this process: they find only what is sent with a call."""

    def __init__(self):
        self.with_data = []

    def submit(self, function, token, model, sent=None):
        self.with_data.append(sent is not None)
        future = Future()
        future.set_result(function("another", model, sent))
        return future


def test_data_are_sent_to_a_worker_that_lacks_them(cube):
    pool = Forgetful()
    from mffnb.parallel import sharing

    many = mf.unmix(cube, 3, cluster=pool, **OPTIONS)
    sharing.forget("another")
    same(mf.unmix(cube, 3, **OPTIONS), many)
    assert pool.with_data.count(True) >= 1


class DaskClient:
    """A client of dask: its own ``submit`` returns futures of another kind."""

    def submit(self, *_):
        raise AssertionError("the client itself is not used")

    def get_executor(self):
        return "executor"


def test_what_runs_no_calls_is_refused(cube):
    assert executor_of(DaskClient()) == "executor"
    with pytest.raises(TypeError, match=r"cluster must be a concurrent\.futures executor.*got int"):
        mf.unmix(cube, 3, cluster=2)
    with ThreadPoolExecutor(1) as pool, pytest.raises(ValueError, match="engines that share the pixels"):
        mf.explore(cube, k=3, cluster=pool)
    with pytest.raises(TypeError, match=r"executor must be .*got str"):
        tune(cube, SPACE, executor="threads", **SEARCH)
    with pytest.raises(TypeError, match=r"executor must be .*got int"):
        mf.selection.stability(cube, 3, 2, 0, executor=2)
