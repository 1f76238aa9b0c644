"""Every preset is the estimator that its name promises."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA

import mffnb as mf
from mffnb import MatrixFactorization, MinimumVolume, Simplex, Smoothness, Sparsity, presets
from mffnb.estimators.simplex_vertices import SimplexCorners
from mffnb.geometry import VCA
from mffnb.graphs import grid
from mffnb.matrices import in_memory
from mffnb.selection import match

GRID = grid((6, 10))
E = np.random.default_rng(0).random((3, 20))
MADE = {
    "svd": presets.svd(3),
    "pca": presets.pca(3),
    "nmf": presets.nmf(3, random_state=0),
    "sparse_nmf": presets.sparse_nmf(3, 1e-3, random_state=0),
    "spatial_nmf": presets.spatial_nmf(3, 1e-3, 1e-2, GRID, random_state=0),
    "minimum_volume_nmf": presets.minimum_volume_nmf(3),
    "plsi": presets.plsi(3, random_state=0),
    "bounded_nmf": presets.bounded_nmf(3, 0.0, 10.0, random_state=0),
    "orthogonal_nmf": presets.orthogonal_nmf(3, random_state=0),
    "archetypal": presets.archetypal(3),
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
        assert set(MADE) == set(presets.__all__)
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


def test_a_weight_of_the_volume_makes_a_factorization(X):
    model = presets.minimum_volume_nmf(3, 1e-3, gain=True, max_iter=50, random_state=None)
    assert (model.max_iter, model.random_state) == (50, None)
    assert model.abundance_terms == (Simplex(gain=True),)
    assert model.endmember_terms == (MinimumVolume(1e-3),)
    with pytest.raises(ValueError, match="use 'auto', or a weight"):
        presets.minimum_volume_nmf(3, "little")
    with pytest.raises(TypeError, match="takes no max_iter"):
        presets.minimum_volume_nmf(3, max_iter=5)


@pytest.mark.parametrize("gain", [False, True])
def test_auto_as_an_estimator_is_auto_of_unmix(gain, X):
    model = presets.minimum_volume_nmf(3, gain=gain)
    A = model.fit_transform(X)
    result = mf.unmix(X.reshape(6, 10, 20), 3, volume="auto", gain=gain, sum_to_one=not gain, random_state=0)
    order = match(result.endmembers.values, model.components_)
    np.testing.assert_array_equal(model.components_[order], result.endmembers)
    np.testing.assert_array_equal(A.T[order].reshape(3, 6, 10), result.abundances)
    assert (model.gain_ is None) == (not gain)
    assert model.geometry_.model == result.parameters["model"]
    np.testing.assert_allclose(model.transform(2 * X if gain else X), A, atol=1e-6)


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


def test_a_finder_is_an_estimator_and_knows_no_gain(X):
    model = SimplexCorners(3, finder=VCA())
    A = model.fit_transform(X)
    np.testing.assert_allclose(A.T, VCA().start(in_memory(X), 3, 0)[0])
    with pytest.raises(ValueError, match="leave out gain"):
        SimplexCorners(3, finder=VCA(), gain=True).fit(X)
    with pytest.raises(ValueError, match="n_components must be a whole number"):
        SimplexCorners(1.5).fit(X)


def test_known_endmembers_takes_its_constraints(X):
    assert presets.known_endmembers(E, non_negative=False).fit_transform(X).min() < 0
    assert presets.known_endmembers(E).fit_transform(X).min() == 0
    assert presets.known_endmembers(E, bounds=(0, 0.2)).fit_transform(X).max() == pytest.approx(0.2)
    np.testing.assert_allclose(presets.known_endmembers(E, sum_to_one=True).fit_transform(X).sum(axis=1), 1)
