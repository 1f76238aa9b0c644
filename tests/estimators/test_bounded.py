"""Bounded products: within their bounds everywhere, each half step what a general solver finds."""

from __future__ import annotations

import numpy as np
import pytest

from mffnb.errors import ConvergenceWarning
from mffnb.estimators.bounded import BoundedFactorization
from mffnb.kernels import polyhedron

SLACK = 1e-13


@pytest.fixture(scope="module")
def ratings():
    """Whole numbers from 1 to 5 of three kinds of users, four fifths of them unknown, and all of them."""
    rng = np.random.default_rng(0)
    A, E = rng.dirichlet(np.full(3, 0.4), 160), rng.uniform(1, 5, (3, 40))
    whole = np.clip(np.round(A @ E + 0.3 * rng.standard_normal((160, 40))), 1, 5)
    return np.where(rng.random(whole.shape) < 0.8, np.nan, whole), whole


@pytest.mark.parametrize("non_negative", [True, False])
def test_half_steps_are_optimal(non_negative):
    cvxpy = pytest.importorskip("cvxpy")
    rng = np.random.default_rng(0)
    for k, entries in ((2, 3), (3, 30), (5, 12)):
        lower, upper = (0.2, 1.5) if non_negative else (-0.5, 0.8)
        basis = rng.random((entries, k)) if non_negative else rng.standard_normal((entries, k))
        basis[:, 0] = 1.0
        X = np.where(rng.random((6, entries)) < 0.3, np.nan, rng.uniform(-1, 3, (6, entries)))
        A = np.zeros((6, k))
        A[:, 0] = 0.5
        left = polyhedron.fit_rows(X, basis, A, lower, upper, non_negative, SLACK)
        assert left == pytest.approx(np.nansum((X - A @ basis.T) ** 2))
        assert (A @ basis.T).min() >= lower - 1e-12
        assert (A @ basis.T).max() <= upper + 1e-12
        for x, a in zip(X, A, strict=True):
            seen, free = ~np.isnan(x), cvxpy.Variable(k, nonneg=non_negative)
            within = [basis @ free >= lower, basis @ free <= upper]
            wanted = cvxpy.Minimize(cvxpy.sum_squares(x[seen] - basis[seen] @ free))
            least = cvxpy.Problem(wanted, within).solve(solver="CLARABEL")
            assert np.sum((x[seen] - basis[seen] @ a) ** 2) <= least * (1 + 1e-5) + 1e-8


def test_rows_that_cannot_get_better_stay():
    basis, A = np.array([[1.0], [1.0]]), np.array([[0.5], [0.5]])
    X = np.array([[np.nan, np.nan], [0.5, 0.5]])
    polyhedron.fit_rows(X, basis, A, 0.0, 1.0, True, SLACK)
    np.testing.assert_allclose(A, 0.5)
    polyhedron.fit_rows(np.array([[9.0, 9.0]]), np.array([[1.0], [-1.0]]), A[:1], 0.2, 1.0, True, SLACK)
    np.testing.assert_allclose(A[0], 0.5)  # no number is at once above 0.2 and below -0.2


@pytest.mark.parametrize("non_negative", [True, False])
def test_ratings_stay_within_their_scale_and_are_predicted(ratings, non_negative):
    X, whole = ratings
    kept = X.copy()
    model = BoundedFactorization(3, lower=1, upper=5, non_negative=non_negative, random_state=0)
    product = model.inverse_transform(model.fit_transform(X))
    np.testing.assert_array_equal(X, kept)
    assert product.min() >= 1 - 1e-12
    assert product.max() <= 5 + 1e-12
    assert (np.diff(model.trace_) <= 0).all()
    hidden = np.isnan(X)
    means = np.broadcast_to(np.nanmean(X, axis=0), X.shape)
    error, guess = (np.sqrt(np.mean((guess - whole)[hidden] ** 2)) for guess in (product, means))
    assert error < 0.9 * guess
    new = model.inverse_transform(model.transform(X[:20]))
    assert new.min() >= 1 - 1e-12
    assert new.max() <= 5 + 1e-12
    assert np.nansum((new - X[:20]) ** 2) <= np.nansum((product - X)[:20] ** 2) * (1 + 1e-6)


def test_without_bounds_that_matter_it_is_least_squares():
    rng = np.random.default_rng(1)
    X = rng.random((30, 2)) @ rng.random((2, 8))
    model = BoundedFactorization(2, lower=0, upper=np.inf, max_iter=2000, tol=1e-9, random_state=0)
    np.testing.assert_allclose(model.inverse_transform(model.fit_transform(X)), X, atol=1e-3)


@pytest.mark.parametrize("wrong", [{"lower": 2.0}, {"upper": np.nan}, {"n_components": 0}, {"max_iter": 0}])
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValueError, match=r"leave room|whole number|must be"):
        BoundedFactorization(**wrong).fit(np.ones((4, 3)))


def test_an_early_end_is_said(ratings):
    with pytest.warns(ConvergenceWarning, match="raise max_iter"):
        BoundedFactorization(3, lower=1, upper=5, max_iter=1).fit(ratings[0])
