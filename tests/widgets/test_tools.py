"""Tools of the explorer: methods, messages of the page, and the values that the page shows."""

from __future__ import annotations

import inspect
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.widgets import history
from mffnb.widgets.session.engine_session import EngineSession
from mffnb.widgets.tools import TOOLS, ToolMethods
from mffnb.widgets.tools.mean_spectrum import mean_spectrum

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")


@pytest.fixture
def explore():
    opened = []
    yield lambda *arguments, **options: opened.append(mf.explore(*arguments, k=2, **options)) or opened[-1]
    for one in opened:
        one.close()


def call(explorer, name, **arguments):
    explorer.view._receive(explorer.view, {"type": "call", "tool": name, "arguments": arguments}, [])


def floats(explorer, name):
    return np.frombuffer(explorer.view.tool_mean_spectrum[name], "<f4")


@pytest.mark.parametrize("name", TOOLS)
def test_each_tool_is_a_documented_method_with_keywords_that_have_defaults_or_types(name):
    function = TOOLS[name]
    assert inspect.unwrap(vars(ToolMethods)[name]) is function
    assert inspect.getdoc(function)
    stage, *others = inspect.signature(function).parameters.values()
    assert stage.name == "stage"
    assert all(one.annotation is not one.empty for one in others)


def test_mean_spectrum_is_that_of_the_cube(explore, cube):
    explorer = explore(cube)
    spectrum = explorer.mean_spectrum()
    expected = cube.mean(cube.dims[:2])
    np.testing.assert_allclose(spectrum, expected, rtol=1e-12)
    np.testing.assert_array_equal(spectrum["energy"], cube["energy"])
    assert explorer.view.tool_mean_spectrum["shown"] is True
    np.testing.assert_allclose(floats(explorer, "values"), expected, rtol=1e-6)
    np.testing.assert_allclose(floats(explorer, "channel"), cube["energy"], rtol=1e-6)


def test_mean_spectrum_leaves_masked_and_missing_entries_out(explore, cube):
    holed = cube.copy()
    holed[0, 0, 3] = np.nan
    holed[:, :, 7] = np.nan
    mask = np.ones(cube.shape[:2], dtype=bool)
    mask[1] = False
    explorer = explore(holed, mask=mask)
    expected = np.nanmean(np.delete(holed.values[mask], 7, axis=1), axis=0)
    np.testing.assert_allclose(np.delete(explorer.mean_spectrum(), 7), expected, rtol=1e-12)
    assert np.isnan(explorer.mean_spectrum()[7])
    assert floats(explorer, "values").size == cube.shape[-1] - 1


def test_mean_spectrum_is_in_the_units_before_preprocessing(explore, cube):
    steps = [mf.preprocessing.Bin(channel=2), mf.preprocessing.UnitSum()]
    explorer = explore(cube, preprocess=steps)
    np.testing.assert_allclose(explorer.mean_spectrum(), cube.mean(cube.dims[:2]), rtol=1e-12)


def test_page_switches_the_curve_and_an_error_reaches_the_status_line(explore, cube):
    explorer = explore(cube)
    call(explorer, "mean_spectrum", shown=True)
    assert explorer.view.tool_mean_spectrum["shown"] is True
    call(explorer, "mean_spectrum", shown=False)
    assert explorer.view.tool_mean_spectrum["shown"] is False
    call(explorer, "mean_spectrum", colour="red")
    assert "colour" in explorer.view.error
    assert explorer.view.failure.__traceback__ is not None


def test_mean_spectrum_says_where_it_cannot_work():
    engines = SimpleNamespace(session=object.__new__(EngineSession))
    with pytest.raises(mf.errors.UnsupportedCombinationError, match="without cluster="):
        mean_spectrum(engines)


def test_probe_splits_a_pixel_into_contributions(explore, cube):
    explorer = explore(cube)
    explorer.wait()
    spectra = explorer.probe(y=1.0, x=2.1)  # pixel 2, 4: coordinates are 0.5 µm apart
    np.testing.assert_allclose(spectra.measured, cube[2, 4], rtol=1e-12)
    np.testing.assert_allclose(spectra.residual, explorer.result.residual()[2, 4], rtol=0, atol=1e-12)
    np.testing.assert_allclose(spectra.contributions.sum("component"), spectra.model, rtol=1e-12)
    shown = explorer.view.tool_probe
    assert shown["pixel"] == [2, 4]
    np.testing.assert_allclose(np.frombuffer(shown["measured"], "<f4"), cube[2, 4], rtol=1e-6)
    xr.testing.assert_identical(explorer.probe(pixel=[2, 4]), spectra)


def test_probe_averages_the_used_pixels_within_a_radius(explore, cube):
    mask = np.ones(cube.shape[:2], dtype=bool)
    mask[0, 1] = False
    explorer = explore(cube, mask=mask)
    explorer.wait()
    spectra = explorer.probe(pixel=[0, 0], radius=1, shown=False)
    np.testing.assert_allclose(spectra.measured, (cube[0, 0] + cube[1, 0]) / 2, rtol=1e-12)
    assert explorer.view.tool_probe == {}
    alone = explorer.probe(pixel=[0, 1])
    np.testing.assert_allclose(alone.measured, cube[0, 1], rtol=1e-12)  # measured, but not modelled
    assert np.isnan(alone.model).all()


def test_probe_compares_on_the_grid_of_the_result(explore, cube):
    explorer = explore(cube, preprocess=[mf.preprocessing.Bin(space=2), mf.preprocessing.UnitSum()])
    explorer.wait()
    spectra = explorer.probe(pixel=[1, 2])
    np.testing.assert_allclose(spectra.measured, cube[2:4, 4:6].sum(("y", "x")), rtol=1e-12)
    np.testing.assert_allclose(spectra.residual, explorer.result.residual()[1, 2], rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("where", "message"),
    [({"y": 99.0, "x": 1.0}, "outside"), ({"y": 1.0}, "y= and x="), ({"pixel": [9, 0]}, "outside")],
)
def test_probe_refuses_a_pixel_that_is_not_there(explore, cube, where, message):
    with pytest.raises(ValueError, match=message):
        explore(cube).probe(**where)


@pytest.mark.parametrize("counts", [False, True])
def test_residual_map_finds_the_pixel_that_is_fitted_worst(explore, cube, counts):
    spoiled = cube.copy(data=np.random.default_rng(0).poisson(30 * cube).astype(float)) if counts else cube.copy()
    spoiled[3, 7, 5] += 1.5 * (30 if counts else 1)
    explorer = explore(spoiled)
    explorer.controls.set(k=3)  # the number of components of the image: what is left is noise and the spike
    explorer.wait()
    misfit = explorer.residual_map()
    assert misfit.attrs["worst"] == {"y": 1.5, "x": 3.5}
    assert misfit.attrs["units"] == "noise"
    shown = explorer.view.tool_residual_map
    assert shown["worst"] == [3, 7]
    codes = np.frombuffer(shown["codes"], np.uint8).reshape(shown["shape"])
    assert codes.argmax() == 3 * 10 + 7


def test_residual_map_follows_the_run(explore, cube):
    explorer = explore(cube)
    explorer.wait()
    explorer.residual_map()
    before = explorer.view.tool_residual_map
    explorer.controls.set(k=3)
    explorer.wait()
    after = explorer.view.tool_residual_map
    assert after["median"] < before["median"]
    explorer.residual_map(shown=False)
    explorer.controls.set(k=2)
    explorer.wait()
    assert explorer.view.tool_residual_map == {"shown": False}


def test_band_is_the_sum_of_its_channels(explore, cube):
    explorer = explore(cube, preprocess=[mf.preprocessing.UnitSum()])
    image = explorer.band(404.0, 410.5)
    np.testing.assert_allclose(image, cube.sel(energy=slice(404, 410)).sum("energy"), rtol=1e-12)
    assert image.attrs["range"] == [404.0, 410.0]
    assert explorer.view.tool_band["ends"] == [404.0, 410.0]
    np.testing.assert_allclose(explorer.band(405.2, 404.8), cube.sel(energy=404.0), rtol=1e-12)  # no channel in between
    np.testing.assert_allclose(explorer.band(), cube.sum("energy"), rtol=1e-12)
    explorer.band(shown=False)
    assert explorer.view.tool_band["shown"] is False


def test_band_leaves_missing_entries_out(explore, cube):
    holed = cube.copy()
    holed[0, 0, 3] = np.nan
    image = explore(holed).band()
    np.testing.assert_allclose(image, holed.sum("energy"), rtol=1e-12)


def test_tools_of_a_stack_and_of_a_line(explore, cube):
    stack = xr.concat([cube, cube, 2 * cube], dim="z").transpose("z", ...)
    explorer = explore(stack)
    explorer.wait()
    np.testing.assert_allclose(explorer.probe(z=2, y=1.0, x=2.0).measured, stack[2, 2, 4], rtol=1e-12)
    np.testing.assert_allclose(explorer.probe(pixel=[2, 4]).measured, stack[1, 2, 4], rtol=1e-12)  # the middle section
    assert explorer.residual_map().shape == stack.shape[:3]
    line = explore(cube[2])
    line.wait()
    np.testing.assert_allclose(line.probe(x=2.0).measured, cube[2, 4], rtol=1e-12)
    assert line.view.tool_probe["pixel"] == [0, 4]
    assert line.residual_map().dims == ("x",)


def test_the_page_mixes_a_pixel_with_its_gain(explore, cube):
    explorer = explore(cube * np.linspace(0.5, 2.0, cube.sizes["x"])[:, None], gain=True)
    explorer.wait()
    header, answer = explorer.view.encoded["header"], explorer.result
    codes = np.frombuffer(explorer.view.encoded["maps"], np.uint8).reshape(-1, *header["map_shape"])
    assert len(codes) == len(header["labels"]) + 1
    low, high = header["gain_range"]
    np.testing.assert_allclose(low + codes[-1] / 254 * (high - low), answer.gain, atol=(high - low) / 254)
    np.testing.assert_allclose(high, answer.gain.max(), rtol=1e-6)
    explorer.controls.set(gain=False)
    explorer.wait()
    assert explorer.view.encoded["header"]["gain_range"] is None


def test_another_section_of_a_stack_is_shown_by_all_maps(explore, cube):
    stack = xr.concat([cube, cube, 2 * cube], dim="z").transpose("z", ...).assign_coords(z=("z", [0.0, 1.5, 3.0]))
    stack["z"].attrs["units"] = "nm"
    explorer = explore(stack)
    explorer.wait()
    explorer.residual_map()
    explorer.band()

    def shown():
        header = explorer.view.encoded["header"]
        traits = explorer.view.tool_residual_map["range"], explorer.view.tool_band["range"]
        return header["sections"], [high for _, high in [*header["ranges"], *traits]]

    sections, middle = shown()
    assert sections == [{"name": "z", "text": "z = 1.5 nm", "index": 1, "count": 3, "maximum": False}]
    explorer.show_section(z=2.9)
    sections, last = shown()
    assert (sections[0]["text"], dict(explorer.section)) == ("z = 3 nm", {"z": 2})
    np.testing.assert_allclose(last, 2 * np.array(middle), rtol=0.02)  # it is twice as bright
    np.testing.assert_allclose(explorer.probe(pixel=[2, 4]).measured, stack[2, 2, 4], rtol=1e-12)
    explorer.controls.set(k=3)
    explorer.wait()
    assert explorer.view.encoded["header"]["sections"] == sections  # a run keeps the section
    explorer.show_section(index=[0])
    np.testing.assert_allclose(shown()[1][-1], middle[-1])
    for wrong in ({"z": 7.0}, {"z": -2.0}, {"t": 0.0}, {}, {"index": [3]}):
        with pytest.raises(ValueError, match=r"z has the sections 0 to 2|give a position in z"):
            explorer.show_section(**wrong)
    with pytest.raises(ValueError, match="no sections"):
        explore(cube).show_section(index=[])


def test_undo_and_redo_return_to_settings_and_answers_to_the_last_bit(explore, cube):
    explorer = explore(cube)
    answers = []
    for move in ({}, {"k": 3}, {"sparsity": 1e-2}, {"one_peak": 1}, {"bands": True}, {"bands": False}, {"k": 2}):
        if move:
            explorer.controls.set(**move)
        explorer.wait()
        answers.append((explorer.controls.parameters, explorer.result))
    assert len(explorer.history.entries) == len(answers)
    for undone in range(1, len(answers)):
        explorer.undo()
        explorer.wait()
        parameters, result = answers[-1 - undone]
        assert explorer.controls.parameters == parameters
        xr.testing.assert_identical(explorer.result.endmembers, result.endmembers)
        xr.testing.assert_identical(explorer.result.abundances, result.abundances)
    assert dict(explorer.view.tool_undo) == {"earlier": 0, "later": len(answers) - 1}
    with pytest.raises(IndexError, match="nothing to undo"):
        explorer.undo()
    for parameters, result in answers[1:]:
        explorer.redo()
        explorer.wait()
        assert explorer.controls.parameters == parameters
        xr.testing.assert_identical(explorer.result.endmembers, result.endmembers)
    with pytest.raises(IndexError, match="nothing to redo"):
        explorer.redo()


def test_a_change_after_undo_replaces_what_was_undone(explore, cube):
    explorer = explore(cube)
    explorer.wait()
    for k in (3, 4):
        explorer.controls.set(k=k)
        explorer.wait()
    explorer.undo()
    explorer.wait()
    explorer.controls.set(smoothness=0.1)
    explorer.wait()
    assert [entry.parameters.k for entry in explorer.history.entries] == [2, 3, 3]
    assert "smoothness" in repr(explorer.history.entries[-1])


@pytest.mark.parametrize(
    ("options", "move"),
    [
        ({}, {"k": 3, "sparsity": 1e-2}),
        ({"preprocess": [mf.preprocessing.Bin(space=2), mf.preprocessing.UnitSum()]}, {"steps": (True, False)}),
        ({"endmember_terms": [mf.SpectralSmoothness(0.1)], "tol": 1e-3}, {"sum_to_one": True, "volume": 1e-2}),
        ({"similarity": "kl"}, {"total_variation": 0.05}),
    ],
)
def test_code_gives_the_answer_of_the_explorer_after_rerun(explore, cube, options, move):
    explorer = explore(cube, **options)
    explorer.wait()
    explorer.controls.set(**move)
    explorer.rerun()
    explorer.wait()
    names = {}
    exec(explorer.code().replace("cube = ...", "cube = given"), {"given": cube}, names)
    shown, found = explorer.result.endmembers.values, names["result"].endmembers.values
    order = mf.selection.match(shown, found)  # components keep their numbers in the explorer
    np.testing.assert_allclose(shown, found[order], rtol=1e-9, atol=1e-12)
    assert names["result"].outcome is explorer.result.outcome


def test_code_names_the_file_and_what_came_from_memory(explore, cube, tmp_path):
    cube.to_netcdf(tmp_path / "map.nc")
    mask = np.ones(cube.shape[:2], dtype=bool)
    explorer = explore(tmp_path / "map.nc", mask=mask)
    text = explorer.code()
    assert f"cube = mf.read({str(tmp_path / 'map.nc')!r})" in text
    assert "mask = ...  # mask as passed to mf.explore" in text
    assert "mask=mask" in text
    assert explorer.view.tool_code["text"] == text
    explorer.controls.set(k=3)
    explorer.wait()
    assert "mf.unmix(cube, 3," in explorer.view.tool_code["text"]


def test_code_reads_the_file_of_a_cube_that_is_unchanged_since_it_was_read(explore, cube, tmp_path):
    cube.to_netcdf(tmp_path / "map.nc")
    read = mf.read(tmp_path / "map.nc")
    explorer = explore(read)
    text = explorer.code()
    assert f"cube = mf.read({str(tmp_path / 'map.nc')!r})" in text
    names = {}
    exec(text, {}, names)
    xr.testing.assert_identical(names["cube"], read)
    for changed in (2 * read, read[1:], read.assign_coords(energy=read.energy + 1.0)):
        changed.attrs["source"] = read.attrs["source"]
        assert "cube = ...  # the cube that was passed to mf.explore" in explore(changed).code()


def test_region_has_mean_spectrum_and_abundances_of_its_pixels(explore, cube):
    explorer = explore(cube)
    explorer.wait()
    # the centres of rows 1 to 3 and of columns 2 to 6: coordinates are 0.5 µm apart
    one = explorer.region([(0.3, 0.8), (0.3, 3.2), (1.7, 3.2), (1.7, 0.8)], name="core")
    assert one.pixels == 15
    np.testing.assert_allclose(one.mean_spectrum, cube[1:4, 2:7].mean(("y", "x")), rtol=1e-12)
    np.testing.assert_allclose(one.abundances, explorer.result.abundances[:, 1:4, 2:7].mean(("y", "x")), rtol=1e-12)
    np.testing.assert_allclose(one.vertices[0], [(0.6 + 0.5) / 6, (1.6 + 0.5) / 10])
    same = explorer.region(outline=one.vertices.tolist())
    assert same.name == "R1"
    xr.testing.assert_equal(same.mask, one.mask)
    masked = explorer.region(mask=one.mask.values, name="core")
    xr.testing.assert_equal(masked.mean_spectrum, one.mean_spectrum)
    assert [shown["name"] for shown in explorer.view.tool_region["regions"]] == ["core", "R1"]
    assert np.frombuffer(explorer.view.tool_region["regions"][0]["mask"], np.uint8).sum() == 15
    explorer.drop_region(name="core")
    assert list(explorer.regions) == ["R1"]
    explorer.drop_region()
    assert explorer.view.tool_region["regions"] == []
    with pytest.raises(KeyError, match="no region 'core'"):
        explorer.drop_region(name="core")


def test_region_takes_whole_rows_and_leaves_missing_entries_out(explore, cube):
    holed = cube.copy()
    holed[0, 0, 3] = np.nan
    explorer = explore(holed)
    explorer.wait()
    whole = explorer.region(outline=[(0, 0), (0, 1), (1, 1), (1, 0)])
    assert whole.pixels == 60
    np.testing.assert_allclose(whole.mean_spectrum, holed.mean(("y", "x")), rtol=1e-12)
    turned = explorer.region(mask=whole.mask.where(whole.mask.y < 1, False).transpose("x", "y"))
    assert turned.pixels == 20  # aligned by its labels


def test_region_with_coordinates_that_fall(explore, cube):
    explorer = explore(cube[::-1])
    explorer.wait()
    one = explorer.region([(-0.2, -0.2), (-0.2, 1.2), (0.6, 1.2), (0.6, -0.2)])
    np.testing.assert_allclose(one.mean_spectrum, cube[:2, :3].mean(("y", "x")), rtol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"vertices": [(0, 0), (0, 1)]}, "three or more"),
        ({"vertices": [(0.1, 0.1), (0.1, 0.2), (0.2, 0.1)]}, "no pixel"),
        ({}, "one of vertices, mask and outline"),
    ],
)
def test_region_refuses_what_has_no_pixels(explore, cube, arguments, message):
    with pytest.raises(ValueError, match=message):
        explore(cube).region(**arguments)


def test_names_reach_the_page_the_result_its_file_and_its_figure(explore, cube, tmp_path):
    explorer = explore(cube)
    explorer.wait()
    explorer.rename(1, "  lignin ")
    assert explorer.view.encoded["header"]["labels"] == ["component 0", "lignin"]
    assert explorer.result.endmembers.label.values.tolist() == ["component 0", "lignin"]
    explorer.result.save(tmp_path / "named.nc")
    loaded = mf.load(tmp_path / "named.nc")
    assert loaded.abundances.label.values.tolist() == ["component 0", "lignin"]
    assert mf.plots.labels.identity(loaded.endmembers)[0] == ["component 0", "lignin"]
    assert (
        mf.plots.labels.identity(loaded.endmembers)[1]
        == mf.plots.labels.identity(explorer.session.result(explorer.session.last).endmembers)[1]
    )
    explorer.controls.set(k=3)
    explorer.wait()
    assert explorer.result.endmembers.sel(component=1).label == "lignin"  # names keep to components
    explorer.rename("lignin", "cellulose")
    assert explorer.names == {1: "cellulose"}
    with pytest.raises(ValueError, match="named 'cellulose' already"):
        explorer.rename(0, "cellulose")
    with pytest.raises(ValueError, match="no component 7"):
        explorer.rename(7, "x")
    explorer.rename(1, "")
    assert explorer.view.encoded["header"]["labels"] == ["component 0", "component 1", "component 2"]


def test_compare_pairs_components_and_subtracts_their_signal(explore, cube):
    explorer = explore(cube)
    explorer.wait()
    with pytest.raises(KeyError, match="keep"):
        explorer.compare()
    explorer.keep("two")
    same = explorer.compare("two")
    np.testing.assert_array_equal(same.difference, 0)
    np.testing.assert_allclose(same.angle, 0, atol=1e-7)
    before = explorer.result
    explorer.controls.set(k=3)
    explorer.wait()
    found = explorer.compare()
    assert sorted(found.partner.values) == [-1, 0, 1]
    new = int(np.flatnonzero(found.partner.values < 0)[0])
    assert np.isnan(found.angle[new])
    # the signal of all components together: that of the data in both answers, up to the misfit
    signals = [float((one.abundances * one.endmembers.sum("energy")).sum()) for one in (before, explorer.result)]
    np.testing.assert_allclose(found.difference.sum(), 60 * (1 - 1), atol=1e-9)
    assert signals[0] == pytest.approx(signals[1], rel=0.1)
    shown = explorer.view.tool_compare
    assert shown["title"].startswith("k = 3 compared with two, k = 2")
    assert [row[1] for row in shown["pairs"]].count("none") == 1
    assert shown["pairs"][new] == [f"component {new}", "none", ""]
    explorer.keep("three")
    explorer.controls.set(k=2)
    explorer.wait()
    fewer = explorer.compare("three")
    lost = ({0, 1, 2} - {int(one) for one in fewer.partner.values}).pop()
    assert explorer.view.tool_compare["pairs"][2:] == [["none", f"component {lost}", ""]]
    explorer.controls.set(k=3)
    explorer.wait()
    found = explorer.compare("two")
    new = int(np.flatnonzero(found.partner.values < 0)[0])
    tiles = explorer.view.tool_compare["tiles"]
    assert sorted(tile["label"][:3] for tile in tiles) == ["Δ 0", "Δ 1", "Δ 2"]
    assert len({tuple(tile["range"]) for tile in tiles}) == 1  # one common scale
    low, high = tiles[new]["range"]
    codes = np.frombuffer(tiles[new]["codes"], np.uint8).reshape(tiles[new]["shape"])
    np.testing.assert_allclose(low + codes / 254 * (high - low), found.difference[new], rtol=0, atol=high / 254)
    explorer.compare(shown=False)
    assert explorer.view.tool_compare["shown"] is False


def test_compare_refuses_another_grid(explore, cube):
    explorer = explore(cube, preprocess=[mf.preprocessing.Bin(space=2)])
    explorer.wait()
    explorer.keep()
    explorer.compare()
    explorer.controls.set(steps=(False,))
    explorer.wait()  # the tool that follows the run fails, and the run does not
    assert "another grid" in explorer.view.error
    assert explorer.view.tool_compare["shown"] is False
    with pytest.raises(ValueError, match="another grid"):
        explorer.compare()


def test_profile_is_the_map_along_a_line(explore, cube):
    explorer = explore(cube)
    explorer.wait()
    maps = explorer.result.abundances
    line = explorer.profile((1.0, 0.0), (1.0, 4.5))  # all of row 2
    np.testing.assert_allclose(line, maps[:, 2], rtol=1e-12)
    np.testing.assert_allclose(line.distance, cube.x, rtol=1e-12)
    wide = explorer.profile((1.0, 0.0), (1.0, 4.5), width=1.0)
    np.testing.assert_allclose(wide, maps[:, 1:4].mean("y"), rtol=1e-12)
    beyond = explorer.profile((0.25, -1.0), (0.25, 1.0), points=5)
    assert np.isnan(beyond[:, :2]).all()
    np.testing.assert_allclose(beyond[:, 2:], maps[:, :2, [0, 1, 2]].mean("y"), rtol=1e-12)
    with pytest.raises(ValueError, match="same position"):
        explorer.profile((1.0, 1.0), (1.0, 1.0))
    with pytest.raises(ValueError, match="width"):
        explorer.profile((1.0, 1.0), (1.0, 2.0), width=-1.0)
    with pytest.raises(ValueError, match="two positions"):
        explorer.profile((1.0, 1.0))


def shown_profile(explorer):
    return np.frombuffer(explorer.view.tool_profile["values"], "<f4").reshape(2, -1)


def test_a_profile_is_shown_follows_the_run_and_is_undone(explore, cube):
    explorer = explore(cube)
    explorer.wait()
    assert explorer.profile() is None
    rows, columns = cube.shape[:2]
    shares = [[(2 + 0.5) / rows, 0.5 / columns], [(2 + 0.5) / rows, 1 - 0.5 / columns]]
    call(explorer, "profile", line=shares, moving=True)
    assert explorer.view.profile_line == []  # nothing to undo before the line is drawn
    call(explorer, "profile", line=shares)
    first = explorer.view.profile_line
    np.testing.assert_allclose(first, [cube.y[2], cube.x[0], cube.y[2], cube.x[-1], 0.0], rtol=1e-6)
    np.testing.assert_allclose(shown_profile(explorer), explorer.result.abundances[:, 2], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(explorer.view.tool_profile["line"], shares, atol=1e-6)
    wide = explorer.profile(width=1.0)
    np.testing.assert_allclose(shown_profile(explorer), wide, rtol=1e-5)
    explorer.controls.set(sparsity=0.1)
    explorer.wait()
    np.testing.assert_allclose(shown_profile(explorer), explorer.profile(), rtol=1e-5)
    explorer.undo()
    explorer.wait()
    np.testing.assert_allclose(shown_profile(explorer), wide, rtol=1e-5)
    explorer.undo()
    assert explorer.view.profile_line == first
    np.testing.assert_allclose(shown_profile(explorer), explorer.profile(), rtol=1e-5)
    explorer.undo()
    assert not explorer.view.tool_profile.get("shown")
    explorer.redo()
    assert explorer.view.tool_profile["line"] == pytest.approx(np.array(shares), abs=1e-6)
    explorer.profile(shown=False)
    assert explorer.view.profile_line == []
    hidden = explorer.profile((1.0, 0.0), (1.0, 4.5), shown=False)
    np.testing.assert_allclose(hidden, explorer.result.abundances[:, 2], rtol=1e-12)
    assert explorer.view.tool_profile["shown"] is False


@pytest.mark.parametrize(("suffix", "begin"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_pictures_are_written_in_the_format_of_their_suffix(explore, cube, tmp_path, suffix, begin):
    explorer = explore(cube)
    explorer.save_picture(tmp_path / f"maps.{suffix}", dpi=40)
    assert (tmp_path / f"maps.{suffix}").read_bytes().startswith(begin)
    with pytest.raises(ValueError, match=r"\.png, \.svg or \.pdf"):
        explorer.save_picture(tmp_path / "maps.doc")


def test_exports_have_names_and_colours_of_the_page_without_hidden_components(explore, cube, tmp_path):
    explorer = explore(cube)
    explorer.rename(0, "lignin")
    explorer.hide(1)
    explorer.code()
    (path,) = explorer.export(tmp_path / "spectra.csv")
    header = path.read_text().splitlines()[0]
    assert "lignin" in header
    assert "component 1" not in header
    assert explorer.view.tool_code["shown"] is True  # the drawer stays open
    (path,) = explorer.export(tmp_path / "report.html")
    assert "mf.unmix(" in path.read_text()
    assert "hidden and left out here: component 1" in path.read_text()


def test_show_spectra_returns_what_it_shows_and_each_call_is_undone(explore, cube):
    explorer = explore(cube)
    explorer.wait()
    plain = explorer.show_spectra()
    xr.testing.assert_identical(plain, explorer.result.endmembers)
    before = dict(explorer.spectra_view)
    area = explorer.show_spectra(scale="log", normalize="area", common=True, peaks=False, channels=(410, 405))
    np.testing.assert_allclose(abs(area.integrate("energy")), 1, rtol=1e-12)
    assert explorer.view.intensity_scale == "log"
    assert explorer.view.channel_range == [405.0, 410.0]
    after = dict(explorer.spectra_view)
    contribution = explorer.show_spectra(normalize="abundance", channels=())
    mean = explorer.result.reconstruction().mean(cube.dims[:2])
    np.testing.assert_allclose(contribution.sum("component"), mean, rtol=1e-12)
    assert dict(explorer.view.tool_undo) == {"earlier": 2, "later": 0}
    explorer.undo()
    assert dict(explorer.spectra_view) == after
    explorer.undo()
    assert dict(explorer.spectra_view) == before
    assert dict(explorer.view.tool_undo) == {"earlier": 0, "later": 2}
    explorer.redo()
    assert dict(explorer.spectra_view) == after
    with pytest.raises(ValueError, match="'linear', 'sqrt', 'log'"):
        explorer.show_spectra(scale="loglog")
    with pytest.raises(ValueError, match="first and last"):
        explorer.show_spectra(channels=(3, 3))


def test_changes_of_the_page_are_undone_in_their_order_with_runs(explore, cube):
    explorer = explore(cube)
    explorer.wait()
    explorer.view.peak_labels = False  # as the page sets it
    explorer.controls.set(k=3)
    explorer.wait()
    explorer.view.normalization = "max"
    explorer.undo()
    assert (explorer.view.normalization, explorer.controls.parameters.k) == ("none", 3)
    explorer.undo()
    explorer.wait()
    assert (explorer.view.peak_labels, explorer.controls.parameters.k) == (False, 2)
    explorer.undo()
    assert explorer.view.peak_labels is True
    explorer.redo()
    explorer.redo()
    explorer.wait()
    assert (explorer.view.peak_labels, explorer.controls.parameters.k) == (False, 3)
    explorer.redo()
    assert explorer.view.normalization == "max"
    with pytest.raises(IndexError, match="nothing to redo"):
        explorer.redo()


def test_a_run_after_undo_replaces_a_change_of_the_view_that_was_undone(explore, cube):
    explorer = explore(cube)
    explorer.wait()
    explorer.show_spectra(channels=(405, 410))
    explorer.undo()
    explorer.controls.set(k=3)
    explorer.wait()
    explorer.undo()
    explorer.wait()
    assert dict(explorer.view.tool_undo) == {"earlier": 0, "later": 1}
    explorer.redo()
    explorer.wait()
    assert (explorer.controls.parameters.k, explorer.view.channel_range) == (3, [])


def test_turns_of_the_wheel_are_undone_together(explore, cube, monkeypatch):
    monkeypatch.setattr(history, "_ONE_GESTURE", np.inf)  # on a busy machine they may be slow
    explorer = explore(cube)
    explorer.wait()
    for width in (9.0, 6.0, 4.0):
        explorer.view.channel_range = [402.0, 402.0 + width]
    assert explorer.view.tool_undo["earlier"] == 1
    explorer.undo()
    assert explorer.view.channel_range == []


def test_identify_lists_candidates_and_keeps_the_table_for_clicks(explore, cube, tmp_path):
    explorer = explore(cube)
    explorer.wait()
    assert explorer.identify(407.0).attrs["table"] == "EELS edges"
    path = tmp_path / "lines.csv"
    path.write_text("position,assignment,note\n405.3,one,first\n409,two,\n")
    found = explorer.identify(405.0, table=path)
    assert found.assignment.tolist() == ["one"]
    shown = explorer.view.tool_identify
    assert (shown["assignment"], shown["table"], shown["channel"]) == (["one"], "lines", 405.0)
    call(explorer, "identify", channel=409.0)  # a click of the page
    assert explorer.view.error == ""
    assert explorer.view.tool_identify["assignment"] == ["two"]
    call(explorer, "identify", shown=False)
    assert explorer.view.tool_identify["shown"] is False
    assert explorer.identify(405.0, shown=False).assignment.tolist() == ["one"]
    with pytest.raises(ValueError, match="position of a peak"):
        explorer.identify()


def test_match_follows_the_run(explore, cube):
    explorer = explore(cube)
    explorer.wait()
    with pytest.raises(ValueError, match="needs a library"):
        explorer.match()
    library = explorer.result.endmembers.rename(component="name").assign_coords(name=["first", "second"])
    table = explorer.match(library, most=1)
    assert table.spectrum.tolist() == ["first", "second"]
    np.testing.assert_allclose(table.angle, 0, atol=1e-7)
    explorer.controls.set(k=3)
    explorer.wait()
    shown = explorer.view.tool_match
    assert len(set(shown["component"])) == 3
    assert shown["angle"] == explorer.match().angle.tolist()
    call(explorer, "match", shown=False)
    assert explorer.view.tool_match["shown"] is False


@pytest.fixture
def stack(cube):
    layers = [cube, 2 * cube.roll(y=1), cube.roll(x=2)]
    return xr.concat(layers, dim="z").assign_coords(z=("z", [0.0, 0.5, 1.0], {"units": "µm"}))


def shown_maps(explorer):
    encoded = explorer.view.encoded
    codes = np.frombuffer(encoded["maps"], np.uint8).reshape(2, *encoded["header"]["map_shape"])
    ranges = np.array(encoded["header"]["ranges"])
    return ranges[:, :1, None] + codes / 254 * (ranges[:, 1:, None] - ranges[:, :1, None])


def test_maximum_projection_is_shown_by_maps_and_tools_and_is_undone(explore, stack):
    explorer = explore(stack)
    explorer.wait()
    maps = explorer.result.abundances
    explorer.show_section(z=1.0)
    explorer.probe(pixel=[0, 0])
    call(explorer, "show_section", maximum="z")
    highest = maps.max("z")
    np.testing.assert_allclose(shown_maps(explorer), highest, atol=float(highest.max()) / 200)
    assert explorer.view.encoded["header"]["sections"][0]["text"] == "maximum over z"
    means = explorer.view.encoded["header"]["means"]
    np.testing.assert_allclose(means, maps.mean(maps.dims[1:]), rtol=1e-12)
    np.testing.assert_allclose(explorer.profile((1.0, 0.0), (1.0, 4.5)), highest[:, 2], rtol=1e-12)
    assert explorer.view.tool_drop_pin["pins"] == []  # the pixel is in another picture
    with pytest.raises(ValueError, match="maximum over z"):
        explorer.probe(pixel=[0, 0])
    with pytest.raises(ValueError, match="no sections along 'y'"):
        explorer.show_section(maximum="y")
    explorer.undo()
    explorer.undo()  # the profile was first
    np.testing.assert_allclose(shown_maps(explorer), maps[:, 2], atol=float(maps[:, 2].max()) / 200)
    assert [one["name"] for one in explorer.view.tool_drop_pin["pins"]] == ["P1"]
    explorer.redo()
    assert explorer.section["z"] == -1


def test_a_missing_pixel_does_not_hide_the_maximum_of_the_others(explore, stack):
    mask = xr.ones_like(stack.isel(energy=0, drop=True), dtype=bool)
    mask[0, 0, 0] = mask[:, 1, 1] = False
    explorer = explore(stack, mask=mask)
    explorer.wait()
    explorer.show_section(maximum="z")
    codes = np.frombuffer(explorer.view.encoded["maps"], np.uint8).reshape(2, *stack.shape[1:3])
    assert (codes[:, 0, 0] < 255).all()
    assert (codes[:, 1, 1] == 255).all()


def test_orthogonal_sections_go_through_the_chosen_point_and_follow(explore, stack):
    explorer = explore(stack)
    explorer.wait()
    maps = explorer.result.abundances
    explorer.rename(1, "lignin")
    explorer.show_section(z=0.5, y=1.0, x=2.0)
    found = explorer.orthogonal_sections("lignin")
    row, column = int(np.argmin(abs(stack.y.values - 1.0))), int(np.argmin(abs(stack.x.values - 2.0)))
    np.testing.assert_array_equal(found.yx, maps[1, 1])
    np.testing.assert_array_equal(found.zx, maps[1, :, row])
    np.testing.assert_array_equal(found.zy, maps[1, :, :, column])
    sequence = explorer.view.encoded["header"]["sequence"]
    call(explorer, "show_section", index=[1], plane=[0, 3])
    assert explorer.view.encoded["header"]["sequence"] == sequence  # the maps are the same
    shown = explorer.view.tool_orthogonal_sections
    assert [axis["index"] for axis in shown["axes"]] == [1, 0, 3]
    assert shown["axes"][0]["text"] == "z = 0.5 µm"
    low, high = shown["range"]
    assert [low, high] == pytest.approx([0, float(maps[1].max())])
    codes = np.frombuffer(shown["sections"][1]["codes"], np.uint8).reshape(shown["sections"][1]["shape"])
    np.testing.assert_allclose(low + codes / 254 * (high - low), maps[1, :, 0], atol=high / 200)
    explorer.controls.set(sparsity=0.1)
    explorer.wait()
    after = explorer.view.tool_orthogonal_sections["sections"][0]["codes"]
    assert after != shown["sections"][0]["codes"]
    explorer.undo()
    explorer.wait()
    explorer.undo()
    assert explorer.view.tool_orthogonal_sections["axes"][2]["index"] == column
    explorer.undo()
    assert not explorer.view.tool_orthogonal_sections.get("shown")
    with pytest.raises(ValueError, match="three dimensions"):
        explore(stack[0]).orthogonal_sections()
