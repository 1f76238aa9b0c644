"""Suggested settings in the explorer: at the opening without k, and as a list with buttons."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

import mffnb as mf
from mffnb.unmixing.suggestion.suggestion import Reason
from mffnb.widgets import suggested_opening as opening
from mffnb.widgets.tools import suggest as tool

COUNTS = mf.datasets.tof_sims_2d(seed=0, shape=(24, 32)).cube
COMPACT = mf.datasets.cits_pnictide(seed=0, shape=(20, 24, 60)).cube


@pytest.fixture
def explore():
    opened = []
    yield lambda *arguments, **options: opened.append(mf.explore(*arguments, **options)) or opened[-1]
    for one in opened:
        one.close()


def shown(explorer):
    return explorer.shown_values("suggest")


def rows(explorer):
    return {row["setting"]: row for row in shown(explorer)["reasons"]}


# --------------------------------------------------------------------------------------------- opening without k


@pytest.mark.parametrize("cube", [COUNTS, COMPACT], ids=["counts", "compact"])
def test_without_k_it_opens_with_the_settings_of_unmix(explore, cube):
    explorer = explore(cube, max_iter=20)
    suggested = mf.suggest(cube).settings
    settings = explorer.settings.as_dict()
    assert suggested["k"] == settings["k"]
    assert suggested.get("volume", 0.0) == settings["volume"]
    assert suggested.get("weights") == explorer.session.source.task.weights
    explorer.wait()
    assert explorer.notices[0] == f"opened with {mf.suggest(cube).line}, which the data suggest"


def test_the_line_goes_when_other_settings_are_in_force_and_returns_with_them(explore):
    explorer = explore(COMPACT, max_iter=20)
    explorer.wait()
    explorer.controls.set(k=2)
    explorer.wait()
    assert not any("opened with" in one for one in explorer.notices)
    explorer.undo()
    explorer.wait()
    assert "opened with" in explorer.notices[0]


def test_settings_of_the_user_are_kept(explore):
    explorer = explore(COMPACT, sparsity=1e-3, max_iter=20)
    assert explorer.settings.sparsity == 1e-3
    assert explorer.settings.volume == 0.0
    own = explore(COUNTS, similarity="kl", max_iter=20)
    assert own.settings.similarity == "kl"
    assert own.session.source.task.weights is None


def test_with_k_nothing_is_suggested(explore):
    explorer = explore(COMPACT, k=2, max_iter=20)
    explorer.wait()
    assert explorer.settings.volume == 0.0
    assert not any("suggest" in one for one in explorer.notices)


def test_engines_get_no_preprocessing_and_the_line_says_so():
    picture = mf.datasets.tof_sims_2d(seed=0, shape=(96, 96)).cube.sum("mz")
    alone, line = opening.suggested_opening(picture, {})
    spread, note = opening.suggested_opening(picture, {"cluster": object()})
    assert "preprocess" in alone
    assert "left out" not in line["text"]
    assert "preprocess" not in spread
    assert "preprocess=" in note["text"].split("; ")[1]
    assert "action" not in note


# ----------------------------------------------------------------------------------------- the list and its buttons


def test_the_list_has_all_reasons_and_doubts(explore):
    explorer = explore(COUNTS, k=5, max_iter=20)
    found = explorer.suggest()
    values = shown(explorer)
    assert [row["text"] for row in values["reasons"]] == [reason.text for reason in found.reasons]
    assert values["doubts"] == list(found.doubts)
    assert rows(explorer)["k"]["value"] == found.settings["k"] != explorer.settings.k
    assert "value" not in rows(explorer)["weights"]
    assert rows(explorer)["weights"]["given"] is False
    weighted = explore(COUNTS, k=2, weights="poisson", max_iter=20)
    weighted.suggest()
    assert rows(weighted)["weights"]["given"] is True


def test_a_setting_is_applied_alone_and_undone_in_one_step(explore):
    explorer = explore(COMPACT, k=2, max_iter=20)
    explorer.wait()
    found = explorer.suggest()
    assert explorer.settings.k == 2  # nothing is applied by itself
    explorer.apply_suggestion("k")
    explorer.wait()
    assert (explorer.settings.k, explorer.settings.volume) == (found.settings["k"], 0.0)
    explorer.apply_suggestion("volume")
    explorer.wait()
    assert explorer.settings.volume == found.settings["volume"] == "auto"
    explorer.undo()
    assert (explorer.settings.k, explorer.settings.volume) == (found.settings["k"], 0.0)
    explorer.undo()
    assert explorer.settings.k == 2
    assert shown(explorer)["shown"] is True


def test_a_weight_is_set_exactly_and_not_to_a_step_of_its_slider(explore, monkeypatch):
    explorer = explore(COMPACT, k=3, max_iter=20)
    reason = Reason("smoothness", "noise of maps could fall", 0.3, {"smoothness": 0.012345}, optional=True)
    found = replace(mf.suggest(COMPACT), reasons=(reason,))
    monkeypatch.setattr(tool, "suggestion_of", lambda *_arguments, **_options: found)
    explorer.apply_suggestion("smoothness")
    assert explorer.settings.smoothness == 0.012345
    explorer.wait()
    explorer.undo()
    assert explorer.settings.smoothness == 0.0


def test_what_cannot_be_applied_is_refused_with_what_to_do(explore):
    explorer = explore(COUNTS, k=3, max_iter=20)
    with pytest.raises(ValueError, match=r"mf\.explore\(cube, weights='poisson'\)"):
        explorer.apply_suggestion("weights")
    with pytest.raises(ValueError, match="nothing is suggested for 'sparsity': use one of k, "):
        explorer.apply_suggestion("sparsity")
    explorer.controls.set(volume="auto")
    with pytest.raises(ValueError, match="switch auto off"):
        explorer.apply_suggestion("sum_to_one")


def test_the_page_does_not_wait(explore, monkeypatch):
    computed, may_go = tool.suggestion_of, threading.Event()

    def slow(*arguments, **options):
        may_go.wait(60)
        return computed(*arguments, **options)

    monkeypatch.setattr(tool, "suggestion_of", slow)
    explorer = explore(COMPACT, k=2, max_iter=20)
    explorer._fit._call("suggest", {"wait": False})
    assert shown(explorer)["busy"] is True
    (worker,) = (one for one in threading.enumerate() if one.name == "mffnb-suggest")
    may_go.set()
    worker.join(60)
    assert shown(explorer)["busy"] is False
    assert rows(explorer)["k"]["value"] == 3
    explorer._fit._call("suggest", {"shown": False, "wait": False})
    assert shown(explorer)["shown"] is False


def test_an_error_in_the_background_is_shown(explore, monkeypatch):
    def fail(*_arguments, **_options):
        raise ValueError("no pixel is left")

    monkeypatch.setattr(tool, "suggestion_of", fail)
    explorer = explore(COMPACT, k=2, max_iter=20)
    explorer._fit._call("suggest", {"wait": False})
    for one in threading.enumerate():
        if one.name == "mffnb-suggest":
            one.join(60)
    assert shown(explorer)["error"] == "no settings can be suggested: no pixel is left"


def test_it_examines_the_pixels_and_steps_of_the_fit(explore):
    explorer = explore(COMPACT, k=2, preprocess=[mf.preprocessing.Bin(2)], max_iter=20)
    explorer.wait()
    binned = explorer.suggest()
    explorer.apply(steps=(False,))
    assert explorer.suggest() is not binned
    assert shown(explorer)["steps"] == [False]


def test_it_examines_the_regions_that_are_left(explore):
    explorer = explore(COMPACT, k=2, max_iter=20)
    explorer.wait()
    mask = np.zeros((20, 24), dtype=bool)
    mask[:8, :8] = True
    explorer.leave_out(explorer.region(mask=mask).name)
    explorer.leave_out_channels(between=tuple(COMPACT[COMPACT.dims[-1]].values[[3, 9]]))
    used = explorer.suggest().settings["mask"]
    assert [int((~one).sum()) for one in used] == [64, 7]
    assert shown(explorer)["line"] == "k=3, volume='auto'"  # mask is no suggestion
    assert shown(explorer)["pixels"] == explorer.settings.as_dict()["pixels"]


def test_the_list_is_outdated_when_a_region_of_the_same_name_is_redrawn(explore):
    explorer = explore(COMPACT, k=3, max_iter=20)
    explorer.region(outline=[(0.0, 0.0), (0.0, 0.5), (0.5, 0.5), (0.5, 0.0)], name="R1")
    explorer.fit_only("R1")
    explorer.wait()
    before = explorer.suggest()
    examined = shown(explorer)["pixels"]
    assert examined == explorer.view.encoded["header"]["parameters"]["pixels"]
    explorer.region(outline=[(0.2, 0.2), (0.2, 1.0), (1.0, 1.0), (1.0, 0.2)], name="R1")
    explorer.wait()
    assert explorer.view.encoded["header"]["parameters"]["pixels"] != examined == shown(explorer)["pixels"]
    assert explorer.suggest() is not before
    assert explorer.view.encoded["header"]["parameters"]["pixels"] == shown(explorer)["pixels"]
    explorer.undo()
    explorer.wait()
    assert explorer.view.encoded["header"]["parameters"]["pixels"] == examined
