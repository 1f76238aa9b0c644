"""Dead time: against a detector that is simulated shot by shot."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.cubes.sparse_pixels import sparse_pixels_of
from mffnb.preprocessing import DeadTime, UnitSum, fit_chain
from tests.preprocessing.test_ppm_bins import sparse_cube

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")

MZ = ("mz",)


def detected(mean, shots, dead, rng):
    """Counts (pixels, channels) of a detector that misses events in the channel of a count and in ``dead`` later ones."""
    counts = np.zeros(mean.shape, int)
    for _ in range(shots):
        events = rng.poisson(mean / shots) > 0
        blind = np.zeros(len(mean), int)
        for channel in range(mean.shape[1]):
            seen = events[:, channel] & (blind == 0)
            counts[:, channel] += seen
            blind = np.where(seen, dead, np.maximum(blind - 1, 0))
    return counts


@pytest.mark.parametrize("dead", [0, 3])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_true_counts_of_a_simulated_detector(dead, seed):
    rng = np.random.default_rng(seed)
    mean = np.outer(np.ones(400), [5.0, 60.0, 150.0, 80.0, 10.0, 0.0, 20.0])
    counts = detected(mean, 200, dead, rng)
    cube = xr.DataArray(counts.reshape(20, 20, 7), dims=("y", "x", "mz"))
    step = DeadTime(200, dead)
    corrected = step.fit(cube, MZ).transform(cube)
    found, error = corrected.mean(("y", "x")).values, corrected.std(("y", "x")).values / 20
    bias = np.expm1(mean[0] / 200) / 2
    if not dead:
        found = found - bias
    assert (np.abs(found - mean[0]) <= 4 * error + 4 * dead * bias).all()
    assert counts.mean(0)[2] < 0.75 * mean[0, 2]
    if not dead:
        np.testing.assert_allclose(corrected.var(("y", "x")), step.variance(mean[0]), rtol=0.3, atol=1e-12)
        assert step.variance(100.0) == pytest.approx(1.3 * 100, rel=0.01)


def test_sparse_stays_sparse_and_lazy_stays_lazy():
    counts = np.random.default_rng(0).poisson(0.7, (5, 6, 40))
    cube = xr.DataArray(counts, dims=("y", "x", "mz"), attrs={"units": "counts"})
    for step in (DeadTime(30), DeadTime(30, 4)):
        expected = step.fit(cube, MZ).transform(cube)
        held = sparse_cube(cube, absent=(3,))
        corrected = step.fit(held, MZ).transform(held)
        assert sparse_pixels_of(corrected) is not None
        missing = expected.copy(deep=True)
        missing[0, 3] = np.nan
        np.testing.assert_allclose(corrected.values, missing, rtol=1e-12)
        lazy = step.fit(cube.chunk({"mz": 7}), MZ).transform(cube.chunk({"mz": 7}))
        assert lazy.chunks is not None
        np.testing.assert_allclose(lazy, expected, rtol=1e-12)
        assert expected.attrs == cube.attrs
        by_hand = -30 * np.log(1 - counts[2, 2, 9] / (30 - counts[2, 2, 9 - step.dead_channels : 9].sum()))
        assert float(expected[2, 2, 9]) == pytest.approx(by_hand)


def test_factors_are_linear_after_the_correction(tmp_path):
    """An intense peak saturates: the raw counts of two substances do not mix linearly, the corrected ones do."""
    rng = np.random.default_rng(0)
    fraction = np.linspace(0, 1, 400)
    mean = np.stack([fraction, 1 - fraction], axis=1) @ np.array([[900.0, 100, 20, 0], [20.0, 100, 0, 300]])
    counts = rng.binomial(500, -np.expm1(-mean / 500))
    cube = xr.DataArray(counts.reshape(20, 20, 4), dims=("y", "x", "mz"), attrs={"units": "counts"})
    result = mf.unmix(cube, 2, preprocess=[DeadTime(500), UnitSum()], random_state=0, max_iter=300)
    raw = mf.unmix(cube, 2, preprocess=[UnitSum()], random_state=0, max_iter=300)
    error = [np.linalg.norm(one.reconstruction().values.reshape(400, 4) - mean) for one in (result, raw)]
    assert error[0] < 0.2 * error[1]
    np.testing.assert_allclose(result.residual() + result.reconstruction(), DeadTime(500).fit(cube, MZ).transform(cube))
    result.save(tmp_path / "run.nc")
    np.testing.assert_allclose(mf.load(tmp_path / "run.nc").residual(cube), result.residual())


def test_what_is_refused():
    cube = xr.DataArray(np.array([[[3.0, 10, 2], [np.nan, 1, 0]]]), dims=("y", "x", "mz"))
    corrected = DeadTime(11).fit(cube, MZ).transform(cube)
    assert np.isnan(corrected[0, 1, 0])
    assert int(corrected.isnull().sum()) == 1
    with pytest.raises(ValueError, match="with 10 shots: one pixel has 1 counts for each shot"):
        DeadTime(10).fit(cube, MZ)
    with pytest.raises(ValueError, match="with 11 shots: one pixel has 2 counts for each shot"):
        DeadTime(11, 1).fit(cube, MZ)
    with pytest.raises(ValueError, match="with 10 shots: one pixel has inf counts for each shot"):
        DeadTime(10, 2).fit(cube.fillna(0), MZ)
    with pytest.raises(ValueError, match="with 10 shots"):
        DeadTime(10).fit(sparse_cube(cube.fillna(0)), MZ)
    with pytest.raises(ValueError, match="DeadTime is for counts, and the smallest value is -1"):
        DeadTime(99).fit(cube - 1, MZ)
    with pytest.raises(ValueError, match="needs the number of shots"):
        DeadTime().fit(cube, MZ)
    with pytest.raises(ValueError, match="put DeadTime before UnitSum"):
        fit_chain(cube, [UnitSum(), DeadTime(20)])
    for wrong in ({"shots": 0}, {"shots": np.inf}, {"dead_channels": -1}):
        with pytest.raises(ValueError, match=r"shots is the number|whole number of channels"):
            DeadTime(**wrong)
