"""Directions that are tilts, shifts or products of others are not counted as materials; materials are."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from mffnb.component_count.counting import count_variations
from mffnb.component_count.variation import Variations, signal_images
from mffnb.matrices import in_memory

SHAPE, CHANNELS = (30, 36), 80
X_AXIS = np.linspace(0, 1, CHANNELS)


def spectra(k, rng, shift=0.0):
    """Functions of a shift, so that all spectra of one draw are alike but for it."""
    centres, widths, heights = rng.random((k, 4, 1)), rng.uniform(0.03, 0.12, (k, 4, 1)), rng.random((k, 4, 1))
    return 0.05 + (heights * np.exp(-(((X_AXIS + shift - centres) / widths) ** 2))).sum(1)


def fractions(k, rng):
    return rng.dirichlet(np.full(k, 0.7), SHAPE[0] * SHAPE[1])


def counted(X, directions, *, ordered=True):
    matrix = in_memory(X)
    found = Variations.of(matrix, signal_images(matrix, np.ones(CHANNELS), directions, 0), ordered=ordered)
    names = {"tilt": "t", "plain": "t", "shift": "s", "curve": "c", "straight": "c"}
    return count_variations(xr.Dataset({name: (dim, getattr(found, name)) for name, dim in names.items()}))


def noisy(X, rng):
    return X + 0.005 * rng.standard_normal(X.shape)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("k", [2, 3, 5])
def test_materials_are_no_variations_of_each_other(k, seed):
    rng = np.random.default_rng(seed)
    X = noisy(fractions(k, rng) @ spectra(k, rng), rng)
    assert counted(X, k).perhaps == 0


@pytest.mark.parametrize("seed", range(3))
def test_a_tilted_spectrum_is_one_material(seed):
    rng = np.random.default_rng(seed)
    A, E = fractions(3, rng), spectra(3, rng)
    amount = 0.2 * rng.standard_normal((len(A), 1))
    X = noisy(A @ E + A[:, :1] * amount * E[0] * (2 * X_AXIS - 1), rng)
    found = counted(X, 4)
    assert (found.sure, found.perhaps) == (1, 1)
    assert "tilted" in found.reason
    assert counted(X, 4, ordered=False).sure == 0, "channels without an order have no tilt"


@pytest.mark.parametrize("seed", range(3))
def test_tilts_of_all_materials_are_counted(seed):
    rng = np.random.default_rng(seed)
    A, E = fractions(3, rng), spectra(3, rng)
    amount = 0.2 * rng.standard_normal((len(A), 1))
    assert counted(noisy((A @ E) * (1 + amount * (2 * X_AXIS - 1)), rng), 6).sure == 3


@pytest.mark.parametrize("seed", range(3))
def test_a_shifted_spectrum_is_one_material(seed):
    rng = np.random.default_rng(seed)
    A = fractions(3, rng)
    E, ahead, behind = (spectra(3, np.random.default_rng(seed), shift) for shift in (0, 0.005, -0.005))
    amount = rng.standard_normal((len(A), 1))
    X = noisy(A @ E + A[:, :1] * amount * (ahead[0] - behind[0]) / 2, rng)
    found = counted(X, 4)
    assert found.perhaps >= 1
    assert "shifted" in found.reason


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("gain", [False, True])
def test_bilinear_mixing_may_be_no_further_material(seed, gain):
    rng = np.random.default_rng(seed)
    A, E = fractions(2, rng), spectra(2, rng)
    X = A @ E + A[:, :1] * A[:, 1:] * rng.random(CHANNELS)
    X = X * rng.uniform(0.7, 1.4, (len(X), 1)) if gain else X
    found = counted(noisy(X, rng), 3)
    assert (found.sure, found.perhaps) == (0, 1)
    assert "product" in found.reason


@pytest.mark.parametrize("X", [np.zeros((40, CHANNELS)), np.ones((40, CHANNELS))])
def test_degenerate_data_have_no_variation(X):
    matrix = in_memory(X)
    found = Variations.of(matrix, np.linalg.qr(np.random.default_rng(0).random((40, 2)))[0].T, ordered=True)
    assert not (found.tilt < 2).any()
    assert not (found.shift < 2).any()
