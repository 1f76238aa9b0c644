from __future__ import annotations

import numpy as np
import pytest

from mffnb.matrices import Dense
from mffnb.selection import grow, shrink, spectral_angles
from mffnb.solvers.grow_shrink import unique_share


@pytest.fixture
def mixture():
    rng = np.random.default_rng(0)
    return rng.dirichlet(np.full(4, 0.3), 200).T, rng.random((4, 30)) ** 3


def test_grow_finds_the_missing_component(mixture):
    A, E = mixture
    X = A.T @ E
    kept = A[:3].copy(), E[:3].copy()
    more_A, more_E = grow(Dense(X), kept[0], kept[1])
    np.testing.assert_array_equal(more_A[:3], A[:3])
    np.testing.assert_array_equal(more_E[:3], E[:3])
    assert spectral_angles(more_E[3:], E)[0].argmin() == 3
    assert spectral_angles(more_E[3:], E[3:])[0, 0] < 0.05
    before, after = (np.linalg.norm(X - a.T @ e) for a, e in (kept, (more_A, more_E)))
    assert after < 0.2 * before


def test_grow_on_a_perfect_fit_stays_finite(mixture):
    A, E = mixture
    more_A, more_E = grow(Dense(A.T @ E), A, E)
    assert np.isfinite(more_A).all()
    assert np.isfinite(more_E).all()
    assert min(more_A.min(), more_E.min()) >= 0


def test_shrink_drops_what_the_others_can_say(mixture):
    A, E = mixture
    E = np.vstack([E, E[1] + 0.01 * E[2]])  # a near copy, however strong
    A = np.vstack([A, 3 * A[0]])
    less_A, less_E, dropped = shrink(A, E)
    assert dropped in (1, 4)
    np.testing.assert_array_equal(less_E, np.delete(E, dropped, 0))
    np.testing.assert_array_equal(less_A, np.delete(A, dropped, 0))


def test_unique_share_is_the_energy_outside_the_span_of_the_others(mixture):
    A, E = mixture
    for j in range(4):
        others = np.delete(E, j, 0)
        rest = E[j] - np.linalg.lstsq(others.T, E[j], rcond=None)[0] @ others
        expected = np.sum(A[j] ** 2) * np.sum(rest**2)
        assert unique_share(A, E)[j] == pytest.approx(expected, rel=1e-6)


def test_grow_from_some_pixels_finds_the_component_of_all(mixture):
    A, E = mixture
    X = A.T @ E
    rows = np.arange(0, len(X), 3)
    more_A, more_E = grow(Dense(X), A[:3], E[:3], rows)
    assert more_A.shape == (4, len(X))
    all_A, all_E = grow(Dense(X), A[:3], E[:3])
    assert spectral_angles(more_E[3:], all_E[3:])[0, 0] < 0.05
    assert np.linalg.norm(X - more_A.T @ more_E) < 0.2 * np.linalg.norm(X - A[:3].T @ E[:3])
    np.testing.assert_allclose(more_A[3], all_A[3], atol=0.1 * all_A[3].max())
