"""Least squares: its formula; tests/solvers tests its fits."""

from __future__ import annotations

import numpy as np

from mffnb.matrices import Dense
from mffnb.similarities import Frobenius


def loss(similarity, scale, x, y, w):
    """Weighted loss of each row, (rows,), for data x, model y and weights w."""
    return (w * (x - y) ** 2).sum(axis=1) / 2


def test_the_scale_makes_the_mean_squared_norm_of_a_pixel_one():
    X = np.random.default_rng(0).random((30, 8))
    scaled = Frobenius().misfit(Dense(X)).scale * X
    np.testing.assert_allclose((scaled**2).sum(axis=1).mean(), 1, rtol=1e-12)
