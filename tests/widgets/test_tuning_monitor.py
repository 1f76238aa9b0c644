"""Tuning monitor without a browser: progress, selection of a trial, stop, resume, explorer."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import mffnb as mf
from mffnb.tuning import BIC, Ended, tune

SPACE = {"sparsity": (1e-3, 1.0), "smoothness": (1e-3, 1.0)}


@pytest.fixture(scope="module")
def cube():
    return mf.datasets.tof_sims_2d(seed=0, shape=(8, 12)).cube[..., ::15]


def strong_fails(result):
    weight = result.parameters["sparsity"]
    if weight > 0.3:
        raise RuntimeError("too <strong>")
    return weight


@pytest.fixture
def opened(cube):
    made = []

    def build(*arguments, **options):
        options = {"k": 3, "max_evals": 6, "algorithm": "random", **options}
        made.append(mf.TuningMonitor(cube, *(arguments or (SPACE, BIC())), **options))
        return made[-1]

    yield build
    for monitor in made:
        monitor.close()


@pytest.mark.slow
def test_trials_equal_those_of_tune_on_any_executor(cube, opened):
    expected = tune(cube, SPACE, BIC(), k=3, max_evals=6, algorithm="random").trials
    alone = opened()
    with ThreadPoolExecutor(2) as pool:
        shared = opened(executor=pool)
        for monitor in (alone, shared):
            monitor.wait(120)
            assert monitor.search.trials == monitor.trials == expected
            assert monitor.search.ended is Ended.FINISHED
    assert alone.trial == alone.search.best
    assert "6 of 6 trials" in alone._board.text.value
    assert "all trials are done" in alone._board.text.value


def test_selected_trial_shows_the_maps_of_its_settings(cube, opened):
    monitor = opened()
    monitor.wait(120)
    monitor.choose(2)
    monitor.wait(60)
    expected = mf.unmix(cube, 3, **monitor.trial.settings, random_state=0)
    np.testing.assert_allclose(
        np.sort(monitor.result.abundances.values, axis=0), np.sort(expected.abundances.values, axis=0), atol=1e-6
    )
    header = monitor.view.encoded["header"]
    assert header["parameters"]["trial"] == 2
    assert monitor.picture.chosen == 2
    assert "sparsity" in monitor._board.description.value
    fits = monitor._fits._pool
    monitor._fits._pool = None  # cached results are not fitted again
    monitor.best.click()
    monitor.wait(60)
    monitor.choose(2)
    monitor.wait(60)
    monitor._fits._pool = fits
    assert monitor.view.encoded["header"]["parameters"]["trial"] == 2


@pytest.mark.slow
def test_components_keep_their_colour_between_trials(opened):
    monitor = opened()
    monitor.wait(120)
    monitor.choose(0)
    monitor.wait(60)
    before = monitor.result
    for number in (3, 5):
        monitor.choose(number)
        monitor.wait(60)
        angles = mf.selection.spectral_angles(before.endmembers.values, monitor.result.endmembers.values)
        assert np.trace(angles) == pytest.approx(min(np.trace(angles[:, list(p)]) for p in _orders()))


def _orders():
    return [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]


def test_figure_has_a_region_for_each_trial_in_all_axes(opened):
    space = {"sparsity": [0.1, 0.2, 0.4, 0.8], "smoothness": [0.01, 0.1]}
    monitor = opened(space, strong_fails, algorithm="grid", max_evals=8)
    monitor.wait(120)
    failed = [number for number, trial in enumerate(monitor.trials) if trial.failed]
    assert failed == [4, 5, 6, 7]
    spots = {spot["value"]: spot for spot in monitor.picture.spots}
    assert sorted(spots) == list(range(8))
    for number, spot in spots.items():
        assert len(spot["boxes"]) == (2 if number in failed else 3)
        assert ("failed: RuntimeError: too <strong>" in spot["label"]) == (number in failed)
    assert f"{len(failed)} failed" in monitor.picture.shown["alt"]
    assert f"{len(failed)} failed" in monitor._board.text.value
    monitor.choose(failed[0])
    monitor.wait(60)
    assert "failed: RuntimeError: too &lt;strong&gt;" in monitor._board.description.value
    assert monitor.view.encoded == {}
    assert monitor._board.explore_button.disabled
    with pytest.raises(ValueError, match="failed: RuntimeError"):
        _ = monitor.result
    monitor.best.click()
    monitor.wait(60)
    assert not monitor._board.explore_button.disabled


def slow(result):
    time.sleep(0.05)
    return result.parameters["sparsity"]


@pytest.mark.slow
def test_stop_keeps_all_trials_and_a_resume_shows_them_immediately(cube, opened, tmp_path):
    path = tmp_path / "search.jsonl"
    monitor = opened(SPACE, slow, max_evals=200, path=path)
    some = threading.Event()
    monitor.picture.observe(lambda change: len(change.new["spots"]) >= 2 and some.set(), "shown")
    assert some.wait(60)
    monitor.stop()
    monitor.wait(60)
    kept = monitor.trials
    assert 2 <= len(kept) < 200
    assert monitor.search.ended is Ended.STOPPED
    assert "all finished trials are kept" in monitor._board.text.value
    monitor.close()
    first = threading.Event()

    def wait(result):
        first.wait(60)
        return slow(result)

    wait.__qualname__ = slow.__qualname__
    again = opened(SPACE, wait, max_evals=len(kept) + 1, path=path)
    shown = threading.Event()
    again.picture.observe(lambda change: len(change.new["spots"]) == len(kept) and shown.set(), "shown")
    assert again.trials == kept or shown.wait(60)
    first.set()
    again.wait(60)
    assert again.trials[:-1] == kept
    assert again.search.ended is Ended.FINISHED


def test_trial_can_be_selected_while_the_search_runs(opened):
    go_on = threading.Event()

    def last_waits(result):
        if result.parameters["sparsity"] > 0.3:
            assert go_on.wait(60)
        return result.parameters["sparsity"]

    monitor = opened({"sparsity": [0.1, 0.2, 0.4]}, last_waits, algorithm="grid", max_evals=3)
    shown = threading.Event()
    monitor.view.observe(lambda change: _trial(change.new) == 1 and shown.set(), "encoded")
    deadline = time.monotonic() + 60
    while len(monitor.trials) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    monitor.choose(1)
    assert shown.wait(60)
    assert len(monitor.trials) == 2
    go_on.set()
    monitor.wait(60)
    assert (len(monitor.trials), monitor.slider.value) == (3, 1)  # the slider stays at the selected trial


def _trial(encoded):
    return encoded.get("header", {}).get("parameters", {}).get("trial")


def test_explorer_starts_from_the_selected_trial(opened):
    monitor = opened({"sparsity": [0.0123, 0.2], "k": [2, 3]}, BIC(), algorithm="grid", max_evals=4, k=None)
    monitor.wait(120)
    monitor.choose(1)
    monitor.wait(60)
    explorer = monitor.explore()
    explorer.wait(60)
    assert explorer.result.parameters["sparsity"] == 0.0123
    assert explorer.result.parameters["k"] == 3
    angles = mf.selection.spectral_angles(monitor.result.endmembers.values, explorer.result.endmembers.values)
    assert np.diag(angles).max() < 0.2
    assert monitor._board.explorer_box.children == (explorer,)


@pytest.mark.slow
def test_staged_search_is_shown_stage_by_stage(cube):
    monitor = mf.TuningMonitor.staged(cube, BIC(), k=3, max_evals=3)
    monitor.wait(120)
    first, second = mf.tuning.staged(cube, BIC(), k=3, max_evals=3)
    assert [stage.trials for stage in monitor.stages] == [first.trials, second.trials]
    assert monitor.search.trials == second.trials
    assert [spot["value"] for spot in monitor.picture.spots] == list(range(6))
    monitor.choose(4)
    assert monitor.trial == second.trials[1]
    monitor.close()


def test_finished_search_can_be_shown(cube):
    found = tune(cube, SPACE, BIC(), k=3, max_evals=3)
    monitor = mf.TuningMonitor(found)
    monitor.wait(60)
    assert monitor.search is found
    monitor.close()
    with pytest.raises(TypeError, match="finished search takes no other arguments"):
        mf.TuningMonitor(found, SPACE)


def test_invalid_arguments_raise_an_error(cube, opened):
    with pytest.raises(ValueError, match="0 < low < high"):
        mf.TuningMonitor(cube, {"sparsity": (0.0, 1.0)})
    with pytest.raises(ValueError, match="searched in log scale"):
        mf.TuningMonitor.staged(cube, sparsity=(0.0, 1.0))
    with pytest.raises(TypeError, match="function of an Unmixing"):
        mf.TuningMonitor(cube, SPACE, "bic")
    monitor = opened(max_evals=1)
    monitor.wait(60)
    with pytest.raises(ValueError, match="there is no trial 5: 1 have finished so far"):
        monitor.choose(5)


def test_error_of_a_foreign_file_is_shown_and_raised(cube, opened, tmp_path):
    path = tmp_path / "search.jsonl"
    tune(cube, SPACE, BIC(), k=3, max_evals=1, path=path)
    monitor = opened(path=path, seed=4, algorithm="tpe")
    with pytest.raises(ValueError, match="another search"):
        monitor.wait(60)
    assert "another search" in monitor._board.error.value


def test_close_ends_all_threads(cube):
    before = set(threading.enumerate())
    monitor = mf.TuningMonitor(cube, SPACE, slow, k=3, max_evals=50)
    while not monitor.stages:
        time.sleep(0.01)
    monitor.close()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        left = {one for one in set(threading.enumerate()) - before if one.name.startswith("mffnb")}
        if not left:
            return
        time.sleep(0.05)
    pytest.fail(f"still running: {left}")
