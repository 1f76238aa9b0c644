"""The score of estimators: prediction of held-out channels, for scikit-learn's searches without a scorer."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse, stats
from sklearn.model_selection import GridSearchCV

from mffnb import MatrixFactorization, Simplex, presets
from mffnb.estimators.simplex_vertices import SimplexCorners


def scene(k, pixels, channels, noise, seed):
    rng = np.random.default_rng(seed)
    centres = np.linspace(0.15, 0.85, k)[:, None] * channels
    E = np.exp(-0.5 * ((np.arange(channels) - centres) / (0.08 * channels)) ** 2)
    A = rng.dirichlet(np.full(k, 0.4), pixels)
    return np.abs(A @ E + noise * rng.standard_normal((pixels, channels))), A, E


@pytest.mark.parametrize("make", [MatrixFactorization, presets.svd, presets.nmf, presets.pca])
def test_grid_search_finds_the_number_of_components(make):
    X, _A, _E = scene(3, 150, 50, 0.05, seed=1)
    model = make(1)
    search = GridSearchCV(model, {"n_components": [1, 2, 3, 5]}, cv=3).fit(X)
    scores = search.cv_results_["mean_test_score"]
    # Principal components are centred: three fractions that sum to one span two.
    assert np.argmax(scores) == (1 if make is presets.pca else 2)
    assert scores.max() < 1


def test_the_score_is_the_explained_variance_of_a_prediction_by_hand():
    X, _A, _E = scene(2, 40, 20, 0.02, seed=2)
    model = presets.svd(2)
    model.fit(X)
    error = 0.0
    for first in range(5):
        left = np.arange(20) % 5 == first
        E = model.components_
        scores = np.linalg.lstsq(E[:, ~left].T, X[:, ~left].T, rcond=None)[0].T
        error += np.sum((X[:, left] - scores @ E[:, left]) ** 2)
    assert model.score(X) == pytest.approx(1 - error / np.sum((X - X.mean(axis=0)) ** 2), rel=1e-9)


def test_counts_are_scored_by_their_log_likelihood():
    clean, _A, _E = scene(2, 80, 30, 0.0, seed=3)
    rng = np.random.default_rng(0)
    X = rng.poisson(20 * clean).astype(float)
    model = MatrixFactorization(2, similarity="kl", random_state=0)
    model.fit(X)
    truth = stats.poisson.logpmf(X, 20 * clean + 1e-12).mean()
    assert truth - 0.1 < model.score(X) < truth + 0.02
    assert model.score(X) > MatrixFactorization(1, similarity="kl", random_state=0).fit(X).score(X) + 0.1


def test_a_gain_is_part_of_the_prediction():
    X, _A, _E = scene(3, 100, 40, 0.0, seed=4)
    X = X * np.random.default_rng(0).uniform(0.5, 2.0, (100, 1))
    with_gain, without = (
        MatrixFactorization(3, abundance_terms=[Simplex(gain=gain)], max_iter=2000, random_state=0).fit(X).score(X)
        for gain in (True, False)
    )
    assert without < with_gain <= 1
    assert with_gain > 0.95


@pytest.mark.parametrize("model", [SimplexCorners(3), presets.plsi(3), presets.bounded_nmf(3, 0.0, 5.0)])
def test_each_estimator_has_a_score(model):
    X, _A, _E = scene(3, 60, 30, 0.01, seed=5)
    assert 0.8 < model.fit(X).score(X) <= 1


def test_missing_entries_are_not_scored_and_sparse_data_have_the_same_score():
    X, _A, _E = scene(2, 60, 30, 0.01, seed=6)
    model = MatrixFactorization(2, random_state=0).fit(X)
    whole = model.score(X)
    assert model.score(sparse.csr_array(X)) == pytest.approx(whole, rel=1e-9)
    holed = X.copy()
    holed[3, 4] = np.nan
    assert model.score(holed) == pytest.approx(whole, abs=1e-3)
