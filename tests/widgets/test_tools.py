"""Tools of the explorer: methods, messages of the page, and the values that the page shows."""

from __future__ import annotations

import inspect
from types import SimpleNamespace

import numpy as np
import pytest

import mffnb as mf
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
    assert vars(ToolMethods)[name] is function
    assert inspect.getdoc(function)
    stage, *others = inspect.signature(function).parameters.values()
    assert stage.name == "stage"
    assert all(one.kind is not one.VAR_KEYWORD and one.annotation is not one.empty for one in others)


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
