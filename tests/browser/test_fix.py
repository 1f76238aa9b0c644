"""Shapes of regions, and what the user knows in them, in a real JupyterLab: pixels, state in Python, undo and code."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np

from tests.browser import lab as kit
from tests.browser.test_explorer import READY, evaluate, opened

EXPLORE = """
import mffnb as mf
import numpy as np

sample = mf.datasets.tof_sims_2d(seed=0, shape=(32, 48))
explorer = mf.explore(sample.cube, k=3, tol=1e-3)
explorer
"""
SHAPE = (32, 48)
INSIDE = "explorer.result.abundances.sel(component={}).where(explorer.regions['R1'].mask)"
ROWS, COLUMNS = np.mgrid[: SHAPE[0], : SHAPE[1]]
# Different colours of the map inside of a mask of its pixels: one where all have the same value.
COLOURS = """(canvas, inside) => { const g = canvas.getContext("2d");
    const { data } = g.getImageData(0, 0, canvas.width, canvas.height);
    return new Set(inside.map((at) => data.slice(4 * at, 4 * at + 4).join())).size; }"""


def drag(page, view, corners):
    """Drag over the second map between shares of its width and height; return these after rounding to the screen."""
    box = kit.steady_box(view.locator("canvas.mffnb-map").nth(1))
    points = [(round(box["x"] + x * box["width"]), round(box["y"] + y * box["height"])) for x, y in corners]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points:
        page.mouse.move(*point)
    page.mouse.up()
    return np.array([((x - box["x"]) / box["width"], (y - box["y"]) / box["height"]) for x, y in points])


def region_mask(page, name):
    return np.array(json.loads(evaluate(page, f"explorer.regions[{name!r}].mask.values.astype(int).tolist()")), bool)


def start(page, lab, name):
    view = opened(page, lab, name, (EXPLORE,))
    page.locator(READY).wait_for(timeout=120_000)
    view.locator("button.mffnb-button", has_text="Region").first.click()
    return view


def test_rectangle_ellipse_and_brush_hold_the_pixels_that_are_drawn(page, lab):
    view = start(page, lab, "shapes.ipynb")
    shape = view.get_by_label("Shape of the region")
    shape.wait_for()
    shape.focus()
    page.keyboard.press("r")  # the list is chosen by keyboard
    assert shape.input_value() == "rectangle"
    (x0, y0), _, (x1, y1) = drag(page, view, [(0.1, 0.2), (0.3, 0.4), (0.42, 0.7)])
    view.locator(".mffnb-place", has_text="R1").wait_for()
    y, x = (ROWS + 0.5) / SHAPE[0], (COLUMNS + 0.5) / SHAPE[1]
    np.testing.assert_array_equal(region_mask(page, "R1"), (x > x0) & (x < x1) & (y > y0) & (y < y1))
    shape.select_option("ellipse")
    (x0, y0), _, (x1, y1) = drag(page, view, [(0.5, 0.1), (0.7, 0.3), (0.9, 0.5)])
    view.locator(".mffnb-place", has_text="R2").wait_for()
    form = ((x - (x0 + x1) / 2) / ((x1 - x0) / 2)) ** 2 + ((y - (y0 + y1) / 2) / ((y1 - y0) / 2)) ** 2
    np.testing.assert_array_equal(region_mask(page, "R2"), form <= 1)
    shape.select_option("brush")
    view.get_by_label("Diameter of the brush in pixels").fill("4")
    corners = drag(page, view, [(0.5, 0.75), (0.7, 0.75), (0.9, 0.85)])
    view.locator(".mffnb-place", has_text="R3").wait_for()
    dense = np.concatenate([a + np.linspace(0, 1, 300)[:, None] * (b - a) for a, b in pairwise(corners)])
    distance = np.hypot(
        (x[..., None] - dense[:, 0]) * SHAPE[1], (y[..., None] - dense[:, 1]) * SHAPE[0]
    ).min(axis=-1)  # fmt: skip
    sure, brushed = np.abs(distance - 2) > 0.05, region_mask(page, "R3")
    np.testing.assert_array_equal(brushed[sure], (distance <= 2)[sure])
    drawn = view.locator(".mffnb-tile").nth(1).locator(".mffnb-outlines > *")
    assert drawn.count() == 3
    again = "explorer.region([(0, 0), (1, 1)], shape='rectangle').pixels"
    assert int(evaluate(page, again)) > 0
    page.mouse.move(5, 5)
    page.wait_for_timeout(300)
    view.scroll_into_view_if_needed()
    kit.screenshot(page, "region_shapes")
    assert kit.console_errors(page) == []


def with_rectangle(page, lab, name):
    """An explorer with a region, its chip, and the numbers of its pixels."""
    view = start(page, lab, name)
    view.get_by_label("Shape of the region").select_option("rectangle")
    drag(page, view, [(0.1, 0.15), (0.3, 0.4), (0.45, 0.7)])
    view.locator("button.mffnb-button", has_text="Region").first.click()
    chip = view.locator(".mffnb-place", has_text="R1")
    chip.wait_for()
    return view, chip, np.flatnonzero(region_mask(page, "R1")).tolist()


def test_a_component_is_absent_or_pure_in_a_region(page, lab):
    view, chip, inside = with_rectangle(page, lab, "known.ipynb")
    second = view.locator("canvas.mffnb-map").nth(1)
    assert second.evaluate(COLOURS, inside) > 10
    known = chip.locator("button", has_text="Known")
    known.click()
    menu = view.get_by_role("dialog", name="Known in R1")
    menu.get_by_label("Component").select_option("1")
    assert menu.locator("button", has_text="Fixed to").is_disabled()
    page.wait_for_timeout(200)
    kit.screenshot(page, "known_menu")
    menu.locator("button", has_text="Absent here").click()
    fact = chip.locator("button", has_text="absent")
    fact.wait_for()
    page.locator(READY).wait_for()
    assert second.evaluate(COLOURS, inside) == 1
    assert float(evaluate(page, f"float({INSIDE.format(1)}.max())")) == 0
    known.focus()
    page.keyboard.press("Enter")
    menu.get_by_label("Component").select_option("0")
    menu.locator("button", has_text="Pure here").click()
    chip.locator("button", has_text="pure").wait_for()
    page.locator(READY).wait_for()
    assert view.locator("canvas.mffnb-map").nth(2).evaluate(COLOURS, inside) == 1
    assert float(evaluate(page, f"float({INSIDE.format(2)}.max())")) == 0
    view.locator("button.mffnb-button", has_text="Code").click()
    view.locator(".mffnb-code", has_text="mf.Fixed(1, fraction=").wait_for()
    page.mouse.move(5, 5)
    page.wait_for_timeout(300)
    view.scroll_into_view_if_needed()
    kit.screenshot(page, "known_regions")
    undo = view.locator("button.mffnb-button", has_text="Undo")
    undo.click()
    chip.locator("button", has_text="pure").wait_for(state="detached")
    fact.click()  # takes the fact back
    fact.wait_for(state="detached")
    page.locator(READY).wait_for()
    assert evaluate(page, "explorer.settings.fixed") == "()"
    assert second.evaluate(COLOURS, inside) > 10
    assert kit.console_errors(page) == []


def test_a_component_has_a_fixed_fraction_in_a_region_where_abundances_sum_to_one(page, lab):
    view, chip, inside = with_rectangle(page, lab, "fraction.ipynb")
    second = view.locator("canvas.mffnb-map").nth(1)
    evaluate(page, "explorer.apply(sum_to_one=True)")
    page.locator(".mffnb-view[data-final='true'][data-parameters*='\"sum_to_one\":true']").wait_for()
    chip.locator("button", has_text="Known").click()
    menu = view.get_by_role("dialog", name="Known in R1")
    menu.get_by_label("Component").select_option("1")
    menu.get_by_label("Fraction").fill("0.4")
    page.keyboard.press("Enter")
    chip.locator("button", has_text="fixed to 0.4").wait_for()
    page.locator(READY).wait_for()
    assert float(evaluate(page, f"float(abs({INSIDE.format(1)} - 0.4).max())")) == 0
    assert second.evaluate(COLOURS, inside) == 1
    kit.screenshot(page, "known_fraction")
    assert kit.console_errors(page) == []
