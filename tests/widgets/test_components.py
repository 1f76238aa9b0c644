"""Components of the explorer: hidden, ordered, coloured, merged and split; their identity in history, result and code."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import mffnb as mf
from mffnb.solvers import Outcome
from mffnb.widgets.appearance import Appearance
from mffnb.widgets.session.edited import merged, split

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")


@pytest.fixture
def explore():
    opened = []
    yield lambda cube, **options: opened.append(mf.explore(cube, **{"k": 3, **options})) or opened[-1]
    for one in opened:
        one.close()


def header(explorer):
    return explorer.view.encoded["header"]


def look_of(explorer):
    shown = header(explorer)
    return shown["numbers"], shown["labels"], shown["colors"], shown["hidden"]


def model(solved):
    gain = 1.0 if solved.state.gain is None else solved.state.gain
    return (solved.state.abundances * gain).T @ solved.state.endmembers


@given(st.sets(st.integers(0, 9), min_size=1), st.lists(st.integers(0, 9), unique=True))
def test_rows_are_a_permutation_in_the_order_of_the_user(numbers, order):
    present = sorted(numbers)
    rows = Appearance(order=tuple(order)).rows(present)
    shown = [present[row] for row in rows]
    assert sorted(rows) == list(range(len(present)))
    assert shown == [one for one in order if one in numbers] + [one for one in present if one not in order]


def test_hidden_components_stay_in_the_model_and_leave_the_figure(explore, cube, tmp_path):
    explorer = explore(cube)
    explorer.wait()
    before = explorer.result
    explorer.rename(1, "lignin")
    explorer.hide("lignin")
    assert header(explorer)["hidden"] == [1]
    assert explorer.result.endmembers.hidden.values.tolist() == [False, True, False]
    xr.testing.assert_equal(explorer.result.reconstruction(), before.reconstruction())
    explorer.result.save(tmp_path / "hidden.nc")
    assert mf.load(tmp_path / "hidden.nc").abundances.hidden.values.tolist() == [False, True, False]
    explorer.save_picture(tmp_path / "shown.svg")
    assert "lignin" not in (tmp_path / "shown.svg").read_text()
    explorer.hide(0)
    with pytest.raises(ValueError, match="only one that is shown"):
        explorer.hide(2)
    explorer.show()
    assert header(explorer)["hidden"] == []
    with pytest.raises(ValueError, match="no component 'cellulose'"):
        explorer.hide("cellulose")


def test_order_and_colours_reach_the_page_the_result_and_its_figures(explore, cube, tmp_path):
    explorer = explore(cube, preprocess=[mf.preprocessing.UnitSum()])
    explorer.wait()
    before = explorer.result
    explorer.rename(2, "lignin")
    explorer.reorder(["lignin", 0])
    explorer.set_color(1, "#112233")
    explorer.set_color("lignin", 7)
    numbers, labels, colors, _ = look_of(explorer)
    assert (numbers, labels) == ([2, 0, 1], ["lignin", "component 0", "component 1"])
    palette = mf.component_colors(8)
    assert colors == [palette[7], palette[0], "#112233"]
    after = explorer.result
    np.testing.assert_array_equal(after.endmembers, before.endmembers[[2, 0, 1]])
    np.testing.assert_array_equal(after.abundances.component, numbers)
    xr.testing.assert_allclose(after.reconstruction(), before.reconstruction(), rtol=1e-12)
    maps = np.frombuffer(explorer.view.encoded["maps"], np.uint8).reshape(3, -1)
    np.testing.assert_allclose(maps[0] / 254 * after.abundances[0].max().item(), after.abundances[0].values.ravel(),
                               rtol=0, atol=after.abundances[0].max().item() / 254)  # fmt: skip
    after.save(tmp_path / "ordered.nc")
    assert mf.plots.labels.identity(mf.load(tmp_path / "ordered.nc").endmembers) == (labels, colors)
    explorer.set_color(1, None)
    assert look_of(explorer)[2] == [palette[7], palette[0], palette[1]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda e: e.reorder([0, 0]), "twice"),
        (lambda e: e.reorder([5]), "no component 5"),
        (lambda e: e.set_color(0, "red"), "no colour"),
        (lambda e: e.set_color(0, -1), "no position"),
        (lambda e: e.merge(0, 0), "with itself"),
        (lambda e: e.merge(0, 7), "no component 7"),
    ],
)
def test_components_that_are_not_there_are_refused(explore, cube, call, message):
    explorer = explore(cube)
    explorer.wait()
    entries = explorer.history.entries
    with pytest.raises(ValueError, match=message):
        call(explorer)
    explorer.wait()
    assert explorer.history.entries == entries


def test_each_gesture_on_components_is_undone_to_the_last_bit(explore, cube):
    explorer = explore(cube, tol=1e-3)
    explorer.wait()
    gestures = [
        lambda: explorer.rename(1, "lignin"),
        lambda: explorer.reorder([2, 1]),
        lambda: explorer.set_color("lignin", 5),
        lambda: explorer.split(1),
        lambda: explorer.hide(3),
        lambda: explorer.merge("lignin", 0),
        lambda: explorer.controls.set(k=2),
        explorer.show,
    ]
    seen = [(look_of(explorer), explorer.result)]
    for gesture in gestures:
        gesture()
        explorer.wait()
        seen.append((look_of(explorer), explorer.result))
    assert [len(result.endmembers) for _, result in seen] == [3, 3, 3, 3, 4, 4, 3, 2, 2]
    for move, states in ((explorer.undo, seen[-2::-1]), (explorer.redo, seen[1:])):
        for look, result in states:
            move()
            explorer.wait()
            assert look_of(explorer) == look
            xr.testing.assert_identical(explorer.result.endmembers, result.endmembers)
            xr.testing.assert_identical(explorer.result.abundances, result.abundances)


def test_a_new_component_does_not_take_over_the_name_of_one_that_left(explore, cube):
    explorer = explore(cube)
    explorer.wait()
    for number in range(3):
        explorer.rename(number, f"phase {number}")
    explorer.controls.set(k=2)
    explorer.wait()
    (gone,) = {0, 1, 2} - {*header(explorer)["numbers"]}
    explorer.controls.set(k=3)
    explorer.wait()
    shown = dict(zip(*look_of(explorer)[:2], strict=True))
    assert shown == {number: f"component {number}" if number == gone else f"phase {number}" for number in range(3)}


def test_looks_are_dropped_where_components_cannot_be_matched(explore, cube):
    explorer = explore(cube, preprocess=[mf.preprocessing.Bin(space=2)])
    explorer.wait()
    explorer.rename(1, "lignin")
    explorer.controls.set(steps=(False,))
    explorer.wait()
    assert explorer.names == {}
    explorer.undo()
    explorer.wait()
    assert explorer.names == {1: "lignin"}


@pytest.mark.parametrize("options", [{}, {"sum_to_one": True}, {"gain": True}, {"similarity": "kl"}])
def test_merging_keeps_the_mean_spectrum_of_the_model(explore, cube, options):
    explorer = explore(cube, k=4, **options)
    explorer.wait()
    before = explorer.session.last
    after = merged(before, 1, 3)
    assert after.names == (0, 1, 2)
    np.testing.assert_allclose(model(after).mean(axis=0), model(before).mean(axis=0), rtol=1e-9)
    if before.parameters.fractions:
        np.testing.assert_allclose(after.state.abundances.sum(axis=0), 1, rtol=1e-9)
    else:  # so is the signal of each pixel
        np.testing.assert_allclose(model(after).sum(axis=1), model(before).sum(axis=1), rtol=1e-9)
    explorer.merge(1, 3)
    explorer.wait()
    assert explorer.controls.parameters.k == 3
    assert explorer.result.endmembers.component.values.tolist() == [0, 1, 2]


def test_merging_does_not_depend_on_the_scale_of_a_component(explore, cube):
    explorer = explore(cube, k=4)
    explorer.wait()
    before = explorer.session.last
    factor = np.array([1.0, 7.0, 1.0, 0.2])[:, None]
    state = before.state
    other = replace(before, state=replace(state, abundances=state.abundances * factor,
                                          endmembers=state.endmembers / factor))  # fmt: skip
    np.testing.assert_allclose(model(merged(other, 1, 3)), model(merged(before, 1, 3)), rtol=1e-9, atol=1e-12)


def test_a_component_splits_into_the_materials_that_it_holds(explore):
    generator = np.random.default_rng(5)
    spectra = generator.gamma(2.0, size=(3, 40))
    spectra[2] = spectra[1] * generator.uniform(0.5, 1.5, size=40)  # two materials that are nearly the same
    maps = np.zeros((3, 12, 15))
    for number in range(3):
        maps[number, :, 5 * number : 5 * number + 5] = generator.uniform(0.2, 1.0, size=(12, 5))
    cube = xr.DataArray(np.einsum("kyx,kc->yxc", maps, spectra), dims=("y", "x", "e"))
    cube = cube + 0.01 * generator.standard_normal(cube.shape)

    def angles(found):
        return mf.geometry.matching.spectral_angles(spectra, found).min(axis=1)

    explorer = explore(cube, k=2)
    explorer.wait()
    before = explorer.result.endmembers.values
    mixed = int(np.argmin(mf.geometry.matching.spectral_angles(spectra[1:], before).sum(axis=0)))
    start, new = split(explorer.session.last, mixed)
    assert new == 2
    assert (angles(start.state.endmembers)[1:] < 0.7 * angles(before)[1:]).all()
    explorer.split(mixed)
    explorer.wait()
    assert explorer.result.endmembers.component.values.tolist() == ([0, 2, 1] if mixed == 0 else [0, 1, 2])
    assert float(explorer.result.residual().std()) < 0.01  # the noise


def test_a_component_without_residual_is_not_split(explore):
    cube = xr.DataArray(np.outer(np.arange(1.0, 13), np.arange(1.0, 6)).reshape(3, 4, 5), dims=("y", "x", "e"))
    explorer = explore(cube, k=1)
    explorer.wait()
    exact = explorer.session.last
    state = replace(exact.state, abundances=np.arange(1.0, 13)[None], endmembers=np.arange(1.0, 6)[None])
    with pytest.raises(ValueError, match="cannot be split"):
        split(replace(exact, state=state), 0)


def test_edits_refuse_known_spectra_the_end_of_the_slider_and_a_search(explore, cube):
    known = mf.unmix(cube, 2, random_state=0).endmembers[:1]
    explorer = explore(cube, known=known, max_components=3)
    explorer.wait()
    for edit in (lambda: explorer.merge(1, 0), lambda: explorer.split(0)):
        with pytest.raises(ValueError, match="is held"):
            edit()
    before = explorer.result
    explorer.reorder([2, 1, 0])
    with pytest.raises(ValueError, match="max_components=4"):
        explorer.split(1)
    explorer.wait()
    assert explorer.result.endmembers.component.values.tolist() == [2, 1, 0]
    np.testing.assert_array_equal(explorer.result.endmembers, before.endmembers[::-1])
    again = explore(
        cube, known=known, start=explorer.result
    )  # the known one is number 0, at its place in the order shown
    again.wait()
    np.testing.assert_allclose(again.result.endmembers.sel(component=0), known[0], rtol=1e-12)
    automatic = explore(cube, volume="auto")
    automatic.wait()
    with pytest.raises(ValueError, match="volume='auto'"):
        automatic.merge(0, 1)


def test_an_edit_during_a_run_is_not_lost_to_the_next_move(explore, cube):
    explorer = explore(cube, k=4, tol=1e-6)
    explorer.wait()
    explorer.rename(1, "both")
    explorer.merge(1, 3)
    explorer.controls.set(smoothness=0.01)
    explorer.wait()
    assert explorer.result.outcome is Outcome.CONVERGED
    assert header(explorer)["labels"] == ["component 0", "both", "component 2"]


def test_code_names_the_components_in_its_own_order(explore, cube):
    explorer = explore(cube)
    explorer.wait()
    explorer.rerun()
    explorer.wait()
    explorer.rename(0, "first")
    explorer.rename(2, "third's")
    explorer.set_color(1, "#445566")
    explorer.reorder([2, 1, 0])
    names = {}
    exec(explorer.code().replace("cube = ...", "cube = given"), {"given": cube}, names)
    shown = explorer.result.endmembers
    labels, colors = mf.plots.labels.identity(names["result"].endmembers)
    for label, color, spectrum in zip(labels, colors, names["result"].endmembers, strict=True):
        row = shown.label.values.tolist().index(label)
        assert color == shown.color.values[row]
        np.testing.assert_allclose(spectrum, shown[row], rtol=1e-9, atol=1e-12)


def test_a_composite_has_the_colours_of_its_components_and_their_mixtures(explore, cube):
    explorer = explore(cube)
    explorer.wait()
    explorer.view.clip = 0.0
    shares = explorer.result.abundances / explorer.result.abundances.max(("y", "x"))
    palette = np.array([[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in header(explorer)["colors"]]) / 255
    squares = shares.values**2
    hue = np.einsum("kyx,kc->yxc", squares / squares.sum(axis=0), palette)
    dark = np.array([13, 15, 20]) / 255
    picture = explorer.composite()
    np.testing.assert_allclose(picture, dark + (hue - dark) * shares.max("component").values[..., None], atol=1e-12)
    np.testing.assert_array_equal(picture.y, cube.y)
    explorer.rename(1, "lignin")
    explorer.set_color("lignin", "#ff0000")
    alone = explorer.composite(weights={0: 0, 2: 0})
    np.testing.assert_allclose(alone[..., 0], dark[0] + (1 - dark[0]) * shares[1], atol=1e-12)
    assert header(explorer)["weights"] == [0, 1, 0]
    explorer.hide("lignin")
    np.testing.assert_allclose(explorer.composite(), np.broadcast_to(dark, alone.shape), atol=1e-12)
    explorer.undo()
    explorer.undo()
    explorer.wait()
    assert header(explorer)["weights"] == [1, 1, 1]
    assert explorer.view.tool_composite["shown"] is True
    explorer.composite(shown=False)
    assert explorer.view.tool_composite == {"shown": False, "opacity": 0.7}


def test_a_composite_lies_over_an_image_that_is_aligned_by_its_coordinates(explore, cube):
    mask = np.ones(cube.shape[:2], dtype=bool)
    mask[0, 0] = False
    explorer = explore(cube, mask=mask)
    explorer.wait()
    topography = cube.sum("energy").rename("height")
    picture = explorer.composite(over=topography.transpose("x", "y")[::-1], opacity=0.25)
    plain = explorer.composite(over=False)
    low, high = np.percentile(topography, [0.5, 99.5])
    grey = np.clip((topography - low) / (high - low), 0, 1)
    np.testing.assert_allclose(picture[0, 0], np.full(3, grey[0, 0]), atol=1e-12)  # no abundances: the image alone
    assert np.isnan(plain[0, 0]).all()
    strength = explorer.result.abundances / explorer.result.abundances.max(("y", "x"))
    distance = np.abs(picture - grey).max("rgb").values[mask]
    assert (distance <= 0.25 * np.minimum(strength.max("component").values[mask] * 1.05, 1)).all()
    explorer.composite(over=topography)
    shown = explorer.view.tool_composite
    assert (shown["over"]["name"], shown["over"]["grid"], shown["opacity"]) == ("height", [6, 10], 0.25)
    codes = np.frombuffer(shown["over"]["codes"], np.uint8).reshape(6, 10)
    assert codes.argmax() == int(topography.values.argmax())
    assert codes.argmin() == int(topography.values.argmin())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weights": {0: -1.0}}, "finite number >= 0"),
        ({"weights": {9: 1.0}}, "no component 9"),
        ({"opacity": 1.5}, "between 0 and 1"),
        ({"over": np.zeros((3, 3))}, "does not fit"),
    ],
)
def test_a_composite_refuses_what_it_cannot_show(explore, cube, arguments, message):
    explorer = explore(cube)
    explorer.wait()
    with pytest.raises(ValueError, match=message):
        explorer.composite(**arguments)
    assert explorer.view.tool_composite == {}


def test_an_image_on_other_coordinates_is_refused(explore, cube):
    explorer = explore(cube)
    explorer.wait()
    moved = cube.sum("energy").assign_coords(x=cube.x + 0.1)
    with pytest.raises(ValueError, match="different coordinates along 'x'"):
        explorer.composite(over=moved)


def test_the_composite_of_a_stack_follows_its_section(explore, cube):
    stack = xr.concat([cube, 2 * cube, cube[::-1].assign_coords(y=cube.y)], dim="z").transpose("z", ...)
    explorer = explore(stack)
    explorer.wait()
    picture = explorer.composite(over=stack.sum("energy"), opacity=0)
    assert picture.dims == ("y", "x", "rgb")
    assert explorer.view.tool_composite["over"]["grid"] == [6, 10]
    middle = explorer.view.tool_composite["over"]["codes"]
    explorer.show_section(z=2)
    last = np.frombuffer(explorer.view.tool_composite["over"]["codes"], np.uint8).reshape(6, 10)
    np.testing.assert_array_equal(last[::-1], np.frombuffer(middle, np.uint8).reshape(6, 10))
    np.testing.assert_allclose(explorer.composite()[::-1].values, picture.values, atol=1e-12)  # the image alone
    explorer.composite(over=cube.sum("energy"))  # an image of one section lies below all


def test_an_outline_in_a_scatter_plot_selects_a_region(explore, cube):
    explorer = explore(cube)
    explorer.wait()
    a, b = explorer.result.abundances.values[[2, 0]]
    explorer.rename(2, "lignin")
    found = explorer.scatter("lignin", 0)
    np.testing.assert_array_equal(found.horizontal, a)
    np.testing.assert_array_equal(found.vertical, b)
    assert found.attrs["correlation"] == pytest.approx(np.corrcoef(a.ravel(), b.ravel())[0, 1])
    shown = explorer.view.tool_scatter
    assert (shown["x"]["axis"], shown["x"]["label"], shown["y"]["label"]) == (2, "lignin", "component 0")
    middle, top = float(np.median(a)), float(b.max()) + 1
    outline = [(middle, -1), (middle, top), (a.max() + 1, top), (a.max() + 1, -1)]
    selected = explorer.scatter(inside=outline, name="rich")  # the axes stay
    np.testing.assert_array_equal(selected.inside, a > middle)
    region = explorer.regions["rich"]
    np.testing.assert_array_equal(region.mask, a > middle)
    np.testing.assert_allclose(region.mean_spectrum, cube.values[a > middle].mean(axis=0), rtol=1e-12)
    triangle = explorer.scatter(inside=[(0, 0), (2 * a.max(), 0), (0, 2 * b.max())])
    below = a / (2 * a.max()) + b / (2 * b.max()) < 1
    np.testing.assert_array_equal(triangle.inside, below & (a > 0) & (b > 0) | triangle.inside & ((a == 0) | (b == 0)))
    explorer.reorder([0, 2])
    assert explorer.view.tool_scatter["x"]["axis"] == 2  # an axis keeps to its component


def test_a_scatter_plot_of_a_component_and_a_band(explore, cube):
    explorer = explore(cube)
    explorer.wait()
    found = explorer.scatter(1, (404.0, 410.0))
    np.testing.assert_allclose(found.vertical, cube.sel(energy=slice(404, 410)).sum("energy"), rtol=1e-12)
    assert explorer.view.tool_scatter["y"]["label"] == "band 404 to 410"
    assert explorer.view.tool_band == {}
    explorer.controls.set(k=2)
    explorer.wait()  # the plot follows the run
    np.testing.assert_array_equal(explorer.scatter().horizontal, explorer.result.abundances.sel(component=1))


@pytest.mark.parametrize(
    ("options", "arguments", "message"),
    [
        ({}, {"x": 5}, "no component 5"),
        ({}, {"x": (1.0, 2.0, 3.0)}, "two ends of a band"),
        ({}, {"inside": [(0, 0), (1, 1)]}, "three or more corners"),
        ({}, {"inside": [(50, 50), (51, 50), (50, 51)]}, "no pixel"),
        ({"preprocess": [mf.preprocessing.Bin(space=2)]}, {"x": (404.0, 410.0)}, "grid differs"),
    ],
)
def test_a_scatter_plot_refuses_what_it_cannot_show(explore, cube, options, arguments, message):
    explorer = explore(cube, **options)
    explorer.wait()
    with pytest.raises(ValueError, match=message):
        explorer.scatter(**arguments)


def test_a_scatter_plot_of_a_component_that_has_left_is_hidden_with_a_reason(explore, cube):
    explorer = explore(cube)
    explorer.wait()
    explorer.scatter(0, 1)
    explorer.merge(0, 1)
    explorer.wait()
    assert explorer.view.tool_scatter["shown"] is False
    assert "no component 1" in explorer.view.error
