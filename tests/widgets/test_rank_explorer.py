"""Rank explorer without a browser: progress, selection, stop, explorer."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import mffnb as mf
from mffnb.selection import scan_rank
from tests.conftest import mixture

OPTIONS = {"n_init": 2, "splits": 1, "random_state": 0}


@pytest.fixture(scope="module")
def cube():
    return mixture(shape=(10, 14))


@pytest.fixture(scope="module")
def scan(cube):
    return scan_rank(cube, range(2, 6), **OPTIONS)


@pytest.fixture(scope="module")
def ranks(scan):
    opened = mf.RankExplorer(scan)
    opened.wait(60)
    yield opened
    opened.close()


def header(widget):
    return widget.view.encoded["header"]


def test_finished_scan_shows_the_recommendation_with_reasons(ranks, scan):
    advice = scan.recommend()
    assert ranks.k == (advice.k or advice.between[0])
    words = ranks._board.description.value
    assert (f"k = {advice.k} is recommended" in words) or "Undetermined" in words
    assert all(reason.split("'")[0] in words for reason in advice.reasons)
    assert (ranks.best.description == "recommended") == (advice.k is not None)
    ranks.choose(5)
    ranks.best.click()
    assert ranks.k == (advice.k or advice.between[0])


@pytest.mark.slow
def test_scan_equals_scan_rank_and_is_updated_while_running(cube, scan):
    ranks = mf.RankExplorer(cube, range(2, 6), **OPTIONS)
    told = []
    ranks._board.text.observe(lambda change: told.append(change.new), "value")
    grown = []
    ranks.criteria.observe(lambda change: grown.append(len(change.new["spots"])), "shown")
    ranks.wait(120)
    np.testing.assert_array_equal(ranks.scan.table.to_numpy(), scan.table.to_numpy())
    assert any("restart" in text for text in told)
    assert "done for k = 2, 3, 4, 5" in told[-1]
    assert grown == sorted(grown)
    assert grown[-1] == 4
    assert ranks._board.bar.value == 1.0
    assert ranks._board.stop_button.disabled
    ranks.close()


def test_selected_k_shows_its_result_and_components_keep_their_colour(ranks, scan):
    palette, families = mf.component_colors(8), scan.lineage().families()
    shown = {}
    for k in (5, 2, 4, 3):
        ranks.choose(k)
        numbers = sorted(families[k])
        ranks.wait(60)
        assert header(ranks)["labels"] == [f"component {number}" for number in numbers]
        assert header(ranks)["colors"] == [palette[number] for number in numbers]
        assert header(ranks)["parameters"]["k"] == k
        assert ranks.result.abundances["component"].values.tolist() == numbers
        assert (ranks.criteria.chosen, ranks.tree.chosen) == (k, k)
        shown[k] = ranks.result
    maps = {int(n): shown[5].abundances.sel(component=n) for n in shown[5].abundances["component"]}
    first = scan.results[5].abundances[families[5].index(0)]
    np.testing.assert_array_equal(maps[0], first)


def test_figures_have_a_region_for_each_k(ranks, scan):
    assert [spot["value"] for spot in ranks.criteria.spots] == [2, 3, 4, 5]
    assert "relative error" in ranks.criteria.spots[0]["label"]
    assert [spot["value"] for spot in ranks.tree.spots] == [2, 3, 4, 5]
    assert str(scan.recommend()) in ranks.criteria.shown["alt"]
    for picture in (ranks.criteria, ranks.tree):
        boxes = np.array([box for spot in picture.spots for box in spot["boxes"]])
        assert (boxes[:, :2] >= -1e-9).all()
        assert (boxes[:, :2] + boxes[:, 2:] <= 1 + 1e-9).all()
        assert (boxes[:, 2:] > 0).all()
    ranks.criteria._receive(None, {"choose": 4}, [])
    assert ranks.k == 4


def test_stop_keeps_finished_results(cube):
    ranks = mf.RankExplorer(cube, range(2, 12), **OPTIONS)
    done = threading.Event()
    ranks.criteria.observe(lambda _: done.set(), "shown")
    assert done.wait(60)
    ranks.stop()
    ranks.wait(60)
    kept = ranks.scan.ks
    assert 1 <= len(kept) < 10
    assert "stopped" in ranks._board.text.value
    assert "from the finished k only" in ranks._board.description.value
    ranks.choose(11)
    with pytest.raises(ValueError, match="k = 11 is not finished yet"):
        _ = ranks.result
    ranks.close()
    assert ranks.scan.ks == kept


def test_explorer_starts_from_the_selected_result(ranks):
    ranks.choose(4)
    answer = ranks.result
    explorer = ranks.explore()
    explorer.wait(60)
    assert ranks.explorer is explorer
    assert explorer.controls.k.value == 4
    assert explorer.result.abundances["component"].values.tolist() == answer.abundances["component"].values.tolist()
    angles = mf.selection.spectral_angles(answer.endmembers.values, explorer.result.endmembers.values)
    assert (angles.argmin(axis=1) == np.arange(4)).all()
    ranks.choose(3)
    other = ranks.explore()
    assert ranks._board.explorer_box.children == (other,)


@pytest.mark.slow
def test_settings_of_the_scan_are_passed_to_the_explorer(cube):
    pixels = np.ones((10, 14), bool)
    pixels[0] = False
    ranks = mf.RankExplorer(cube, [2, 3], n_init=2, splits=0, random_state=0, sparsity=0.01, mask=pixels)
    ranks.wait(60)
    explorer = ranks.explore()
    explorer.wait(60)
    assert explorer.result.parameters["sparsity"] == 0.01
    assert explorer.result.parameters["masked_pixels"] == 14
    ranks.close()


def test_invalid_arguments_raise_an_error(cube, scan):
    with pytest.raises(ValueError, match="whole numbers"):
        mf.RankExplorer(cube, [0, 2])
    with pytest.raises(ValueError, match="lower it"):
        mf.RankExplorer(cube, [99])
    with pytest.raises(TypeError, match="sparseness"):
        mf.RankExplorer(cube, sparseness=1)
    with pytest.raises(TypeError, match="finished scan takes no 'n_init'"):
        mf.RankExplorer(scan, n_init=3)
    ranks = mf.RankExplorer(scan)
    with pytest.raises(ValueError, match="k = 9 is not in this scan: use one of 2, 3, 4, 5"):
        ranks.choose(9)
    ranks.close()


def test_error_is_shown_and_raised(cube, monkeypatch):
    def fail(*_):
        raise RuntimeError("a <bad> thing")

    monkeypatch.setattr("mffnb.selection.scanning.refine_best", fail)
    ranks = mf.RankExplorer(cube, [2], **OPTIONS)
    with pytest.raises(RuntimeError, match="a <bad> thing"):
        ranks.wait(60)
    assert "a &lt;bad&gt; thing" in ranks._board.error.value
    with pytest.raises(ValueError, match="not finished yet"):
        ranks.explore()
    ranks.close()


def test_close_ends_the_thread(cube):
    before = set(threading.enumerate())
    ranks = mf.RankExplorer(cube, range(2, 9), **OPTIONS)
    ranks.close()
    assert not {one for one in set(threading.enumerate()) - before if one.name.startswith("mffnb")}
