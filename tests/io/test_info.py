"""The list of formats, the description of a file, and messages for packages that are missing."""

from __future__ import annotations

import sys

import h5py
import numpy as np
import pytest

import mffnb as mf
from mffnb.cli import main
from mffnb.io import format_list, readers
from mffnb.io.reader import Reader
from tests.io.imzml_files import write_imzml

OWN = [one for one in vars(readers).values() if isinstance(one, Reader)]


def test_all_readers_are_listed_with_their_packages(monkeypatch, capsys):
    table = mf.io.formats()
    assert {*table["format"]} >= {one.name for one in OWN}
    assert table["installed"].all()
    monkeypatch.setattr(format_list, "_is_installed", lambda package: package != "pyimzml")
    table = mf.io.formats().set_index("suffixes")
    assert not table.loc[".imzml", "installed"]
    assert table.loc[".imzml", "install"] == 'pip install "mffnb[io]"'
    assert table["installed"].sum() == len(table) - 1
    assert main(["formats"]) == 0
    text = capsys.readouterr().out
    assert len(text.splitlines()) == len(table)
    assert ".imzml needs pyimzml: pip install" in text


def test_every_package_of_a_reader_is_in_its_extra():
    assert all(bool(one.package) == bool(one.extra) for one in OWN)


@pytest.mark.parametrize(
    ("suffix", "content", "package"),
    [
        (".imzML", b"<mzML/>", "pyimzml.ImzMLParser"),
        (".0", b"\n\n\xfe\xfe", "brukeropus"),
        (".jdx", b"##TITLE=a\n##END=\n", "jcamp"),
        (".spa", b"Spectral Data File", "spectrochempy_omnic"),
        (".xlsx", b"PK\x03\x04", "openpyxl"),
    ],
)
def test_a_missing_package_is_named_with_the_command_that_installs_it(tmp_path, monkeypatch, suffix, content, package):
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr("mffnb.io.text_table.check_zipped_xml", lambda path: None)
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    path.with_suffix(".ibd").write_bytes(b"")
    with pytest.raises(
        ValueError, match=rf'needs the {package.split(".")[0].replace("_", "-")} package: pip install "mffnb\[io\]"'
    ):
        mf.read(path)


def test_the_description_states_axes_type_and_size(tmp_path, capsys):
    path = write_imzml(tmp_path / "a.imzML", {(x, 1): ([100.0, 200.0], [1, x]) for x in (1, 2, 4)})
    assert main(["info", str(path)]) == 0
    text = capsys.readouterr().out
    assert "imzML, continuous and processed (the only reader of .imzml)" in text
    assert "reads    1 x 4 x 2 float32, 32 bytes in memory" in text
    assert "x 4 (25 to 100 µm) | mz 2 (100 to 200 m/z)" in text
    assert "because  exact" in text


def test_a_file_of_several_signals_lists_them_and_says_what_to_do(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["first"] = np.ones((3, 4, 5))
        file["second"] = np.ones((3, 4, 5))
    found = mf.io.info(tmp_path / "a.h5")
    assert [(one.name, one.shape) for one in found.signals] == [("first", (3, 4, 5)), ("second", (3, 4, 5))]
    assert "\n           1  'second'  3 x 4 x 5  float64\n" in str(found)
    assert "by the content; other readers of .h5" in found.why
    assert found.chosen[0].startswith("refuses  a.h5: say which one with dataset=")


def test_a_damaged_file_is_described_by_the_sentence_that_refuses_it(tmp_path, capsys):
    (tmp_path / "a.txt").write_text("words")
    assert "holds no table of numbers" in str(mf.io.info(tmp_path / "a.txt"))
    (tmp_path / "a.npy").write_text("words")
    assert main(["info", str(tmp_path / "a.npy")]) == 2
    assert "no file of the format NumPy array" in capsys.readouterr().err
    with pytest.raises(FileNotFoundError):
        mf.io.info(tmp_path / "nothing.npy")


SUFFIXES = (
    ".3ds",
    ".dat",
    ".imzML",
    ".gsf",
    ".hdr",
    ".img",
    ".txt",
    ".csv",
    ".xyz",
    ".xlsx",
    ".spc",
    ".0",
    ".jdx",
    ".spa",
)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kind", ["empty", "noise", "zeros", "other"])
def test_empty_files_and_those_of_another_format_are_refused_in_one_sentence(tmp_path, suffix, kind):
    path = tmp_path / f"a{suffix}"
    np.save(tmp_path / "b.npy", np.ones((3, 4, 5)))
    contents = {
        "empty": b"",
        "noise": np.random.default_rng(5).bytes(5000),
        "zeros": bytes(5000),
        "other": (tmp_path / "b.npy").read_bytes(),
    }
    path.write_bytes(contents[kind])
    with pytest.raises(ValueError, match=rf"a\{suffix}") as caught:
        mf.read(path)
    assert len(str(caught.value).splitlines()) == 1
