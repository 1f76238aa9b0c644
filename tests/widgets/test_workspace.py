"""Workspaces of the explorer in its history: regions, pins, tools and the view are undone, also while a run goes on."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.solvers import Outcome, State
from mffnb.widgets import history
from mffnb.widgets.answer_of_code import origin_lines
from mffnb.widgets.equality import same
from mffnb.widgets.session.parameters import Parameters
from mffnb.widgets.session.session import Session
from mffnb.widgets.session.solved import Solved
from mffnb.widgets.workspace import Workspace, bytes_of

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")
UPPER = [(0, 0), (0, 1), (0.5, 1), (0.5, 0)]


@pytest.fixture
def explorer(cube):
    opened = mf.explore(cube, k=2, tol=1e-3)
    opened.wait(60)
    yield opened
    opened.close()


@pytest.fixture
def held_run(monkeypatch):
    """Returns a function that lets the next runs wait until the event that it returns is set."""

    def hold():
        going, solve = threading.Event(), Session._solve

        def waiting(self, parameters, tier):
            for solved in solve(self, parameters, tier):
                while not going.wait(0.01):
                    yield None
                yield solved

        monkeypatch.setattr(Session, "_solve", waiting)
        return going

    return hold


def steps(explorer):
    return dict(explorer.view.tool_undo)


def undone(explorer, times=1):
    for _ in range(times):
        explorer.undo()
    explorer.wait(60)


def test_regions_are_undone_one_by_one_with_their_curves(explorer):
    explorer.region(outline=UPPER)
    explorer.region(outline=[(0, 0), (0, 1), (1, 1), (1, 0)], name="all")
    explorer.rename_region("R1", "upper")
    explorer.drop_region(name="all")
    assert steps(explorer) == {"earlier": 4, "later": 0}
    undone(explorer)
    assert [*explorer.regions] == ["upper", "all"]
    undone(explorer)
    assert [*explorer.regions] == ["R1", "all"]
    assert [one["name"] for one in explorer.view.tool_region["regions"]] == ["R1", "all"]
    undone(explorer, 2)
    assert explorer.regions == {}
    assert explorer.view.tool_region == {}
    assert steps(explorer) == {"earlier": 0, "later": 4}


def test_pins_and_their_radius_are_undone_but_a_pointer_that_moves_is_no_step(explorer):
    explorer.probe(pixel=(2, 3))
    explorer.probe(pixel=(4, 1), pinned=False)
    explorer.probe(pixel=(2, 3), radius=2)
    explorer.probe(pixel=(4, 1), pinned=False)
    assert steps(explorer) == {"earlier": 2, "later": 0}
    undone(explorer)
    assert explorer.pins["P1"].radius == 0
    undone(explorer)
    assert explorer.pins == {}
    explorer.redo()
    assert [one["pixel"] for one in explorer.view.tool_drop_pin["pins"]] == [[2, 3]]


def test_overlay_opacity_weights_band_and_kept_answers_are_undone(explorer, cube):
    survey = cube.sum("energy").rename("survey")
    explorer.composite(over=survey)
    explorer.composite(opacity=0.2)
    explorer.composite(weights={0: 0.5})
    explorer.band(405, 410)
    explorer.band(415, 420)
    explorer.keep("A")
    undone(explorer)
    assert explorer.kept == {}
    undone(explorer)
    assert explorer.view.tool_band["ends"] == [406.0, 410.0]
    undone(explorer)
    assert explorer.view.tool_band == {}
    undone(explorer)
    assert explorer.view.encoded["header"]["weights"] == [1, 1]
    undone(explorer)
    assert explorer.view.tool_composite["opacity"] == 0.7
    undone(explorer)
    assert explorer.overlays == {}


def test_a_call_that_changes_nothing_is_no_step_and_several_in_one_gesture_are_one(explorer):
    explorer.region(outline=UPPER, name="upper")
    explorer.region(outline=UPPER, name="upper")
    explorer.show()
    explorer.residual_map()
    explorer.residual_map()
    for compute in (explorer.mean_spectrum, explorer.band, explorer.scatter):
        compute(shown=False)
    with pytest.raises(ValueError, match="no pixel"):
        explorer.region(outline=[(0.01, 0.01), (0.01, 0.02), (0.02, 0.02)])
    assert steps(explorer) == {"earlier": 2, "later": 0}
    with explorer.gesture():
        explorer.rename(0, "lignin")
        explorer.probe(pixel=(1, 1))
        explorer.view.color_map = "gray"
    assert steps(explorer) == {"earlier": 3, "later": 0}
    undone(explorer)
    assert (dict(explorer.names), explorer.pins, explorer.view.color_map) == ({}, {}, "component")


def test_a_gesture_comes_with_the_run_that_it_starts(explorer):
    explorer.region(outline=UPPER, name="upper")
    explorer.leave_out("upper")
    explorer.wait(60)
    explorer.region(outline=[(0.5, 0), (0.5, 1), (1, 1), (1, 0)], name="lower")
    explorer.fix(0, "lower")
    explorer.wait(60)
    explorer.rename_region("lower", "pure")
    explorer.wait(60)
    assert [one.words for one in explorer.settings.fixed] == ["component 0 absent in pure"]
    undone(explorer, 3)
    explorer.rename_region("upper", "dust")
    explorer.wait(60)
    assert explorer.settings.area.as_dict() == {"left_out": ["dust"], "only": []}
    undone(explorer)
    assert ([*explorer.regions], [*explorer.settings.area.left_out]) == (["upper"], ["upper"])
    undone(explorer)
    assert explorer.settings.area is None
    explorer.region(outline=UPPER, name="second")
    with pytest.raises(ValueError, match="already"):
        explorer.rename_region("second", "upper")
    with pytest.raises(KeyError, match="no region 'none'"):
        explorer.rename_region("none", "some")


def test_gestures_during_a_run_are_undone_while_it_goes_on(explorer, held_run):
    going = held_run()
    explorer.controls.set(k=3)
    explorer.region(outline=UPPER)
    explorer.probe(pixel=(2, 3))
    assert not explorer.settled
    explorer.undo()
    assert (explorer.pins, [*explorer.regions], explorer.controls.k.value) == ({}, ["R1"], 3)
    assert not explorer.settled
    explorer.redo()
    assert [*explorer.pins] == ["P1"]
    explorer.undo()
    going.set()
    explorer.wait(60)
    assert [len(entry.workspace.regions) for entry in explorer.history.entries] == [0, 0, 1, 1]
    assert [entry.parameters.k for entry in explorer.history.entries] == [2, 3, 3, 3]
    assert steps(explorer) == {"earlier": 2, "later": 1}
    explorer.redo()
    assert [*explorer.pins] == ["P1"]
    undone(explorer, 3)
    assert (explorer.controls.k.value, explorer.regions) == (2, {})


def test_undo_of_a_run_that_goes_on_returns_to_the_last_answer(explorer, held_run):
    before = explorer.result
    explorer.region(outline=UPPER)
    going = held_run()
    explorer.controls.set(k=3)
    explorer.undo()
    explorer.wait(60)
    going.set()
    assert (explorer.controls.k.value, [*explorer.regions]) == (2, ["R1"])
    xr.testing.assert_identical(explorer.result.endmembers, before.endmembers)
    undone(explorer)
    assert explorer.regions == {}


def test_a_thumbnail_stands_for_an_answer_and_returns_to_its_last_gesture(explorer):
    explorer.rename(0, "first")
    explorer.probe(pixel=(1, 1))
    explorer.controls.set(k=3)
    explorer.wait(60)
    shown = explorer.view.tool_show_history
    assert [(one["position"], one["change"]) for one in shown["entries"]] == [(2, "k = 2"), (3, "k = 3")]
    assert shown["position"] == 3
    explorer.go_to(2)
    explorer.wait(60)
    assert (dict(explorer.names), [*explorer.pins]) == ({0: "first"}, ["P1"])
    explorer.undo()
    assert explorer.view.tool_show_history["position"] == 2  # the thumbnail of the same answer


def test_sliders_without_effect_return_to_their_positions(explorer):
    explorer.controls.set(sparsity=0.1)
    explorer.wait(60)
    explorer.controls.set(sum_to_one=True)
    explorer.wait(60)
    explorer.controls.set(k=3)
    explorer.wait(60)
    undone(explorer)
    assert explorer.controls.sparsity.value == 0.1
    explorer.controls.set(sum_to_one=False)
    assert explorer.settings.sparsity == 0.1


def test_the_history_shares_what_no_gesture_has_changed_and_is_limited(explorer, monkeypatch, cube):
    explorer.composite(over=cube.sum("energy"))
    explorer.residual_map()
    for number in range(6):
        explorer.rename(0, f"name {number}")
    shown = {id(entry.workspace.overlays["composite"]) for entry in explorer.history.entries[1:]}
    assert len(shown) == 1
    monkeypatch.setattr(history, "_MOST", 4)
    explorer.rename(0, "last")
    assert len(explorer.history.entries) == 4
    assert steps(explorer) == {"earlier": 3, "later": 0}
    undone(explorer, 3)
    assert explorer.names[0] == "name 3"


def test_memory_of_a_workspace_counts_its_arrays_and_not_the_cube(explorer, cube):
    explorer.keep("A")
    explorer.residual_map()
    workspace = explorer._fit._workspace()
    answer = explorer.kept["A"]
    assert bytes_of(answer) == answer.abundances.nbytes + answer.endmembers.nbytes < cube.nbytes
    sizes = [bytes_of(part) for part in workspace.parts]
    assert sum(sizes) >= bytes_of(answer) + 60  # the residual map has a byte for each of 6 x 10 pixels


def test_equality_is_to_the_bit():
    one = Workspace(style={"clip": 0.1})
    assert same(one, Workspace(style={"clip": 0.1}))
    assert not same(one, Workspace(style={"clip": 0.1 + 1e-17 + 1e-16}))
    assert not same({"a": 1}, {"a": True})
    assert same([np.array([np.nan])], [np.array([np.nan])])
    assert not same(np.zeros(2), np.zeros(2, dtype=np.float32))


def commented(explorer):
    return " ".join(line[2:] for line in explorer.code(shown=False).splitlines() if line.startswith("# "))


def test_code_says_by_what_angle_its_answer_differs_from_a_merged_picture(explorer):
    assert commented(explorer) == ""  # the first run starts from the data, as the code does
    explorer.controls.set(k=3)
    explorer.wait(60)
    explorer.merge(0, 2)
    explorer.wait(60)
    merged = explorer.result.endmembers
    assert "k = 3" not in commented(explorer)
    explorer.undo()
    explorer.wait(60)
    assert "explorer.rerun() shows its answer" in commented(explorer)
    shown = explorer.result.endmembers
    explorer.rerun()
    explorer.wait(60)
    assert commented(explorer) == ""
    fresh = explorer.result.endmembers
    explorer.undo()
    explorer.wait(60)
    xr.testing.assert_identical(explorer.result.endmembers, shown)
    cosine = (shown * fresh).sum("energy") / np.sqrt((shown**2).sum("energy") * (fresh**2).sum("energy"))
    largest = np.degrees(np.arccos(np.minimum(cosine, 1))).max()
    assert f"differ by up to {float(largest):.3g} degrees" in commented(explorer)
    assert len(merged) == 2


@pytest.mark.parametrize(
    ("outcome", "words"), [(Outcome.RUNNING, ""), (Outcome.CONVERGED, ""), (Outcome.STOPPED, "was stopped")]
)
def test_code_of_a_run_from_the_data_needs_no_excuse_unless_it_was_stopped(outcome, words):
    state = State(3, np.ones((2, 4)), np.ones((2, 5)), 1.0, 0.1, 0.1, 0.0, outcome=outcome)
    shown = Solved(state, (0, 1), Parameters(k=2), data=None, from_data=True)
    lines = origin_lines(shown, [])
    assert bool(lines) == bool(words)
    assert words in " ".join(lines)


def test_a_line_that_is_moved_is_no_step_before_its_end(explorer):
    """The page sends values of a moving line beside those of its end, sometimes after them."""
    line = [[0.1, 0.1], [0.6, 0.6]]
    explorer.profile(line=line, width=0.5)
    before = steps(explorer)
    explorer.profile(line=line, width=0.7, moving=True)
    explorer.profile(line=line, width=0.5)
    assert steps(explorer) == before
    explorer.undo()
    assert explorer.profile() is None
