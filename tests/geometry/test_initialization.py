from __future__ import annotations

import numpy as np
import pytest

from mffnb.geometry.starts import NNDSVD, RandomStart
from mffnb.matrices import Dense
from mffnb.matrices.svd import randomized_svd, sketched_svd


def test_randomized_svd_equals_numpy_on_a_low_rank_matrix():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, 4)) @ rng.standard_normal((4, 30)) + 1e-9 * rng.standard_normal((50, 30))
    left, values, right = randomized_svd(Dense(X), 4, seed=0)
    expected = np.linalg.svd(X, full_matrices=False)
    np.testing.assert_allclose(values, expected.S[:4], rtol=1e-9)
    np.testing.assert_allclose(
        (left.T * values) @ right, (expected.U[:, :4] * expected.S[:4]) @ expected.Vh[:4], atol=1e-7
    )
    np.testing.assert_allclose(left @ left.T, np.eye(4), atol=1e-12)
    np.testing.assert_allclose(right @ right.T, np.eye(4), atol=1e-12)


def test_random_start_of_a_pixel_does_not_depend_on_the_others(X):
    whole, _ = RandomStart().start(Dense(X), 3, seed=4)
    part, _ = RandomStart().start(Dense(X[:25]), 3, seed=4)
    ratio = whole[:, :25] / part
    np.testing.assert_allclose(ratio, ratio[0, 0])  # up to the common factor, which is fitted


def test_random_start_is_scaled_to_the_data(X):
    A, E = RandomStart().start(Dense(X), 3, seed=0)
    model = A.T @ E
    assert np.vdot(model, X) / np.vdot(model, model) == pytest.approx(1)


@pytest.mark.parametrize("k", [1, 3, 20, 25])
def test_nndsvd_is_positive_and_close(X, k):
    A, E = NNDSVD().start(Dense(X), k, seed=0)
    assert A.shape == (k, len(X))
    assert E.shape == (k, X.shape[1])
    assert min(A.min(), E.min()) > 0
    assert np.linalg.norm(X - A.T @ E) < np.linalg.norm(X)


def test_first_component_of_nndsvd_is_the_leading_pair(X):
    """But for what a sketch of X cannot tell."""
    A, E = NNDSVD().start(Dense(X), 1, seed=0)
    u, s, v = np.linalg.svd(X, full_matrices=False)
    leading = s[0] * np.outer(u[:, 0], v[0])
    assert np.linalg.norm(A.T @ E - leading) < 0.01 * s[0]


@pytest.mark.parametrize("rank", [1, 4, 12])
def test_a_sketch_describes_nearly_what_the_singular_triplets_do(X, rank):
    left, values, right = sketched_svd(Dense(X), rank, seed=0)
    np.testing.assert_allclose(left @ left.T, np.eye(rank), atol=1e-10)
    np.testing.assert_allclose(right @ right.T, np.eye(rank), atol=1e-12)
    exact = np.linalg.svd(X, compute_uv=False)
    missed = np.linalg.norm(X - (left.T * values) @ right) ** 2
    assert np.sum(exact[rank:] ** 2) <= missed * (1 + 1e-12)
    assert missed < 1.2 * np.sum(exact[rank:] ** 2) + 1e-20


def test_a_sketch_of_exactly_low_rank_is_exact():
    rng = np.random.default_rng(0)
    X = rng.random((200, 3)) @ rng.random((3, 40))
    left, values, right = sketched_svd(Dense(X), 5, seed=0)
    assert len(values) == 3
    np.testing.assert_allclose((left.T * values) @ right, X, atol=1e-10)
