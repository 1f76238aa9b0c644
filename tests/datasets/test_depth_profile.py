"""The simulated depth profile: exact truth, honest counts, layers where they belong."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import xarray as xr

from mffnb.datasets import tof_sims_3d
from mffnb.datasets.mass_spectra import monoisotopic_mass
from mffnb.geometry.abundances import fully_constrained
from mffnb.matrices import in_memory
from mffnb.selection import spectral_angles

SMALL = (25, 6, 8)


@pytest.fixture(scope="module")
def sample():
    return tof_sims_3d(seed=0, shape=(50, 8, 12))


def _expectation(sample):
    return sample.abundances.transpose("z", "y", "x", "component") @ sample.endmembers


def test_dimensions_coordinates_and_units(sample):
    cube = sample.cube
    assert cube.dims == ("z", "y", "x", "mz")
    assert cube.shape == (50, 8, 12, 1535)
    assert cube.dtype == np.uint16
    assert sample.endmembers.dims == ("component", "mz")
    assert sample.abundances.dims == ("component", "z", "y", "x")
    assert cube.attrs["units"] == sample.endmembers.attrs["units"] == "counts"
    assert [cube[dim].attrs["units"] for dim in cube.dims] == ["nm", "µm", "µm", "m/z"]
    assert (float(cube.z[0]), float(cube.z[-1])) == (1.0, 99.0)
    xr.testing.assert_equal(sample.endmembers.mz, cube.mz)
    xr.testing.assert_equal(sample.abundances.z, cube.z)


def test_same_seed_same_sample_other_seed_another():
    first, again, other = (tof_sims_3d(seed=seed, shape=SMALL) for seed in (5, 5, 6))
    xr.testing.assert_identical(first.cube, again.cube)
    xr.testing.assert_identical(first.abundances, again.abundances)
    assert not np.array_equal(first.cube, other.cube)
    assert not np.array_equal(first.abundances, other.abundances)


def test_dose_changes_the_noise_but_not_the_sample():
    low, high = (tof_sims_3d(seed=5, shape=SMALL, counts=counts) for counts in (20.0, 200.0))
    xr.testing.assert_equal(low.abundances, high.abundances)
    np.testing.assert_allclose(high.endmembers, 10 * low.endmembers)
    assert float(_expectation(high).sum("mz").mean()) == pytest.approx(200)


@pytest.mark.parametrize("seed", range(3))
def test_abundances_are_fractions(seed):
    abundances = tof_sims_3d(seed=seed, shape=SMALL).abundances
    assert float(abundances.min()) >= 0
    np.testing.assert_allclose(abundances.sum("component"), 1, rtol=1e-12)


def test_counts_are_poisson_around_the_truth(sample):
    counts = sample.cube.values.reshape(-1, 1535).astype(float)
    expected = _expectation(sample).values.reshape(-1, 1535)
    for axis in (0, 1):  # one score per channel, then one per voxel
        mean = expected.sum(axis=axis)
        score = (counts.sum(axis=axis) - mean) / np.sqrt(mean)
        assert abs(score.mean()) < 4 / np.sqrt(score.size)
        assert np.mean(score**2) == pytest.approx(1, abs=6 * np.sqrt(2 / score.size))


def test_each_component_shows_its_ions(sample):
    spectra = sample.endmembers

    def height(component, ion):
        return float(spectra.sel(component=component).sel(mz=monoisotopic_mass(ion), method="nearest"))

    for ion in ("Na", "K", "Cs2Cl", "Fe", "Bi"):
        assert height("surface", ion) > 2 * height("film", ion), ion
    for ion in ("FeCs", "BiCs"):
        assert height("film", ion) > 4 * height("surface", ion), ion
    for ion in ("CoCs", "SrCs"):
        assert height("buffer", ion) > 5 * height("substrate", ion), ion
    assert height("substrate", "AlCs") > 5 * height("buffer", "AlCs")
    lanthanum = [height(component, "LaO") for component in ("buffer", "substrate")]
    assert min(lanthanum) > 0.4 * max(lanthanum)  # in both


def test_layers_are_where_they_were_grown(sample):
    profile = sample.abundances.mean(("y", "x"))
    assert float(profile.sel(component="surface").idxmax("z")) == 1.0
    assert float(profile.sel(component="surface", z=slice(15, None)).max()) < 0.05
    buffer = profile.sel(component="buffer")
    centre = float((buffer * buffer.z).sum() / buffer.sum())
    assert centre == pytest.approx(85, abs=2)
    assert float(buffer.sum()) * 2.0 == pytest.approx(10, abs=1)  # nm
    assert float(profile.sel(component="film", z=slice(30, 70)).min()) > 0.99
    assert float(profile.sel(component="substrate")[-1]) > 0.97


def test_mixing_and_roughness_widen_an_interface():
    def width(**resolution):
        substrate = tof_sims_3d(seed=1, shape=(100, 4, 4), **resolution).abundances.sel(component="substrate")
        return float(((substrate > 0.1) & (substrate < 0.9)).sum("z").mean())

    sharp = width(mixing=0.5, roughness=0.4)
    assert width(mixing=3.0, roughness=0.4) > 1.5 * sharp
    assert width(mixing=0.5, roughness=2.0) > 1.5 * sharp


def test_report_no_easy_task(sample):
    """Spectra overlap; surface and buffer are hardly pure anywhere; true spectra fit to the noise."""
    angles = spectral_angles(sample.endmembers, sample.endmembers)[np.triu_indices(4, 1)]
    pure = (sample.abundances > 0.95).mean(("z", "y", "x"))
    counts = sample.cube.values.reshape(-1, 1535).astype(float)
    spectra = sample.endmembers.values
    found = fully_constrained(in_memory(counts), spectra)
    misfit = np.sqrt(np.mean((counts - found.T @ spectra) ** 2) / np.mean(_expectation(sample)))
    logging.getLogger(__name__).info("angles %s, pure %s, misfit / noise %.4f", angles.round(2), pure.values, misfit)
    assert angles.min() > 0.3
    assert angles.max() < 1.45
    assert float(pure.sel(component=["surface", "buffer"]).sum()) < 0.03
    assert float(misfit) == pytest.approx(1, abs=0.02)


def test_size_of_the_example():
    sample = tof_sims_3d()
    assert sample.cube.shape == (50, 32, 32, 1535)
    assert (sample.cube.dtype, sample.cube.nbytes < 200e6) == (np.uint16, True)
    assert float(sample.cube.sum("mz").mean()) == pytest.approx(60, rel=0.002)
    assert float((sample.cube == 0).mean()) > 0.97


@pytest.mark.parametrize("shape", [(19, 8, 8), (20, 3, 8), (20, 8, 3)])
def test_too_small(shape):
    with pytest.raises(ValueError, match="too small"):
        tof_sims_3d(shape=shape)


@pytest.mark.parametrize("name", ["counts", "field_of_view", "mixing", "roughness"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_parameters_must_be_positive(name, value):
    with pytest.raises(ValueError, match=f"{name} must be positive"):
        tof_sims_3d(shape=SMALL, **{name: value})
