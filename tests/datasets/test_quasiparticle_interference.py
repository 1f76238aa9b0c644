"""Quasiparticle interference on twins: the truth is that of the map, and the symmetry of its patterns helps."""

from __future__ import annotations

import numpy as np
import pytest

import mffnb as mf
from mffnb.datasets.quasiparticle_interference import CONTOUR, WINDOW
from mffnb.preprocessing import SlidingFFT
from mffnb.selection import match, spectral_angles

SAMPLE = mf.datasets.qpi_twins(seed=0)
LARGE = mf.datasets.qpi_twins(seed=0, shape=(896, 896), twin_width=80)
PATTERNS = WINDOW.fit(LARGE.cube).transform(LARGE.cube)


def test_expected_patterns_are_the_mean_of_the_windows_of_one_twin():
    for number in (0, 1):
        inside = (LARGE.abundances[number] > 0.98).values
        mean = PATTERNS.values[inside].mean(axis=0).ravel()
        truth = LARGE.endmembers[number].values.ravel()
        other = LARGE.endmembers[1 - number].values.ravel()
        assert spectral_angles([mean], [truth])[0, 0] < 0.1
        assert spectral_angles([mean], [other])[0, 0] > 1
        assert np.vdot(mean, truth) / np.vdot(truth, truth) == pytest.approx(1, abs=0.05)


def test_power_mixes_in_proportion_to_the_shares():
    share = LARGE.abundances.values.reshape(2, -1)
    power = (LARGE.endmembers.values.reshape(2, -1) ** 2) * 4 / np.pi
    total = (PATTERNS.values.reshape(share.shape[1], -1) ** 2).sum(axis=1)
    expected = power.sum(axis=1) @ share
    assert total.mean() == pytest.approx(expected.mean(), rel=0.05)


def test_the_patterns_are_ellipses_that_are_turned_by_90_degrees():
    first, second = SAMPLE.endmembers.values
    np.testing.assert_allclose(first, second.T, rtol=0.05, atol=0.02 * first.max())
    along = SAMPLE.endmembers[0].sel(ky=0, method="nearest")
    assert abs(abs(float(along.kx[int(along.argmax("kx"))])) - CONTOUR[0]) < 0.06


def test_the_mirror_symmetry_brings_the_endmembers_closer_to_the_truth():
    truth, angles = SAMPLE.endmembers.values.reshape(2, -1), {}
    for name, terms in (("plain", []), ("symmetric", [mf.PatternSymmetry(2, mirror=0)])):
        result = mf.unmix(SAMPLE.cube, 2, preprocess=[WINDOW], endmember_terms=terms, random_state=0)
        found = result.endmembers.values.reshape(2, -1)
        angles[name] = spectral_angles(truth, found[match(truth, found)]).diagonal().mean()
    assert angles["symmetric"] < 0.9 * angles["plain"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shape": (64, 200)}, "at least 128"),
        ({"noise": -1.0}, "noise must not be negative"),
        ({"impurities": 0.0}, "impurities must be positive"),
        ({"fft": SlidingFFT(size=64, log=True)}, "log=False"),
        ({"shape": (128, 128), "fft": SlidingFFT(size=200)}, "does not fit"),
    ],
)
def test_impossible_parameters_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        mf.datasets.qpi_twins(**options)
