"""The exact programme of every pixel against an independent convex solver and its own optimality conditions."""

from __future__ import annotations

import cvxpy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mffnb.graphs import grid
from mffnb.kernels import simplex
from mffnb.protocols.half import Half
from mffnb.solvers import Hals
from tests.depth import examples


def start(k, entries, rng):
    return rng.dirichlet(np.ones(k), entries).T.copy()


@pytest.mark.parametrize("k", [1, 2, 4, 7])
def test_equals_cvxpy_to_1e_8(k):
    rng = np.random.default_rng(k)
    basis = rng.random((k, 12))
    gram = basis @ basis.T
    cross = basis @ (2 * rng.random((12, 30)) - 0.3)
    factor = start(k, 30, rng)
    simplex.sweep_simplex(factor, gram, cross, np.ones(1))
    a = cvxpy.Variable((k, 30))
    residual = cvxpy.sum_squares(np.linalg.cholesky(gram).T @ a - np.linalg.solve(np.linalg.cholesky(gram), cross))
    problem = cvxpy.Problem(cvxpy.Minimize(residual / 2), [a >= 0, cvxpy.sum(a, axis=0) == 1])
    problem.solve(solver=cvxpy.CLARABEL, tol_gap_abs=1e-13, tol_gap_rel=1e-13, tol_feas=1e-13)
    np.testing.assert_allclose(factor, a.value, rtol=0, atol=1e-8)
    if k > 2:
        assert (factor == 0).any()  # the border was reached exactly
        assert (factor > 0).sum(axis=0).max() > 1


@examples(300)
@given(k=st.integers(1, 8), rank=st.integers(0, 8), seed=st.integers(0, 10**6), scale=st.sampled_from([1e-6, 1.0, 1e6]))
def test_optimality_whatever_the_rank(k, rank, seed, scale):
    """Equal, missing and dependent endmembers included: feasible, and no direction leads down."""
    rng = np.random.default_rng(seed)
    basis = scale * rng.random((k, rank)) @ rng.random((rank, 10))
    basis[rng.random(k) < 0.2] = 0.0
    if k > 1:
        basis[-1] = basis[0]
    gram, cross = basis @ basis.T, basis @ rng.random((10, 5)) * scale
    factor = start(k, 5, rng)
    before = Half(gram, cross).value(factor)
    simplex.sweep_simplex(factor, gram, cross, np.ones(1))
    np.testing.assert_allclose(factor.sum(axis=0), 1, atol=1e-12)
    assert factor.min() >= 0
    slope = gram @ factor - cross
    size = np.abs(gram).max() + np.abs(cross).max()
    gap = (factor * slope).sum(axis=0) - slope.min(axis=0)  # Frank-Wolfe's bound on what is left to gain
    assert gap.max() <= 1e-8 * size
    assert Half(gram, cross).value(factor) <= before + 1e-12 * size


def test_on_a_graph_it_ends_at_the_coupled_minimum():
    rng = np.random.default_rng(0)
    graph = grid((3, 4))
    basis = rng.random((3, 8))
    gram, cross = basis @ basis.T, basis @ rng.random((8, 12))
    factor = start(3, 12, rng)
    half = Half(gram, cross, graph=graph, coupling=0.5, sum_to_one=True)
    Hals(sweeps=300).update(factor, half)
    laplacian = np.diag(graph.degree)
    for i in range(12):
        laplacian[i, graph.indices[graph.indptr[i] : graph.indptr[i + 1]]] -= 0.25
    slope = gram @ factor - cross + 0.5 * factor @ laplacian
    gap = (factor * slope).sum(axis=0) - slope.min(axis=0)
    assert gap.max() < 1e-9
    np.testing.assert_allclose(factor.sum(axis=0), 1, atol=1e-12)
