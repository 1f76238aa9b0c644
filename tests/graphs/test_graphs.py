from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse

from mffnb.graphs import alike, combined, grid, similar
from mffnb.protocols.half import Half
from mffnb.solvers import Hals


def adjacency(graph):
    return scipy.sparse.csr_array((graph.weights, graph.indices, graph.indptr), shape=(graph.pixels,) * 2).toarray()


@pytest.mark.parametrize("shape", [(7,), (4, 5), (1, 6), (3, 2, 4), (2, 3, 2, 2), (1,)])
def test_grid_neighbours_are_one_step_apart(shape):
    W = adjacency(grid(shape))
    where = np.array(list(np.ndindex(shape)))
    apart = np.abs(where[:, None] - where[None]).sum(axis=2)
    np.testing.assert_array_equal(W, np.where(apart == 1, 1 / (2 * max(1, sum(n > 1 for n in shape))), 0.0))
    np.testing.assert_allclose(grid(shape).degree, W.sum(axis=1))


def test_roughness_is_the_laplacian_form():
    graph, F = grid((4, 5)), np.random.default_rng(0).standard_normal((3, 20))
    L = np.diag(graph.degree) - adjacency(graph)
    assert graph.roughness(F) == pytest.approx(np.trace(F @ L @ F.T), rel=1e-12)


def test_mirrored_tile_has_the_same_roughness_per_pixel():
    image = np.random.default_rng(0).random((4, 7))
    tile = np.block([[image, image[:, ::-1]], [image[::-1], image[::-1, ::-1]]])
    one, four = grid(image.shape).roughness(image.ravel()), grid(tile.shape).roughness(tile.ravel())
    assert four == pytest.approx(4 * one, rel=1e-12)


@pytest.mark.parametrize("shape", [(128, 128), (5, 4000), (300, 7), (9, 30, 40)])
def test_bands_are_whole_rows_and_touch_only_their_neighbours(shape):
    graph = grid(shape)
    row = graph.pixels // shape[0]
    assert (graph.bands % row == 0).all()
    band = np.repeat(np.arange(graph.bands.size - 1), np.diff(graph.bands))
    owner = np.repeat(np.arange(graph.pixels), np.diff(graph.indptr))
    assert np.abs(band[owner] - band[graph.indices]).max() <= 1


def test_empty_grid_is_refused():
    with pytest.raises(ValueError, match="positive lengths"):
        grid((3, 0))


@pytest.fixture(scope="module")
def spectra():
    rng = np.random.default_rng(0)
    return rng.random((3, 7))[np.arange(40) % 3] + 0.05 * rng.random((40, 7))


@pytest.mark.parametrize("rank", [7, 3])
def test_similar_joins_the_nearest_spectra_from_both_sides(spectra, rank):
    W = adjacency(similar(spectra, 4, rank=rank))
    assert W.sum(axis=1).mean() == pytest.approx(1.0)
    np.testing.assert_array_equal(W, W.T)
    group = np.arange(40) % 3
    assert not W[group[:, None] != group].any()
    if rank == 7:
        apart = np.linalg.norm(spectra[:, None] - spectra[None], axis=2) + np.diag(np.full(40, np.inf))
        near = apart <= np.sort(apart, axis=1)[:, 3:4]
        np.testing.assert_array_equal(W > 0, near | near.T)


def test_similar_takes_counts_cubes_and_sparse_matrices(spectra):
    counts = np.round(100 * spectra).astype("u2")
    W = adjacency(similar(counts, 3))
    np.testing.assert_array_equal(adjacency(similar(counts.reshape(5, 8, 7), 3)), W)
    np.testing.assert_array_equal(adjacency(similar(scipy.sparse.csr_array(counts), 3)), W)
    with pytest.raises(ValueError, match="from 1 to 39"):
        similar(counts, 40)
    with pytest.raises(ValueError, match="missing values"):
        similar(np.where(spectra > 0.9, np.nan, spectra))


def test_combined_adds_and_alike_keeps_what_is_alike(spectra):
    near, side = similar(spectra, 4), grid((5, 8))
    both = combined(side, near, 0.25)
    np.testing.assert_allclose(adjacency(both), 0.75 * adjacency(side) + 0.25 * adjacency(near), atol=1e-15)
    W = adjacency(alike(side, spectra))
    apart = ((spectra[:, None] - spectra[None]) ** 2).sum(axis=2)
    expected = adjacency(side) * np.exp(-apart / (2 * np.median(apart[adjacency(side) > 0])))
    np.testing.assert_allclose(W, expected * adjacency(side).sum() / expected.sum(), rtol=1e-9)
    np.testing.assert_allclose(alike(side, spectra).degree, W.sum(axis=1))
    with pytest.raises(ValueError, match="cannot be combined"):
        combined(grid((3,)), near)
    with pytest.raises(ValueError, match="does not fit 40 spectra"):
        alike(grid((3,)), spectra)


def test_hals_on_any_graph_never_rises_and_ends_at_the_minimum(spectra):
    graph, rng = combined(grid((5, 8)), similar(spectra, 4)), np.random.default_rng(1)
    basis = rng.random((2, 9))
    half = Half(basis @ basis.T, 2 * rng.random((2, 40)) - 0.4, graph=graph, coupling=0.7)
    factor = rng.random((2, 40))
    objective = [half.value(factor)]
    for _ in range(300):
        Hals(1).update(factor, half)
        objective.append(half.value(factor))
    assert np.diff(objective).max() <= 1e-12
    gradient = half.gram @ factor - half.cross + 0.7 * factor @ (np.diag(graph.degree) - adjacency(graph))
    assert np.abs(gradient[factor > 0]).max() < 1e-10
    assert gradient[factor == 0].min() >= -1e-10
