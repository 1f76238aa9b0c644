"""Singular vectors and principal components against LAPACK and scikit-learn."""

from __future__ import annotations

import pickle
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import clone
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.utils.estimator_checks import parametrize_with_checks

from mffnb.estimators import decomposition
from mffnb.estimators.decomposition import Centred, LinearDecomposition
from mffnb.matrices import Chunked, Dense, Sparse

centring = pytest.mark.parametrize("centre", [False, True], ids=["svd", "pca"])
# The same small data by both ways: decomposed by LAPACK, or as if they were too large for it.
ways = pytest.mark.parametrize("small", [2**20, 0], ids=["exact", "randomized"])


def spectrum(rows=80, columns=30, values=None, offset=0.0, seed=0):
    """Rows and columns without structure, singular values as given."""
    rng = np.random.default_rng(seed)
    left, right = (np.linalg.qr(rng.standard_normal((n, min(rows, columns))))[0] for n in (rows, columns))
    values = 0.4 ** np.arange(min(rows, columns)) if values is None else values
    return left * values @ right.T + offset


def check_against_numpy(A, model, X, k, centre, atol=1e-10):
    mean = X.mean(axis=0) * centre
    left, values, right = np.linalg.svd(X - mean, full_matrices=False)
    np.testing.assert_allclose(model.mean_, mean, atol=atol)
    np.testing.assert_allclose(model.singular_values_, values[:k], atol=atol)
    np.testing.assert_allclose(model.components_.T @ model.components_, right[:k].T @ right[:k], atol=atol)
    np.testing.assert_allclose(model.inverse_transform(A), left[:, :k] * values[:k] @ right[:k] + mean, atol=atol)
    np.testing.assert_allclose(model.explained_variance_ratio_, values[:k] ** 2 / np.sum(values**2), atol=atol)
    np.testing.assert_allclose(model.components_ @ model.components_.T, np.eye(k), atol=1e-12)
    np.testing.assert_allclose(model.transform(X), A, atol=atol)


@ways
@centring
@pytest.mark.parametrize("shape", [(80, 30), (30, 80), (40, 40), (500, 3)])
def test_equals_numpy(shape, centre, small):
    X, k = spectrum(*shape, offset=0.3), 3
    for data in (X, np.asfortranarray(X), sparse.csr_array(X), sparse.csc_matrix(X)):
        with patch.object(decomposition, "_SMALL", small):
            model = LinearDecomposition(k, centre=centre)
            check_against_numpy(model.fit_transform(data), model, X, k, centre)


@centring
@given(rows=st.integers(2, 20), columns=st.integers(1, 20), seed=st.integers(0, 10**6))
def test_all_components_reproduce_the_data(centre, rows, columns, seed):
    X = np.random.default_rng(seed).standard_normal((rows, columns)) + 1
    model = LinearDecomposition(min(rows, columns), centre=centre)
    A = model.fit_transform(X)
    np.testing.assert_allclose(model.inverse_transform(A), X, atol=1e-12)
    assert model.explained_variance_ratio_.sum() == pytest.approx(1)
    assert (np.diff(model.singular_values_) <= 1e-12).all()


@ways
def test_equals_scikit_learn(X, small):
    with patch.object(decomposition, "_SMALL", small):
        # Three endmembers differ from their mean in two directions; a third one would be noise.
        ours, theirs = LinearDecomposition(2, centre=True), PCA(2, svd_solver="full")
        np.testing.assert_allclose(ours.fit_transform(X), theirs.fit_transform(X), atol=1e-8)
        np.testing.assert_allclose(ours.components_, theirs.components_, atol=1e-8)  # signs included
        np.testing.assert_allclose(ours.explained_variance_ratio_, theirs.explained_variance_ratio_, atol=1e-10)
        ours, theirs = LinearDecomposition(3), TruncatedSVD(3, algorithm="arpack", random_state=0)
        np.testing.assert_allclose(ours.fit_transform(sparse.csr_array(X)), theirs.fit_transform(X), atol=1e-8)
        np.testing.assert_allclose(ours.components_, theirs.components_, atol=1e-8)


@ways
@centring
def test_signs_are_unique(X, centre, small):
    with patch.object(decomposition, "_SMALL", small):
        model = LinearDecomposition(4, centre=centre).fit(X)
        assert (model.components_.max(axis=1) == np.abs(model.components_).max(axis=1)).all()
        turned = LinearDecomposition(4, centre=centre).fit(X[::-1])
        np.testing.assert_allclose(turned.components_, model.components_, atol=1e-8)


@ways
@centring
def test_rank_lower_than_asked(centre, small):
    X = np.outer(np.arange(1.0, 41), np.arange(1.0, 13))
    with patch.object(decomposition, "_SMALL", small):
        model = LinearDecomposition(4, centre=centre)
        A = model.fit_transform(X)
    assert A.shape == (40, 4)
    np.testing.assert_allclose(model.singular_values_[1:], 0, atol=1e-10)
    np.testing.assert_allclose(model.inverse_transform(A), X, atol=1e-10)
    np.testing.assert_allclose(model.components_ @ model.components_.T, np.eye(4), atol=1e-12)


@ways
def test_constant_data_have_no_variance(small):
    with patch.object(decomposition, "_SMALL", small):
        model = LinearDecomposition(2, centre=True)
        A = model.fit_transform(np.full((10, 5), 3.0))
    np.testing.assert_allclose(A, 0, atol=1e-12)
    assert np.isfinite(model.explained_variance_ratio_).all()
    np.testing.assert_allclose(model.inverse_transform(A), 3)


def test_large_data_need_few_looks_and_little_memory():
    """Beyond the limit X is seen through its products only: nothing of its size, or pixels x pixels, is made."""

    class Watched(Sparse):
        asked: list[int] = []  # noqa: RUF012

        def times(self, basis):
            self.asked.append(len(basis))
            return super().times(basis)

        def transposed_times(self, factor):
            self.asked.append(len(factor))
            return super().transposed_times(factor)

    X = sparse.random_array((3000, 400), density=0.02, rng=np.random.default_rng(0), format="csr")
    matrix = Watched(X)
    model = LinearDecomposition(3, centre=True)
    A = model.fit_transform(matrix)
    assert max(matrix.asked) <= 3 + 12
    assert len(matrix.asked) <= 1 + 2 * 7
    # Random data are the hardest: their singular values hardly fall. The subspace is then nearly as good as any other.
    best = PCA(3, svd_solver="full").fit(X.toarray())
    np.testing.assert_allclose(A.std(axis=0), best.singular_values_ / np.sqrt(3000), rtol=0.05)


@centring
def test_same_answer_wherever_the_data_live(X, centre):
    counts = np.round(20 * X)
    wanted = LinearDecomposition(3, centre=centre).fit_transform(counts)
    for data in (
        counts.astype(np.float32),
        counts.astype(np.uint8),
        sparse.csr_matrix(counts),
        Dense(counts),
        Chunked(counts, band_bytes=8 * 20 * 7),
        pd.DataFrame(counts),
    ):
        np.testing.assert_allclose(LinearDecomposition(3, centre=centre).fit_transform(data), wanted, atol=1e-9)


def test_centred_matrix_is_the_centred_array():
    rng = np.random.default_rng(0)
    X = rng.random((12, 7))
    centred, wanted = Centred(Sparse(sparse.csr_array(X)), X.mean(axis=0)), X - X.mean(axis=0)
    assert centred.own == slice(0, 12)
    basis, factor = rng.random((2, 7)), rng.random((3, 12))
    np.testing.assert_allclose(centred.times(basis), basis @ wanted.T, atol=1e-14)
    np.testing.assert_allclose(centred.transposed_times(factor), factor @ wanted, atol=1e-14)
    assert centred.squared_norm == pytest.approx(np.sum(wanted**2))


def test_seed_decides_and_input_is_left_alone():
    X = np.random.default_rng(0).random((300, 50))
    kept = X.copy()
    with patch.object(decomposition, "_SMALL", 0):
        first, again, other = (LinearDecomposition(2, random_state=s).fit_transform(X) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    np.testing.assert_array_equal(X, kept)


@pytest.mark.parametrize("k", [0, 6, 2.5, None])
def test_impossible_number_of_components_is_explained(k):
    with pytest.raises(ValueError, match="from 1 to the lesser of n_samples = 8 and n_features = 5"):
        LinearDecomposition(k).fit(np.ones((8, 5)))


@parametrize_with_checks([LinearDecomposition(), LinearDecomposition(centre=True)])
def test_contract(estimator, check):
    check(estimator)


def test_clone_file_and_names(X):
    model = LinearDecomposition(3, centre=True).set_output(transform="pandas")
    A = model.fit_transform(pd.DataFrame(X))
    assert list(A.columns) == [f"lineardecomposition{j}" for j in range(3)]
    assert not hasattr(clone(model), "components_")
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).transform(X), model.transform(X))
