"""Following the advice in a message of save, load or read works."""

from __future__ import annotations

import os

import numpy as np
import pytest
import xarray as xr

import mffnb as mf

CUBE = xr.DataArray(
    np.random.default_rng(0).random((4, 5, 8)) + 0.1,
    dims=("y", "x", "e"),
    coords={"y": np.array(["a", 1, 2.5, None], object), "e": np.arange(8.0)},
)
PLAIN = CUBE.drop_vars("y")


@pytest.fixture(scope="module")
def result():
    return mf.unmix(PLAIN, 2, random_state=0)


def test_an_unknown_suffix(result, tmp_path):
    with pytest.raises(ValueError, match=r"saved as \.nc \(NetCDF-4\) or \.zarr.*write result\.abundances") as told:
        result.save(tmp_path / "maps.csv")
    assert "result.endmembers" in str(told.value)
    for suffix in (".nc", ".zarr"):
        result.save(tmp_path / f"maps{suffix}")
        assert mf.load(tmp_path / f"maps{suffix}").abundances.equals(result.abundances)
    result.endmembers.to_pandas().to_csv(tmp_path / "endmembers.csv")  # a package for that format
    table = np.loadtxt(tmp_path / "endmembers.csv", delimiter=",", skiprows=1)
    np.testing.assert_allclose(table[:, 1:], result.endmembers)


def test_a_folder_that_does_not_exist(result, tmp_path):
    for name in ("new/a.nc", "new/a.zarr"):
        with pytest.raises(FileNotFoundError, match=r"there is no folder .*new: make it first"):
            result.save(tmp_path / name)
    os.mkdir(tmp_path / "new")
    for name in ("new/a.nc", "new/a.zarr"):
        result.save(tmp_path / name)
        assert mf.load(tmp_path / name).outcome is result.outcome


def test_a_name_that_is_a_folder(result, tmp_path):
    os.mkdir(tmp_path / "a.nc")
    with pytest.raises(OSError, match="give another name"):
        result.save(tmp_path / "a.nc")
    with pytest.raises(ValueError, match="is a folder: name the file in it"):
        mf.load(tmp_path)
    result.save(tmp_path / "b.nc")
    assert mf.load(tmp_path / "b.nc").outcome is result.outcome


def test_a_coordinate_of_several_types(tmp_path):
    mixed = mf.unmix(CUBE, 2, random_state=0)
    with pytest.raises(ValueError, match=r"coordinate 'y' holds objects of the types NoneType, float, int, str"):
        mixed.save(tmp_path / "a.nc")
    converted = mf.unmix(CUBE.assign_coords(y=CUBE["y"].astype(str)), 2, random_state=0)
    converted.save(tmp_path / "a.nc")
    assert mf.load(tmp_path / "a.nc").abundances.y.values.tolist() == ["a", "1", "2.5", "None"]


def test_a_result_is_no_cube_and_a_cube_is_no_result(result, tmp_path):
    result.save(tmp_path / "result.nc")
    with pytest.raises(ValueError, match=r"open a saved result by mffnb\.load"):
        mf.read(tmp_path / "result.nc")
    assert mf.load(tmp_path / "result.nc").outcome is result.outcome
    PLAIN.rename("data").to_netcdf(tmp_path / "cube.nc", engine="h5netcdf")
    with pytest.raises(ValueError, match=r"not written by Unmixing\.save: read data with mffnb\.read"):
        mf.load(tmp_path / "cube.nc")
    np.testing.assert_array_equal(mf.read(tmp_path / "cube.nc"), PLAIN)


def test_a_residual_without_the_cube(result, tmp_path):
    result.save(tmp_path / "a.nc")
    loaded = mf.load(tmp_path / "a.nc")
    with pytest.raises(ValueError, match=r"pass it, result\.residual\(cube\)"):
        loaded.residual()
    xr.testing.assert_allclose(loaded.residual(PLAIN), result.residual())


def test_a_file_without_an_image(tmp_path):
    np.savez(tmp_path / "a.npz", axis=np.arange(40.0), name=np.array(["text"]))
    with pytest.raises(ValueError, match=r"a\.npz has no array with two or more dimensions.*\n  0  'axis'  40 "):
        mf.read(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as file:
        values = file["axis"]
    assert mf.unmix(values.reshape(4, 2, 5), 1, random_state=0).abundances.sizes["y"] == 4


def test_several_datasets(tmp_path):
    np.savez(tmp_path / "a.npz", first=PLAIN.values, second=2 * PLAIN.values)
    with pytest.raises(
        ValueError, match=r"say which one with dataset=.*; it holds\n  0  'first'   4 x 5 x 8 .*;\n  1  'second'"
    ):
        mf.read(tmp_path / "a.npz")
    np.testing.assert_array_equal(mf.read(tmp_path / "a.npz", dataset="second"), 2 * PLAIN)
