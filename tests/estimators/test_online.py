"""Streams of pixels: partial_fit against the fit of all pixels, in constant memory."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from scipy import sparse

from mffnb import (
    Bounds,
    Fixed,
    MatrixFactorization,
    MinimumVolume,
    Orthogonal,
    Pinned,
    Ridge,
    Simplex,
    Smoothness,
    Sparsity,
    SpectralSmoothness,
)
from mffnb.errors import UnsupportedCombinationError
from mffnb.estimators import reservoir
from mffnb.estimators.reservoir import Reservoir
from mffnb.geometry.matching import match, spectral_angles

K, CHANNELS, FRAME = 3, 40, 300


@pytest.fixture
def small_sample(monkeypatch):
    """Let the sample hold 1000 pixels only, so that short streams are longer than it."""
    monkeypatch.setattr(reservoir, "_MOST_ROWS", 1000)


def frames(count, *, seed=0, noise=0.02, late=False):
    """Frames (pixels, channels) of a movie in which the mixtures drift; a late component appears half-way."""
    rng = np.random.default_rng(seed)
    centres = np.linspace(0.2, 0.8, K)[:, None] * CHANNELS
    E = np.exp(-0.5 * ((np.arange(CHANNELS) - centres) / (0.08 * CHANNELS)) ** 2) + 0.05
    for number in range(count):
        share = np.full(K, 0.4)
        share[-1] = 1e-3 if late and number < count / 2 else 0.4
        A = rng.dirichlet(share, FRAME)
        yield np.maximum(A @ E + noise * rng.standard_normal((FRAME, CHANNELS)), 0.0)


def angles(one, other):
    return np.diag(spectral_angles(one, other[match(one, other)]))


MODELS = {
    "L1": {"abundance_terms": [Sparsity(1e-3)]},
    "volume": {"abundance_terms": [Simplex()], "endmember_terms": [MinimumVolume(1e-3)]},
    "gain": {"abundance_terms": [Simplex(gain=True)], "endmember_terms": [MinimumVolume(1e-3)]},
    "weights": {"abundance_terms": [Sparsity(1e-3)], "weights": np.linspace(1.0, 2.0, CHANNELS)[None]},
}


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_a_stream_ends_at_the_fit_of_all_pixels(name, late, small_sample):
    movie = list(frames(40, late=late))
    model = MatrixFactorization(K, random_state=0, **MODELS[name])
    for frame in movie:
        model.partial_fit(frame)
    whole = MatrixFactorization(K, random_state=0, **MODELS[name]).fit(np.concatenate(movie))
    assert model.n_samples_seen_ == 40 * FRAME
    assert angles(whole.components_, model.components_).max() < 0.01
    partner = match(whole.components_, model.components_)
    # abundances of new pixels, in the same units
    A, B = whole.transform(movie[-1]), model.transform(movie[-1])[:, partner]
    assert np.abs(A - B).mean() < 0.01 * np.abs(A).mean() + (0.01 if late else 0.0)


@pytest.mark.parametrize("name", MODELS)
def test_components_keep_their_numbers(name, small_sample):
    model, before = MatrixFactorization(K, random_state=0, **MODELS[name]), None
    for frame in frames(30, late=True, seed=1):
        model.partial_fit(frame)
        if before is not None:
            np.testing.assert_array_equal(match(before, model.components_), np.arange(K))
        before = model.components_


@pytest.mark.parametrize(
    "terms",
    [
        {"endmember_terms": [SpectralSmoothness(1e-3)]},
        {"abundance_terms": [Ridge(1e-3)], "endmember_terms": [Ridge(1e-3)]},
        {"abundance_terms": [Bounds(0.0, 0.9)]},
        {"abundance_terms": [Orthogonal()]},
        {"endmember_terms": [Bounds(0.0, 1.2)]},
        {"solver": "pivoting"},
        {"solver": "proximal", "abundance_terms": [Sparsity(1e-3)]},
        {"init": "nndsvd"},
    ],
)
def test_a_stream_fits_as_well_as_the_fit_of_all_pixels(terms, small_sample):
    """Where angles are not determined by the data, the misfit of all pixels is."""
    movie = list(frames(15))
    X = np.concatenate(movie)
    model = MatrixFactorization(K, random_state=0, **terms)
    for frame in movie:
        model.partial_fit(frame)
    whole = MatrixFactorization(K, random_state=0, **terms)
    whole.fit(X)
    errors = [np.linalg.norm(X - one.inverse_transform(one.transform(X))) for one in (model, whole)]
    assert errors[0] < 1.002 * errors[1]


def test_known_endmembers_stay_as_given(small_sample):
    movie = list(frames(6))
    known = MatrixFactorization(K, abundance_terms=[Sparsity(1e-3)], random_state=0).fit(movie[0]).components_[1:2]
    model = MatrixFactorization(K, endmember_terms=[Pinned(known)], random_state=0)
    for frame in movie:
        model.partial_fit(frame)
        np.testing.assert_allclose(model.components_[0], known[0], rtol=1e-12)


def test_batches_of_any_size_and_storage_agree(small_sample):
    X = np.round(100 * np.concatenate(list(frames(12, noise=0.0))))
    fits = []
    for parts in (
        np.array_split(X, 12),
        np.array_split(X.astype(np.float32), 7),
        np.array_split(X.astype(np.uint16), 12),
        [sparse.csr_array(part) for part in np.array_split(X, 12)],
        [X[:1], X[1:3], *np.array_split(X[3:], 12)],
    ):
        model = MatrixFactorization(K, abundance_terms=[Sparsity(1e-3)], random_state=0)
        for part in parts:
            before = part.copy()
            model.partial_fit(part)
            assert (before != part).sum() == 0
        fits.append(model.components_)
    for one in fits[1:]:
        assert angles(fits[0], one).max() < 0.01


def test_missing_entries_and_pixels(small_sample):
    movie = list(frames(16))
    rng = np.random.default_rng(1)
    model = MatrixFactorization(K, abundance_terms=[Sparsity(1e-3)], random_state=0)
    for number, frame in enumerate(movie):
        holed = np.where(rng.random(frame.shape) < 0.1, np.nan, frame)
        holed[:5] = np.nan
        holed[:, 7] = np.nan  # no data in this channel so far
        if number == 3:
            holed[:] = np.nan
        model.partial_fit(holed)
        assert np.isnan(model.components_).sum() == K
    whole = MatrixFactorization(K, abundance_terms=[Sparsity(1e-3)], random_state=0).fit(np.concatenate(movie))
    seen = np.arange(CHANNELS) != 7
    assert model.n_samples_seen_ == 15 * (FRAME - 5)
    assert angles(whole.components_[:, seen], model.components_[:, seen]).max() < 0.02
    model.partial_fit(movie[0])  # the channel has data now
    assert np.isfinite(model.components_).all()


def test_the_sample_of_a_stream_is_bounded_and_uniform():
    sample = Reservoir(seed=3)
    for start in range(0, 100_000, 1000):
        rows = np.arange(start, start + 1000.0)[:, None]
        sample.add(rows, rows)
    assert sample.rows.shape == (2**14, 1)
    np.testing.assert_array_equal(sample.rows, sample.abundances)
    assert len(np.unique(sample.rows)) == 2**14
    parts = np.histogram(sample.rows, bins=10, range=(0, 100_000))[0]
    assert np.abs(parts - 1638.4).max() < 5 * np.sqrt(1638.4)
    wide = Reservoir(seed=0)
    wide.add(np.ones((600, 20_000)), np.ones((600, 1)))
    assert wide.rows.nbytes <= 256 * 20_000 * 8


def test_a_stream_is_reproducible_and_survives_a_pickle():
    movie = list(frames(6))
    one, other = (MatrixFactorization(K, random_state=5) for _ in range(2))
    for frame in movie:
        one.partial_fit(frame)
        other = pickle.loads(pickle.dumps(other.partial_fit(frame)))
    np.testing.assert_array_equal(one.components_, other.components_)


def test_fit_ends_a_stream_and_partial_fit_begins_another():
    first, second = frames(2)
    model = MatrixFactorization(K, random_state=0).partial_fit(first)
    model.fit(second)
    np.testing.assert_array_equal(model.components_, MatrixFactorization(K, random_state=0).fit(second).components_)
    assert model.partial_fit(first).n_samples_seen_ == len(first)
    with pytest.raises(ValueError, match="40 features"):
        model.partial_fit(first[:, 1:])


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"similarity": "angle"}, "SpectralAngle needs all pixels at once.*frobenius"),
        ({"similarity": "kl", "abundance_terms": [Sparsity(1e-3)]}, "Sparsity was given: leave it out"),
        ({"similarity": "kl", "weights": np.ones((1, CHANNELS))}, "weights was given: leave it out"),
        ({"transform": "logistic"}, "transform needs all pixels"),
        ({"abundance_terms": [Smoothness(1e-3, "grid")]}, "Smoothness refers to the pixels of one image"),
        ({"abundance_terms": [Fixed(0, np.zeros(FRAME))]}, "Fixed refers to the pixels"),
        ({"weights": "poisson"}, "weights of channels only"),
        ({"weights": np.ones((FRAME, 1))}, "weights of channels only"),
    ],
)
def test_settings_that_need_all_pixels_are_refused(settings, reason):
    with pytest.raises(UnsupportedCombinationError, match=reason):
        MatrixFactorization(K, **settings).partial_fit(next(frames(1)))


def test_a_stream_of_zeros_begins_when_there_are_data():
    model = MatrixFactorization(K, random_state=0)
    movie = [np.zeros((50, CHANNELS)), *frames(4)]
    for frame in movie:
        model.partial_fit(frame)
    whole = MatrixFactorization(K, random_state=0).fit(np.concatenate(movie))
    assert angles(whole.components_, model.components_).max() < 0.05
