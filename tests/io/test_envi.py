"""ENVI images: order of the numbers, types, axes, bad bands, and files that are refused."""

from __future__ import annotations

import numpy as np
import pytest

import mffnb as mf
from mffnb.datasets import fetch
from mffnb.errors import FileWarning

EXPECTED = np.fromfunction(lambda y, x, c: 50 * y + 10 * x + c + 1, (3, 4, 5))
AXES = {"bsq": (2, 0, 1), "bil": (0, 2, 1), "bip": (0, 1, 2)}


def write(path, order="bil", kind=4, swapped=0, offset=0, extra=""):
    dtype = {1: "u1", 2: "i2", 4: "f4", 12: "u2", 6: "c8"}[kind]
    numbers = EXPECTED.transpose(AXES[order]).astype((">" if swapped else "<") + dtype)
    path.with_suffix(".img").write_bytes(bytes(offset) + numbers.tobytes())
    path.write_text(
        f"ENVI\ndescription = {{a map}}\nsamples = 4\nlines   = 3\nbands = 5\nheader offset = {offset}\n"
        f"data type = {kind}\ninterleave = {order}\nbyte order = {swapped}\n{extra}\n"
    )
    return path


@pytest.mark.parametrize("order", AXES)
@pytest.mark.parametrize(("kind", "swapped", "offset"), [(4, 0, 0), (2, 1, 0), (12, 0, 7), (1, 1, 3)])
@pytest.mark.parametrize("lazy", [False, True])
def test_every_order_of_the_numbers_gives_the_same_map(tmp_path, order, kind, swapped, offset, lazy):
    path = write(tmp_path / "a.hdr", order, kind, swapped, offset)
    for name in (path, path.with_suffix(".img")):
        cube = mf.read(name, lazy=lazy)
        assert cube.dims == ("y", "x", "channel")
        np.testing.assert_array_equal(cube, EXPECTED)
        np.testing.assert_array_equal(cube[1:, 2, ::2], EXPECTED[1:, 2, ::2])


def test_wavelengths_and_positions_are_read(tmp_path):
    extra = (
        "wavelength = {\n 400.5, 410,\n 420, 430, 440 }\nwavelength units = Nanometers\n"
        "map info = {UTM, 1, 1, 1000, 5000, 2, 4, 33, North, WGS-84, units=Meters}"
    )
    cube = mf.read(write(tmp_path / "a.hdr", extra=extra))
    np.testing.assert_array_equal(cube["channel"], [400.5, 410, 420, 430, 440])
    assert cube["channel"].attrs["units"] == "nm"
    np.testing.assert_array_equal(cube["x"], [1001, 1003, 1005, 1007])
    np.testing.assert_array_equal(cube["y"], [4998, 4994, 4990])
    assert cube["y"].attrs["units"] == "m"
    assert cube.attrs["title"] == "a map"


def test_bad_bands_and_the_ignored_value_are_masked(tmp_path):
    path = write(tmp_path / "a.hdr", kind=2, extra="bbl = {1, 0, 1, 1, 0}\ndata ignore value = 11")
    cube = mf.read(path)
    expected = np.where(EXPECTED == 11, np.nan, EXPECTED)
    expected[..., [1, 4]] = np.nan
    np.testing.assert_array_equal(cube, expected)
    path = write(tmp_path / "a.hdr", kind=2, extra="bbl = {1, 0, 1, 1, 0}")
    with pytest.warns(FileWarning, match=r"2 bad bands stay on disk: pass mask=cube\['good_band'\]"):
        cube = mf.read(path, lazy=True)
    np.testing.assert_array_equal(cube["good_band"], [True, False, True, True, False])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("samples = 4", "samples = 400", "truncated: 23760 bytes"),
        ("samples = 4", "samples = ?", "lacks a number"),
        ("bands = 5", "", "lacks a number"),
        ("interleave = bil", "interleave = zip", "no ENVI image"),
        ("data type = 4", "data type = 99", "no ENVI image"),
        ("data type = 4", "data type = 6", "truncated"),
        ("ENVI", "????", "no file of the format ENVI"),
    ],
)
def test_headers_that_do_not_fit_are_refused(tmp_path, old, new, message):
    path = write(tmp_path / "a.hdr")
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ValueError, match=message):
        mf.read(path)


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.9])
def test_truncated_files_are_refused(tmp_path, share):
    for suffix in (".hdr", ".img"):
        cut = write(tmp_path / "a.hdr").with_suffix(suffix)
        content = cut.read_bytes()
        if suffix == ".img" or share < 0.9:  # the last tenth of this header is not needed
            cut.write_bytes(content[: int(share * len(content))])
            with pytest.raises(ValueError, match=r"a\.(hdr|img)"):
                mf.read(tmp_path / "a.hdr")


def test_complex_numbers_and_files_elsewhere_are_refused(tmp_path):
    (tmp_path / "folder").mkdir()
    path = write(tmp_path / "folder" / "a.hdr", kind=6)
    with pytest.raises(TypeError, match="complex numbers"):
        mf.read(path)
    data = path.with_suffix(".img")
    data.rename(tmp_path / "a.img")
    with pytest.raises(ValueError, match="needs its file of numbers"):
        mf.read(path)
    data.symlink_to(tmp_path / "a.img")
    with pytest.raises(ValueError, match="a link to another folder"):
        mf.read(path)
    with pytest.raises(ValueError, match="JEOL"):  # without a header it is no ENVI image
        mf.read(tmp_path / "a.img")


@pytest.mark.data("files/envi_bil.hdr", "files/envi_bil.img")
@pytest.mark.parametrize("suffix", [".hdr", ".img"])
def test_the_map_of_the_data_folder_is_in_place(suffix):
    cube = mf.read(fetch.data_folder() / "files" / f"envi_bil{suffix}")
    y, x, c = np.meshgrid(*map(np.arange, (4, 6, 20)), indexing="ij")
    np.testing.assert_array_equal(cube, 1000 * y + 100 * x + c + 1)
    np.testing.assert_array_equal(cube["channel"], np.linspace(100, 290, 20))
