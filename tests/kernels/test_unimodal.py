"""One peak against the isotonic regressions of scikit-learn, for every place of the peak."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from mffnb.constraints import Unimodal


def by_trying(row):
    """The nearest row with one peak, from all places where it might be."""
    rising, falling = IsotonicRegression(y_min=0), IsotonicRegression(y_min=0, increasing=False)
    candidates = []
    for peak in range(row.size + 1):
        parts = [
            regression.fit_transform(np.arange(len(part)), part) if len(part) else part
            for regression, part in ((rising, row[:peak]), (falling, row[peak:]))
        ]
        candidates.append(np.concatenate(parts))
    return min(candidates, key=lambda candidate: np.sum((candidate - row) ** 2))


@pytest.mark.parametrize("seed", range(20))
def test_it_is_the_best_of_all_places_of_the_peak(seed):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((3, rng.integers(1, 12))) + rng.choice([-1.0, 0.0, 1.0])
    found = Unimodal().project(rows)
    for row, nearest in zip(rows, found, strict=True):
        steps = np.sign(np.diff(nearest))
        assert not (np.diff(steps[steps != 0]) > 0).any()  # never down and then up
        assert nearest.min() >= 0
        assert np.sum((nearest - row) ** 2) == pytest.approx(np.sum((by_trying(row) - row) ** 2), abs=1e-12)


def test_a_peak_with_noise_is_found_whole():
    x = np.linspace(-3, 3, 400)
    line = np.exp(-(x**2))
    noisy = line + 0.05 * np.random.default_rng(0).standard_normal(400)
    found = Unimodal().project(noisy[None])[0]
    assert np.linalg.norm(found - line) < 0.5 * np.linalg.norm(noisy - line)
    np.testing.assert_array_equal(Unimodal().project(line[None])[0], line)
