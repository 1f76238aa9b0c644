"""Masks, weights, known spectra and starts in any container give the answer of plain arrays, or a refusal."""

from __future__ import annotations

import warnings
from functools import cache

import hypothesis
import numpy as np
import pytest
import xarray as xr
from hypothesis import strategies as st

import mffnb as mf
from mffnb.errors import ConvergenceWarning, DegenerateWarning
from mffnb.preprocessing import Anscombe, Bin, Crop, Log1p, PoissonScaling, Range, SlidingFFT, UnitNorm, UnitSum
from tests.conftest import mixture
from tests.depth import examples
from tests.unmixing.containers import CONTAINERS, contained, shifted, turned, without_coordinates

CUBE = mixture(shape=(4, 6), channels=12, components=2, seed=3)
SQUARE = mixture(shape=(5, 5), channels=5, components=2, seed=4)
LINE = mixture(shape=(1, 8), channels=6, components=2, seed=5).isel(y=0, drop=True)
CUBES = {"cube": CUBE, "square": SQUARE, "line": LINE}
STEPS = {
    "bin": Bin(1, channel=2, how="sum"),
    "blocks": Bin(2, how="mean"),
    "crop": Crop({"energy": (402, 418)}),
    "part": Crop({"x": (0.5, 3.0)}),
    "range": Range(),
    "poisson": PoissonScaling(),
    "norm": UnitNorm(),
    "sum": UnitSum(),
    "log": Log1p(),
    "root": Anscombe(),
}
WHATS = (
    "pixel mask", "channel mask", "masks", "pixel weights", "channel weights", "entry weights", "row weights", "known",
    "one known", "pair",
)  # fmt: skip
TRUTH = np.array([np.exp(-(((np.linspace(0, 1, 12) - c) / 0.25) ** 2)) + 0.1 for c in (0.25, 0.75)])


def solve(cube, what, value, steps):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", DegenerateWarning)  # two known spectra are alike in the only channel of a bin
        return mf.unmix(cube, 2, **{what: value}, preprocess=steps, random_state=0, max_iter=15)


def beside(name, what, steps):
    """The keyword and the labelled arrays of what is given beside a cube."""
    cube = CUBES[name]
    pixels, rng = cube.dims[:-1], np.random.default_rng(len(name) + len(what))

    def over(*dims, values=None):
        shape = [cube.sizes[dim] for dim in dims]
        array = xr.DataArray(rng.random(shape) if values is None else values, dims=dims)
        return array.assign_coords({dim: cube[dim] for dim in dims})

    if what in ("pixel mask", "channel mask", "masks"):
        masks = {
            "pixel mask": over(*pixels) > 0.2,
            "channel mask": over("energy", values=np.arange(len(cube.energy))) != 3,
        }
        return "mask", list(masks.values()) if what == "masks" else [masks[what]]
    if "weights" in what:
        dims = {"pixel": pixels, "channel": ("energy",), "entry": cube.dims, "row": ("x",)}[what.split()[0]]
        return "weights", [over(*dims) + 0.5]
    if "known" in what:
        spectra = over("energy") + 0.1
        return "known", [spectra if what == "one known" else spectra.expand_dims(spectrum=[0.0])]
    try:
        start = solve(cube, "mask", None, [STEPS[step] for step in steps])
    except ValueError:  # steps that do not go together
        return "init", None
    return "init", [start.abundances, start.endmembers]


def given(arrays, what, convert):
    """What a user passes: each array converted, as one value, a list or a pair."""
    found = [convert(array) for array in arrays]
    if any(one is None for one in found):
        return None
    return tuple(found) if what == "pair" else found if what == "masks" else found[0]


@cache
def expected(name, what, steps):
    """The answer for plain labelled arrays in the order of the cube; None if it is refused."""
    keyword, arrays = beside(name, what, steps)
    if arrays is None:
        return None
    value = given(arrays, what, lambda array: array)
    try:
        return solve(CUBES[name], keyword, value, [STEPS[step] for step in steps])
    except (ValueError, TypeError):
        return None


@st.composite
def calls(draw):
    """A cube, what is given beside it, containers of both, the order of dimensions, and preprocessing."""
    name, what = draw(st.sampled_from(sorted(CUBES))), draw(st.sampled_from(WHATS))
    return {
        "name": name,
        "what": what,
        "steps": tuple(draw(st.lists(st.sampled_from(sorted(STEPS)), max_size=3, unique=True))),
        "container": draw(st.sampled_from(CONTAINERS)),
        "around": draw(st.sampled_from(CONTAINERS)),
        "seed": draw(st.integers(0, 1000)),
        "reverse": draw(st.sets(st.sampled_from(["y", "x", "energy"]))),
        "labels": draw(st.sampled_from(["all", "all", "names", "shifted"])),
    }


def check(call):
    """Compare one call with the answer for plain arrays; return what happened."""
    name, what, steps, labels = (call[key] for key in ("name", "what", "steps", "labels"))
    container, rng = call["container"], np.random.default_rng(call["seed"])
    plain = expected(name, what, steps)
    keyword, arrays = beside(name, what, steps)
    named = container in ("xarray", "dask", "hyperspy", "sidpy")
    bare = call["around"] == "numpy"  # a cube without names and coordinates
    if arrays is None or (bare and {"crop", "part"} & {*steps}):
        return "not made"
    moved = dims = None
    if labels == "shifted" and not bare:
        moved = sorted({*CUBES[name].dims} & {*arrays[0].dims})[0]

    def convert(array):
        nonlocal dims
        order = rng.permutation(array.ndim) if container != "numpy" else np.arange(array.ndim)
        reverse = call["reverse"] if container != "numpy" and labels == "all" and not bare else set()
        if moved in array.dims and array.sizes[moved] > 1:
            array, dims = shifted(array, moved), moved
        if labels == "names" and container in ("xarray", "dask"):
            array = without_coordinates(array)
        values = turned(array, order, reverse)
        if keyword == "mask" and container == "hyperspy":
            values = ~values
        if what == "pair" and container == "numpy":
            flat = values.values.reshape(len(values), -1)
            values = xr.DataArray(flat.T if array is arrays[0] else flat)
        return contained(values, container, pixels=set(values.dims) - {"energy"})

    value = given(arrays, what, convert)
    cube = contained(CUBES[name], call["around"], pixels=CUBES[name].dims[:-1])
    if value is None or cube is None:
        return "not made"
    found, refusal = outcome(cube, keyword, value, [STEPS[step] for step in steps])
    if found is None:
        lazy = call["around"] == "dask" and "entry" in what
        assert len(refusal.splitlines()) == 1
        assert plain is None or dims or not named or bare or lazy, f"refused what plain arrays give: {refusal}"
        return "refused"
    assert plain is not None, "accepted what is refused for plain arrays"
    assert not dims or container == "numpy", f"coordinates of {dims!r} that differ were accepted"
    np.testing.assert_allclose(found.endmembers, plain.endmembers, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.abundances, plain.abundances, rtol=1e-9, atol=1e-12)
    return "equal"


def outcome(cube, keyword, value, steps):
    """The result of a call and None, or None and the text of its refusal."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "a HyperSpy mask")
        try:
            return solve(cube, keyword, value, steps), None
        except (ValueError, TypeError) as error:
            return None, str(error)


@examples(400)
@hypothesis.given(calls())
def test_any_container_gives_the_answer_of_plain_arrays_or_a_refusal(call):
    check(call)


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
    masked = solve(CUBE, "mask", np.random.default_rng(0).random((4, 6)) > 0.2, ())
    filled = solve(CUBE, "init", masked, ())
    assert np.isfinite(filled.abundances).all()
    pair = solve(CUBE, "init", (start.abundances.transpose("x", "component", "y"), start.endmembers), ())
    np.testing.assert_allclose(pair.abundances, solve(CUBE, "init", start, ()).abundances, rtol=1e-9)
    with pytest.raises(ValueError, match="spectra of init"):
        solve(CUBE.assign_coords(energy=CUBE.energy + 1), "init", start, ())


@pytest.mark.parametrize("step", [(), (PoissonScaling(),), (Range(each="channel"),)])
def test_a_start_is_aligned_before_it_is_scaled_and_has_the_units_of_the_cube(step):
    """A step keeps its numbers in the order of the cube, and a start may be in another order."""
    best = solve(CUBE, "mask", None, step)
    turned_around = best.abundances.isel(y=slice(None, None, -1)), best.endmembers.isel(energy=slice(None, None, -1))
    matrices = best.abundances.values.reshape(2, -1).T, best.endmembers.values
    found = [solve(CUBE, "init", start, step) for start in (best, turned_around, matrices, list(matrices))]
    for one in found[1:]:
        np.testing.assert_allclose(one.abundances, found[0].abundances, rtol=1e-9)
        np.testing.assert_allclose(one.endmembers, found[0].endmembers, rtol=1e-9)


def test_labels_of_one_part_of_a_start_are_not_dropped():
    best = solve(CUBE, "mask", None, ())
    matrix = best.abundances.values.reshape(2, -1).T
    backwards = best.endmembers.isel(energy=slice(None, None, -1))
    found = solve(CUBE, "init", (matrix, backwards), ())
    np.testing.assert_array_equal(
        found.endmembers, solve(CUBE, "init", (matrix, best.endmembers.values), ()).endmembers
    )
    with pytest.raises(ValueError, match=r"the maps of init .* matrix of shape \(24, k\), got \(2, 24\)"):
        solve(CUBE, "init", (matrix.T, backwards), ())
