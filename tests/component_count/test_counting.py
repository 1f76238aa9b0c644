"""From criteria of the data to a number of components, or a range with what would decide it."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy.ndimage import gaussian_filter

import mffnb as mf
from mffnb.component_count.counting import count_signal, count_variations
from mffnb.selection.recommendation import recommend

WHITE = [1.02, 1.0, 0.99, 1.01, 1.0, 1.0, 0.98, 1.0]
CLEAR = [90, 60, 30, 0.9, 0.8, 0.7]


def evidence(images=(), variances=(), tilt=(), plain=(), shift=(), curve=(), straight=(), ks=range(2, 9)):
    count = len(list(ks))
    unknown = (("k", "split"), np.full((count, 1), np.nan))
    given = {
        "images": ("image", images), "variances": ("vector", variances), "tilt": ("t", tilt), "plain": ("t", plain),
        "shift": ("s", shift), "curve": ("c", curve), "straight": ("c", straight),
    }  # fmt: skip
    arrays = {name: (dim, np.asarray(values, dtype=float)) for name, (dim, values) in given.items()}
    return xr.Dataset({**arrays, "angles": unknown, "within": unknown}, coords={"k": list(ks)})


CASES = {
    "both agree": (evidence(CLEAR, [900, 90, 9, *WHITE]), 3, (3, 3)),
    "an image barely above the noise without a direction": (evidence([90, 60, 30, 1.3, 1, 1], [900, 90, 9, *WHITE]), 3, (3, 3)),
    "an image well above the noise without a direction": (evidence([90, 60, 30, 1.7, 1, 1], [900, 90, 9, *WHITE]), None, (3, 4)),
    "images see more": (evidence(CLEAR, [900, 90, *WHITE]), 3, (3, 3)),
    "directions see more": (evidence(CLEAR, [900, 90, 9, 5, *WHITE]), 4, (4, 4)),
    "no similar neighbours": (evidence([90, 1, 1, 1], [900, 90, 9, *WHITE]), 3, (3, 3)),
    "no similar neighbours, the last barely above noise": (evidence([90, 1, 1, 1], [900, 90, 1.56, *WHITE]), None, (3, 4)),
    "channels share noise": (evidence(CLEAR, [900, 90, 30, 8, 7.5, 7, 6.8, 6.5, 6, 5.8]), 3, (3, 3)),
    "endless directions": (evidence([90, 1, 1, 1], 4.0 ** -np.arange(12)), None, (2, 8)),
    "a tilt": (evidence(CLEAR, [900, 90, 9, *WHITE], tilt=[0.9, 20, 30], plain=[9, 20, 30], shift=[9] * 3), 2, (2, 2)),
    "perhaps a tilt": (evidence(CLEAR, [900, 90, 9, *WHITE], tilt=[1.3, 20, 30], plain=[3, 20, 30], shift=[9] * 3), None, (2, 3)),
    "a shift may be a phase": (evidence(CLEAR, [900, 90, 9, *WHITE], tilt=[9] * 3, plain=[9] * 3, shift=[0.9, 9, 9]), None, (2, 3)),
    "perhaps a product": (evidence(CLEAR, [900, 90, 9, *WHITE], curve=[1.0], straight=[90]), None, (2, 3)),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_number_or_range_for_given_criteria(case):
    given, k, between = CASES[case]
    advice = recommend(given)
    assert (advice.k, advice.between) == (k, between)
    assert all(advice.reasons)


def test_open_answers_say_what_decides():
    tilt = str(recommend(CASES["perhaps a tilt"][0]))
    assert "k = 2 is right" in tilt
    assert "compare the spectra for k = 2 and 3" in tilt
    assert "less noise decides" in str(recommend(CASES["an image well above the noise without a direction"][0]))


def test_evidence_of_earlier_versions_has_no_variations():
    old = evidence(CLEAR)[["images", "angles", "within"]]
    assert count_signal(old)[0].sure == 3
    assert count_variations(old).perhaps == 0
    assert recommend(old).k == 3


def scanned(X):
    return mf.selection.scan_rank(X, range(2, 6), n_init=1, splits=0, held_out=0, max_iter=20, random_state=0)


def scene(rng, shape=(32, 36), channels=60, k=3):
    hills = np.stack([gaussian_filter(rng.standard_normal(shape), 3) for _ in range(k)], -1)
    A = np.exp(1.5 * hills / hills.std())
    x = np.linspace(0, 1, channels)
    E = 0.05 + np.exp(-(((x - rng.random((k, 3, 1))) / 0.06) ** 2)).sum(1)
    return A / A.sum(-1, keepdims=True), E, x


@pytest.mark.parametrize("seed", range(3))
def test_a_material_whose_spectrum_tilts_across_the_map_is_counted_once(seed):
    rng = np.random.default_rng(seed)
    A, E, x = scene(rng)
    field = gaussian_filter(rng.standard_normal(A.shape[:2]), 6)
    X = A @ E + A[..., :1] * (0.2 * field / field.std())[..., None] * E[0] * (2 * x - 1)
    scan = scanned(X + 0.01 * rng.standard_normal(X.shape))
    assert int((scan.evidence.images > 2).sum()) == 4
    assert scan.recommend().k == 3
    assert "tilted" in str(scan.recommend())


@pytest.mark.parametrize("seed", range(3))
def test_noise_that_neighbours_share_does_not_leave_k_open(seed):
    rng = np.random.default_rng(seed)
    A, E, _ = scene(rng)
    noise = gaussian_filter(rng.standard_normal((*A.shape[:2], 60)), (0.7, 0.7, 0))
    assert scanned(A @ E + 0.03 * noise / noise.std()).recommend().k == 3
