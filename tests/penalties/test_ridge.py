"""Ridge penalty: value, and the effect on a factorization."""

from __future__ import annotations

import numpy as np
import pytest

from mffnb import MatrixFactorization, Ridge
from mffnb.protocols import Half


def test_the_value_is_half_the_weighted_sum_of_squares():
    factor = np.array([[1.0, 2.0], [0.0, 3.0]])
    assert Ridge(0.5).value(factor) == pytest.approx(0.5 / 2 * 14)


def test_fold_adds_the_weight_to_the_diagonal_of_the_gram_matrix():
    half = Half(np.ones((2, 2)), np.ones((2, 3)))
    folded = Ridge(0.5).fold(half)
    np.testing.assert_array_equal(folded.gram, [[1.5, 1.0], [1.0, 1.5]])
    np.testing.assert_array_equal(folded.cross, half.cross)


def test_a_higher_weight_makes_abundances_more_even():
    X = np.random.default_rng(0).random((60, 20))
    spread = []
    for weight in (1e-4, 0.1):
        A = MatrixFactorization(3, abundance_terms=[Ridge(weight)], random_state=0).fit_transform(X)
        spread.append(A.std() / A.mean())
    assert spread[1] < spread[0]


def test_a_negative_weight_is_refused():
    with pytest.raises(ValueError, match="penalty weight must be a finite number >= 0, got -1"):
        Ridge(-1.0)
