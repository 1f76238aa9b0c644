"""Galactic SPC: both formats, integers and floats, stated and computed coordinates, and files that are refused."""

from __future__ import annotations

import struct

import numpy as np
import pytest

import mffnb as mf
from mffnb.datasets import fetch
from mffnb.unmixing.pictures import is_picture

AXIS = np.array([400.0, 450.0, 500.0, 550.0])
SPECTRA = np.array([[1.0, -2.0, 3.5, 0.25], [0.5, 8.0, -0.125, 2.0], [4.0, 4.5, 5.0, 5.5]])
SUB = "<BbhfffiifI"


def new_file(kind="float", stated=False, own=False):
    """The present format with three spectra of four points."""
    exponent = {"float": -128, "int32": 10, "int16": 8}[kind]
    flags = 4 | 128 * bool(stated or own) | 64 * bool(own) | (kind == "int16")
    head = struct.pack("<BBBbiddiB", flags, 0x4B, 0, exponent, 4, 400.0, 550.0, 3, 3)
    content = head + bytes(512 - len(head))
    content += AXIS.astype("<f4").tobytes() if stated and not own else b""
    for number, values in enumerate(SPECTRA):
        content += struct.pack(SUB, 0, exponent, number, 0.5 * number, 0, 0, 4, 0, 0, 0)
        content += (AXIS + 10 * number * (own == "different")).astype("<f4").tobytes() if own else b""
        content += encoded(values, kind, exponent)
    return content


def encoded(values, kind, exponent):
    if kind == "float":
        return values.astype("<f4").tobytes()
    bits = int(kind[3:])
    return np.round(values / 2.0 ** (exponent - bits)).astype(f"<i{bits // 8}").tobytes()


def old_file():
    """The older format, in which the halves of each integer are exchanged."""
    head = struct.pack("<BBhfffB", 4, 0x4D, 0, 4.0, 400.0, 550.0, 3)
    content = head + bytes(224 - len(head))
    for number, values in enumerate(SPECTRA):
        whole = np.frombuffer(encoded(values, "int32", 10), "<i2").reshape(-1, 2)[:, ::-1]
        content += struct.pack(SUB, 0, 10, number, 0.5 * number, 0, 0, 0, 0, 0, 0) + whole.tobytes()
    return content


CONTENTS = {
    "float": new_file(),
    "int32": new_file("int32"),
    "int16": new_file("int16"),
    "stated": new_file(stated=True),
    "own": new_file(own=True),
    "old": old_file(),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_spectra_and_coordinates_are_read(tmp_path, name):
    (tmp_path / "a.spc").write_bytes(CONTENTS[name])
    cube = mf.read(tmp_path / "a.spc")
    assert cube.dims == ("x", "channel")
    np.testing.assert_allclose(cube, SPECTRA, atol=2e-3 if name == "int16" else 1e-6)
    np.testing.assert_allclose(cube["channel"], AXIS)
    assert cube["channel"].attrs["units"] == "nm"
    assert not is_picture(cube)  # wavelengths in nm are no positions
    np.testing.assert_array_equal(cube["z"], [0, 0.5, 1])
    np.testing.assert_array_equal(mf.read(tmp_path / "a.spc", dataset="2"), cube[2:])
    with pytest.raises(ValueError, match=r"there is no dataset '3'; it holds\n  0  'spectrum 0' z = 0 .*;\n  1 "):
        mf.read(tmp_path / "a.spc", dataset="3")


def test_spectra_of_different_axes_are_read_one_by_one(tmp_path):
    (tmp_path / "a.spc").write_bytes(new_file(own="different"))
    with pytest.raises(
        ValueError, match=r"its 3 spectra have different axes .*: say which one with dataset=(.|\n)*2  'spectrum 2'"
    ):
        mf.read(tmp_path / "a.spc")
    cube = mf.read(tmp_path / "a.spc", dataset="1")
    np.testing.assert_allclose(cube, SPECTRA[1:2])
    np.testing.assert_allclose(cube["channel"], AXIS + 10)


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_truncated_files_are_refused(tmp_path, name, share):
    (tmp_path / "a.spc").write_bytes(CONTENTS[name][: int(share * len(CONTENTS[name]))])
    with pytest.raises(ValueError, match=r"a\.spc"):
        mf.read(tmp_path / "a.spc")


@pytest.mark.parametrize("points", [0, -5, 2**31 - 1])
def test_impossible_numbers_of_points_are_refused(tmp_path, points):
    content = bytearray(new_file())
    content[4:8] = struct.pack("<i", points)
    (tmp_path / "a.spc").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.spc"):
        mf.read(tmp_path / "a.spc")


@pytest.mark.data("files/DEMO_3D.SPC", "files/m_xyxy.spc")
def test_measured_spectra_are_read():
    folder = fetch.data_folder() / "files"
    cube = mf.read(folder / "DEMO_3D.SPC")
    assert dict(cube.sizes) == {"x": 32, "channel": 171}
    np.testing.assert_allclose(cube["channel"][[0, -1]], [200, 800])
    # The first value of the second spectrum by hand: halves exchanged, scaled by the exponent of its subheader.
    content = (folder / "DEMO_3D.SPC").read_bytes()
    place = 224 + 32 + 4 * 171
    exponent = struct.unpack_from("<b", content, place + 1)[0]
    for number in (0, 40, 170):
        high, low = struct.unpack_from("<hH", content, place + 32 + 4 * number)
        assert float(cube[1, number]) == (high * 65536 + low) * 2.0 ** (exponent - 32)
    single = mf.read(folder / "m_xyxy.spc", dataset="0")
    assert single.shape == (1, 8)
    np.testing.assert_allclose(single["channel"][[0, -1]], [43.9, 25.85], rtol=1e-6)
    assert single["channel"].attrs["units"] == "m/z"
