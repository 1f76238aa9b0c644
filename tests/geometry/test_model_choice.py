"""Sum to one, or up to a gain; counts, or not."""

from __future__ import annotations

import numpy as np
import pytest

from mffnb.geometry import choose_model

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
