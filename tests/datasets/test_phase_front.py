"""The simulated movie: a front whose position is known, two lattices, and windows whose shares are known."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.datasets import stem_movie
from mffnb.datasets.oxide_phases import reflections
from mffnb.datasets.phase_front import HEXAGONAL, MOVIE_WINDOW, SQUARE
from mffnb.selection import match, spectral_angles

QUICK = {"frames": 3, "shape": (96, 160)}


@pytest.fixture(scope="module")
def sample():
    return stem_movie(seed=0, frames=4, shape=(96, 240))


def test_dimensions_coordinates_and_units(sample):
    assert dict(sample.cube.sizes) == {"time": 4, "y": 96, "x": 240}
    assert sample.cube.dtype == np.float32
    assert sample.abundances.dims == ("component", "time", "y", "x")
    assert sample.endmembers.dims == ("component", "ky", "kx")
    assert (sample.cube.time.attrs["units"], sample.cube.x.attrs["units"]) == ("s", "nm")
    assert (sample.endmembers.attrs["units"], sample.endmembers.kx.attrs["units"]) == ("counts", "1/nm")
    assert float(sample.cube.mean()) == pytest.approx(3, rel=0.01)


def test_same_seed_same_movie_other_seed_other_movie():
    first, again, other = (stem_movie(seed=seed, **QUICK) for seed in (5, 5, 6))
    xr.testing.assert_identical(first.cube, again.cube)
    xr.testing.assert_identical(first.endmembers, again.endmembers)
    assert not np.array_equal(first.extra["front"], other.extra["front"])


def test_the_front_follows_the_square_root_of_time(sample):
    mean = sample.extra["front"].mean("y")
    drift = 4 * 0.03 * 2  # nm, several steps of the drift
    expected = 240 * 0.025 * (0.2 + 0.6 * np.sqrt(np.arange(4) / 3))
    np.testing.assert_allclose(mean - mean[0], expected - expected[0], atol=drift)
    phase = sample.extra["phase"]
    covered = 0.025 * phase.sum("x")
    np.testing.assert_allclose(covered, sample.extra["front"], atol=0.026)


def test_shares_sum_to_one_and_follow_the_phase(sample):
    np.testing.assert_allclose(sample.abundances.sum("component"), 1, rtol=1e-12)
    taper = MOVIE_WINDOW.taper() / MOVIE_WINDOW.taper().sum()
    window = sample.extra["phase"].values[2, 12:84, 60:132]
    assert float(sample.abundances[1, 2, 1, 5]) == pytest.approx(float((taper * window).sum()), abs=1e-12)


def test_endmembers_have_the_reflections_of_their_lattice(sample):
    for phase, pattern in zip((SQUARE, HEXAGONAL), sample.endmembers, strict=True):
        spots = reflections(pattern, 4)
        assert (
            np.linalg.norm(spots - phase.nearest_reflection(spots), axis=1).max() < 0.15
        )  # 1/nm, a fifth of 1 / 1.8 nm
    assert spectral_angles(*[sample.endmembers.values.reshape(2, -1)] * 2)[0, 1] > 0.9


def test_the_atoms_are_the_same_in_all_frames():
    """Far behind the front two frames differ by drift and noise only."""
    movie = stem_movie(seed=1, counts=1e3, scan_noise=0.0, **QUICK).cube.values[:, :, 120:]
    a, b = movie[0] - movie[0].mean(), movie[1] - movie[1].mean()
    correlation = np.fft.ifft2(np.fft.fft2(a).conj() * np.fft.fft2(b)).real.max() / np.sqrt((a**2).sum() * (b**2).sum())
    assert correlation > 0.8


def test_the_front_is_found_within_one_step_of_the_window(sample):
    result = mf.unmix(sample.cube, 2, preprocess=[MOVIE_WINDOW], random_state=0)
    found, truth = (one.endmembers.values.reshape(2, -1) for one in (result, sample))
    order = match(truth, found)
    assert spectral_angles(truth, found[order]).diagonal().max() < 0.15
    amounts = (result.abundances * np.sqrt((result.endmembers**2).sum(("ky", "kx"))))[order]
    new = (amounts / amounts.sum("component"))[1]
    assert float(abs(new - sample.abundances[1]).mean()) < 0.06


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"frames": 1}, "at least 2 frames"),
        ({"shape": (60, 200)}, "does not fit"),
        ({"counts": 0.0}, "counts must be positive"),
        ({"scan_noise": -1.0}, "scan_noise not negative"),
    ],
)
def test_what_cannot_be(wrong, message):
    with pytest.raises(ValueError, match=message):
        stem_movie(**wrong)
