"""Masks, weights, known spectra and starts in any container give the answer of plain arrays, or a refusal."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import mffnb as mf
from mffnb.errors import ConvergenceWarning
from mffnb.preprocessing import Anscombe, Bin, Crop, Log1p, PoissonScaling, Range, SlidingFFT, UnitNorm, UnitSum
from tests.conftest import mixture

CUBE = mixture(shape=(4, 6), channels=12, components=2, seed=3)
TRUTH = np.array([np.exp(-(((np.linspace(0, 1, 12) - c) / 0.25) ** 2)) + 0.1 for c in (0.25, 0.75)])
GIVEN = {
    "mask": np.random.default_rng(0).random((4, 6)) > 0.2,
    "weights": np.linspace(1, 3, 12),
    "known": TRUTH[:1],
}
DIMS = {"mask": ("y", "x"), "weights": ("energy",), "known": ("spectrum", "energy")}
STEPS = {
    "none": (),
    "bin": (Bin(1, channel=2),),
    "blocks": (Bin(2),),
    "crop": (Crop({"energy": (404, 418)}),),
    "range": (Range(),),
    "poisson": (PoissonScaling(),),
    "norm": (UnitNorm(),),
}


def solve(cube, what, value, steps):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return mf.unmix(cube, 2, **{what: value}, preprocess=steps, random_state=0, max_iter=15)


def labelled(what, order, reverse):
    """The array of ``what`` with coordinates, its dimensions and coordinates in another order."""
    dims = DIMS[what]
    coords = {name: CUBE[name] for name in dims if name in CUBE.coords}
    array = xr.DataArray(GIVEN[what], dims=dims, coords=coords)
    for name in reverse & set(coords):
        array = array.isel({name: slice(None, None, -1)})
    return array.transpose(*sorted(dims, reverse=order))


def contained(what, container, order, reverse):
    array = labelled(what, order, reverse)
    if container == "xarray":
        return array
    if container == "dask":
        return array.chunk()
    if container == "pandas":
        return (
            array.to_series()
            if array.ndim == 1
            else pd.DataFrame(array.values, index=_index(array, 0), columns=_index(array, 1))
        )
    raise AssertionError(container)


def _index(array, axis):
    name = array.dims[axis]
    return pd.Index(array[name].values, name=name) if name in array.coords else None


@given(
    st.sampled_from(sorted(GIVEN)),
    st.sampled_from(["xarray", "dask", "pandas"]),
    st.sampled_from(sorted(STEPS)),
    st.booleans(),
    st.sets(st.sampled_from(["y", "x", "energy"])),
)
def test_containers_agree_with_plain_arrays(what, container, steps, order, reverse):
    plain = solve(CUBE, what, GIVEN[what], STEPS[steps])
    other = solve(CUBE, what, contained(what, container, order, reverse), STEPS[steps])
    np.testing.assert_array_equal(other.endmembers, plain.endmembers)
    np.testing.assert_array_equal(other.abundances, plain.abundances)


@pytest.mark.parametrize("step", [Range(), PoissonScaling(), UnitSum(), UnitNorm()])
def test_known_spectra_return_unchanged_in_the_units_of_the_cube(step):
    result = solve(CUBE, "known", TRUTH[:1], [step])
    np.testing.assert_allclose(result.endmembers[0], TRUTH[0], rtol=1e-12)


@pytest.mark.parametrize("how", ["sum", "mean"])
def test_known_spectra_are_binned_with_the_cube(how):
    result = solve(CUBE, "known", TRUTH[:1], [Bin(2, channel=3, how=how)])
    blocks = getattr(TRUTH[0].reshape(4, 3), how)(axis=1) * (4 if how == "sum" else 1)
    np.testing.assert_allclose(result.endmembers[0], blocks, rtol=1e-12)


@pytest.mark.parametrize("step", [Log1p(), Anscombe()])
def test_steps_without_a_rule_for_known_spectra_are_named(step):
    with pytest.raises(ValueError, match=f"{type(step).__name__} is not linear"):
        solve(CUBE, "known", TRUTH[:1], [step])


def test_fractions_of_known_spectra_do_not_go_with_a_sum_of_each_pixel():
    with pytest.raises(ValueError, match="UnitSum divides each pixel"):
        mf.unmix(CUBE, 2, known=TRUTH[:1], sum_to_one=True, preprocess=[UnitSum()])


def test_weights_of_an_image_are_refused_by_the_sliding_fft():
    image = xr.DataArray(np.random.default_rng(0).random((32, 32)), dims=("y", "x"))
    with pytest.raises(ValueError, match="SlidingFFT has no rule for weights"):
        mf.unmix(image, 2, weights=np.ones((32, 32)), preprocess=[SlidingFFT(size=8, step=8)])


@pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")
def test_a_mask_over_an_image_leaves_out_the_windows_it_touches():
    image = xr.DataArray(np.random.default_rng(0).random((32, 32)), dims=("y", "x"))
    mask = np.ones((32, 32), bool)
    mask[0, 0] = False
    result = mf.unmix(image, 2, mask=mask, preprocess=[SlidingFFT(size=8, step=8)], random_state=0, max_iter=5)
    missing = np.isnan(result.abundances[0].values)
    assert missing[0, 0]
    assert missing.sum() == 1


def test_a_bad_pixel_of_a_block_takes_nearly_all_weight_of_its_block():
    weights = np.ones((4, 6))
    weights[0, 0] = 1e-12
    spoiled = CUBE.copy()
    spoiled[0, 0] = 1e3
    found = solve(spoiled, "weights", weights, [Bin(2)])
    block = np.ones((2, 3))
    block[0, 0] = 4e-12
    spectra = solve(Bin(2).fit(spoiled, ("energy",)).transform(spoiled), "weights", block, ())
    np.testing.assert_allclose(found.endmembers, spectra.endmembers, rtol=1e-9)


@pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")
@pytest.mark.parametrize("dtype", [np.int64, bool])
def test_masking_does_not_turn_sums_of_counts_into_means(dtype):
    counts = np.random.default_rng(0).poisson(1, (6, 6, 10)).astype(dtype)
    mask = np.ones((6, 6), bool)
    mask[:2] = False
    result = mf.unmix(counts, 2, mask=mask, preprocess=[Bin(2)], random_state=0, max_iter=10)
    assert float(result.reconstruction().mean()) == pytest.approx(4 * counts[2:].mean(), rel=0.05)


def test_a_residual_is_aligned_by_coordinates_and_refuses_another_cube():
    result = solve(CUBE, "mask", None, ())
    np.testing.assert_array_equal(result.residual(CUBE.sortby("y", ascending=False)), result.residual())
    np.testing.assert_array_equal(result.residual(CUBE.values), result.residual())
    with pytest.raises(ValueError, match="different coordinates"):
        result.residual(CUBE.assign_coords(energy=CUBE.energy + 1))
    with pytest.raises(ValueError, match="'mz'"):
        result.residual(CUBE.rename(energy="mz"))


def test_a_start_is_aligned_by_coordinates_and_fills_what_it_has_masked():
    start = solve(CUBE, "mask", None, ())
    turned = CUBE.isel(y=slice(None, None, -1))
    direct = solve(turned, "init", solve(turned, "mask", None, ()), ())
    found = solve(turned, "init", start, ())
    np.testing.assert_allclose(found.abundances, direct.abundances, rtol=1e-2, atol=1e-2)
    masked = solve(CUBE, "mask", GIVEN["mask"], ())
    filled = solve(CUBE, "init", masked, ())
    assert np.isfinite(filled.abundances).all()
    pair = solve(CUBE, "init", (start.abundances.transpose("x", "component", "y"), start.endmembers), ())
    np.testing.assert_allclose(pair.abundances, solve(CUBE, "init", start, ()).abundances, rtol=1e-9)
    with pytest.raises(ValueError, match="spectra of init"):
        solve(CUBE.assign_coords(energy=CUBE.energy + 1), "init", start, ())
