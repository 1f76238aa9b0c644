"""How far each spectrum could turn: computed in the background, shown on the page, left when a control moves."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

import mffnb as mf
from mffnb.unmixing.result import Unmixing


def mixed(k=3, noise=0.003, seed=0):
    rng = np.random.default_rng(seed)
    A = 0.1 + 0.7 * rng.dirichlet(np.ones(k), (8, 9))
    return A @ (0.3 + rng.random((k, 20))) + noise * rng.standard_normal((8, 9, 20))


@pytest.fixture
def explorer():
    made = mf.explore(mixed(), k=3)
    made.wait()
    yield made
    made.close()


def shown(explorer):
    return explorer._fit._tools.values("freedom")


def searched(explorer):
    """What the page shows after the search of the present answer."""
    explorer.wait()
    explorer._fit.live_freedom.wait(60)
    return shown(explorer)


def test_the_bands_come_by_themselves_and_are_those_of_the_result(explorer):
    values = searched(explorer)
    found = explorer.result.freedom
    assert values["complete"]
    np.testing.assert_allclose(values["degrees"], np.ceil(np.rad2deg(found.angle)))
    ends = np.asarray(values["ends"]).reshape(2, 3, 20)
    np.testing.assert_array_equal(ends[0], found.lower)
    np.testing.assert_array_equal(ends[1], found.upper)
    assert values["text"] == str(found)
    assert explorer.history.steps == (0, 0)


def test_the_answer_that_was_searched_is_not_computed_again(explorer, monkeypatch):
    searched(explorer)
    monkeypatch.setattr(Unmixing, "_freedom_steps", None)
    assert len(explorer.result.freedom.angle) == 3


def test_it_follows_the_settings_and_the_order(explorer):
    before = searched(explorer)
    explorer.reorder([2, 0, 1])
    explorer.controls.set(k=2)
    after = searched(explorer)
    assert after["generation"] == explorer.view.encoded["header"]["generation"] > before["generation"]
    found = explorer.result.freedom
    np.testing.assert_array_equal(after["degrees"], found.in_degrees)
    assert sorted(after["numbers"]) == sorted(explorer.result.endmembers["component"].values)


def test_the_switch_is_one_step_of_the_history_and_stops_the_search(explorer):
    searched(explorer)
    explorer.freedom(shown=False)
    assert explorer.view.freedom_bands is False
    before = shown(explorer)
    explorer.controls.set(k=2)
    assert searched(explorer) is before  # nothing was searched
    explorer.undo()
    explorer.wait()
    explorer.undo()
    assert explorer.view.freedom_bands is True
    assert searched(explorer)["generation"] == explorer.view.encoded["header"]["generation"]


def test_python_gets_the_complete_range_at_once(explorer):
    explorer._fit.live_freedom.pause()
    found = explorer.freedom()
    assert shown(explorer)["text"] == str(found)
    assert shown(explorer)["complete"]


def test_a_model_without_freedom_says_so():
    made = mf.explore(np.exp(-mixed()), k=2, tol=1e-3)
    made.wait()
    made._fit.live_freedom.wait(60)

    def refused(self, image):
        raise mf.errors.UnsupportedCombinationError("leave out transform")
        yield

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Unmixing, "_freedom_steps", refused)
        made.controls.set(k=3)
        made.wait()
        with pytest.raises(mf.errors.UnsupportedCombinationError):
            made._fit.live_freedom.wait(60)
    assert (shown(made)["text"], shown(made)["numbers"]) == ("leave out transform", [])
    made.close()


def test_a_search_is_left_within_some_steps_and_does_not_delay_the_next_run(explorer, monkeypatch):
    steps, moved = [], threading.Event()

    def endless(self, image):
        while True:
            time.sleep(0.002)
            steps.append(moved.is_set())
            yield None

    searched(explorer)
    monkeypatch.setattr(Unmixing, "_freedom_steps", endless)
    explorer.controls.set(k=2)
    explorer.wait()
    while not steps:
        time.sleep(0.01)
    explorer._fit.live_freedom.pause()
    moved.set()
    explorer._fit.live_freedom.wait(5)
    assert sum(steps) <= 2


def test_the_range_grows_while_the_search_goes_on():
    result = mf.unmix(mixed(k=4), 4, random_state=0)
    widths = [float((found().upper - found().lower).sum()) for found in result.growing_freedom() if found is not None]
    assert len(widths) > 4
    assert (np.diff(widths) >= -1e-12).all()
    assert widths[-1] > widths[0]
    complete = mf.unmix(mixed(k=4), 4, random_state=0).freedom
    np.testing.assert_array_equal(result.freedom.upper, complete.upper)
    np.testing.assert_array_equal(result.freedom.angle, complete.angle)
