from __future__ import annotations

import h5py
import numpy as np
import pytest
import scipy.io
import scipy.sparse
import xarray as xr
import zarr

import mffnb as mf
from mffnb.cubes import pixel_rows as cube_rows
from mffnb.cubes.layout import Layout
from mffnb.cubes.pixel_rows import CubeRows
from mffnb.errors import SlowReadingWarning
from mffnb.io.atomic import write_atomically
from mffnb.io.read import read
from mffnb.matrices import Chunked, Sparse


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
    with pytest.raises(
        ValueError, match=r"no dataset 'other'; it holds\n  0  'measurement/photo' .*;\n  1  'measurement/stack'"
    ):
        read(path, dataset="other")
    with h5py.File(path, "a") as file:
        file["second"] = cube.values
    with pytest.raises(ValueError, match="say which one with dataset="):
        read(path)


@pytest.mark.parametrize("lazy", [False, True])
def test_dimension_scales_name_and_calibrate_the_axes(tmp_path, cube, lazy):
    with h5py.File(tmp_path / "a.hf5", "w") as file:
        stack = file.create_dataset("measurement/stack", data=cube.values, chunks=(3, 2, 20))
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
    assert not lazy or CubeRows(Layout.of(found), found)._chunk_lengths() == (3, 2)


def test_matlab_files_of_both_kinds(tmp_path, cube):
    scipy.io.savemat(tmp_path / "old.mat", {"stack": cube.values, "lines": 4, "note": "text"})
    np.testing.assert_array_equal(read(tmp_path / "old.mat", dataset="stack"), cube)
    with h5py.File(tmp_path / "new.mat", "w", userblock_size=512) as file:
        file["stack"] = cube.values.T  # MATLAB's order
    with open(tmp_path / "new.mat", "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    np.testing.assert_array_equal(read(tmp_path / "new.mat"), cube)
    assert read(tmp_path / "new.mat").dims == ("y", "x", "channel")
    with pytest.raises(ValueError, match=r"there is no dataset 'other'; it holds\n  0  'stack' .*;\n  1  'lines'"):
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
    (tmp_path / "a.quux").write_text("?")
    with pytest.raises(ValueError, match=r"no reader for '.quux'|mffnb\[io\]"):
        read(tmp_path / "a.quux")
    np.savez(tmp_path / "b.npz", a=np.zeros(3))
    with pytest.raises(ValueError, match="no array with two or more dimensions"):
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
    with pytest.raises(ValueError, match="truncated"):
        mf.load(tmp_path / "cut.nc")
    (tmp_path / "text.nc").write_text("hello")
    with pytest.raises(ValueError, match="no NetCDF file"):
        mf.load(tmp_path / "text.nc")
    with pytest.raises(FileNotFoundError):
        mf.load(tmp_path / "none.nc")


def test_npz_with_an_object_array_beside_the_stack(tmp_path, cube):
    np.savez(tmp_path / "a.npz", stack=cube.values, notes=np.array([{"by": "hand"}], dtype=object))
    np.testing.assert_array_equal(read(tmp_path / "a.npz"), cube)


def written(folder, data, kind):
    """A file of that kind in pieces that do not fit the map, and what else to say to read it."""
    values, path = data.values, folder / f"a.{kind.split()[0]}"
    chunks = (2, 4, values.shape[2])
    if kind == "npy":
        np.save(path, values)
    elif kind == "npy columns":
        np.save(path, np.asfortranarray(values))
    elif kind == "nc":
        data.to_netcdf(path, engine="h5netcdf", encoding={data.name: {"chunksizes": chunks}})
    elif kind == "h5":
        with h5py.File(path, "w") as file:
            file.create_dataset("group/stack", data=values, chunks=chunks, compression="gzip")
    elif kind == "zarr":
        zarr.create_array(path, data=values, chunks=chunks)
    elif kind == "zarr group":
        group = zarr.open_group(path, mode="w")
        group.create_array("group/stack", data=values, chunks=chunks)
        group.create_array("mean", data=values.mean(axis=2))
    else:
        data.to_dataset().to_zarr(path, consolidated=False, encoding={data.name: {"chunks": chunks}})
    return path


@pytest.mark.parametrize("kind", ["npy", "npy columns", "nc", "h5", "zarr", "zarr group", "zarr xarray"])
def test_lazy_files_are_read_in_bands_to_the_same_answer(tmp_path, cube, kind):
    path = written(tmp_path, cube, kind)
    eager, lazy = read(path, lazy=False), read(path, lazy=True)
    assert eager.dims == lazy.dims
    if "xarray" in kind or kind == "nc":
        xr.testing.assert_equal(lazy.drop_attrs(), cube.drop_attrs())
    if not kind.startswith("npy"):
        assert CubeRows(Layout.of(lazy[1:]), lazy[1:])._chunk_lengths() == (2, 4)
    for key in (np.s_[1:4], np.s_[2], np.s_[2, 3], np.s_[::2, ::-1], np.s_[4:4], np.s_[..., 3], np.s_[1, 2:9:3, 5]):
        np.testing.assert_array_equal(lazy[key], eager[key])
    assert isinstance(Layout.of(lazy).matrix(lazy), Chunked)
    one, other = (mf.unmix(data, 2, random_state=0, smoothness=0.1) for data in (eager, lazy))
    np.testing.assert_allclose(one.endmembers, other.endmembers, atol=1e-9)
    np.testing.assert_array_equal(lazy.values, eager.values)


def test_a_sparse_file_stays_sparse_and_only_rows_asked_for_are_read(tmp_path):
    rng = np.random.default_rng(0)
    counts = rng.poisson(rng.dirichlet(np.ones(3), 300) @ rng.gamma(0.1, 1.0, (3, 40))).astype(np.uint16)
    X = scipy.sparse.csr_array(counts)
    for compressed in (True, False):
        scipy.sparse.save_npz(tmp_path / "x.npz", X, compressed=compressed)
        image = read(tmp_path / "x.npz")
        assert image.dims == ("x", "channel")
        np.testing.assert_array_equal(image, counts)
        for key in (np.s_[5:20], np.s_[5:20, ::2], np.s_[7], np.s_[200:200]):
            np.testing.assert_array_equal(image[key], counts[key])
        np.testing.assert_array_equal(image.sum("channel"), counts.sum(axis=1))
        part = Layout.of(image).section(10, 40).matrix(image[10:40])
        assert isinstance(part, Sparse)
        np.testing.assert_array_equal(part.array.toarray(), counts[10:40])
    one = mf.unmix(tmp_path / "x.npz", 3, random_state=0)
    assert one.parameters["data"].startswith("compressed rows")
    np.testing.assert_allclose(one.endmembers, mf.unmix(counts, 3, random_state=0).endmembers, atol=1e-9)
    masked = mf.unmix(tmp_path / "x.npz", 3, random_state=0, mask=np.arange(300) < 250)
    assert int(masked.abundances.isnull().sum()) == 3 * 50
    scipy.sparse.save_npz(tmp_path / "columns.npz", X.tocsc())
    with pytest.raises(ValueError, match=r"save compressed rows, X\.tocsr\(\)"):
        read(tmp_path / "columns.npz")
    scipy.sparse.save_npz(tmp_path / "holes.npz", scipy.sparse.csr_array(np.where(counts == 2, np.nan, counts)))
    with pytest.raises(ValueError, match="holds NaN among its counts"):
        mf.unmix(tmp_path / "holes.npz", 3)


def test_pieces_of_a_file_are_read_once_wherever_a_band_begins(tmp_path):
    shape = (50, 16, 64)
    data = np.random.default_rng(0).random(shape, dtype=np.float32)
    zarr.create_array(tmp_path / "a.zarr", data=data, chunks=(8, 8, 64))
    cube = read(tmp_path / "a.zarr", lazy=True)
    whole, part = Layout.of(cube), Layout.of(cube).section(11, 50)
    assert whole.matrix(cube).limits.tolist() == [0, 800]
    # Bands as if the file were large: they end where pieces do, also for a rank that begins inside of one.
    for layout, first in ((whole, 0), (part, 11)):
        limits, times = cube_rows._band_limits(layout.map_shape, (8, 8), first, 16 * 9, 10**6)
        assert times == 1
        assert all((first + limits[1:-1] // 16) % 8 == 0)
        assert limits[-1] == np.prod(layout.map_shape)
    # Layers of pieces that are too large are read several times over; long rows of the map are parted.
    assert cube_rows._band_limits((64, 100, 5), (32, 1, 1), 0, 10, 5000)[1] == 4
    limits, times = cube_rows._band_limits((3, 10, 100), (1, 2, 2), 0, 200, 10**6)
    assert (limits.tolist(), times) == (list(range(0, 3001, 200)), 1)


def test_a_file_in_unlucky_pieces_is_warned_of(tmp_path, monkeypatch):
    zarr.create_array(tmp_path / "a.zarr", data=np.ones((60, 16, 64)), chunks=(60, 16, 1))
    monkeypatch.setattr(cube_rows, "_LARGEST_LAYER", 8 * 16 * 64 * 10)
    cube = read(tmp_path / "a.zarr", lazy=True)
    with pytest.warns(SlowReadingWarning, match=r"a\.zarr is stored in chunks of 60 x 16 pixels.*6 times"):
        assert CubeRows(Layout.of(cube), cube).limits[-1] == 960


@pytest.mark.parametrize("kind", ["h5", "zarr", "npy"])
def test_a_damaged_piece_is_named(tmp_path, cube, kind):
    path = written(tmp_path, cube.astype("f4"), kind)
    whole = read(path, lazy=True)
    if kind == "h5":
        with h5py.File(path) as file:
            damaged, place = path, file["group/stack"].id.get_chunk_info_by_coord((4, 4, 0)).byte_offset
    elif kind == "zarr":
        damaged, place = path / "c" / "2" / "1" / "0", 30
    else:
        damaged, place = path, None
    content = bytearray(damaged.read_bytes())
    damaged.write_bytes(content[:-400] if place is None else content[:place] + b"?" * 40 + content[place + 40 :])
    with pytest.raises(OSError, match=rf"a\.{kind}: rows \d+ to 5 of 'y' cannot be read"):
        mf.unmix(whole if kind != "zarr" else read(path, lazy=True), 2)
