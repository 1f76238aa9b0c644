"""Counts: the Kullback-Leibler divergence, its two solvers, and what can be added to it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, sparse, special
from sklearn.decomposition import NMF

from mffnb import MatrixFactorization, Simplex, Sparsity
from mffnb.constraints import Pinned
from mffnb.matrices import Chunked, Dense, Partial
from mffnb.protocols.half import Half
from mffnb.similarities import KullbackLeibler
from mffnb.solvers import Multiplicative, Newton

MAP = (6, 10)
pytestmark = [
    pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::mffnb.errors.DegenerateWarning"),
]


@pytest.fixture(scope="module")
def counts():
    rng = np.random.default_rng(3)
    A, E = rng.dirichlet(np.full(3, 0.5), 60), rng.dirichlet(np.full(25, 0.3), 3)
    return rng.poisson(40 * A @ E).astype(float)


@pytest.fixture(scope="module")
def start(counts):
    rng = np.random.default_rng(4)
    return rng.random((60, 3)) + 0.1, rng.random((3, 25)) + 0.1


def divergence(X, A, E):
    return float(special.kl_div(X, A @ E).sum())


@pytest.mark.parametrize("solver", ["newton", "multiplicative"])
def test_not_worse_than_scikit_learn_at_convergence(counts, start, solver):
    A, E = start
    peer = NMF(3, init="custom", solver="mu", beta_loss="kullback-leibler", max_iter=20000, tol=1e-10)
    theirs = divergence(counts, peer.fit_transform(counts, W=A.copy(), H=E.copy()), peer.components_)
    model = MatrixFactorization(3, similarity="kl", solver=solver, init=start, max_iter=20000, tol=1e-8)
    ours = divergence(counts, model.fit_transform(counts), model.components_)
    assert ours <= theirs * (1 + 1e-6)


def test_multiplicative_is_the_update_of_lee_and_seung(counts, start):
    A, E = start
    model = MatrixFactorization(3, similarity="kl", solver="multiplicative", init=start, max_iter=5, tol=0)
    product = model.fit_transform(counts) @ model.components_

    def ratio():
        return np.divide(counts, A @ E, out=np.zeros_like(counts), where=counts > 0)

    for _ in range(5):
        A = A * (ratio() @ E.T) / E.sum(axis=1)
        E = E * (A.T @ ratio()) / A.sum(axis=0)[:, None]
    np.testing.assert_allclose(product, A @ E, rtol=1e-10)


def test_a_half_step_reaches_the_minimum_that_scipy_finds(counts, start):
    E = start[1]
    half = KullbackLeibler().misfit(Dense(counts)).abundance_half(np.ones((3, 60)), E)
    A = np.ones((3, 60))
    for _ in range(400):
        Newton().update(A, half)
    for pixel in (0, 7, 33):
        x = half.log.weight * counts[pixel]

        def of_pixel(a, x=x):
            r = a @ E
            ratio = np.divide(x, r, out=np.zeros_like(x), where=(x > 0) & (r > 0))
            return r.sum() - special.xlogy(x, r).sum(), E.sum(axis=1) - E @ ratio

        best = optimize.minimize(of_pixel, np.full(3, 0.05), jac=True, bounds=[(0, None)] * 3, tol=1e-14)
        assert of_pixel(A[:, pixel])[0] <= best.fun + 1e-10


def test_objective_is_what_the_formula_says(counts, start):
    model = MatrixFactorization(3, similarity="kl", abundance_terms=[Sparsity(0.02)], init=start, max_iter=7, tol=0)
    A = model.fit_transform(counts)
    scale = 60 / counts.sum()
    scaled = A * (model.size_ * model.scale_)
    fit = divergence(scale * counts, scaled, model.components_ / model.size_[:, None]) / 60
    assert model.scale_ == pytest.approx(scale)
    assert model.objective_ == pytest.approx(fit + 0.02 * scaled.sum() / 60)


@pytest.mark.parametrize("solver", ["newton", "multiplicative"])
def test_dense_sparse_chunked_float32_and_partial_agree(counts, start, solver):
    def product(X):
        model = MatrixFactorization(3, similarity="kl", solver=solver, init=start, max_iter=30, tol=0)
        return model.fit_transform(X) @ model.components_

    expected = product(counts)
    rows = Chunked(counts, band_bytes=2000)
    for X in (sparse.csr_array(counts), sparse.csc_array(counts), rows, counts.astype(np.float32), Partial(counts)):
        np.testing.assert_allclose(product(X), expected, rtol=1e-9)


def test_missing_counts_are_left_out_and_predicted():
    rng = np.random.default_rng(0)
    truth = 200 * rng.dirichlet(np.full(2, 0.5), 80) @ rng.dirichlet(np.full(12, 1.0), 2)
    X = rng.poisson(truth).astype(float)
    X[rng.random(X.shape) < 0.1] = np.nan
    model = MatrixFactorization(2, similarity="kl", max_iter=2000, tol=1e-6, random_state=0)
    predicted = model.fit_transform(X) @ model.components_
    gone = np.isnan(X)
    error = np.sqrt(np.mean((predicted[gone] - truth[gone]) ** 2))
    assert error < 0.8 * np.sqrt(truth[gone].mean())  # better than having counted them
    model = MatrixFactorization(2, similarity="kl", max_iter=2000, tol=1e-6, random_state=0)
    as_zeros = model.fit_transform(np.nan_to_num(X)) @ model.components_
    assert error < 0.5 * np.sqrt(np.mean((as_zeros[gone] - truth[gone]) ** 2))


def test_weights_multiply_the_divergence(counts, start):
    """Counting a pixel twice is the same as seeing it twice."""
    weights = np.ones((60, 1))
    weights[:20] = 2.0
    A, E = start
    options = {"similarity": "kl", "max_iter": 20000, "tol": 1e-11}
    weighted = MatrixFactorization(3, weights=weights, init=start, **options).fit(counts).components_
    twice = np.vstack([counts, counts[:20]])
    seen = MatrixFactorization(3, init=(np.vstack([A, A[:20]]), E), **options).fit(twice).components_
    np.testing.assert_allclose(weighted / weighted.sum(), seen / seen.sum(), rtol=1e-5, atol=1e-9)


def test_fractions_sum_to_one_and_the_gain_is_the_size_of_a_pixel(counts):
    model = MatrixFactorization(
        3, similarity="kl", abundance_terms=[Simplex(gain=True)], random_state=0, max_iter=3000, tol=1e-8
    )
    A = model.fit_transform(counts)
    np.testing.assert_allclose(A.sum(axis=1), 1)
    fitted = model.gain_[:, None] * (A @ model.components_)
    np.testing.assert_allclose(fitted.sum(axis=1), counts.sum(axis=1), rtol=1e-6)


@pytest.mark.parametrize("solver", ["newton", "multiplicative"])
@pytest.mark.parametrize("terms", [[], [Simplex()], [Sparsity(0.01)]], ids=str)
def test_a_start_that_gives_a_count_no_chance_is_brought_up(counts, solver, terms):
    known = np.zeros((2, 25))
    known[0, :9], known[1, 5:14] = 5.0, 4.0
    A, E = np.zeros((60, 3)), np.zeros((3, 25))
    A[:, 0], E[0, :3] = 1.0, 1.0
    for given in ({"endmember_terms": [Pinned(known)]}, {"init": (A, E)}):
        model = MatrixFactorization(
            3, similarity="kl", solver=solver, abundance_terms=terms, max_iter=30, tol=0, **given
        )
        model.fit(counts)
        objectives = np.array([state.objective for state in model.trace_])
        assert np.isfinite(objectives).all()
        assert (np.diff(objectives) <= 1e-11 * max(1.0, objectives[0])).all()
        assert np.isfinite(model.transform(counts + 1.0)).all()
    with pytest.raises(ValueError, match="all endmembers are known to be zero"):
        MatrixFactorization(2, similarity="kl", endmember_terms=[Pinned(known)]).fit(counts)


def test_errors_say_what_to_do(counts):
    with pytest.raises(ValueError, match="clip them"):
        MatrixFactorization(2, similarity="kl").fit(counts - 1)
    with pytest.raises(ValueError, match="use only one of them"):
        MatrixFactorization(2, similarity="kl", weights="poisson").fit(counts)
    with pytest.raises(ValueError, match="HALS is for least squares"):
        MatrixFactorization(2, similarity="kl", solver="hals").fit(counts)
    with pytest.raises(ValueError, match="Newton is for similarity='kl'"):
        MatrixFactorization(2, solver="newton").fit(counts)
    assert Multiplicative().refuses(Half(np.eye(2), np.ones((2, 3)))) is not None
