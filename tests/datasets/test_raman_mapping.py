"""The simulated tablet: exact truth, counted photons, no pure pixel."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import xarray as xr

from mffnb.datasets import raman_map
from mffnb.geometry.abundances import fully_constrained
from mffnb.matrices import in_memory
from mffnb.preprocessing import AsymmetricBaseline, fit_chain
from mffnb.selection import spectral_angles

SMALL = (12, 16)


@pytest.fixture(scope="module")
def default():
    return raman_map(seed=0)


@pytest.fixture(scope="module")
def dark():
    return raman_map(seed=0, shape=(40, 40), fluorescence=0.0)


def _expectation(sample):
    return sample.abundances.transpose("y", "x", "component") @ sample.endmembers


def test_dimensions_coordinates_and_units(default):
    cube = default.cube
    assert cube.dims == ("y", "x", "wavenumber")
    assert cube.shape == (80, 80, 801)
    assert cube.dtype == np.uint16
    assert default.endmembers.dims == ("component", "wavenumber")
    assert default.abundances.dims == ("component", "y", "x")
    assert cube.attrs["units"] == default.endmembers.attrs["units"] == "counts"
    assert [cube[dim].attrs["units"] for dim in cube.dims] == ["µm", "µm", "1/cm"]
    assert (float(cube.wavenumber[0]), float(cube.wavenumber[-1])) == (200.0, 1800.0)
    xr.testing.assert_equal(default.endmembers.wavenumber, cube.wavenumber)
    xr.testing.assert_equal(default.abundances.x, cube.x)


def test_same_seed_same_tablet_other_seed_another():
    first, again, other = (raman_map(seed=seed, shape=SMALL) for seed in (5, 5, 6))
    xr.testing.assert_identical(first.cube, again.cube)
    xr.testing.assert_identical(first.abundances, again.abundances)
    assert not np.array_equal(first.cube, other.cube)
    assert float(abs(first.abundances - other.abundances).max()) > 0.2


def test_dose_and_fluorescence_do_not_change_the_tablet():
    low, high, bright = (
        raman_map(seed=5, shape=SMALL, **change) for change in ({}, {"counts": 2e5}, {"fluorescence": 5.0})
    )
    for sample in (high, bright):
        xr.testing.assert_equal(low.abundances, sample.abundances)
    xr.testing.assert_equal(low.endmembers, bright.endmembers)
    np.testing.assert_allclose(high.endmembers, 10 * low.endmembers)


@pytest.mark.parametrize("seed", range(3))
def test_abundances_are_fractions(seed):
    abundances = raman_map(seed=seed, shape=SMALL).abundances
    assert float(abundances.min()) >= 0
    np.testing.assert_allclose(abundances.sum("component"), 1, rtol=1e-12)


def test_photons_are_poisson_around_the_truth(dark):
    counts = dark.cube.values.reshape(-1, 801).astype(float)
    expected = _expectation(dark).values.reshape(-1, 801)
    assert expected.sum(axis=1).mean() == pytest.approx(20000)
    for axis in (0, 1):  # one score per channel, then one per pixel
        mean = expected.sum(axis=axis)
        score = (counts.sum(axis=axis) - mean) / np.sqrt(mean)
        assert abs(score.mean()) < 4 / np.sqrt(score.size)
        assert np.mean(score**2) == pytest.approx(1, abs=6 * np.sqrt(2 / score.size))


def test_fluorescence_is_broad_and_different_in_each_pixel(default):
    rest = default.cube - _expectation(default)
    assert float(rest.sum("wavenumber").mean()) == pytest.approx(1.5 * 20000, rel=0.002)
    curve = rest.mean(("y", "x")).values
    noise = np.sqrt(float(default.cube.mean()) / 6400)
    assert np.std(np.diff(curve)) < 3 * np.sqrt(2) * noise  # no bands are left
    totals = rest.sum("wavenumber")
    assert float(totals.std() / totals.mean()) > 0.2
    slope = rest[..., :200].sum("wavenumber") / rest[..., -200:].sum("wavenumber")
    assert float(slope.quantile(0.95) / slope.quantile(0.05)) > 1.3


@pytest.mark.parametrize(
    ("component", "bands"),
    [
        ("paracetamol", (858, 1324, 1648)),
        ("aspirin", (1044, 1606, 1750)),
        ("caffeine", (556, 1328, 1698)),
        ("cellulose", (380, 1096, 1380)),
    ],
)
def test_each_component_shows_its_bands(default, component, bands):
    spectrum = default.endmembers.sel(component=component)
    for band in bands:
        near = spectrum.sel(wavenumber=slice(band - 12, band + 12))
        assert float(near.idxmax()) == pytest.approx(band, abs=2)


def test_a_wider_spot_blurs():
    sharp, blurred = (raman_map(seed=2, shape=(30, 30), spot=spot).abundances for spot in (1.0, 40.0))
    assert float((sharp.max("component") > 0.95).mean()) > 0.3
    assert float(blurred.max()) < 0.8


def test_report_no_easy_task(default, dark):
    """Spectra overlap, no pixel is pure, true spectra fit to the noise (nearly so after a baseline)."""
    angles = spectral_angles(default.endmembers, default.endmembers)[np.triu_indices(4, 1)]
    pure = float((default.abundances.max("component") > 0.95).mean())

    def misfit(sample, values):
        spectra = sample.endmembers.values
        found = fully_constrained(in_memory(values), spectra)
        return np.sqrt(np.mean((values - found.T @ spectra) ** 2) / float(sample.cube.mean()))

    alone = misfit(dark, dark.cube.values.reshape(-1, 801).astype(float))
    above, _ = fit_chain(default.cube, [AsymmetricBaseline(1e8)])
    with_baseline = misfit(default, above.values.reshape(-1, 801).astype(float))
    logging.getLogger(__name__).info(
        "angles %s, pure %.4f, misfit / noise %.4f, after a baseline %.4f", angles.round(2), pure, alone, with_baseline
    )
    assert angles.min() > 0.3
    assert angles.max() < 1.45
    assert pure < 0.002
    assert np.all(default.abundances.max(("y", "x")) > 0.5)  # yet each of them is somewhere the most
    assert alone == pytest.approx(1, abs=0.01)
    assert 1 < with_baseline < 1.2


@pytest.mark.parametrize("shape", [(7, 30), (30, 7)])
def test_too_small_a_map(shape):
    with pytest.raises(ValueError, match="at least 8"):
        raman_map(shape=shape)


@pytest.mark.parametrize(
    ("name", "value"), [(n, v) for n in ("counts", "grain_size", "spot") for v in (0.0, -1.0, float("nan"))]
)
def test_parameters_must_be_positive(name, value):
    with pytest.raises(ValueError, match=f"{name} must be positive"):
        raman_map(shape=SMALL, **{name: value})


@pytest.mark.parametrize("value", [-0.1, float("nan")])
def test_fluorescence_cannot_be_negative(value):
    with pytest.raises(ValueError, match="fluorescence must be at least 0"):
        raman_map(shape=SMALL, fluorescence=value)
