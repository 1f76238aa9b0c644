"""What every step promises, whatever it does: a way back, an untouched input, NaN that stays, lazy cubes that stay lazy."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from mffnb import preprocessing as pre
from mffnb.preprocessing.step import derived_classes
from tests.conftest import mixture
from tests.depth import examples

_STEPS = tuple(derived_classes(pre.Step).values())
ENERGY = ("energy",)
# The algebraic inverse takes single values back; the unbiased one has its own test.
SCALING = [
    pre.MeanCentre(),
    pre.Range(),
    pre.Range(-1, 1),
    pre.Range(0, 5, each="channel"),
    pre.UnitSum(),
    pre.UnitNorm(),
    pre.PoissonScaling(),
]
BENDING = [pre.Log1p(), pre.Anscombe(unbiased=False)]
BACKGROUND = [
    pre.AsymmetricBaseline(smoothness=10.0),
    pre.PowerLawBackground(),
    pre.ConstantBackground(),
    pre.ConstantBackground((None, 410)),
]
GRID = [pre.Crop({"x": (1, None)}), pre.Bin(space=2, channel=2)]
STAYING = [
    pre.SpikeRemoval(width=1),
    pre.PpmBins(10_000.0),
    pre.DeadTime(1e4),
    pre.DeadTime(1e5, 2),
]  # results stay in the values after these steps
LISTED = [*SCALING, *BENDING, *BACKGROUND, *GRID, *STAYING]
# These need an image, peaks, a zero loss, patterns or frames, and have their own tests. Other steps are found by themselves.
OWN = {pre.SlidingFFT, pre.PeakPicking, pre.ZeroLossAlignment, pre.DetectorMask, pre.DriftCorrection}
FOUND = [step() for step in _STEPS if step not in OWN | {*map(type, LISTED)}]
ALL = [*LISTED, *FOUND]


def labelled(values):
    y, x, energy = (np.arange(1.0, n + 1) for n in values.shape)
    return xr.DataArray(values, dims=("y", "x", "energy"), coords={"y": y, "x": x, "energy": energy})


cubes = arrays(
    np.float64,
    array_shapes(min_dims=3, max_dims=3, min_side=3, max_side=5),
    elements=st.one_of(st.just(0.0), st.floats(1e-3, 1e3)),
).map(labelled)


def test_every_step_is_found():
    public = {getattr(pre, name) for name in pre.__all__}
    assert {type(step) for step in ALL} == set(_STEPS) - OWN
    assert set(_STEPS) == {one for one in public if isinstance(one, type) and pre.Step in one.__mro__[1:]}


def test_every_step_has_working_defaults_and_is_frozen():
    for step in _STEPS:
        with pytest.raises(dataclasses.FrozenInstanceError):
            step().anything = 1


@pytest.mark.parametrize("step", [*SCALING, *BENDING, *BACKGROUND], ids=repr)
@examples(15)
@given(cube=cubes)
def test_inverse_undoes_transform(step, cube):
    fitted = step.fit(cube, ENERGY)
    there = fitted.transform(cube)
    assert np.isfinite(there).all()
    back = fitted.inverse(there)
    assert back.dims == cube.dims
    np.testing.assert_allclose(back, cube, rtol=1e-9, atol=1e-9 * float(cube.max()) + 1e-12)


@pytest.mark.parametrize("step", [*SCALING, *BACKGROUND, *GRID], ids=repr)
@examples(10)
@given(cube=cubes, seed=st.integers(0, 1000))
def test_factors_come_back_as_the_reconstruction_does(step, cube, seed):
    """A E and the inverse of a e differ by nothing, or by an offset that does not depend on the factors."""
    rng = np.random.default_rng(seed)
    fitted = step.fit(cube, ENERGY)
    there = fitted.transform(cube)
    maps = there[..., 0].drop_vars("energy").expand_dims(component=2)
    spectra = there[0, 0].drop_vars(("y", "x")).expand_dims(component=2)
    maps, spectra = maps.copy(data=rng.random(maps.shape)), spectra.copy(data=rng.random(spectra.shape))
    product = xr.dot(maps, spectra, dim="component")
    physical = xr.dot(fitted.abundances(maps), fitted.endmembers(spectra), dim="component")
    offset = fitted.inverse(0 * product)
    expected = (physical + offset).transpose(*there.dims)
    np.testing.assert_allclose(fitted.inverse(product).transpose(*there.dims), expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(fitted.prepare_endmembers(fitted.endmembers(spectra)), spectra, rtol=1e-12)
    np.testing.assert_allclose(fitted.prepare_abundances(fitted.abundances(maps)), maps, rtol=1e-12)


@pytest.mark.parametrize("step", ALL, ids=repr)
def test_the_input_is_not_touched_and_not_shared(step):
    cube = mixture()
    kept = cube.copy(deep=True)
    fitted = step.fit(cube, ENERGY)
    there = fitted.transform(cube)
    back = fitted.inverse(there)
    assert not np.shares_memory(there.values, cube.values)
    xr.testing.assert_identical(cube, kept)
    again = there.copy(deep=True)
    fitted.inverse(there)
    xr.testing.assert_identical(there, again)
    assert back.dims == cube.dims


@pytest.mark.parametrize("step", ALL, ids=repr)
@pytest.mark.parametrize("dtype", ["f4", "f8", "u2", ">f8"])
def test_float32_stays_and_everything_else_becomes_float64(step, dtype):
    cube = (20 * mixture()).astype(dtype)
    there = step.fit(cube, ENERGY).transform(cube)
    if not isinstance(step, pre.Crop) and not (dtype == "u2" and isinstance(step, (pre.Bin, pre.PpmBins))):
        assert there.dtype == (np.float32 if dtype == "f4" else np.float64)
    exact = cube.astype("f8")
    expected = step.fit(exact, ENERGY).transform(exact)
    if not isinstance(step, pre.Bin):
        np.testing.assert_allclose(there, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("step", [*SCALING, *BENDING, *BACKGROUND], ids=repr)
def test_missing_pixels_stay_missing_and_teach_nothing(step):
    cube = mixture()
    holes = np.zeros((6, 10), dtype=bool)
    holes[2, 3] = holes[5] = True
    there = step.fit(cube.where(~xr.DataArray(holes, dims=("y", "x"))), ENERGY).transform(
        cube.where(~xr.DataArray(holes, dims=("y", "x")))
    )
    assert (np.isnan(there.values) == holes[..., None]).all()
    # The same numbers as from a cube that never had these pixels.
    rest = xr.DataArray(cube.values[~holes][None], dims=("y", "x", "energy"), coords={"energy": cube["energy"]})
    expected = step.fit(rest, ENERGY).transform(rest)
    np.testing.assert_allclose(there.values[~holes], expected.values[0], rtol=1e-10)


@pytest.mark.parametrize(
    "step", [s for s in [*SCALING, *BENDING, *BACKGROUND] if s != pre.AsymmetricBaseline()], ids=repr
)
def test_a_single_missing_value_stays_alone(step):
    cube = mixture()
    cube[1, 2, 3] = np.nan
    there = step.fit(cube, ENERGY).transform(cube)
    assert np.isnan(there[1, 2, 3])
    assert int(there.isnull().sum()) == 1


@pytest.mark.parametrize("step", ALL, ids=repr)
def test_lazy_cubes_stay_lazy_and_give_the_same(step):
    cube = mixture()
    lazy = cube.chunk({"y": 2, "energy": 7})
    fitted = step.fit(lazy, ENERGY)
    there = fitted.transform(lazy)
    assert there.chunks is not None
    assert fitted.inverse(there).chunks is not None
    np.testing.assert_allclose(there, step.fit(cube, ENERGY).transform(cube), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("step", ALL, ids=repr)
def test_the_channel_may_come_first(step):
    cube = mixture()
    moved = cube.transpose("energy", "y", "x")
    there = step.fit(moved, ENERGY).transform(moved)
    assert there.dims == moved.dims
    np.testing.assert_allclose(there.transpose("y", "x", "energy"), step.fit(cube, ENERGY).transform(cube), atol=1e-12)


@pytest.mark.parametrize("step", [s for s in ALL if not s.signed], ids=repr)
@examples(10)
@given(cube=cubes)
def test_a_step_that_is_not_signed_leaves_nothing_negative(step, cube):
    assert float(step.fit(cube, ENERGY).transform(cube).min()) >= -1e-12


@pytest.mark.parametrize("step", [s for s in ALL if s.signed], ids=repr)
def test_a_signed_step_does_leave_negative_values(step):
    cube = mixture()
    assert float(step.fit(cube, ENERGY).transform(cube).min()) < 0


def test_what_is_declared():
    assert {type(s).__name__ for s in LISTED if s.centred} == {"MeanCentre", "Range"}
    assert not pre.Range(0, 1).centred
    assert [s for s in LISTED if s.bends] == BENDING
    assert [s for s in LISTED if not s.undone] == [*GRID, *STAYING]
    assert [s for s in LISTED if s.selects] == GRID[:1]
    assert {type(s).__name__ for s in LISTED if s.stabilizes} == {"PoissonScaling", "Anscombe"}
