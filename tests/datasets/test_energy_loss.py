"""The simulated oxide interface: exact truth, electrons, edges where the atlas has them."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import xarray as xr

from mffnb.datasets import eels_map
from mffnb.geometry.abundances import non_negative
from mffnb.matrices import in_memory
from mffnb.preprocessing import PowerLawBackground

SMALL = (24, 36)


@pytest.fixture(scope="module")
def sample():
    return eels_map(seed=0)


def _maps(sample):
    return sample.abundances.values.reshape(4, -1).astype(float)


def _angles(endmembers):
    directions = endmembers / np.linalg.norm(endmembers, axis=1, keepdims=True)
    return np.degrees(np.arccos(np.clip(directions @ directions.T, -1, 1)))


def _subtracted(cube):
    return PowerLawBackground((405, 450)).fit(cube, ("energy_loss",)).transform(cube)


def test_dimensions_coordinates_and_units(sample):
    cube = sample.cube
    assert dict(cube.sizes) == {"y": 64, "x": 96, "energy_loss": 1024}
    assert cube.dtype == np.uint16
    assert sample.endmembers.dims == ("component", "energy_loss")
    assert sample.abundances.dims == ("component", "y", "x")
    assert cube.attrs["units"] == sample.endmembers.attrs["units"] == "counts"
    assert (cube.y.attrs["units"], cube.x.attrs["units"], cube.energy_loss.attrs["units"]) == ("nm", "nm", "eV")
    assert (float(cube.energy_loss[0]), float(cube.energy_loss[-1])) == (400.0, 911.5)
    xr.testing.assert_equal(sample.endmembers.energy_loss, cube.energy_loss)
    xr.testing.assert_equal(sample.abundances.x, cube.x)


@pytest.mark.parametrize("seed", range(4))
def test_specimen_is_a_wedge_with_every_component(seed):
    abundances = eels_map(seed=seed, shape=SMALL, pixel_size=0.5).abundances
    assert float(abundances.min()) >= 0
    thickness = abundances.sum("component")
    assert float(thickness.mean()) == pytest.approx(1, rel=1e-5)
    assert float(thickness[:, -6:].mean() / thickness[:, :6].mean()) > 1.4
    assert np.all((abundances / thickness).max(("y", "x")) > 0.25)
    assert float(abundances.sel(component="LaMnO3")[0].mean()) > 10 * float(
        abundances.sel(component="SrTiO3")[0].mean()
    )


def test_electrons_are_poisson_around_the_truth(sample):
    expected = _maps(sample).T @ sample.endmembers.values
    counts = sample.cube.values.reshape(expected.shape).astype(float)
    assert expected.sum(axis=1).mean() == pytest.approx(4e5, rel=1e-4)
    score = (counts - expected) ** 2 / expected
    assert score.mean() == pytest.approx(1, abs=5 * np.sqrt(2.1 / score.size))


def test_huge_dose_is_not_wrapped():
    sample = eels_map(seed=1, shape=(16, 16), counts=5e7)
    assert sample.cube.dtype == np.uint32
    assert float(sample.cube.sum("energy_loss").mean()) == pytest.approx(5e7, rel=1e-3)


def test_same_seed_same_data_other_seed_other_specimen():
    first, again, other = (eels_map(seed=seed, shape=SMALL) for seed in (5, 5, 6))
    xr.testing.assert_identical(first.cube, again.cube)
    xr.testing.assert_identical(first.abundances, again.abundances)
    assert float(abs(first.abundances - other.abundances).max()) > 0.2
    brighter = eels_map(seed=5, shape=SMALL, counts=8e5)
    xr.testing.assert_identical(first.abundances, brighter.abundances)
    np.testing.assert_allclose(brighter.endmembers, 2 * first.endmembers)


def test_edges_and_valences(sample):
    signal = _subtracted(sample.endmembers)

    def brightest(component, low, high):
        return float(signal.sel(component=component, energy_loss=slice(low, high)).idxmax())

    assert brightest("LaMnO3", 630, 660) - brightest("interface", 630, 660) == pytest.approx(1.7, abs=0.5)  # Mn3+, Mn2+
    assert brightest("SrTiO3", 455, 462) == pytest.approx(460.3, abs=0.5)
    titanium = signal.sel(energy_loss=slice(455, 468))
    peaks = {
        name: int(((part[1:-1] > part[:-2]) & (part[1:-1] > part[2:])).sum())
        for name, part in ((name, titanium.sel(component=name).values) for name in ("SrTiO3", "interface"))
    }
    assert peaks == {"SrTiO3": 4, "interface": 2}  # the crystal field splits Ti4+
    assert brightest("LaMnO3", 820, 842) == pytest.approx(834.5, abs=0.5)  # M5
    assert brightest("LaMnO3", 820, 860) == pytest.approx(851.2, abs=0.5)  # M4 is the stronger one in La3+


def test_edges_are_long_tails_and_the_background_falls_as_a_power(sample):
    signal = _subtracted(sample.endmembers).sel(component="SrTiO3")
    assert float(signal.sel(energy_loss=slice(800, 900)).min()) > 0.02 * float(signal.max())
    before = sample.endmembers.sel(energy_loss=slice(405, 450))
    slopes = [np.polyfit(np.log(before.energy_loss), np.log(spectrum), 1)[0] for spectrum in before.values]
    np.testing.assert_allclose(slopes, [-3.0, -2.8, -2.9, -3.2], atol=0.05)


def test_report(sample):
    angles = {"as measured": sample.endmembers.values, "background subtracted": _subtracted(sample.endmembers).values}
    maps = _maps(sample)
    pure = (maps / maps.sum(axis=0) > 0.95).mean(axis=1)
    X = sample.cube.values.reshape(-1, 1024).astype(float)
    E = sample.endmembers.values
    error = np.sqrt(np.mean((X - non_negative(in_memory(X), E).T @ E) ** 2) / np.mean(maps.T @ E))
    for name, spectra in angles.items():
        logging.getLogger(__name__).info("angles, %s, in degrees\n%s", name, _angles(spectra).round(1))
    logging.getLogger(__name__).info("share of pure pixels %s, error of the fit / noise %.4f", pure.round(3), error)
    between = _angles(E)[np.triu_indices(4, 1)]
    assert between.min() > 4
    assert between.max() < 20
    assert np.all(pure[:2] > 0.1)
    assert np.all(pure[2:] == 0)
    assert error == pytest.approx(np.sqrt(1 - 4 / 1024), abs=0.005)


@pytest.mark.parametrize("shape", [(15, 30), (30, 15)])
def test_too_small_an_image(shape):
    with pytest.raises(ValueError, match="at least 16"):
        eels_map(shape=shape)


@pytest.mark.parametrize("name", ["counts", "pixel_size", "probe"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_parameters_must_be_positive(name, value):
    with pytest.raises(ValueError, match=f"{name} must be positive"):
        eels_map(shape=SMALL, **{name: value})
