"""Each step against its formula."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg
import xarray as xr

from mffnb import preprocessing as pre
from tests.conftest import mixture

ENERGY = ("energy",)


def processed(step, cube, channel=ENERGY):
    return step.fit(cube, channel).transform(cube)


def test_mean_centre(cube):
    np.testing.assert_allclose(processed(pre.MeanCentre(), cube), cube.values - cube.values.mean((0, 1)), atol=1e-14)


def test_range_of_channels_and_of_the_cube(cube):
    each = processed(pre.Range(-1, 3, each="channel"), cube).values
    np.testing.assert_allclose(each.min((0, 1)), -1)
    np.testing.assert_allclose(each.max((0, 1)), 3)
    whole = processed(pre.Range(-1, 3), cube).values
    assert (whole.min(), whole.max()) == (pytest.approx(-1), pytest.approx(3))
    np.testing.assert_allclose(np.corrcoef(whole.ravel(), cube.values.ravel())[0, 1], 1)


def test_constant_data_do_not_divide_by_zero():
    cube = xr.DataArray(np.full((2, 3, 4), 7.0), dims=("y", "x", "energy"))
    np.testing.assert_array_equal(processed(pre.Range(2, 3), cube), np.full((2, 3, 4), 2.0))
    empty = 0 * cube
    for step in (pre.UnitSum(), pre.UnitNorm(), pre.PoissonScaling()):
        np.testing.assert_array_equal(processed(step, empty), empty)


def test_sum_and_norm_of_pixels(cube):
    np.testing.assert_allclose(processed(pre.UnitSum(), cube).sum("energy"), 1)
    np.testing.assert_allclose((processed(pre.UnitNorm(), cube) ** 2).sum("energy"), 1)
    several = cube.expand_dims(q=[1.0, 2.0])
    np.testing.assert_allclose(processed(pre.UnitSum(), several, ("energy", "q")).sum(("energy", "q")), 1)


def test_poisson_scaling_is_that_of_keenan_and_kotula(cube):
    counts = np.random.default_rng(0).poisson(20 * cube.values)
    counts[0, 0] = 0  # an empty pixel
    counts[..., 3] = 0  # and an empty channel
    there = processed(pre.PoissonScaling(), cube.copy(data=counts))
    X = counts.reshape(-1, counts.shape[-1])
    a, b = X.mean(axis=1), X.mean(axis=0)  # G and H hold the means of rows and columns; X becomes G^-1/2 X H^-1/2
    G, H = (np.diag(np.where(m > 0, 1 / np.sqrt(np.where(m > 0, m, 1)), 1)) for m in (a, b))
    np.testing.assert_allclose(there.values.reshape(X.shape), G @ X @ H, rtol=1e-12)


def test_poisson_scaling_evens_out_the_noise():
    rng = np.random.default_rng(0)
    mean = np.outer(rng.uniform(1, 50, 400), rng.uniform(1, 50, 30)).reshape(20, 20, 30)
    cube = xr.DataArray(rng.poisson(mean), dims=("y", "x", "energy"))
    fitted = pre.PoissonScaling().fit(cube, ENERGY)
    noise = fitted.transform(cube) - fitted.transform(cube.copy(data=mean))
    by_channel = noise.std(("y", "x")).values
    assert by_channel.max() / by_channel.min() < 1.25
    raw = (cube - mean).std(("y", "x")).values
    assert raw.max() / raw.min() > 3


@pytest.mark.parametrize("step", [pre.PoissonScaling(), pre.Anscombe()])
def test_counts_are_not_negative(step, cube):
    with pytest.raises(ValueError, match="is for counts, and there are negative values"):
        step.fit(cube - 10, ENERGY)


@pytest.mark.parametrize("mean", [0.05, 0.3, 1.0, 4.0, 20.0, 300.0])
def test_the_unbiased_inverse_of_anscombe_is_unbiased(mean):
    """Against the sum over the Poisson distribution: the inverse of the expectation is the mean."""
    counts = np.arange(0, 2000)
    logp = counts * np.log(mean) - mean - np.concatenate([[0], np.cumsum(np.log(counts[1:]))])
    expectation = np.sum(np.exp(logp) * 2 * np.sqrt(counts + 0.375))
    found = float(pre.Anscombe().inverse(xr.DataArray(expectation)))
    assert found == pytest.approx(mean, abs=0.02, rel=0.005)  # the closed form, within what the paper says of it
    algebraic = float(pre.Anscombe(unbiased=False).inverse(xr.DataArray(expectation)))
    assert abs(algebraic - mean) > 2 * abs(found - mean)


def test_anscombe_makes_the_variance_one():
    counts = xr.DataArray(np.random.default_rng(0).poisson(15.0, (60, 60, 4)), dims=("y", "x", "energy"))
    assert float(processed(pre.Anscombe(), counts).var()) == pytest.approx(1, abs=0.05)
    np.testing.assert_allclose(
        pre.Anscombe().inverse(xr.DataArray([-1.0, 0.0, np.nan, 2 * np.sqrt(0.375)])), [0, 0, np.nan, 0], atol=1e-12
    )


def test_log1p(cube):
    np.testing.assert_allclose(processed(pre.Log1p(), cube), np.log1p(cube.values))
    with pytest.raises(ValueError, match="needs values above -1"):
        pre.Log1p().fit(cube - 10, ENERGY)
    spectra = cube[0, :3].drop_vars(("x", "y")).rename(x="component")
    np.testing.assert_allclose(pre.Log1p().endmembers(spectra), np.expm1(spectra))


def test_bins_are_sums_or_means_at_their_centres(cube):
    counts = (100 * cube).astype(int)
    there = processed(pre.Bin(space={"x": 3}, channel=4), counts)
    expected = counts.values[:, :9].reshape(6, 3, 3, 5, 4).sum((2, 4))  # the tenth column is left over
    np.testing.assert_array_equal(there, expected)
    assert there.dtype.kind == "i"
    np.testing.assert_allclose(there["x"], [0.5, 2.0, 3.5])
    np.testing.assert_allclose(there["energy"], 403.0 + 8 * np.arange(5))
    assert there["energy"].attrs == cube["energy"].attrs
    assert there.attrs == counts.attrs
    mean = processed(pre.Bin(space={"x": 3}, channel=4, how="mean"), counts)
    np.testing.assert_allclose(mean, expected / 12)


def test_what_auto_bins(cube):
    def decided(data):
        return pre.Bin().fit(data, ENERGY).how

    assert decided(cube.assign_attrs(units="Counts")) == "sum"
    assert decided(cube.astype("u2").assign_attrs(units="")) == "sum"
    assert decided(cube.assign_attrs(units="nA")) == "mean"


def test_bins_with_missing_values_count_what_was_seen(cube):
    cube[0, 0, 0] = np.nan
    cube[2:4, 2:4] = np.nan
    summed = processed(pre.Bin(2, 1, "sum"), cube)
    block = cube.values[:2, :2, 0].ravel()[1:]
    assert float(summed[0, 0, 0]) == pytest.approx(4 * block.mean())
    assert bool(summed[1, 1].isnull().all())
    assert int(summed.isnull().any("energy").sum()) == 1
    assert float(processed(pre.Bin(2, 1, "mean"), cube)[0, 0, 0]) == pytest.approx(block.mean())


def test_bins_that_make_no_sense(cube):
    with pytest.raises(ValueError, match="a block along 'y' is a whole number from 1 to its length 6, got 7"):
        pre.Bin(7).fit(cube, ENERGY)
    with pytest.raises(ValueError, match="Bin knows no dimension 'z' among"):
        pre.Bin({"z": 2}).fit(cube, ENERGY)
    assert processed(pre.Bin(2), cube[:1]).shape == (1, 5, 20)  # a line of pixels
    named = cube.assign_coords(row=("y", list("abcdef")))
    assert "row" not in processed(pre.Bin(2), named).coords


def test_crop_by_coordinate_and_by_position(cube):
    there = processed(pre.Crop({"energy": (404.5, 412), "y": slice(1, -1), "x": (None, 1.0)}), cube)
    xr.testing.assert_identical(there, cube.isel(energy=slice(3, 7), y=slice(1, -1), x=slice(0, 3)))
    falling = cube.isel(energy=slice(None, None, -1))
    there = processed(pre.Crop({"energy": (404.5, 412)}), falling)
    np.testing.assert_array_equal(there["energy"], [412, 410, 408, 406])


def test_crops_that_make_no_sense(cube):
    for where, message in [
        ({"z": (0, 1)}, "Crop knows no dimension 'z'"),
        ({"energy": (500, 600)}, "nothing of 'energy' lies in .* it goes from 400.0 to 438.0 eV"),
        ({"x": slice(4, 4)}, "nothing of 'x' lies in slice"),
        ({"x": (1, 2, 3)}, r"a slice or \(low, high\)"),
    ]:
        with pytest.raises(ValueError, match=message):
            pre.Crop(where).fit(cube, ENERGY)
    mixed = cube.assign_coords(energy=np.roll(cube["energy"].values, 3))
    with pytest.raises(ValueError, match="goes to and fro"):
        pre.Crop({"energy": (404, 434)}).fit(mixed, ENERGY)


def test_the_baseline_solves_its_equations():
    """Against a sparse solver with the same rounds of weights."""
    rng = np.random.default_rng(0)
    m, smoothness, asymmetry, rounds = 60, 50.0, 0.05, 4
    y = np.abs(rng.normal(size=m)).cumsum() / 5 + 3 * rng.random(m)
    difference = scipy.sparse.csc_array(np.diff(np.eye(m), 2, axis=0))
    weight = np.ones(m)
    for _ in range(rounds):
        system = scipy.sparse.diags_array(weight) + smoothness * difference.T @ difference
        expected = scipy.sparse.linalg.spsolve(scipy.sparse.csc_array(system), weight * y)
        weight = np.where(y > expected, asymmetry, 1 - asymmetry)
    cube = xr.DataArray(np.stack([y, 2 * y])[None], dims=("y", "x", "energy"))
    fitted = pre.AsymmetricBaseline(smoothness, asymmetry, rounds).fit(cube, ENERGY)
    np.testing.assert_allclose(fitted.background.values[0, 0], expected, rtol=1e-9)
    np.testing.assert_allclose(fitted.background.values[0, 1], 2 * expected, rtol=1e-9)


@pytest.mark.parametrize("channels", [3, 4, 5])
def test_a_straight_line_is_its_own_baseline(channels):
    line = 2 + 0.5 * np.arange(channels)
    cube = xr.DataArray(line[None, None], dims=("y", "x", "energy"))
    np.testing.assert_allclose(processed(pre.AsymmetricBaseline(1e3), cube), 0, atol=1e-9)


def test_a_baseline_runs_through_a_gap():
    shift = np.arange(100.0)
    spectrum = 5 + 0.1 * shift + 10 * np.exp(-(((shift - 50) / 3) ** 2))
    spectrum[20:25] = np.nan
    cube = xr.DataArray(spectrum[None, None], dims=("y", "x", "shift"))
    background = pre.AsymmetricBaseline(asymmetry=1e-4).fit(cube, ("shift",)).background.values[0, 0]
    np.testing.assert_allclose(background, 5 + 0.1 * shift, atol=0.1)


def edge_cube(counts, rng=None):
    energy = np.linspace(200.0, 400.0, 201)
    exponent = np.array([[2.5, 3.0, 3.5], [2.0, 4.0, 3.2]])
    background = counts * (energy / 240.0) ** -exponent[..., None]
    cube = background + np.where(energy > 284, counts / 2, 0.0)
    cube = cube if rng is None else rng.poisson(cube).astype(float)
    return xr.DataArray(cube, dims=("y", "x", "energy"), coords={"energy": energy}), background, exponent


@pytest.mark.parametrize("counts", [1e-6, 1.0, 1e9])
def test_a_power_law_is_found_exactly(counts):
    cube, background, exponent = edge_cube(counts)
    fitted = pre.PowerLawBackground((210, 280)).fit(cube, ENERGY)
    np.testing.assert_allclose(fitted.exponent, exponent, rtol=1e-8)
    np.testing.assert_allclose(fitted.background[..., 10:], background[..., 10:], rtol=1e-8)
    np.testing.assert_allclose(fitted.background[..., :10], background[..., [10] * 10], rtol=1e-8)


def test_few_counts_do_not_bias_a_power_law():
    rng = np.random.default_rng(0)
    backgrounds = [
        pre.PowerLawBackground((210, 280)).fit(edge_cube(3.0, rng)[0], ENERGY).background for _ in range(100)
    ]
    truth = edge_cube(3.0)[1]
    inside = slice(10, 81)
    mean = np.mean([b.values[..., inside] for b in backgrounds], axis=0)
    np.testing.assert_allclose(mean, truth[..., inside], rtol=0.06)


def test_a_power_law_without_signal_is_nothing():
    cube, *_ = edge_cube(10.0)
    cube[0, 0] = 0.0
    cube[0, 1] = np.nan
    there = processed(pre.PowerLawBackground((210, 280)), cube)
    np.testing.assert_array_equal(there[0, 0], 0)
    assert bool(there[0, 1].isnull().all())


def test_backgrounds_that_make_no_sense(cube):
    with pytest.raises(ValueError, match="needs energies above zero, its window starts at 0: raise it"):
        pre.PowerLawBackground().fit(cube.assign_coords(energy=np.arange(20.0)), ENERGY)
    with pytest.raises(ValueError, match="holds one channel"):
        pre.PowerLawBackground((400, 401)).fit(cube, ENERGY)
    with pytest.raises(ValueError, match="along one channel dimension"):
        pre.AsymmetricBaseline().fit(cube, ("x", "energy"))
    with pytest.raises(ValueError, match="three or more channels"):
        pre.AsymmetricBaseline().fit(cube[..., :2], ENERGY)
    for wrong in ({"smoothness": 0}, {"asymmetry": 1.0}, {"iterations": 0}):
        with pytest.raises(ValueError, match="are needed"):
            pre.AsymmetricBaseline(**wrong)


def test_a_constant_background(cube):
    np.testing.assert_allclose(processed(pre.ConstantBackground(), cube).min("energy"), 0, atol=1e-14)
    level = cube.values[..., 2:6].mean(-1, keepdims=True)
    np.testing.assert_allclose(processed(pre.ConstantBackground((404, 410)), cube), cube.values - level)


@pytest.mark.parametrize("make", [lambda: pre.Range(1, 1), lambda: pre.Range(each="pixel"), lambda: pre.Bin(how="max")])
def test_parameters_are_checked(make):
    with pytest.raises(ValueError, match=r"use|low < high"):
        make()


@pytest.mark.parametrize("step", [pre.UnitSum(), pre.UnitNorm(), pre.PoissonScaling()])
def test_spectra_are_needed(step):
    with pytest.raises(ValueError, match="put it after SlidingFFT"):
        step.fit(mixture()[..., 0], ())


def test_channels_that_are_left_out_are_missing_and_the_others_stay():
    cube = xr.DataArray(np.arange(24.0, dtype=np.float32).reshape(2, 3, 4), dims=("y", "ky", "kx"))
    there = pre.LeaveOutChannels([(1, 3), (11, 12)]).fit(cube, ("ky", "kx")).transform(cube)
    left_out = np.zeros(12, dtype=bool)
    left_out[[1, 2, 11]] = True
    np.testing.assert_array_equal(np.isnan(there), np.broadcast_to(left_out.reshape(3, 4), cube.shape))
    np.testing.assert_array_equal(there.where(np.isfinite(there), 0), cube.where(np.isfinite(there), 0))
    assert (there.dims, there.dtype) == (cube.dims, np.float32)
    with pytest.raises(ValueError, match="beyond the last of 12"):
        pre.LeaveOutChannels([(1, 13)]).fit(cube, ("ky", "kx"))
    with pytest.raises(ValueError, match="no channel is left"):
        pre.LeaveOutChannels([(0, 12)]).fit(cube, ("ky", "kx"))
    with pytest.raises(ValueError, match="pairs of first"):
        pre.LeaveOutChannels([(3, 3)])
