"""NumPy steps give the results of the kernels that they replace."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import nnls

from mffnb.graphs import grid
from mffnb.kernels import compressed_rows, divergence, hals, laplacian, missing_entries, simplex
from mffnb.kernels.extrapolation import extrapolate
from mffnb.kernels.tiers import numpy_counts, numpy_pivoting, numpy_simplex, numpy_steps
from mffnb.kernels.tiers.supports import supports
from mffnb.matrices import block_products
from mffnb.matrices.block_products import CompressedRows, read_only_view

RANDOM = np.random.default_rng(5)
COMPONENTS, ENTRIES, CHANNELS = 4, 37, 23


def quadratic(singular=False):
    """A factor, a Gram matrix and a cross product of a least-squares problem, some of whose minima lie on bounds."""
    basis = RANDOM.random((COMPONENTS, CHANNELS))
    if singular:
        basis[2] = 0.0
    cross = basis @ RANDOM.standard_normal((CHANNELS, ENTRIES)) + 1
    if singular:
        cross[2] = RANDOM.standard_normal(ENTRIES)  # a penalty where the data decide nothing
    return RANDOM.random((COMPONENTS, ENTRIES)), basis @ basis.T, cross


def both(kernel, numpy_step, factor, *rest):
    """Factor and result of the kernel and of the NumPy step from the same start."""
    one, other = factor.copy(), factor.copy()
    first, second = kernel(one, *rest), numpy_step(other, *rest)
    return (one, first), (other, second)


def agree(pair, tolerance=1e-12):
    (one, first), (other, second) = pair
    np.testing.assert_allclose(other, one, rtol=tolerance, atol=tolerance)
    if first is not None:
        np.testing.assert_allclose(second, first, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("singular", [False, True])
def test_sweeps_of_independent_rows(singular):
    factor, gram, cross = quadratic(singular)
    agree(both(hals.sweep_non_negative, numpy_steps.sweep_non_negative, factor, gram, cross, 3))
    agree(both(hals.sweep_ball, numpy_steps.sweep_ball, factor, gram, cross, 1.5, 3))
    bounds = np.full(ENTRIES, 0.1), np.full(ENTRIES, 0.4)
    agree(both(hals.sweep_box, numpy_steps.sweep_box, factor, gram, cross, *bounds, 3))


def test_an_extrapolated_iterate():
    before, reached = RANDOM.random((2, COMPONENTS, ENTRIES))
    one, other = before.copy(), before.copy()
    extrapolate(reached, one, 3, 30, 0.7)
    numpy_steps.extrapolate(reached, other, 3, 30, 0.7)
    np.testing.assert_allclose(other, one, rtol=1e-15)


@pytest.mark.parametrize("equal", [False, True])
@pytest.mark.parametrize("counted", [False, True])
def test_minimisers_on_the_simplex(equal, counted):
    factor, gram, cross = quadratic()
    if equal:  # two equal endmembers: only the reconstruction is determined
        gram[1], cross[1] = gram[0], cross[0]
        gram[:, 1] = gram[:, 0]
    factor /= factor.sum(axis=0)
    counts = RANDOM.uniform(0.5, 2.0, ENTRIES) if counted else np.ones(1)
    (one, first), (other, second) = both(
        simplex.sweep_simplex, numpy_simplex.sweep_simplex, factor, gram, cross, counts
    )

    def value(a):
        return counts * np.einsum("ji,ji->i", a, gram @ a) / 2 - np.einsum("ji,ji->i", cross, a)

    np.testing.assert_allclose(other.sum(axis=0), 1.0, rtol=1e-14)
    assert other.min() >= 0
    np.testing.assert_allclose(value(other), value(one), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(second, first, rtol=1e-6)
    if not equal:
        np.testing.assert_allclose(other, one, atol=1e-10)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32, np.float64])
def test_products_with_blocks(kind):
    X = RANDOM.integers(0, 3, (ENTRIES, CHANNELS)).astype(kind)
    basis, factor = RANDOM.random((COMPONENTS, CHANNELS)), RANDOM.random((COMPONENTS, ENTRIES))
    whole = sparse.csr_array(X)
    indptr = whole.indptr[5:21]  # a block from the middle, whose offsets do not begin at zero
    rows = CompressedRows(*(read_only_view(part) for part in (indptr, whole.indices, whole.data)), CHANNELS)
    part = X[5:20]
    assert indptr[0] > 0
    for block in (part, np.asfortranarray(part)):
        np.testing.assert_allclose(numpy_steps.times(block, basis), block_products.times(block, basis), rtol=1e-13)
    np.testing.assert_allclose(numpy_steps.sparse_times(rows, basis), block_products.times(rows, basis), rtol=1e-13)
    for numpy_step, block in ((numpy_steps.add_times, part), (numpy_steps.add_sparse_times, rows)):
        one, other = np.ones((2, COMPONENTS, CHANNELS))
        block_products.add_times(block, factor[:, 5:20], one)
        numpy_step(block, factor[:, 5:20], other)
        np.testing.assert_allclose(other, one, rtol=1e-13)


@pytest.mark.parametrize(
    ("kind", "largest", "step"),
    [(np.uint8, 3, 0), (np.uint8, 255, 0), (np.uint16, 255, 0), (np.uint16, 300, 0)]
    + [(kind, most, step) for kind in (np.float32, np.float64) for most in (3, 300, 70000) for step in (0.0, 0.5, -4)],
)
def test_compression_of_rows(kind, largest, step):
    X = (RANDOM.random((200, 300)) < 0.1).astype(kind)
    X[150, 7] = largest
    X[20, 30] += step
    found = []
    for module in (compressed_rows, numpy_steps):
        filled = np.zeros(len(X), np.int64)
        signs = np.array(module.count_nonzeros(X, filled))
        indptr = np.concatenate([[0], np.cumsum(filled)])
        indices, data = np.empty(indptr[-1] + 1, np.uint16), np.empty(indptr[-1] + 1, kind)
        module.compress_rows(X, indptr, indices, data)
        begins = np.concatenate([[0], np.cumsum(np.bincount(indices[:-1], minlength=X.shape[1]))])
        rows, values = np.empty(indptr[-1], np.uint16), np.empty(indptr[-1], kind)
        module.transpose_rows(indptr, indices[:-1], data[:-1], begins, rows, values)
        found.append((signs != 0, filled, indices[:-1], data[:-1], rows, values))
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(other, one)


def test_graph_laplacian():
    graph, factor = grid((5, 7)), RANDOM.random((COMPONENTS, 35))
    edges = graph.indptr, graph.indices, graph.weights
    np.testing.assert_allclose(numpy_steps.laplacian_times(factor, *edges), laplacian.times(factor, *edges), atol=1e-13)
    np.testing.assert_allclose(numpy_steps.roughness(factor, *edges), laplacian.roughness(factor, *edges), rtol=1e-13)


def test_missing_entries():
    band, weights, model = RANDOM.random((3, 6, 8))
    band[2, 3] = np.nan
    one, other = model.copy(), model.copy()
    missing_entries.impute(band, weights, one)
    numpy_steps.impute(band, weights, other)
    np.testing.assert_allclose(other, one, rtol=1e-14)
    kernel = missing_entries.squared_residual(band, weights, model)
    np.testing.assert_allclose(numpy_steps.squared_residual(band, weights, model), kernel, rtol=1e-14)


@pytest.mark.parametrize("dense", [True, False])
@pytest.mark.parametrize("lost", [True, False])
def test_logarithms_and_ratios_of_counts(dense, lost):
    X = RANDOM.poisson(1.0, (ENTRIES, CHANNELS)).astype(float)
    X[3] = 0.0
    band = X if dense else sparse.csr_array(X)
    factor, right = RANDOM.random((COMPONENTS, ENTRIES + 2)), RANDOM.random((CHANNELS, COMPONENTS))
    factor[:, 5] = 0.0  # the model of the empty pixel is zero
    if lost:
        factor[:, 6] = 0.0
    rows = divergence.as_compressed_rows(band)
    kernel = divergence.log_likelihood(*rows, factor, 2, right)
    assert np.isneginf(kernel) == lost
    np.testing.assert_allclose(numpy_counts.log_likelihood(band, factor, 2, right), kernel, rtol=1e-13)
    left = np.ascontiguousarray(factor[:, 2:].T)
    model = divergence.model_at_nonzeros(*rows[:2], left, right)
    ratio = np.divide(rows[2], model, out=np.zeros_like(model), where=model > 0)
    of_rows, of_columns = np.zeros((ENTRIES, COMPONENTS)), np.zeros((CHANNELS, COMPONENTS))
    divergence.add_to_rows(*rows[:2], ratio, right, of_rows)
    divergence.add_to_columns(*rows[:2], ratio, left, of_columns)
    np.testing.assert_allclose(numpy_counts.ratio_times_columns(band, left, right), of_rows, rtol=1e-12)
    np.testing.assert_allclose(numpy_counts.ratio_times_rows(band, left, right), of_columns, rtol=1e-12)
    np.testing.assert_allclose(numpy_counts.x_log_x(X.ravel()), divergence.x_log_x(X.ravel()), rtol=1e-13)


@pytest.mark.parametrize("curved", [0.0, 0.3])
def test_minimisers_of_the_majorizer_of_counts(curved):
    linear = RANDOM.uniform(-0.5, 1.0, (COMPONENTS, ENTRIES)) if curved else RANDOM.random((COMPONENTS, ENTRIES))
    pull = RANDOM.random((COMPONENTS, ENTRIES))
    pull[1, ::3] = 0.0
    linear[2, 5] = pull[2, 5] = 0.0
    quadratic, added = np.full((COMPONENTS, ENTRIES), curved), np.array([0.0, 1.0, 2.0, 0.5])
    factor = RANDOM.random((COMPONENTS, ENTRIES))

    def with_factor_first(function):
        def call(factor, *rest):
            return function(*rest, factor)

        return call

    for name in ("minimise_entries", "minimise_on_simplex"):
        parts = [with_factor_first(getattr(module, name)) for module in (divergence, numpy_counts)]
        agree(both(*parts, factor, linear, pull, quadratic), 1e-11)
    squares = [m.minimiser_row_squares(linear, pull, quadratic, added, factor) for m in (divergence, numpy_counts)]
    np.testing.assert_allclose(squares[1], squares[0], rtol=1e-12)


@pytest.mark.parametrize("k", [1, 3, 9, 70])
def test_block_pivoting_reaches_the_non_negative_minimiser(k):
    rng = np.random.default_rng(11)
    E = rng.random((k, 90))
    X = rng.dirichlet(np.full(k, 0.3), 40) @ E + 0.2 * rng.standard_normal((40, 90))
    X[3] = 0.0
    X[4] = -X[4]
    factor = np.zeros((k, 40))
    assert numpy_pivoting.minimise_non_negative(factor, E @ E.T, E @ X.T)
    for pixel, spectrum in enumerate(X):
        np.testing.assert_allclose(factor[:, pixel], nnls(E.T, spectrum)[0], atol=1e-8)


def test_block_pivoting_with_equal_and_empty_endmembers():
    rng = np.random.default_rng(12)
    E = rng.random((4, 30))
    E[1], E[2] = E[0], 0.0
    X = rng.random((50, 30))
    factor = np.ones((4, 50))
    assert numpy_pivoting.minimise_non_negative(factor, E @ E.T, E @ X.T)
    assert factor.min() >= 0
    residuals = np.linalg.norm(X - factor.T @ E, axis=1)
    np.testing.assert_allclose(residuals, [nnls(E.T, spectrum)[1] for spectrum in X], rtol=1e-9)


@pytest.mark.parametrize("k", [3, 64])
def test_supports_group_equal_columns(k):
    support = np.random.default_rng(0).random((k, 30)) < 0.5
    support[:, 20:] = support[:, :10]
    seen = []
    for rows, columns in supports(support):
        assert all((np.flatnonzero(support[:, column]) == rows).all() for column in columns)
        seen.extend(columns.tolist())
    assert sorted(seen) == list(range(30))
    assert list(supports(np.zeros((3, 0), bool))) == []
