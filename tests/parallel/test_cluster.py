"""Engines: the same answers as in one process, also after one of them was killed."""

from __future__ import annotations

import os
import pickle
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.cubes.layout import Layout
from mffnb.solvers import Outcome
from mffnb.tuning import BIC, tune

pytestmark = pytest.mark.ranks
SPACE = {"sparsity": (1e-3, 1.0), "smoothness": (1e-3, 1.0)}


@contextmanager
def written_to(path):
    """What this process and its children write goes there."""
    kept = os.dup(1), os.dup(2)
    with path.open("ab") as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
    try:
        yield
    finally:
        for number, old in zip((1, 2), kept, strict=True):
            os.dup2(old, number)
            os.close(old)


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    return tmp_path_factory.mktemp("engines") / "words"


@pytest.fixture(scope="module")
def engines(words):
    os.environ["PATH"], kept = "/usr/bin:/bin", os.environ["PATH"]
    with ExitStack() as stack:
        with written_to(words):
            running = stack.enter_context(mf.parallel.cluster(2))
        os.environ["PATH"] = kept
        yield running
        with written_to(words):
            stack.close()
    assert words.read_text() == ""


@pytest.fixture(scope="module")
def cube():
    return mf.datasets.tof_sims_2d(seed=0, shape=(8, 12)).cube[..., ::15]


def search(cube, **options):
    return tune(cube, SPACE, **{"objective": BIC(), "max_evals": 24, "seed": 5, "k": 3, **options})


@pytest.fixture(scope="module")
def serial(cube):
    return search(cube)


def test_trials_on_engines_are_those_of_one_process(engines, cube, serial):
    assert search(cube, executor=engines).trials == serial.trials
    with ThreadPoolExecutor(2) as pool:
        assert search(cube, executor=pool).trials == serial.trials


def test_engines_read_a_path_and_run_functions_of_ones_own(engines, cube, tmp_path):
    np.save(tmp_path / "map.npy", cube.values)
    factor = 2.0

    def doubled(result):
        return factor * float(result.trace.objective[-1])

    one = search(tmp_path / "map.npy", objective=doubled, max_evals=4)
    many = search(tmp_path / "map.npy", objective=doubled, max_evals=4, executor=engines)
    assert not many.trials[0].failed
    assert many.trials == one.trials


class Counted:
    """Options that count how often they are sent."""

    sent = 0

    def __reduce__(self):
        Counted.sent += 1
        return str, ("auto",)


def test_job_is_sent_once_and_not_with_each_trial(engines, cube):
    Counted.sent = 0
    pickle.dumps(Counted())
    assert Counted.sent == 1
    found = search(cube, max_evals=8, solver=Counted(), executor=engines)
    assert not any(trial.failed for trial in found.trials)
    assert Counted.sent <= 1 + 2


def test_restarts_on_engines_give_the_serial_answer(engines, cube):
    options = {"n_init": 5, "random_state": 7, "sparsity": 1e-2, "smoothness": 1e-2}
    one, many = mf.unmix(cube, 3, **options), mf.unmix(cube, 3, cluster=engines, **options)
    for name in ("endmembers", "abundances"):
        xr.testing.assert_identical(getattr(one, name), getattr(many, name))
    assert one.trace.drop_vars("seconds").identical(many.trace.drop_vars("seconds"))
    assert one.outcome is many.outcome
    assert one.parameters["start"] == many.parameters["start"]


def test_killed_engine_loses_no_trial_and_is_replaced(engines, cube, serial, tmp_path):
    victim = engines.client[:].apply_sync(os.getpid)[0]

    def kill(trial):
        if trial.number == 2:
            os.kill(victim, signal.SIGKILL)

    found = search(cube, executor=engines, callback=kill, path=tmp_path / "search.jsonl")
    assert found.trials == serial.trials
    engines.revive()
    pids = engines.client[:].apply_sync(os.getpid)
    assert len(pids) == 2
    assert victim not in pids
    assert search(cube, path=tmp_path / "search.jsonl", callback=pytest.fail).trials == serial.trials


def threads():
    return os.environ["OMP_NUM_THREADS"], mf.threads.allowed_threads()


def test_engines_use_one_thread_and_print_nothing(engines, words):
    assert set(engines.client[:].apply_sync(threads)) == {("1", 1)}
    assert words.read_text() == ""


def test_cluster_that_does_not_run_says_so():
    with pytest.raises(RuntimeError, match="with mffnb"):
        mf.parallel.cluster(2).executor()
    with pytest.raises(ValueError, match="engines >= 1"):
        mf.parallel.cluster(0)


def test_what_runs_is_not_started_again_and_what_does_not_run_gives_no_executor(engines):
    with pytest.raises(RuntimeError, match="runs already"):
        engines.start()
    idle = mf.parallel.cluster(1)
    idle.stop()
    with pytest.raises(RuntimeError, match="does not run"):
        idle.executor()


def test_engines_read_a_path_themselves_and_show_each_start(engines, cube, tmp_path, monkeypatch, capsys):
    np.save(tmp_path / "map.npy", cube.values)
    options = {"n_init": 5, "random_state": 7, "sparsity": 1e-2}
    one, seen = mf.unmix(tmp_path / "map.npy", 3, **options), []

    def never(*_):
        raise AssertionError("the matrix is not made here")

    monkeypatch.setattr(Layout, "matrix", never)
    many = mf.unmix(tmp_path / "map.npy", 3, cluster=engines, callback=seen.append, progress=True, **options)
    for name in ("endmembers", "abundances"):
        xr.testing.assert_identical(getattr(one, name), getattr(many, name))
    assert one.parameters["data"] == many.parameters["data"]
    assert len(seen) == 5
    assert min(state.objective for state in seen) == float(many.trace.objective[-1])
    assert "5/5" in capsys.readouterr().err


def test_a_callback_ends_restarts_with_the_best_so_far(engines, cube):
    seen = []

    def enough(state):
        seen.append(state)
        return len(seen) == 2

    result = mf.unmix(cube, 3, cluster=engines, callback=enough, n_init=8, random_state=7)
    assert result.outcome is Outcome.STOPPED
    assert float(result.trace.objective[-1]) in [state.objective for state in seen]
