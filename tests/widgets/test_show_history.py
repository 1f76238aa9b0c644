"""Thumbnails of the history, without a browser."""

from __future__ import annotations

import numpy as np
import pytest

import mffnb as mf
from mffnb.widgets.live_view.thumbnail import SIDE, thumbnail
from mffnb.widgets.session.parameters import Parameters
from mffnb.widgets.session.wording import change_text

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")


@pytest.fixture
def explorer(cube):
    opened = mf.explore(cube, k=2, tol=1e-3)
    opened.wait(60)
    yield opened
    opened.close()


def entries(explorer):
    return explorer.view.tool_show_history["entries"]


def test_each_settled_setting_is_a_thumbnail_and_a_click_returns_to_it(explorer, cube):
    first = explorer.result
    for values in ({"k": 3}, {"sparsity": 0.01}):
        explorer.controls.set(**values)
        explorer.wait(60)
    shown = explorer.view.tool_show_history
    assert [one["change"] for one in shown["entries"]] == ["k = 2", "k = 3", "sparsity 0.01"]
    assert shown["position"] == 2
    height, width = shown["entries"][0]["shape"]
    assert (height, width) == cube.shape[:2]
    assert len(shown["entries"][0]["picture"]) == 3 * height * width
    content = {"type": "call", "tool": "go_to", "arguments": {"position": 0}}
    explorer.view._receive(explorer.view, content, [])
    explorer.wait(60)
    np.testing.assert_array_equal(explorer.result.endmembers, first.endmembers)
    assert explorer.view.tool_show_history["position"] == 0
    assert len(entries(explorer)) == 3
    explorer.show_history(shown=False)
    explorer.controls.set(k=4)
    explorer.wait(60)
    assert entries(explorer) == []
    with pytest.raises(IndexError, match="there is no entry 7"):
        explorer.go_to(7)


def test_brightness_is_that_of_the_largest_map_and_missing_pixels_are_grey():
    maps = np.zeros((2, 3 * SIDE, 2 * SIDE))
    maps[0, :, :SIDE] = 1.0
    maps[1, :, SIDE:] = 5.0
    maps[:, :30, :30] = np.nan
    found = thumbnail(maps, ["#ff8000", "#0000ff"])
    assert found.shape == (SIDE, 2 * SIDE // 3, 3)
    assert found[-1, 0].tolist() == [255, 128, 0]
    assert found[-1, -1].tolist() == [0, 0, 255]
    assert found[0, 0].tolist() == [128, 128, 128]


def test_zero_maps_are_black():
    assert not thumbnail(np.zeros((2, 4, 4)), ["#ffffff", "#ff0000"]).any()


def test_changes_name_what_differs():
    before = Parameters(3, similarity="kl")
    assert change_text(before, Parameters(3)) == "no counts (KL)"
    assert change_text(before, Parameters(4, similarity="kl", sum_to_one=True)) == "k = 4, sum to one"
