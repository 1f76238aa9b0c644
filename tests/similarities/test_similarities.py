"""Similarities beyond least squares and counts: their formulas, their scale, and what they are for."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.decomposition import NMF
from sklearn.decomposition._nmf import _beta_divergence

from mffnb import MatrixFactorization, MinimumVolume, Simplex, Smoothness, Sparsity
from mffnb.errors import UnsupportedCombinationError
from mffnb.estimators.names import SIMILARITIES
from mffnb.graphs import grid
from mffnb.matrices import Chunked, Dense, Partial
from mffnb.selection import match, spectral_angles
from mffnb.similarities import BetaDivergence, Frobenius, Huber, KullbackLeibler, SpectralAngle
from mffnb.similarities.banded_misfit import BandedMisfit
from mffnb.similarities.distances import BetaDistance, HuberDistance, SquaredDistance
from mffnb.similarities.measures import Cosine, Entrywise, LogOdds
from mffnb.similarities.noise_models import robust_noise_level
from mffnb.transforms import Logistic

MAP = (6, 10)
pytestmark = [
    pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::mffnb.errors.DegenerateWarning"),
]
OFFSET = np.linspace(-2, 1, 25)
MEASURES = [
    *(Entrywise(BetaDistance(beta)) for beta in (-1.0, 0.0, 0.3, 0.5, 1.0, 1.5, 2.0, 2.5, 3.3)),
    Entrywise(SquaredDistance()), Entrywise(HuberDistance(0.2)), Entrywise(SquaredDistance(), Logistic(), OFFSET),
    Entrywise(BetaDistance(1.0), Logistic(), OFFSET), LogOdds(OFFSET), LogOdds(), Cosine(),
]  # fmt: skip
BEYOND = ["itakura-saito", "huber", "angle", BetaDivergence(0.5), BetaDivergence(1.5)]


@pytest.fixture(scope="module")
def data():
    """Positive, between 0 and 1, with noise in proportion to the signal."""
    rng = np.random.default_rng(3)
    X = rng.dirichlet(np.full(3, 0.5), 60) @ (0.05 + 0.8 * rng.random((3, 25)))
    return np.clip(X * rng.gamma(30, 1 / 30, X.shape), 0.01, 0.99)


@pytest.fixture(scope="module")
def start():
    rng = np.random.default_rng(4)
    return rng.random((60, 3)) + 0.1, rng.random((3, 25)) + 0.1


def bound(measure, X):
    return BandedMisfit(Dense(X), None, 1.0, measure)


def moved(E, F):
    return spectral_angles(E, F[match(E, F)]).diagonal().max()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("measure", MEASURES, ids=str)
def test_slopes_are_those_of_the_value_and_bends_lie_above(measure, weighted, data):
    rng = np.random.default_rng(0)
    x, y = data[:4], rng.random((4, 25)) + 0.2
    w = rng.random((4, 25)) if weighted else None
    slope, bend, step = measure.slope(x, w, y), measure.curvature_bound(x, w, y), 1e-6
    assert (bend > 0).all()
    for m in (0, 7, 24):
        aside = np.zeros(25)
        aside[m] = step
        up, down, here = (measure.value(x, w, at) for at in (y + aside, y - aside, y))
        np.testing.assert_allclose(slope[:, m], (up - down) / (2 * step), rtol=1e-5, atol=1e-7)
        assert (here >= 0).all()
        far = 0.02 * y[:, m]
        aside = np.where(np.arange(25) == m, far[:, None], 0.0)
        above = here + slope[:, m] * far + 1.1 * bend[:, m] * far**2 / 2
        assert (measure.value(x, w, y + aside) <= above + 1e-9).all()


@pytest.mark.parametrize("of_rows", [True, False])
@pytest.mark.parametrize("measure", MEASURES, ids=str)
def test_the_gradient_of_a_half_problem_is_right(measure, of_rows, data, start):
    A, E = start[0].T, start[1]
    misfit = bound(measure, data)
    half = misfit.abundance_half(A, E) if of_rows else misfit.endmember_half(A, E)
    factor = A if of_rows else E
    direction = np.random.default_rng(1).normal(size=factor.shape)
    gradient = half.gram @ factor - half.cross if half.loss is None else half.loss.value_and_gradient(factor)[1]

    def at(step):
        there = factor + step * direction
        return misfit.distance(there, E) * 60 if of_rows else misfit.distance(A, there)

    slope = (at(1e-5) - at(-1e-5)) / 2e-5
    assert np.vdot(gradient, direction) == pytest.approx(slope, rel=1e-5, abs=1e-8)


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


@pytest.mark.parametrize("beta", [0, 0.5, 1.5, 3])
def test_not_worse_than_scikit_learn_at_convergence(data, start, beta):
    A, E = start
    peer = NMF(3, init="custom", solver="mu", beta_loss=beta, max_iter=4000, tol=1e-10)
    theirs = _beta_divergence(data, peer.fit_transform(data, W=A.copy(), H=E.copy()), peer.components_, beta)
    model = MatrixFactorization(3, similarity=BetaDivergence(beta), init=start, max_iter=1500, tol=1e-7)
    ours = _beta_divergence(data, model.fit_transform(data), model.components_, beta)
    assert ours <= theirs * (1 + 1e-6)


@pytest.mark.parametrize("similarity", BEYOND, ids=str)
@pytest.mark.parametrize("solver", ["auto", "proximal"])
def test_no_iteration_rises_and_the_unit_of_the_data_does_not_matter(similarity, solver, data, start):
    A, E = start
    options = {"similarity": similarity, "solver": solver, "max_iter": 40, "tol": 0}
    model = MatrixFactorization(3, init=start, **options).fit(data)
    objectives = [state.objective for state in model.trace_]
    assert (np.diff(objectives) <= 1e-12 * objectives[0]).all()
    assert objectives[-1] < 0.9 * objectives[0]
    larger = MatrixFactorization(3, init=(A, 1000 * E), **options).fit(1000 * data)
    unit = larger.components_.sum() / model.components_.sum()
    assert unit == pytest.approx(1000)
    np.testing.assert_allclose(larger.components_ / unit, model.components_, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("similarity", "penalised"),
    [*((similarity, False) for similarity in (*BEYOND, "bernoulli")), ("huber", True)],
    ids=str,
)
def test_a_map_tiled_by_mirroring_has_the_same_answer(similarity, penalised, data, start):
    """Then a weight means the same for a map of any size."""
    A, E = start
    once, twice = data.reshape(*MAP, -1), A.reshape(*MAP, -1)
    once, twice = (np.concatenate([part, part[:, ::-1]], axis=1) for part in (once, twice))

    def endmembers(X, A, shape):
        terms = [Smoothness(0.01, grid(shape))] if penalised else []
        settled = Huber(noise=0.03) if similarity == "huber" else similarity  # found in a part of the rows
        # Pixels at the border have neighbours in the tiled map: the way differs, the end does not.
        run = {"max_iter": 3000, "tol": 1e-7} if penalised else {"max_iter": 15, "tol": 0}
        return MatrixFactorization(3, similarity=settled, abundance_terms=terms, init=(A, E), **run).fit(X).components_

    tiled, digits = endmembers(once.reshape(120, -1), twice.reshape(120, -1), (6, 20)), 1e-3 if penalised else 1e-6
    np.testing.assert_allclose(tiled, endmembers(data, A, MAP), rtol=digits, atol=digits / 10)


@pytest.mark.parametrize("similarity", [*BEYOND, "bernoulli"], ids=str)
def test_dense_sparse_chunked_float32_and_partial_agree(similarity, data, start):
    X = data.astype(np.float32).astype(float)

    def product(X):
        model = MatrixFactorization(3, similarity=similarity, init=start, max_iter=8, tol=0)
        return model.inverse_transform(model.fit_transform(X))

    expected = product(X)
    for other in (sparse.csr_array(X), Chunked(X, band_bytes=2000), X.astype(np.float32), Partial(X)):
        np.testing.assert_allclose(product(other), expected, rtol=1e-7)


@pytest.mark.parametrize("similarity", ["itakura-saito", "huber", BetaDivergence(0.5), "bernoulli"], ids=str)
def test_weights_multiply_the_loss(similarity, data, start):
    """Counting a pixel twice is the same as seeing it twice, and an entry that counts nothing is missing."""
    A, E = start
    similarity = Huber(1e6, noise=1.0) if similarity == "huber" else similarity
    options = {"similarity": similarity, "max_iter": 3000, "tol": 1e-8}
    if similarity == "bernoulli":  # nothing is certain then
        options["abundance_terms"] = [Sparsity(0.1)]
    weights = np.ones((60, 1))
    weights[:20] = 2.0
    weighted = MatrixFactorization(3, weights=weights, init=start, **options).fit(data)
    seen = MatrixFactorization(3, init=(np.vstack([A, A[:20]]), E), **options).fit(np.vstack([data, data[:20]]))
    if similarity != "bernoulli":  # where weights are at most 1 beside a penalty
        products = [m.inverse_transform(m.transform(data)) for m in (weighted, seen)]
        np.testing.assert_allclose(*products, rtol=2e-3, atol=1e-4)
    gone = np.random.default_rng(0).random(data.shape) < 0.1
    missing = MatrixFactorization(3, init=start, **{**options, "max_iter": 20}).fit(np.where(gone, np.nan, data))
    nothing = MatrixFactorization(3, init=start, weights=(~gone).astype(float), **{**options, "max_iter": 20})
    np.testing.assert_allclose(nothing.fit(data).components_, missing.components_, rtol=1e-6, atol=1e-9)


@pytest.fixture(scope="module")
def lines():
    """Lines of substances that are alone in some pixels, without and with five percent of the entries hot."""
    rng = np.random.default_rng(0)
    channel = np.arange(80)
    places = ((15, 6, 40), (40, 10, 65), (60, 6, 20))
    E = [np.exp(-(((channel - a) / w) ** 2)) + 0.5 * np.exp(-(((channel - b) / 4) ** 2)) for a, w, b in places]
    X = rng.dirichlet(np.full(3, 0.3), 500) @ np.stack(E) + rng.normal(0, 0.03, (500, 80))
    hot = X.copy()
    where = rng.random(X.shape) < 0.05
    hot[where] = X.max() * rng.uniform(1, 3, where.sum())
    return X, hot


@pytest.mark.parametrize("louder", [1.0, 30.0])
def test_hot_pixels_draw_least_squares_along_but_not_huber(lines, louder):
    X, hot = lines
    hot = np.where(hot > 1.2 * X.max(), louder * hot, hot)
    move = {}
    for similarity in ("frobenius", "huber"):
        options = {"similarity": similarity, "random_state": 0, "max_iter": 1000, "tol": 1e-5}
        move[similarity] = moved(*(MatrixFactorization(3, **options).fit(part).components_ for part in (X, hot)))
    assert move["frobenius"] > 0.1
    assert move["huber"] < 0.02


def test_noise_is_found_beside_outliers(lines):
    X, hot = lines
    assert robust_noise_level(Dense(X)) == pytest.approx(0.03, rel=0.03)
    assert robust_noise_level(Dense(hot)) == pytest.approx(0.03, rel=0.12)
    assert robust_noise_level(Dense(1000 * X)) == pytest.approx(1000 * robust_noise_level(Dense(X)))
    holes = np.where(np.random.default_rng(0).random(X.shape) < 0.1, np.nan, X)
    assert robust_noise_level(Partial(holes)) == pytest.approx(0.03, rel=0.05)
    exact = np.outer(np.arange(1.0, 9), np.arange(5.0))
    assert 0 < robust_noise_level(Dense(exact)) < 0.01 * exact.max()


def test_huber_with_a_high_threshold_is_least_squares(data, start):
    options = {"init": start, "max_iter": 2000, "tol": 1e-9}
    wide, squares = (
        MatrixFactorization(3, similarity=s, **options).fit(data) for s in (Huber(1e6, noise=1.0), "frobenius")
    )
    assert wide.objective_ == pytest.approx(squares.objective_, rel=1e-6)


def test_new_pixels_are_judged_by_the_noise_of_the_fitted_ones(lines):
    model = MatrixFactorization(3, similarity="huber", random_state=0, tol=1e-6).fit(lines[1])
    assert model.similarity_.noise is not None
    A = model.transform(lines[1][:30])
    error = np.abs(model.inverse_transform(A) - lines[0][:30])
    assert np.median(error) < 0.03


def test_an_angle_does_not_see_how_bright_a_pixel_is(data, start):
    factor = np.random.default_rng(0).uniform(0.01, 100, 60)
    options = {"similarity": "angle", "init": start, "max_iter": 100, "tol": 0}
    plain, scaled = (MatrixFactorization(3, **options).fit(X) for X in (data, factor[:, None] * data))
    unit = scaled.components_.sum() / plain.components_.sum()
    np.testing.assert_allclose(scaled.components_ / unit, plain.components_, rtol=1e-6)
    np.testing.assert_allclose(scaled.gain_ * unit, factor * plain.gain_, rtol=1e-6)
    A = plain.transform(data)
    np.testing.assert_allclose(A.sum(axis=1), 1)
    model = plain.gain_[:, None] * (plain.fit_transform(data) @ plain.components_)
    np.testing.assert_allclose((model * (model - data)).sum(axis=1), 0, atol=1e-9)  # as near as a length can be
    cosine = (model * data).sum(axis=1) / np.linalg.norm(model, axis=1) / np.linalg.norm(data, axis=1)
    assert plain.objective_ == pytest.approx((1 - cosine).mean())


def test_pixels_without_anything_have_no_angle(data, start):
    X = data.copy()
    X[3] = 0.0
    model = MatrixFactorization(3, similarity="angle", init=start, max_iter=20, tol=0)
    assert np.isfinite(model.fit_transform(X)).all()
    assert model.gain_[3] == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"similarity": "itakura-saito", "negative": 0.0}, "BetaDivergence\\(0\\) is for data above zero"),
        ({"similarity": BetaDivergence(1.5), "negative": -1.0}, "go down to -1"),
        ({"similarity": "bernoulli", "negative": 2.0}, "between 0 and 1"),
        ({"similarity": "bernoulli", "transform": "identity"}, "use transform='logistic'"),
        ({"similarity": "angle", "transform": "logistic"}, "SpectralAngle looks at whole spectra"),
        ({"similarity": "bernoulli", "abundance_terms": [Simplex(gain=True)]}, "no gain of pixels"),
        ({"similarity": "angle", "abundance_terms": [Simplex()]}, "use gain=True"),
        ({"similarity": "angle", "abundance_terms": [Sparsity()]}, "sparsity does nothing"),
        ({"similarity": "angle", "endmember_terms": [MinimumVolume()]}, "would make them shrink"),
        ({"similarity": "itakura-saito", "weights": "poisson"}, "use only one of them"),
        ({"similarity": "bernoulli", "weights": "poisson"}, "use only one of them"),
        ({"similarity": "huber", "solver": "newton"}, "is for similarity='kl'"),
        ({"similarity": "angle", "solver": "hals"}, "HALS cannot handle SpectralAngle: use solver='auto'"),
        ({"similarity": "wasserstein"}, "is not known: use"),
        ({"transform": "sqrt"}, "transform='sqrt' is not known"),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_is_refused_in_a_sentence(options, message, data):
    X, given = data.copy(), dict(options)
    X[0, 0] = given.pop("negative", X[0, 0])
    with pytest.raises((ValueError, UnsupportedCombinationError), match=message):
        MatrixFactorization(3, random_state=0, **given).fit(X)


@pytest.mark.parametrize(
    "wrong",
    [lambda: BetaDivergence(np.nan), lambda: BetaDivergence(9), lambda: Huber(0), lambda: Huber("some"),
     lambda: Huber(noise=-1)],
)  # fmt: skip
def test_impossible_parameters_are_refused(wrong):
    with pytest.raises(ValueError, match="must be a"):
        wrong()


def test_names_stand_for_objects():
    assert SIMILARITIES["angle"] == SpectralAngle()
    assert SIMILARITIES["itakura-saito"] == BetaDivergence(0.0)
