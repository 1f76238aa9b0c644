"""``volume="auto"``: the true spectra, without being told."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.selection import match, spectral_angles
from mffnb.unmixing.auto_volume import AMBIGUOUS_ANGLE


@pytest.mark.data("Samson.mat")
@pytest.mark.filterwarnings("ignore::mffnb.errors.DisagreementWarning")
def test_samson_is_unmixed_without_being_told():
    sample = mf.datasets.samson()
    result = mf.unmix(sample.cube, 3, volume="auto", random_state=0)
    order = match(sample.endmembers.values, result.endmembers.values)
    angles = np.diag(spectral_angles(sample.endmembers.values, result.endmembers.values[order]))
    assert angles.mean() < 0.05
    assert np.sqrt(np.mean((result.abundances.values[order] - sample.abundances.values) ** 2)) < 0.05
    np.testing.assert_allclose(result.abundances.sum("component"), 1)
    assert result.parameters["model"] == "gain"


@pytest.fixture(scope="module")
def doubtful():
    """A scene of three materials that is asked for five: the first of some in which two answers fit."""
    for seed in range(8):
        rng = np.random.default_rng(seed)
        cube = (rng.dirichlet([1, 1, 1], 600) @ rng.random((3, 40))).reshape(20, 30, 40)
        cube += 0.01 * rng.standard_normal(cube.shape)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            result = mf.unmix(cube, 5, volume="auto", sum_to_one=True, random_state=0)
        if result.parameters["disagreement"] > AMBIGUOUS_ANGLE:
            return result, told
    raise AssertionError("there was no doubt in any scene")


def test_another_answer_that_fits_as_well_is_kept_and_told(doubtful, tmp_path):
    result, told = doubtful
    assert [warning.category for warning in told] == [mf.errors.DisagreementWarning]
    E, other = result.endmembers, result.alternative
    assert other.dims == E.dims
    angles = np.diag(spectral_angles(E.values, other.values))
    assert angles.mean() == pytest.approx(result.parameters["disagreement"], abs=1e-6)
    np.testing.assert_allclose((other**2).sum("channel"), (E**2).sum("channel"))
    result.save(tmp_path / "run.nc")
    xr.testing.assert_identical(mf.load(tmp_path / "run.nc").alternative, other)
    assert float(result.normalized().endmembers.max()) == pytest.approx(1)
    np.testing.assert_allclose(
        np.diag(spectral_angles(result.normalized().alternative.values, other.values)), 0, atol=1e-6
    )


def test_an_onlooker_sees_factors_and_may_stop():
    seen = []

    def look(state):
        seen.append((state.abundances.shape, state.endmembers.shape, state.relative_error))
        return len(seen) == 2

    rng = np.random.default_rng(0)
    cube = (rng.dirichlet([1, 1, 1], 600) @ rng.random((3, 40))).reshape(20, 30, 40)
    result = mf.unmix(cube, 3, volume="auto", random_state=0, callback=look)
    assert [shapes[:2] for shapes in seen] == [((3, 600), (3, 40))] * 2
    assert all(error < 0.1 for *_, error in seen)
    assert result.outcome.name == "STOPPED"
    assert result.trace.sizes["iteration"] == 2


def test_errors_say_what_to_do():
    cube = np.random.default_rng(0).random((6, 7, 9))
    with pytest.raises(ValueError, match="takes no sparsity"):
        mf.unmix(cube, 2, volume="auto", sparsity=0.1)
    with pytest.raises(ValueError, match="leave out weights and similarity"):
        mf.unmix(cube, 2, volume="auto", similarity="kl")
    with pytest.raises(ValueError, match="leave out init"):
        mf.unmix(cube, 2, volume="auto", init=(np.ones((42, 2)), np.ones((2, 9))))
    with pytest.raises(ValueError, match="use 'auto', or a weight"):
        mf.unmix(cube, 2, volume="much")
