"""Least squares in a box against independent solvers and its own optimality conditions."""

from __future__ import annotations

from unittest.mock import patch

import cvxpy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba.core.dispatcher import Dispatcher
from scipy.optimize import lsq_linear, nnls

from mffnb.kernels import hals, pivoting
from mffnb.protocols.half import Half
from tests.depth import examples

INF = np.inf


def solve(gram, cross, lower=0.0, upper=INF, start=None, weights=None):
    k, entries = cross.shape
    factor = np.zeros((k, entries)) if start is None else start
    bounds = [np.array(np.broadcast_to(side, k), dtype=float) for side in (lower, upper)]
    moved = pivoting.solve_box(factor, gram, cross, *bounds, np.ones(entries) if weights is None else weights)
    return factor, moved


def gap(factor, gram, cross, lower, upper):
    """Distance from optimality, in units in which every component has norm 1, relative to the data."""
    size = np.sqrt(np.diag(gram))[:, None]
    size[size == 0] = 1.0
    lower, upper = (np.broadcast_to(side, len(gram))[:, None] * size for side in (lower, upper))
    a, slope = factor * size, (gram @ factor - cross) / size
    return np.abs(a - np.clip(a - slope, lower, upper)).max() / (np.abs(cross / size).max() + np.abs(a).max() + 1e-300)


@examples(60)
@given(k=st.integers(1, 8), seed=st.integers(0, 10**6), scale=st.sampled_from([1e-6, 1e-3, 1.0, 1e6]))
def test_non_negative_equals_scipy_nnls(k, seed, scale):
    rng = np.random.default_rng(seed)
    basis = scale * rng.random((k, 15))
    data = rng.random((15, 20)) - 0.2
    factor, _ = solve(basis @ basis.T, basis @ data)
    wanted = np.array([nnls(basis.T, x)[0] for x in data.T]).T
    np.testing.assert_allclose(factor * scale, wanted * scale, rtol=0, atol=1e-8)
    np.testing.assert_array_equal(factor > 0, wanted * scale > 1e-12)


@examples(60)
@given(k=st.integers(1, 6), seed=st.integers(0, 10**6), scale=st.sampled_from([1e-6, 1.0, 1e6]))
def test_box_equals_scipy_lsq_linear(k, seed, scale):
    rng = np.random.default_rng(seed)
    basis = scale * rng.standard_normal((k, 12))
    data = 2 * rng.standard_normal((12, 5))
    lower = np.where(rng.random(k) < 0.3, -INF, -rng.random(k))
    upper = np.where(rng.random(k) < 0.3, INF, rng.random(k) + 1e-3)
    factor, _ = solve(basis @ basis.T, basis @ data, lower / scale, upper / scale)
    for a, x in zip(factor.T, data.T, strict=True):
        wanted = lsq_linear(basis.T / scale, x, (lower, upper), method="bvls", tol=1e-14).x
        np.testing.assert_allclose(a * scale, wanted, rtol=0, atol=1e-8)


@pytest.mark.parametrize(("lower", "upper"), [(0.0, INF), (-0.2, 0.3), (-INF, 0.1)])
def test_equals_cvxpy_to_1e_8(lower, upper):
    rng = np.random.default_rng(3)
    basis = rng.random((5, 12))
    data = 2 * rng.random((12, 30)) - 0.5
    factor, _ = solve(basis @ basis.T, basis @ data, lower, upper)
    a = cvxpy.Variable((5, 30))
    within = [side for side, bound in ((a >= lower, lower), (a <= upper, upper)) if np.isfinite(bound)]
    problem = cvxpy.Problem(cvxpy.Minimize(cvxpy.sum_squares(basis.T @ a - data)), within)
    problem.solve(solver=cvxpy.CLARABEL, tol_gap_abs=1e-13, tol_gap_rel=1e-13, tol_feas=1e-13)
    np.testing.assert_allclose(factor, a.value, rtol=0, atol=1e-8)


@examples(300)
@given(
    k=st.integers(1, 15),
    rank=st.integers(0, 15),
    seed=st.integers(0, 10**6),
    decades=st.sampled_from([0, 6]),
    sides=st.sampled_from(["non-negative", "box", "some free", "equal"]),
    l1=st.sampled_from([0.0, 0.1]),
)
def test_optimality_whatever_the_rank(k, rank, seed, decades, sides, l1):
    """Equal, missing, dependent and unequally large components included: it ends, and no direction leads down."""
    rng = np.random.default_rng(seed)
    basis = rng.standard_normal((k, rank)) @ rng.standard_normal((rank, 9))
    basis[rng.random(k) < 0.1] = 0.0
    if k > 1:
        basis[-1] = basis[0]
    size = 10.0 ** rng.uniform(-decades, decades, k)
    basis *= size[:, None]
    lower, upper = {
        "non-negative": (0.0, INF),
        "box": (-rng.random(k) / size, rng.random(k) / size),
        "some free": (np.where(rng.random(k) < 0.5, -INF, 0.0), 1 / size),
        "equal": (0.5 / size, 0.5 / size),
    }[sides]
    gram, cross = basis @ basis.T, basis @ (rng.standard_normal((9, 20)) + 0.5)
    if sides == "non-negative":
        cross -= l1
    factor, moved = solve(gram, cross, lower, upper)
    assert np.isfinite(factor).all()
    assert np.isfinite(moved)
    assert (factor >= np.reshape(lower, (-1, 1))).all()
    assert (factor <= np.reshape(upper, (-1, 1))).all()
    assert gap(factor, gram, cross, lower, upper) <= 1e-10


def test_without_bounds_it_is_least_squares():
    rng = np.random.default_rng(0)
    basis, data = rng.standard_normal((70, 200)), rng.standard_normal((200, 3))
    factor, _ = solve(basis @ basis.T, basis @ data, -INF, INF)
    np.testing.assert_allclose(factor, np.linalg.lstsq(basis.T, data, rcond=None)[0], atol=1e-11)


def test_many_components_whose_sets_are_not_told_apart():
    rng = np.random.default_rng(1)
    basis, data = rng.random((70, 200)), rng.random((200, 6))
    factor, _ = solve(basis @ basis.T, basis @ data)
    np.testing.assert_allclose(factor, np.array([nnls(basis.T, x)[0] for x in data.T]).T, atol=1e-9)


def test_single_exchanges_reach_the_same_answer():
    rng = np.random.default_rng(2)
    basis, data = rng.standard_normal((6, 12)), rng.standard_normal((12, 40))
    gram, cross = basis @ basis.T, basis @ data
    lower, upper = np.full(6, -0.1), np.full(6, 0.2)
    wanted, _ = solve(gram, cross, lower, upper)
    python = {name: value.py_func for name, value in vars(pivoting).items() if isinstance(value, Dispatcher)}
    python["_block_pivoting"] = lambda scaled, c, low, high, side, a, *_: a.fill(0.0)  # no block exchanges
    factor = np.zeros_like(cross)
    with patch.multiple(pivoting, **python):
        pivoting.solve_box(factor, gram, cross, lower, upper, np.ones(40))
    np.testing.assert_allclose(factor, wanted, atol=1e-13)
    assert (wanted == -0.1).any()
    assert (wanted == 0.2).any()


def test_step_is_the_change_of_the_reconstruction_and_the_objective_falls():
    rng = np.random.default_rng(4)
    basis, start = rng.random((3, 8)), rng.random((3, 50))
    gram, cross = basis @ basis.T, basis @ rng.random((8, 50))
    before = start.copy()
    factor, moved = solve(gram, cross, start=start)
    assert moved == pytest.approx(np.sum((basis.T @ (factor - before)) ** 2))
    assert Half(gram, cross).value(factor) < Half(gram, cross).value(before)
    again, moved = solve(gram, cross, start=factor.copy())
    np.testing.assert_array_equal(again, factor)
    assert moved == 0


def test_it_is_where_coordinate_descent_ends():
    rng = np.random.default_rng(5)
    basis = rng.random((4, 20))
    gram, cross = basis @ basis.T, basis @ rng.random((20, 30)) - 0.3
    slow = np.ones((4, 30))
    hals.sweep_non_negative(slow, gram, cross, 5000)
    np.testing.assert_allclose(solve(gram, cross)[0], slow, atol=1e-10)


def test_weights_multiply_the_gram_matrix():
    rng = np.random.default_rng(6)
    basis, data, weights = rng.random((3, 8)), rng.random((8, 10)), rng.random(10)
    gram, cross = basis @ basis.T, basis @ data - 0.5
    factor, moved = solve(gram, cross, weights=weights)
    wanted = np.hstack([solve(u * gram, cross[:, [i]])[0] for i, u in enumerate(weights)])
    np.testing.assert_allclose(factor, wanted, atol=1e-12)
    assert moved == pytest.approx(sum(u * a @ gram @ a for u, a in zip(weights, factor.T, strict=True)))


def test_where_the_data_say_nothing_it_stays():
    gram = np.diag([2.0, 0.0])
    cross = np.array([[2.0, 2.0, 2.0], [0.0, -1.0, 0.0]])
    factor, _ = solve(gram, cross, start=np.full((2, 3), 5.0), weights=np.array([1.0, 1.0, 0.0]))
    np.testing.assert_allclose(factor, [[1.0, 1.0, 5.0], [5.0, 0.0, 5.0]], rtol=1e-15)


def test_neighbours_do_not_matter():
    """Sides carried over from one column to the next, and kept Cholesky factors, change nothing."""
    rng = np.random.default_rng(7)
    basis = rng.standard_normal((20, 40))  # more sets than are kept
    gram, cross = basis @ basis.T, basis @ rng.standard_normal((40, 300))
    order = rng.permutation(300)
    factor, _ = solve(gram, cross, -0.1, 0.2)
    np.testing.assert_allclose(
        solve(gram, np.ascontiguousarray(cross[:, order]), -0.1, 0.2)[0], factor[:, order], atol=1e-13
    )
