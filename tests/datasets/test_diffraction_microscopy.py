"""The simulated strained bilayer: exact truth, photons, six factors that can be told apart."""

from __future__ import annotations

import inspect
import logging

import numpy as np
import pytest
import xarray as xr

from mffnb.datasets import xdm_film
from mffnb.datasets.strained_films import PZT, RELAXATIONS, SRO
from mffnb.geometry.abundances import non_negative
from mffnb.matrices import in_memory

SMALL = {"shape": (48, 72), "field_of_view": 12.0}


@pytest.fixture(scope="module")
def sample():
    return xdm_film(seed=0, shape=(120, 120), field_of_view=15.0)


def _maps(sample):
    return sample.abundances.values.reshape(6, -1).astype(float)


def _angles(endmembers):
    directions = endmembers / np.linalg.norm(endmembers, axis=1, keepdims=True)
    return np.degrees(np.arccos(np.clip(directions @ directions.T, -1, 1)))


def test_dimensions_coordinates_and_units():
    sample = xdm_film(seed=3, **SMALL)
    cube = sample.cube
    assert dict(cube.sizes) == {"y": 48, "x": 72, "qz": 56}
    assert cube.dtype == np.uint16
    assert sample.endmembers.dims == ("component", "qz")
    assert sample.abundances.dims == ("component", "y", "x")
    assert cube.attrs["units"] == sample.endmembers.attrs["units"] == "counts"
    assert (cube.y.attrs["units"], cube.x.attrs["units"], cube.qz.attrs["units"]) == ("µm", "µm", "1/Å")
    assert float(cube.x[1] - cube.x[0]) == float(cube.y[1] - cube.y[0]) == 0.25
    xr.testing.assert_equal(sample.endmembers.qz, cube.qz)
    xr.testing.assert_equal(sample.abundances.x, cube.x)


def test_default_size():
    default = {name: one.default for name, one in inspect.signature(xdm_film).parameters.items()}
    assert default["shape"] == (700, 700)
    assert default["field_of_view"] / 700 == pytest.approx(0.1)


@pytest.mark.parametrize("seed", range(3))
def test_maps_are_what_they_say(seed):
    abundances = xdm_film(seed=seed, **SMALL).abundances
    assert float(abundances.min()) >= 0
    np.testing.assert_allclose(abundances[3:].sum("component"), 1, atol=1e-5)
    assert float(abundances[:3].sum("component").max()) <= 1


@pytest.mark.parametrize("seed", range(3))
def test_six_maps_are_independent_only_through_the_loss_at_dislocations(seed):
    sample = xdm_film(seed=seed, shape=(120, 120), field_of_view=15.0)
    maps = _maps(sample)
    intensity = maps[:3].sum(axis=0)
    assert intensity.min() < 0.7 * np.median(intensity)
    assert np.linalg.matrix_rank(maps, tol=0.01 * np.linalg.norm(maps, 2)) == 6
    maps[:3] /= intensity
    assert np.linalg.matrix_rank(maps, tol=0.01 * np.linalg.norm(maps, 2)) == 5


def test_relaxed_where_intensity_is_lost(sample):
    maps = _maps(sample)
    intensity = maps[:3].sum(axis=0)
    lost = intensity < 0.7 * np.median(intensity)
    fractions = maps[:3] / intensity
    assert fractions[2, lost].mean() > 3 * fractions[2, ~lost].mean()
    assert maps[5, lost].mean() > 3 * maps[5, ~lost].mean()  # strain is handed on


def test_bragg_peaks_follow_from_the_lattice(sample):
    step = float(sample.cube.qz[1] - sample.cube.qz[0])
    expected = [film.bragg_peak(relaxation) for film in (SRO, PZT) for relaxation in RELAXATIONS]
    assert np.abs(sample.endmembers.idxmax("qz") - expected).max() <= step
    assert SRO.lattice_parameter(0) == pytest.approx(3.95, abs=0.005)  # strained to SrTiO3, Gan et al. 1998
    assert (SRO.lattice_parameter(1), PZT.lattice_parameter(1)) == (3.93, 4.148)


def test_laue_fringes_not_gaussians(sample):
    curve = sample.endmembers.sel(component="PZT relaxed").values
    right = curve[curve.argmax() :]
    maxima = np.flatnonzero((right[1:-1] > right[:-2]) & (right[1:-1] > right[2:])) + 1
    assert maxima.size >= 5
    step = float(sample.cube.qz[1] - sample.cube.qz[0])
    assert np.diff(maxima).mean() * step == pytest.approx(2 * np.pi / (48 * 4.148), rel=0.15)  # period of the thickness
    assert right[maxima[2:]].min() > 1e-5 * right[0]


def test_photons_are_poisson_around_the_truth(sample):
    expected = _maps(sample).T @ sample.endmembers.values
    counts = sample.cube.values.reshape(expected.shape).astype(float)
    assert expected.sum(axis=1).mean() == pytest.approx(10000, rel=1e-4)
    score = (counts - expected) ** 2 / expected
    bright = expected > 2
    assert score[bright].mean() == pytest.approx(1, abs=5 * np.sqrt(2.5 / bright.sum()))


def test_same_seed_same_data_other_seed_other_film():
    first, again, other = (xdm_film(seed=seed, **SMALL) for seed in (5, 5, 6))
    xr.testing.assert_identical(first.cube, again.cube)
    xr.testing.assert_identical(first.abundances, again.abundances)
    assert float(abs(first.abundances - other.abundances).max()) > 0.2
    brighter = xdm_film(seed=5, counts=40000.0, **SMALL)
    xr.testing.assert_identical(first.abundances, brighter.abundances)
    np.testing.assert_allclose(brighter.endmembers, 4 * first.endmembers)


def test_report(sample):
    angles = _angles(sample.endmembers.values)
    within = np.concatenate([angles[:3, :3][np.triu_indices(3, 1)], angles[3:, 3:][np.triu_indices(3, 1)]])
    maps = _maps(sample)
    pure = (maps / maps.sum(axis=0) > 0.95).mean()
    X = sample.cube.values.reshape(-1, 56).astype(float)
    E = sample.endmembers.values
    error = np.mean((X - non_negative(in_memory(X), E).T @ E) ** 2)
    noise = (maps.T @ E).mean(axis=0)  # variance of Poisson counts, channel by channel
    left = noise @ (1 - np.diagonal(np.linalg.pinv(E) @ E)) / noise.sum()  # six numbers a pixel are fitted
    logging.getLogger(__name__).info(
        "angles in degrees\n%s\nshare of pure pixels %.3f\nerror of the fit / noise left %.3f",
        angles.round(1),
        pure,
        np.sqrt(error / (left * noise.mean())),
    )
    assert (within < 75).sum() >= 4  # neighbouring states overlap
    assert pure == 0
    assert error == pytest.approx(left * noise.mean(), rel=0.1)


@pytest.mark.parametrize("shape", [(15, 30), (30, 15)])
def test_too_small_an_image(shape):
    with pytest.raises(ValueError, match="at least 16"):
        xdm_film(shape=shape)


@pytest.mark.parametrize("name", ["counts", "field_of_view", "resolution"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_parameters_must_be_positive(name, value):
    with pytest.raises(ValueError, match=f"{name} must be positive"):
        xdm_film(shape=(16, 16), **{name: value})


def test_thicker_films_have_sharper_peaks_at_the_same_places_and_overlap_less():
    thin, thick = (xdm_film(seed=0, **SMALL, thickness=films).endmembers for films in (None, (50.0, 80.0)))
    np.testing.assert_allclose(thin.idxmax("qz"), thick.idxmax("qz"), atol=0.0065)  # one step of the scan
    assert (_angles(thick.values[3:])[np.triu_indices(3, 1)] > _angles(thin.values[3:])[np.triu_indices(3, 1)]).all()
    np.testing.assert_array_equal(xdm_film(seed=0, **SMALL, thickness=(30.0, 20.0)).endmembers, thin)
    with pytest.raises(ValueError, match="thickness must be positive"):
        xdm_film(seed=0, **SMALL, thickness=(0.0, 20.0))
