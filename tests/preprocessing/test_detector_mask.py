"""Defects of a simulated detector are found; reflections, gain differences and empty regions are kept."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.preprocessing import Bin, DetectorMask, UnitSum, fit_chain

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")

K = ("ky", "kx")


def scene(dose=20.0, seed=0, shape=(8, 9), gain=0.0, defects=8):
    """Patterns of two crystals with reflections 1.2 pixels wide; the defects are dead, stuck, hot and weak pixels."""
    rng = np.random.default_rng(seed)
    ky, kx = np.mgrid[:32, :40]
    spots = [[(8, 10), (8, 30), (24, 10), (24, 30)], [(16, 6), (16, 34), (4, 20), (28, 20)]]
    patterns = [sum(np.exp(-0.5 * ((ky - a) ** 2 + (kx - b) ** 2) / 1.2**2) for a, b in some) for some in spots]
    beam = 20 * np.exp(-0.5 * ((ky - 16) ** 2 + (kx - 20) ** 2) / 2**2)
    fraction = np.linspace(0, 1, shape[1])[:, None, None] * np.ones((shape[0], 1, 1, 1))
    true = dose * (fraction * patterns[0] + (1 - fraction) * patterns[1] + beam + 0.05)
    values = rng.poisson(true * (1 + gain * rng.standard_normal((32, 40))))
    places = rng.choice(32 * 40, defects, replace=False)
    bad = np.zeros((32, 40), bool)
    for number, place in enumerate(places):
        at = np.unravel_index(place, bad.shape)
        bad[at] = True
        counts = [0, 7, rng.poisson(100 * dose, shape), 0][number % 4]
        values[(..., *at)] = counts
    coords = {
        "ky": ("ky", 0.1 * np.arange(32), {"units": "1/nm"}),
        "kx": ("kx", 0.1 * np.arange(40), {"units": "1/nm"}),
    }
    cube = xr.DataArray(values, dims=("y", "x", "ky", "kx"), coords=coords, attrs={"units": "counts"})
    return cube, bad, true


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("dose", [5.0, 200.0])
@pytest.mark.parametrize("gain", [0.0, 0.03])
def test_defects_are_found_and_nothing_else(seed, dose, gain):
    cube, bad, _ = scene(dose, seed, gain=gain)
    fitted = DetectorMask().fit(cube, K)
    np.testing.assert_array_equal(fitted.left_out, bad)
    assert fitted.found == {"given": 0, "dead": 6, "hot or weak": 2, "left out": 8}
    clean = scene(dose, seed, gain=gain, defects=0)[0]
    assert DetectorMask().fit(clean, K).found["left out"] == 0


def test_a_weak_pixel_is_found():
    cube = scene(200.0, defects=0)[0]
    values = cube.values.copy()
    values[..., 15, 21] = np.random.default_rng(0).binomial(values[..., 15, 21], 0.1)
    left_out = DetectorMask().fit(cube.copy(data=values), K).left_out.values
    assert np.argwhere(left_out).tolist() == [[15, 21]]


def test_regions_without_counts_are_no_defects():
    cube = scene(defects=0)[0].copy(deep=True)
    cube[..., :6, :] = 0
    assert DetectorMask().fit(cube, K).found["left out"] == 0


def test_what_is_given():
    cube, bad, _ = scene()
    mask = np.zeros((32, 40), bool)
    mask[20:, 19:22] = True  # the arm of a beam stop
    step = DetectorMask.of(mask, disc=(1.6, 2.0, 0.35), find=False)
    left_out = step.fit(cube, K).left_out.values
    ky, kx = np.meshgrid(cube["ky"], cube["kx"], indexing="ij")
    np.testing.assert_array_equal(left_out, mask | ((ky - 1.6) ** 2 + (kx - 2.0) ** 2 <= 0.35**2))
    there = step.fit(cube, K).transform(cube)
    np.testing.assert_array_equal(np.isnan(there), np.broadcast_to(left_out, cube.shape))
    both = DetectorMask.of(mask, disc=(1.6, 2.0, 0.35)).fit(cube, K)
    np.testing.assert_array_equal(both.left_out, left_out | bad)
    lazy = both.transform(cube.chunk({"y": 3}))
    assert lazy.chunks is not None
    np.testing.assert_array_equal(lazy, both.transform(cube))
    np.testing.assert_array_equal(
        DetectorMask.of(mask, (1.6, 2.0, 0.35)).fit(cube.chunk({"y": 3}), K).left_out, both.left_out
    )


def test_factors_have_gaps_and_no_defects(tmp_path):
    cube, bad, true = scene()
    result = mf.unmix(cube, 2, channel=K, preprocess=[DetectorMask(), UnitSum()], random_state=0, max_iter=200)
    raw = mf.unmix(cube, 2, channel=K, preprocess=[UnitSum()], random_state=0, max_iter=200)
    np.testing.assert_array_equal(result.endmembers[0].isnull(), bad)
    np.testing.assert_array_equal(result.residual()[0, 0].isnull(), bad)
    error = [np.linalg.norm((one.reconstruction().values - true)[..., ~bad]) for one in (result, raw)]
    assert error[0] < 0.15 * np.linalg.norm(true)
    assert result.parameters["preprocess"][0]["found"]["left out"] == 8
    result.save(tmp_path / "run.nc")
    loaded = mf.load(tmp_path / "run.nc")
    np.testing.assert_allclose(loaded.residual(cube), result.residual())


def test_missing_patterns_and_bins():
    cube, bad, _ = scene()
    holes = cube.where(cube["ky"].notnull() & ~(xr.DataArray(np.arange(8), dims="y") == 2))
    np.testing.assert_array_equal(DetectorMask().fit(holes, K).left_out, bad)
    binned = fit_chain(cube, [DetectorMask(), Bin(space=1, channel=2)], K).cube
    assert not bool(binned.isnull().any())  # a block with a defect is the mean of its other pixels


def test_what_is_refused():
    cube = scene()[0]
    with pytest.raises(ValueError, match="needs patterns with two channel dimensions"):
        DetectorMask().fit(cube, ("kx",))
    with pytest.raises(ValueError, match="ends beyond the last of 1280 detector pixels"):
        DetectorMask([(0, 1281)]).fit(cube, K)
    with pytest.raises(ValueError, match="leaves no detector pixel"):
        DetectorMask([(0, 1280)]).fit(cube, K)
    with pytest.raises(ValueError, match="pairs of first and one-past-last"):
        DetectorMask([(3, 3)])
    with pytest.raises(ValueError, match="two coordinates of the centre and a radius"):
        DetectorMask(disc=(1, 2))
    with pytest.raises(ValueError, match="a Boolean image of the detector"):
        DetectorMask.of(np.zeros((3, 4)))
    with pytest.raises(ValueError, match="put DetectorMask before UnitSum"):
        fit_chain(cube, [UnitSum(), DetectorMask()], K)
