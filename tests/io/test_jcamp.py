"""JCAMP-DX: plain and squeezed numbers, several spectra, and files that are refused."""

from __future__ import annotations

import numpy as np
import pytest

import mffnb as mf

PLAIN = """##TITLE=a film
##JCAMP-DX=4.24
##DATA TYPE=INFRARED SPECTRUM
##XUNITS=1/CM
##YUNITS=ABSORBANCE
##FIRSTX=400
##LASTX=450
##NPOINTS=6
##XFACTOR=1
##YFACTOR=0.5
##XYDATA=(X++(Y..Y))
400 2 4 6
430 8 10 12
##END=
"""
PAIRS = PLAIN.replace("(X++(Y..Y))", "(XY..XY)").replace(
    "400 2 4 6\n430 8 10 12", "400,2; 410,4; 420,6\n430,8; 440,10; 450,12"
)
SQUEEZED = PLAIN.replace("400 2 4 6\n430 8 10 12", "400BDF\n430HA0A2")


@pytest.mark.parametrize("text", [PLAIN, PAIRS, SQUEEZED, "$$ a comment\n" + PLAIN])
def test_a_spectrum_is_a_line_of_one_pixel(tmp_path, text):
    (tmp_path / "a.jdx").write_text(text)
    cube = mf.read(tmp_path / "a.jdx")
    assert cube.dims == ("x", "channel")
    np.testing.assert_allclose(cube, [[1, 2, 3, 4, 5, 6]])
    np.testing.assert_allclose(cube["channel"], [400, 410, 420, 430, 440, 450])
    assert cube["channel"].attrs["units"] == "1/cm"
    assert cube.attrs["title"] == "a film"


def linked(*blocks):
    return "##TITLE=both\n##DATA TYPE=LINK\n##BLOCKS=2\n" + "".join(blocks) + "##END=\n"


def test_several_spectra_are_a_line_of_pixels(tmp_path):
    (tmp_path / "a.dx").write_text(linked(PLAIN, PLAIN.replace("YFACTOR=0.5", "YFACTOR=1")))
    cube = mf.read(tmp_path / "a.dx")
    np.testing.assert_allclose(cube, [[1, 2, 3, 4, 5, 6], [2, 4, 6, 8, 10, 12]])
    np.testing.assert_allclose(mf.read(tmp_path / "a.dx", dataset="1"), cube[1:])
    (tmp_path / "a.dx").write_text(linked(PLAIN, PLAIN.replace("LASTX=450", "LASTX=460")))
    with pytest.raises(
        ValueError, match="its 2 spectra have different axes and are read one by one: say which one with dataset="
    ):
        mf.read(tmp_path / "a.dx")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no file of the format JCAMP-DX"),
        ("a,b\n1,2\n", "no file of the format JCAMP-DX"),
        (PLAIN[:20], "no line ##END"),
        (PLAIN[: len(PLAIN) // 2], "no line ##END"),
        (PLAIN[:-8], "no line ##END"),
        (PLAIN.replace("430 8 10 12\n", ""), "3 of 6 points"),
        (PLAIN.replace("##XYDATA=(X++(Y..Y))", "##NTUPLES=MASS"), "no spectrum in the forms"),
    ],
)
def test_other_files_are_refused(tmp_path, text, message):
    (tmp_path / "a.jdx").write_text(text)
    with pytest.raises(ValueError, match=message):
        mf.read(tmp_path / "a.jdx")
