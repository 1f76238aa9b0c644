"""Results written by the ranks that hold them, checkpoints of ranks, and what happens when one of them is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.io.zarr_store import is_store

TIMEOUT = 240
pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")


def command(n, *arguments):
    launcher = Path(sys.prefix) / "bin" / "mpiexec"
    return [str(launcher) if launcher.exists() else "mpiexec", "-n", str(n), sys.executable, "-m", "mpi4py", *arguments]


def environment():
    project = str(Path(mf.__file__).parents[1])
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    return {**os.environ, **threads, "PYTHONPATH": os.pathsep.join([project, os.environ.get("PYTHONPATH", "")])}


def run(n, *arguments, cwd):
    return subprocess.run(
        command(n, *arguments), cwd=cwd, env=environment(), timeout=TIMEOUT, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def image():
    rng = np.random.default_rng(0)
    data = rng.dirichlet(np.full(3, 0.5), (70, 45)) @ rng.random((3, 25)) + 0.02 * rng.random((70, 45, 25))
    return xr.DataArray(
        data,
        dims=("y", "x", "energy"),
        coords={
            "y": ("y", 0.5 * np.arange(70), {"units": "nm"}),
            "energy": np.arange(25.0),
            "grain": (("y", "x"), np.arange(70 * 45).reshape(70, 45) // 400),
        },
        name="counts",
    )


@pytest.fixture
def folder(tmp_path, image):
    image.to_netcdf(tmp_path / "map.nc", engine="h5netcdf")
    return tmp_path


BLOCKS = """
import os, sys
import numpy as np, xarray as xr, mffnb as mf
from mpi4py import MPI
from mffnb.cubes.pixel_rows import CubeRows

world, read = MPI.COMM_WORLD, []
plain = CubeRows.__getitem__
CubeRows.__getitem__ = lambda self, rows: (read.append((rows.stop - rows.start, self.shape[0])), plain(self, rows))[1]
mask = np.ones((70, 45), bool)
mask[30:48, 3:] = mask[:2] = False
cube = mf.read("map.nc", lazy=True)
options = {"mask": mask, "sum_to_one": True, "gain": True, "random_state": 0, "max_iter": 10, "tol": 0}
result = mf.unmix(cube, 3, communicator=world, gather=False, **options)
# The look for missing values is shared, every part of the file for one rank; every other look is at rows of one's own.
own = result.block.stop - result.block.start
of_all, of_own = int(mask.sum()), int(mask[result.block.start : result.block.stop].sum())
assert {of for _, of in read} <= {of_all, of_own}
assert world.allreduce(sum(rows for rows, of in read if of == of_all)) == of_all
assert result.abundances.sizes["y"] == result.cube.sizes["y"] == own < 70
for name in ("run.zarr", "run.nc", "run.zarr"):  # the last one in the place of the first
    result.save(name)
whole = mf.unmix(cube, 3, communicator=world, **options)
if world.rank == 0:
    whole.save("whole.nc")
    for name in ("run.zarr", "run.nc"):
        for part in ("abundances", "endmembers", "gain"):
            xr.testing.assert_identical(getattr(mf.load(name), part), getattr(mf.load("whole.nc"), part))
try:
    result.save("nowhere/run.zarr")
except FileNotFoundError as error:
    assert "make it first" in str(error)
else:
    raise AssertionError
assert sorted(os.listdir()) == ["blocks.py", "map.nc", "run.nc", "run.zarr", "whole.nc"]
"""


@pytest.mark.ranks
def test_maps_are_written_by_block_and_never_gathered(folder):
    (folder / "blocks.py").write_text(BLOCKS)
    done = run(3, "blocks.py", cwd=folder)  # the one in the middle has neighbours on both sides
    assert done.returncode == 0, done.stderr


def test_one_process_writes_the_same_store_and_keeps_the_older_one(tmp_path, image, monkeypatch):
    image = image.assign_coords(phase=("y", ["α", "longer"] * 35))
    result = mf.unmix(image, 2, random_state=0, max_iter=3)
    result.save(tmp_path / "a.zarr")
    result.save(tmp_path / "a.nc")
    for name in ("abundances", "endmembers", "trace"):
        xr.testing.assert_equal(getattr(mf.load(tmp_path / "a.zarr"), name), getattr(mf.load(tmp_path / "a.nc"), name))
    assert mf.load(tmp_path / "a.zarr").parameters == mf.load(tmp_path / "a.nc").parameters

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(xr.Dataset, "to_zarr", full)
    with pytest.raises(OSError, match=r"could not write .*a\.zarr, any older one is as it was.*No space"):
        result.save(tmp_path / "a.zarr")
    assert mf.load(tmp_path / "a.zarr").outcome is result.outcome
    (tmp_path / "other.zarr").mkdir()
    with pytest.raises(OSError, match="is no zarr store that could be replaced"):
        result.save(tmp_path / "other.zarr")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.nc", "a.zarr", "other.zarr"]
    assert not is_store(tmp_path / "other.zarr")


FULL = """
import os
import numpy as np, mffnb as mf
from mpi4py import MPI
from mffnb.io import parallel_write as blocks

world, rng = MPI.COMM_WORLD, np.random.default_rng(0)
small, large = (
    mf.unmix(rng.random(shape), 3, communicator=world, gather=False, max_iter=2, random_state=0)
    for shape in ((70, 45, 8), (500, 400, 6))
)
for name in ("a.zarr", "a.nc"):
    small.save(name)
for name, room in (("a.zarr", None), ("a.nc", None), ("a.nc", 10**12)):
    if room:  # another process takes it while the file is written
        blocks.shutil.disk_usage = lambda _: type("Usage", (), {"free": room})
    try:
        large.save(name)
    except OSError as error:
        assert name in str(error) and "as it was" in str(error) and "No space left" in str(error), error
    else:
        raise AssertionError("there is no room for it")
    world.Barrier()
    assert sorted(os.listdir()) == ["a.nc", "a.zarr"]
    assert world.rank or mf.load(name).abundances.shape == (3, 70, 45)
"""


@pytest.mark.ranks
def test_a_full_disk_is_told_by_all_ranks_and_keeps_the_older_result(disk_of, tmp_path):
    (tmp_path / "full.py").write_text(FULL)
    done = run(2, str(tmp_path / "full.py"), cwd=disk_of("1200k"))
    assert done.returncode == 0, done.stderr


SLOW = """
import os, sys, time
import mffnb as mf
from mpi4py import MPI

world = MPI.COMM_WORLD
open(f"pid-{world.rank}", "w").write(str(os.getpid()))
pause = float(sys.argv[2])
result = mf.unmix(
    mf.read("map.nc", lazy=True), 3, smoothness=0.1, random_state=0, max_iter=60, tol=0, communicator=world, gather=False,
    checkpoint=mf.Checkpoint("ck", every=0.05), callback=lambda state: time.sleep(pause),
)
result.save(sys.argv[1])
"""


def killed(process, folder, victim):
    """Wait for a checkpoint, let the run go on for a while, then end one process of it; seconds until all has ended."""
    end = time.monotonic() + TIMEOUT
    while not list(folder.glob("ck/iteration-*")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.01)
    time.sleep(0.33)
    os.kill(int((folder / victim).read_text()), signal.SIGKILL)
    begin = time.monotonic()
    said = process.communicate(timeout=60)
    return time.monotonic() - begin, said


@pytest.mark.ranks
def test_a_killed_rank_ends_the_job_which_then_goes_on_to_the_same_bits(folder):
    (folder / "slow.py").write_text(SLOW)
    process = subprocess.Popen(
        command(2, "slow.py", "first.zarr", "0.05"),
        cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        seconds, (said, _) = killed(process, folder, "pid-1")
    finally:
        process.kill()
    assert process.returncode != 0
    assert "KILLED" in said.upper()
    assert seconds < 30  # no hang; it takes a second or two
    reached = max(int(path.name.split("-")[1]) for path in folder.glob("ck/iteration-*"))
    assert reached < 60
    for name in ("then.zarr", "undisturbed.zarr"):
        done = run(2, "slow.py", name, "0", cwd=folder)
        assert done.returncode == 0, done.stderr
        if name == "then.zarr":
            (folder / "ck").rename(folder / "kept")
    then, undisturbed = mf.load(folder / "then.zarr"), mf.load(folder / "undisturbed.zarr")
    for part in ("abundances", "endmembers"):
        xr.testing.assert_identical(getattr(then, part), getattr(undisturbed, part))
    xr.testing.assert_identical(then.trace.drop_vars("seconds"), undisturbed.trace.drop_vars("seconds"))
    # One process joins the blocks of the two ranks, whose run had ended.
    alone = mf.unmix(
        folder / "map.nc", 3, smoothness=0.1, random_state=0, max_iter=60, tol=0, checkpoint=folder / "kept"
    )
    np.testing.assert_array_equal(alone.trace.objective, then.trace.objective)


BAD = """
import shutil, sys
import numpy as np, mffnb as mf
from mpi4py import MPI
from mffnb.matrices import Chunked

world = MPI.COMM_WORLD
for name, error, words in (
    ("nan.h5", ValueError, "has to be in memory"),
    ("inf.h5", ValueError, "1 values of the cube are infinite"),
    ("damaged.h5", OSError, "damaged.h5: rows"),
):
    try:
        mf.unmix(mf.read(name, lazy=True), 3, communicator=world, max_iter=2)
    except error as raised:
        assert words in str(raised), raised
    else:
        raise AssertionError(name)
# A file that goes bad while it is used, on one rank.
plain = Chunked.blocks
def blocks(self):
    if world.rank == 1 and late:
        raise OSError("the disk went away")
    return plain(self)
Chunked.blocks = blocks
late = []
try:
    mf.unmix(mf.read("good.h5", lazy=True), 3, init="random", random_state=0, communicator=world, callback=lambda s: late.append(1) if s.iteration == 3 else None)
except OSError as raised:
    assert "the disk went away" in str(raised)
else:
    raise AssertionError("late")
world.Barrier()
print("all together")
"""


@pytest.mark.ranks
def test_bad_data_on_one_rank_stop_all_ranks_with_its_message(tmp_path, image):
    for name in ("good", "nan", "inf", "damaged"):
        data = image.values.copy()
        data[60, 3, 2] = {"nan": np.nan, "inf": np.inf}.get(name, 1.0)
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            stored = file.create_dataset("data", data=data, chunks=(10, 45, 25), compression="gzip")
            place = stored.id.get_chunk_info_by_coord((60, 0, 0)).byte_offset
        if name == "damaged":
            with (tmp_path / "damaged.h5").open("r+b") as file:
                file.seek(place)
                file.write(b"?" * 40)
    (tmp_path / "bad.py").write_text(BAD)
    done = run(2, "bad.py", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("all together") == 2
