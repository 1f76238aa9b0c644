"""One component per pixel: exactly, and at least as good as k-means."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cluster import KMeans

import mffnb as mf
from mffnb import MatrixFactorization, Orthogonal, Simplex, Sparsity, presets
from mffnb.constraints import UnitBall
from mffnb.errors import UnsupportedCombinationError
from mffnb.protocols.half import Half
from mffnb.solvers import Hals


def grains(seed, noise, k=4):
    """Grains of one phase each, at different brightness."""
    rng = np.random.default_rng(seed)
    group, spectra = rng.integers(k, size=300), rng.random((k, 25)) ** 3
    clean = rng.uniform(0.3, 2, (300, 1)) * spectra[group]
    return np.maximum(clean + noise * rng.standard_normal(clean.shape), 0)


PROBLEMS = {
    "grains": grains(0, 0.05),
    "noisy grains": grains(1, 0.4),
    "mass spectra": np.asarray(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube).reshape(384, -1).astype(float),
}


def refitted_groups(X, k):
    """k-means, and the best multiple of the best spectrum for the pixels of each group."""
    labels = KMeans(k, n_init=10, random_state=0).fit(X).labels_
    explained = sum(np.linalg.svd(X[labels == j], compute_uv=False)[0] ** 2 for j in range(k))
    return np.sum(X**2) - explained


@pytest.mark.parametrize("X", PROBLEMS.values(), ids=PROBLEMS)
def test_maps_do_not_overlap_and_explain_more_than_k_means(X):
    model = presets.orthogonal_nmf(4, random_state=0)
    A = model.fit_transform(X)
    gram = A.T @ A
    assert np.abs(gram - np.diag(np.diag(gram))).max() <= 1e-10
    assert (np.diff([state.objective for state in model.trace_]) <= 1e-12).all()
    assert np.sum((X - A @ model.components_) ** 2) <= refitted_groups(X, 4) * (1 + 1e-9)
    np.testing.assert_allclose(model.transform(X), A, atol=1e-3 * A.max())


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fractions", [False, True])
def test_half_steps_are_exact(weighted, fractions):
    rng = np.random.default_rng(0)
    basis, X = rng.random((3, 6)), rng.standard_normal((9, 6))
    weights = rng.uniform(0.3, 2, 9) if weighted else np.ones(9)
    half = Half(
        basis @ basis.T, weights * (basis @ X.T), weights=weights if weighted else None,
        single=True, sum_to_one=fractions,
    )  # fmt: skip
    factor = rng.random((3, 9))
    Hals().update(factor, half)
    assert ((factor > 0).sum(axis=0) <= 1).all()
    for i in range(9):
        heights = [1.0] if fractions else np.linspace(0, 3, 3001)
        tried = [np.sum((X[i] - h * basis[j]) ** 2) for j in range(3) for h in heights]
        assert np.sum((X[i] - factor[:, i] @ basis) ** 2) == pytest.approx(min(tried), abs=1e-5)


def test_with_fractions_it_is_k_means():
    X = PROBLEMS["noisy grains"]
    terms, oracle = (Orthogonal(), Simplex()), KMeans(4, n_init=10, random_state=0).fit(X)
    start = np.eye(4)[oracle.labels_], oracle.cluster_centers_
    model = MatrixFactorization(4, abundance_terms=terms, init=start, tol=1e-9)
    A = model.fit_transform(X)
    np.testing.assert_array_equal(A.sum(axis=1), 1)
    assert np.sum((X - A @ model.components_) ** 2) <= oracle.inertia_ * (1 + 1e-9)


def test_a_penalty_goes_with_it_and_a_ball_does_not():
    X = PROBLEMS["grains"]
    A = MatrixFactorization(4, abundance_terms=(Orthogonal(), Sparsity(0.1)), random_state=0).fit_transform(X)
    assert ((A > 0).sum(axis=1) <= 1).all()
    with pytest.raises(UnsupportedCombinationError, match="goes with no other set: drop Orthogonal"):
        MatrixFactorization(4, abundance_terms=(Orthogonal(), UnitBall())).fit(X)


def test_more_groups_than_channels_still_has_an_answer():
    A = presets.orthogonal_nmf(3, random_state=0).fit_transform(np.random.default_rng(0).random((10, 2)))
    assert ((A > 0).sum(axis=1) <= 1).all()
