"""Axes, signals and gaps of files, and files that are refused."""

from __future__ import annotations

import gc
import os

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import mffnb as mf
from mffnb.cli import main
from mffnb.cubes.axis_kinds import with_kinds
from mffnb.errors import FileWarning, PictureWarning
from mffnb.io.read import read
from mffnb.io.signals import Reordered, number_of_signal, warn_if_incomplete

VALUES = np.arange(4 * 6 * 20, dtype=np.float32).reshape(4, 6, 20) + 1


@pytest.mark.parametrize("lazy", [False, True])
def test_dimension_types_of_nsid_decide_pixels_and_channels(tmp_path, lazy):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("m/d", data=np.moveaxis(VALUES, 2, 0))
        data.attrs.update(quantity="current", units="nA")
        for number, (name, kind) in enumerate([("bias", "SPECTRAL"), ("y", "SPATIAL"), ("x", "SPATIAL")]):
            scale = file.create_dataset(f"m/{name}", data=0.5 * np.arange(data.shape[number]))
            scale.attrs.update(units="V", dimension_type=kind)
            scale.make_scale(name)
            data.dims[number].attach_scale(scale)
    cube = read(tmp_path / "a.h5", lazy=lazy)
    assert dict(cube.sizes) == {"y": 4, "x": 6, "bias": 20}
    np.testing.assert_array_equal(cube, VALUES)
    assert (cube.attrs["units"], cube.attrs["long_name"]) == ("nA", "current")


@pytest.mark.filterwarnings("error::ResourceWarning", "error::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("kind", ["imagej", "ome", "plain"])
def test_planes_of_tiff_are_channels(tmp_path, kind, lazy):
    tifffile = pytest.importorskip("tifffile", reason="the io extra is not installed")
    path, planes = tmp_path / f"{kind}.tif", np.moveaxis(VALUES, 2, 0)
    options = {"plain": {"photometric": "minisblack"}}
    options["imagej"] = {"imagej": True, "resolution": (2, 4), "metadata": {"axes": "ZYX", "unit": "um", "spacing": 3}}
    names = [f"{100 + 10 * number} nm" for number in range(20)]
    pixel = {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.25}
    options["ome"] = {"ome": True, "metadata": {"axes": "CYX", "Channel": {"Name": names}, **pixel}}
    tifffile.imwrite(path, planes, **options[kind])
    cube = read(path, lazy=lazy)
    assert cube.dims[:2] == ("y", "x")
    np.testing.assert_array_equal(cube, VALUES)
    if kind != "plain":
        np.testing.assert_allclose([cube.x[1], cube.y[1]], [0.5, 0.25])
        assert cube.x.attrs["units"] == "µm"
    if kind == "ome":
        np.testing.assert_array_equal(cube["channel"], 100 + 10 * np.arange(20))
        assert cube["channel"].attrs["units"] == "nm"
    del cube
    gc.collect()  # a file that is left open gives a ResourceWarning here
    whole = path.read_bytes()
    for share in (0.3, 0.5, 0.8):
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(ValueError, match=path.name):
            read(path)


def test_half_of_an_ome_stack_is_refused(tmp_path):
    # Without channel names, half of the file ends between two planes, and tifffile reads ten planes of twenty.
    tifffile = pytest.importorskip("tifffile", reason="the io extra is not installed")
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.moveaxis(VALUES, 2, 0), ome=True, metadata={"axes": "CYX"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ValueError, match="truncated"):
        read(path)


def test_netcdf3_is_read(tmp_path):
    cube = xr.DataArray(VALUES, dims=("y", "x", "energy"), coords={"energy": np.arange(20.0)}, name="counts")
    cube.to_netcdf(tmp_path / "a.nc", engine="scipy", format="NETCDF3_CLASSIC")
    found = read(tmp_path / "a.nc")
    np.testing.assert_array_equal(found, VALUES)
    np.testing.assert_array_equal(found["energy"], np.arange(20.0))


def test_post_processing_makes_the_first_axis_the_channel(tmp_path):
    axes = [{"name": n, "size": s, "navigate": n == "e"} for n, s in (("e", 20), ("y", 4), ("one", 1), ("x", 6))]
    data = np.moveaxis(VALUES, 2, 0)[:, :, None]
    steps = [lambda s: s.to_signal1D(optimize=True), lambda s: s.squeeze()]
    found = Reordered.of(tmp_path / "a.dm4", data, axes, steps)
    assert [(axis["name"], axis["navigate"]) for axis in found.axes] == [("e", False), ("y", True), ("x", True)]
    assert found.data.shape == (20, 4, 6)
    with pytest.warns(FileWarning, match=r"a\.dm4: a step of the reader was left out"):
        Reordered.of(tmp_path / "a.dm4", data, axes, [lambda s: s.rotate()])


def test_names_and_units_decide_if_the_reader_states_nothing():
    def kinds(*axes):
        return [axis["navigate"] for axis in with_kinds([{"name": n, "units": u, "navigate": f} for n, u, f in axes])]

    assert kinds(("Rx", "nm", False), ("Ry", "nm", False), ("Qx", "1/Å", False)) == [True, True, False]
    assert kinds(("energy", "eV", True), ("y", "", True), ("x", "", True)) == [False, True, True]
    assert kinds(("x", "nm", False), ("Wavelength", "nm", True)) == [False, True]  # as stated


def test_signals_are_chosen_by_number_or_title_and_listed(tmp_path):
    def signal(title, shape, navigate):
        return {
            "data": np.ones(shape),
            "axes": [{"navigate": n < navigate} for n in range(len(shape))],
            "metadata": {"General": {"title": title}},
        }

    signals = [signal("HAADF", (4, 6), 0), signal("EDS", (4, 6, 20), 2), signal("EELS", (4, 6, 30), 2)]
    path = tmp_path / "a.emd"
    assert number_of_signal(path, signals[:2], None) == 1
    assert number_of_signal(path, signals, "EELS") == number_of_signal(path, signals, "2") == 2
    with pytest.raises(
        ValueError, match=r"a\.emd: say which one with dataset=.*; it holds\n  0  'HAADF'  4 x 6 .*;\n  1  'EDS' "
    ):
        number_of_signal(path, signals, None)


@pytest.mark.parametrize("lazy", [False, True])
def test_zeros_at_the_end_are_reported(tmp_path, lazy):
    def check(values, first="y"):
        cube = xr.DataArray(values, dims=("y", "x", "e"))
        warn_if_incomplete(tmp_path / "a.bcf", cube.chunk() if lazy else cube, first, ["e"])

    cut = VALUES.copy()
    cut[2:] = 0
    with pytest.warns(FileWarning, match=r"the last 12 of 24 pixels \(50 %\) are zero"):
        check(cut)
    # The file holds the channels first, so the end of the file is the end of the spectra.
    check(cut, "e")
    planes = VALUES.copy()
    planes[..., 12:] = 0
    with pytest.warns(FileWarning, match=r"the last 8 of 20 channels \(40 %\) are zero"):
        check(planes, "e")
    check(planes)
    with pytest.raises(ValueError, match="holds only zeros"):
        check(0 * cut)
    check(VALUES)


def nexus_file(path, version, energies, first="y"):
    """A file with one NXdata group; ``first`` is the first dimension of the data, version 0 has no names of axes."""
    names = ["y", "x", "energy"] if first == "y" else ["energy", "y", "x"]
    axes = {"y": 0.5 * np.arange(4), "x": 0.5 * np.arange(6), "energy": energies}
    with h5py.File(path, "w") as file:
        group = file.create_group("entry/data")
        group.attrs["NX_class"] = "NXdata"
        values = group.create_dataset("counts", data=VALUES if first == "y" else np.moveaxis(VALUES, 2, 0))
        group["noise"] = np.ones((4, 6))
        for number, name in enumerate(names):
            group[name] = axes[name]
            group[name].attrs["units"] = "eV" if name == "energy" else "mm"
            if version == 1:
                group[name].attrs["axis"] = number + 1
        if version == 3:
            group.attrs.update(signal="counts", axes=names)
        elif version == 0:
            group.attrs.update(signal="counts", axes=["energy" if name == "energy" else "." for name in names])
        else:
            values.attrs["signal"] = 1
        if version == 2:
            values.attrs["axes"] = ":".join(names)


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("first", ["y", "energy"])
@pytest.mark.parametrize("version", [0, 1, 2, 3])
@pytest.mark.parametrize("kind", ["rising", "falling", "uneven", "edges"])
def test_axes_of_nexus_files_of_all_versions(tmp_path, version, first, kind, lazy):
    energies = {"rising": np.arange(20.0), "falling": 40 - np.arange(20.0), "uneven": np.geomspace(1, 9, 20)}
    energies["edges"] = np.arange(21.0)
    nexus_file(tmp_path / "a.nxs", version, energies[kind], first)
    cube = read(tmp_path / "a.nxs", lazy=lazy)
    assert dict(cube.sizes) == {"y": 4, "x": 6, "energy": 20}
    np.testing.assert_array_equal(cube, VALUES)
    np.testing.assert_allclose(cube["energy"], energies[kind] if kind != "edges" else 0.5 + np.arange(20))
    assert cube["energy"].attrs["units"] == "eV"
    assert version == 0 or cube["x"].attrs["units"] == "mm"


def test_the_default_of_a_nexus_file_is_read_and_a_wrong_axis_reported(tmp_path):
    path = tmp_path / "a.h5"
    nexus_file(path, 3, np.arange(7.0))
    with h5py.File(path, "a") as file:
        file.copy("entry/data", "entry/other")
        del file["entry/other/energy"]
        file["entry/other/energy"] = 2.0 * np.arange(20)
    with pytest.raises(
        ValueError, match=r"say which one with dataset=.*; it holds\n  0  'entry/data/counts' entry/data +4 x 6 x 20"
    ):
        read(path)
    np.testing.assert_array_equal(read(path, dataset="/entry/other")["energy"], 2 * np.arange(20))
    assert read(path, dataset="entry/data/noise").shape == (4, 6)
    with pytest.warns(FileWarning, match="the axis 'energy' is no vector of 20 numbers"):
        read(path, dataset="entry/data/counts")
    with h5py.File(path, "a") as file:
        file.attrs["default"] = "entry"
        file["entry"].attrs["default"] = "other"
    np.testing.assert_array_equal(read(path)["energy"], 2 * np.arange(20))


@pytest.mark.parametrize("kind", ["link", "storage", "virtual"])
def test_hdf5_that_refers_to_another_folder_is_refused(tmp_path, kind):
    (tmp_path / "inside").mkdir()
    other, path = tmp_path / "other.h5", tmp_path / "inside" / "a.h5"
    with h5py.File(other, "w") as file:
        file["d"] = VALUES
    with h5py.File(path, "w") as file:
        file["own"] = VALUES
        if kind == "link":
            file["d"] = h5py.ExternalLink(str(other), "d")
        elif kind == "storage":
            file.create_dataset("d", VALUES.shape, np.float32, external=[(str(other), 0, VALUES.nbytes)])
        else:
            layout = h5py.VirtualLayout(VALUES.shape, np.float32)
            layout[:] = h5py.VirtualSource(str(other), "d", VALUES.shape)
            file.create_virtual_dataset("d", layout)
    with pytest.raises(ValueError, match=r"a\.h5: 'd' refers to .*outside the folder"):
        read(path, dataset="own")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.spc", b"\x00\x4b\x00\x00" * 20, "truncated within its header"),
        ("a.csv", b"x,y,400\n0,0,1\n", "say dataset="),
        ("a.npy", b"hello", "first bytes differ"),
        ("a.nc", b"hello", "first bytes differ"),
        ("a.gsf", b"Gwyddion", "first bytes differ"),
        ("a.0000", b"\x0a\x0a", "no reader for"),
        ("a.mat", b"hello", "could not be read"),
        ("a.dm4", b"hello", "could not be read"),
    ],
)
def test_foreign_files_are_refused_in_one_sentence(tmp_path, capsys, name, content, words):
    (tmp_path / name).write_bytes(content)
    assert main(["unmix", str(tmp_path / name), "-q"]) == 2
    text = capsys.readouterr().err
    assert name in text
    assert words in text
    assert len(text.splitlines()) == 1


def test_complex_numbers_and_pipes_are_refused_with_advice(tmp_path):
    np.save(tmp_path / "a.npy", VALUES + 1j)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["d"] = VALUES + 1j
    for name in ("a.npy", "a.h5"):
        with pytest.raises(TypeError, match=rf"{name}: .* complex numbers: .*abs\(array\)"):
            read(tmp_path / name)
    os.mkfifo(tmp_path / "pipe.npy")
    for function in (read, mf.load):
        with pytest.raises(ValueError, match="is a pipe, a device or a socket"):
            function(tmp_path / "pipe.npy")


def test_a_picture_is_no_line_of_spectra(tmp_path):
    picture = np.random.default_rng(0).random((64, 80))
    with pytest.warns(PictureWarning, match="SlidingFFT"):
        mf.unmix(picture, 2, max_iter=5, tol=0.5, random_state=0)
    mf.unmix(picture, 2, max_iter=50, tol=0.5, random_state=0, channel="channel")
    mf.unmix(xr.DataArray(picture, dims=("x", "energy")), 2, max_iter=50, tol=0.5, random_state=0)


def test_save_refuses_other_suffixes_and_keeps_odd_coordinates(tmp_path):
    times = pd.date_range("2024-01-01", periods=12, freq="h")
    data = np.random.default_rng(0).random((12, 20))
    for coordinate in (times.tz_localize("Europe/Oslo"), pd.CategoricalIndex(list("lkjihgfedcba")), times - times[0]):
        cube = xr.DataArray(data, dims=("t", "e"), coords={"t": coordinate})
        result = mf.unmix(cube, 2, random_state=0)
        result.save(tmp_path / "a.nc")
        found = mf.load(tmp_path / "a.nc").abundances.indexes["t"]
        assert list(found) == list(coordinate)
        assert type(found) is type(coordinate)
    with pytest.raises(ValueError, match=r"\.nc .*or \.zarr, and 'a\.csv'"):
        result.save(tmp_path / "a.csv")
    assert not (tmp_path / "a.csv").exists()


def test_a_path_selects_any_array_of_an_hdf5_file_of_a_known_dialect(tmp_path):
    path = tmp_path / "nexus.h5"
    with h5py.File(path, "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        data = entry.create_group("data")
        data.attrs.update(NX_class="NXdata", signal="counts")
        data["counts"] = np.arange(24.0).reshape(2, 3, 4)
        data["other"] = np.ones((3, 4, 5))
    assert read(path, dataset="/entry/data/other").shape == (3, 4, 5)


def test_maps_beside_a_larger_table_of_spectra_are_not_taken_for_the_image(tmp_path):
    path = tmp_path / "scene.npz"
    np.savez(path, Y=np.ones((50, 90)), maps=np.ones((9, 10, 3)))
    with pytest.raises(ValueError, match=r"'Y' +50 x 90 .*;\n.*'maps' +9 x 10 x 3"):
        read(path)
    assert read(path, dataset="Y").shape == (50, 90)
