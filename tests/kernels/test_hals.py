"""Kernels against a reference written the slow and obvious way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import optimize

from mffnb.graphs import grid
from mffnb.kernels import hals
from mffnb.protocols.half import Half
from mffnb.solvers import Hals


def reference(factor, gram, cross, sweeps=1, radius=np.inf):
    moved = 0.0
    for sweep in range(sweeps):
        for j in range(len(factor)):
            old = factor[j].copy()
            factor[j] = np.maximum(0, old + (cross[j] - gram[j] @ factor) / gram[j, j])
            norm = np.linalg.norm(factor[j])
            if norm > radius:
                factor[j] *= radius / norm
            if sweep == 0:
                moved += gram[j, j] * np.sum((factor[j] - old) ** 2)
    return moved


@pytest.fixture(params=[1, 7, 512, 513, 1500])
def half(request):
    rng = np.random.default_rng(request.param)
    basis = rng.random((4, 30))
    factor, target = rng.random((2, 4, request.param))
    return factor, basis @ basis.T, basis @ basis.T @ target - 0.3 * rng.random(target.shape)


@pytest.mark.parametrize("sweeps", [1, 3])
def test_free_sweeps_equal_the_reference(half, sweeps):
    factor, gram, cross = half
    expected = factor.copy()
    moved = reference(expected, gram, cross, sweeps)
    assert hals.sweep_non_negative(factor, gram, cross, sweeps) == pytest.approx(moved, rel=1e-12)
    np.testing.assert_allclose(factor, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("k", [*range(1, 15), 32, 40])
def test_any_number_of_components_and_of_entries(k):
    rng = np.random.default_rng(k)
    basis = rng.random((k, 30))
    gram = basis @ basis.T
    for entries in (1, 8, 29):
        factor, target = rng.random((2, k, entries))
        cross = gram @ target - 2 * rng.random(target.shape)
        expected = factor.copy()
        moved = reference(expected, gram, cross, 3)
        assert hals.sweep_non_negative(factor, gram, cross, 3) == pytest.approx(moved, rel=1e-10)
        np.testing.assert_allclose(factor, expected, rtol=0, atol=1e-11)
        assert entries < 29 or (factor == 0).any()


def test_a_component_of_which_the_data_say_nothing_stays_unless_a_penalty_asks():
    factor = np.ones((2, 9))
    cross = np.vstack([np.full(9, 2.0), np.r_[np.zeros(4), np.full(5, -1.0)]])
    hals.sweep_non_negative(factor, np.diag([4.0, 0.0]), cross, 2)
    np.testing.assert_array_equal(factor[0], 0.5)
    np.testing.assert_array_equal(factor[1], [1, 1, 1, 1, 0, 0, 0, 0, 0])


@pytest.mark.parametrize("sweeps", [1, 3])
def test_ball_sweeps_equal_the_reference(half, sweeps):
    factor, gram, cross = half
    expected = factor.copy()
    moved = reference(expected, gram, cross, sweeps, radius=0.5)
    assert hals.sweep_ball(factor, gram, cross, 0.5, sweeps) == pytest.approx(moved, rel=1e-12)
    np.testing.assert_allclose(factor, expected, rtol=0, atol=1e-12)
    assert np.linalg.norm(factor, axis=1).max() <= 0.5 + 1e-12


def graph_sweep(factor, gram, cross, coupling, graph, sweeps=1):
    """What the solver does with the coloured kernel; the first sweep's step is returned."""
    return Hals(sweeps).update(factor, Half(gram, cross, graph=graph, coupling=coupling))


def test_graph_sweep_without_coupling_equals_the_free_one():
    rng = np.random.default_rng(0)
    graph = grid((40, 70))  # more than one band
    basis, factor = rng.random((3, 9)), rng.random((3, graph.pixels))
    gram, cross = basis @ basis.T, rng.random(factor.shape)
    expected = factor.copy()
    moved = hals.sweep_non_negative(expected, gram, cross, 2)
    assert graph_sweep(factor, gram, cross, 0.0, graph, 2) == pytest.approx(moved, rel=1e-12)
    np.testing.assert_allclose(factor, expected, rtol=0, atol=1e-12)


def test_graph_sweeps_end_at_the_minimum_of_the_coupled_problem():
    rng = np.random.default_rng(0)
    graph = grid((3, 5))
    basis = rng.random((2, 9))
    gram, cross = basis @ basis.T, 2 * rng.random((2, 15)) - 0.4
    factor = np.zeros((2, 15))
    graph_sweep(factor, gram, cross, 0.7, graph, 2000)
    laplacian = np.diag(graph.degree)
    for i in range(15):
        laplacian[i, graph.indices[graph.indptr[i] : graph.indptr[i + 1]]] -= 0.25
    gradient = gram @ factor - cross + 0.7 * factor @ laplacian
    assert np.abs(gradient[factor > 0]).max() < 1e-12  # stationary where free,
    assert gradient[factor == 0].min() >= -1e-12  # and pushing outwards where clipped
    assert (factor == 0).any()
    assert (factor > 0).any()


def test_bands_of_one_colour_may_be_swept_in_any_order():
    rng = np.random.default_rng(0)
    graph = grid((64, 100))
    assert graph.bands.size > 5
    basis, factor = rng.random((3, 9)), rng.random((3, graph.pixels))
    gram, cross = basis @ basis.T, rng.random(factor.shape)
    expected = factor.copy()
    graph_sweep(expected, gram, cross, 0.5, graph)
    # The same sweep, one component and one band at a time, the bands of each colour from the last to the first.
    for j in range(3):
        for colour in (0, 1):
            for band in reversed(range(colour, graph.bands.size - 1, 2)):
                for i in range(graph.bands[band], graph.bands[band + 1]):
                    around = sum(0.25 * factor[j, n] for n in graph.indices[graph.indptr[i] : graph.indptr[i + 1]])
                    pull = cross[j, i] - gram[j] @ factor[:, i] + gram[j, j] * factor[j, i] + 0.5 * around
                    factor[j, i] = max(0.0, pull / (gram[j, j] + 0.5 * graph.degree[i]))
    np.testing.assert_allclose(factor, expected, rtol=0, atol=1e-13)


def laplacian(graph):
    matrix = np.diag(graph.degree)
    owner = np.repeat(np.arange(graph.pixels), np.diff(graph.indptr))
    matrix[owner, graph.indices] -= graph.weights
    return matrix


def test_smooth_rows_in_a_ball_end_where_a_cone_programme_ends():
    cvxpy = pytest.importorskip("cvxpy")
    rng = np.random.default_rng(0)
    graph, basis = grid((12,)), rng.random((3, 9))
    gram, cross = basis @ basis.T, 3 * rng.random((3, 12)) - 0.5
    half = Half(gram, cross, radius=0.7, graph=graph, coupling=0.6)
    factor = 0.2 * rng.random((3, 12))
    objective = [half.value(factor)]
    for _ in range(500):
        Hals(1).update(factor, half)
        objective.append(half.value(factor))
        assert np.linalg.norm(factor, axis=1).max() <= 0.7 * (1 + 1e-14)
    assert np.diff(objective).max() <= 1e-14
    F = cvxpy.Variable((3, 12), nonneg=True)
    rough = np.linalg.cholesky(laplacian(graph) + 1e-12 * np.eye(12))
    wanted = cvxpy.sum_squares(np.linalg.cholesky(gram).T @ F) / 2 - cvxpy.sum(cvxpy.multiply(cross, F))
    inside = [cvxpy.norm(F[j]) <= 0.7 for j in range(3)]
    least = cvxpy.Problem(cvxpy.Minimize(wanted + 0.3 * cvxpy.sum_squares(F @ rough)), inside).solve()
    assert objective[-1] == pytest.approx(least, rel=1e-6)
    assert (np.linalg.norm(factor, axis=1) > 0.7 - 1e-9).any()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("coupling", [0.0, 0.4])
def test_sweeps_in_a_box_end_where_bounded_least_squares_ends(weighted, coupling):
    rng = np.random.default_rng(1)
    basis = rng.random((3, 9))
    gram, cross = basis @ basis.T, 3 * rng.random((3, 12)) - 0.5
    weights = rng.uniform(0.2, 2, 12) if weighted else np.ones(12)
    lower, upper = 0.1, np.linspace(0.2, 0.9, 12)
    half = Half(gram, cross, lower=lower, upper=upper, weights=weights if weighted else None)
    metric = np.kron(gram, np.diag(weights))
    if coupling:
        half = replace(half, graph=grid((12,)), coupling=coupling)
        metric += coupling * np.kron(np.eye(3), laplacian(half.graph))
    factor = np.full((3, 12), 0.15)
    Hals(1500).update(factor, half)
    root = np.linalg.cholesky(metric)
    exact = optimize.lsq_linear(root.T, np.linalg.solve(root, cross.ravel()), (lower, np.tile(upper, 3)), tol=1e-14)
    np.testing.assert_allclose(factor.ravel(), exact.x, atol=1e-9)
    assert (factor == lower).any()
    assert (factor == upper).any()


def test_a_row_without_curvature_obeys_only_its_penalty():
    gram = np.diag([0.0, 1.0])
    cross = np.array([[-0.1, 0.0], [2.0, 2.0]])
    factor = np.array([[5.0, 5.0], [0.0, 0.0]])
    hals.sweep_non_negative(factor, gram, cross, 1)
    np.testing.assert_array_equal(factor, [[0.0, 5.0], [2.0, 2.0]])
