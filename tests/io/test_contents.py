"""The signals of a file: listed without reading, chosen by number, name or title, one table for all formats."""

from __future__ import annotations

import os

import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.io
import scipy.sparse
import xarray as xr
import zarr

import mffnb as mf
from mffnb.datasets import fetch
from mffnb.errors import without_warnings
from mffnb.io import readers
from mffnb.io.reader import Reader, not_listed
from mffnb.io.signal_table import Signal, signal_table
from tests.io.imzml_files import write_imzml

STACK, PHOTO = np.arange(60.0).reshape(3, 4, 5), np.ones((3, 4), np.int16)


def hdf5(path):
    with h5py.File(path, "w") as file:
        file["photo"], file["stack"] = PHOTO, STACK
        file["stack"].attrs["units"] = "counts"
        for number, name in enumerate(("y", "x", "energy")):
            file[name] = np.arange(float(STACK.shape[number]))
            file[name].make_scale(name)
            file["stack"].dims[number].attach_scale(file[name])


def store(path):
    group = zarr.open_group(path, mode="w")
    for name, values in (("photo", PHOTO), ("stack", STACK)):
        group.create_array(name, data=values)


def netcdf(path):
    stack = xr.DataArray(STACK, dims=("y", "x", "energy"), attrs={"units": "counts"})
    xr.Dataset({"photo": (("y", "x"), PHOTO), "stack": stack}).to_netcdf(path, engine="h5netcdf")


def series(path):
    import tifffile

    with tifffile.TiffWriter(path) as file:
        file.write(PHOTO, photometric="minisblack")
        file.write(np.moveaxis(STACK, 2, 0), photometric="minisblack")


WRITERS = {
    ".npz": lambda path: np.savez(path, photo=PHOTO, note=np.array("text"), stack=STACK),
    ".mat": lambda path: scipy.io.savemat(path, {"photo": PHOTO, "note": "text", "stack": STACK}),
    ".h5": hdf5,
    ".zarr": store,
    ".nc": netcdf,
    ".tif": series,
}


@pytest.mark.parametrize("suffix", WRITERS)
def test_arrays_are_listed_and_chosen_by_number(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    WRITERS[suffix](path)
    photo, stack = mf.io.contents(path)
    assert photo.shape == (3, 4)
    assert sorted(stack.shape) == [3, 4, 5]
    if suffix != ".tif":  # series of a plain TIFF have no names
        assert (photo.name, stack.name) == ("photo", "stack")
        assert stack.shape == (3, 4, 5)
    if suffix in (".h5", ".nc"):
        assert (stack.dims, stack.units, stack.dtype) == (("y", "x", "energy"), "counts", "float64")
    np.testing.assert_array_equal(mf.read(path, dataset=1), STACK)
    np.testing.assert_array_equal(mf.read(path, dataset=0), PHOTO)
    xr.testing.assert_identical(mf.read(path, dataset=stack.name or 1), mf.read(path, dataset=1))
    with pytest.raises(
        ValueError, match=rf"a\{suffix}: there is no dataset '2'; it holds\n  0  '.*' +3 x 4 .*;\n  1  "
    ):
        mf.read(path, dataset=2)


def test_a_file_of_one_array_lists_it(tmp_path):
    np.save(tmp_path / "a.npy", STACK)
    assert mf.io.contents(tmp_path / "a.npy") == (Signal("a", (3, 4, 5), dtype="float64"),)
    scipy.sparse.save_npz(tmp_path / "b.npz", scipy.sparse.csr_array(PHOTO))
    assert [one.shape for one in mf.io.contents(tmp_path / "b.npz")] == [(3, 4)]
    pd.DataFrame(PHOTO).to_excel(tmp_path / "c.xlsx", sheet_name="Map", index=False)
    assert mf.io.contents(tmp_path / "c.xlsx") == (Signal("Map", (4, 4), ("row", "column")),)
    path = write_imzml(tmp_path / "d.imzML", {(x, 1): ([100.0, 200.0][:x], [1.0, x][:x]) for x in (1, 2)})
    assert mf.io.contents(path) == (Signal("d", (1, 2, None), ("y", "x", "mz"), dtype="float32"),)
    assert " 1 x 2 x ? " in str(mf.io.info(path))


def test_a_name_comes_before_a_title_and_a_title_before_a_number(tmp_path):
    np.savez(tmp_path / "a.npz", **{"1": STACK, "0": 2 * STACK, "c": 3 * STACK})
    for dataset, factor in (("0", 2), (1, 1), ("2", 3), ("c", 3)):
        np.testing.assert_array_equal(mf.read(tmp_path / "a.npz", dataset=dataset), factor * STACK)


def test_a_long_table_is_cut():
    rows = signal_table([Signal(f"s{number}", (5,)) for number in range(100)]).splitlines()
    assert len(rows) == 21
    assert rows[-1] == "  and 80 more, up to number 99"


def test_every_reader_of_the_package_lists_its_signals():
    own = [one for one in vars(readers).values() if isinstance(one, Reader)]
    assert not [one.name for one in own if one.contents is not_listed]


def open_files(path):
    """How often a file is open in this process."""
    links = [os.path.join("/proc/self/fd", name) for name in os.listdir("/proc/self/fd")]
    return sum(os.path.realpath(link) == str(path.resolve()) for link in links if os.path.islink(link))


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="lists the open files as Linux does")
@pytest.mark.parametrize("engine", ["scipy", "h5netcdf"])
@pytest.mark.parametrize("lazy", [False, True])
def test_a_netcdf_file_is_closed_after_an_error(tmp_path, engine, lazy):
    path = tmp_path / "a.nc"
    xr.Dataset({"first": (("y", "x", "e"), STACK), "second": (("y", "x", "e"), STACK)}).to_netcdf(path, engine=engine)
    with pytest.raises(ValueError, match="say which one"):
        mf.read(path, lazy=lazy)
    assert open_files(path) == 0
    cube = mf.read(path, dataset="second", lazy=lazy)
    assert (open_files(path) > 0) == lazy  # memory that is mapped counts as well
    np.testing.assert_array_equal(cube, STACK)
    mf.io.contents(path)
    assert (open_files(path) > 0) == lazy  # memory that is mapped counts as well


@pytest.mark.parametrize("engine", ["scipy", "h5netcdf"])
def test_a_netcdf_picture_has_to_be_named(tmp_path, engine):
    values = np.arange(12.0).reshape(1, 3, 4)
    xr.Dataset({"height": (("time", "dimy", "dimx"), values)}).to_netcdf(tmp_path / "a.nc", engine=engine)
    with pytest.raises(ValueError, match=r"'height' is a picture of 3 x 4 pixels without a spectral axis.*augment"):
        mf.read(tmp_path / "a.nc")
    picture = mf.read(tmp_path / "a.nc", dataset="height")
    assert picture.dims == ("dimy", "dimx")
    np.testing.assert_array_equal(picture, values[0])
    cube = xr.DataArray(STACK, dims=("dimy", "dimx", "energy"))
    assert mf.preprocessing.augment(cube, picture).sizes["energy"] == 6
    line = xr.DataArray(PHOTO, dims=("x", "energy"), name="line")
    line.to_netcdf(tmp_path / "b.nc", engine=engine)
    assert mf.read(tmp_path / "b.nc").dims == ("x", "energy")


MEASURED = {
    "files/velox_several_signals.emd": 9,
    "files/DEMO_3D.SPC": 32,
    "files/grid_spectroscopy.3ds": 16,
    "files/16x16_12bit_packed_8bit.bcf": 2,
    "files/delmic_hyperspectral.h5": 1,
    "files/py4DSTEM_size2x3x4x5.h5": 1,
    "files/opus.0000": 6,
    "Samson.mat": 5,
}


@pytest.mark.parametrize(
    ("name", "count"), [pytest.param(*item, marks=pytest.mark.data(item[0]), id=item[0]) for item in MEASURED.items()]
)
def test_signals_of_measured_files_are_listed_with_the_shapes_that_are_read(name, count):
    path = fetch.data_folder() / name
    listed = mf.io.contents(path)
    assert len(listed) == count
    number = next(n for n, one in enumerate(listed) if one.dtype[:7] != "complex")
    with without_warnings():
        assert max(mf.read(path, dataset=number).shape) == max(length or 0 for length in listed[number].shape)
        assert f"  signals  {'' if count < 11 else ' '}0  " in str(mf.io.info(path))


@pytest.mark.parametrize("suffix", [one for one in WRITERS if one != ".zarr"])
def test_contents_of_truncated_files_are_refused_or_those_of_the_whole_file(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    WRITERS[suffix](path)
    content, whole = path.read_bytes(), mf.io.contents(path)
    for share in (0, 0.1, 0.5, 0.9):
        path.write_bytes(content[: int(share * len(content))])
        try:
            found, message = mf.io.contents(path), ""
        except ValueError as error:
            found, message = (), str(error)
        assert set(found) <= set(whole)
        assert found or path.name in message
