"""Features beside the spectrum: their weight, their shift, and how they are told apart again."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.preprocessing import augment, split
from tests.conftest import mixture


def topography(seed=0):
    height = np.random.default_rng(seed).normal(size=(6, 10))
    return xr.DataArray(height, dims=("y", "x"), name="height", attrs={"units": "nm"})


@pytest.mark.parametrize("weight", [0.1, 1.0, 30.0])
def test_weight_is_the_share_of_the_squared_norm(cube, weight):
    kept = cube.copy(deep=True)
    augmented = augment(cube, topography(), weight)
    assert augmented.sizes["energy"] == 21
    np.testing.assert_array_equal(augmented[..., :20], cube)
    feature = augmented[..., 20].values
    assert (feature**2).sum() == pytest.approx(weight * float((cube**2).sum()))
    assert feature.min() == 0  # shifted, since it was signed
    np.testing.assert_allclose(np.corrcoef(feature.ravel(), topography().values.ravel())[0, 1], 1)
    xr.testing.assert_identical(cube, kept)


def test_a_feature_without_negative_values_is_not_shifted(cube):
    height = abs(topography()) + 1
    feature = augment(cube, height)[..., 20]
    np.testing.assert_allclose(feature / height, float((feature / height)[0, 0]))


def test_the_channel_axis_goes_on_and_says_what_is_what(cube):
    augmented = augment(cube, topography())
    assert augmented["energy"].values[-2:].tolist() == [438, 440]
    assert augmented["energy"].attrs == cube["energy"].attrs
    assert augmented["feature"].values.tolist() == [""] * 20 + ["height"]
    assert augmented.attrs == cube.attrs


def test_parts_of_endmembers_come_back_in_their_units(cube):
    stack = xr.concat([topography(0), 5 + topography(1)], dim=xr.Variable("what", ["height", "phase"]))
    augmented = augment(cube.transpose("energy", "y", "x"), stack, channel="energy")
    assert augmented.dims == ("energy", "y", "x")
    pixels = augmented.stack(component=("y", "x")).transpose("component", ...).drop_vars(("component", "y", "x"))
    spectra, features = split(pixels)
    np.testing.assert_allclose(spectra, cube.values.reshape(60, 20))
    assert set(spectra.coords) == {"energy"}
    xr.testing.assert_identical(spectra["energy"].variable, cube["energy"].variable)
    np.testing.assert_allclose(features.sel(feature="phase"), 5 + topography(1).values.ravel())
    np.testing.assert_allclose(features.sel(feature="height"), topography(0).values.ravel(), atol=1e-12)
    assert features["units"].values.tolist() == ["nm", "nm"]


def test_arrays_and_unnamed_stacks(cube):
    values = np.random.default_rng(0).random((6, 10, 2))
    assert augment(cube, values)["feature"].values[-2:].tolist() == ["feature 1", "feature 2"]
    np.testing.assert_allclose(augment(cube, values)[..., 20], augment(cube, values[..., 0])[..., 20])
    turned = xr.DataArray(values, dims=("y", "x", "n")).transpose("n", "x", "y")
    np.testing.assert_allclose(augment(cube, turned), augment(cube, values))


def test_types_and_missing_values(cube):
    assert augment(cube.astype("f4"), topography()).dtype == np.float32
    assert augment((9 * cube).astype("u2"), topography()).dtype == np.float64
    hole = cube.where(cube["x"] > 0)
    augmented = augment(hole, topography().where(topography() < 1))
    assert (augmented[..., 20].isnull() == (topography() >= 1)).all()
    lazy = augment(cube.chunk({"y": 2}), topography())
    assert lazy.chunks is not None
    xr.testing.assert_allclose(lazy.compute(), augment(cube, topography()))
    empty = augment(0 * cube, 0 * topography())
    assert float(abs(empty).max()) == 0


def test_features_that_make_no_sense(cube):
    for feature in (np.ones((10, 6)), np.ones((6, 10, 2, 2)), topography().rename(x="z")):
        with pytest.raises(ValueError, match="a feature has the pixels of the cube"):
            augment(cube, feature)
    for weight in (0, -1, np.nan):
        with pytest.raises(ValueError, match="weight must be a positive number"):
            augment(cube, topography(), weight)
    with pytest.raises(ValueError, match="do not say which of them are features"):
        split(cube)


def test_a_feature_tells_two_like_spectra_apart_and_survives_a_file(tmp_path):
    """Two phases with one and the same spectrum differ in height alone."""
    left = np.zeros((6, 10))
    left[:, :5] = 1
    spectrum = mixture()[0, 0].values
    cube = xr.DataArray(np.full((6, 10, 1), 1.0) * spectrum, dims=("y", "x", "energy"))
    height = xr.DataArray(40 * left, dims=("y", "x"), name="height", attrs={"units": "nm"})
    result = mf.unmix(augment(cube, height), 2, sum_to_one=True, init=mf.geometry.SPA(), random_state=0)
    result.save(tmp_path / "run.nc")
    found = split(mf.load(tmp_path / "run.nc").endmembers)
    assert found.spectra.sizes["energy"] == 20
    recovered = (result.abundances * found.features.sel(feature="height")).sum("component")
    np.testing.assert_allclose(recovered, height, atol=0.5)
