"""Engines that another program started: the same answers, and they run on after stop()."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import ipyparallel
import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.parallel import collective_call
from mffnb.tuning import BIC, tune
from tests.conftest import mixture

HERE = sys.modules["mffnb.parallel.attach"]
slow = pytest.mark.ranks


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("profile")


def started(folder, engines):
    """A cluster of two engines that mffnb has not started."""
    config = ipyparallel.Cluster().config
    beside = Path(sys.prefix) / "bin" / "mpiexec"
    if beside.exists():
        config.MPILauncher.mpi_cmd = [str(beside)]
    return ipyparallel.Cluster(
        n=2, engines=engines, profile_dir=str(folder / engines), controller_ip="127.0.0.1", config=config
    )


@pytest.fixture
def local(folder):
    with started(folder, "local") as client:
        client.wait_for_engines(2, timeout=120, interactive=False)
        yield client


@pytest.fixture(scope="module")
def ranks(folder):
    with started(folder, "mpi") as client:
        client.wait_for_engines(2, timeout=120, interactive=False)
        yield client


@slow
def test_attached_engines_give_the_serial_answer_and_run_on(local, folder):
    cube = mixture()
    options = {"n_init": 4, "random_state": 7, "sparsity": 1e-2}
    pids = local[:].apply_sync(os.getpid)
    with mf.parallel.attach(local, n=2) as engines:
        assert (engines.n, engines.mpi, engines.folder) == (2, False, None)
        one, many = mf.unmix(cube, 3, **options), mf.unmix(cube, 3, cluster=engines, **options)
        space, search = {"sparsity": (1e-3, 1.0)}, {"objective": BIC(), "max_evals": 6, "seed": 5, "k": 3}
        assert tune(cube, space, executor=engines, **search).trials == tune(cube, space, **search).trials
    for name in ("endmembers", "abundances"):
        xr.testing.assert_identical(getattr(one, name), getattr(many, name))
    assert engines.client is None
    assert local[:].apply_sync(os.getpid) == pids
    assert "_mffnb_report" not in local[0].apply_sync(globals_of_main)
    with pytest.raises(RuntimeError, match="attach again"):
        mf.unmix(cube, 3, cluster=engines, **options)
    with pytest.raises(RuntimeError, match="attach again"):
        engines.start()
    file = folder / "local" / "security" / "ipcontroller-client.json"
    file = file if file.exists() else next(file.parent.glob("ipcontroller-*client.json"))
    again = mf.parallel.attach(file)
    assert again.client[:].apply_sync(os.getpid) == pids
    again.stop()
    assert local[:].apply_sync(os.getpid) == pids
    with pytest.raises(TimeoutError, match="2 of 3 engines"):
        mf.parallel.attach(local, n=3, timeout=0.2)


def globals_of_main():
    return list(sys.modules["__main__"].__dict__)


@slow
def test_starts_go_on_with_the_engines_that_are_left(local):
    cube, options = mixture(), {"n_init": 4, "random_state": 7, "sparsity": 1e-2}
    engines = mf.parallel.attach(local, n=2)
    one = mf.unmix(cube, 3, **options)
    pids = local[:].apply_sync(os.getpid)

    def kill(state):
        if pids[1:]:
            os.kill(pids.pop(), signal.SIGKILL)

    many = mf.unmix(cube, 3, cluster=engines, callback=kill, **options)
    xr.testing.assert_identical(one.endmembers, many.endmembers)
    wait_for(lambda: len(local.ids) == 1)
    engines.revive()
    assert engines.n == 1
    os.kill(pids[0], signal.SIGKILL)
    wait_for(lambda: not local.ids)
    with pytest.raises(RuntimeError, match="1 of 1 attached engines have ended"):
        mf.unmix(cube, 3, cluster=engines, **options)


def wait_for(condition):
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


@slow
def test_attached_ranks_solve_one_factorization_and_run_on(ranks, tmp_path):
    cube = mixture(shape=(64, 20))
    np.save(tmp_path / "map.npy", cube.values)
    options = {"random_state": 7, "sparsity": 1e-2, "max_iter": 50}
    pids = ranks[:].apply_sync(os.getpid)
    with mf.parallel.attach(ranks) as engines:
        assert (engines.n, engines.mpi) == (2, True)
        many = mf.unmix(tmp_path / "map.npy", 3, cluster=engines, **options)
    one = mf.unmix(tmp_path / "map.npy", 3, **options)
    assert float(many.trace.objective[-1]) == pytest.approx(float(one.trace.objective[-1]), rel=1e-10)
    with mf.parallel.attach(ranks, folder=tmp_path) as engines:
        assert engines.folder == tmp_path
        seen = []
        stopped = mf.unmix(
            cube, 3, cluster=engines, callback=lambda state: bool(seen.append(state) or True), tol=0, max_iter=10**6
        )
        assert stopped.outcome is mf.solvers.Outcome.STOPPED
        assert not list(tmp_path.glob("mffnb-*"))
    assert ranks[:].apply_sync(os.getpid) == pids


def fail_on_one(link):
    if link.communicator.rank == 1:
        raise OSError("a bad disk")
    while True:
        time.sleep(0.05)


@slow
def test_waiting_rank_is_interrupted_and_not_killed_when_another_fails(ranks):
    pids = ranks[:].apply_sync(os.getpid)
    engines = mf.parallel.attach(ranks)
    with collective_call.call(engines, fail_on_one) as running, pytest.raises(OSError, match="a bad disk"):
        running.answer()
    engines.revive()
    assert ranks[:].apply_sync(os.getpid) == pids


class Client:
    """A client whose engines never answer."""

    def __init__(self, ids=(0, 1), outstanding=("call",)):
        self.ids, self.outstanding, self.signals = list(ids), set(outstanding), []

    def send_signal(self, number, block):
        self.signals.append(number)


def test_ranks_that_never_answer_are_given_up(monkeypatch):
    client = Client()
    engines = HERE.AttachedCluster(client, 2, True, 1.0, False, None)
    engines.abort()
    engines.abort()
    assert client.signals == [signal.SIGINT]
    with pytest.raises(RuntimeError, match="still wait"):
        engines.revive()
    monkeypatch.setattr(HERE, "_GRACE", -1.0)
    with pytest.raises(RuntimeError, match="do not answer"):
        engines.abort()
    client.outstanding.clear()
    engines.revive()
    client.ids.pop()
    with pytest.raises(RuntimeError, match="1 of 2 attached engines have ended"):
        engines.revive()


def engine(rank=None, size=None, **others):
    return HERE._Engine(**{"host": "a", "python": (3, 12), "mffnb": "1", "rank": rank, "size": size, **others})


def test_ranks_of_one_program_are_told_from_other_engines():
    assert HERE._size_of_program({0: engine(), 1: engine()}) is None
    assert HERE._size_of_program({0: engine(0, 1), 1: engine(0, 1)}) is None
    assert HERE._size_of_program({0: engine(0, 2)}) == 2
    assert HERE.are_one_program({0: engine(1, 2), 1: engine(0, 2)})
    for others in ({0: engine(0, 2), 1: engine(0, 2)}, {0: engine(0, 2), 1: engine()}, {0: engine(0, 2)}):
        with pytest.raises(RuntimeError, match="not the ranks of one MPI program"):
            HERE.are_one_program(others)


class View:
    targets = (0,)

    def __init__(self, report=None, seen=()):
        self.report, self.seen = report, seen

    def execute(self, *_, **__):
        pass

    def pull(self, *_, **__):
        return [self.report]

    def apply_sync(self, *_):
        return self.seen


@pytest.mark.parametrize(
    ("report", "message"),
    [
        (("far", (3, 12), None, None, None), "engine 0 on far cannot import mffnb: install it"),
        (("far", (2, 7), mf.__version__, None, None), r"has Python 2\.7 .* use one environment"),
        (("far", sys.version_info[:2], "0.0.0", None, None), r"mffnb 0\.0\.0, this process"),
    ],
)
def test_engines_that_cannot_run_the_same_code_are_refused(report, message):
    with pytest.raises(RuntimeError, match=message):
        HERE.ask_engines(Views(View(report)))


class Views:
    def __init__(self, view):
        self.view = view

    def __getitem__(self, _):
        return self.view


def test_ranks_on_other_hosts_need_a_folder_that_they_see(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    away = {0: engine(0, 2), 1: engine(1, 2, host="b")}
    assert HERE._shared_folder(Views(View(seen=[True, True])), away, None) == tmp_path
    with pytest.raises(RuntimeError, match=r"engines \[1\] do not see .* pass folder="):
        HERE._shared_folder(Views(View(seen=[True, False])), away, None)


def test_what_is_no_cluster_is_refused(tmp_path):
    with pytest.raises(ValueError, match="engines >= 1"):
        mf.parallel.attach("default", n=0)
    with pytest.raises(ValueError, match="no cluster answers for the connection file"):
        mf.parallel.attach(tmp_path / "none.json")
    with pytest.raises(ValueError, match="ipcluster start --profile=no-such-profile"):
        mf.parallel.attach("no-such-profile", timeout=1)


def fail_while_another_waits_in_mpi(link):
    if link.communicator.rank == 1:
        raise OSError("a bad disk")
    link.communicator.barrier()


@slow
def test_rank_that_waits_in_mpi_gives_an_error_instead_of_an_endless_wait(folder, monkeypatch):
    monkeypatch.setattr(HERE, "_GRACE", 2.0)
    with started(folder / "stuck", "mpi") as client:
        client.wait_for_engines(2, timeout=120, interactive=False)
        pids = client[:].apply_sync(os.getpid)
        engines = mf.parallel.attach(client)
        with (
            pytest.raises(RuntimeError, match="do not answer, because an MPI rank failed: start the engines again"),
            collective_call.call(engines, fail_while_another_waits_in_mpi) as running,
        ):
            running.answer()
        with pytest.raises(RuntimeError, match="still wait"):
            engines.revive()
        for pid in pids:
            os.kill(pid, 0)  # raises an error for a process that has ended
            os.kill(pid, signal.SIGKILL)
