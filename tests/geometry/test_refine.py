"""Alternating descent to a simplex of least volume."""

from __future__ import annotations

import numpy as np
import pytest

from mffnb.geometry.compression import compress
from mffnb.geometry.refine import refine
from mffnb.matrices import LowRank

from .scenes import angles, matrix, scene


def problem(seed=0):
    X, spectra, fractions = scene(3, 300, noise=0.01, seed=seed)
    rng = np.random.default_rng(seed)
    gains = rng.uniform(0.5, 1.5, len(X))
    return X * gains[:, None], gains, spectra, fractions


def direct(X, gains, A, E, weight, delta):
    residual = X - gains[:, None] * (A.T @ E)
    return np.sum(residual**2) + weight * np.log(np.linalg.det(E @ E.T + delta * np.eye(len(E))))


def test_the_objective_is_what_it_says_and_never_rises():
    X, gains, _, _ = problem()
    left, values, right = np.linalg.svd(X, full_matrices=False)
    data = LowRank((left * values).T.copy(), right)  # nothing left out
    rng = np.random.default_rng(1)
    A, E = rng.dirichlet(np.ones(3), len(X)).T.copy(), rng.random((3, X.shape[1]))
    before = A.copy(), E.copy()
    points = list(refine(data, gains, A, E, 0.3, delta=0.2, iterations=40))
    assert len(points) > 5
    for point in points:
        value = direct(X, gains, point.abundances, point.endmembers, 0.3, 0.2)
        assert point.objective == pytest.approx(value, rel=1e-9)
        np.testing.assert_allclose(point.abundances.sum(axis=0), 1)
        assert min(point.abundances.min(), point.endmembers.min()) >= 0
    assert np.all(np.diff([point.objective for point in points]) <= 0)
    np.testing.assert_array_equal(A, before[0])
    np.testing.assert_array_equal(E, before[1])


def test_more_price_less_volume():
    X, gains, spectra, fractions = problem()
    data = compress(matrix(X), 10, 0)
    volumes = []
    for weight in (1e-3, 1.0, 30.0):
        *_, last = refine(data, gains, fractions, spectra, weight)
        volumes.append(np.linalg.det(last.endmembers @ last.endmembers.T))
    assert volumes[0] > volumes[1] > volumes[2]
    *_, last = refine(data, gains, fractions, spectra, 1e-3)
    assert angles(spectra, last.endmembers).max() < 0.05
