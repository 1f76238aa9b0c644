"""The simulated root section: exact truth, honest counts, believable chemistry."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import xarray as xr

from mffnb.datasets import tof_sims_2d

SMALL = (24, 36)


@pytest.fixture(scope="module")
def default():
    return tof_sims_2d(seed=0)


def _expectation(sample):
    return sample.abundances.transpose("y", "x", "component") @ sample.endmembers


def _angles(endmembers):
    directions = endmembers / np.linalg.norm(endmembers, axis=1, keepdims=True)
    return np.degrees(np.arccos(np.clip(directions @ directions.T, -1, 1)))


def test_dimensions_coordinates_and_units(default):
    cube = default.cube
    assert cube.dims == ("y", "x", "mz")
    assert cube.shape == (128, 128, 1535)
    assert cube.dtype == np.uint16
    assert default.endmembers.dims == ("component", "mz")
    assert default.abundances.dims == ("component", "y", "x")
    assert cube.attrs["units"] == default.endmembers.attrs["units"] == "counts"
    assert (cube.y.attrs["units"], cube.x.attrs["units"], cube.mz.attrs["units"]) == ("µm", "µm", "m/z")
    assert cube.mz.attrs["long_name"]
    assert (float(cube.mz[0]), float(cube.mz[-1])) == (1.0, 384.5)
    assert float(cube.x[-1] - cube.x[0]) == pytest.approx(150 * 127 / 128)
    assert default.endmembers.component.values.tolist() == ["substrate", "inorganic", "organic", "sodium"]
    xr.testing.assert_equal(default.endmembers.mz, cube.mz)
    xr.testing.assert_equal(default.abundances.x, cube.x)


def test_image_is_not_transposed_and_the_root_is_round():
    cube = tof_sims_2d(seed=3, shape=SMALL).cube
    assert dict(cube.sizes) == {"y": 24, "x": 36, "mz": 1535}
    sample = tof_sims_2d(seed=3, shape=(48, 96))
    tissue = sample.abundances.sel(component="substrate") < 0.5
    height, width = int(tissue.any("x").sum()), int(tissue.any("y").sum())
    assert 30 < height < 48
    assert height == pytest.approx(width, rel=0.25)
    assert float(sample.cube.x[1] - sample.cube.x[0]) == float(sample.cube.y[1] - sample.cube.y[0])


@pytest.mark.parametrize("seed", range(4))
def test_abundances_are_fractions(seed):
    abundances = tof_sims_2d(seed=seed, shape=SMALL).abundances
    assert float(abundances.min()) >= 0
    np.testing.assert_allclose(abundances.sum("component"), 1, rtol=1e-12)


@pytest.mark.parametrize("counts", [20.0, 200.0, 5000.0])
def test_dose_is_the_mean_of_the_expectation(counts):
    sample = tof_sims_2d(seed=1, shape=SMALL, counts=counts)
    assert float(_expectation(sample).sum("mz").mean()) == pytest.approx(counts)


def test_huge_dose_is_not_wrapped():
    sample = tof_sims_2d(seed=1, shape=(8, 8), counts=3e6)
    assert sample.cube.dtype == np.uint32
    assert float(sample.cube.max()) > 2**16
    assert float(sample.cube.sum("mz").mean()) == pytest.approx(3e6, rel=1e-3)


def test_counts_are_poisson_around_the_truth(default):
    counts = default.cube.values.astype(float)
    expected = _expectation(default).values
    for axes in ((0, 1), 2):  # one score per channel, then one per pixel
        mean = expected.sum(axis=axes)
        score = (counts.sum(axis=axes) - mean) / np.sqrt(mean)
        assert abs(score.mean()) < 4 / np.sqrt(score.size)
        assert np.mean(score**2) == pytest.approx(1, abs=5 * np.sqrt(2 / score.size))
    bright = expected > 2
    dispersion = (counts[bright] - expected[bright]) ** 2 / expected[bright]
    assert dispersion.mean() == pytest.approx(1, abs=5 * np.sqrt(2.5 / bright.sum()))
    assert (counts == 0).mean() == pytest.approx(np.exp(-expected).mean(), abs=1e-3)


def test_same_seed_same_image_other_seed_other_root():
    first, again, other = (tof_sims_2d(seed=seed, shape=SMALL) for seed in (5, 5, 6))
    xr.testing.assert_identical(first.cube, again.cube)
    xr.testing.assert_identical(first.abundances, again.abundances)
    assert not np.array_equal(first.cube, other.cube)
    assert float(abs(first.abundances - other.abundances).max()) > 0.2


def test_dose_changes_the_noise_but_not_the_root():
    low, high = (tof_sims_2d(seed=5, shape=SMALL, counts=counts) for counts in (50.0, 500.0))
    xr.testing.assert_equal(low.abundances, high.abundances)
    np.testing.assert_allclose(high.endmembers, 10 * low.endmembers)


def test_each_component_shows_its_ions(default):
    spectra = default.endmembers

    def brightest(component, low, high):
        return float(spectra.sel(component=component, mz=slice(low, high)).idxmax())

    assert brightest("substrate", 2, 385) == 28.0
    assert brightest("substrate", 44, 46) == 45.0
    assert brightest("inorganic", 2, 385) == 39.0
    assert brightest("inorganic", 39.5, 40.5) == 40.0
    assert brightest("sodium", 2, 385) == 23.0
    assert brightest("organic", 281.1, 282.1) == 281.75
    assert brightest("organic", 282.1, 283.6) == 282.75
    assert brightest("organic", 291.1, 292.6) == 291.75
    heavy = spectra.sel(mz=slice(170, 275)).sum("mz") / spectra.sum("mz")
    assert str(heavy.idxmax().item()) == "organic"
    magnesium = [float(spectra.sel(component="inorganic", mz=mass)) for mass in (24.0, 25.0, 26.0)]
    assert magnesium[0] > 4 * magnesium[1]  # isotopes 79 : 10 : 11, on hydrocarbons


def test_spectra_overlap_and_tissue_is_mixed(default):
    angles = _angles(default.endmembers.values)
    between = angles[np.triu_indices(4, 1)]
    assert between.min() > 40
    assert between.max() < 87
    assert float(default.endmembers.min()) > 0
    abundances = default.abundances
    pure = (abundances > 0.95).mean(("y", "x"))
    tissue = abundances.sel(component="substrate") < 0.5
    assert 0.3 < float(tissue.mean()) < 0.6
    assert float((abundances.max("component") > 0.95).where(tissue).mean()) < 0.02
    assert np.all(abundances.max(("y", "x")) > 0.85)  # each component can be seen nearly alone somewhere
    zeros = float((default.cube == 0).mean())
    assert zeros == pytest.approx(0.92, abs=0.005)
    logging.getLogger(__name__).info(
        "angles in degrees\n%s\nshare of pixels above 0.95 %s\nzeros %.3f",
        angles.round(1),
        pure.values,
        zeros,
    )


def test_anatomy(default):
    abundances = default.abundances
    corners = abundances.sel(component="substrate")[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert float(corners.min()) > 0.9
    tissue = (abundances.sel(component="substrate") < 0.5).values
    y, x = (index.mean() for index in np.nonzero(tissue))
    rows, columns = np.indices(tissue.shape)
    radius = np.hypot(rows - y, columns - x) / np.sqrt(tissue.sum() / np.pi)
    inorganic = abundances.sel(component="inorganic").values
    assert inorganic[radius < 0.25].mean() > 1.5 * inorganic[(radius > 0.45) & (radius < 0.9)].mean()


def test_wider_beam_blurs():
    sharp, blurred = (tof_sims_2d(seed=2, shape=(64, 64), beam_width=width).abundances for width in (1.0, 12.0))
    assert float(blurred.sel(component="sodium").max()) < 0.6 * float(sharp.sel(component="sodium").max())


@pytest.mark.parametrize("shape", [(7, 30), (30, 7)])
def test_too_small_an_image(shape):
    with pytest.raises(ValueError, match="at least 8"):
        tof_sims_2d(shape=shape)


@pytest.mark.parametrize("name", ["counts", "field_of_view", "beam_width"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_parameters_must_be_positive(name, value):
    with pytest.raises(ValueError, match=f"{name} must be positive"):
        tof_sims_2d(shape=SMALL, **{name: value})
