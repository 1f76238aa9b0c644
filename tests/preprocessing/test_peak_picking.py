"""Peaks of simulated mass spectra: which are found, how many counts they hold, and where they are."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.cubes.sparse_pixels import sparse_pixels_of
from mffnb.preprocessing import PeakPicking, PoissonScaling, fit_chain
from tests.preprocessing.test_ppm_bins import sparse_cube

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")

MZ = ("mz",)
CENTRES = np.array([15.02, 23.0, 27.0, 27.12, 41.05, 55.05, 73.08])
WIDTH = 0.02


def scene(scale=1.0, seed=0, shape=(12, 10), background=0.0):
    """Counts of seven peaks, two of them 6 widths apart, from two substances; and the mean counts of each peak."""
    rng = np.random.default_rng(seed)
    mz = np.arange(10, 80, 0.01)
    shapes = np.exp(-0.5 * ((mz - CENTRES[:, None]) / WIDTH) ** 2)
    shapes /= shapes.sum(axis=1, keepdims=True)
    substances = scale * np.array([[5.0, 0, 20, 0, 3, 0, 8], [0, 10, 0, 6, 3, 12, 0]])
    fraction = np.linspace(0, 1, shape[1])[:, None] * np.ones((shape[0], 1, 1))
    mean = np.concatenate([fraction, 1 - fraction], axis=-1) @ substances
    counts = rng.poisson(mean @ shapes + background)
    cube = xr.DataArray(counts, dims=("y", "x", "mz"), coords={"mz": ("mz", mz, {"units": "m/z"})})
    return cube.assign_attrs(units="counts"), mean


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("background", [0.0, 0.01])
def test_all_peaks_are_found_at_their_centre_with_their_counts(seed, background):
    cube, mean = scene(seed=seed, background=background)
    fitted = PeakPicking().fit(cube, MZ)
    picked = fitted.transform(cube)
    total = mean.sum((0, 1))
    np.testing.assert_allclose(picked["mz"], CENTRES, atol=5 * WIDTH / total.min() ** 0.5 + 0.1 * WIDTH)
    np.testing.assert_allclose(picked.sum(("y", "x")), total, atol=0.04 * total.max() + 5 * total.max() ** 0.5)
    assert picked["mz"].attrs["units"] == "m/z"
    assert picked.dtype == np.int64
    assert fitted.found["groups"] == 7
    if not background:
        assert fitted.found["share of counts"] > 0.95
        assert int(picked.sum()) == pytest.approx(fitted.found["share of counts"] * int(cube.sum()), rel=1e-4)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("noise", ["counts", "intensity"])
def test_noise_alone_has_no_peak(seed, noise):
    rng = np.random.default_rng(seed)
    values = rng.poisson(0.05, (10, 8, 5000)) if noise == "counts" else 3 + 0.2 * rng.standard_normal((10, 8, 5000))
    cube = xr.DataArray(values, dims=("y", "x", "mz"))
    with pytest.raises(ValueError, match=r"PeakPicking finds no peak of .* among 5000 channels: lower prominence"):
        PeakPicking().fit(cube, MZ)


def test_the_gain_of_intensities_does_not_matter():
    """Counts times a gain are no whole numbers; the noise is then estimated from the total spectrum."""
    cube, _ = scene(scale=20.0, background=1.0)
    picked = [PeakPicking().fit(gain * cube, MZ) for gain in (1.0, 0.0137, 1234.5)]
    assert [one.centre.size for one in picked] == [7, 7, 7]
    np.testing.assert_allclose(picked[1].centre, picked[2].centre, rtol=1e-9)


def test_the_most_prominent_peaks():
    cube, mean = scene()
    fitted = PeakPicking(most=3).fit(cube, MZ)
    strongest = np.sort(np.argsort(mean.sum((0, 1)))[-3:])
    np.testing.assert_allclose(fitted.centre, CENTRES[strongest], atol=0.01)


def test_sparse_stays_sparse_and_missing_pixels_stay_missing():
    cube, _ = scene()
    held = sparse_cube(cube, absent=(5,))
    fitted = PeakPicking().fit(held, MZ)
    picked = fitted.transform(held)
    assert sparse_pixels_of(picked) is not None
    expected = fitted.transform(cube).astype(float)
    expected[0, 5] = np.nan
    np.testing.assert_array_equal(picked.values, expected)


@pytest.mark.parametrize("make", [lambda cube: cube, sparse_cube, lambda cube: cube.chunk({"y": 4})])
def test_factors_have_one_channel_for_each_peak(make, tmp_path):
    cube, mean = scene(scale=5.0)
    result = mf.unmix(make(cube), 2, preprocess=[PeakPicking()], random_state=0, max_iter=300)
    assert result.endmembers["mz"].attrs["units"] == "m/z"
    assert np.linalg.norm(result.reconstruction() - mean) < 0.12 * np.linalg.norm(mean)
    assert result.parameters["preprocess"][0]["found"]["groups"] == 7
    result.save(tmp_path / "run.nc")
    np.testing.assert_allclose(mf.load(tmp_path / "run.nc").residual(cube), result.residual())


def test_scaling_comes_after_it():
    cube, _ = scene()
    result = mf.unmix(cube, 2, preprocess=[PeakPicking(), PoissonScaling()], random_state=0, max_iter=100)
    assert result.residual().shape == (12, 10, 7)
    with pytest.raises(ValueError, match="put PeakPicking before PoissonScaling"):
        fit_chain(cube, [PoissonScaling(), PeakPicking()])
    with pytest.raises(ValueError, match="along one channel dimension"):
        PeakPicking().fit(cube, ("x", "mz"))
    for wrong in ({"prominence": 0}, {"most": 0}):
        with pytest.raises(ValueError, match="or None; got 0"):
            PeakPicking(**wrong)
