"""Number of spatially correlated images above the noise (spatial autocorrelation)."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from mffnb.geometry.coherence import SpatialImages
from mffnb.graphs import grid
from mffnb.matrices import in_memory
from mffnb.selection import independent_images

SHAPE = (24, 30)


def smooth_maps(k, rng):
    """Positive maps (k, pixels), each a Gaussian peak at a random position."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    centres = rng.random((k, 2)) * SHAPE
    maps = [np.exp(-((y - a) ** 2 + (x - b) ** 2) / 2 / 5.0**2) + 0.05 for a, b in centres]
    return np.stack(maps).reshape(k, -1)


def counted(X, most=10, graph=None):
    """Number of images that certainly, and that possibly, exceed the noise level."""
    ratios = independent_images(in_memory(X), graph or grid(SHAPE), most, 0)
    return int((ratios > 2).sum()), int((ratios > 1.2).sum())


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("noise", ["even", "uneven", "counts", "of the pixel"])
def test_count_equals_the_number_of_components_for_every_noise_model(noise, seed):
    rng = np.random.default_rng(seed)
    k, channels = 2 + seed, 60
    mean = smooth_maps(k, rng).T @ rng.random((k, channels)) ** 3
    if noise == "counts":
        X = rng.poisson(30 * mean).astype(float)
    else:
        size = {"even": 0.1, "uneven": 0.02 + 0.5 * rng.random(channels), "of the pixel": 0.2 * mean}[noise]
        X = mean + size * rng.standard_normal(mean.shape)
    assert counted(X) == (k, k)


@pytest.mark.parametrize("seed", range(5))
def test_pure_noise_gives_no_image(seed):
    X = np.random.default_rng(seed).standard_normal((SHAPE[0] * SHAPE[1], 80))
    assert counted(X)[0] == 0


def test_alternating_stripes_do_not_change_the_count():
    rng = np.random.default_rng(0)
    X = smooth_maps(3, rng).T @ rng.random((3, 50)) + 0.05 * rng.standard_normal((SHAPE[0] * SHAPE[1], 50))
    stripes = np.where(np.arange(SHAPE[1]) % 2, 1.0, -1.0) * np.ones((SHAPE[0], 1))
    # Alternating lines give one strongly negative autocorrelation, far below the symmetric noise values.
    assert counted(X + stripes.reshape(-1, 1) * 0.3 * rng.random(50))[0] == 3


def test_count_with_masked_pixels_and_empty_channels():
    rng = np.random.default_rng(0)
    mask = rng.random(SHAPE) < 0.8
    X = smooth_maps(3, rng).T @ rng.random((3, 40)) + 0.05 * rng.standard_normal((mask.size, 40))
    X[:, :5] = 0
    assert counted(X[mask.ravel()], graph=grid(SHAPE, mask)) == (3, 3)


def test_count_without_noise():
    rng = np.random.default_rng(0)
    X = smooth_maps(4, rng).T @ rng.random((4, 40))
    assert counted(X) == (4, 4)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("width", [0.6, 0.9])
def test_noise_that_neighbours_share_is_not_counted(width, seed):
    rng = np.random.default_rng(seed)
    noise = gaussian_filter(rng.standard_normal((*SHAPE, 60)), (width, width, 0)).reshape(-1, 60)
    X = smooth_maps(2 + seed, rng).T @ rng.random((2 + seed, 60)) ** 2
    sure, perhaps = counted(X + 0.02 * noise / noise.std())
    assert sure <= 2 + seed <= perhaps <= 3 + seed
    assert counted(noise)[0] <= 1


def test_centre_of_white_noise_is_zero():
    rng = np.random.default_rng(0)
    X = smooth_maps(3, rng).T @ rng.random((3, 60)) + 0.05 * rng.standard_normal((SHAPE[0] * SHAPE[1], 60))
    assert SpatialImages.of(in_memory(X), grid(SHAPE), 10).centre == 0.0
