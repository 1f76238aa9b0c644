"""Huber's loss: its formula, its noise level, and data with outliers."""

from __future__ import annotations

import numpy as np
import pytest

from mffnb import MatrixFactorization
from mffnb.matrices import Dense, Partial
from mffnb.selection import match, spectral_angles
from mffnb.similarities import Huber
from mffnb.similarities.noise_models import robust_noise_level

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")


def loss(similarity, scale, x, y, w):
    """Weighted loss of each row, (rows,), for data x that are multiplied by ``scale``, model y and weights w."""
    delta = 1.345 if similarity.delta == "auto" else similarity.delta
    threshold, size = delta * similarity.noise * scale, np.abs(x - y)
    return (w * np.where(size < threshold, size**2 / 2, threshold * (size - threshold / 2))).sum(axis=1)


VARIANTS = [Huber(delta=0.5)]


def moved(E, F):
    return spectral_angles(E, F[match(E, F)]).diagonal().max()


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


@pytest.mark.parametrize("wrong", [{"delta": 0}, {"delta": "some"}, {"noise": -1}], ids=str)
def test_impossible_parameters_are_refused(wrong):
    with pytest.raises(ValueError, match="must be a"):
        Huber(**wrong)
