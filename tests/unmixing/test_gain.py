"""Fractions, with or without a gain for each pixel, and the volume that their endmembers span."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.selection import match, spectral_angles

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")


@pytest.fixture(scope="module")
def scene():
    """Mixtures of three smooth spectra, pure pixels among them, under a gain that varies threefold."""
    rng = np.random.default_rng(5)
    wavelength = np.linspace(0, 1, 40)
    E = np.stack([0.2 + np.exp(-(((wavelength - c) / 0.25) ** 2)) for c in (0.1, 0.5, 0.9)])
    A = rng.dirichlet(np.full(3, 0.7), 20 * 30)
    A[:3] = np.eye(3)
    gain = rng.uniform(0.5, 1.5, 600)
    cube = xr.DataArray((gain[:, None] * (A @ E)).reshape(20, 30, 40), dims=("y", "x", "wavelength"))
    return cube, A.T.reshape(3, 20, 30), E, gain.reshape(20, 30)


def test_gain_fractions_and_spectra_are_found(scene):
    cube, A, E, gain = scene
    result = mf.unmix(cube, 3, gain=True, volume=1e-4, max_iter=2000, tol=1e-7, random_state=0)
    order = match(E, result.endmembers.values)
    assert np.diag(spectral_angles(E, result.endmembers.values[order])).max() < 0.03
    np.testing.assert_allclose(result.abundances.sum("component"), 1)
    np.testing.assert_allclose(result.endmembers.max("wavelength"), result.endmembers.max())
    assert float(result.gain.mean()) == pytest.approx(1)
    assert np.corrcoef(result.gain.values.ravel(), gain.ravel())[0, 1] > 0.99
    assert np.sqrt(np.mean((result.abundances.values[order] - A) ** 2)) < 0.05
    model = result.gain * xr.dot(result.abundances, result.endmembers, dim="component")
    np.testing.assert_allclose(result.reconstruction(), model.transpose("y", "x", "wavelength"))
    assert float(np.abs(result.residual()).max()) < 0.05 * float(cube.max())


def test_without_a_gain_fractions_cannot_follow(scene):
    cube = scene[0]
    errors = [
        float(mf.unmix(cube, 3, random_state=0, max_iter=300, **options).trace.relative_error[-1])
        for options in ({"gain": True}, {"sum_to_one": True})
    ]
    assert errors[0] < 0.3 * errors[1]


def test_a_larger_volume_weight_makes_a_smaller_simplex(scene):
    def volume(weight):
        result = mf.unmix(scene[0], 3, gain=True, volume=weight, max_iter=300, random_state=0)
        E = result.endmembers.values / np.linalg.norm(result.endmembers.values, axis=1, keepdims=True)
        return np.linalg.slogdet(E @ E.T)[1]

    assert volume(1e-2) < volume(1e-4) < volume(0.0)


def test_a_gain_is_kept_in_a_file_and_starts_the_next_run(scene, tmp_path):
    first = mf.unmix(scene[0], 3, gain=True, volume=1e-3, max_iter=100, random_state=0)
    first.save(tmp_path / "run.nc")
    loaded = mf.load(tmp_path / "run.nc")
    xr.testing.assert_identical(loaded.gain.drop_attrs(), first.gain.drop_attrs())
    more = mf.unmix(scene[0], 3, gain=True, volume=1e-3, init=loaded, max_iter=1, random_state=0)
    assert more.trace.objective.values[0] == pytest.approx(first.trace.objective.values[-1], rel=1e-9)


def test_new_pixels_get_fractions_too(scene):
    cube = scene[0].values.reshape(600, 40)
    model = mf.MatrixFactorization(
        3, abundance_terms=[mf.Simplex(gain=True)], endmember_terms=[mf.MinimumVolume(1e-4)], max_iter=500, tol=1e-8
    )
    A = model.fit_transform(cube)
    np.testing.assert_allclose(model.transform(cube), A, atol=1e-3)
    np.testing.assert_allclose(model.transform(7 * cube[:20]), A[:20], atol=1e-3)


def test_empty_pixels_have_fractions_and_no_gain(scene):
    cube = scene[0].copy(deep=True)
    cube[3, 4] = 0
    result = mf.unmix(cube, 3, gain=True, volume=1e-3, max_iter=50, random_state=0)
    assert np.isfinite(result.abundances).all()
    assert float(result.gain[3, 4]) == pytest.approx(0, abs=1e-6)


def test_a_volume_needs_fractions_and_the_data_say_which(scene):
    cube, A, E, _ = scene
    with pytest.raises(ValueError, match="add sum_to_one=True, or gain=True"):
        mf.MatrixFactorization(3, endmember_terms=[mf.MinimumVolume(1e-3)]).fit(cube.values.reshape(600, 40))
    assert mf.unmix(cube, 3, volume=1e-3, max_iter=5, random_state=0).gain is not None
    noisy = cube.copy(data=np.einsum("kyx,kc->yxc", A, E) + 0.01 * np.random.default_rng(0).random(cube.shape))
    plain = mf.unmix(noisy, 3, volume=1e-3, max_iter=5, random_state=0)
    assert plain.gain is None
    assert plain.parameters["sum_to_one"]
