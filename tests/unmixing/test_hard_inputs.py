"""Whatever comes in: a finite answer, or one sentence that says what to do."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

import mffnb as mf
from mffnb.errors import ConvergenceWarning, DegenerateWarning, PictureWarning
from tests.depth import examples

WEIGHTS = (0.0, 1e-12, 1e-6, 1e-3, 1.0, 1e3, 1e6, 1e12)
DTYPES = ("?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", ">f4", ">f8", ">i4", ">u2", "g")


def mixed(shape, rank=3, seed=0):
    """A cube of the given shape (pixels..., channels) and rank, values of order 1."""
    rng = np.random.default_rng(seed)
    return rng.random((*shape[:-1], rank)) @ rng.random((rank, shape[-1])) / rank


def examine(data, k, *, observed_pixels=None, observed_channels=None, **options):
    """Unmix, and check all that has to hold for any data; return the result."""
    values = data.values if isinstance(data, xr.DataArray) else data
    before = values.tobytes()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = mf.unmix(data, k, **{"random_state": 0, "max_iter": 20, **options})
    assert values.tobytes() == before
    # Nothing but the package's own warnings: a RuntimeWarning of NumPy would be a NaN on its way.
    picture = {PictureWarning} if values.shape[-1] == 1 else set()
    assert {warning.category for warning in caught} <= {ConvergenceWarning, DegenerateWarning} | picture
    A, E = result.abundances.values, result.endmembers.values
    assert (A.shape, E.shape) == ((k, *values.shape[:-1]), (k, values.shape[-1]))
    for factor, observed in ((A, observed_pixels), (E, observed_channels)):
        used = np.ones(factor.shape[1:], bool) if observed is None else observed
        assert np.isfinite(factor[:, used]).all()
        assert (factor[:, used] >= 0).all()
        assert np.isnan(factor[:, ~used]).all()
    dead = ~(np.nan_to_num(A).reshape(k, -1).any(axis=1) & np.nan_to_num(E).any(axis=1))
    named = [one.message for one in caught if one.category is DegenerateWarning and "zero" in str(one.message)]
    assert bool(named) == dead.any()
    objective = result.trace.objective.values
    assert np.isfinite(objective).all()
    # Scaled data have F(0, 0) = 1/2: a start that is right already leaves only the rounding of that.
    assert (np.diff(objective) <= 1e-10 * max(objective[0], 0.5)).all()
    assert (result.trace.relative_error.values >= 0).all()
    if options.get("sum_to_one"):
        total = A.sum(axis=0) if observed_pixels is None else A.sum(axis=0)[observed_pixels]
        np.testing.assert_allclose(total, 1, atol=1e-9)
    return result


@st.composite
def hard_runs(draw):
    """Data, what of them is observed, and options, of every kind together."""
    pixels = draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    shape = (*pixels, draw(st.integers(1, 9)))
    k = draw(st.integers(1, 11))
    kind = draw(st.sampled_from(["mixed", "mixed", "mixed", "zero", "constant", "signed", "negative", "counts"]))
    data = mixed(shape, draw(st.integers(1, 4)), draw(st.integers(0, 99)))
    data = {
        "mixed": data,
        "zero": 0 * data,
        "constant": np.ones(shape),
        "signed": data - data.mean(),
        "negative": -data,
        "counts": np.random.default_rng(k).poisson(data).astype(float),
    }[kind]
    dtype = np.dtype(draw(st.sampled_from((*DTYPES, "f8", "f8", "f8"))))
    if dtype.kind == "f":
        # float16 reaches from 6e-8 to 65504, float32 from 1e-38 to 3e38.
        decades = {2: (-3, 3), 4: (-30, 36)}.get(dtype.itemsize, (-120, 120))
        data = data * 10.0 ** draw(st.integers(*decades))
    elif dtype.kind != "b":
        info = np.iinfo(dtype)
        size = float(min(info.max, 2**62)) if draw(st.booleans()) else 20.0
        data = np.clip(data * size, float(info.min), float(info.max) * (1 - 1e-15))
    data[: draw(st.integers(0, shape[0]))] *= draw(st.sampled_from([1.0, 1.0, 0.0]))
    data[..., : draw(st.integers(0, shape[-1]))] *= draw(st.sampled_from([1.0, 1.0, 0.0]))
    data = data.astype(dtype)
    seen_pixels, seen_channels = np.ones(shape[:-1], bool), np.ones(shape[-1], bool)
    if dtype.kind == "f" and draw(st.booleans()):
        rng = np.random.default_rng(draw(st.integers(0, 99)))
        seen_pixels = rng.random(shape[:-1]) < draw(st.sampled_from([0.3, 0.9]))
        seen_channels = rng.random(shape[-1]) < draw(st.sampled_from([0.5, 1.0]))
        seen_pixels.flat[0] = seen_channels[0] = True
        data[~seen_pixels] = np.nan
        data[..., ~seen_channels] = np.nan
    layout = draw(st.sampled_from(["C", "F", "strided", "read-only"]))
    if layout == "F":
        data = np.asfortranarray(data)
    elif layout == "strided":
        wide = np.zeros((*shape[:-1], 2 * shape[-1]), dtype)
        wide[..., ::2] = data
        data = wide[..., ::2]
    elif layout == "read-only":
        data.flags.writeable = False
    sum_to_one = draw(st.booleans())
    options = {
        "observed_pixels": seen_pixels,
        "observed_channels": seen_channels,
        "sum_to_one": sum_to_one,
        "sparsity": 0.0 if sum_to_one else draw(st.sampled_from(WEIGHTS)),
        "smoothness": draw(st.sampled_from(WEIGHTS)),
        "init": draw(st.sampled_from(["auto", "random", "nndsvd"])),
        "random_state": draw(st.integers(0, 9)),
    }
    return data, k, options


@examples(150, suppress_health_check=[HealthCheck.too_slow])
@given(hard_runs())
def test_any_data_end_in_a_finite_answer(run):
    data, k, options = run
    try:
        examine(data, k, **options)
    except ValueError as error:
        if "of the energy of the data" not in str(error):  # mostly negative data are refused
            raise


def test_names_the_values_that_no_fit_can_use():
    cube = mixed((4, 5, 6))
    for bad, message in ((np.inf, "infinite"), (-np.inf, "infinite")):
        holed = cube.copy()
        holed[1, 2, 3] = bad
        with pytest.raises(ValueError, match=f"1 values of the cube are {message}"):
            mf.unmix(holed, 2)


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (np.zeros((0, 5, 6)), ValueError, "is empty"),
        (np.zeros((4, 5, 0)), ValueError, "is empty"),
        (np.full((4, 5, 6), np.nan), ValueError, "no pixel is left"),
        (mixed((4, 5, 6)) + 1j, TypeError, "real numbers"),
        (mixed((4, 5, 6)).astype(object), TypeError, "number"),
        (np.zeros(6), ValueError, "2 to 5 dimensions"),
        (np.full((4, 5, 6), 1e200), ValueError, "too large"),
        (np.full((4, 5, 6), 1e-200), ValueError, "too small"),
    ],
)
def test_what_cannot_be_unmixed_is_refused_in_a_sentence(data, error, message):
    with pytest.raises(error, match=message) as caught:
        mf.unmix(data, 2)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("scale", [1e-30, 1e30])
@pytest.mark.parametrize("options", [{}, {"sparsity": 1e-2, "smoothness": 0.1}, {"sum_to_one": True}])
@pytest.mark.parametrize("init", ["random", "nndsvd"])
def test_the_answer_scales_with_the_data(scale, options, init):
    cube = mixed((4, 5, 6)) + 0.1 * np.random.default_rng(1).random((4, 5, 6))
    plain = examine(cube, 3, init=init, **options)
    scaled = examine(scale * cube, 3, init=init, **options)
    np.testing.assert_allclose(scaled.endmembers / scale, plain.endmembers, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(scaled.abundances, plain.abundances, rtol=1e-9, atol=1e-12)


def test_weights_beyond_reason_end_at_zero_and_say_so():
    for options in ({"sparsity": 1e12}, {"sparsity": 1e12, "smoothness": 1e12}):
        result = examine(mixed((4, 5, 6)), 3, **options)
        assert not result.abundances.any()
    smooth = examine(mixed((4, 5, 6)), 3, smoothness=1e12, max_iter=500)
    assert float(np.ptp(smooth.abundances.values, axis=(1, 2)).max()) < 1e-6


ONE_PIXEL, ONE_CHANNEL = np.zeros((3, 4), bool), np.zeros(6, bool)
ONE_PIXEL[1, 2] = ONE_CHANNEL[2] = True


@pytest.mark.parametrize(
    ("shape", "mask", "k"),
    [
        ((3, 4, 6), ONE_PIXEL, 1), ((3, 4, 6), ONE_CHANNEL, 1), ((1, 1, 6), None, 2), ((1, 1, 1), None, 1),
        ((3, 4, 6), None, 1),
    ],
)  # fmt: skip
def test_one_pixel_one_channel_and_one_component(shape, mask, k, tmp_path):
    """All steps of an analysis work where one pixel, one channel or one component is left."""
    cube = xr.DataArray(mixed(shape) + 0.1, dims=("y", "x", "energy"), coords={"energy": 2.0 * np.arange(shape[-1])})
    options = {"mask": None if mask is None else [mask], "random_state": 0}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = mf.unmix(cube, k, **options)
        used = np.isfinite(result.residual())
        assert used.sum() == (6 if mask is ONE_PIXEL else 12 if mask is ONE_CHANNEL else cube.size)
        result.plot()
        result.save(tmp_path / "result.nc")
        xr.testing.assert_allclose(mf.load(tmp_path / "result.nc").abundances, result.abundances)
        scan = mf.selection.scan_rank(cube, (1,), n_init=2, splits=1, **options)
        assert scan.recommend().reasons
        scan.plot()
        mf.selection.stability(cube, 1, n_init=2, n_bootstrap=9, **options).plot()
        pixels, channels = int(used.any("energy").sum()), int(used.any(("y", "x")).sum())
        if min(pixels, channels) == 1:
            with pytest.raises(ValueError, match=r"k = 2 is more than .* can tell apart: lower it"):
                mf.selection.scan_rank(cube, (1, 2), n_init=2, splits=1, **options)
    assert all(issubclass(one.category, mf.errors.MffnbWarning) for one in caught)


@pytest.mark.parametrize("step", [mf.preprocessing.UnitSum(), mf.preprocessing.Range(), mf.preprocessing.MeanCentre()])
def test_infinite_values_are_refused_before_preprocessing(step):
    cube = xr.DataArray(mixed((3, 4, 6)) + 0.1, dims=("y", "x", "energy"), coords={"energy": np.arange(6.0)})
    cube[1, 2, 3], used = np.inf, np.ones((3, 4), bool)
    used[1, 2] = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for data in (cube, cube.chunk({"y": 1}), -cube):
            with pytest.raises(ValueError, match="1 values of the cube are infinite: mask or replace them"):
                mf.preprocessing.fit_chain(data, [step])
        outside = mf.preprocessing.Crop({"energy": slice(0, 2)})
        mf.preprocessing.fit_chain(cube, [outside, step])
        mf.unmix(cube, 1, preprocess=[mf.preprocessing.UnitSum()], mask=[used], max_iter=200, random_state=0)


def test_an_empty_list_of_masks_or_weights_is_refused():
    for name in ("mask", "weights"):
        with pytest.raises(ValueError, match=f"{name} is an empty list"):
            mf.unmix(mixed((3, 4, 6)), 1, **{name: []})
