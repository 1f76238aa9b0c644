"""Every preset is the estimator that its name promises."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA

from mffnb import MatrixFactorization, Smoothness, Sparsity, presets
from mffnb.graphs import grid

GRID = grid((6, 10))
E = np.random.default_rng(0).random((3, 20))
MADE = {
    "svd": presets.svd(3),
    "pca": presets.pca(3),
    "nmf": presets.nmf(3, random_state=0),
    "sparse_nmf": presets.sparse_nmf(3, 1e-3, random_state=0),
    "spatial_nmf": presets.spatial_nmf(3, 1e-3, 1e-2, GRID, random_state=0),
    "known_endmembers": presets.known_endmembers(E),
}


@pytest.mark.parametrize("model", MADE.values(), ids=MADE)
def test_one_interface(model, X):
    A = model.fit_transform(X)
    assert A.shape == (60, 3)
    assert model.components_.shape == (3, 20)
    assert model.inverse_transform(A).shape == X.shape
    np.testing.assert_allclose(model.transform(X), A, atol=0.05)
    np.testing.assert_array_equal(clone(model).fit_transform(X), A)


def test_all_are_tested_and_documented():
    for name in MADE:
        assert name in presets.__all__
        text = inspect.getdoc(getattr(presets, name))
        assert ">>>" in text
        assert "Parameters" in text


def test_svd_and_pca_differ_by_the_mean(X):
    svd, pca = presets.svd(3).fit(X), presets.pca(3).fit(X)
    np.testing.assert_array_equal(svd.mean_, 0)
    np.testing.assert_allclose(pca.components_, PCA(3).fit(X).components_, atol=1e-8)
    best = np.linalg.svd(X)
    truncated = best.U[:, :3] * best.S[:3] @ best.Vh[:3]
    np.testing.assert_allclose(svd.inverse_transform(svd.transform(X)), truncated, atol=1e-10)


def test_terms_and_options_reach_the_model():
    assert MADE["nmf"].abundance_terms == ()
    assert MADE["sparse_nmf"].abundance_terms == (Sparsity(1e-3),)
    assert MADE["spatial_nmf"].abundance_terms == (Sparsity(1e-3), Smoothness(1e-2, GRID))
    model = presets.sparse_nmf(2, max_iter=7, tol=1e-3)
    assert isinstance(model, MatrixFactorization)
    assert (model.n_components, model.max_iter, model.tol) == (2, 7, 1e-3)
    with pytest.raises(TypeError, match="max_iterations"):
        presets.nmf(2, max_iterations=7)


def test_spatial_needs_neighbours():
    with pytest.raises(ValueError, match=r"graph=mffnb\.graphs\.grid"):
        presets.spatial_nmf(3)


def test_more_sparsity_more_zeros_and_more_smoothness_calmer_maps(X):
    zeros = [np.mean(presets.sparse_nmf(3, w, random_state=0).fit_transform(X) == 0) for w in (0.0, 0.1)]
    assert zeros[1] > zeros[0]
    rough = [
        GRID.roughness(presets.spatial_nmf(3, 0.0, w, GRID, random_state=0).fit_transform(X).T) for w in (0.0, 1.0)
    ]
    assert rough[1] < rough[0]


def test_known_endmembers_takes_its_constraints(X):
    assert presets.known_endmembers(E, non_negative=False).fit_transform(X).min() < 0
    assert presets.known_endmembers(E).fit_transform(X).min() == 0
    assert presets.known_endmembers(E, bounds=(0, 0.2)).fit_transform(X).max() == pytest.approx(0.2)
    np.testing.assert_allclose(presets.known_endmembers(E, sum_to_one=True).fit_transform(X).sum(axis=1), 1)
