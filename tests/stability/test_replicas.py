"""Noise models of the bootstrap: statistics of the replicas."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import mffnb as mf
from mffnb.stability import PoissonCounts, SignFlips, noise_of
from tests.conftest import mixture


def counts(peak=50.0, seed=0):
    cube = mixture(noise=0.0)
    drawn = np.random.default_rng(seed).poisson(peak * cube.values)
    return cube.copy(data=drawn.astype(np.uint16))


def draws(noise, cube, answer, number):
    return np.array([noise.draw(cube, answer, np.random.default_rng(seed)).values for seed in range(number)])


def test_poisson_noise_is_recognised_by_its_dispersion():
    cube = counts()
    assert noise_of(cube, mf.unmix(cube, 3, random_state=0)) == PoissonCounts()
    even = mixture(noise=0.05)
    assert noise_of(even, mf.unmix(even, 3, random_state=0)) == SignFlips()
    tens = (10.0 * cube).astype(np.uint16)  # integers, but not Poisson distributed
    assert noise_of(tens, mf.unmix(tens, 3, random_state=0)) == SignFlips()


def test_kl_fit_draws_counts_in_units_of_the_dispersion():
    cube = (0.1 * counts()).astype(np.float64)
    noise = noise_of(cube, mf.unmix(cube, 3, similarity="kl", random_state=0))
    assert noise.name == "poisson"
    assert 0.08 < noise.unit < 0.12


def test_variance_stabilizing_step_selects_poisson_replicas():
    cube = (3 * counts()).astype(np.uint16)
    answer = mf.unmix(cube, 3, preprocess=[mf.preprocessing.Anscombe()], random_state=0)
    noise = noise_of(cube, answer)
    assert noise.name == "poisson"
    assert 2 < noise.unit < 4
    found = mf.selection.stability(cube, answer, 2, 9, random_state=0)
    assert np.isfinite(found.upper).all()


def test_poisson_replicas_have_the_mean_and_variance_of_the_reconstruction():
    cube = counts()
    answer = mf.unmix(cube, 3, random_state=0)
    drawn = draws(PoissonCounts(), cube, answer, 400)
    assert drawn.dtype == cube.dtype
    expected = answer.reconstruction().values
    assert abs(np.mean((drawn.mean(axis=0) - expected) / np.sqrt(expected / 400))) < 0.2
    assert abs(np.mean(drawn.var(axis=0, ddof=1) / expected) - 1) < 0.05


def test_sign_flips_keep_the_residual_size_and_correct_for_leverage():
    cube = mixture((20, 30), noise=0.0) + 1.0
    sizes = np.linspace(0.01, 0.1, cube.sizes["energy"])
    cube = cube + sizes * np.random.default_rng(0).standard_normal(cube.shape)
    answer = mf.unmix(cube, 3, tol=1e-8, max_iter=5000, random_state=0)
    replicas = draws(SignFlips(), cube, answer, 2) - answer.reconstruction().values
    np.testing.assert_allclose(np.abs(replicas[0]), np.abs(replicas[1]), rtol=1e-9)
    assert 0.4 < np.mean(replicas[0] * replicas[1] > 0) < 0.6
    raw = answer.residual().values
    assert np.mean(raw**2) < 0.93 * np.mean(sizes**2)  # raw residuals are smaller than the noise
    np.testing.assert_allclose(np.mean(replicas**2), np.mean(sizes**2), rtol=0.06)


@given(seed=st.integers(0, 2**20))
def test_replicas_keep_the_missing_entries(seed):
    cube = mixture((4, 5), channels=6)
    rng = np.random.default_rng(seed)
    holes = rng.random(cube.shape) < 0.05
    cube = cube.where(xr.DataArray(~holes, dims=cube.dims))
    answer = mf.unmix(cube, 2, random_state=0, tol=1e-2)
    drawn = SignFlips().draw(cube, answer, rng)
    np.testing.assert_array_equal(np.isnan(drawn), np.isnan(cube))
    assert drawn.dims == cube.dims


def test_replicas_are_not_clipped_to_the_integer_range():
    cube = xr.DataArray(np.full((3, 4, 5), 250, dtype=np.uint8), dims=("y", "x", "energy"))
    answer = mf.unmix(cube, 1, random_state=0)
    drawn = PoissonCounts().draw(cube, answer, np.random.default_rng(0))
    assert drawn.max() > 255


def test_invalid_noise_models_raise_an_error_with_advice():
    cube = mixture(noise=0.05)
    likely = mf.unmix(cube, 2, similarity="kl", random_state=0)
    with pytest.raises(mf.errors.UnsupportedCombinationError, match="replicas='poisson'"):
        noise_of(cube, likely, "residual")
    negative = cube - 0.2
    with pytest.raises(ValueError, match="replicas='residual'"):
        noise_of(negative, mf.unmix(negative, 2, random_state=0), "poisson")
    cropped = mf.unmix(cube, 2, preprocess=[mf.preprocessing.Crop({"energy": (404, 420)})], random_state=0)
    with pytest.raises(mf.errors.UnsupportedCombinationError, match="apply these steps first"):
        noise_of(cube, cropped)
