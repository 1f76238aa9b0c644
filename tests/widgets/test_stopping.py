"""A run that is stopped before its first picture, and computations that look at the stop often."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.geometry.clusters import group_means
from mffnb.matrices import Dense, local
from mffnb.matrices.cancellation import Cancelled, cancellable
from mffnb.preprocessing import MeanCentre, PoissonScaling
from mffnb.preprocessing.chain import fit_chain
from mffnb.solvers import Outcome
from mffnb.solvers.subsampled_start import rows_of
from mffnb.widgets.session import stopping
from mffnb.widgets.session.parameters import Parameters
from mffnb.widgets.session.session import Session
from mffnb.widgets.session.stopping import Stopping


@pytest.fixture
def no_grace(monkeypatch):
    """A first state that a stop does not wait for."""
    monkeypatch.setattr(stopping, "GRACE", -1.0)


def test_a_first_run_that_is_stopped_before_its_first_picture_says_so(cube, no_grace):
    session = Session(cube)
    session.stop()
    with pytest.raises(RuntimeError, match="stopped before its first picture: click restart, or move a slider"):
        list(session.solve(Parameters(3)))
    session.cancel_stop()
    assert list(session.solve(Parameters(3)))[-1].state.outcome is Outcome.CONVERGED


def test_a_later_run_that_is_stopped_before_its_first_picture_keeps_the_result(cube, no_grace):
    session = Session(cube)
    before = list(session.solve(Parameters(3)))[-1]
    session.stop()
    (shown,) = session.solve(Parameters(4))
    assert shown.unchanged
    assert shown.state is before.state
    assert shown.parameters == Parameters(3)
    assert session.last is before
    session.cancel_stop()
    after = list(session.solve(Parameters(4)))[-1]
    assert len(after.names) == 4
    assert not after.unchanged


def test_a_restart_that_is_stopped_at_once_is_still_wanted(cube, no_grace):
    session = Session(cube)
    first = next(one for one in session.solve(Parameters(3)) if one is not None)
    session.start_afresh()
    session.stop()
    (shown,) = session.solve(Parameters(3))
    assert shown.unchanged
    session.cancel_stop()
    again = next(one for one in session.solve(Parameters(3)) if one is not None)
    np.testing.assert_array_equal(again.state.endmembers, first.state.endmembers)


def test_the_first_state_may_come_within_the_grace(cube, monkeypatch):
    monkeypatch.setattr(stopping, "GRACE", 1e9)
    session = Session(cube)
    session.stop()
    states = list(session.solve(Parameters(3)))
    assert states[-1].state.outcome is Outcome.STOPPED
    assert len(states) == 1


def test_a_stop_is_counted_from_its_first_request(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(stopping.time, "perf_counter", lambda: now[0])
    wish = Stopping()
    assert not wish.wanted
    wish.request()
    now[0] = 0.9 * stopping.GRACE
    wish.request()
    assert not wish.overdue
    now[0] = 1.1 * stopping.GRACE
    assert wish.overdue
    wish.cancel()
    assert not wish.overdue


def stopped(solve):
    """Runs that are stopped as soon as they begin."""

    def run(session, *arguments):
        session.stop()
        yield from solve(session, *arguments)

    return run


def test_the_status_says_that_the_earlier_result_is_shown(cube, no_grace, monkeypatch):
    explorer = mf.explore(cube, k=3)
    explorer.wait(60)
    entries, solve = len(explorer.history.entries), Session._solve
    monkeypatch.setattr(Session, "_solve", stopped(solve))
    explorer.controls.set(k=4)
    explorer.wait(60)
    header = explorer.view.encoded["header"]
    assert header["final"]
    assert header["status"]["text"] == "stopped before the first picture of these settings: the last result is shown"
    assert len(header["labels"]) == 3
    assert len(explorer.history.entries) == entries
    monkeypatch.setattr(Session, "_solve", solve)
    explorer.controls.set(sparsity=1e-3)
    explorer.wait(60)
    assert explorer.view.encoded["header"]["status"]["text"] == ""
    assert explorer.result.abundances.sizes["component"] == 4
    explorer.close()


def test_an_explorer_without_a_first_picture_refuses_a_result(cube, no_grace, monkeypatch):
    solve = Session._solve
    monkeypatch.setattr(Session, "_solve", stopped(solve))
    explorer = mf.explore(cube, k=3)
    with pytest.raises(RuntimeError, match="stopped before its first picture"):
        explorer.wait(60)
    with pytest.raises(RuntimeError, match="there is no result, since the first run was stopped"):
        _ = explorer.result
    assert "stopped before its first picture" in explorer._error.value
    monkeypatch.setattr(Session, "_solve", solve)
    explorer.controls.set(k=2)
    explorer.wait(60)
    assert explorer.result.outcome is Outcome.CONVERGED
    assert explorer._error.value == ""
    explorer.close()


def test_bands_end_at_a_stop(cube):
    session, seen = Session(cube), []
    for solved in session.solve(Parameters(3, bands=True)):
        seen.append(solved)
        if session.last.bands is not None:
            session.stop()
    assert seen[-1].bands.lower is None
    assert "replica" in seen[-1].bands.text or "estimating" in seen[-1].bands.text


def stops_after(count):
    """A condition that is true from the given number of checks on, and the number of checks so far."""
    checks = []
    return checks, lambda: bool(checks.append(1)) or len(checks) > count


def counts():
    return np.random.default_rng(0).poisson(3.0, (600, 50)).astype(float)


#: Computations that pass over all rows, or iterate, before a run has its first state.
LONG = {
    "sum of squares": lambda: Dense(np.ones((20000, 50), np.float32)).squared_norm,
    "rows of a subset": lambda: rows_of(Dense(counts()), np.arange(0, 600, 7)),
    "row norms": lambda: Dense(counts()).row_squares,
    "k-means": lambda: group_means(counts().T, 5, 0),
    "preprocessing": lambda: fit_chain(
        xr.DataArray(counts().reshape(20, 30, 50), dims=("y", "x", "mass")), [PoissonScaling(), MeanCentre()]
    ),
}


@pytest.mark.parametrize("name", LONG)
def test_long_computations_can_be_cancelled_in_the_middle(name, monkeypatch):
    monkeypatch.setattr(local, "CACHE_BYTES", 2**14)
    monkeypatch.setattr("mffnb.matrices.dense.CACHE_BYTES", 2**14)
    checks, wanted = stops_after(1)
    with cancellable(wanted), pytest.raises(Cancelled):
        LONG[name]()
    assert len(checks) == 2
