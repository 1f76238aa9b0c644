"""Folders and patterns: lists of cubes, and one cube of single-channel TIFF files whose names state the channels."""

from __future__ import annotations

import os

import numpy as np
import pytest
import tifffile
import xarray as xr

import mffnb as mf
from mffnb.io.name_pattern import named_channels
from mffnb.io.tiff_folder import StoredPictures

STACK = np.random.default_rng(3).poisson(20, (6, 7, 4)).astype(np.uint16)


def write(folder, names, **options):
    """Write the channels of the stack as one TIFF file each."""
    folder.mkdir(exist_ok=True)
    for number, name in enumerate(names):
        tifffile.imwrite(folder / name, STACK[..., number], photometric="minisblack", **options)
    return folder


def test_a_folder_gives_the_list_of_its_cubes_in_the_order_of_the_numbers(tmp_path):
    for number in (10, 9, 2):
        np.save(tmp_path / f"map{number}.npy", np.full((2, 3, 4), number))
    (tmp_path / "notes.md").write_text("no data")
    (tmp_path / ".hidden.npy").write_text("no data")
    for path in (tmp_path, tmp_path / "map*.npy", str(tmp_path / "*")[:-1] + "map?*.npy"):
        cubes = mf.read(path)
        assert [int(cube[0, 0, 0]) for cube in cubes] == [2, 9, 10]
        assert cubes[0].attrs["source"].endswith("map2.npy")


def test_arguments_apply_to_every_file(tmp_path):
    for name in ("a", "b"):
        np.savez(tmp_path / f"{name}.npz", first=STACK, second=2 * STACK)
    for cube in mf.read(tmp_path, dataset="second"):
        np.testing.assert_array_equal(cube, 2 * STACK)
    with pytest.raises(ValueError, match=r"a\.npz: say which one with dataset="):
        mf.read(tmp_path)


def test_folders_that_are_not_clear_are_refused(tmp_path):
    with pytest.raises(ValueError, match="is a folder without a file that could be read"):
        mf.read(tmp_path)
    np.save(tmp_path / "a.npy", STACK)
    np.savez(tmp_path / "b.npz", STACK)
    with pytest.raises(ValueError, match=r"several formats \(1 \.np[yz], 1 \.np[yz]\): say which ones, .*\*\.np"):
        mf.read(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no file that fits .*\*\.h5"):
        mf.read(tmp_path / "*.h5")
    with pytest.raises(FileNotFoundError, match="there is no file"):
        mf.read(tmp_path / "nothing")
    with pytest.raises(ValueError, match=r"is one file, and pattern= finds channels"):
        mf.read(tmp_path / "a.npy", pattern="{channel}")
    with pytest.raises(ValueError, match=r"one picture each, and a\.npy is none"):
        mf.read(tmp_path / "*.npy", pattern="{channel}")
    with pytest.raises(ValueError, match=r"is a folder: name the file in it, or read all of them with mf\.read"):
        mf.unmix(tmp_path, 2)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes")
def test_a_pipe_in_a_folder_is_not_opened(tmp_path):
    folder = write(tmp_path / "scan", ["a_1.tif", "a_2.tif"])
    os.mkfifo(folder / "a_3.tif")
    assert mf.read(folder).shape == (6, 7, 2)
    assert mf.read(folder / "a_*.tif").shape == (6, 7, 2)


def test_a_file_whose_name_holds_a_bracket_is_no_pattern(tmp_path):
    np.save(tmp_path / "a[1].npy", STACK)
    assert isinstance(mf.read(tmp_path / "a[1].npy"), xr.DataArray)


@pytest.mark.parametrize("lazy", [False, True])
def test_single_channel_tiff_files_are_one_cube_with_energies(tmp_path, lazy):
    names = ["roi_700.5eV_1.tif", "roi_699eV_1.tif", "roi_1001.0eV_1.tif", "roi_85.25eV_1.tif"]
    write(tmp_path / "scan", names, compression="zlib")
    cube = mf.read(tmp_path / "scan", lazy=lazy)
    assert cube.dims == ("y", "x", "energy")
    np.testing.assert_array_equal(cube["energy"], [85.25, 699, 700.5, 1001])
    assert cube["energy"].attrs["units"] == "eV"
    assert cube.dtype == np.uint16
    expected = STACK[..., [3, 1, 0, 2]]
    np.testing.assert_array_equal(cube, expected)
    assert cube.attrs["source"] == str(tmp_path / "scan")
    result = mf.unmix(cube, 2, random_state=0)
    np.testing.assert_allclose(result.endmembers["energy"], cube["energy"])
    np.testing.assert_allclose(result.endmembers, mf.unmix(cube.copy(data=expected), 2, random_state=0).endmembers)
    for key in (np.s_[1:4], np.s_[2], np.s_[2, 3], np.s_[::2, ::-1], np.s_[..., 3], np.s_[1, 2:5, 1:3]):
        np.testing.assert_array_equal(cube[key], expected[key])


def test_channels_may_be_names(tmp_path):
    cube = mf.read(write(tmp_path / "xrf", ["map_Fe_K.tif", "map_Ca_K.tif", "map_S_K.tif", "map_Zn_K.tif"]))
    assert cube["channel"].values.tolist() == ["Ca", "Fe", "S", "Zn"]
    np.testing.assert_array_equal(cube.sel(channel="Fe"), STACK[..., 0])
    result = mf.unmix(cube, 2, random_state=0)
    assert result.endmembers["channel"].values.tolist() == ["Ca", "Fe", "S", "Zn"]


def test_a_pattern_says_where_the_channel_is_and_selects_the_files(tmp_path):
    names = ["s1_t1_500.tif", "s1_t2_600.tif", "s2_t1_400.tif", "overview.tif"]
    folder = write(tmp_path / "scan", names)
    cube = mf.read(folder, pattern="s*_t*_{wavelength:nm}")
    np.testing.assert_array_equal(cube["wavelength"], [400, 500, 600])
    assert cube["wavelength"].attrs["units"] == "nm"
    np.testing.assert_array_equal(cube, STACK[..., [2, 0, 1]])
    with pytest.raises(ValueError, match=r"3 numbers differ between the names of the files, such as 's1_t1_500'"):
        mf.read(folder / "s*.tif")
    with pytest.raises(
        ValueError, match=r"no name of a file fits pattern='q_\{channel\}': they are such as 'overview'"
    ):
        mf.read(folder, pattern="q_{channel}")
    with pytest.raises(ValueError, match="has 2 fields in braces"):
        mf.read(folder, pattern="{a}_{b}")
    with pytest.raises(ValueError, match="two files state the channel 't1', such as 's1_t1_500'"):
        mf.read(folder, pattern="s*_{channel}_*")


def test_pictures_of_different_shapes_are_refused(tmp_path):
    folder = write(tmp_path / "scan", ["a_1.tif", "a_2.tif"])
    tifffile.imwrite(folder / "a_3.tif", STACK[:3, :, 0], photometric="minisblack")
    with pytest.raises(ValueError, match=r"a_3\.tif holds \(3, 7\) and a_1\.tif \(6, 7\): the pictures of one cube"):
        mf.read(folder)
    (folder / "a_3.tif").write_bytes(b"II*\0")
    with pytest.raises(ValueError, match=r"a_3\.tif"):
        mf.read(folder)


def test_a_folder_of_stacks_is_a_list(tmp_path):
    for name in ("a", "b"):
        tifffile.imwrite(tmp_path / f"{name}.tif", np.moveaxis(STACK, 2, 0), photometric="minisblack")
    cubes = mf.read(tmp_path)
    assert [cube.shape for cube in cubes] == [(6, 7, 4), (6, 7, 4)]


def test_pixel_size_and_types_are_those_of_the_files(tmp_path):
    folder = write(tmp_path / "scan", ["a_1.tif", "a_2.tif"], imagej=True, resolution=(2, 2), metadata={"unit": "um"})
    cube = mf.read(folder)
    np.testing.assert_allclose(cube["x"], 0.5 * np.arange(7))
    assert cube["x"].attrs["units"] == "µm"
    tifffile.imwrite(folder / "a_3.tif", STACK[..., 2].astype(np.float32), photometric="minisblack")
    assert mf.read(folder).dtype == np.float32
    assert StoredPictures((folder / "a_1.tif",))[:, :, 1:].shape == (6, 7, 0)


@pytest.mark.parametrize(
    ("names", "dim", "values", "units"),
    [
        (["E-1", "E-2"], "channel", (1.0, 2.0), ""),
        (["280,5 eV a", "281,0 eV a"], "energy", (280.5, 281.0), "eV"),
        (["b_-5", "b_3"], "channel", (-5.0, 3.0), ""),
        (["C1s", "O1s"], "channel", ("C1s", "O1s"), ""),
        (["scan1", "scan10", "scan9"], "channel", (1.0, 9.0, 10.0), ""),
        (["400nm", "500nm"], "wavelength", (400.0, 500.0), "nm"),
        (["map", "map_Cu"], "channel", ("map", "map_Cu"), ""),
        (["alone"], "channel", ("alone",), ""),
    ],
)
def test_the_part_in_which_names_differ_is_the_channel(names, dim, values, units):
    found = named_channels(names)
    assert (found.dim, found.values, found.units) == (dim, values, units)
