"""The simulated 4D-STEM scan: geometry of the patterns, exact truth, counted electrons, three factors."""

from __future__ import annotations

import numpy as np
import pytest

import mffnb as mf
from mffnb.datasets import diffraction_4d
from mffnb.datasets.scanning_diffraction import DISC, GOLD, reflections

SMALL = {"shape": (20, 26), "detector": 32}
CHANNEL = ("ky", "kx")


def test_dimensions_coordinates_and_units():
    sample = diffraction_4d(seed=3, step=2.0, **SMALL)
    assert dict(sample.cube.sizes) == {"y": 20, "x": 26, "ky": 32, "kx": 32}
    assert sample.cube.dtype == np.uint16
    assert sample.endmembers.dims == ("component", "ky", "kx")
    assert sample.abundances.dims == ("component", "y", "x")
    assert (sample.cube.y.attrs["units"], sample.cube.kx.attrs["units"]) == ("nm", "1/Å")
    assert float(sample.cube.x[1] - sample.cube.x[0]) == 2.0
    assert sample.cube.attrs["units"] == sample.endmembers.attrs["units"] == "counts"


@pytest.mark.parametrize("seed", range(3))
def test_fractions_sum_to_one_and_each_material_is_pure_somewhere(seed):
    abundances = diffraction_4d(seed=seed, shape=(32, 44), detector=16).abundances
    assert float(abundances.min()) >= 0
    np.testing.assert_allclose(abundances.sum("component"), 1, atol=1e-12)
    assert (abundances.max(("y", "x")) > 0.99).all()
    assert (((abundances > 0.05) & (abundances < 0.95)).sum(("y", "x")) > 40).all()


def test_counts_are_poisson_around_the_model():
    sample = diffraction_4d(seed=1, counts=500.0, **SMALL)
    model = np.einsum("cyx,cij->yxij", sample.abundances.values, sample.endmembers.values)
    np.testing.assert_allclose(sample.endmembers.sum(CHANNEL), 500, rtol=1e-9)
    chi_square = ((sample.cube.values - model) ** 2 / model)[model > 0.1].mean()
    assert chi_square == pytest.approx(1, abs=0.03)


def test_reflections_are_those_of_face_centred_cubic_gold():
    for name, squares in (("gold [001]", {4, 8, 16}), ("gold [011]", {3, 4, 8, 11, 12, 16})):
        found = {round(GOLD**2 * (ky**2 + kx**2)) for ky, kx in reflections(name)}
        assert squares <= found
        assert found <= {3, 4, 8, 11, 12, 16, 19, 20, 24, 27, 32}  # h, k, l all even or all odd
    assert all(any(np.allclose((-ky, -kx), other) for other in reflections(name)) for ky, kx in reflections(name))


def test_a_pattern_is_bright_at_its_reflections_and_dark_between():
    sample = diffraction_4d(seed=0, shape=(16, 16), detector=96)
    away = np.hypot(sample.endmembers.ky, sample.endmembers.kx)
    for number, name in enumerate(("gold [001]", "gold [011]")):
        pattern = sample.endmembers[number]
        nearest = np.min([np.hypot(pattern.ky - ky, pattern.kx - kx).values for ky, kx in reflections(name)], axis=0)
        beam = away.values < 3 * DISC
        assert pattern.values[(nearest > 3 * DISC) & ~beam].max() < 1e-3 * pattern.values[~beam].max()
    assert (sample.extra["direct"] == (away < 2 * DISC)).all()


def test_seed_repeats_the_scan():
    first, second, other = (diffraction_4d(seed=seed, **SMALL).cube for seed in (5, 5, 6))
    assert first.equals(second)
    assert not first.equals(other)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"shape": (8, 40)}, "at least 16 pixels"),
        ({"detector": 8}, "at least 16 pixels"),
        ({"counts": 0.0}, "counts must be positive, not 0.0"),
        ({"step": -1.0}, "step must be positive, not -1.0"),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        diffraction_4d(**settings)


def test_patterns_and_maps_are_found():
    sample = diffraction_4d(seed=2, shape=(32, 44), detector=32)
    result = mf.unmix(sample.cube, 3, channel=CHANNEL, weights="poisson", random_state=0)
    true, found = (one.stack(k=CHANNEL).values for one in (sample.endmembers, result.endmembers))
    order = mf.selection.match(true, found)
    maps = result.abundances.values[order] * (found[order].sum(axis=1) / true.sum(axis=1))[:, None, None]
    assert np.diag(mf.selection.spectral_angles(true, found[order])).max() < 0.05
    assert np.sqrt(((maps - sample.abundances.values) ** 2).mean()) < 0.06
