"""The registry of file formats: selection by suffix and content, and the table of formats in the documentation."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

import mffnb as mf
from mffnb.io import readers, registry
from mffnb.io.reader import Reader, accept, starts_with
from mffnb.io.readers import HDF5, HDF5_DIALECTS, NEXUS
from tools import format_table

OWN = [one for one in vars(readers).values() if isinstance(one, Reader)]


def test_readers_of_one_suffix_are_told_apart_by_content_and_one_reader_takes_the_rest():
    by_suffix = {}
    for one in OWN:
        for suffix in one.suffixes:
            assert suffix == suffix.lower()
            assert suffix.startswith(".")
            by_suffix.setdefault(suffix, []).append(one)
    shared = {suffix: found for suffix, found in by_suffix.items() if len(found) > 1}
    assert all(one.sniff is not accept for found in shared.values() for one in found[:-1])
    assert {*HDF5.suffixes} == {suffix for suffix, found in shared.items() if HDF5_DIALECTS in found and NEXUS in found}
    assert [one.name for one in OWN if not one.suffixes and one.sniff is accept] == ["all formats of RosettaSciIO"]
    assert OWN[-1].suffixes or OWN[-1].sniff is accept


def test_the_documented_table_is_that_of_the_readers():
    assert format_table.PAGE.read_text() == format_table.page()


@pytest.fixture
def with_reader(monkeypatch):
    """Put a reader before those of the package, as plug-ins are."""

    def put(reader):
        monkeypatch.setattr(registry, "readers", lambda: (reader, *OWN))

    return put


def test_the_content_decides_between_readers_of_one_suffix(tmp_path, with_reader, cube):
    def has_scan(path):
        with h5py.File(path) as file:
            return "scan" in file

    with_reader(Reader("scans", (".h5",), lambda path, dataset, lazy: np.ones((2, 3, 4)), sniff=has_scan))
    for name in ("scan", "stack"):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file[name] = cube.values
    assert mf.read(tmp_path / "scan.h5").dims == ("y", "x", "channel")
    assert mf.read(tmp_path / "scan.h5").shape == (2, 3, 4)
    np.testing.assert_array_equal(mf.read(tmp_path / "stack.h5"), cube)


def test_a_file_that_no_reader_recognises_is_refused_with_the_formats_of_its_suffix(tmp_path, with_reader):
    with_reader(Reader("mine", (".npy",), lambda *_: np.ones((2, 3, 4)), sniff=starts_with(b"MINE")))
    (tmp_path / "a.npy").write_text("neither")
    with pytest.raises(ValueError, match=r"of the format mine or NumPy array, as \.npy says"):
        mf.read(tmp_path / "a.npy")
    (tmp_path / "b.npy").write_bytes(b"MINE")
    assert mf.read(tmp_path / "b.npy").shape == (2, 3, 4)


@pytest.mark.parametrize("start", [0, 512, 2048])
def test_hdf5_is_recognised_after_a_user_block(tmp_path, start):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w", userblock_size=start) as file:
        file["x"] = np.ones(3)
    assert readers.HDF5.sniff(path)
    path.write_bytes(b"?" + path.read_bytes())
    assert not readers.HDF5.sniff(path)
    assert not readers.HDF5.sniff(tmp_path)


@pytest.mark.parametrize(
    ("suffix", "words"),
    [(".srs", "spectrochempy-omnic"), (".map", "ftir-omnic-map-reader"), (".ita", "pySPM"), (".itm", "pySPM")],
)
def test_a_known_format_without_a_reader_is_refused_with_a_way_out(tmp_path, suffix, words):
    (tmp_path / f"a{suffix}").write_bytes(b"Spectral Exte File")
    with pytest.raises(ValueError, match=rf"a\{suffix} is .*pip install {words}.* pass the array"):
        mf.read(tmp_path / f"a{suffix}")
