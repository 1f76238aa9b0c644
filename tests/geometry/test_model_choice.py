"""Sum to one, or up to a gain; counts, or not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from mffnb.geometry import choose_model, minimum_volume, model_choice
from mffnb.geometry.matching import spectral_angles
from mffnb.matrices import Sparse

from .scenes import matrix, scene


def residuals(X, components):
    """Of the flat and of the subspace, directly."""
    subspace = np.linalg.svd(X, compute_uv=False)[components:]
    flat = np.linalg.svd(X - X.mean(axis=0), compute_uv=False)[components - 1 :]
    return np.sum(flat**2), np.sum(subspace**2)


@pytest.mark.parametrize("gain", [0.0, 0.3])
@pytest.mark.parametrize("components", [2, 3, 5])
@pytest.mark.parametrize("noise", [0.0, 0.002, 0.02])
def test_the_model_is_recognised(components, noise, gain):
    X = scene(components, 1500, channels=80, noise=noise, gain=gain, purest=0.9, seed=components)[0]
    assert choose_model(matrix(X), components).gain == (gain > 0)


def test_rho_is_the_ratio_of_residuals():
    X = scene(3, 800, noise=0.02, gain=0.05)[0]
    flat, subspace = residuals(X, 3)
    assert choose_model(matrix(X), 3).rho == pytest.approx(flat / subspace, rel=1e-4)
    # White noise: all channels count.
    assert choose_model(matrix(X), 3).threshold == pytest.approx(1 + 3 / (40 - 3), rel=0.01)


@pytest.mark.parametrize("thin", [None, sparse.csr_array, sparse.csr_matrix])
def test_variances_of_the_residual_are_exact(thin):
    X = scene(3, 400, noise=0.02, gain=0.05)[0] * (np.random.default_rng(0).random((400, 1)) < (0.2 if thin else 1))
    centre = np.linalg.svd(X, full_matrices=False)
    expected = np.mean((X - (centre[0][:, :3] * centre[1][:3]) @ centre[2][:3]) ** 2, axis=0)
    left, right = (centre[0][:, :3] * centre[1][:3]).T, centre[2][:3]
    stored = Sparse(thin(X)) if thin else matrix(X)
    found = model_choice.residual_variances(stored, np.ascontiguousarray(left), right)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_variances_near_rounding_errors_are_summed_from_residuals():
    X = scene(2, 300, noise=0.0, gain=0.3)[0]
    X[:, 5] += 1e-7 * np.random.default_rng(0).standard_normal(300)
    centre = np.linalg.svd(X, full_matrices=False)
    left, right = (centre[0][:, :2] * centre[1][:2]).T, centre[2][:2]
    expected = np.mean((X - left.T @ right) ** 2, axis=0)
    found = model_choice.residual_variances(matrix(X), np.ascontiguousarray(left), right)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-30)


@pytest.mark.parametrize("gain", [0.0, 0.02, 0.3])
def test_the_choice_is_the_same_for_all_seeds(gain):
    X = scene(3, 600, noise=0.02, gain=gain)[0]
    choices = [choose_model(matrix(X), 3, seed) for seed in range(20)]
    assert len({one.gain for one in choices}) == 1
    np.testing.assert_allclose([one.rho for one in choices], choices[0].rho, rtol=1e-3)
    np.testing.assert_allclose([one.threshold for one in choices], choices[0].threshold, rtol=1e-3)


@pytest.mark.parametrize("gain", [0.0, 0.3])
def test_counts_are_recognised_and_levelled(gain):
    X, _, _ = scene(3, 3000, channels=60, noise=0.0, gain=gain)
    rng = np.random.default_rng(0)
    counts = rng.poisson(20 * X)
    choice = choose_model(matrix(counts), 3)
    assert choice.counts
    assert choice.gain == (gain > 0)
    np.testing.assert_allclose(choice.columns, 1 / np.sqrt(counts.mean(axis=0)))
    assert not choose_model(matrix(counts / 7), 3).counts
    assert not choose_model(matrix(X + 0.01 * rng.standard_normal(X.shape)), 3).counts


def slightly_nonlinear(gain, seed=0):
    """A scene with few independent channels in its residual, for which the threshold of rho is high."""
    rng = np.random.default_rng(seed)
    A, E = rng.dirichlet(np.full(3, 0.6), 1500), 0.2 + rng.random((3, 40))
    rough = rng.standard_normal((1500, 2)) @ rng.standard_normal((2, 40))
    return A * np.exp(gain * rng.standard_normal((1500, 1))) @ E + 0.02 * rough, A, E


@pytest.mark.parametrize("gain", [0.0, 0.014])
def test_the_endmembers_found_decide_where_rho_is_not_clear(gain):
    X, _, _ = slightly_nonlinear(gain)
    choice = choose_model(matrix(X), 3)
    assert not choice.clear
    found = minimum_volume(matrix(X), 3)
    assert (found.sum_ratio > choice.sum_limit) == (gain > 0)
    assert (found.model == "gain") == (gain > 0)


def test_the_other_model_is_the_alternative_where_both_kinds_of_evidence_disagree():
    X, _, _ = slightly_nonlinear(0.008)
    choice = choose_model(matrix(X), 3)
    assert not choice.gain, "the scene must be one that rho calls sum to one"
    found = minimum_volume(matrix(X), 3)
    assert found.model == "gain"
    alone = minimum_volume(matrix(X), 3, gain=False)
    np.testing.assert_allclose(spectral_angles(found.alternative, alone.endmembers).min(axis=1), 0, atol=1e-6)


def test_a_given_model_is_not_questioned():
    X, _, _ = slightly_nonlinear(0.014)
    found = minimum_volume(matrix(X), 3, gain=False)
    assert found.model == "sum to one"
    assert np.isnan(found.sum_ratio)
