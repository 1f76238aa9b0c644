"""Small HDF5 files with the structure that each dialect publishes: they are recognised, and read or clearly refused."""

from __future__ import annotations

import importlib.util
import sys
import types

import h5py
import numpy as np
import pytest

from mffnb.errors import FileWarning
from mffnb.io.hdf5_dialects import dialect
from mffnb.io.read import read

pytest.importorskip("rsciio", reason="the io extra is not installed")
Y, X, C = np.meshgrid(np.arange(4), np.arange(6), np.arange(20), indexing="ij")
VALUES = (1000 * Y + 100 * X + C + 1).astype(np.float32)
ENERGY = 100 + 10 * np.arange(20.0)


def hyperspy(file):
    file.attrs.update(file_format="HyperSpy", file_format_version="3.3")
    group = file.create_group("Experiments/map")
    group["data"] = VALUES
    for number, (name, scale, offset, units) in enumerate(
        (("y", 0.5, 0, "nm"), ("x", 0.5, 0, "nm"), ("E", 10, 100, "eV"))
    ):
        axis = group.create_group(f"axis-{number}")
        axis.attrs.update(name=name, scale=scale, offset=offset, size=VALUES.shape[number], units=units)
        axis.attrs["navigate"] = name != "E"
        axis.attrs["_type"] = "UniformDataAxis"
    group.create_group("metadata/General").attrs["title"] = "map"
    group.create_group("metadata/Signal").attrs["signal_type"] = ""
    group.create_group("original_metadata")


def berkeley(file):
    file.attrs.update(version_major=0, version_minor=2)
    group = file.create_group("data/map")
    group.attrs["emd_group_type"] = 1
    group["data"] = VALUES
    for number, (name, values, units) in enumerate(
        (("y", np.arange(4) / 2, "nm"), ("x", np.arange(6) / 2, "nm"), ("E", ENERGY, "eV"))
    ):
        group[f"dim{number + 1}"] = values
        group[f"dim{number + 1}"].attrs.update(name=name, units=f"[{units}]")


def usid(file):
    group = file.create_group("Measurement_000/Channel_000")
    data = group.create_dataset("Raw_Data", data=VALUES.reshape(24, 20))
    data.attrs.update(quantity="Current", units="nA")
    row, column = np.divmod(np.arange(24, dtype=np.uint32), 6)
    parts = {
        "Position_Indices": np.stack([column, row], 1),
        "Position_Values": 0.5 * np.stack([column, row], 1),
        "Spectroscopic_Indices": np.arange(20, dtype=np.uint32)[None],
        "Spectroscopic_Values": ENERGY[None],
    }
    for name, values in parts.items():
        group[name] = values
        labels = (["x", "y"], ["nm", "nm"]) if name.startswith("Position") else (["E"], ["eV"])
        group[name].attrs.update(labels=labels[0], units=labels[1])
        data.attrs[name] = group[name].ref


def tofwerk(file):
    file.attrs.update({"TofDAQ Version": 1.99, "NbrSegments": 4, "NbrWrites": 1, "NbrPeaks": 20})
    file["FullSpectra/MassAxis"] = np.arange(50.0)
    file["FullSpectra/SumSpectrum"] = np.arange(50.0)
    file.create_group("TimingData")
    log = [("timestamp", "i8"), ("timestring", "S26"), ("logtext", "S16")]
    file["AcquisitionLog/Log"] = np.array([(0, b"2025-01-01T12:00:00-05:00", b"start")], dtype=log)
    peaks = [("label", "S64"), ("mass", "f8"), ("lower integration limit", "f8"), ("upper integration limit", "f8")]
    file["PeakData/PeakTable"] = np.array([(b"nominal", mass, mass - 1, mass + 1) for mass in ENERGY], dtype=peaks)
    file["PeakData/PeakData"] = VALUES[None]


def nexus(file):
    group = file.create_group("entry/data")
    group.attrs.update(NX_class="NXdata", signal="counts", axes=["y", "x", "E"])
    group["counts"], group["E"] = VALUES, ENERGY
    group["E"].attrs["units"] = "eV"
    group["y"], group["x"] = np.arange(4) / 2, np.arange(6) / 2


def arina(file, images=36):
    file.create_group("entry/instrument/detector")
    file["entry/data/data_000001"] = 70_000 * np.arange(images * 25, dtype=np.uint32).reshape(images, 5, 5)


def written(path, write):
    with h5py.File(path, "w") as file:
        write(file)
    return path


@pytest.mark.parametrize(
    ("write", "name", "channel", "units"),
    [
        (hyperspy, "HSPY", "E", "eV"),
        (berkeley, "EMD", "E", "eV"),
        (tofwerk, "Tofwerk", "m/z", "Da"),
        (nexus, "NeXus", "E", "eV"),
        (usid, "USID", "E", "eV"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*FIBParams")
@pytest.mark.parametrize("lazy", [False, True])
def test_maps_are_read_with_their_axes(tmp_path, write, name, channel, units, lazy):
    path = written(tmp_path / "a.h5", write)
    assert dialect(path) == name
    if name == "USID" and importlib.util.find_spec("pyUSID") is None:
        with pytest.raises(
            ValueError, match=r"a\.h5 could not be read .* needs the pyUSID package, pip install pyUSID"
        ):
            read(path, lazy=lazy)
        return
    cube = read(path, lazy=lazy)
    assert cube.attrs.get("channel", [cube.dims[-1]]) == [channel]
    if "depth" in cube.dims:
        cube = cube.isel(depth=0)
    np.testing.assert_array_equal(cube.transpose("y", "x", channel), VALUES)
    np.testing.assert_allclose(cube[channel], ENERGY)
    assert cube[channel].attrs["units"] == units
    if name != "Tofwerk":
        np.testing.assert_allclose(cube["x"], np.arange(6) / 2)


@pytest.mark.filterwarnings("ignore:.*Could not read metadata")
def test_images_of_arina_are_read_as_a_square_scan_with_a_warning(tmp_path, monkeypatch):
    path = written(tmp_path / "a_master.h5", arina)
    assert dialect(path) == "Arina"
    if importlib.util.find_spec("hdf5plugin") is None:
        with pytest.raises(ValueError, match=r"a_master\.h5 .* needs the hdf5plugin package, pip install hdf5plugin"):
            read(path)
        monkeypatch.setitem(sys.modules, "hdf5plugin", types.ModuleType("hdf5plugin"))  # these data need no filter
    with pytest.warns(FileWarning, match="square scan was assumed, 6 x 6 positions"):
        cube = read(path)
    assert cube.attrs["channel"] == ["qx", "qy"]
    assert int(cube.max()) == 70_000 * 899  # more than 16 bits
    written(path, lambda file: arina(file, 24))
    with pytest.raises(ValueError, match=r"a_master\.h5 could not be read .*navigation_shape"):
        read(path)
    assert read(path, dataset="entry/data/data_000001").shape == (24, 5, 5)


def test_velox_files_are_recognised_by_content(tmp_path):
    def write(file):
        file["Version"] = np.array([b'{"format": "Velox", "version": "11"}'], dtype="S64")
        file.create_group("Data/Image")

    path = written(tmp_path / "a.h5", write)
    assert dialect(path) == "EMD"
    with pytest.raises(ValueError, match=r"a\.h5"):
        read(path)
