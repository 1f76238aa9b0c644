"""Inner loops of the Kullback-Leibler divergence against plain sums, and what a Newton step promises."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, sparse, special

from mffnb.kernels import divergence, newton


def in_rows(X):
    return divergence.as_compressed_rows(sparse.csr_array(X))


@pytest.mark.parametrize("exponent", [-300, -20, 0, 20, 300])
def test_logarithms_are_those_of_numpy(exponent):
    rng = np.random.default_rng(0)
    values = 10.0**exponent * np.exp(rng.uniform(-1.0, 1.0, 1000))
    for x in values:
        assert divergence.x_log_x(np.array([x])) == pytest.approx(x * np.log(x), rel=1e-14, abs=1e-16)
    assert divergence.x_log_x(np.append(values, 0.0)) == pytest.approx(special.xlogy(values, values).sum(), rel=1e-13)


@pytest.mark.parametrize("channels", [7, 1000])  # some counts are looked at together, and more than those
def test_log_likelihood_is_the_plain_sum(channels):
    rng = np.random.default_rng(1)
    X = rng.poisson(0.7, (20, channels)).astype(float)
    A, E = rng.random((3, 20)), rng.random((channels, 3))
    expected = special.xlogy(X, A.T @ E.T).sum()
    assert divergence.log_likelihood(*in_rows(X), A, 0, E) == pytest.approx(expected, rel=1e-13)
    A[:, 4] = 0.0
    assert divergence.log_likelihood(*in_rows(X), A, 0, E) == -np.inf
    empty = np.where(np.arange(20)[:, None] == 4, 0.0, X)
    kept = sparse.csr_array(X)
    kept.data[kept.indptr[4] : kept.indptr[5]] = 0.0  # zeros that are stored
    for rows in (in_rows(empty), divergence.as_compressed_rows(kept)):
        assert np.isfinite(divergence.log_likelihood(*rows, A, 0, E))


def problem(k, seed, quadratic):
    """Counts, a factor, the held factor and the quadratic part of a half problem."""
    rng = np.random.default_rng(seed)
    E = rng.dirichlet(np.full(40, 0.2), k).T
    X = rng.poisson(10.0 ** rng.uniform(0, 4, (30, 1)) * (rng.dirichlet(np.full(k, 0.3), 30) @ E.T)).astype(float)
    A = 10.0 ** rng.uniform(-3, 3, (k, 30))
    root = quadratic * rng.standard_normal((k, k))
    linear = -np.repeat(E.sum(axis=0)[:, None], 30, axis=1) + quadratic * rng.standard_normal((k, 30))
    return X, A, E + 1e-12, linear, root @ root.T, quadratic * rng.random(30)


def objectives(X, A, E, cross, gram, steepness, weight):
    model = A.T @ E.T
    squares = 0.5 * np.einsum("ji,jl,li->i", A, gram, A) + 0.5 * steepness * (A**2).sum(axis=0)
    return squares - (cross * A).sum(axis=0) - weight * special.xlogy(X, model).sum(axis=1)


@pytest.mark.parametrize("quadratic", [0.0, 0.3])
@pytest.mark.parametrize("k", [1, 2, 5, 12])
def test_no_step_raises_the_objective_of_any_entry(k, quadratic):
    for seed in range(5):
        X, A, E, *parts = problem(k, seed, quadratic)
        before = objectives(X, A, E, *parts, 1.3)
        for _ in range(40):
            newton.newton_rows(*in_rows(X), A, 0, E, *parts, np.empty((0, 0), bool), 1.3)
            after = objectives(X, A, E, *parts, 1.3)
            assert (after <= before + 1e-12 * np.abs(before).max()).all()
            assert (A >= 0).all()
            before = after


@pytest.mark.parametrize("quadratic", [0.0, 0.3])
@pytest.mark.parametrize("k", [2, 5])
def test_steps_lead_to_the_minimum_and_fixed_entries_stay(k, quadratic):
    X, A, E, *parts = problem(k, 7, quadratic)
    fixed = np.random.default_rng(8).random(A.shape) < 0.2
    held = A.copy()
    for _ in range(300):
        moved = newton.newton_rows(*in_rows(X), A, 0, E, *parts, fixed, 1.0)
    np.testing.assert_array_equal(A[fixed], held[fixed])
    assert moved < 1e-12 * (1 + np.abs(objectives(X, A, E, *parts, 1.0)).sum())
    for i in range(5):
        one = slice(i, i + 1)
        cross, gram, steepness = parts[0][:, one], parts[1], parts[2][one]
        free = ~fixed[:, i]

        def of_free(a, i=i, one=one, cross=cross, gram=gram, steepness=steepness, free=free):
            f = held[:, one].copy()
            f[free, 0] = a
            slope = gram @ f[:, 0] + steepness * f[:, 0] - cross[:, 0] - E.T @ (X[i] / (E @ f[:, 0]))
            return objectives(X[one], f, E, cross, gram, steepness, 1.0)[0], slope[free]

        bounds = [(1e-12, None)] * int(free.sum())
        best = optimize.minimize(of_free, A[free, i] + 1e-3, jac=True, bounds=bounds, options={"maxiter": 5000})
        reached = of_free(A[free, i])[0]
        assert reached <= best.fun + 1e-8 * abs(best.fun)
