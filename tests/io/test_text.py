"""Text and Excel tables: layouts, orientation of maps, separators, decimal commas, and files that are refused."""

from __future__ import annotations

import zipfile

import numpy as np
import pandas as pd
import pytest

import mffnb as mf
from mffnb.datasets import fetch
from mffnb.errors import FileWarning

CHANNELS = [500.5, 501.0, 502.25]


def value(y, x, channel):
    return 100 * y + 10 * x + channel + 0.5


EXPECTED = np.fromfunction(value, (2, 4, 3))


def wide(order="yx", separator="\t", head=("", ""), rows=8, comma=False):
    """A map of 2 rows and 4 columns, x fastest, with positions 3 y and 0.5 x."""
    lines = [separator.join([*head, *map(str, CHANNELS)])]
    for y in range(2):
        for x in range(4):
            position = {"y": 3.0 * y, "x": 0.5 * x}
            lines.append(separator.join(str(one) for one in (*(position[name] for name in order), *EXPECTED[y, x])))
    text = "\n".join(lines[: rows + 1]) + "\n"
    return text.replace(".", ",") if comma else text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labspec.txt", wide()),
        ("labspec.txt", wide("xy")),
        ("labspec.txt", "#Laser=\t532nm\n#Hole=\t200\n" + wide()),
        ("named.csv", wide("xy", ",", ("x", "y"))),
        ("named.csv", wide("yx", ",", ("Y (um)", "X (um)"))),
        ("orange.xyz", wide("xy")),
        ("comma.csv", wide("yx", ";", ("y", "x"), comma=True)),
        ("comma.txt", wide(comma=True)),
        ("windows.txt", wide().replace("\n", "\r\n")),
        ("mark.csv", "\ufeff" + wide("xy", ",", ("x", "y"))),
    ],
)
def test_a_wide_table_is_a_map(tmp_path, name, text):
    (tmp_path / name).write_text(text, encoding="utf-8")
    cube = mf.read(tmp_path / name)
    assert cube.dims == ("y", "x", "channel")
    np.testing.assert_array_equal(cube, EXPECTED)
    np.testing.assert_array_equal(cube["x"], [0, 0.5, 1, 1.5])
    np.testing.assert_array_equal(cube["y"], [0, 3])
    np.testing.assert_array_equal(cube["channel"], CHANNELS)


@pytest.mark.parametrize("head", ["#X\t\t#Y\t\t#Wave\t\t#Intensity\n", "", "x\ty\tenergy (eV)\tcounts\n"])
@pytest.mark.parametrize("shuffled", [False, True])
def test_a_long_table_is_a_map(tmp_path, head, shuffled):
    rows = [
        f"{0.5 * x}\t{3 * y}\t{CHANNELS[c]}\t{EXPECTED[y, x, c]}\n"
        for y in range(2)
        for x in range(4)
        for c in (2, 1, 0)
    ]
    if shuffled:
        rows = [rows[n] for n in np.random.default_rng(0).permutation(len(rows))]
    (tmp_path / "a.txt").write_text(head + "".join(rows))
    cube = mf.read(tmp_path / "a.txt")
    np.testing.assert_array_equal(cube, EXPECTED)
    np.testing.assert_array_equal(cube["channel"], CHANNELS)
    assert cube["channel"].attrs.get("units") == ("eV" if "eV" in head else None)
    if head:
        (tmp_path / "a.txt").write_text(head + "".join(rows[:-5]))
        with pytest.raises(ValueError, match="19 rows for"):
            mf.read(tmp_path / "a.txt")


def test_spectra_of_witec_in_columns_are_a_map(tmp_path):
    names = [f"Spectrum({x}/{y})" for y in range(2) for x in range(4)]
    lines = ["\t".join(["", *names])]
    lines += ["\t".join(map(str, [CHANNELS[c], *EXPECTED[..., c].ravel()])) for c in range(3)]
    (tmp_path / "a.txt").write_text("\n".join(lines))
    np.testing.assert_array_equal(mf.read(tmp_path / "a.txt"), EXPECTED)


@pytest.mark.parametrize("head", ["", "Raman shift (1/cm),Intensity\n", "# comment = 3\n"])
def test_two_columns_are_one_spectrum(tmp_path, head):
    (tmp_path / "a.csv").write_text(head + "100,7\n110,8.5\n120,-1e-3\n")
    cube = mf.read(tmp_path / "a.csv")
    assert cube.dims == ("x", "channel")
    np.testing.assert_array_equal(cube, [[7, 8.5, -1e-3]])
    np.testing.assert_array_equal(cube["channel"], [100, 110, 120])
    assert cube["channel"].attrs.get("units") == ("1/cm" if "Raman" in head else None)


def test_a_time_series_of_labspec_is_a_line(tmp_path):
    (tmp_path / "a.txt").write_text("\t1\t2\t3\n0\t7\t8\t9\n59.5\t5\t6\t7\n")
    cube = mf.read(tmp_path / "a.txt")
    np.testing.assert_array_equal(cube, [[7, 8, 9], [5, 6, 7]])
    np.testing.assert_array_equal(cube["x"], [0, 59.5])


def test_a_layout_that_is_not_clear_has_to_be_stated(tmp_path):
    path = tmp_path / "a.txt"
    np.savetxt(path, np.arange(15.0).reshape(3, 5))
    with pytest.raises(ValueError, match="table of 3 x 5 numbers may be spectra: say dataset='rows'"):
        mf.read(path)
    np.testing.assert_array_equal(mf.read(path, dataset="rows"), np.arange(15.0).reshape(3, 5))
    cube = mf.read(path, dataset="columns")
    np.testing.assert_array_equal(cube, np.arange(15.0).reshape(3, 5)[:, 1:].T)
    np.testing.assert_array_equal(cube["channel"], [0, 5, 10])
    with pytest.raises(ValueError, match="'other' is no layout"):
        mf.read(path, dataset="other")


def test_missing_pixels_of_a_map_are_masked(tmp_path):
    (tmp_path / "a.txt").write_text(wide(rows=6))
    with pytest.warns(FileWarning, match="2 pixels of the map have no spectrum"):
        cube = mf.read(tmp_path / "a.txt")
    np.testing.assert_array_equal(cube[0], EXPECTED[0])
    assert np.isnan(cube.values[1, 2:]).all()


def test_scattered_positions_are_a_list_of_pixels(tmp_path):
    lines = ["x,y,1,2", "0,0,1,2", "5,1,3,4", "2,7,5,6", "3,9,7,8"]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    cube = mf.read(tmp_path / "a.csv")
    assert cube.dims == ("pixel", "channel")
    np.testing.assert_array_equal(cube["y"], [0, 1, 7, 9])


def test_an_excel_sheet_is_read_as_a_text_table(tmp_path):
    rows = [[0.5 * x, 3.0 * y, *EXPECTED[y, x]] for y in range(2) for x in range(4)]
    frame = pd.DataFrame(rows, columns=["x", "y", *CHANNELS])
    frame.to_excel(tmp_path / "a.xlsx", index=False)
    cube = mf.read(tmp_path / "a.xlsx")
    np.testing.assert_array_equal(cube, EXPECTED)
    np.testing.assert_array_equal(cube["channel"], CHANNELS)
    with pd.ExcelWriter(tmp_path / "b.xlsx") as writer:
        for name in ("first", "second"):
            frame.to_excel(writer, sheet_name=name, index=False)
    with pytest.raises(
        ValueError, match=r"say which one with dataset=.*; it holds\n  0  'first'   9 x 5 .*;\n  1  'second'"
    ):
        mf.read(tmp_path / "b.xlsx")
    np.testing.assert_array_equal(mf.read(tmp_path / "b.xlsx", dataset="second"), EXPECTED)
    content = (tmp_path / "a.xlsx").read_bytes()
    for share in (0, 0.1, 0.5, 0.9):
        (tmp_path / "a.xlsx").write_bytes(content[: int(share * len(content))])
        with pytest.raises(ValueError, match=r"a\.xlsx"):
            mf.read(tmp_path / "a.xlsx")


def test_the_layout_of_a_sheet_is_stated_as_the_message_says(tmp_path):
    values = np.arange(15.0).reshape(3, 5)
    with pd.ExcelWriter(tmp_path / "a.xlsx") as writer:
        for name in ("first", "second"):
            pd.DataFrame(values).to_excel(writer, sheet_name=name, index=False, header=False)
    with pytest.raises(ValueError, match=r"may be spectra: say dataset='second/rows' or dataset='second/columns'"):
        mf.read(tmp_path / "a.xlsx", dataset="second")
    np.testing.assert_array_equal(mf.read(tmp_path / "a.xlsx", dataset="second/rows"), values)
    np.testing.assert_array_equal(mf.read(tmp_path / "a.xlsx", dataset="1/columns"), values[:, 1:].T)
    with pytest.raises(ValueError, match="there is no dataset 'third'"):
        mf.read(tmp_path / "a.xlsx", dataset="third/rows")
    pd.DataFrame(values).to_excel(tmp_path / "b.xlsx", index=False, header=False)
    np.testing.assert_array_equal(mf.read(tmp_path / "b.xlsx", dataset="rows"), values)


@pytest.mark.parametrize(
    ("text", "message"), [("<!DOCTYPE a>", "declares a document"), (" " * (1 << 20), "expands to")]
)
def test_excel_files_with_entities_or_of_extreme_size_are_refused(tmp_path, monkeypatch, text, message):
    monkeypatch.setattr("mffnb.io.xml_check._LARGEST_ARCHIVE", 1 << 19)
    monkeypatch.setattr(pd, "ExcelFile", lambda *_, **__: pytest.fail("the file was parsed"))
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", '<?xml version="1.0"?>' + text + "<a/>")
    with pytest.raises(ValueError, match=message):
        mf.read(tmp_path / "a.xlsx")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no table of numbers"),
        (b"only words\nand lines\n", "holds no table of numbers"),
        (b"1,2\x00,3", "zero bytes"),
        (b"\x89PNG\r\n\x1a\n\xff\xd8 text", "no table"),
        (wide()[:20].encode(), "truncated"),
        (wide()[:-9].encode(), "rows of 4 and of 5 cells"),
        (b"x,y,1,2\n0,0,1,2\n1,0,a,2\n", "a text among its numbers"),
        (b"x,y,1,2\n0,0,1,2\nnan,0,1,2\n", "lacks positions"),
    ],
)
def test_other_files_are_refused(tmp_path, content, message):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        mf.read(tmp_path / "a.csv")


@pytest.mark.data("files/labspec_map.txt", "files/witec_table.txt", "files/map_xy.csv")
@pytest.mark.parametrize("name", ["labspec_map.txt", "witec_table.txt", "map_xy.csv"])
def test_the_maps_of_the_data_folder_are_in_place(name):
    cube = mf.read(fetch.data_folder() / "files" / name)
    y, x, c = np.meshgrid(*map(np.arange, (4, 6, 20)), indexing="ij")
    np.testing.assert_array_equal(cube, 1000 * y + 100 * x + c + 1)
    np.testing.assert_array_equal(cube["channel"], np.linspace(100, 290, 20))


@pytest.mark.data("files/map_test.xyz", "files/labspec_series.txt")
def test_measured_tables_are_those_of_numpy():
    folder = fetch.data_folder() / "files"
    rows = np.genfromtxt(folder / "map_test.xyz", skip_header=1)
    cube = mf.read(folder / "map_test.xyz")
    for x, y, *spectrum in rows:
        np.testing.assert_array_equal(cube.sel(x=x, y=y), spectrum)
    series = np.genfromtxt(folder / "labspec_series.txt", delimiter="\t", encoding="latin-1", skip_header=37)
    cube = mf.read(folder / "labspec_series.txt")
    np.testing.assert_array_equal(cube["channel"], series[0, 1:])
    np.testing.assert_array_equal(cube, series[1:, 1:])
