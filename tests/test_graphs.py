from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse

from mffnb.graphs import grid


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
