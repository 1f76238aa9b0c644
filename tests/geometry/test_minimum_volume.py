"""The rule as a whole."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
from scipy import sparse

from mffnb.geometry import minimum_volume
from mffnb.geometry.compression import compress
from mffnb.geometry.facets import fit_noisy_simplex
from mffnb.geometry.inverted_simplex import fit_inverted_simplex
from mffnb.geometry.sisal import principal_axes
from mffnb.matrices import Chunked, Sparse
from tests.parallel.pretend import alone

from .scenes import angles, error_of_maps, matrix, scene


def check(found, X):
    """What holds of every answer."""
    assert np.all(np.isfinite(found.endmembers))
    assert found.endmembers.min() >= 0
    assert found.abundances.min() >= 0
    np.testing.assert_allclose(found.abundances.sum(axis=0), 1)
    assert (found.gain is None) == (found.model == "sum to one")
    if found.gain is not None:
        assert found.gain.min() >= 0
        assert found.gain.mean() == pytest.approx(1)
        highest = found.endmembers.max(axis=1)
        np.testing.assert_allclose(highest, highest[0])
    assert 0 <= found.disagreement <= np.pi / 2
    assert (found.alternative is None) == (found.disagreement == 0)


@pytest.mark.parametrize("gain", [0.0, 0.3])
@pytest.mark.parametrize(("components", "purest"), [(2, 1.0), (3, 0.85), pytest.param(4, 0.85, marks=pytest.mark.slow)])
def test_spectra_and_maps_are_found(components, purest, gain):
    # Two materials make a line, whose ends must be there; of three and more the borders tell where the corners are.
    X, spectra, fractions = scene(components, 1000, channels=60, gain=gain, purest=purest, seed=1)
    found = minimum_volume(matrix(X), components, seed=3)
    check(found, X)
    assert found.model == ("gain" if gain else "sum to one")
    assert angles(spectra, found.endmembers).mean() < 0.03
    if gain:  # fractions are told on the scale of equal maxima
        weighted = fractions * spectra.max(axis=1, keepdims=True)
        fractions = weighted / weighted.sum(axis=0)
    assert error_of_maps(spectra, fractions, found.endmembers, found.abundances) < 0.04
    gains = 1 if found.gain is None else found.gain
    residual = X - (gains * found.abundances).T @ found.endmembers
    assert np.sqrt(np.mean(residual**2)) < 0.0055  # of which 0.005 is noise


def test_starts_that_reach_one_minimum_agree_to_rounding():
    X = scene(4, 1500, channels=60, purest=0.9, seed=4)[0]
    data = compress(matrix(X), 30, 0)
    found = [fit_noisy_simplex(data, 4, seed) for seed in range(3)]
    for endmembers, objective in found[1:]:
        assert objective == pytest.approx(found[0][1], rel=1e-12)
        pairs = abs(endmembers[:, None] - found[0][0]).max(axis=2)
        np.testing.assert_allclose(pairs.min(axis=0), 0, atol=5e-7 * found[0][0].max())


def test_the_sign_of_principal_axes_is_fixed():
    points = np.random.default_rng(0).standard_normal((5, 60)) * np.arange(1, 6)[:, None]
    signs = [
        np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(4)])
        for axes in (principal_axes(points[order], 4)[1] for order in (slice(None), slice(None, None, -1)))
    ]
    assert np.all(np.array(signs) == 1)


@pytest.mark.parametrize("gain", [True, False])
def test_noise_free_data(gain):
    X, spectra, _ = scene(3, 800, noise=0.0, gain=0.3 * gain)
    found = minimum_volume(matrix(X), 3)
    check(found, X)
    assert (found.model == "gain") == gain
    assert angles(spectra, found.endmembers).mean() < 0.01


def test_same_seed_same_answer():
    for gain in (0.0, 0.3):
        X = scene(3, 300, gain=gain)[0]
        one, two = (minimum_volume(matrix(X), 3, seed=7) for _ in range(2))
        np.testing.assert_array_equal(one.endmembers, two.endmembers)
        np.testing.assert_array_equal(one.abundances, two.abundances)
        assert one.disagreement == two.disagreement
        assert one.candidates == two.candidates


@pytest.mark.parametrize("gain", [None, False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("X", "components"),
    [
        (scene(pixels=100)[0], 1),
        (scene(pixels=100, channels=3)[0], 3),
        (scene(pixels=9)[0], 3),
        (scene(pixels=100)[0] - 0.5, 3),
        (scene(pixels=100)[0], 6),
        (np.outer(np.arange(1.0, 20), np.arange(1.0, 8)), 2),
        (np.ones((50, 5)), 2),
        (1e-100 * scene(pixels=100, gain=0.3)[0], 3),
        (1e100 * scene(pixels=100, gain=0.3)[0], 3),
    ],
    ids=["one", "channels", "few pixels", "negative", "more than there are", "rank one", "constant", "tiny", "huge"],
)
def test_hard_inputs(X, components, gain):
    found = minimum_volume(matrix(X), components, gain=gain)
    check(found, X)
    assert gain is None or (found.gain is not None) == gain


@pytest.mark.parametrize("gain", [True, False])
def test_pixels_and_channels_that_are_zero(gain):
    X, spectra, _ = scene(3, 600, noise=0.001, gain=0.3 * gain)
    X[::5] = 0
    X[:, 7] = spectra[:, 7] = 0
    found = minimum_volume(matrix(X), 3, gain=gain)
    check(found, X)
    if gain:
        assert angles(spectra, found.endmembers).mean() < 0.03
        np.testing.assert_array_equal(found.gain[::5], 0)


def test_where_the_data_live_does_not_matter():
    counts = np.random.default_rng(0).poisson(40 * scene(3, 600, noise=0.0)[0])
    dense = minimum_volume(matrix(counts), 3)
    assert dense.counts
    held = Sparse(sparse.csr_array(counts.astype(np.float64)))
    for other in (held, Chunked(counts.astype(np.uint16), band_bytes=10_000)):
        found = minimum_volume(other, 3)
        np.testing.assert_allclose(found.endmembers, dense.endmembers, atol=1e-4 * dense.endmembers.max())


def test_what_cannot_be_done_is_said():
    X = scene(pixels=8)[0]
    with pytest.raises(ValueError, match=r"n_samples = 8 pixels are too few.*request 2"):
        minimum_volume(matrix(X), 3)
    with pytest.raises(ValueError, match="40 channels"):
        minimum_volume(matrix(np.ones((200, 40))), 41)
    with pytest.raises(ValueError, match="zero everywhere"):
        minimum_volume(matrix(np.zeros((20, 4))), 2)
    with pytest.raises(ValueError, match="one process"):
        minimum_volume(alone(matrix(X), size=2), 2)


@pytest.mark.parametrize("after", [1, 4, 60])
@pytest.mark.parametrize("how", ["true", "interrupt"])
def test_stopping_keeps_the_best_so_far(after, how):
    X = scene(3, 300, gain=0.3)[0]
    seen = []

    def callback(progress):
        seen.append(progress)
        if len(seen) == after and how == "interrupt":
            raise KeyboardInterrupt
        return len(seen) == after

    found = minimum_volume(matrix(X), 3, callback=callback)
    check(found, X)
    assert found.stopped
    assert len(seen) == len(found.trace) == after
    best = min(step.objective for step in seen if step.weight == seen[-1].weight)
    assert found.objective == best


def test_two_answers_that_fit_as_well_are_both_told():
    # Five corners asked of three materials: where the others lie is anybody's guess, and now and then two guesses show.
    scenes = [matrix(scene(3, 600, noise=0.01, seed=seed)[0]) for seed in range(8)]
    doubtful = max((minimum_volume(X, 5, gain=False) for X in scenes), key=lambda found: found.disagreement)
    assert doubtful.disagreement > 0.1
    assert doubtful.alternative.shape == doubtful.endmembers.shape
    assert max(minimum_volume(X, 3, gain=False).disagreement for X in scenes) < 0.02


@pytest.mark.data("Samson.mat")
def test_samson():
    from mffnb.datasets import samson

    sample = samson()
    truth, X = sample.endmembers.values, sample.cube.values.reshape(-1, 156)
    found = minimum_volume(matrix(X), 3, seed=0)
    check(found, X)
    assert found.model == "gain"
    assert angles(truth, found.endmembers).mean() <= 0.035
    fractions = sample.abundances.values.reshape(3, -1)
    assert error_of_maps(truth, fractions, found.endmembers, found.abundances) <= 0.035
    assert found.disagreement < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("gain", [0.0, 0.3])
def test_where_no_pixel_is_pure_enough_the_truth_is_the_other_answer(gain):
    # Fractions of three up to 0.6 fill a hexagon, around which the inverted triangle is the smaller one.
    rng = np.random.default_rng(0)
    fractions = rng.dirichlet([1, 1, 1], 20000)
    fractions = fractions[fractions.max(axis=1) < 0.6][:2000]
    spectra = 0.2 + rng.random((3, 40))
    gains = np.exp(gain * rng.standard_normal((len(fractions), 1)))
    X = gains * (fractions @ spectra) + 1e-3 * rng.standard_normal((len(fractions), 40))
    found = minimum_volume(matrix(X), 3)
    assert angles(spectra, found.endmembers).mean() > 0.1
    assert found.disagreement > 0.1
    assert angles(spectra, found.alternative).mean() < 0.05


def test_an_interrupt_while_others_are_compared_loses_nothing(monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    X = scene()[0]
    whole = minimum_volume(matrix(X), 3, gain=False)
    module = importlib.import_module("mffnb.geometry.minimum_volume")  # the package has the function of that name
    monkeypatch.setattr(module, "_disagreement", interrupted)
    found = minimum_volume(matrix(X), 3, gain=False)
    assert found.stopped
    np.testing.assert_array_equal(found.endmembers, whole.endmembers)


def test_endmembers_that_coincide_have_no_inverted_simplex():
    """Counts of a few events a pixel gave two equal endmembers, and the search ended in an error of linear algebra."""
    X, spectra, _ = scene(3, 300, channels=20, gain=0.0, purest=0.85, seed=0)
    data = compress(matrix(X), 5, 0)
    assert fit_inverted_simplex(data, spectra[[0, 1, 1]], 0) is None
