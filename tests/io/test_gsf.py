"""Gwyddion Simple Field: order of the pixels, positions, and files that are refused."""

from __future__ import annotations

import numpy as np
import pytest

import mffnb as mf
from mffnb.datasets import fetch

VALUES = np.arange(12, dtype="<f4").reshape(3, 4)


def write(path, title="a"):
    text = f"Gwyddion Simple Field 1.0\nXRes = 4\nYRes = 3\nXReal = 8e-9\nYReal=3e-9\nXOffset=1e-9\nXYUnits=m\nZUnits=V\nTitle={title}\n"
    head = text.encode()
    path.write_bytes(head + bytes(4 - len(head) % 4) + VALUES.tobytes())
    return path


@pytest.mark.parametrize("title", ["a", "ab", "abc", "abcd"])
def test_a_picture_is_in_place_with_positions(tmp_path, title):
    cube = mf.read(write(tmp_path / "a.gsf", title))
    assert cube.dims == ("y", "x")
    np.testing.assert_array_equal(cube, VALUES)
    np.testing.assert_allclose(cube["x"], [2e-9, 4e-9, 6e-9, 8e-9])
    np.testing.assert_allclose(cube["y"], [0.5e-9, 1.5e-9, 2.5e-9])
    assert (cube["x"].attrs["units"], cube.attrs["units"], cube.attrs["title"]) == ("m", "V", title)


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.9])
def test_truncated_files_are_refused(tmp_path, share):
    path = write(tmp_path / "a.gsf")
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match=r"a\.gsf"):
        mf.read(path)


def test_headers_that_do_not_fit_are_refused(tmp_path):
    path = write(tmp_path / "a.gsf")
    content = path.read_bytes()
    for old, new, message in ((b"XRes = 4", b"XRes = 9", "truncated"), (b"XRes = 4", b"Xres = 4", "lacks a number")):
        path.write_bytes(content.replace(old, new))
        with pytest.raises(ValueError, match=message):
            mf.read(path)


@pytest.mark.data("files/Au168mA_nodisplacement.gsf")
def test_a_measured_picture_is_its_last_numbers():
    path = fetch.data_folder() / "files" / "Au168mA_nodisplacement.gsf"
    cube = mf.read(path)
    assert dict(cube.sizes) == {"y": 1, "x": 20480}
    np.testing.assert_array_equal(cube[0], np.frombuffer(path.read_bytes()[-4 * 20480 :], "<f4"))
