"""What happens when something goes wrong on the way: nothing that was reached, and no older file, is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.solvers import Outcome

SHAPE = (100, 128, 200)  # about 20 MB of float64


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    rng = np.random.default_rng(0)
    data = rng.random((*SHAPE[:2], 4)) @ rng.random((4, SHAPE[2])) + 0.1 * rng.random(SHAPE)
    path = tmp_path_factory.mktemp("large") / "map.npy"
    np.save(path, data)
    return path


@pytest.fixture
def result(cube):
    return mf.unmix(cube, 2, random_state=0, max_iter=3000)


def started(command, folder):
    # A shell may start its background jobs with Ctrl-C ignored, and children would inherit that.
    return subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509  no threads here
    )


def ended(process):
    try:
        return process.communicate(timeout=60)
    finally:
        process.kill()


@pytest.mark.parametrize("delay", [0.0, *(pytest.param(delay, marks=pytest.mark.slow) for delay in (0.05, 0.4, 1.0))])
def test_ctrl_c_keeps_what_was_reached(tmp_path, large, delay):
    script = f"""
        import sys, numpy as np, mffnb as mf
        data = np.load({str(large)!r})
        kept = data.copy()
        said = []
        def say(state):
            if not said:
                said.append(print("running", flush=True))
        result = mf.unmix(data, 6, smoothness=1e-3, tol=0, max_iter=10**6, random_state=0, callback=say)
        assert np.isfinite(result.abundances).all() and np.isfinite(result.endmembers).all()
        assert (np.diff(result.trace.objective) <= 1e-10).all()
        assert np.array_equal(data, kept)
        print(result.outcome.name, result.trace.sizes["iteration"])
    """
    process = started([sys.executable, "-c", textwrap.dedent(script)], tmp_path)
    assert process.stdout.readline() == "running\n"
    time.sleep(delay)
    process.send_signal(signal.SIGINT)
    out, err = ended(process)
    assert process.returncode == 0, err
    assert out.startswith("INTERRUPTED ")


def test_ctrl_c_on_the_command_line_writes_the_partial_result(tmp_path, large):
    command = [
        sys.executable,
        "-m",
        "mffnb",
        "unmix",
        str(large),
        "-k",
        "4",
        "-o",
        "part.nc",
        "--tol",
        "0",
        "--max-iter",
        "1000000",
    ]
    process = started(command, tmp_path)
    seen = ""
    while "error=" not in seen:  # the progress bar shows its first number: the run is under way
        character = process.stderr.read(1)
        assert character, seen
        seen += character
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    out, err = ended(process)
    assert process.returncode == 130, err
    assert "interrupted" in out
    assert "Traceback" not in err
    kept = mf.load(tmp_path / "part.nc")
    assert kept.outcome is Outcome.INTERRUPTED
    assert np.isfinite(kept.abundances).all()
    assert os.listdir(tmp_path) == ["part.nc"]


def test_interrupted_restarts_keep_the_best_so_far(cube):
    starts = []

    def interrupt_in_the_third(state):
        starts.append(state.objective) if state.iteration == 0 else None
        if len(starts) == 3 and state.iteration == 1:
            raise KeyboardInterrupt

    result = mf.unmix(cube, 3, n_init=5, random_state=0, tol=1e-6, max_iter=3000, callback=interrupt_in_the_third)
    whole = mf.unmix(cube, 3, n_init=5, random_state=0, tol=1e-6, max_iter=3000)
    assert len(starts) == 3
    assert result.outcome is Outcome.INTERRUPTED
    # One iteration of the third cannot beat the two that ran to their end: a finished one is kept.
    assert result.trace.sizes["iteration"] > 3
    assert float(result.trace.objective[-1]) == pytest.approx(float(whole.trace.objective[-1]), rel=0.1)


def test_an_exception_of_the_callback_comes_through(cube):
    kept = cube.copy(deep=True)

    def fail(state):
        if state.iteration == 2:
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        mf.unmix(cube, 3, random_state=0, callback=fail)
    xr.testing.assert_identical(cube, kept)


def test_a_failing_writer_leaves_the_older_file(tmp_path, result, monkeypatch):
    path = tmp_path / "run.nc"
    result.save(path)
    whole = path.read_bytes()

    def write_half(part, content):
        with part.open("wb") as file:
            file.write(content[: len(content) // 2])
        raise OSError("the disk went away")

    monkeypatch.setattr(Path, "write_bytes", write_half)
    with pytest.raises(OSError, match=r"run\.nc.*the disk went away"):
        result.save(path)
    assert path.read_bytes() == whole
    assert os.listdir(tmp_path) == ["run.nc"]


def test_ctrl_c_while_writing_leaves_the_older_file(tmp_path, result, monkeypatch):
    path = tmp_path / "run.nc"
    result.save(path)
    whole = path.read_bytes()

    def interrupted(part, content):
        part.write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        result.save(path)
    assert path.read_bytes() == whole
    assert os.listdir(tmp_path) == ["run.nc"]


@pytest.fixture
def small_disk(disk_of):
    return disk_of("256k")


def test_a_full_disk_leaves_the_older_file(small_disk, result):
    path = small_disk / "run.nc"
    result.save(path)
    whole = path.read_bytes()
    large = mf.unmix(np.random.default_rng(0).random((150, 200, 3)), 2, random_state=0, tol=0.1)
    with pytest.raises(OSError, match=r"could not write .*run\.nc"):
        large.save(path)
    assert path.read_bytes() == whole
    assert os.listdir(small_disk) == ["run.nc"]


@pytest.mark.parametrize("kept", [0, 1, 100, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_named_as_such(tmp_path, result, kept):
    path = tmp_path / "run.nc"
    result.save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept if kept >= 1 else kept * len(whole))])
    with pytest.raises(ValueError, match=r"run\.nc is no NetCDF file that can be read, or it is cut short"):
        mf.load(path)


def test_foreign_files_are_named_as_such(tmp_path, cube, result):
    with pytest.raises(FileNotFoundError, match="no file"):
        mf.load(tmp_path / "none.nc")
    (tmp_path / "text.nc").write_text("wavelength, intensity\n" * 100)
    with pytest.raises(ValueError, match="no NetCDF file"):
        mf.load(tmp_path / "text.nc")
    np.save(tmp_path / "array.npy", cube.values)
    with pytest.raises(ValueError, match="no NetCDF file"):
        mf.load(tmp_path / "array.npy")
    cube.to_netcdf(tmp_path / "cube.nc", engine="h5netcdf")
    with pytest.raises(ValueError, match=r"not written by Unmixing\.save"):
        mf.load(tmp_path / "cube.nc")
    with pytest.raises((ValueError, OSError), match="folder"):
        mf.load(tmp_path)
    result.save(tmp_path / "run.nc")
    damaged = xr.load_dataset(tmp_path / "run.nc", engine="h5netcdf").drop_vars("endmembers")
    damaged.to_netcdf(tmp_path / "damaged.nc", engine="h5netcdf")
    with pytest.raises(ValueError, match="incomplete"):
        mf.load(tmp_path / "damaged.nc")


@pytest.mark.slow
def test_a_process_killed_between_two_checkpoints_goes_on_to_the_same_bits(tmp_path, large):
    def command(output, *more):
        common = ["-k", "3", "--random-state", "0", "--tol", "0", "--max-iter", "60", "--smoothness", "0.1", "-q"]
        return [sys.executable, "-m", "mffnb", "unmix", str(large), *common, "-o", output, *more]

    process = started(command("first.nc", "--checkpoint", "ck", "--every", "0.2"), tmp_path)
    end = time.monotonic() + 120
    while not list(tmp_path.glob("ck/iteration-*")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    ended(process)
    reached = max(int(path.name.removeprefix("iteration-")) for path in tmp_path.glob("ck/iteration-*"))
    assert 0 < reached < 60
    process = started(command("then.zarr", "--checkpoint", "ck"), tmp_path)
    _, err = ended(process)
    assert process.returncode == 0, err
    assert not (tmp_path / "first.nc").exists()
    with pytest.warns(mf.errors.ConvergenceWarning):
        whole = mf.unmix(large, 3, random_state=0, tol=0, max_iter=60, smoothness=0.1)
    then = mf.load(tmp_path / "then.zarr")
    for part in ("abundances", "endmembers"):
        xr.testing.assert_identical(getattr(then, part), getattr(whole, part))
    process = started(command("other.nc", "--checkpoint", "ck", "--sparsity", "0.1"), tmp_path)
    _, err = ended(process)
    assert process.returncode == 2
    assert "sparsity is 0.0 there and 0.1 here" in err
