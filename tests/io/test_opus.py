"""Bruker OPUS: choice of the spectrum, and files that are refused."""

from __future__ import annotations

import numpy as np
import pytest

import mffnb as mf
from mffnb.datasets import fetch


@pytest.mark.data("files/opus.0000")
def test_the_absorbance_of_a_measured_file_is_read():
    path = fetch.data_folder() / "files" / "opus.0000"
    cube = mf.read(path)
    assert dict(cube.sizes) == {"x": 1, "wavenumber": 2567}
    np.testing.assert_allclose(cube["wavenumber"][[0, -1]], [3998.34493845, 699.38895386])
    assert cube.attrs["long_name"] == "Absorbance"
    # The values lie in the file as float32, one after the other.
    assert cube.values.astype("<f4").tobytes() in path.read_bytes()
    single = mf.read(path, dataset="sm")
    assert single.attrs["choice"] == "requested"
    assert float(abs(single).max()) != float(abs(cube).max())
    with pytest.raises(ValueError, match=r"there is no dataset 'x'; it holds(.|\n)*2  'a' Absorbance"):
        mf.read(path, dataset="x")


@pytest.mark.data("files/opus.0000")
@pytest.mark.parametrize("share", [0.0001, 0.1, 0.5, 0.9])
def test_truncated_files_are_refused(tmp_path, share):
    content = (fetch.data_folder() / "files" / "opus.0000").read_bytes()
    (tmp_path / "a.0").write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match=r"a\.0 is truncated"):
        mf.read(tmp_path / "a.0")


def test_other_files_with_a_number_as_suffix_are_no_opus_files(tmp_path):
    (tmp_path / "a.0").write_bytes(b"something else")
    with pytest.raises(ValueError, match=r"no reader for '\.0' files"):
        mf.read(tmp_path / "a.0")
