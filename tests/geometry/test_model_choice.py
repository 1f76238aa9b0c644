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


def test_the_gain_is_the_alternative_where_only_rho_has_evidence_of_it():
    """Two components and their mixture, in noise: a third of the directions is hardly above it."""
    rng = np.random.default_rng(2)
    A, E = rng.dirichlet(np.full(3, 0.7), 2000), 0.2 + rng.random((3, 40))
    E[2] = 0.5 * (E[0] + E[1]) + 0.1 * rng.standard_normal(40)
    X = np.exp(0.3 * rng.standard_normal((2000, 1))) * (A @ E) + 0.1 * rng.standard_normal((2000, 40))
    choice = choose_model(matrix(X), 3)
    assert choice.gain
    assert not choice.clear
    reports = []
    found = minimum_volume(matrix(X), 3, callback=reports.append)
    assert found.model == "sum to one"
    assert found.sum_ratio < choice.sum_limit
    assert len(reports) == len(found.trace)
    alone = minimum_volume(matrix(X), 3, gain=True)
    np.testing.assert_allclose(spectral_angles(found.alternative, alone.endmembers).min(axis=1), 0, atol=1e-6)
    assert found.disagreement > 0.1
    assert {name for name, _ in found.candidates} == {
        name for name, _ in minimum_volume(matrix(X), 3, gain=False).candidates
    }


def buried(noise, seed, gain):
    """Bands of which one direction is buried in noise."""
    rng = np.random.default_rng(seed)
    A, position = rng.dirichlet(np.full(4, 0.7), 1000), np.linspace(0, 1, 60)
    E = 0.1 + np.exp(-(((position - rng.random((4, 6, 1))) / rng.uniform(0.1, 0.2, (4, 6, 1))) ** 2)).sum(axis=1)
    X = np.exp(gain * rng.standard_normal((1000, 1))) * (A @ E)
    return X + noise * rng.standard_normal(X.shape)


@pytest.mark.parametrize("gain", [0.0, 0.3])
@pytest.mark.parametrize(("noise", "seed"), [(0.2, 0), (0.2, 2), (0.3, 2), (0.3, 3)])
def test_a_vertex_at_the_origin_is_no_evidence_against_a_gain(noise, seed, gain):
    X = buried(noise, seed, gain)
    choice, found = choose_model(matrix(X), 4), minimum_volume(matrix(X), 4)
    assert found.sum_ratio < choice.sum_limit, "the ratio must not see the gain"
    assert found.model == ("gain" if gain else "sum to one")
    assert choice.gain == (gain > 0)
    assert found.endmembers.any(axis=1).all()


def test_a_given_model_is_not_questioned():
    X, _, _ = slightly_nonlinear(0.014)
    found = minimum_volume(matrix(X), 3, gain=False)
    assert found.model == "sum to one"
    assert np.isnan(found.sum_ratio)
