from __future__ import annotations

import h5py
import numpy as np
import pytest
import scipy.io
import xarray as xr

import mffnb as mf
from mffnb.io import read, write_atomically


def test_numpy_files(tmp_path, cube):
    np.save(tmp_path / "a.npy", cube.values)
    np.savez(tmp_path / "b.npz", stack=cube.values, energy=cube["energy"].values)
    for name in ("a.npy", "b.npz"):
        got = read(tmp_path / name)
        np.testing.assert_array_equal(got, cube)
        assert got.dims == ("y", "x", "channel")
        assert got.attrs["source"] == str(tmp_path / name)


def test_netcdf_keeps_labels_and_odd_units(tmp_path, cube):
    cube["energy"].attrs["units"] = "s"  # would become a time span if it were decoded
    cube.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    got = read(tmp_path / "a.nc")
    xr.testing.assert_equal(got, cube)
    assert got["energy"].attrs == cube["energy"].attrs


def test_hdf5_picks_the_only_stack_and_asks_otherwise(tmp_path, cube):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["measurement/stack"] = cube.values
        file["measurement/photo"] = np.zeros((4, 4))
        file["notes"] = "text"
    np.testing.assert_array_equal(read(path), cube)
    assert read(path, dataset="/measurement/photo").shape == (4, 4)
    with pytest.raises(ValueError, match=r"no dataset 'other'; it holds 'measurement/photo', 'measurement/stack'"):
        read(path, dataset="other")
    with h5py.File(path, "a") as file:
        file["second"] = cube.values
    with pytest.raises(ValueError, match="say which one with dataset="):
        read(path)


@pytest.mark.parametrize("lazy", [False, True])
def test_dimension_scales_name_and_calibrate_the_axes(tmp_path, cube, lazy):
    with h5py.File(tmp_path / "a.hf5", "w") as file:
        stack = file.create_dataset("measurement/stack", data=cube.values)
        for number, (name, units) in enumerate([("y", "nm"), ("x", "nm"), (r"$\sqrt E$", b"V")]):
            file[f"measurement/{name}"] = 0.5 * np.arange(cube.shape[number]) + number
            file[f"measurement/{name}"].attrs["units"] = units
            file[f"measurement/{name}"].make_scale(name)
            stack.dims[number].attach_scale(file[f"measurement/{name}"])
    found = read(tmp_path / "a.hf5", lazy=lazy)
    assert found.dims == ("y", "x", r"$\sqrt E$")
    np.testing.assert_array_equal(found, cube)
    np.testing.assert_array_equal(found["x"], 0.5 * np.arange(cube.shape[1]) + 1)
    assert [found[name].attrs["units"] for name in found.dims] == ["nm", "nm", "V"]


def test_matlab_files_of_both_kinds(tmp_path, cube):
    scipy.io.savemat(tmp_path / "old.mat", {"stack": cube.values, "lines": 4, "note": "text"})
    np.testing.assert_array_equal(read(tmp_path / "old.mat", dataset="stack"), cube)
    with h5py.File(tmp_path / "new.mat", "w", userblock_size=512) as file:
        file["stack"] = cube.values.T  # MATLAB's order
    with open(tmp_path / "new.mat", "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    np.testing.assert_array_equal(read(tmp_path / "new.mat"), cube)
    assert read(tmp_path / "new.mat").dims == ("y", "x", "channel")
    with pytest.raises(ValueError, match="there is no dataset 'other'; it holds 'stack', 'lines'"):
        read(tmp_path / "old.mat", dataset="other")


def test_hyperspy_file_through_rosettasciio(tmp_path, cube):
    api = pytest.importorskip("rsciio.hspy", reason="the io extra is not installed")
    names = [("y", True), ("x", True), ("energy", False)]
    axes = [
        {
            "name": name, "navigate": navigate, "index_in_array": number, "size": cube.sizes[name],
            "offset": float(cube[name][0]), "scale": float(cube[name][1] - cube[name][0]),
            "units": cube[name].attrs["units"], "is_binned": False, "_type": "UniformDataAxis",
        }
        for number, (name, navigate) in enumerate(names)
    ]  # fmt: skip
    signal = {
        "data": cube.values, "axes": axes, "metadata": {"General": {"title": "t"}, "Signal": {"signal_type": ""}},
        "original_metadata": {}, "attributes": {"_lazy": False}, "package_info": {"package": "none", "package_version": "0"},
        "models": {}, "learning_results": {}, "tmp_parameters": {},
    }  # fmt: skip
    api.file_writer(str(tmp_path / "a.hspy"), signal)
    got = read(tmp_path / "a.hspy")
    assert got.dims == ("y", "x", "energy")
    np.testing.assert_allclose(got, cube)
    np.testing.assert_allclose(got["energy"], cube["energy"])
    assert got["energy"].attrs["units"] == "eV"


def test_unreadable_files_say_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no file"):
        read(tmp_path / "missing.npy")
    (tmp_path / "a.xyz").write_text("?")
    with pytest.raises(ValueError, match=r"no reader for '.xyz'|mffnb\[io\]"):
        read(tmp_path / "a.xyz")
    np.savez(tmp_path / "b.npz", a=np.zeros(3))
    with pytest.raises(ValueError, match="none with two or more dimensions"):
        read(tmp_path / "b.npz")


def test_missing_extra_is_named(tmp_path, monkeypatch):
    import sys

    (tmp_path / "a.hspy").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "rsciio", None)
    with pytest.raises(ValueError, match=r'pip install "mffnb\[io\]"'):
        read(tmp_path / "a.hspy")


def test_a_fault_while_writing_leaves_the_old_file(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")

    def fail(part):
        part.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomically(target, fail)
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_load_refuses_what_is_no_result(tmp_path, cube):
    cube.to_netcdf(tmp_path / "data.nc", engine="h5netcdf")
    with pytest.raises(ValueError, match=r"not written by Unmixing\.save"):
        mf.load(tmp_path / "data.nc")
    mf.unmix(cube, 2, random_state=0).save(tmp_path / "run.nc")
    whole = (tmp_path / "run.nc").read_bytes()
    (tmp_path / "cut.nc").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="cut short"):
        mf.load(tmp_path / "cut.nc")
    (tmp_path / "text.nc").write_text("hello")
    with pytest.raises(ValueError, match="no NetCDF file"):
        mf.load(tmp_path / "text.nc")
    with pytest.raises(FileNotFoundError):
        mf.load(tmp_path / "none.nc")


def test_npz_with_an_object_array_beside_the_stack(tmp_path, cube):
    np.savez(tmp_path / "a.npz", stack=cube.values, notes=np.array([{"by": "hand"}], dtype=object))
    np.testing.assert_array_equal(read(tmp_path / "a.npz"), cube)


@pytest.mark.parametrize("suffix", [".npy", ".nc", ".h5"])
def test_lazy_files_are_read_in_bands_to_the_same_answer(tmp_path, cube, suffix):
    path = tmp_path / f"a{suffix}"
    if suffix == ".npy":
        np.save(path, cube.values)
    elif suffix == ".nc":
        cube.to_netcdf(path, engine="h5netcdf")
    else:
        with h5py.File(path, "w") as file:
            file["group/stack"] = cube.values
    eager, lazy = read(path, lazy=False), read(path, lazy=True)
    assert eager.dims == lazy.dims
    one, other = (mf.unmix(data, 2, random_state=0, smoothness=0.1) for data in (eager, lazy))
    np.testing.assert_allclose(one.endmembers, other.endmembers, atol=1e-9)
    np.testing.assert_array_equal(lazy.values, eager.values)
