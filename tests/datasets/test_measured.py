"""What is known about the measured files."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import mffnb as mf
from mffnb.datasets import bfo_iv, chondro, fetch, mineral_edx, mineral_grains, poplar, samson
from mffnb.errors import DatasetUnavailableError

pytestmark = pytest.mark.data("tofsimsData.rda", "chondro.rda", mineral_grains.FILE, "Samson.mat", "bfo_iv_final.hf5")


def test_poplar_facts():
    sample = poplar()
    cube = sample.cube
    assert cube.dims == ("y", "x", "mz")
    assert cube.shape == (256, 256, 200)
    assert cube.dtype == np.uint8
    assert cube.max() == 32
    assert (cube.values != 0).mean() == pytest.approx(0.084, abs=0.0005)
    assert np.median(cube.sum("mz")) == 21
    assert cube.mz.attrs["units"] == "m/z"
    assert cube.attrs["units"] == "counts"
    assert np.all(np.diff(cube.mz) > 0)
    assert not np.array_equal(cube.mz, np.arange(1, 201))  # the calibrated masses, not nominal ones
    np.testing.assert_allclose(cube.mz, np.arange(1, 201), atol=0.15)
    assert sample.endmembers is None
    assert sample.abundances is None
    assert sample.licence == "GPL-3"
    assert "tofsimsData" in sample.citation


def test_poplar_pixels_are_where_they_were():
    """Neighbours resemble each other in both directions, which a wrong stride would destroy in one."""
    image = poplar().cube.sum("mz").values.astype(float)
    for axis in (0, 1):
        pairs = np.corrcoef(np.delete(image, -1, axis).ravel(), np.delete(image, 0, axis).ravel())
        assert pairs[0, 1] > 0.6
    raw = fetch.read_rda("tofsimsData.rda")["testImage"]["nz"]
    np.testing.assert_array_equal(image[:, 1], raw[256:512].sum(axis=1))  # stored column by column
    assert not np.array_equal(image, image.T)


def test_chondro_facts():
    sample = chondro()
    cube = sample.cube
    assert cube.dims == ("y", "x", "wavenumber")
    assert cube.shape == (25, 35, 300)
    assert (float(cube.wavenumber[0]), float(cube.wavenumber[-1])) == (602, 1798)
    np.testing.assert_allclose(np.diff(cube.x), 1)
    np.testing.assert_allclose(np.diff(cube.y), 1)
    assert (float(cube.x[0]), float(cube.y[0])) == (-11.55, -4.77)
    assert (cube.x.attrs["units"], cube.y.attrs["units"], cube.wavenumber.attrs["units"]) == (
        "µm",
        "µm",
        "1/cm",
    )
    assert np.all(np.isfinite(cube))
    labels, sizes = np.unique(cube.cluster, return_counts=True)
    assert dict(zip(labels.tolist(), sizes.tolist(), strict=True)) == {
        "cell": 182, "lacuna": 364, "matrix": 323, "unassigned": 6
    }  # fmt: skip
    assert sample.licence == "MIT"


def test_chondro_spectra_and_labels_sit_at_their_coordinates():
    cube = chondro().cube
    columns = fetch.read_rda("chondro.rda")["chondro"]["data"]
    for row in (0, 34, 35, 500, 874):
        place = cube.sel(x=columns["x"][row], y=columns["y"][row])
        np.testing.assert_array_equal(place, columns["spc"][row])
        assert str(place.cluster.item()) == columns["clusters"][row]


def test_chondro_has_the_rank_its_authors_left_it():
    assert np.linalg.matrix_rank(chondro().cube.values.reshape(875, 300)) == 11


@pytest.mark.parametrize("load", [poplar, chondro, mineral_edx])
def test_changing_a_sample_does_not_change_the_next(load):
    first = load().cube
    original = first.values.copy()
    first.values[:] = 7
    np.testing.assert_array_equal(load().cube, original)


def test_mineral_edx_facts():
    sample = mineral_edx()
    cube = sample.cube
    assert cube.dims == ("y", "x", "energy")
    assert cube.shape == (80, 80, 1917)
    assert cube.dtype == np.uint8
    assert [cube[name].attrs["units"] for name in cube.dims] == ["nm", "nm", "keV"]
    assert cube.attrs["units"] == "counts"
    assert cube.sum("energy").mean() == pytest.approx(112, abs=0.1)
    np.testing.assert_allclose([np.diff(cube.y), np.diff(cube.x)], 9.859, atol=1e-3)
    assert np.diff(cube.energy) == pytest.approx(0.010005, abs=1e-5)
    assert sample.endmembers is None
    assert sample.abundances is None
    assert sample.licence == "MIT"


def test_mineral_edx_lines_are_at_their_energies():
    """K alpha of elements that are listed, and of copper, from tables: calibration and units are right."""
    total = mineral_edx().cube.sum(("y", "x"))
    for energy in (1.254, 1.487, 1.740, 3.691, 6.400, 8.046):  # Mg, Al, Si, Ca, Fe, Cu
        line = total.sel(energy=slice(energy - 0.05, energy + 0.05))
        assert abs(float((line * line.energy).sum() / line.sum()) - energy) < 0.015


def test_mineral_edx_grain_is_where_it_was():
    """Iron is in a band that falls to the right, above the diagonal: mirrored, the same square holds little."""
    iron = mineral_edx().cube.sel(energy=slice(6.3, 6.5)).sum("energy").values
    assert iron[40:50, 60:70].mean() > 3 * iron[60:70, 40:50].mean()
    assert iron[40:50, 60:70].mean() > 3 * iron[:16].mean()


def test_mineral_edx_without_its_reader_says_what_to_install(monkeypatch):
    mineral_grains._read_file.cache_clear()
    monkeypatch.setitem(sys.modules, "rsciio", None)
    with pytest.raises(DatasetUnavailableError, match=r'RosettaSciIO: pip install "mffnb\[io\]"'):
        mineral_edx()


def test_samson_facts():
    sample = samson()
    cube, endmembers, abundances = sample.cube, sample.endmembers, sample.abundances
    assert cube.dims == ("y", "x", "wavelength")
    assert cube.shape == (95, 95, 156)
    assert (float(cube.wavelength[0]), float(cube.wavelength[-1])) == (401, 889)
    assert cube.wavelength.attrs["units"] == "nm"
    np.testing.assert_allclose(endmembers.max("wavelength"), 1, atol=1e-3)
    np.testing.assert_allclose(abundances.sum("component"), 1)
    # Vegetation has its red edge and water is dark in the infrared.
    infrared = endmembers.sel(wavelength=slice(800, None)).mean("wavelength")
    assert infrared.sel(component="tree") > 0.8
    assert infrared.sel(component="water") < 0.5

    # The maps belong to the cube pixel by pixel; turned over they do not.
    def off(maps):
        model = np.einsum("kyx,kw->yxw", maps, endmembers)
        cosine = (model * cube.values).sum(-1) / np.linalg.norm(model, axis=-1) / np.linalg.norm(cube.values, axis=-1)
        return np.arccos(cosine).mean()

    assert off(abundances.values) < 0.05
    assert off(abundances.values.transpose(0, 2, 1)) > 0.2


def test_conduction_map_facts():
    cube = bfo_iv().cube
    assert cube.dims == ("y", "x", "root_field")
    assert cube.shape == (50, 50, 53)
    assert int(np.isnan(cube).sum()) == 47
    assert int(np.isnan(cube).any("root_field").sum()) == 4
    assert float(cube.min()) > 0
    assert float(cube.root_field[0]) == pytest.approx(8591.79, abs=0.01)
    assert float(cube.median()) == pytest.approx(np.exp(9.2), rel=0.1)
    # Emission over a barrier: the median curve is a straight line on these axes.
    curve = np.log(cube.median(("y", "x")))
    assert np.corrcoef(cube.root_field, curve)[0, 1] > 0.99


def test_files_of_matlab_and_r_are_read_by_name():
    folder = fetch.data_folder()
    spectra = mf.read(folder / "chondro.rda", dataset="chondro/data/spc")
    assert spectra.dims == ("x", "channel")
    assert spectra.shape == (875, 300)
    with pytest.raises(ValueError, match="chondro/data/spc"):
        mf.read(folder / "chondro.rda", dataset="spc")
    bands = mf.read(folder / "Samson.mat", dataset="Y")
    np.testing.assert_array_equal(bands[:, 0], samson().cube[0, 0])


@pytest.mark.data("files/grid_spectroscopy.3ds")
def test_nanonis_grid_is_the_pinned_file_and_was_stopped_early():
    with pytest.warns(mf.errors.FileWarning, match="936 of 1024 pixels were not measured"):
        grid = mf.read(fetch.fetch("files/grid_spectroscopy.3ds"), dataset="Frequency Shift")
    assert grid.shape == (32, 32, 256)
    assert grid.attrs["units"] == "Hz"
    assert int(grid.notnull().any("z").sum()) == 88
