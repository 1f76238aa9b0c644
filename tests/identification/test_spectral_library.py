"""Comparison of endmembers with a library: angles, names, and alignment by label."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from mffnb.identification import match_library


@pytest.fixture
def endmembers():
    values = np.random.default_rng(0).random((2, 30))
    energy = ("energy", np.linspace(1.0, 4.0, 30), {"units": "eV"})
    return xr.DataArray(values, dims=("component", "energy"), coords={"energy": energy, "component": [0, 1]})


@pytest.fixture
def library(endmembers):
    extra = np.random.default_rng(1).random((1, 30))
    values = np.concatenate([5 * endmembers.values[::-1], extra])
    coords = {"energy": endmembers.energy, "name": ["b", "a", "c"]}
    return xr.DataArray(values, dims=("name", "energy"), coords=coords)


def best(table):
    return table.xs(0, level="rank").spectrum.tolist()


def test_the_best_spectrum_has_the_smallest_angle_whatever_its_scale(endmembers, library):
    table = match_library(endmembers, library)
    assert best(table) == ["a", "b"]
    np.testing.assert_allclose(table.xs(0, level="rank").angle, 0, atol=1e-7)
    a, c = endmembers.values[0], library.values[2]
    expected = np.arccos(a @ c / np.linalg.norm(a) / np.linalg.norm(c))
    rows = table.loc["component 0"]
    np.testing.assert_allclose(rows[rows.spectrum == "c"].angle, expected, rtol=1e-9)
    assert (rows.angle.diff().dropna() >= 0).all()
    assert len(match_library(endmembers, library, most=1)) == 2


@pytest.mark.parametrize("form", ["array", "transposed", "reversed", "dataset", "frame", "frame_rows", "csv", "file"])
def test_each_form_of_a_library_is_aligned_by_its_labels(endmembers, library, form, tmp_path):
    frame = library.transpose("energy", "name").to_pandas()
    frame.to_csv(tmp_path / "library.csv")
    library.rename("intensity").to_netcdf(tmp_path / "library.nc")
    forms = {
        "array": library,
        "transposed": library.T,
        "reversed": library[:, ::-1],
        "dataset": library.to_dataset("name"),
        "frame": frame,
        "frame_rows": frame.T,
        "csv": tmp_path / "library.csv",
        "file": tmp_path / "library.nc",
    }
    table = match_library(endmembers, forms[form])
    assert best(table) == ["a", "b"]
    np.testing.assert_allclose(table.xs(0, level="rank").angle, 0, atol=1e-6)


def test_a_library_without_names_has_numbers_and_a_single_spectrum_its_own(endmembers, library):
    assert best(match_library(endmembers, library.values)) == ["1", "0"]
    single = library[0].drop_vars("name").rename("quartz")
    assert best(match_library(endmembers, single)) == ["quartz", "quartz"]


def test_names_of_components_are_kept(endmembers, library):
    named = endmembers.assign_coords(label=("component", ["lignin", "cellulose"]))
    assert match_library(named, library).index.get_level_values("component").unique().tolist() == [
        "lignin",
        "cellulose",
    ]
    assert best(match_library(library.rename(name="component"), named))[0] == "cellulose"


def test_channels_without_values_are_left_out(endmembers, library):
    endmembers[:, 3], library[1, 4] = np.nan, np.nan
    assert best(match_library(endmembers, library)) == ["a", "b"]
    with pytest.raises(ValueError, match="no channel"):
        match_library(endmembers * np.nan, library)


def test_a_library_at_other_channels_is_refused(endmembers, library):
    other = library.assign_coords(energy=library.energy + 10)
    with pytest.raises(ValueError, match="library"):
        match_library(endmembers, other)
    with pytest.raises(ValueError, match="library"):
        match_library(endmembers, library[:, :20])
