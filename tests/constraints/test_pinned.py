"""Endmembers that are known stay what they are while the others are found."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.selection import spectral_angles

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")


@pytest.fixture(scope="module")
def sample():
    return mf.datasets.tof_sims_2d(seed=0, shape=(24, 36))


@pytest.fixture(scope="module")
def cube(sample):
    return sample.cube.isel({sample.cube.dims[-1]: slice(0, 400)})


@pytest.fixture(scope="module")
def truth(cube, sample):
    return sample.endmembers.isel({sample.endmembers.dims[-1]: slice(0, 400)})


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"sparsity": 1e-2},
        {"smoothness": 1e-2},
        {"sum_to_one": True},
        {"sum_to_one": True, "volume": 1e-3},
        {"similarity": "kl"},
        {"similarity": "kl", "sparsity": 1e-2},
        {"weights": "poisson"},
    ],
    ids=str,
)
def test_known_spectra_come_back_as_they_were_given(cube, truth, options):
    result = mf.unmix(cube, 4, known=truth[[2, 0]], max_iter=60, random_state=0, **options)
    np.testing.assert_array_equal(result.endmembers[:2].values, truth[[2, 0]].values)
    assert result.endmembers[2:].values.any(axis=1).all()
    objective = result.trace.objective.values
    assert (np.diff(objective) <= 1e-11 * max(1, abs(objective[0]))).all()
    assert result.parameters["known"] == 2


def test_a_gain_keeps_the_shape_of_a_known_spectrum(cube, truth):
    result = mf.unmix(cube, 4, known=truth[:1], gain=True, max_iter=60, random_state=0)
    assert spectral_angles(result.endmembers[:1].values, truth[:1].values)[0, 0] < 1e-7
    np.testing.assert_allclose(result.abundances.sum("component"), 1)


def test_knowing_some_helps_to_find_the_others(cube, truth):
    def of_the_faintest(**options):
        result = mf.unmix(cube, 4, max_iter=400, random_state=0, **options)
        return spectral_angles(truth[2:3].values, result.endmembers.values).min()

    assert of_the_faintest(known=truth[:2]) < 0.5 * of_the_faintest()


def test_all_known_is_non_negative_least_squares(cube, truth):
    result = mf.unmix(cube, 4, known=truth, tol=1e-9, max_iter=3000, random_state=0)
    A = result.abundances.stack(pixel=("y", "x")).values
    E, X = truth.values, cube.values.reshape(-1, 400)
    from scipy.optimize import nnls

    for pixel in (0, 100, 500):
        np.testing.assert_allclose(A[:, pixel], nnls(E.T, X[pixel])[0], atol=1e-6)


def test_some_channels_of_one_may_be_known(cube, truth):
    part = truth[:1].values.copy()
    part[0, 200:] = np.nan
    result = mf.unmix(cube, 4, known=part, max_iter=300, random_state=0)
    np.testing.assert_array_equal(result.endmembers[0, :200].values, part[0, :200])
    found = result.endmembers[0, 200:].values
    assert spectral_angles(found[None], truth[:1, 200:].values)[0, 0] < 0.3


def test_a_run_goes_on_from_a_result_with_known_spectra(cube, truth):
    first = mf.unmix(cube, 4, known=truth[:2], max_iter=30, random_state=0)
    more = mf.unmix(cube, 4, known=truth[:2], init=first, max_iter=1, random_state=0)
    assert more.trace.objective.values[0] == pytest.approx(first.trace.objective.values[-1], rel=1e-9)


def test_errors_say_what_to_do(cube, truth):
    channel = cube.dims[-1]
    with pytest.raises(ValueError, match="raise k, or drop some"):
        mf.unmix(cube, 3, known=truth)
    with pytest.raises(ValueError, match="interpolate to the cube first"):
        mf.unmix(cube, 4, known=truth.assign_coords({channel: truth[channel] + 0.5}))
    with pytest.raises(ValueError, match="does not fit"):
        mf.unmix(cube, 4, known=np.ones((1, 7)))
    with pytest.raises(ValueError, match="is no dimension"):
        mf.unmix(cube, 4, known=xr.DataArray(np.ones((1, 400)), dims=("component", "energy")))
    with pytest.raises(ValueError, match="not negative"):
        mf.unmix(cube, 4, known=-truth)
    with pytest.raises(ValueError, match="pin it whole, or drop the gain"):
        mf.unmix(cube, 4, known=truth.where(truth[channel] < 100)[:1], gain=True)
    with pytest.raises(ValueError, match="needs a scale for the others"):
        mf.unmix(cube, 4, known=truth[:1], endmember_terms=[mf.Sparsity(1e-3)])
