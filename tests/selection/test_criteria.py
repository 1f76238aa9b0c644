"""Criteria for one k against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from scipy import stats

from mffnb import MatrixFactorization
from mffnb.matrices import Sparse, in_memory
from mffnb.selection.criteria import (
    elbow,
    explained_variance,
    information_criteria,
    largest_similarity,
    silhouette,
)
from mffnb.selection.held_out import HeldOutEntries
from mffnb.similarities import Frobenius, KullbackLeibler


@pytest.fixture
def problem():
    rng = np.random.default_rng(0)
    A, E = rng.random((3, 40)), rng.random((3, 12))
    return rng.poisson(8 * A.T @ E).astype(float), 8 * A, E


def test_explained_variance_equals_that_of_the_explicit_residual(problem):
    X, A, E = problem
    left = np.sum((X - A.T @ E) ** 2)
    for matrix in (in_memory(X), Sparse(sp.csr_array(X))):
        wanted = 1 - left / np.sum((X - X.mean(axis=0)) ** 2)
        assert explained_variance(matrix, A, E) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("similarity", [Frobenius(), KullbackLeibler()])
def test_information_criteria_follow_the_likelihood(problem, similarity):
    X, A, E = problem
    other = A * 1.1
    n, m, k = *X.shape, 3

    def minus_two_log_likelihood(A):
        model = A.T @ E[: len(A)]
        if isinstance(similarity, KullbackLeibler):
            return -2 * stats.poisson.logpmf(X, model).sum()
        deviation = np.sqrt(np.mean((X - model) ** 2))
        return -2 * stats.norm.logpdf(X, model, deviation).sum()

    matrix = in_memory(X)
    aic, bic = information_criteria(matrix, similarity, A, E)
    worse = information_criteria(matrix, similarity, other, E)[0]
    assert worse - aic == pytest.approx(minus_two_log_likelihood(other) - minus_two_log_likelihood(A), rel=1e-9)
    freedom = k * (n + m - k)
    assert bic - aic == pytest.approx(freedom * (np.log(n * m) - 2), rel=1e-12)
    fewer = information_criteria(matrix, similarity, A[:2], E[:2])
    gain = minus_two_log_likelihood(A[:2]) - minus_two_log_likelihood(A)
    assert fewer[0] - aic == pytest.approx(gain - 2 * freedom + 2 * 2 * (n + m - 2), rel=1e-9)


def test_information_criteria_of_a_perfect_fit_are_finite():
    A, E = np.eye(3), np.arange(1.0, 13).reshape(3, 4)
    assert np.isfinite(information_criteria(in_memory(A.T @ E), Frobenius(), A, E)).all()


def test_degrees_of_freedom_equal_the_dimension_of_the_tangent_space():
    rng = np.random.default_rng(1)
    A, E = rng.random((7, 3)), rng.random((3, 5))
    ways = [np.outer(np.eye(7)[i], E[j]) for i in range(7) for j in range(3)]
    ways += [np.outer(A[:, j], np.eye(5)[c]) for c in range(5) for j in range(3)]
    assert np.linalg.matrix_rank(np.stack([one.ravel() for one in ways])) == 3 * (7 + 5 - 3)


def test_largest_similarity_and_silhouette():
    E = np.array([[1.0, 0, 0], [0, 1, 0], [0, 1, 1]])
    assert largest_similarity(E) == pytest.approx(np.cos(np.pi / 4))
    assert np.isnan(largest_similarity(E[:1]))
    assert silhouette([E[[2, 0, 1]], 3 * E, E], E) == pytest.approx(1.0)
    rng = np.random.default_rng(0)
    chance = silhouette([E, np.vstack([E[:2], [[0.5, 0.2, 0.9]]]), np.vstack([E[:2], [[0.0, 0.9, 0.1]]])], E)
    assert chance < 0.7
    assert np.isnan(silhouette([rng.random((1, 4))] * 3, rng.random((1, 4))))


def test_elbow_of_decreasing_errors():
    assert elbow(np.arange(2, 8), np.array([9.0, 5, 1, 0.9, 0.8, 0.7])) == 4
    assert elbow(np.arange(2, 4), np.array([2.0, 1.0])) is None
    assert elbow(np.arange(2, 5), np.array([3.0, 2.9, 1.0])) is None


@pytest.mark.parametrize("similarity", ["frobenius", "kl"])
def test_held_out_error_is_smallest_at_the_true_k(similarity):
    rng = np.random.default_rng(0)
    A, E = rng.dirichlet([0.3] * 3, 300), rng.random((3, 30)) ** 4
    X = rng.poisson(40 * A @ E).astype(float)
    held = HeldOutEntries.of(in_memory(X), 0.1, 250, 0)
    assert held.values.shape == (250, 30)
    assert 0.07 < held.hidden.mean() < 0.13
    before = held.values.copy()
    errors = [
        held.error(MatrixFactorization(k, similarity=similarity, max_iter=200, random_state=0)) for k in (1, 2, 3, 6)
    ]
    assert int(np.argmin(errors)) == 2
    np.testing.assert_array_equal(held.values, before)


def test_invalid_held_out_fraction_raises_an_error():
    with pytest.raises(ValueError, match="between 0 and 1"):
        HeldOutEntries.of(in_memory(np.ones((4, 4))), 1.5, 10, 0)
