"""The simulated tunnelling map: exact truth, overlapping spectra, the physics where it belongs."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.datasets import cits_pnictide
from mffnb.datasets.tunnelling import BUMP, RESONANCE
from mffnb.geometry.abundances import fully_constrained
from mffnb.matrices import in_memory
from mffnb.selection import match, spectral_angles

SMALL = (16, 20, 110)
NOISE = 0.03


@pytest.fixture(scope="module")
def default():
    return cits_pnictide(seed=0, noise=NOISE)


def _expectation(sample):
    return sample.abundances.transpose("y", "x", "component") @ sample.endmembers


def test_dimensions_coordinates_and_units(default):
    cube = default.cube
    assert dict(cube.sizes) == {"y": 80, "x": 100, "bias": 220}
    assert cube.dtype == np.float32
    assert default.endmembers.dims == ("component", "bias")
    assert default.abundances.dims == ("component", "y", "x")
    assert cube.attrs["units"] == default.endmembers.attrs["units"] == "nS"
    assert (cube.y.attrs["units"], cube.x.attrs["units"], cube.bias.attrs["units"]) == ("nm", "nm", "mV")
    assert default.endmembers.component.values.tolist() == ["matrix", "impurity", "depression"]
    topography = default.extra["topography"]
    assert topography.shape == (80, 100)
    assert topography.attrs["units"] == "pm"
    xr.testing.assert_equal(topography.x, cube.x)
    xr.testing.assert_equal(default.endmembers.bias, cube.bias)
    xr.testing.assert_equal(default.abundances.y, cube.y)


def test_same_seed_same_map_other_seed_other_surface():
    first, again, other = (cits_pnictide(seed=seed, shape=SMALL) for seed in (5, 5, 6))
    xr.testing.assert_identical(first.cube, again.cube)
    xr.testing.assert_identical(first.extra["topography"], again.extra["topography"])
    assert float(abs(first.abundances - other.abundances).max()) > 0.2


@pytest.mark.parametrize("seed", range(4))
def test_abundances_are_fractions_and_the_cube_is_their_mixture(seed):
    sample = cits_pnictide(seed=seed, shape=SMALL)
    assert float(sample.abundances.min()) >= 0
    np.testing.assert_allclose(sample.abundances.sum("component"), 1, rtol=1e-12)
    silent = cits_pnictide(seed=seed, shape=SMALL, noise=0)
    xr.testing.assert_equal(silent.abundances, sample.abundances)
    np.testing.assert_allclose(silent.cube, _expectation(sample), rtol=1e-5)


def test_noise_is_what_was_asked_for_and_grows_with_the_conductance(default):
    expected = _expectation(default)
    error = default.cube - expected
    assert float(error.std() / expected.mean()) == pytest.approx(NOISE, rel=0.01)
    bright = expected > 1.5 * expected.mean()
    assert float(error.where(bright).std()) > 1.1 * float(error.where(~bright).std())


def test_every_curve_has_the_set_current(default):
    current = default.endmembers.sel(bias=slice(0, None)).integrate("bias")
    np.testing.assert_allclose(current, current.mean(), rtol=5e-3)


def test_features_are_where_the_experiment_has_them(default):
    matrix, impurity, depression = default.endmembers
    assert float(impurity.sel(bias=slice(50, 150)).idxmax()) == pytest.approx(RESONANCE, abs=2.5)
    assert float(matrix.sel(bias=slice(-180, -60)).idxmax()) == pytest.approx(BUMP, abs=5)
    assert float(matrix.sel(bias=slice(-10, 10)).mean()) < 0.6 * float(matrix.sel(bias=slice(40, 60)).max())
    slopes = [float(one.sel(bias=slice(-250, -150)).mean() - one.sel(bias=slice(150, 250)).mean()) for one in
              (matrix, depression)]  # fmt: skip
    assert slopes[0] > 0 > slopes[1]
    hollow = default.abundances.sel(component="depression") > 0.5
    topography = default.extra["topography"]
    assert float(topography.where(hollow).mean()) < float(topography.where(~hollow).mean()) - 20


def test_report(default):
    angles = np.degrees(spectral_angles(default.endmembers.values, default.endmembers.values))
    between = angles[np.triu_indices(3, 1)]
    purest = default.abundances.max("component")
    pure = float((purest > 0.95).mean())
    X = default.cube.values.reshape(-1, 220).astype(np.float64)
    A = fully_constrained(in_memory(X), default.endmembers.values)
    fit = (X - A.T @ default.endmembers.values).std()
    noise = float((default.cube - _expectation(default)).std())
    logging.getLogger(__name__).info(
        "angles between endmembers %s degrees, %.0f %% pure pixels, fit with the true spectra / noise %.3f",
        between.round(1),
        100 * pure,
        fit / noise,
    )
    assert between.min() > 20
    assert between.max() < 60
    assert 0.1 < pure < 0.5
    assert np.all((default.abundances > 0.95).mean(("y", "x"))[1:] < 0.01)  # neither impurity nor depression
    assert 0.98 < fit / noise < 1


def test_resonance_is_recovered(default):
    result = mf.unmix(default.cube, 3, volume="auto", random_state=0)
    order = match(default.endmembers.values, result.endmembers.values)
    impurity = result.endmembers[order[1]]
    assert float(impurity.sel(bias=slice(50, 150)).idxmax()) == pytest.approx(RESONANCE, abs=5)
    angles = spectral_angles(default.endmembers.values, result.endmembers.values[order]).diagonal()
    assert angles.mean() < 0.1
    error = result.abundances.values[order] - default.abundances.values
    assert np.sqrt(np.mean(error**2)) < 0.08


def test_too_small_or_negative():
    with pytest.raises(ValueError, match="at least 8"):
        cits_pnictide(shape=(7, 20, 100))
    for name in ("noise", "impurities"):
        with pytest.raises(ValueError, match=f"{name} must not be negative"):
            cits_pnictide(shape=SMALL, **{name: -1.0})
