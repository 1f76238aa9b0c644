"""Explorer with pixels distributed over MPI engines, without a browser."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

import mffnb as mf
from mffnb.errors import UnsupportedCombinationError
from mffnb.parallel import sharing
from mffnb.parallel.preview_maps import LONGEST
from mffnb.solvers import Outcome
from mffnb.widgets.session import engine_session, engine_side

pytestmark = [pytest.mark.ranks, pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")]
OPTIONS = {"tol": 1e-5, "max_iter": 3000}


@pytest.fixture
def engines(mpi_engines):
    mpi_engines.revive()
    return mpi_engines


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    target = tmp_path_factory.mktemp("maps") / "map.npy"
    rng = np.random.default_rng(0)
    shape = (2 * LONGEST + 16, 60)
    np.save(target, rng.dirichlet(np.full(3, 0.4), shape) @ rng.random((3, 20)) + 0.05 * rng.random((*shape, 20)))
    return target


@pytest.fixture
def explorer(engines, path):
    opened = mf.explore(path, k=3, cluster=engines, **OPTIONS)
    opened.frames = []
    show = opened.view.show
    opened.view.show = lambda frame: (opened.frames.append(frame), show(frame))[1]
    opened.wait(120)
    yield opened
    opened.close()


def moved(explorer, **values):
    explorer.controls.set(**values)
    explorer.wait(120)
    return explorer.result


def changed(explorer, **values):
    return replace(explorer.controls.parameters, **values)


def until(condition):
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()


def test_sliders_give_the_same_result_as_one_process(explorer, path):
    alone = mf.explore(path, k=3, **OPTIONS)
    try:
        alone.wait(120)
        for values in ({}, {"sparsity": 0.03, "smoothness": 0.5}, {"k": 4}, {"k": 2}, {"sum_to_one": True}):
            there = moved(explorer, **values)
            here = moved(alone, **values)
            np.testing.assert_allclose(there.endmembers, here.endmembers, rtol=0, atol=1e-9)
            np.testing.assert_allclose(there.abundances, here.abundances, rtol=0, atol=1e-9)
            assert there.outcome is here.outcome
            for name in ("sparsity", "smoothness", "k", "sum_to_one", "similarity", "random_state"):
                assert there.parameters[name] == here.parameters[name]
    finally:
        alone.close()


def test_maps_are_reduced_while_running_and_a_slider_or_stop_ends_the_run(engines, path):
    endless = mf.explore(path, k=3, cluster=engines, tol=0, max_iter=10**6)
    frames, show = [], endless.view.show
    endless.view.show = lambda frame: (frames.append(frame), show(frame))[1]
    try:
        until(lambda: len(frames) >= 2)
        assert frames[-1].maps.shape == (3, 134, 20)
        assert not frames[-1].final
        assert endless.result.abundances.shape == (3, 134, 20)  # the intermediate result
        endless.controls.set(sparsity=0.1)
        until(lambda: frames[-1].generation == 2)
        endless.stop()
        endless.wait(60)
        assert frames[-1].final
        assert frames[-1].maps.shape == (3, 400, 60)
        result = endless.result
        assert result.outcome is Outcome.STOPPED
        assert result.abundances.shape == (3, 400, 60)
        assert result.parameters["sparsity"] == pytest.approx(0.1, rel=0.2)
    finally:
        endless.close()


def test_a_run_yields_no_state_of_an_earlier_run(explorer):
    """Until the engines send the first state of a run there is none: the earlier one has other parameters."""
    session, first = explorer.session, explorer.session.last
    for parameters in (changed(explorer, k=4), changed(explorer, k=2, sparsity=0.02)):
        yielded = list(session.solve(parameters))
        assert yielded[0] is None
        states = [solved for solved in yielded if solved is not None]
        assert first not in states
        for solved in states:
            assert solved.parameters is parameters
            assert len(solved.state.abundances) == len(solved.state.endmembers) == len(solved.names) == parameters.k


def test_maps_and_parameters_of_a_frame_belong_together_when_the_page_is_slow(engines, path):
    """A page that draws slowly leaves states unsent; none of them may appear with the parameters of the next run."""
    slow = mf.explore(path, k=3, cluster=engines, tol=0, max_iter=10**6)
    frames, show = [], slow.view.show
    slow.view.show = lambda frame: (frames.append(frame), show(frame))[1]
    slow._fit.runner.acknowledge()  # a page is connected, and draws nothing from now on
    try:
        for generation, k in enumerate((4, 2, 5, 3), start=2):
            shown = slow.session.last
            until(lambda shown=shown: slow.session.last is not shown)  # a state that was not sent
            slow.controls.set(k=k)
            until(lambda generation=generation: frames and frames[-1].generation == generation)
        assert all(len(frame.labels) == len(frame.maps) == frame.parameters["k"] for frame in frames)
    finally:
        slow.close()


def test_a_restart_that_is_requested_during_a_run_is_not_lost(explorer, monkeypatch):
    """The states of a run that began before the request do not fulfil it."""
    afresh = []
    solve = engine_side.solve
    monkeypatch.setattr(engine_session, "call", recorded(engine_session.call, solve, afresh))
    run = explorer.session.solve(changed(explorer, k=4))
    while next(run) is None:
        pass
    explorer.session.start_afresh()
    for _ in run:
        pass
    list(explorer.session.solve(changed(explorer, k=4)))
    list(explorer.session.solve(changed(explorer, k=4)))
    assert afresh == [False, True, False]


def recorded(call, function, afresh):
    def made(engines, called, *arguments, **options):
        if called is function:
            afresh.append(arguments[-1])
        return call(engines, called, *arguments, **options)

    return made


def test_options_that_need_one_process_raise_an_error(engines, path, explorer):
    with pytest.raises(ValueError, match="mpi=True"):
        mf.explore(path, cluster=mf.parallel.cluster(1))
    with pytest.raises(UnsupportedCombinationError, match="save the processed cube"):
        mf.explore(path, cluster=engines, preprocess=[mf.preprocessing.Log1p()])
    with pytest.raises(TypeError, match="Explorer has no keyword 'speed'"):
        mf.explore(path, cluster=engines, speed=3)
    explorer.controls.set(bands=True)
    with pytest.raises(UnsupportedCombinationError, match="without engines"):
        explorer.wait(60)
    assert "without engines" in explorer._error.value


def test_restarted_engines_continue_from_the_last_result(engines, explorer):
    before = moved(explorer, k=4)
    engines.client[:].apply_sync(sharing.forget, explorer.session._token)  # like engines that were restarted
    after = moved(explorer, sparsity=1e-3)
    assert after.outcome is Outcome.CONVERGED
    assert after.abundances["component"].values.tolist() == before.abundances["component"].values.tolist()
    angles = mf.selection.spectral_angles(before.endmembers, after.endmembers)
    np.testing.assert_array_equal(angles.argmin(axis=1), range(4))
