"""Streams of counts: partial_fit and mf.stream with similarity="kl" against the fit of all pixels."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from scipy import sparse

import mffnb as mf
from mffnb import MatrixFactorization
from mffnb.estimators import reservoir
from mffnb.estimators.count_sums import CountSums, solve_with_sample, spectra_of_sum_one
from mffnb.estimators.online import as_rows
from mffnb.geometry.matching import match, spectral_angles
from mffnb.problem.formulation import for_new_pixels
from mffnb.similarities import KullbackLeibler
from mffnb.solvers import Newton

K, CHANNELS, FRAME = 3, 24, 200


@pytest.fixture
def small_sample(monkeypatch):
    """Let the sample hold 1000 pixels only, so that short streams are longer than it."""
    monkeypatch.setattr(reservoir, "_MOST_ROWS", 1000)


def counts(frames, *, seed=0, mean=30.0, late=False):
    """Frames (pixels, channels) of Poisson counts of three components; the last one may appear half-way."""
    rng = np.random.default_rng(seed)
    centres = np.linspace(0.2, 0.8, K)[:, None] * CHANNELS
    E = np.exp(-0.5 * ((np.arange(CHANNELS) - centres) / (0.08 * CHANNELS)) ** 2) + 0.05
    E /= E.sum(axis=1, keepdims=True)
    A = rng.dirichlet(np.full(K, 0.3), (frames, FRAME))
    A[: frames // 2 if late else 0, :, -1] = 0.0
    return rng.poisson(mean * A @ E).astype(float)


def angle(one, other):
    return np.diag(spectral_angles(one, other[match(one, other)])).max()


def streamed(parts, **settings):
    model = MatrixFactorization(K, similarity="kl", random_state=0, **settings)
    for part in parts:
        model.partial_fit(part)
    return model


def batch(X, **settings):
    return MatrixFactorization(K, similarity="kl", random_state=0, **settings).fit(X.reshape(-1, CHANNELS))


def test_a_stream_of_counts_ends_at_the_fit_of_all_pixels(small_sample):
    frames = counts(25)
    whole = batch(frames)
    assert angle(whole.components_, batch(frames, tol=1e-6).components_) < 0.001  # the data determine the spectra
    model = streamed(frames)
    assert model.n_samples_seen_ == 25 * FRAME
    assert angle(whole.components_, model.components_) < 0.01
    alone = batch(model._stream._sample.rows)  # the sums of all pixels matter: a fit of the sample is further away
    assert angle(whole.components_, alone.components_) > 0.01
    partner = match(whole.components_, model.components_)
    A, B = whole.transform(frames[-1]), model.transform(frames[-1])[:, partner]  # in the same units
    assert np.abs(A - B).mean() < 0.02 * A.mean()


def with_gaps(frames):
    """The same frames: one in five is empty, and channels have no counts, or none at first."""
    frames = frames.copy()
    frames[::5], frames[:, :, :2], frames[:4, :, 12:15] = 0.0, 0.0, 0.0
    return frames


def exact(model, frames):
    return model._stream.after_more_passes(lambda: (as_rows(frame) for frame in frames)).spectra


def test_empty_frames_and_channels_without_counts(small_sample):
    frames = with_gaps(counts(25))
    assert angle(batch(frames).components_, streamed(frames).components_) < 0.015


def test_a_late_component_is_found(small_sample):
    """The endmembers then begin again at a fit of the sample, and more passes over the data correct them."""
    frames = with_gaps(counts(20, late=True))
    whole, model = batch(frames), streamed(frames)
    assert angle(whole.components_, model.components_) < 0.15
    assert angle(whole.components_, exact(model, frames)) < 0.015


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_longer_streams(seed, small_sample):
    frames, late = counts(100, seed=seed), with_gaps(counts(100, seed=seed, late=True))
    whole = batch(frames)
    for parts in (frames, frames[::-1]):
        assert angle(whole.components_, streamed(parts)._stream.ended().spectra) < 0.01
    assert angle(batch(late).components_, exact(streamed(late), late)) < 0.02  # of a sample of 1000 pixels


def test_storage_scale_zeros_and_missing_pixels_change_nothing(small_sample):
    frames = counts(6)
    expected = streamed(frames).components_
    holed = np.concatenate([frames, np.full((6, 7, CHANNELS), np.nan)], axis=1)
    for parts, factor in (
        ([sparse.csr_array(frame) for frame in frames], 1.0),
        (frames.astype(np.uint16), 1.0),
        (1000.0 * frames, 1000.0),
        (holed, 1.0),
    ):
        np.testing.assert_allclose(streamed(parts).components_, factor * expected, rtol=1e-3, atol=1e-4 * factor)
    dark = np.zeros((1, FRAME, CHANNELS))
    whole = batch(np.concatenate([dark, frames, dark]))
    assert angle(whole.components_, streamed([*dark, *frames, *dark]).components_) < 0.015


def test_missing_entries(small_sample):
    frames = counts(15)
    frames[np.random.default_rng(1).random(frames.shape) < 0.05] = np.nan
    assert angle(batch(frames).components_, streamed(frames).components_) < 0.015


def test_a_stream_of_counts_is_reproducible_and_survives_a_pickle(small_sample):
    one, other = streamed([]), streamed([])
    for frame in counts(6):
        one.partial_fit(frame)
        other = pickle.loads(pickle.dumps(other.partial_fit(frame)))
    np.testing.assert_array_equal(one.components_, other.components_)


def test_more_passes_over_the_image_correct_its_order(small_sample):
    """Pixels sorted by their brightest channel: the sums of the first pixels belong to wrong endmembers."""
    pixels = counts(15, seed=2).reshape(-1, CHANNELS)
    cube = pixels[np.argsort(pixels.argmax(axis=1), kind="stable")].reshape(15, 10, 20, CHANNELS)
    live = mf.stream(K, similarity="kl", random_state=0)
    for frame in cube:
        live.push(frame)
    whole = mf.unmix(cube, K, similarity="kl", random_state=0)
    before, after = (angle(whole.endmembers.values, live.result(*image).endmembers.values) for image in ((), (cube,)))
    assert after < 0.01
    assert after <= before
    result = live.result(cube)
    assert result.parameters["similarity"] == whole.parameters["similarity"]
    assert float(np.abs(result.abundances - whole.abundances).mean()) < 0.02


def test_the_exact_sums_lead_from_the_sample_towards_the_fit_of_all_pixels():
    X = counts(25).reshape(-1, CHANNELS)
    whole, part = spectra_of_sum_one(batch(X, tol=1e-6).components_), X[::5]
    E = spectra_of_sum_one(batch(part, tol=1e-6).components_)
    problems = [for_new_pixels(as_rows(rows), KullbackLeibler(), (), None, 1.0) for rows in (X, part)]
    A = np.full((K, len(X)), 10.0)
    for _ in range(50):
        Newton().update(A, problems[0].misfit.abundance_half(A, E))
    sums = CountSums.of(problems[0], A, E)
    found, after = solve_with_sample(problems[1], sums, E, np.ascontiguousarray(A[:, ::5]), 300)
    assert angle(whole, found) < 0.3 * angle(whole, E)
    stationary = spectra_of_sum_one(found * after.ratios / after.denominator)  # an EM step
    np.testing.assert_allclose(stationary, found, atol=1e-4)
    assert after.pixels == pytest.approx(len(X))
