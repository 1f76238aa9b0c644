"""An explorer on a file that another process writes."""

from __future__ import annotations

import subprocess
import sys
import time

import h5py
import numpy as np
import pytest

import mffnb as mf
from mffnb.geometry.matching import spectral_angles
from mffnb.io.growing_file import GrowingFile
from mffnb.solvers import Outcome
from mffnb.unmixing.stream import Stream
from mffnb.widgets.tool import WITHOUT_ALL_FRAMES
from mffnb.widgets.tools import TOOLS

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")

# One frame for each line of the input; the end of the input ends the writer.
WRITER = """
import sys, h5py, numpy as np
frames = np.load(sys.argv[1])
with h5py.File(sys.argv[2], "w", libver="latest") as file:
    data = file.create_dataset("scan", (0, *frames.shape[1:]), "f4", maxshape=(len(frames), *frames.shape[1:]))
    axis = file.create_dataset("energy", data=np.arange(frames.shape[-1]) * 0.5)
    axis.make_scale("energy")
    data.dims[frames.ndim - 1].attach_scale(axis)
    file.swmr_mode = True
    print("ready", flush=True)
    for number, frame in enumerate(frames):
        if not sys.stdin.readline():
            break
        data.resize(number + 1, axis=0)
        data[number] = frame
        data.flush()
    sys.stdin.readline()
"""


def rows_of(count=12, pixels=(8,)):
    rng = np.random.default_rng(0)
    E = rng.random((3, 15))
    return (rng.dirichlet(np.ones(3), (count, *pixels)) @ E + 0.01 * rng.random((count, *pixels, 15))).astype("f4")


class Writer:
    def __init__(self, folder, frames):
        np.save(folder / "frames.npy", frames)
        self.path = folder / "scan.h5"
        command = [sys.executable, "-c", WRITER, str(folder / "frames.npy"), str(self.path)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"

    def write(self, count):
        self.process.stdin.write("\n" * count)
        self.process.stdin.flush()

    def end(self):
        self.process.communicate(timeout=60)
        assert self.process.returncode == 0


@pytest.fixture
def opened(tmp_path):
    found = []

    def begin(frames, **options):
        writer = Writer(tmp_path, frames)
        found.append(writer)
        options = {"k": 3, "interval": 0.01, "tol": 1e-5, "max_iter": 3000} | options
        explorer = mf.explore(writer.path, follow=True, **options)
        explorer.frames = []
        show = explorer.view.show
        explorer.view.show = lambda frame: (explorer.frames.append(frame), show(frame))[1]
        found.append(explorer)
        return writer, explorer

    yield begin
    for one in reversed(found):
        one.end() if isinstance(one, Writer) else one.close()


def until(condition):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "nothing happened for 30 s"
        time.sleep(0.01)


def text_of(explorer):
    return explorer.frames[-1].status["text"] if explorer.frames else ""


def test_the_map_fills_up_and_then_all_frames_are_fitted(opened):
    rows = rows_of()
    writer, explorer = opened(rows, sparsity=1e-3)
    writer.write(5)
    until(lambda: text_of(explorer) == "following: 5 of 12 frames")
    frame = explorer.frames[-1]
    assert frame.status["progress"] == 5 / 12
    assert np.isfinite(frame.maps[:, :5]).all()
    assert np.isnan(frame.maps[:, 5:]).all()
    assert not explorer.settled
    live = explorer.result
    assert live.cube is None
    assert live.abundances.shape == (3, 12, 8)
    pushed = mf.stream(3, sparsity=1e-3, random_state=0, tol=1e-5, max_iter=3000)
    for row in rows[:5]:
        pushed.push(row)
    np.testing.assert_allclose(live.endmembers, pushed.endmembers)
    np.testing.assert_allclose(live.abundances[:, :5], pushed.abundances)
    writer.write(7)
    explorer.wait(60)
    result = explorer.result
    assert result.outcome is Outcome.CONVERGED
    np.testing.assert_array_equal(result.cube, rows)
    np.testing.assert_array_equal(result.cube["energy"], np.arange(15) * 0.5)
    expected = mf.unmix(result.cube, 3, sparsity=1e-3, init=result, tol=1e-5, max_iter=3000)
    assert float(result.trace.objective[-1]) == pytest.approx(float(expected.trace.objective[-1]), rel=1e-4)
    explorer.controls.set(smoothness=1.0, k=4)
    explorer.wait(60)
    assert explorer.result.parameters["smoothness"] == 1.0
    assert len(explorer.result.endmembers) == 4
    assert len(explorer.mean_spectrum()) == 15


def test_stop_ends_it_and_the_frames_so_far_are_explored(opened):
    writer, explorer = opened(rows_of(), sum_to_one=True)
    writer.write(6)
    until(lambda: "6 of 12" in text_of(explorer))
    explorer.stop()
    explorer.wait(60)  # the writer is still there
    assert explorer.result.cube.shape == (6, 8, 15)
    assert explorer.result.parameters["sum_to_one"]
    np.testing.assert_allclose(explorer.result.abundances.sum("component"), 1, atol=1e-6)


def test_a_file_is_followed_again_from_the_frame_after_the_last_one(opened):
    rows = rows_of()
    writer, explorer = opened(rows, sparsity=1e-3)
    button = explorer.controls.follow_button
    writer.write(5)
    until(lambda: text_of(explorer) == "following: 5 of 12 frames")
    explorer.rename(0, "oxide")
    assert button.description == "stop following"
    button.click()
    explorer.wait(60)
    assert (explorer.following, button.description) == (False, "follow again")
    assert explorer.result.abundances.shape == (3, 5, 8)
    assert "5 of 12 frames: following was stopped" in explorer.notices[-1]
    assert dict(explorer.names) == {0: "oxide"}
    explorer.region([(0, 0), (2, 0), (2, 3), (0, 3)], name="R")
    marked = explorer.regions["R"].mask.values
    before = explorer.result.endmembers[0]
    writer.write(3)  # nobody reads them
    pushed = []
    push = Stream.push
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stream, "push", lambda self, frame: (pushed.append(frame), push(self, frame))[1])
        button.click()
        until(lambda: text_of(explorer) == "following: 8 of 12 frames")
        assert button.description == "stop following"
        assert "tools that need them are hidden" in explorer.notices[0]
        writer.write(4)
        explorer.wait(60)
    np.testing.assert_array_equal(pushed, rows[5:])  # each frame is read once
    assert button.disabled
    np.testing.assert_array_equal(explorer.result.cube, rows)
    assert explorer.notices == []
    assert dict(explorer.names) == {0: "oxide"}
    assert spectral_angles(explorer.result.endmembers.values[:1], before.values[None])[0, 0] < 0.1
    assert explorer.regions["R"].mask.shape == (12, 8)
    np.testing.assert_array_equal(explorer.regions["R"].mask[:5], marked)
    with pytest.raises(ValueError, match="complete: 12 of 12 frames: there is no other frame"):
        explorer.follow_again()


def test_other_settings_follow_again_from_the_first_frame(opened):
    writer, explorer = opened(rows_of())
    writer.write(5)
    until(lambda: "5 of 12" in text_of(explorer))
    explorer.follow_again()  # it is followed
    explorer.stop()
    explorer.wait(60)
    explorer.controls.set(k=2)
    explorer.wait(60)
    number = int(explorer.result.endmembers.component[0])
    explorer.hold(number)
    explorer.wait(60)
    explorer.controls.follow_button.click()
    assert not explorer.following
    assert "a held component needs all frames: set it to its default, then follow again" in explorer.view.error
    explorer.release(number)
    explorer.wait(60)
    writer.write(2)
    explorer.follow_again()
    until(lambda: "7 of 12" in text_of(explorer))
    assert len(explorer.frames[-1].maps) == 2
    assert np.isfinite(explorer.frames[-1].maps[:, :7]).all()
    explorer.stop()
    explorer.follow_again()  # before the stop has taken effect, or after it
    assert explorer.following
    writer.write(5)
    explorer.wait(60)
    assert explorer.result.cube.shape == (12, 8, 15)


def test_an_explorer_of_a_cube_follows_nothing():
    explorer = mf.explore(rows_of(), 3)
    with pytest.raises(ValueError, match=r"mf\.explore\(path, k, follow=True\) follows a file"):
        explorer.follow_again()
    assert not explorer.following
    explorer.close()


def test_other_settings_begin_with_the_first_frame(opened):
    writer, explorer = opened(rows_of())
    writer.write(4)
    until(lambda: "4 of 12" in text_of(explorer))
    explorer.controls.set(k=2, sparsity=1e-2)
    until(lambda: len(explorer.frames[-1].maps) == 2 and "4 of 12" in text_of(explorer))
    explorer.controls.set(gain=True)
    until(lambda: explorer.frames[-1].gain is not None and "4 of 12" in text_of(explorer))
    assert np.isnan(explorer.frames[-1].gain[4:]).all()


def test_settings_and_tools_that_need_all_frames_are_refused_until_then(tmp_path, opened):
    writer, explorer = opened(rows_of())
    writer.write(4)
    until(lambda: "4 of 12" in text_of(explorer))
    with pytest.raises(ValueError, match="probe needs all frames, and the file is still followed"):
        explorer.probe(y=0, x=0)
    explorer.save_picture(tmp_path / "maps.png")  # needs only what is there
    explorer.rename(0, "oxide")
    for setting, name in (({"smoothness": 1.0}, "smoothness"), ({"similarity": "kl"}, "the noise model")):
        explorer.controls.set(**setting)
        with pytest.raises(ValueError, match=f"{name} needs all frames: the file is still followed, so switch it off"):
            explorer.wait(60)
        assert f"{name} needs all frames" in explorer._error.value
        explorer.controls.set(smoothness=0.0, similarity="frobenius")
        until(lambda: not explorer._error.value)
    writer.write(8)
    explorer.wait(60)
    assert explorer.result.cube.shape == (12, 8, 15)
    assert len(explorer.probe(y=0, x=0)) > 0
    assert dict(explorer.names) == {0: "oxide"}


ARGUMENTS = {
    "apply": {"sparsity": 0.0}, "hide": {"component": 1}, "identify": {"shown": False}, "match": {"library": rows_of()[0]},
    "orthogonal_sections": {"shown": False}, "profile": {"start": (0, 0), "end": (3, 3)},
    "rename": {"component": 0, "name": "oxide"}, "reorder": {"components": [1, 0]},
    "save_picture": {"path": "maps.png"}, "set_color": {"component": 0, "color": "#aa0000"},
    "set_number": {"control": "sparsity", "value": 0.0}, "show": {}, "show_spectra": {},
}  # fmt: skip


def test_tools_and_controls_that_need_all_frames_wait_for_them(tmp_path, monkeypatch, opened):
    monkeypatch.chdir(tmp_path)
    writer, explorer = opened(rows_of())
    controls = explorer.controls
    waiting = (controls.smoothness, controls.auto, controls.similarity, controls.bands)
    writer.write(4)
    until(lambda: "4 of 12" in text_of(explorer))
    assert all(one.disabled and "needs all frames" in one.tooltip for one in waiting)
    hidden = explorer.view.unavailable
    assert {*hidden} | {*WITHOUT_ALL_FRAMES} == {*TOOLS}
    for name in hidden:
        with pytest.raises(ValueError, match=f"{name} needs all frames, and the file is still followed"):
            getattr(explorer, name)()
        explorer.view._receive(explorer.view, {"type": "call", "tool": name, "arguments": {}}, [])
        assert f"{name} needs all frames" in explorer.view.error
    for name in sorted({*WITHOUT_ALL_FRAMES} - {"show_section"}):  # which is for a stack
        getattr(explorer, name)(**ARGUMENTS[name])
    controls.smoothness.value = controls.smoothness.options[3][1]
    assert not controls.smoothness.disabled  # so that it can be switched off
    controls.smoothness.value = 0.0
    assert controls.smoothness.disabled
    writer.write(8)
    explorer.wait(60)
    assert explorer.view.unavailable == []
    assert not any(one.disabled or "frames" in one.tooltip for one in waiting)
    assert len(explorer.mean_spectrum()) == 15


def test_frames_of_a_movie_are_a_stack(opened):
    writer, explorer = opened(rows_of(6, (5, 4)), patience=0.3)
    writer.write(4)
    until(lambda: "4 of 6" in text_of(explorer))
    assert np.isfinite(explorer.frames[-1].maps).all()
    explorer.show_section(index=[1])
    explorer.wait(60)  # the writer is late
    assert explorer.result.cube.shape == (4, 5, 4, 15)


def test_missing_pixels_and_channels_stay_missing(opened):
    rows = rows_of()
    rows[1, 2], rows[..., 4] = np.nan, np.nan
    writer, explorer = opened(rows)
    writer.write(3)
    until(lambda: "3 of 12" in text_of(explorer))
    maps = explorer.result.abundances[:, :3].values
    assert np.isnan(maps[:, 1, 2]).all()
    assert np.isnan(maps).sum() == 3
    assert np.isnan(explorer.result.endmembers[:, 4]).all()
    writer.write(9)
    explorer.wait(60)
    assert np.isnan(explorer.result.abundances).sum() == 3
    assert explorer.result.outcome is Outcome.CONVERGED


def test_errors_of_the_file_are_told(tmp_path, opened):
    np.save(tmp_path / "a.npy", rows_of())
    with pytest.raises(ValueError, match="only those tell a reader which frames are written"):
        mf.explore(tmp_path / "a.npy", 3, follow=True)
    for options, error in (
        ({}, "needs k"),
        ({"k": 3, "known": np.ones((1, 15))}, "known cannot be used while a file is followed"),
        ({"k": 3, "cluster": object()}, "in one process"),
        ({"k": 3, "sparsty": 1}, "sparsty"),
    ):
        with pytest.raises((TypeError, ValueError), match=error):
            mf.explore(tmp_path / "a.h5", follow=True, **options)
    with pytest.raises(TypeError, match="path"):
        mf.explore(rows_of(), 3, follow=True)
    _, explorer = opened(rows_of(), patience=0.0)
    with pytest.raises(ValueError, match=r"no frame with data has arrived in scan\.h5"):
        explorer.wait(60)
    assert "no frame with data has arrived" in explorer._error.value


def test_a_file_that_shrinks_ends_it_with_its_error(tmp_path, monkeypatch):
    with h5py.File(tmp_path / "a.h5", "w", libver="latest") as file:
        file.create_dataset("scan", data=rows_of(4), maxshape=(None, 8, 15))
    counts = iter([4, 2])
    monkeypatch.setattr(GrowingFile, "count", lambda self: next(counts))
    explorer = mf.explore(tmp_path / "a.h5", 3, follow=True, interval=0.01)
    with pytest.raises(ValueError, match=r"a\.h5 has 2 frames and 4 were followed"):
        explorer.wait(60)
    assert "has 2 frames and 4 were followed" in explorer._error.value
    explorer.close()
