"""The simulated catalyst: two crystals with their lattices, and windows whose shares are known."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.datasets import stem_catalyst
from mffnb.datasets.oxide_phases import M1, M2, reflections
from mffnb.geometry.abundances import non_negative
from mffnb.matrices import in_memory
from mffnb.preprocessing import SlidingFFT
from mffnb.selection import match, spectral_angles

FFT = SlidingFFT(size=300, step=60, zoom=4, log=False)
SIDE = 840
QUICK = {"shape": (256, 320), "fft": SlidingFFT(size=128, step=64, zoom=4, log=False)}


@pytest.fixture(scope="module")
def sample():
    return stem_catalyst(seed=0, shape=(SIDE, SIDE), fft=FFT)


def _windows(sample):
    stack = FFT.fit(sample.cube).transform(sample.cube)
    return stack.values.reshape(stack.shape[0] * stack.shape[1], -1).astype(np.float64)


def _relative(pixels, spectra):
    A = non_negative(in_memory(pixels), spectra)
    return np.linalg.norm(pixels - A.T @ spectra) / np.linalg.norm(pixels)


def test_dimensions_coordinates_and_units(sample):
    assert dict(sample.cube.sizes) == {"y": SIDE, "x": SIDE}
    assert sample.cube.dtype == np.float32
    assert sample.endmembers.dims == ("component", "ky", "kx")
    assert dict(sample.abundances.sizes) == {"component": 2, "y": 10, "x": 10}
    assert sample.cube.attrs["units"] == sample.endmembers.attrs["units"] == "counts"
    assert (sample.cube.x.attrs["units"], sample.endmembers.kx.attrs["units"]) == ("nm", "1/nm")
    assert sample.endmembers.component.values.tolist() == sample.abundances.component.values.tolist() == ["M1", "M2"]
    assert set(np.unique(sample.extra["phase"])) == {0, 1}
    assert float(sample.cube.mean()) == pytest.approx(30, rel=0.01)


def test_the_truth_has_the_form_of_a_result(sample):
    result = mf.unmix(sample.cube, 2, preprocess=[FFT], random_state=0, max_iter=3, tol=1.0)
    for name in ("endmembers", "abundances"):
        found, truth = getattr(result, name), getattr(sample, name)
        assert found.dims == truth.dims
        for dimension in found.dims[1:]:
            xr.testing.assert_allclose(found[dimension], truth[dimension])


def test_same_seed_same_image_other_seed_other_crystal():
    first, again, other = (stem_catalyst(seed=seed, **QUICK) for seed in (5, 5, 6))
    xr.testing.assert_identical(first.cube, again.cube)
    xr.testing.assert_identical(first.endmembers, again.endmembers)
    assert not np.array_equal(first.extra["phase"], other.extra["phase"])


def test_abundances_are_the_shares_of_the_windows(sample):
    np.testing.assert_allclose(sample.abundances.sum("component"), 1, rtol=1e-12)
    taper = FFT.taper() / FFT.taper().sum()
    for row, column in ((0, 0), (4, 5), (9, 3)):
        window = sample.extra["phase"].values[60 * row : 60 * row + 300, 60 * column : 60 * column + 300]
        expected = np.sum(taper * (window == 1))
        assert float(sample.abundances[1, row, column]) == pytest.approx(expected, abs=1e-12)


def test_lattices_are_the_published_ones(sample):
    assert M1.cell == (2.1134, 2.6658)
    assert M2.cell[0] / M2.cell[1] == pytest.approx(np.sqrt(3), rel=1e-4)
    assert len(M1.columns) == 44
    assert len(M2.columns) == 8
    for phase, pattern in zip((M1, M2), sample.endmembers, strict=True):
        spots = reflections(pattern)
        assert np.linalg.norm(spots - phase.nearest_reflection(spots), axis=1).max() < 0.02  # 1/nm


def test_columns_keep_their_distance_and_the_symmetry():
    for phase in (M1, M2):
        sites = np.array(phase.columns)[:, :2]
        apart = sites[:, None] - sites
        apart -= np.round(apart)
        distance = np.linalg.norm(apart * phase.cell, axis=2)[np.triu_indices(len(sites), 1)]
        assert distance.min() > 0.3
    odd = [np.abs(np.exp(2j * np.pi * h * np.array(M1.columns)[:, 0]) @ np.array(M1.columns)[:, 2]) for h in (1, 3, 5)]
    assert max(odd) < 1e-9  # the glide planes extinguish h00 with odd h


def test_scan_noise_thickness_and_electrons_do_what_they_say():
    calm, shaken = (stem_catalyst(seed=1, scan_noise=noise, counts=3e3, **QUICK).cube for noise in (0.0, 0.03))
    jump = [float(abs(image.diff("y")).mean() / image.mean()) for image in (calm, shaken)]
    assert jump[1] > 1.2 * jump[0]
    flat, steep = (stem_catalyst(seed=1, gradient=gradient, **QUICK).cube for gradient in (0.0, 1.5))
    blocks = [image.coarsen(y=64, x=64).mean() for image in (flat, steep)]
    assert float(blocks[1].std()) > 3 * float(blocks[0].std())


def test_report(sample):
    E = sample.endmembers.values.reshape(2, -1).astype(np.float64)
    angle = np.degrees(spectral_angles(E, E))[0, 1]
    shares = sample.abundances.values.reshape(2, -1)
    X, pure = _windows(sample), shares > 0.999
    # How far pure windows are from their own mean, thickness apart, is speckle: no model could do better.
    noise = np.sqrt(np.mean([_relative(X[one], X[one].mean(axis=0, keepdims=True)) ** 2 for one in pure]))
    fits = _relative(X[pure.any(axis=0)], E), _relative(X[shares.max(axis=0) < 0.9], E)
    logging.getLogger(__name__).info(
        "angle between endmembers %.1f degrees, %.0f %% pure windows, fit with the true spectra / noise "
        "%.2f in pure windows, %.2f at the interface",
        angle,
        100 * np.mean(shares.max(axis=0) > 0.95),
        fits[0] / noise,
        fits[1] / noise,
    )
    assert 60 < angle < 88
    assert 0.4 < np.mean(shares.max(axis=0) > 0.95) < 0.9
    assert fits[0] < 1.15 * noise


def test_phases_are_recovered(sample):
    result = mf.unmix(sample.cube, 2, preprocess=[FFT], random_state=0)
    found, truth = (one.endmembers.values.reshape(2, -1) for one in (result, sample))
    order = match(truth, found)
    strength = np.linalg.norm(found[order], axis=1) / np.linalg.norm(truth, axis=1)
    maps = result.abundances.values[order] * strength[:, None, None]
    outside = sample.abundances.values.max(axis=0) > 0.9
    agree = maps.argmax(axis=0) == sample.abundances.values.argmax(axis=0)
    assert agree[outside].mean() >= 0.95
    for phase, number in zip((M1, M2), order, strict=True):
        spots = reflections(result.endmembers[int(number)])
        lengths = [np.linalg.norm(one, axis=1) for one in (spots, phase.nearest_reflection(spots))]
        assert np.abs(lengths[0] / lengths[1] - 1).max() < 0.02


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"shape": (255, 400)}, "at least 256"),
        ({"shape": (300, 400)}, "does not fit"),
        ({"counts": 0.0}, "counts must be positive"),
        ({"gradient": 2.0}, "gradient"),
        ({"scan_noise": -1.0}, "scan_noise"),
    ],
)
def test_what_cannot_be(wrong, message):
    with pytest.raises(ValueError, match=message):
        stem_catalyst(**wrong)
