"""Spectral angle: its formula, and pixels of any brightness."""

from __future__ import annotations

import numpy as np
import pytest

from mffnb import MatrixFactorization

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")


def loss(similarity, scale, x, y, w):
    """Weighted loss of each row, (rows,), for data x, model y and weights w: one minus the cosine."""
    products = [(w * a * b).sum(axis=1) for a, b in ((x, y), (x, x), (y, y))]
    return 1 - products[0] / np.sqrt(products[1] * products[2])


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
