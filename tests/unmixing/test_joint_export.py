"""Export of a joint result: shared spectra once, maps and results of each image, and the table of amounts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import tifffile
import xarray as xr

import mffnb as mf

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")

SPECTRA = np.random.default_rng(7).random((2, 8))


def image(name, shape, seed):
    values = np.random.default_rng(seed).random((*shape, 2)) @ SPECTRA
    return xr.DataArray(values, {"energy": np.arange(8.0)}, ("y", "x", "energy"), name)


IMAGES = [image("day 1", (4, 5), 0), image("day/1", (3, 4), 1), image("last", (5, 3), 2)]


@pytest.fixture(scope="module")
def joint():
    return mf.unmix(IMAGES, 2, random_state=0)


def names(files):
    return [file.name for file in files]


def test_a_folder_holds_the_table_the_spectra_once_and_maps_of_each_image(joint, tmp_path):
    folder = tmp_path / "series"
    files = joint.export(folder)
    maps = ["maps-day_1-0.tif", "maps-day_1-1.tif", "maps-last.tif"]
    assert names(files) == ["table.csv", "spectra.csv", *maps]
    assert sorted(names(folder.iterdir())) == sorted(names(files))
    table = pd.read_csv(folder / "table.csv", index_col="image")
    np.testing.assert_allclose(table.values, joint.table().values)
    assert list(table.index) == ["day 1", "day/1", "last"]
    spectra = pd.read_csv(folder / "spectra.csv")
    np.testing.assert_allclose(spectra.iloc[:, 1:3].values.T, joint.endmembers.values, rtol=1e-6)
    for file, part in zip(files[2:], joint, strict=True):
        np.testing.assert_allclose(tifffile.imread(file).squeeze(), part.abundances, rtol=1e-5)


def test_a_path_writes_one_format_as_for_an_ordinary_result(joint, tmp_path):
    assert names(joint.export(tmp_path / "run.csv")) == ["run.csv"]
    assert (tmp_path / "run.csv").read_text() == joint.shared.export(tmp_path / "b.csv")[0].read_text()
    assert names(joint.export(tmp_path / "run.ome.tif"))[0] == "run-day_1-0.ome.tif"
    files = joint.export(tmp_path, ["jdx", ".gsf", "jdx"])
    assert names(files)[:3] == ["table.csv", "spectra.jdx", "maps-day_1-0-component_0.gsf"]
    assert len(files) == 2 + 2 * 3


def test_tied_spectra_of_each_image_are_written_too(tmp_path):
    tied = mf.unmix(IMAGES, 2, tie=0.1, random_state=0)
    files = tied.export(tmp_path / "tied", [".csv"])
    own = ["spectra-day_1-0.csv", "spectra-day_1-1.csv", "spectra-last.csv"]
    assert names(files) == ["table.csv", "deviations.csv", "spectra.csv", *own]
    spectra = pd.read_csv(tmp_path / "tied" / "spectra-last.csv")
    np.testing.assert_allclose(spectra.iloc[:, 1:3].values.T, tied["last"].endmembers.values, rtol=1e-6)


def test_a_loaded_result_takes_its_data_again(joint, tmp_path):
    joint.save(tmp_path / "run.nc")
    loaded = mf.load(tmp_path / "run.nc")
    pages = loaded.export(tmp_path / "again.html", cubes=IMAGES, code="repeat()")
    assert names(pages) == ["again-day_1-0.html", "again-day_1-1.html", "again-last.html"]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "repeat()" in text
        assert "residual" in text
    with pytest.raises(ValueError, match="cubes holds the data of each of the 3 images"):
        loaded.export(tmp_path / "again.html", cubes=IMAGES[:1])


def test_errors_come_before_the_first_file(joint, tmp_path):
    with pytest.raises(ValueError, match="has no suffix of an export format"):
        joint.export(tmp_path / "new", [".csv", ".doc"])
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match="has no suffix of an export format"):
        joint.export(tmp_path / "run.doc")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        joint.export(tmp_path / "none" / "new")


def test_the_result_of_one_image_is_exported_as_a_list(tmp_path):
    one = mf.unmix(IMAGES[:1], 2, random_state=0)
    assert names(one.export(tmp_path / "one")) == ["table.csv", "spectra.csv", "maps-day_1.tif"]
