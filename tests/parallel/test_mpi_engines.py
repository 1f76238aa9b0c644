"""MPI engines: the serial answer, watched and stopped from here; whatever dies, nothing hangs and nothing stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.errors import ConvergenceWarning, UnsupportedCombinationError
from mffnb.parallel.collective_call import Call, Instruction, call
from mffnb.solvers import Outcome

pytestmark = [pytest.mark.ranks, pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")]
ENDLESS = {"tol": 0, "max_iter": 10**6, "random_state": 0}


@pytest.fixture(autouse=True)
def _ctrl_c():
    """A shell may start its background jobs with Ctrl-C ignored: then a test that presses it would run without end."""
    kept = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, kept)


@pytest.fixture
def engines(mpi_engines):
    mpi_engines.revive()
    return mpi_engines


@pytest.fixture(scope="module")
def cube():
    rng = np.random.default_rng(0)
    values = rng.dirichlet(np.full(3, 0.5), (70, 45)) @ rng.random((3, 25)) + 0.02 * rng.random((70, 45, 25))
    coords = {"y": ("y", 0.5 * np.arange(70), {"units": "µm"})}
    return xr.DataArray(values, dims=("y", "x", "energy"), coords=coords, name="map")


@pytest.fixture(scope="module")
def path(cube, tmp_path_factory):
    target = tmp_path_factory.mktemp("maps") / "map.nc"
    cube.to_netcdf(target, engine="h5netcdf")
    return target


def equal(one, other):
    np.testing.assert_allclose(one.endmembers, other.endmembers, rtol=0, atol=1e-10)
    np.testing.assert_allclose(one.abundances, other.abundances, rtol=0, atol=1e-10)
    assert one.outcome is other.outcome
    assert one.trace.objective.values == pytest.approx(other.trace.objective.values, rel=1e-10)


@pytest.mark.parametrize(
    "options",
    [
        {"sparsity": 1e-2, "smoothness": 0.1},
        {"sum_to_one": True, "smoothness": 0.1, "init": "random"},
        {"similarity": "kl", "solver": "multiplicative"},
        {"n_init": 2, "solver": "pivoting"},
    ],
    ids=["sparse+smooth", "sum to one", "counts", "two starts"],
)
def test_engines_that_read_a_path_give_the_serial_answer(engines, cube, path, options):
    options = {"random_state": 0, "max_iter": 40, **options}
    got = mf.unmix(path, 3, cluster=engines, **options)
    equal(got, mf.unmix(cube, 3, **options))
    assert got.abundances["y"].attrs["units"] == "µm"
    assert float(abs(got.residual()).max()) < 1  # the result has its cube, which stays in the file


def test_what_is_in_memory_is_sent_unless_it_is_large(engines, cube, monkeypatch):
    first = mf.unmix(cube, 3, random_state=0, max_iter=5, tol=1.0)
    again = mf.unmix(cube, 3, cluster=engines, init=first, max_iter=5, tol=1.0)
    equal(again, mf.unmix(cube, 3, init=first, max_iter=5, tol=1.0))
    assert again.cube is cube
    monkeypatch.setattr(mf.parallel.sources, "MOST_BYTES", 1000)
    with pytest.raises(ValueError, match="save it, and pass the path"):
        mf.unmix(cube, 3, cluster=engines)


def test_bar_and_callback_show_the_run_and_warnings_arrive(engines, path, capsys):
    seen = []
    with pytest.warns(ConvergenceWarning, match="raise max_iter") as told:
        result = mf.unmix(
            path, 3, cluster=engines, callback=seen.append, progress=True, tol=0, max_iter=400, random_state=0
        )
    assert {one.filename for one in told} == {__file__}
    assert seen[-1].iteration == 400
    maps = seen[-1].abundances
    assert maps.shape == (3, 70, 45)
    for j, image in enumerate(maps):  # of the scaled problem: but for a factor, and their order
        best = max(np.corrcoef(image.ravel(), other.values.ravel())[0, 1] for other in result.abundances)
        assert best > 0.999, j
    assert "400/400" in capsys.readouterr().err


def test_a_callback_and_an_interrupt_end_the_run_and_keep_its_result(engines, path):
    stopped = mf.unmix(path, 3, cluster=engines, callback=lambda state: state.iteration > 2, **ENDLESS)
    assert stopped.outcome is Outcome.STOPPED
    assert int(stopped.trace.iteration[-1]) > 2

    pressed = []

    def interrupt(state):
        if state.iteration > 2 and not pressed:  # a second time would not wait for the result
            pressed.append(state.iteration)
            signal.raise_signal(signal.SIGINT)

    interrupted = mf.unmix(path, 3, cluster=engines, callback=interrupt, **ENDLESS)
    assert interrupted.outcome is Outcome.INTERRUPTED
    assert np.isfinite(interrupted.abundances).all()
    errors = interrupted.trace.relative_error.values
    assert errors[-1] < errors[0]


def test_an_interrupt_at_the_last_moment_keeps_the_result(engines, path):
    def interrupt(state):
        if state.outcome is not Outcome.RUNNING:
            signal.raise_signal(signal.SIGINT)

    result = mf.unmix(path, 3, cluster=engines, callback=interrupt, max_iter=5, tol=0, random_state=0)
    assert result.outcome is Outcome.INTERRUPTED
    assert int(result.trace.iteration[-1]) == 5


def test_a_second_interrupt_ends_the_engines(engines, cube, path, monkeypatch):
    monkeypatch.setattr(Call, "send", lambda *_: signal.raise_signal(signal.SIGINT))  # ranks do not hear the first

    def interrupt(state):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mf.unmix(path, 3, cluster=engines, callback=interrupt, **ENDLESS)
    monkeypatch.undo()
    equal(mf.unmix(path, 3, cluster=engines, random_state=0), mf.unmix(cube, 3, random_state=0))


class Press:
    """Presses Ctrl-C when the client enters the n-th function of the modules that talk to engines."""

    def __init__(self, number):
        self.number, self.entered, self.where = number, 0, None

    def __call__(self, frame, event, _argument):
        if event == "call" and frame.f_globals.get("__name__", "").startswith("mffnb.parallel."):
            self.entered += 1
            if self.entered == self.number:
                self.where = frame.f_code.co_qualname
                signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("number", [*range(1, 14), 20, 40, 80, 160])
def test_an_interrupt_at_any_moment_ends_the_run_and_leaves_engines_that_work(engines, path, number):
    press, before = Press(number), engines.client[:].apply_sync(os.getpid)
    sys.setprofile(press)
    try:
        result = mf.unmix(path, 3, cluster=engines, **ENDLESS)
    except KeyboardInterrupt:
        result = None
    finally:
        sys.setprofile(None)
    assert press.where is not None
    assert result is None or result.outcome is Outcome.INTERRUPTED, press.where
    assert mf.unmix(path, 3, cluster=engines, max_iter=2, tol=1.0, random_state=0).outcome is Outcome.CONVERGED
    assert engines.client[:].apply_sync(os.getpid) == before  # nothing had to be started anew


def test_a_rank_that_gets_no_call_leaves_none_waiting(engines, cube, path, monkeypatch):
    lonely = engines.client[1]
    monkeypatch.setattr(type(lonely), "apply_async", refuse_second(type(lonely).apply_async))
    with pytest.raises(OSError, match="no route"):
        mf.unmix(path, 3, cluster=engines, random_state=0)
    monkeypatch.undo()
    equal(mf.unmix(path, 3, cluster=engines, random_state=0), mf.unmix(cube, 3, random_state=0))


def refuse_second(send):
    def refused(view, function, *arguments):
        if view.targets == 1:
            raise OSError("no route to the engine")
        return send(view, function, *arguments)

    return refused


def test_the_answer_is_that_of_the_first_rank_whatever_the_numbers_of_the_engines(engines, path, monkeypatch):
    monkeypatch.setattr("mffnb.parallel.collective_call.sorted", lambda ids: sorted(ids, reverse=True), raising=False)
    seen = []
    result = mf.unmix(path, 3, cluster=engines, callback=seen.append, max_iter=5, tol=0, random_state=0)
    assert result.endmembers.sizes["component"] == 3
    assert seen[-1].iteration == 5


def test_blocks_of_a_large_and_masked_map_are_means_over_all_ranks(engines, monkeypatch):
    rng = np.random.default_rng(1)
    cube = rng.random((300, 250, 4))
    mask = rng.random((300, 250)) > 0.2
    mask[:4, :4] = False
    seen = []
    result = mf.unmix(
        cube, 2, mask=mask, cluster=engines, callback=seen.append, sum_to_one=True, tol=1.0, random_state=0
    )
    whole = result.abundances.values
    state = seen[-1]
    assert state.abundances.shape == (2, 150, 125)
    order = [0, 1] if np.allclose(np.nanmean(whole[0]), state.abundances[0][5:].mean(), atol=1e-2) else [1, 0]
    parts = np.moveaxis(whole.reshape(2, 150, 2, 125, 2), 3, 2).reshape(2, 150, 125, 4)
    count = np.isfinite(parts).sum(axis=3)
    means = np.nansum(parts, axis=3) / np.maximum(count, 1)
    np.testing.assert_allclose(state.abundances[order], means, atol=1e-6)
    assert (count[:, :2, :2] == 0).all()


def test_a_run_on_engines_goes_on_from_its_checkpoint(engines, cube, path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = {"random_state": 0, "tol": 1e-7, "cluster": engines}
    mf.unmix(path, 3, checkpoint="kept", max_iter=5, **options)
    further = mf.unmix(path, 3, checkpoint="kept", max_iter=40, **options)
    assert (tmp_path / "kept").is_dir()
    whole = mf.unmix(path, 3, max_iter=40, **options)
    xr.testing.assert_identical(further.abundances, whole.abundances)


def test_what_needs_one_process_and_bad_data_are_refused_as_ever(engines, cube, tmp_path):
    with pytest.raises(UnsupportedCombinationError, match="does not run on MPI engines"):
        mf.unmix(cube, 3, cluster=engines, volume="auto")
    bad = cube.values.copy()
    bad[60, 4, 5] = np.inf
    np.save(tmp_path / "bad.npy", bad)
    with pytest.raises(ValueError, match="infinite") as caught:
        mf.unmix(tmp_path / "bad.npy", 3, cluster=engines)
    assert "engine" in caught.value.__notes__[0]
    with pytest.raises(FileNotFoundError, match="there is no file"):
        mf.unmix(tmp_path / "nowhere.npy", 3, cluster=engines)
    with pytest.raises(UnsupportedCombinationError, match="leave out communicator"):
        mf.unmix(cube, 3, cluster=engines, communicator=object())


def settings_of(link):
    return link.communicator.size, os.environ["OMP_NUM_THREADS"], mf.threads.allowed_threads()


def fails_alone(link):
    if link.communicator.rank == 1:
        raise ValueError("row 7 is torn")
    link.communicator.barrier()


def waits_for_instruction(link):
    while link.poll()[0] is Instruction.CONTINUE:
        time.sleep(0.01)
    return link.poll()[0]


def test_ranks_share_a_world_get_the_same_instruction_and_use_one_thread(engines):
    with call(engines, settings_of) as made:
        assert made.answer() == (2, "1", 1)
    with call(engines, waits_for_instruction) as made:
        made.send(Instruction.INTERRUPT)
        assert made.answer() is Instruction.INTERRUPT
    with call(engines, waits_for_instruction):
        pass  # who leaves the block does not leave the engines at work


def test_a_rank_that_raises_alone_hangs_nobody(engines, cube, path):
    begin = time.monotonic()
    with call(engines, fails_alone) as made, pytest.raises(ValueError, match="row 7 is torn") as caught:
        made.answer()
    assert caught.value.__notes__ == ["raised on engine 1"]
    assert time.monotonic() - begin < 30
    # The next call starts new engines.
    equal(mf.unmix(path, 3, cluster=engines, random_state=0), mf.unmix(cube, 3, random_state=0))


def test_a_killed_engine_is_reported_and_the_cluster_works_again(engines, cube, path):
    victim = engines.client[:].apply_sync(os.getpid)[1]
    with pytest.raises(RuntimeError, match="an engine died while it worked"):
        mf.unmix(path, 3, cluster=engines, callback=lambda _: os.kill(victim, signal.SIGKILL), **ENDLESS)
    equal(mf.unmix(path, 3, cluster=engines, random_state=0), mf.unmix(cube, 3, random_state=0))
    assert victim not in engines.client[:].apply_sync(os.getpid)


CLIENT = """
import os, signal, sys, mffnb as mf
engines = mf.parallel.cluster(1, mpi=True).start()
pids = engines.client[:].apply_sync(os.getpid)
print(*pids, engines._cluster.controller.pid, flush=True)
mf.unmix(sys.argv[1], 3, cluster=engines, tol=0, max_iter=10**6, random_state=0)
"""


def lives(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0] != "Z"


def test_a_killed_client_leaves_no_engine_behind(path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", CLIENT, path], stdout=subprocess.PIPE, text=True, env=environment
    ) as client:
        pids = [int(number) for number in client.stdout.readline().split()]
        assert len(pids) == 2
        assert all(map(lives, pids))
        time.sleep(0.5)  # into the solve
        client.kill()
    deadline = time.monotonic() + 10
    while any(map(lives, pids)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(lives, pids))
