"""Small data of the tests of similarities."""

from __future__ import annotations

import numpy as np
import pytest


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
