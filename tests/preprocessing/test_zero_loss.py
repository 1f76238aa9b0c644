"""Alignment of simulated low-loss spectra whose zero loss drifts."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.preprocessing import Bin, UnitSum, ZeroLossAlignment, fit_chain

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")

ENERGY = ("energy",)
STEP = 0.1


def scene(counts=2000.0, shape=(8, 10), seed=0, noise=True):
    """Spectra of two materials with plasmons at 15 and 22 eV, and the drift of each pixel in eV."""
    rng = np.random.default_rng(seed)
    energy = -5 + STEP * np.arange(400)
    drift = np.cumsum(rng.normal(0, 0.05, shape[0] * shape[1])).reshape(shape)
    fraction = np.linspace(0, 1, shape[1]) * np.ones(shape)
    mean = spectra(energy - drift[..., None], fraction[..., None])
    values = rng.poisson(counts * mean) if noise else counts * mean
    coords = {"energy": ("energy", energy, {"units": "eV"})}
    return xr.DataArray(values, dims=("y", "x", "energy"), coords=coords, attrs={"units": "counts"}), drift, fraction


def spectra(energy, fraction):
    plasmons = [np.exp(-(((energy - at) / 2) ** 2)) for at in (15.0, 22.0)]
    return np.exp(-0.5 * (energy / 0.25) ** 2) + 0.05 * (fraction * plasmons[0] + (1 - fraction) * plasmons[1])


@pytest.mark.parametrize("counts", [20.0, 2000.0])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_drift_is_found_within_its_uncertainty(counts, seed):
    """The centroid of n counts in a peak of width s has a standard deviation of about s / sqrt(n)."""
    cube, drift, _ = scene(counts, seed=seed)
    fitted = ZeroLossAlignment().fit(cube, ENERGY)
    error = STEP * fitted.shift.values - drift - (0 - cube["energy"].values[50])
    expected = 0.25 / np.sqrt(counts * 0.25 * np.sqrt(2 * np.pi) / STEP)
    assert error.std() < 1.5 * expected
    assert abs(error.mean()) < 4 * expected / np.sqrt(error.size)
    assert fitted.found["shift"] == pytest.approx(drift.std(), rel=0.05)


def test_aligned_spectra_against_the_truth():
    cube, drift, fraction = scene(noise=False)
    fitted = ZeroLossAlignment().fit(cube, ENERGY)
    aligned = fitted.transform(cube)
    np.testing.assert_allclose(STEP * fitted.shift, drift, atol=1e-4)
    truth = 2000 * spectra(aligned["energy"].values, fraction[..., None])
    assert np.abs(aligned - truth).max() < 0.025 * truth.max()  # linear interpolation at the top of the peak
    assert np.abs(cube.sel(energy=aligned["energy"]) - truth).max() > 0.5 * truth.max()
    assert aligned["energy"].attrs == {"units": "eV"}
    assert aligned.attrs == cube.attrs
    lost = 400 - aligned.sizes["energy"]
    assert lost == np.ceil(drift.max() / STEP - 1e-3) + np.ceil(-drift.min() / STEP - 1e-3)
    assert not bool(aligned.isnull().any())


def test_whole_channels_keep_counts_and_masks_keep_channels():
    cube, drift, _ = scene()
    whole = ZeroLossAlignment(subchannel=False, outside="mask").fit(cube, ENERGY).transform(cube)
    assert whole.shape == cube.shape
    moved = np.rint(drift / STEP).astype(int)
    for row, column in ((0, 0), (3, 7), (7, 9)):
        by = moved[row, column]
        at = np.arange(400) + by
        expected = np.where((at >= 0) & (at < 400), cube.values[row, column, np.clip(at, 0, 399)], np.nan)
        found = whole.values[row, column]
        if not np.array_equal(found, expected, equal_nan=True):  # a drift half way between two channels
            assert abs(drift[row, column] / STEP - by) > 0.35
    missing = ZeroLossAlignment(outside="mask").fit(cube, ENERGY).transform(cube).isnull().sum("energy").values
    assert (np.abs(missing - np.ceil(np.abs(drift) / STEP)) <= 1).all()


def test_the_energy_of_the_peak():
    cube, drift, _ = scene(noise=False)
    at = ZeroLossAlignment(at=2.0).fit(cube, ENERGY).transform(cube)
    np.testing.assert_allclose(at["energy"].values[at.argmax("energy").values], 2.0, atol=1e-9)
    apart = cube.assign_coords(energy=300 + cube["energy"])
    middle = ZeroLossAlignment().fit(apart, ENERGY).transform(apart)
    tops = middle["energy"].values[middle.argmax("energy").values]
    np.testing.assert_allclose(tops, 300 + np.median(drift), atol=0.06)
    beside = cube.copy(deep=True)
    beside[..., 300] = 1e5  # a defect of the detector is not in the window
    windowed = ZeroLossAlignment((-3, 4)).fit(beside, ENERGY)
    np.testing.assert_allclose(windowed.shift, ZeroLossAlignment().fit(cube, ENERGY).shift, atol=1e-3)


def test_missing_and_empty_pixels_and_lazy_cubes():
    cube = scene()[0].astype(float)
    cube[1, 2] = np.nan
    cube[3, 4] = 0.0
    fitted = ZeroLossAlignment().fit(cube, ENERGY)
    aligned = fitted.transform(cube)
    assert bool(aligned[1, 2].isnull().all())
    assert int(aligned.isnull().any("energy").sum()) == 1
    assert float(aligned[3, 4].max()) == 0
    lazy = fitted.transform(cube.chunk({"y": 3, "energy": 50}))
    assert lazy.chunks is not None
    xr.testing.assert_allclose(lazy, aligned)
    first = cube.transpose("energy", "y", "x")
    moved = ZeroLossAlignment().fit(first, ENERGY).transform(first)
    assert moved.dims == first.dims
    np.testing.assert_allclose(moved.transpose(*cube.dims), aligned)


@pytest.mark.parametrize("outside", ["crop", "mask"])
def test_factors_are_sharp(outside, tmp_path):
    cube, drift, fraction = scene()
    result = mf.unmix(cube, 2, preprocess=[ZeroLossAlignment(outside=outside), UnitSum()], random_state=0, max_iter=200)
    raw = mf.unmix(cube, 2, preprocess=[UnitSum()], random_state=0, max_iter=200)
    aligned = result.residual() + result.reconstruction()
    error = [np.sqrt(np.nanmean(one.residual() ** 2)) for one in (result, raw)]
    assert error[0] < 0.2 * error[1]
    truth = 2000 * spectra(aligned["energy"].values, fraction[..., None])
    assert np.nanmean((result.reconstruction() - truth) ** 2) < 2 * truth.mean()
    assert result.parameters["preprocess"][0]["found"]["shift"] == pytest.approx(drift.std(), rel=0.05)
    result.save(tmp_path / "run.nc")
    np.testing.assert_allclose(mf.load(tmp_path / "run.nc").residual(cube), result.residual())


def test_known_spectra_weights_and_refusals():
    cube, _, _ = scene()
    fitted = ZeroLossAlignment().fit(cube, ENERGY)
    known = xr.DataArray(
        np.arange(800.0).reshape(2, 400), dims=("component", "energy"), coords={"energy": cube["energy"]}
    )
    xr.testing.assert_equal(fitted.prepare_known(known)["energy"], fitted.transform(cube)["energy"])
    assert fitted.prepare_weights(known[0]).size == fitted.coordinate.size
    positions = fitted.new_positions("energy", 400)
    np.testing.assert_array_equal(positions[positions >= 0], np.arange(fitted.coordinate.size))
    with pytest.raises(ValueError, match="no rule for weights of single entries"):
        fitted.prepare_weights(cube)
    with pytest.raises(ValueError, match="evenly spaced channels"):
        ZeroLossAlignment().fit(cube.assign_coords(energy=np.geomspace(1, 50, 400)), ENERGY)
    with pytest.raises(ValueError, match=r"finds no peak in the window \(-3, 4\)"):
        ZeroLossAlignment((-3, 4)).fit(0 * cube, ENERGY)
    still = spectra(cube["energy"].values, 0.5)
    far = xr.DataArray(np.stack([np.roll(still, by) for by in (-50, 349)]), dims=("x", "energy"))
    with pytest.raises(ValueError, match="leaves no common channel"):
        ZeroLossAlignment().fit(far, ENERGY)
    with pytest.raises(ValueError, match="outside='cut' is not known"):
        ZeroLossAlignment(outside="cut")
    with pytest.raises(ValueError, match="put ZeroLossAlignment before UnitSum"):
        fit_chain(cube, [UnitSum(), ZeroLossAlignment()])
    assert fit_chain(cube, [ZeroLossAlignment(), Bin(channel=4)]).cube.ndim == 3
