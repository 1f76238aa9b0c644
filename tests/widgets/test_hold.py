"""Held components of the explorer: spectra that stay, the identity of components, undo, and the code that repeats them."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.widgets.session.solved import matched_numbers

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")


@pytest.fixture
def explore(cube):
    opened = []
    yield lambda given=cube, **options: opened.append(mf.explore(given, **{"k": 3, **options})) or opened[-1]
    for one in opened:
        one.close()


@pytest.fixture
def explorer(explore):
    one = explore()
    one.wait()
    return one


def spectrum(explorer, number):
    return explorer.result.endmembers.sel(component=number).values


def header(explorer):
    return explorer.view.encoded["header"]


def region(explorer, cube, name="R"):
    mask = np.zeros(cube.shape[:2], dtype=bool)
    mask[:2, :3] = True
    return explorer.region(mask=mask, name=name)


def call(explorer, tool, **arguments):
    explorer.view._receive(explorer.view, {"type": "call", "tool": tool, "arguments": arguments}, [])


def test_held_component_keeps_spectrum_number_and_place_while_the_others_move(explorer):
    before = explorer.result
    assert explorer.hold(1) == 1
    explorer.wait()
    assert header(explorer)["held"] == [1]
    assert header(explorer)["labels"] == ["component 0", "component 1", "component 2"]
    explorer.controls.set(sparsity=0.3)
    explorer.wait()
    np.testing.assert_allclose(spectrum(explorer, 1), before.endmembers[1], rtol=1e-6)
    moved = [np.abs(spectrum(explorer, j) - before.endmembers[j].values).max() for j in (0, 2)]
    assert min(moved) > 1e-3 * float(before.endmembers.max())
    assert explorer.result.endmembers.component.values.tolist() == [0, 1, 2]


@pytest.mark.parametrize("options", [{}, {"similarity": "kl"}, {"sum_to_one": True}, {"gain": True}])
def test_held_spectrum_stays_in_each_model(explore, options):
    explorer = explore(**options)
    explorer.wait()
    explorer.hold(2)
    explorer.wait()
    held = explorer.known.sel(component=2).values
    np.testing.assert_allclose(unit(spectrum(explorer, 2)), unit(held), rtol=1e-12)
    explorer.controls.set(k=4)
    explorer.wait()
    np.testing.assert_allclose(unit(spectrum(explorer, 2)), unit(held), rtol=1e-12)


def unit(values):
    return values / np.linalg.norm(values)  # a gain takes the scale


def test_fewer_components_remove_free_ones_and_not_the_held_one(explorer):
    for number in (0, 2):
        explorer.hold(number)
    explorer.wait()
    explorer.controls.set(k=2)
    explorer.wait()
    assert explorer.result.endmembers.component.values.tolist() == [0, 2]
    with pytest.raises(ValueError, match="2 are known"):
        explorer.controls.set(k=1)
    explorer.release(2)
    explorer.wait()
    explorer.controls.set(k=1)
    explorer.wait()
    assert explorer.result.endmembers.component.values.tolist() == [0]


def test_held_region_is_one_more_component_with_its_name(explorer, cube):
    found = region(explorer, cube, "vessel")
    number = explorer.hold("vessel")
    explorer.wait()
    assert (number, explorer.settings.k) == (3, 4)
    np.testing.assert_allclose(spectrum(explorer, 3), found.mean_spectrum, rtol=1e-6)
    assert header(explorer)["labels"][3] == "vessel"
    assert explorer.result.endmembers.label.values.tolist()[3] == "vessel"
    map_of_region = explorer.result.abundances.sel(component=3)
    assert map_of_region.values[found.mask.values].mean() > map_of_region.values[~found.mask.values].mean()


def test_a_region_that_is_held_again_replaces_its_component(explorer, cube):
    region(explorer, cube)
    explorer.hold("R")
    mask = np.zeros(cube.shape[:2], dtype=bool)
    mask[-2:, -2:] = True
    later = explorer.region(mask=mask, name="R")
    assert explorer.hold("R") == 3
    explorer.wait()
    assert explorer.settings.k == 4
    np.testing.assert_allclose(spectrum(explorer, 3), later.mean_spectrum, rtol=1e-6)


def test_spectrum_in_place_of_a_component_keeps_k_and_number(explorer, cube):
    given = cube[2, 3]
    assert explorer.hold(given, component=1, name="standard") == 1
    explorer.wait()
    assert explorer.settings.k == 3
    np.testing.assert_allclose(spectrum(explorer, 1), given, rtol=1e-6)
    assert header(explorer)["labels"][1] == "standard"


def test_held_pixel_is_its_measured_spectrum(explorer, cube):
    call(explorer, "hold", pixel=[1, 2], name="spot")
    explorer.wait()
    np.testing.assert_allclose(explorer.known[0], cube[1, 2], rtol=1e-6)
    around = explorer.hold(pixel=[1, 2], radius=1)
    cross = [cube[1, 2], cube[0, 2], cube[2, 2], cube[1, 1], cube[1, 3]]
    np.testing.assert_allclose(explorer.known.sel(component=around), np.mean(cross, axis=0), rtol=1e-6)


def test_undo_and_redo_of_hold_and_release(explorer, cube):
    first = explorer.result
    region(explorer, cube)
    explorer.hold("R")
    explorer.wait()
    held = explorer.result
    explorer.release("R")
    explorer.wait()
    assert header(explorer)["held"] == []
    assert header(explorer)["labels"][3] == "R"  # the component keeps its name
    explorer.undo()
    explorer.wait()
    xr.testing.assert_identical(explorer.result.abundances, held.abundances)
    assert header(explorer)["held"] == [3]
    explorer.undo()
    explorer.wait()
    assert (explorer.settings.k, explorer.settings.held) == (3, None)
    xr.testing.assert_identical(explorer.result.abundances.drop_vars("label", errors="ignore"), first.abundances)
    explorer.redo()
    explorer.redo()
    explorer.wait()
    assert (explorer.settings.k, explorer.settings.held) == (4, ())


def test_known_endmembers_are_held_from_the_beginning_and_can_be_released(explore, cube):
    explorer = explore(known=cube[[0, 2], [0, 3]].mean("x").values)
    explorer.wait()
    assert (header(explorer)["held"], header(explorer)["labels"][0]) == ([0, 1], "known 0")
    explorer.release(0)
    explorer.wait()
    assert (header(explorer)["held"], header(explorer)["labels"][:2]) == ([1], ["component 0", "known 1"])
    assert np.abs(spectrum(explorer, 0) - cube[0, [0, 3]].mean("x").values).max() > 1e-6
    np.testing.assert_allclose(spectrum(explorer, 1), cube[2, [0, 3]].mean("x"), rtol=1e-6)


def test_code_repeats_what_rerun_shows_to_the_last_bit(explorer, cube):
    region(explorer, cube)
    explorer.hold(1)
    explorer.hold("R")
    explorer.wait()
    explorer.rerun()
    explorer.wait()
    text = explorer.code()
    assert "# held: component 1 of the explorer; mean of region R, 6 pixels" in text
    scope = {"given": cube}
    exec(text.replace("cube = ...", "cube = given"), scope)
    again, shown = scope["result"], explorer.result
    assert set(map(tuple, again.endmembers.values)) == set(map(tuple, shown.endmembers.values))
    np.testing.assert_array_equal(again.endmembers[:2], shown.endmembers.sel(component=[1, 3]))


def test_compare_and_rename_with_held_components(explorer, cube):
    explorer.keep("before")
    region(explorer, cube)
    explorer.hold("R")
    explorer.wait()
    explorer.rename("R", "vessel")
    assert header(explorer)["labels"][3] == "vessel"
    assert sorted(explorer.compare("before").partner.values.tolist()) == [-1, 0, 1, 2]


def test_bands_of_held_components_are_zero(explore):
    explorer = explore(k=2, max_iter=20)
    explorer.wait()
    explorer.hold(1)
    explorer.controls.set(bands=True)
    explorer.wait()
    bands = explorer.session.last.bands
    width = (bands.upper - bands.lower).max(bands.lower.dims[1:]).values / float(bands.upper.max())
    assert width[1] < 1e-6 < width[0]


def test_hold_with_a_step_that_keeps_the_grid(explore, cube):
    explorer = explore(preprocess=[mf.preprocessing.UnitSum()])
    explorer.wait()
    explorer.hold(0)
    explorer.wait()
    np.testing.assert_allclose(spectrum(explorer, 0), explorer.known[0], rtol=1e-6)


GRIDS = [
    [mf.preprocessing.Bin(channel=2)],
    [mf.preprocessing.Bin(channel=2, how="mean")],
    [mf.preprocessing.Bin(space=2)],
    [mf.preprocessing.Crop({"energy": (406, 430), "x": slice(1, 6)})],
    [mf.preprocessing.PpmBins(12_000.0)],
    [
        mf.preprocessing.Crop({"energy": slice(2, 17)}),
        mf.preprocessing.Bin(space={"y": 2}, channel=3),
        mf.preprocessing.UnitSum(),
    ],
]


@pytest.mark.parametrize("steps", GRIDS)
def test_a_component_is_held_on_another_grid(explore, steps):
    explorer = explore(preprocess=steps)
    explorer.wait()
    before = explorer.result
    explorer.hold(1)
    explorer.controls.set(sparsity=0.1)
    explorer.wait()
    np.testing.assert_allclose(spectrum(explorer, 1), before.endmembers[1], rtol=1e-5, atol=1e-9)
    assert explorer.known.shape[1:] == explorer.session.source.cube.shape[2:]


@pytest.mark.parametrize("steps", GRIDS[:5])
def test_a_region_and_a_pixel_are_held_on_another_grid(explore, cube, steps):
    explorer = explore(preprocess=steps, max_components=6)
    explorer.wait()
    maps = explorer.result.abundances
    mask = np.zeros(maps.shape[1:], dtype=bool)
    mask[1:3, :2] = True
    region = explorer.region(mask=mask, name="R")
    number = explorer.hold("R")
    explorer.wait()
    held = explorer.result.endmembers.sel(component=number)
    shape = np.ravel(held / region.mean_spectrum)
    np.testing.assert_allclose(shape, shape.mean(), rtol=1e-5)
    pixel = explorer.hold(pixel=[1, 1])
    explorer.wait()
    measured = explorer.probe(pixel=[1, 1]).measured
    shape = np.ravel(explorer.result.endmembers.sel(component=pixel) / measured)
    np.testing.assert_allclose(shape, shape.mean(), rtol=1e-5)


@pytest.mark.parametrize("outside", ["crop", "mask"])
def test_a_pixel_is_held_with_the_values_after_a_step_that_is_not_undone(explore, cube, outside):
    """Spectra of the cube before their alignment would be held at other energies than those of the result."""
    energy = np.arange(20.0) - 8
    drift = np.linspace(-1.5, 1.5, 10)[None, :, None]
    peaks = 50 * np.exp(-(((energy - drift) / 1.2) ** 2)) + 5 * np.exp(-(((energy - drift - 6) / 1.5) ** 2))
    moved = cube.copy(data=peaks + cube.values).assign_coords(energy=energy)
    explorer = explore(moved, k=2, preprocess=[mf.preprocessing.ZeroLossAlignment(outside=outside)])
    explorer.wait()
    number = explorer.hold(pixel=[1, 1])
    explorer.wait()
    measured = explorer.probe(pixel=[1, 1]).measured
    ratio = np.ravel(explorer.result.endmembers.sel(component=number) / measured)
    seen = np.isfinite(ratio)
    assert seen.sum() >= 16
    np.testing.assert_allclose(ratio[seen], ratio[seen].mean(), rtol=1e-5)


def test_hold_refuses_steps_without_a_rule(explore):
    bent = explore(preprocess=[mf.preprocessing.Bin(channel=2), mf.preprocessing.Anscombe()])
    bent.wait()
    with pytest.raises(ValueError, match=r"not linear|explore its result"):
        bent.hold(0)
    image = xr.DataArray(np.random.default_rng(0).random((64, 64)), dims=("y", "x"))
    windows = explore(image, preprocess=[mf.preprocessing.SlidingFFT(size=16, step=8)])
    windows.wait()
    windows.region(mask=np.ones(windows.result.abundances.shape[1:], dtype=bool), name="R1")
    pattern = windows.result.endmembers[0].drop_vars("component")
    for what in ({"what": 0}, {"what": "R1"}, {"pixel": (1, 1)}, {"what": pattern}, {"what": pattern, "component": 1}):
        with pytest.raises(mf.errors.UnsupportedCombinationError, match="computes them from an image"):
            windows.hold(**what)
    assert windows.settings.held is None


def test_hold_takes_patterns_of_a_sliding_fft_that_was_applied_before(explore):
    image = xr.DataArray(np.random.default_rng(0).random((64, 64)), dims=("y", "x"))
    step = mf.preprocessing.SlidingFFT(size=16, step=8)
    patterns = step.fit(image, ()).transform(image)  # as the message of the test above says
    explorer = explore(patterns, k=2, channel=["ky", "kx"], tol=1e-3)
    explorer.wait()
    before = explorer.result.endmembers[0]
    explorer.hold(0)
    pixel = explorer.hold(pixel=(1, 1))
    explorer.wait()
    shown = explorer.result.endmembers
    for number, given in ((0, before), (pixel, patterns[1, 1])):
        used = given.values > 1e-3  # zero frequency is zero
        ratio = shown.sel(component=number).values[used] / given.values[used]
        np.testing.assert_allclose(ratio, ratio.mean(), rtol=1e-5)


def test_hold_refuses_in_one_sentence(explorer, explore, cube):
    with pytest.raises(ValueError, match="there is no component 7"):
        explorer.hold(7)
    with pytest.raises(ValueError, match="is not held"):
        explorer.release(0)
    with pytest.raises(ValueError, match="one spectrum at a time"):
        explorer.hold(cube[0].values)
    with pytest.raises(ValueError, match="give one of"):
        explorer.hold()
    full = explore(max_components=3)
    full.wait()
    with pytest.raises(ValueError, match="max_components=4"):
        full.hold(cube[0, 0])
    assert full.settings.held is None
    automatic = explore(volume="auto")
    automatic.wait()
    with pytest.raises(mf.errors.UnsupportedCombinationError, match="takes no known"):
        automatic.hold(0)
    assert automatic.settings.held is None


def test_negative_channels_of_a_held_spectrum_become_zero_with_a_warning(explorer, cube):
    given = cube[0, 0].copy()
    given[3] = -1.0
    with pytest.warns(mf.errors.MffnbWarning, match="1 of"):
        explorer.hold(given)
    assert explorer.known[0, 3] == 0


def test_matched_numbers_keep_those_of_held_components():
    before = np.eye(4)
    now = np.eye(4)[[2, 3, 0, 1]]
    assert matched_numbers(now, before, (0, 1, 5, 7), held=(5,)) == (5, 7, 0, 1)
    assert matched_numbers(now, before[:3], (0, 1, 5), held=(9, 5)) == (9, 5, 0, 1)


def test_pins_are_kept_with_their_radius_and_held_by_name(explorer, cube):
    explorer.probe(pixel=[1, 2])
    call(explorer, "probe", pixel=[4, 7], radius=1, pinned=True)
    assert [repr(one) for one in explorer.pins.values()] == ["<pin P1: pixel 1, 2>", "<pin P2: pixel 4, 7, radius 1>"]
    shown = explorer.view.tool_drop_pin["pins"]
    assert [(one["name"], one["pixel"], one["pixels"]) for one in shown] == [("P1", [1, 2], 1), ("P2", [4, 7], 5)]
    np.testing.assert_allclose(np.frombuffer(shown[0]["measured"], "<f4"), cube[1, 2], rtol=1e-6)
    explorer.probe(pixel=[1, 2], radius=1)
    assert explorer.pins["P1"].pixels == 5
    call(explorer, "hold", pixel=[1, 2], radius=1, name="P1")
    explorer.wait()
    np.testing.assert_allclose(explorer.known[0], explorer.pins["P1"].measured, rtol=1e-6)
    explorer.probe(pixel=[0, 0], pinned=False)
    assert sorted(explorer.pins) == ["P1", "P2"]
    explorer.drop_pin(name="P1")
    with pytest.raises(KeyError, match="the names are P2"):
        explorer.drop_pin(name="P1")
    for column in range(8):
        explorer.probe(pixel=[0, column])
    assert len(explorer.pins) == 6
    explorer.drop_pin()
    assert explorer.view.tool_drop_pin["pins"] == []


def test_pins_of_a_stack_are_shown_in_their_section(explore, cube):
    explorer = explore(xr.concat([cube, 2 * cube, 3 * cube], dim="z").assign_coords(z=[0.0, 1.0, 2.0]))
    explorer.wait()
    explorer.probe(z=0, y=1.0, x=1.0)
    assert explorer.view.tool_drop_pin["pins"] == []  # the middle section is shown
    explorer.show_section(z=0)
    assert len(explorer.view.tool_drop_pin["pins"]) == 1
    explorer.hold(pixel=[2, 2])
    explorer.wait()
    np.testing.assert_allclose(explorer.known[0], cube[2, 2], rtol=1e-6)


def test_two_quick_undos_go_back_twice(explorer):
    first = explorer.result
    for number in (0, 1):
        explorer.hold(number)
        explorer.wait()
    explorer.undo()
    explorer.undo()
    explorer.wait()
    assert explorer.settings.held is None
    xr.testing.assert_identical(explorer.result.abundances, first.abundances)
    assert explorer.history.position == 0


def test_saved_session_restores_held_spectra_pixels_of_the_fit_and_pins(explorer, cube, tmp_path):
    explorer.hold(1)
    explorer.wait()
    region(explorer, cube)
    explorer.leave_out("R")
    explorer.wait()
    explorer.probe(pixel=[3, 4], radius=1)
    explorer.save(tmp_path / "session.zip")
    again = mf.explore(tmp_path / "session.zip")
    again.wait()
    np.testing.assert_array_equal(again.result.abundances, explorer.result.abundances)
    assert (again.settings.held, again.settings.area) == (explorer.settings.held, explorer.settings.area)
    assert repr(again.pins["P1"]) == "<pin P1: pixel 3, 4, radius 1>"
    again.release(1)
    again.wait()
    again.undo()
    again.wait()
    assert header(again)["held"] == [1]
    again.close()


def test_known_spectra_have_their_names_in_the_page_the_result_and_a_saved_session(explore, cube, tmp_path):
    spectra = mf.unmix(cube, 3, random_state=0).endmembers.values[:2]
    explorer = explore(known={"quartz": spectra[0], "calcite": spectra[1]})
    explorer.wait()
    labels = ["quartz", "calcite", "component 2"]
    assert header(explorer)["labels"] == labels
    assert explorer.result.endmembers.label.values.tolist() == labels
    explorer.rename("calcite", "")
    assert header(explorer)["labels"] == ["quartz", "known 1", "component 2"]
    assert explorer.result.endmembers.label.values.tolist() == ["quartz", "component 1", "component 2"]
    explorer.save(tmp_path / "run.zip")
    opened = mf.explore(tmp_path / "run.zip")
    opened.wait()
    assert dict(opened.names) == {0: "quartz"}
    opened.close()
