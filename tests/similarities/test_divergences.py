"""Kullback-Leibler and beta divergences: their formulas, and other implementations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special
from sklearn.decomposition import NMF
from sklearn.decomposition._nmf import _beta_divergence

from mffnb import MatrixFactorization
from mffnb.kernels import divergence
from mffnb.matrices import Dense, Sparse
from mffnb.similarities import BetaDivergence, Frobenius, KullbackLeibler, poisson_misfit
from mffnb.similarities.banded_misfit import BandedMisfit
from mffnb.similarities.divergences import BetaDistance
from mffnb.similarities.measures import Entrywise

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")
VARIANTS = [BetaDivergence(0.5), BetaDivergence(1.5)]


def loss(similarity, scale, x, y, w):
    """Weighted loss of each row, (rows,), for data x, model y and weights w."""
    beta = 1.0 if isinstance(similarity, KullbackLeibler) else similarity.beta
    if beta == 1:
        return (w * special.kl_div(x, y)).sum(axis=1)
    if beta == 0:
        return (w * (x / y - np.log(x / y) - 1)).sum(axis=1)
    parts = x**beta / (beta * (beta - 1)), y**beta / beta, x * y ** (beta - 1) / (beta - 1)
    return (w * (parts[0] + parts[1] - parts[2])).sum(axis=1)


@pytest.mark.parametrize(("beta", "known"), [(2.0, Frobenius()), (1.0, KullbackLeibler())], ids=["frobenius", "kl"])
def test_beta_divergences_meet_those_that_are_known(beta, known, data, start):
    A, E = start[0].T, start[1]
    theirs = known.misfit(Dense(data))
    scale = theirs.scale
    half = theirs.abundance_half(A, E)
    ours = BandedMisfit(Dense(data), None, scale, Entrywise(BetaDistance(beta)))
    assert ours.distance(A, E) == pytest.approx(theirs.at_abundances(half, A, E), rel=1e-12)
    slope = ours.abundance_half(A, E).loss.value_and_gradient(A)[1]
    gradient = half.gram @ A - half.cross if half.log is None else half.log.gradient(A) - half.cross
    np.testing.assert_allclose(slope, gradient, rtol=1e-10, atol=1e-12)
    fits = [MatrixFactorization(3, similarity=s, init=start, max_iter=5) for s in (BetaDivergence(beta), known)]
    np.testing.assert_array_equal(*(model.fit(data).components_ for model in fits))
    near = BandedMisfit(Dense(data), None, scale, Entrywise(BetaDistance(beta + 1e-5)))
    assert near.distance(A, E) == pytest.approx(ours.distance(A, E), rel=1e-3)


@pytest.mark.parametrize("beta", [0, 0.5, *(pytest.param(beta, marks=pytest.mark.slow) for beta in (1.5, 3))])
def test_not_worse_than_scikit_learn_at_convergence(data, start, beta):
    A, E = start
    peer = NMF(3, init="custom", solver="mu", beta_loss=beta, max_iter=4000, tol=1e-10)
    theirs = _beta_divergence(data, peer.fit_transform(data, W=A.copy(), H=E.copy()), peer.components_, beta)
    model = MatrixFactorization(3, similarity=BetaDivergence(beta), init=start, max_iter=1500, tol=1e-7)
    ours = _beta_divergence(data, model.fit_transform(data), model.components_, beta)
    assert ours <= theirs * (1 + 1e-6)


@pytest.mark.parametrize("beta", [np.nan, 9])
def test_impossible_parameters_are_refused(beta):
    with pytest.raises(ValueError, match="must be a"):
        BetaDivergence(beta)


def test_bands_of_sparse_counts_share_the_memory_of_the_whole_matrix(monkeypatch):
    monkeypatch.setattr(poisson_misfit, "_COUNTS_OF_BAND", 40)
    X = np.random.default_rng(0).poisson(0.1, (60, 30)).astype(np.float32)
    counts = poisson_misfit.SparseCounts(Sparse.compress_if_small(Dense(X)).as_scipy())
    for matrix, expected in ((counts, X), (counts.transposed, X.T)):
        bands = list(matrix.bands())
        assert len(bands) > 3
        for start, stop, band in bands:
            np.testing.assert_array_equal(band.toarray(), expected[start:stop])
            indptr, indices, data = divergence.as_compressed_rows(band)
            assert indptr[-1] == (expected[start:stop] > 0).sum()
            assert np.shares_memory(indices, matrix._rows.indices)
            assert np.shares_memory(data, matrix._rows.data)
