"""Property tests over random sequences of gestures: undo, redo, saved sessions and code are equal to the last bit."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import Phase, example, given, note, settings
from hypothesis import strategies as st

import mffnb as mf
from mffnb.widgets import history
from mffnb.widgets.equality import same
from tests.conftest import mixture
from tests.depth import examples
from tests.widgets.gestures import gestures, gestures_of_stacks, make, moment, opened, settle

pytestmark = [
    pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::mffnb.errors.MffnbWarning"),
]
MOVES = ("undo", "redo", "go_to")
# To shrink a sequence of runs takes too long. Sequences are the same in each run, so that a change that breaks one is found
# when it is made.
FOUND = {"phases": (Phase.explicit, Phase.generate), "derandomize": True}


@pytest.fixture(autouse=True, scope="module")
def _each_turn_of_the_wheel_is_one_gesture():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "_ONE_GESTURE", 0.0)
        yield


@st.composite
def sequences(draw, quick, deep, made=gestures):
    """Lists of gestures, longer ones in the deep profile; hypothesis itself prefers short ones."""
    most = deep if settings.get_current_profile_name() == "deep" else quick
    return draw(st.lists(made, min_size=draw(st.integers(1, most)), max_size=most))


def assert_same(found, expected, words):
    assert [name for name in expected if not same(found[name], expected[name])] == [], words


def walk(explorer, seen):
    """Undo everything and redo everything, and compare each state with the one that was seen there."""
    for move, last in ((explorer.undo, 0), (explorer.redo, len(seen) - 1)):
        while explorer.history.position != last:
            move()
            settle(explorer)
            position = explorer.history.position
            assert_same(moment(explorer), seen[position], f"{move.__name__} to {position}")
        with pytest.raises(IndexError):
            move()


@pytest.mark.hypothesis
@pytest.mark.timeout(3600)
@examples(6, **FOUND)
@given(made=sequences(quick=10, deep=200))
@example(made=[("suggest", 0, 1), *(("apply_suggestion", a, 0) for a in range(3)), ("draw", 1, 2), ("suggest", 0, 0)])
def test_each_gesture_is_one_step_and_undo_redo_and_a_saved_session_are_equal_to_the_bit(made):
    check_steps(opened(mixture()), made)


@pytest.mark.hypothesis
@pytest.mark.timeout(3600)
@examples(4, **FOUND)
@given(made=sequences(quick=10, deep=100, made=gestures_of_stacks))
@example(
    made=[(name, 1, 2) for name in ("draw", "section", "orthogonal", "plane", "maximum", "leave_out_channels", "k")]
)
def test_gestures_on_a_stack_are_steps_too(made):
    stack = xr.concat([mixture(seed=seed) for seed in (0, 1)], "z").assign_coords(z=("z", [0.0, 2.0], {"units": "nm"}))
    check_steps(opened(stack, preprocess=[mf.preprocessing.Bin(space={"y": 2, "x": 2})]), made)


def check_steps(explorer, made):
    """Make gestures, and compare each state with those of undo, redo and a saved session."""
    try:
        settle(explorer)
        seen = [moment(explorer)]
        for gesture in made:
            note(repr(gesture))
            before = explorer.history.position
            make(explorer, gesture)
            settle(explorer)
            if explorer.history.pending:  # the run has failed, and has no answer
                explorer.back()
                settle(explorer)
            position, now = explorer.history.position, moment(explorer)
            if gesture[0] not in MOVES and position != before:
                assert position == before + 1, gesture
                seen[position:] = [now]
            assert_same(now, seen[position], f"{gesture} at {position}")
        assert len(explorer.history.entries) == len(seen)
        walk(explorer, seen)
        with tempfile.TemporaryDirectory() as folder:
            explorer.save(Path(folder) / "session.zip")
            again = mf.explore(Path(folder) / "session.zip")
        try:
            settle(again)
            assert_same(again.stored(), explorer.stored(), "restored")
            assert_same(moment(again), moment(explorer), "restored")
            walk(again, seen)
        finally:
            again.close()
    finally:
        explorer.close()


@pytest.mark.hypothesis
@pytest.mark.timeout(3600)
@examples(16, **FOUND)
@given(made=st.lists(st.tuples(gestures, st.booleans()), min_size=3, max_size=12))
def test_gestures_during_runs_are_undone_to_the_start_and_redone_to_the_end(made):
    explorer = opened(mixture())
    try:
        settle(explorer)
        start = moment(explorer)
        for gesture, waits in made:
            make(explorer, gesture)
            if waits:
                settle(explorer)
        settle(explorer)
        if explorer.history.pending:
            explorer.back()
            settle(explorer)
        while explorer.history.position + 1 < len(explorer.history.entries):
            explorer.redo()
            settle(explorer)
        end = moment(explorer)
        for move, last, expected in (
            (explorer.undo, 0, start),
            (explorer.redo, len(explorer.history.entries) - 1, end),
        ):
            while explorer.history.position != last:
                move()
                settle(explorer)
            assert_same(moment(explorer), expected, move.__name__)
    finally:
        explorer.close()


@pytest.mark.slow
@pytest.mark.timeout(3600)
@examples(6, **FOUND)
@given(made=st.lists(gestures, min_size=8, max_size=20))
def test_code_in_a_fresh_process_gives_what_rerun_shows_to_the_bit(made):
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "cube.nc"
        mixture().to_netcdf(path)
        explorer = opened(path)
        try:
            for gesture in made:
                make(explorer, gesture)
                settle(explorer)
                if explorer.history.pending:
                    explorer.back()
                    settle(explorer)
            explorer.rerun()
            explorer.wait(600)
            code = explorer.code()
            note(code)
            assert code.startswith("import mffnb as mf")  # there is no difference that had to be described
            end = f"\nresult.abundances.to_netcdf({str(path.with_name('A.nc'))!r})\n"
            end += f"result.endmembers.to_netcdf({str(path.with_name('E.nc'))!r})\n"
            subprocess.run([sys.executable, "-W", "ignore", "-c", code + end], check=True)
            abundances, endmembers = (xr.load_dataarray(path.with_name(one)) for one in ("A.nc", "E.nc"))
            shown = explorer.result
            distances = [abs(endmembers.values - one).max(axis=1) for one in shown.endmembers.values]
            rows = np.argmin(distances, axis=1)
            assert sorted(rows) == list(range(len(rows)))
            np.testing.assert_array_equal(endmembers.values[rows], shown.endmembers.values)
            np.testing.assert_array_equal(abundances.values[rows], shown.abundances.values)
            if "label" in endmembers.coords:
                assert endmembers.label.values[rows].tolist() == shown.endmembers.label.values.tolist()
        finally:
            explorer.close()
