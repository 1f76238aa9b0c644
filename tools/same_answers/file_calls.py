"""Calls with files: formats, lazy reading, saved results, checkpoints, the command line. The folder is empty."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from scipy import io, sparse

import mffnb as mf
from mffnb.preprocessing import Bin, UnitNorm

from . import inputs


def write_hdf5(path: str) -> None:
    """The image in pieces of a few rows, as a microscope writes it."""
    with h5py.File(path, "w") as file:
        file.create_dataset("data", data=inputs.cube().values.astype(np.float32), chunks=(4, 5, 40))


def formats() -> dict[str, Any]:
    """Every format that needs no other program, as it is read."""
    cube, counts = inputs.cube(), inputs.counts()
    write_hdf5("map.h5")
    np.save("map.npy", cube.values)
    np.savez("map.npz", cube=cube.values, line=cube.values[0, 0])
    cube.to_netcdf("map.nc", engine="h5netcdf")
    cube.to_dataset(name="intensity").to_zarr("map.zarr")
    io.savemat("map.mat", {"cube": counts.values})
    sparse.save_npz("rows.npz", sparse.csr_array(inputs.rng(9).poisson(0.05 * inputs.matrix())))
    names = ("map.h5", "map.npy", "map.npz", "map.nc", "map.zarr", "map.mat")
    read = {name: mf.read(name, dataset="cube") if name == "map.npz" else mf.read(name) for name in names}
    rows = mf.unmix("rows.npz", 3, similarity="kl", max_iter=20, random_state=0)
    return {**read, "rows": {"endmembers": rows.endmembers, "abundances": rows.abundances}}


def lazy_files() -> dict[str, Any]:
    """Data that stay on the disk: HDF5, .npy and zarr, with and without preprocessing."""
    write_hdf5("map.h5")
    np.save("map.npy", inputs.cube().values)
    inputs.cube().to_dataset(name="intensity").to_zarr("map.zarr")
    options: dict[str, Any] = {"max_iter": 20, "random_state": 0, "smoothness": 0.1}
    found = {name: mf.unmix(mf.read(name, lazy=True), 3, **options) for name in ("map.h5", "map.npy", "map.zarr")}
    found["kl"] = mf.unmix(mf.read("map.h5", lazy=True), 3, similarity="kl", **options)
    found["steps"] = mf.unmix(mf.read("map.h5", lazy=True), 3, preprocess=[Bin(space=3), UnitNorm()], **options)
    found["path"] = mf.unmix("map.h5", 3, **options)
    return found


def saved() -> dict[str, Any]:
    """Results written as NetCDF and zarr and read back: gain, preprocessing, transformation, alternative."""
    options: dict[str, Any] = {"max_iter": 20, "random_state": 0}
    chances = inputs.chances()
    results = {
        "gain": mf.unmix(inputs.with_gain(), 3, gain=True, **options),
        "steps": mf.unmix(inputs.cube(), 3, preprocess=[Bin(space=3), UnitNorm()], **options),
        "logistic": mf.unmix(chances, 2, transform="logistic", abundance_terms=[mf.Ridge(0.01)], **options),
        "auto": mf.unmix(inputs.cube(), 3, volume="auto", random_state=0),
    }
    found: dict[str, Any] = {}
    for name, result in results.items():
        for ending in ("nc", "zarr"):
            result.save(f"{name}.{ending}")
            found[f"{name}_{ending}"] = mf.load(f"{name}.{ending}")
    return found


def checkpoints() -> dict[str, Any]:
    """Runs that go on from a checkpoint end as runs that never stopped."""
    cases: dict[str, dict[str, Any]] = {
        "plain": {},
        "counts": {"cube": inputs.counts(), "similarity": "kl", "smoothness": 0.1},
        "starts": {"n_init": 2, "sparsity": 1e-2},
        "gain": {"cube": inputs.with_gain(), "gain": True, "volume": 1e-3},
    }
    found: dict[str, Any] = {}
    for name, options in cases.items():
        keywords = {"cube": inputs.cube(), "k": 3, "random_state": 0, "tol": 1e-9, **options}
        straight = mf.unmix(max_iter=40, **keywords)
        mf.unmix(max_iter=15, checkpoint=mf.Checkpoint(name, every=0.0), **keywords)
        resumed = mf.unmix(max_iter=40, checkpoint=mf.Checkpoint(name, every=0.0), **keywords)
        found[name] = resumed
        found[f"{name}_same_bits"] = resumed.endmembers.identical(straight.endmembers)
    return found


def refused_checkpoint() -> dict[str, Any]:
    """A checkpoint of other settings is refused with what differs."""
    mf.unmix(inputs.cube(), 3, max_iter=5, random_state=0, checkpoint="kept")
    return {"result": mf.unmix(inputs.cube(), 3, sparsity=0.1, max_iter=5, random_state=0, checkpoint="kept")}


def refused_file() -> dict[str, Any]:
    """A file that is no saved result."""
    write_hdf5("map.nc")
    return {"result": mf.load("map.nc")}


def command_line(*arguments: str) -> int:
    """Run ``python -m mffnb`` in the present folder; return the exit code."""
    command = [sys.executable, "-m", "mffnb", *arguments]
    return subprocess.run(command, check=False, timeout=300, capture_output=True).returncode


def demo_on_the_command_line() -> dict[str, Any]:
    """The simulated image, with a picture."""
    options = ("--max-iter", "8", "--random-state", "0", "-q")
    code = command_line("unmix", "--demo", *options, "-o", "demo.nc", "--picture", "demo.png")
    result = mf.load("demo.nc")
    parts = {"endmembers": result.endmembers, "abundances": result.abundances, "objective": result.trace.objective}
    return {"code": code, "picture": Path("demo.png").exists(), **parts}


def file_on_the_command_line() -> dict[str, Any]:
    """A file with options, then again from the checkpoint; and a file that does not exist."""
    write_hdf5("map.h5")
    common = ("unmix", "map.h5", "--dataset", "/data", "-k", "3", "--sparsity", "1e-3", "--smoothness", "1e-2",
              "--random-state", "0", "--checkpoint", "kept", "-q")  # fmt: skip
    codes = [
        command_line(*common, "--max-iter", "10"),
        command_line(*common, "--max-iter", "25", "-o", "out.zarr"),
        command_line("unmix", "nowhere.npy"),
    ]
    return {"codes": codes, "first": mf.load("map.mffnb.nc"), "second": mf.load("out.zarr")}


CALLS: dict[str, Callable[[], dict[str, Any]]] = {
    "read_formats": formats,
    "lazy_files": lazy_files,
    "save_and_load": saved,
    "checkpoints": checkpoints,
    "checkpoint_refused": refused_checkpoint,
    "load_refused": refused_file,
    "command_line_demo": demo_on_the_command_line,
    "command_line_file": file_on_the_command_line,
}
