"""Pure-pixel finders, groups, simplices and archetypes as starts."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import nnls

from mffnb import geometry
from mffnb.geometry import NFINDR, SISAL, SPA, VCA, Archetypal, Facets, KMeans
from mffnb.geometry.abundances import fully_constrained, non_negative
from mffnb.geometry.clusters import group_means
from mffnb.geometry.pure_pixels import maximise_simplex_volume
from tests.depth import examples

from .scenes import angles, matrix, scene, smooth_spectra

FINDERS = [SPA(), VCA(), NFINDR()]
LISTED = [*FINDERS, KMeans(), SISAL(), Facets(), Archetypal(restarts=3, rounds=20)]
_classes = [getattr(geometry, name) for name in geometry.__all__]
FOUND = [one() for one in _classes if hasattr(one, "start") and one not in {*map(type, LISTED)}]
STARTS = [*LISTED, *FOUND]


def name(start):
    return type(start).__name__


@pytest.mark.parametrize("start", FINDERS, ids=name)
@examples(15)
@given(components=st.integers(1, 5), seed=st.integers(0, 10**6))
def test_finders_recover_planted_pure_pixels(start, components, seed):
    spectra = smooth_spectra(components, 30, seed)
    if np.linalg.svd(spectra, compute_uv=False)[-1] < 0.02:
        return
    rng = np.random.default_rng(seed)
    fractions = rng.dirichlet(np.ones(components), 50)
    fractions = np.vstack([fractions * 0.9 + 0.1 / components, np.eye(components)])
    X = rng.permutation(fractions) @ spectra
    A, E = start.start(matrix(X), components, seed)
    assert angles(spectra, E).max() < 1e-6
    np.testing.assert_allclose(A.T @ E, X, atol=1e-6)


def test_vca_does_not_mind_a_gain():
    X, spectra, _ = scene(noise=0.0, gain=0.5)
    X = np.vstack([X, 0.3 * spectra])
    assert angles(spectra, VCA().start(matrix(X), 3, 0)[1]).max() < 1e-6


def test_nfindr_finds_the_largest_simplex():
    rng = np.random.default_rng(3)
    points = np.vstack([rng.standard_normal((2, 14)), np.ones(14)])
    chosen = maximise_simplex_volume(points, np.array([0, 1, 2]), 20)
    volume = abs(np.linalg.det(points[:, chosen]))
    every = [abs(np.linalg.det(points[:, list(three)])) for three in itertools.combinations(range(14), 3)]
    one_exchange = [
        abs(np.linalg.det(points[:, np.where(np.arange(3) == j, pixel, chosen)]))
        for j in range(3)
        for pixel in range(14)
    ]
    assert volume >= max(one_exchange) * (1 - 1e-12)
    assert volume > np.median(every)


def test_groups_are_found():
    rng = np.random.default_rng(0)
    centres = np.array([[0.0, 0, 5], [0, 5, 0]])
    points = np.repeat(centres, 30, axis=1) + 0.1 * rng.standard_normal((2, 90))
    found = group_means(points, 3, seed=0)
    order = np.lexsort(found.round())
    expected = np.stack([points[:, 30 * j : 30 * j + 30].mean(axis=1) for j in range(3)], axis=1)
    np.testing.assert_allclose(found[:, order], expected[:, np.lexsort(expected.round())])


def test_facets_find_a_simplex_without_pure_pixels():
    X, spectra, _ = scene(4, 3000, noise=0.0, purest=0.8)
    _, E = Facets().start(matrix(X), 4, 0)
    assert angles(spectra, E).max() < 1e-3
    assert abs(np.sort(E.sum(axis=1)) - np.sort(spectra.sum(axis=1))).max() < 1e-2
    assert angles(spectra, SPA().start(matrix(X), 4, 0)[1]).mean() > 0.03  # where pure pixels are needed


@pytest.mark.parametrize("noise", [0.003, 0.01, 0.03])
def test_facets_are_better_than_extreme_pixels_in_noise(noise):
    X, spectra, _ = scene(3, 3000, noise=noise, purest=0.8)
    ours, others = (angles(spectra, start.start(matrix(X), 3, 0)[1]).mean() for start in (Facets(), NFINDR()))
    assert ours < others / 2


def test_sisal_finds_a_simplex_without_pure_pixels():
    X, spectra, _ = scene(3, 2000, noise=0.001, purest=0.8)
    assert angles(spectra, SISAL().start(matrix(X), 3, 0)[1]).max() < 0.03


def test_archetypes_are_pure_pixels_where_there_are_any():
    X, spectra, _ = scene(3, 500, noise=0.0, gain=0.3)
    X = np.vstack([X, *[np.repeat(0.7 * spectrum[None], 40, axis=0) for spectrum in spectra]])
    assert angles(spectra, Archetypal(restarts=8).start(matrix(X), 3, 0)[1]).mean() < 0.08


@pytest.mark.parametrize("start", STARTS, ids=name)
@pytest.mark.parametrize(
    ("X", "components"),
    [
        (scene(pixels=60)[0], 1),
        (scene(pixels=60, channels=3)[0], 3),
        (scene(pixels=3)[0], 3),
        (scene(pixels=60)[0] - 0.5, 3),
        (np.outer(np.arange(1.0, 20), np.arange(1.0, 8)), 3),
        (np.zeros((20, 5)), 2),
        (np.ones((20, 5)), 2),
        (np.repeat(np.eye(3), 10, axis=0), 3),
    ],
    ids=["one", "channels", "pixels", "negative", "rank one", "zero", "constant", "three points"],
)
def test_every_start_is_usable_and_repeatable(start, X, components):
    A, E = start.start(matrix(X), components, 5)
    assert A.shape == (components, len(X))
    assert E.shape == (components, X.shape[1])
    for factor in (A, E):
        assert np.all(np.isfinite(factor))
        assert factor.min() >= 0
        assert factor.flags.c_contiguous
    again = start.start(matrix(X), components, 5)
    np.testing.assert_array_equal(A, again[0])
    np.testing.assert_array_equal(E, again[1])


@pytest.mark.parametrize("start", LISTED, ids=name)
def test_too_many_endmembers_are_refused(start):
    with pytest.raises(ValueError, match="4 channels: request 4"):
        start.start(matrix(np.ones((20, 4))), 5, 0)
    with pytest.raises(ValueError, match="3 pixels: request 3"):
        start.start(matrix(np.ones((3, 8))), 5, 0)


def test_abundances_are_those_of_least_squares():
    X, spectra, _ = scene(4, 40, noise=0.1)
    A = non_negative(matrix(X), spectra)
    for i in range(len(X)):
        np.testing.assert_allclose(A[:, i], nnls(spectra.T, X[i])[0], atol=1e-5)
    heavy = 1e4
    A = fully_constrained(matrix(X), spectra)
    for i in range(len(X)):
        expected = nnls(np.vstack([spectra.T, np.full(4, heavy)]), np.append(X[i], heavy))[0]
        np.testing.assert_allclose(A[:, i], expected, atol=1e-5)
