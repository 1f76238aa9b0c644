"""Ridge penalty: value, fold, and the half step as ridge regression."""

from __future__ import annotations

import numpy as np
import pytest

from mffnb import Ridge
from mffnb.protocols import Half
from mffnb.solvers import BlockPivoting


def test_the_value_is_half_the_weighted_sum_of_squares():
    factor = np.array([[1.0, 2.0], [0.0, 3.0]])
    assert Ridge(0.5).value(factor) == pytest.approx(0.5 / 2 * 14)


def test_fold_adds_the_weight_to_the_diagonal_of_the_gram_matrix():
    half = Half(np.ones((2, 2)), np.ones((2, 3)))
    folded = Ridge(0.5).fold(half)
    np.testing.assert_array_equal(folded.gram, [[1.5, 1.0], [1.0, 1.5]])
    np.testing.assert_array_equal(folded.cross, half.cross)


def test_the_half_step_is_ridge_regression():
    rng = np.random.default_rng(0)
    basis = rng.random((2, 12)) + np.array([[1.0], [0.0]])
    data = rng.uniform(0.5, 1.0, (2, 5)).T @ basis
    half = Ridge(0.1).fold(Half(basis @ basis.T, basis @ data.T))
    factor = np.zeros((2, 5))
    BlockPivoting().update(factor, half)
    augmented = np.vstack([basis.T, np.sqrt(0.1) * np.eye(2)])
    expected = np.linalg.lstsq(augmented, np.vstack([data.T, np.zeros((2, 5))]), rcond=None)[0]
    assert (expected > 0).all()
    np.testing.assert_allclose(factor, expected, rtol=1e-10)


def test_a_negative_weight_is_refused():
    with pytest.raises(ValueError, match="penalty weight must be a finite number >= 0, got -1"):
        Ridge(-1.0)
