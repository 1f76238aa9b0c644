"""Bernoulli likelihood: its formula; tests/similarities/test_transforms.py tests its fits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

import mffnb as mf
from mffnb.similarities.measures import LogOdds


def loss(similarity, scale, x, y, w):
    """Weighted loss of each row, (rows,), for data x, probabilities y and weights w."""
    return (w * (special.kl_div(x, y) + special.kl_div(1 - x, 1 - y))).sum(axis=1)


@pytest.mark.parametrize("offset", [None, np.linspace(-2, 1, 25)], ids=["no offset", "offset"])
def test_log_odds_are_the_deviance_of_the_probabilities(offset):
    rng = np.random.default_rng(0)
    x, y, w = rng.random((3, 4, 25))
    probabilities = special.expit(y if offset is None else y + offset)
    np.testing.assert_allclose(
        LogOdds(offset).value(x, w, y), loss(mf.similarities.Bernoulli(), 1.0, x, probabilities, w)
    )
