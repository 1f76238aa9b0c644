"""Files that are unmixed while another process writes them."""

from __future__ import annotations

import subprocess
import sys

import h5py
import numpy as np
import pytest

import mffnb as mf
from mffnb.io.growing_file import GrowingFile

WRITER = """
import sys, time, h5py, numpy as np
frames = np.load(sys.argv[1])
with h5py.File(sys.argv[2], "w", libver="latest") as file:
    data = file.create_dataset("scan", (0, *frames.shape[1:]), "f4", maxshape=(len(frames), *frames.shape[1:]))
    file.swmr_mode = True
    print("ready", flush=True)
    for number, frame in enumerate(frames[: int(sys.argv[3])]):
        time.sleep(0.02)
        data.resize(number + 1, axis=0)
        data[number] = frame
        data.flush()
    if int(sys.argv[3]) < len(frames):
        sys.stdin.readline()  # the file stays open, and nothing more is written
"""


def frames_of(count=20):
    rng = np.random.default_rng(0)
    E = rng.random((3, 15))
    return (rng.dirichlet(np.ones(3), (count, 6, 5)) @ E + 0.01 * rng.random((count, 6, 5, 15))).astype("f4")


@pytest.fixture
def writer(tmp_path):
    begun = []

    def begin(frames, count):
        np.save(tmp_path / "frames.npy", frames)
        path = tmp_path / "scan.h5"
        command = [sys.executable, "-c", WRITER, str(tmp_path / "frames.npy"), str(path), str(count)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        begun.append(process)
        assert process.stdout.readline() == "ready\n"
        return path

    yield begin
    for process in begun:
        process.communicate("\n", timeout=60)
        assert process.returncode == 0


def test_a_file_that_another_process_writes_gives_the_stream_of_its_frames(writer):
    frames = frames_of()
    scan = mf.follow(writer(frames, 20), 3, sparsity=1e-3, random_state=0, interval=0.005)
    assert str(scan) == "waiting: 0 frames"
    seen = [(live.abundances.shape[1], str(scan)) for live in scan]
    assert seen == [(n + 1, f"following: {n + 1} of 20 frames") for n in range(20)]
    assert str(scan) == "complete: 20 of 20 frames"
    pushed = mf.stream(3, sparsity=1e-3, random_state=0)
    for frame in frames:
        pushed.push(frame)
    np.testing.assert_array_equal(scan.live.endmembers, pushed.endmembers)
    np.testing.assert_array_equal(scan.live.abundances, pushed.abundances)


def test_a_writer_that_stops_early_ends_the_stream_after_the_patience(writer):
    scan = mf.follow(writer(frames_of(), 7), 3, random_state=0, interval=0.01, patience=1.0)
    for _ in scan:
        pass
    assert str(scan) == "ended: 7 of 20 frames"
    assert scan.live.result().abundances.shape[1] == 7


def test_a_loop_that_stops_may_continue(writer):
    scan = mf.follow(writer(frames_of(), 20), 3, random_state=0, interval=0.005)
    for live in scan:
        if live.abundances.shape[1] == 5:
            break
    assert str(scan) == "stopped: 5 of 20 frames"
    for _ in scan:
        pass
    assert str(scan) == "complete: 20 of 20 frames"
    assert scan.live.abundances.shape[1] == 20


def stored(path, frames, **options):
    with h5py.File(path, "w", libver="latest") as file:
        file.create_dataset("scan", data=frames, **options)
    return path


def test_the_number_of_frames_may_be_given_and_an_unlimited_file_has_none(tmp_path):
    path = stored(tmp_path / "a.h5", frames_of(6), maxshape=(None, 6, 5, 15))
    scan = mf.follow(path, 3, frames=4, random_state=0)
    assert len(list(scan)) == 4
    assert str(scan) == "complete: 4 of 4 frames"
    scan = mf.follow(path, 3, patience=0.0, random_state=0)
    assert len(list(scan)) == 6
    assert str(scan) == "ended: 6 frames"


def test_a_file_that_was_begun_again_is_refused(tmp_path):
    path = stored(tmp_path / "a.h5", frames_of(6), maxshape=(None, 6, 5, 15))
    scan = mf.follow(path, 3, patience=0.0, random_state=0)
    list(scan)
    stored(path, frames_of(2), maxshape=(None, 6, 5, 15))
    with pytest.raises(ValueError, match="has 2 frames and 6 were followed"):
        list(scan)
    with GrowingFile(path) as file:
        file._seen = 5
        with pytest.raises(ValueError, match="has shrunk from 5 to 2 frames"):
            file.count()


def test_other_files_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", frames_of(2))
    with pytest.raises(ValueError, match="only those tell a reader which frames are written"):
        list(mf.follow(tmp_path / "a.npy", 3))
    with pytest.raises(FileNotFoundError, match="begin when the writer has created it"):
        list(mf.follow(tmp_path / "none.h5", 3))
    with pytest.raises(ValueError, match="there is no dataset 'other'"):
        list(mf.follow(stored(tmp_path / "a.h5", frames_of(2)), 3, dataset="other"))
    with pytest.raises(TypeError, match="sparsty"):
        mf.follow(tmp_path / "a.h5", 3, sparsty=1)


def test_a_writer_without_swmr_is_told_what_to_do(writer, monkeypatch):
    monkeypatch.setitem(globals(), "WRITER", WRITER.replace("file.swmr_mode = True", "file.flush()"))
    with pytest.raises(ValueError, match="has to switch on SWMR"):
        list(mf.follow(writer(frames_of(), 1), 3))
