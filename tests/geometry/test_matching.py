from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mffnb.selection import match, spectral_angles


def test_angles_equal_the_formula_and_ignore_scale():
    rng = np.random.default_rng(0)
    a, b = rng.random((3, 8)), rng.random((4, 8))
    cosines = (a @ b.T) / np.outer(np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1))
    np.testing.assert_allclose(spectral_angles(a, b), np.arccos(cosines), atol=1e-12)
    np.testing.assert_allclose(spectral_angles(1e-200 * a, 1e200 * b), np.arccos(cosines), atol=1e-12)


def test_tiny_angles_and_zero_spectra():
    assert spectral_angles([[1.0, 0.0]], [[1.0, 1e-9]])[0, 0] == pytest.approx(1e-9)
    assert spectral_angles([[0.0, 0.0]], [[1.0, 0.0]])[0, 0] == np.pi / 2
    assert spectral_angles([[0.0, 0.0]], [[0.0, 0.0]])[0, 0] == 0


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 1000))
def test_match_has_the_least_total_angle(a, b, seed):
    rng = np.random.default_rng(seed)
    first, second = rng.random((a, 6)), rng.random((b, 6))
    partner, angles = match(first, second), spectral_angles(first, second)
    found = partner >= 0
    assert found.sum() == min(a, b)
    assert len(set(partner[found])) == found.sum()
    total = angles[np.flatnonzero(found), partner[found]].sum()
    small, large = (angles, b) if a <= b else (angles.T, a)
    best = min(
        sum(small[i, j] for i, j in enumerate(choice)) for choice in itertools.permutations(range(large), len(small))
    )
    assert total == pytest.approx(best)
