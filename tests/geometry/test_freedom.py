"""Freedom of endmembers: zero where factors are unique, as far as the signs allow where they are not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import linalg, optimize

from mffnb.geometry import freedom
from mffnb.geometry.freedom import EntryNoise, most_moves, rotations

EXACT = 1e-14  # variance of data without noise


def noiseless(A: np.ndarray, E: np.ndarray) -> EntryNoise:
    return EntryNoise(np.ones(A.shape[1]), np.full(E.shape[1], EXACT))


def separable(k: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Factors with a pure pixel and an own channel of each component: no other pair has their product."""
    A = np.hstack([np.eye(k), rng.dirichlet(np.ones(k), 60).T])
    return A, np.hstack([np.eye(k), rng.random((k, 20))])


@pytest.mark.parametrize("k", [2, 3, 5])
def test_unique_factors_cannot_turn(k):
    A, E = separable(k, np.random.default_rng(k))
    found = rotations(A, E, noiseless(A, E))
    np.testing.assert_allclose(found.angles, 0, atol=1e-5)
    np.testing.assert_allclose(found.lower, E, atol=1e-5)
    np.testing.assert_allclose(found.upper, E, atol=1e-5)


@given(st.integers(0, 2**31))
def test_two_components_turn_to_the_limits_of_their_signs(seed):
    """With two components the feasible region is an interval whose ends follow from ratios of entries."""
    rng = np.random.default_rng(seed)
    A, E = rng.random((2, 30)) + 0.05, rng.random((2, 12)) + 0.05
    found = rotations(A, E, noiseless(A, E), moves=4000)
    for i, j in ((0, 1), (1, 0)):
        # e_i - t e_j >= 0, and e_i + t e_j as long as a_j - t a_i >= 0
        ends = [E[i] - (E[i] / E[j]).min() * E[j], E[i] + (A[j] / A[i]).min() * E[j]]
        cosines = [end @ E[i] / np.linalg.norm(end) / np.linalg.norm(E[i]) for end in ends]
        np.testing.assert_allclose(found.pairs[i], np.arccos(min(cosines)), rtol=1e-4, atol=1e-5)
        assert found.partners[i] == j
        # The walk meets the same ends: a move of the other endmember makes no more room for this one.
        assert found.angles[i] >= found.pairs[i]


@given(st.integers(0, 2**31), st.integers(2, 5))
def test_every_spectrum_in_the_band_belongs_to_possible_factors(seed, k):
    """The ends of the band stay non-negative, and true factors that were mixed are within reach."""
    rng = np.random.default_rng(seed)
    A, E = separable(k, rng)
    T = np.eye(k) + 0.3 * rng.random((k, k))
    mixed, maps = T @ E, linalg.solve(T.T, A)
    shift = np.maximum(-maps.min(), 0) + 0.1
    maps = maps + shift  # other data, with room between the signs
    found = rotations(maps, mixed, noiseless(maps, mixed), moves=2000)
    assert (found.lower >= 0).all()
    assert (found.lower <= mixed * (1 + 1e-9)).all()
    assert (found.upper >= mixed * (1 - 1e-9)).all()
    assert (found.angles >= found.pairs).all()


def test_true_spectra_are_within_the_freedom_of_mixed_ones():
    rng = np.random.default_rng(0)
    A, E = separable(3, rng)
    mixing = np.array([[0.8, 0.15, 0.05], [0.1, 0.8, 0.1], [0.0, 0.2, 0.8]])
    maps, spectra = linalg.solve(mixing.T, A), mixing @ E
    keep = (maps >= 0).all(axis=0)  # pixels that the mixed spectra describe with non-negative maps
    found = rotations(np.ascontiguousarray(maps[:, keep]), spectra, noiseless(maps[:, keep], spectra))
    cosines = np.sum(E * spectra, axis=1) / np.linalg.norm(E, axis=1) / np.linalg.norm(spectra, axis=1)
    assert (found.angles >= np.arccos(cosines) - 0.02).all()


def test_known_endmembers_stay():
    rng = np.random.default_rng(1)
    A, E = rng.random((3, 40)) + 0.1, rng.random((3, 15)) + 0.1
    found = rotations(A, E, noiseless(A, E), fixed=[1])
    assert found.angles[1] == 0
    np.testing.assert_array_equal(found.lower[1], E[1])
    assert (found.angles[[0, 2]] > 0.01).all()


def test_fractions_that_sum_to_one_keep_the_sum_of_coefficients_positive():
    """A dark endmember can be subtracted from a bright one many times; as fractions, less than once."""
    E = np.array([[4.0, 5.0, 6.0], [0.5, 0.2, 0.3]])
    A = np.vstack([np.linspace(0.3, 0.7, 20), np.linspace(0.7, 0.3, 20)])
    free, limited = (rotations(A, E, noiseless(A, E), fractions=fractions) for fractions in (False, True))
    for found, multiple in ((free, (E[0] / E[1]).min()), (limited, 1.0)):
        # the other end of the pair is e_1 + t e_2 with a_2 - t a_1 >= 0
        ends = [E[0] - multiple * E[1], E[0] + (A[1] / A[0]).min() * E[1]]
        cosines = [end @ E[0] / np.linalg.norm(end) / np.linalg.norm(E[0]) for end in ends]
        np.testing.assert_allclose(found.pairs[0], np.arccos(min(cosines)), rtol=1e-4)
    assert limited.angles[0] < free.angles[0] / 2


@given(st.integers(0, 2**31), st.floats(1e-4, 0.1))
def test_the_maps_of_the_farthest_pair_grow_as_far_as_allowed(seed, growth):
    rng = np.random.default_rng(seed)
    A, E = rng.random((2, 30)) + 0.2, rng.random((2, 12)) + 0.2
    noise = noiseless(A, E)
    free, limited = rotations(A, E, noise, moves=500), rotations(A, E, noise, growth=growth, moves=500)
    assert (limited.pairs <= free.pairs + 1e-12).all()
    sums, norms = A.sum(axis=1), np.linalg.norm(E, axis=1)
    for i, j in ((0, 1), (1, 0)):

        def excess(t, i=i, j=j):
            whole = np.linalg.norm(E[i] + t * E[j]) * sums[i] + norms[j] * (sums[j] - t * sums[i])
            return whole - (1 + growth) * norms @ sums

        low = -(E[i] / E[j]).min()
        low = optimize.brentq(excess, low, 0) if excess(low) > 0 else low
        ends = [E[i] + low * E[j], E[i] + (A[j] / A[i]).min() * E[j]]
        cosines = [end @ E[i] / np.linalg.norm(end) / norms[i] for end in ends]
        np.testing.assert_allclose(limited.pairs[i], np.arccos(min(cosines)), rtol=1e-4, atol=1e-5)


def test_no_growth_leaves_only_mixtures_that_lower_the_norm_of_the_maps():
    A, E = np.array([[0.6, 0.4] * 10, [0.4, 0.6] * 10]), np.array([[1.0, 2, 3, 2], [2.0, 1, 2, 4]])
    found = rotations(A, E, noiseless(A, E), growth=0.0)
    inward = E[0] + (A[1] / A[0]).min() * E[1]
    cosine = inward @ E[0] / np.linalg.norm(inward) / np.linalg.norm(E[0])
    np.testing.assert_allclose(found.pairs[0], np.arccos(cosine), rtol=1e-4)


def test_noise_widens_the_freedom():
    A, E = separable(3, np.random.default_rng(2))
    quiet, loud = (
        rotations(A, E, EntryNoise(np.ones(A.shape[1]), np.full(E.shape[1], variance))) for variance in (1e-8, 1e-4)
    )
    assert (loud.angles > quiet.angles).all()


def test_one_component_and_only_known_ones_have_no_freedom():
    A, E = separable(2, np.random.default_rng(3))
    assert rotations(A[:1], E[:1], noiseless(A, E)).angles.tolist() == [0.0]
    assert rotations(A, E, noiseless(A, E), fixed=[0, 1]).angles.tolist() == [0.0, 0.0]


def test_the_same_seed_gives_the_same_walk():
    rng = np.random.default_rng(4)
    A, E = rng.random((4, 400)) + 0.05, rng.random((4, 300)) + 0.05
    one, other = (rotations(A, E, noiseless(A, E), seed=5) for _ in range(2))
    np.testing.assert_array_equal(one.angles, other.angles)
    np.testing.assert_array_equal(one.upper, other.upper)


def test_noise_of_pixels_grows_with_their_signal_and_channels_keep_their_own():
    rng = np.random.default_rng(6)
    signal = rng.uniform(0.2, 1.8, 1000)
    signal /= signal.mean()
    of_channels = rng.uniform(0.5, 2.0, 60)
    residuals = rng.standard_normal((1000, 60)) * np.sqrt(signal[:, None] * of_channels)
    noise = EntryNoise.of(residuals, np.arange(1000), signal)
    np.testing.assert_allclose(noise.pixels, signal, rtol=0.2, atol=0.1)
    np.testing.assert_allclose(noise.channels, of_channels, rtol=0.3)
    assert noise.pattern(residuals, np.arange(1000)) == pytest.approx(1, abs=0.1)


@given(st.integers(0, 2**31))
def test_the_line_of_variances_is_that_of_non_negative_least_squares(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.random(20), np.abs(rng.standard_normal(20) + rng.uniform(-3, 3) * np.arange(20))
    expected = optimize.nnls(np.stack([np.ones(20), x], axis=1), y)[0]
    np.testing.assert_allclose(freedom._non_negative_line(x, y), expected, rtol=1e-6, atol=1e-9)


def test_a_missing_component_leaves_a_pattern():
    rng = np.random.default_rng(7)
    residuals = rng.standard_normal((500, 80)) + 3 * np.outer(rng.standard_normal(500), np.sin(np.arange(80)))
    noise = EntryNoise.of(residuals, np.arange(500), np.ones(500))
    assert noise.pattern(residuals, np.arange(500)) > 1.5


def test_missing_entries_do_not_change_the_noise():
    rng = np.random.default_rng(8)
    residuals = rng.standard_normal((800, 40))
    holes = np.where(rng.random(residuals.shape) < 0.3, np.nan, residuals)
    noise = EntryNoise.of(holes, np.arange(800), np.ones(800))
    np.testing.assert_allclose(noise.channels, 1, rtol=0.25)


def test_more_components_ask_for_more_moves():
    assert [most_moves(k) for k in (2, 3, 4, 5, 9)] == [1000, 1000, 4000, 16000, 64000]
