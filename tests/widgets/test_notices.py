"""Honest state: activity, warnings with their cures, typed numbers, failed premises; without a browser."""

from __future__ import annotations

import numpy as np
import pytest

import mffnb as mf
from mffnb.errors import ConvergenceWarning, collected_warnings, warn


@pytest.fixture
def opened():
    made = []
    yield lambda *arguments, **options: made.append(mf.explore(*arguments, **options)) or made[-1]
    for one in made:
        one.close()


def press(explorer, number=0):
    """Click on the action of a warning, as the page does."""
    notice = explorer.view.notices[number]
    content = {"type": "call", "tool": notice["tool"], "arguments": notice["arguments"]}
    explorer.view._receive(explorer.view, content, [])
    explorer.wait(60)


def test_activity_names_the_newest_settings_before_their_first_frame(opened, cube):
    explorer = opened(cube, k=2, tol=0, max_iter=10**7)
    explorer.controls.set(k=3, similarity="kl")
    newest = explorer.view.activity
    assert newest["generation"] == 2
    assert newest["text"] == "k = 3, counts (KL)"
    assert newest["failed"] is False
    assert set(explorer.view.watched) == {one.model_id for one in explorer.controls._value_controls}


def test_a_run_that_ended_early_says_so_and_goes_on_at_a_click(opened, cube):
    explorer = opened(cube, k=3, max_iter=3, tol=1e-9)
    explorer.wait(60)
    (text,) = explorer.notices
    assert text.startswith("stopped at max_iter")
    before = float(explorer.result.trace.objective[-1])
    press(explorer)
    assert float(explorer.result.trace.objective[-1]) < before


def test_a_component_that_is_zero_is_cured_by_a_smaller_k(opened):
    spectra, maps = np.eye(2, 20) + 0.1, np.random.default_rng(0).random((5, 6, 2))
    explorer = opened(maps @ spectra, k=2, sparsity=1000.0, tol=1e-3)
    explorer.wait(60)
    assert any("zero everywhere" in text or "all components are zero" in text for text in explorer.notices)
    explorer.controls.set(sparsity=0.0)
    explorer.wait(60)
    assert not any("zero" in text for text in explorer.notices)


def test_negative_data_are_warned_of(opened):
    explorer = opened(np.random.default_rng(0).normal(0.2, 1.0, (6, 8, 20)), k=2, max_iter=5000)
    explorer.wait(60)
    assert any("is negative" in text for text in explorer.notices)


def test_a_failed_premise_shows_no_picture_and_its_cure(opened):
    explorer = opened(np.random.default_rng(0).normal(1.0, 1.0, (6, 8, 20)), k=2, similarity="kl")
    with pytest.raises(ValueError, match="is for counts"):
        explorer.wait(60)
    assert explorer.view.encoded == {}
    assert explorer.view.activity["failed"] is True
    assert explorer.notices == ["Least squares takes data of any sign."]
    press(explorer)
    assert explorer.controls.parameters.similarity == "frobenius"
    assert explorer.view.activity["failed"] is False
    explorer.controls.set(similarity="kl")
    with pytest.raises(ValueError, match="is for counts"):
        explorer.wait(60)
    assert explorer.view.notices[0]["action"] == "Return to the settings of the picture"
    press(explorer)
    assert explorer.controls.parameters.similarity == "frobenius"
    assert not explorer.view.activity["failed"]


def few_counts():
    rng, position = np.random.default_rng(0), np.linspace(0, 1, 40)
    spectra = 0.3 + np.exp(-(((position - np.array([[0.2], [0.5], [0.8]])) / 0.25) ** 2))
    return rng.poisson(8 * rng.dirichlet(np.full(3, 0.8), (12, 16)) @ spectra).astype(float)


@pytest.mark.parametrize("weights", [None, "equal"])
def test_search_for_the_volume_reports_its_runs(opened, weights):
    explorer = opened(few_counts(), k=3, weights=weights)
    explorer.wait(60)
    seen = []
    show = explorer.view.show
    explorer.view.show = lambda frame: (seen.append(frame.status), show(frame))[1]
    explorer.controls.set(volume="auto")
    explorer.wait(120)
    running = [one for one in seen if "searching the smallest volume" in one["text"]]
    shares = [one["progress"] for one in running]
    assert running
    assert shares == sorted(shares)
    assert all(0 <= share <= 1 for share in shares)
    assert seen[-1]["progress"] is None


def test_typed_number_takes_effect_exactly_and_survives_undo(opened, cube):
    explorer = opened(cube, k=2, tol=1e-3)
    explorer.wait(60)
    runs = []
    explorer.controls.on_change(lambda: runs.append(1))
    explorer.set_number("sparsity", 0.01234)
    explorer.wait(60)
    assert runs == [1]
    assert explorer.result.parameters["sparsity"] == 0.01234
    explorer.controls.set(sparsity=0.5)
    explorer.wait(60)
    explorer.undo()
    explorer.wait(60)
    assert explorer.controls.parameters.sparsity == 0.01234
    for value, message in ((-1.0, "must be a finite number >= 0"), (float("nan"), "must be a finite number")):
        with pytest.raises(ValueError, match=message):
            explorer.set_number("sparsity", value)
    with pytest.raises(ValueError, match="there is no slider 'sparsty': use sparsity"):
        explorer.set_number("sparsty", 1.0)
    with pytest.raises(ValueError, match="volume: Disabled: the volume depends on the scale"):
        explorer.set_number("volume", 1.0)


def test_collected_warnings_are_not_issued():
    with collected_warnings() as found:
        warn("a loose fit", ConvergenceWarning)
    assert found == [("a loose fit", ConvergenceWarning)]
    with pytest.warns(ConvergenceWarning, match="a loose fit"):
        warn("a loose fit", ConvergenceWarning)
