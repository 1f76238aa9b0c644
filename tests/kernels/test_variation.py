"""Total variation against a general convex solver."""

from __future__ import annotations

import numpy as np
import pytest

from mffnb import TotalVariation
from mffnb.graphs import grid, similar


@pytest.fixture(scope="module")
def noisy():
    rng = np.random.default_rng(0)
    image = np.zeros((6, 7))
    image[2:4, 1:5] = 1.0
    return image + 0.3 * rng.standard_normal(image.shape)


@pytest.mark.parametrize("step", [0.05, 0.5, 5.0, 500.0])
@pytest.mark.parametrize("kind", ["grid", "masked", "similar"])
def test_proximal_point_is_the_minimum(noisy, kind, step):
    cvxpy = pytest.importorskip("cvxpy")
    x = noisy.ravel()
    graph = grid(noisy.shape)
    if kind == "masked":
        mask = np.arange(noisy.size).reshape(noisy.shape) % 5 != 0
        x, graph = noisy[mask], grid(noisy.shape, mask)
    if kind == "similar":
        graph = similar(x[:, None], 3)
    part = TotalVariation(1.0, graph)
    f = cvxpy.Variable(x.size, nonneg=True)
    owner = np.repeat(np.arange(graph.pixels), np.diff(graph.indptr))
    steps = cvxpy.multiply(graph.weights, cvxpy.abs(f[owner] - f[graph.indices]))
    wanted = cvxpy.sum_squares(f - x) / 2 + step * cvxpy.sum(steps) / 2  # each edge lies there twice
    least = cvxpy.Problem(cvxpy.Minimize(wanted)).solve(solver="CLARABEL")
    found = part.prox(x[None], step)
    assert found.min() >= 0
    value = np.sum((found[0] - x) ** 2) / 2 + step * part.value(found)
    assert value == pytest.approx(least, rel=1e-6)
    np.testing.assert_allclose(found[0], f.value, atol=2e-4)


def test_patches_come_out_flat_with_sharp_borders(noisy):
    found = TotalVariation(1.0, grid(noisy.shape)).prox(noisy.ravel()[None], 1.0).reshape(noisy.shape)
    assert len(np.unique(found.round(3))) <= 8  # of 42
    assert found[2:4, 1:5].min() > found[0].max() + 0.3


def test_it_says_what_it_lacks():
    with pytest.raises(ValueError, match=r"graph=mffnb\.graphs\.grid"):
        TotalVariation().value(np.ones((1, 4)))
    with pytest.raises(ValueError, match="has 6 pixels and the data have 4"):
        TotalVariation(1.0, grid((2, 3))).value(np.ones((1, 4)))
