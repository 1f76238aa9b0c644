"""Number of spectral directions that two halves of the pixels confirm."""

from __future__ import annotations

import numpy as np
import pytest

from mffnb.component_count.counting import count_confirmed
from mffnb.component_count.directions import WhitenedSample
from mffnb.matrices import in_memory

PIXELS, CHANNELS = 1200, 60


def mixture(k, rng):
    """Unordered pixels of k materials."""
    return rng.dirichlet(np.full(k, 0.7), PIXELS) @ rng.random((k, CHANNELS)) ** 2


def counted(X, most=10, columns=None):
    sample = WhitenedSample.of(in_memory(X), np.ones(CHANNELS) if columns is None else columns)
    return count_confirmed(sample.held_out_variances(most))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("noise", ["even", "uneven", "counts", "neighbouring channels", "gain"])
def test_count_is_the_number_of_materials_for_every_noise(noise, seed):
    rng = np.random.default_rng(seed)
    k = 3 + seed
    mean, white = mixture(k, rng), rng.standard_normal((PIXELS, CHANNELS))
    if noise == "counts":
        X = rng.poisson(60 * mean).astype(float)
    elif noise == "gain":
        X = mean * rng.uniform(0.5, 2, (PIXELS, 1)) + 0.03 * white
    elif noise == "neighbouring channels":
        X = mean + 0.01 * (white + 0.5 * np.roll(white, 1, axis=1))
    else:
        X = mean + (0.03 if noise == "even" else 0.1 * rng.uniform(0.1, 2, CHANNELS)) * white
    found = counted(X)
    assert (found.sure, found.perhaps) == (k, k)


@pytest.mark.parametrize("seed", range(5))
def test_noise_alone_has_no_direction(seed):
    assert counted(np.random.default_rng(seed).standard_normal((PIXELS, CHANNELS))).sure is None


def test_noise_has_variance_one_along_the_directions_of_the_other_half():
    rng = np.random.default_rng(0)
    X = mixture(3, rng) + 0.05 * rng.standard_normal((PIXELS, CHANNELS))
    variances = WhitenedSample.of(in_memory(X), np.ones(CHANNELS)).held_out_variances(10)
    np.testing.assert_allclose(variances[3:], 1.0, atol=0.15)
    assert (variances[:3] > 2).all()


def sparse(rng, k=3, channels=400):
    """Counts of narrow lines, 0.06 in an entry, most of them in few channels."""
    lines = np.exp(-(((np.arange(channels) - channels * rng.random((k, 5, 1))) / 3) ** 2)).sum(axis=1)
    spectra = lines / lines.sum(axis=1, keepdims=True) + 0.3 / channels
    mean = rng.dirichlet(np.full(k, 0.7), PIXELS) @ spectra
    return rng.poisson(0.06 * mean / mean.mean()).astype(float)


@pytest.mark.parametrize("seed", range(3))
def test_channels_with_few_counts_are_summed_so_that_their_noise_has_no_direction(seed):
    X = sparse(np.random.default_rng(seed))
    sample = WhitenedSample.of(in_memory(X), np.ones(X.shape[1]))
    assert sample.rows.shape[1] < X.shape[1] / 2
    assert sample.factors.shape == (X.shape[1],)
    variances = sample.held_out_variances(10)
    np.testing.assert_allclose(variances[3:], 1.0, atol=0.12)
    assert count_confirmed(variances).limits == (3, 3)


def test_sums_of_channels_add_the_variances_of_given_factors():
    X = np.zeros((40, 200))  # too few pixels to predict a channel from the others
    X[:6] = 1.0
    columns = np.full(200, 0.5)
    columns[0] = 0.0
    sample = WhitenedSample.of(in_memory(X), columns)
    assert sample.rows.shape == (40, 50)  # 4 channels each, with the variance 4 where the factor is not 0
    np.testing.assert_allclose(sample.factors[[0, 3, 4, 199]], [12**-0.5, 12**-0.5, 0.25, 0.25])
    np.testing.assert_allclose(sample.rows[0], 4 * sample.factors[::4])


def test_exact_data_have_their_rank():
    assert counted(mixture(4, np.random.default_rng(0))).sure == 4


@pytest.mark.parametrize("X", [np.zeros((50, CHANNELS)), np.ones((50, CHANNELS)), np.eye(3, CHANNELS)])
def test_degenerate_data_give_no_number_above_their_rank(X):
    found = counted(X)
    assert found.sure is None or found.sure <= np.linalg.matrix_rank(X)


def test_given_factors_replace_a_prediction_from_too_few_pixels():
    rng = np.random.default_rng(0)
    X, columns = rng.random((CHANNELS, CHANNELS)), rng.random(CHANNELS) + 0.5
    np.testing.assert_array_equal(WhitenedSample.of(in_memory(X), columns).factors, columns)
