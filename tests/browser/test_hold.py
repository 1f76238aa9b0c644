"""Held components and masked regions of the explorer, in a real JupyterLab: padlock, chips, undo and code."""

from __future__ import annotations

import json

from tests.browser import lab as kit
from tests.browser.test_explorer import READY, evaluate, opened, wait_final

EXPLORE = """
import mffnb as mf
import numpy as np

sample = mf.datasets.tof_sims_2d(seed=0, shape=(32, 48))
explorer = mf.explore(sample.cube, k=3, tol=1e-3)
explorer
"""
WAIT_HELD = """(wanted) => { const view = document.querySelector(".mffnb-view");
    const pressed = [...view.querySelectorAll(".mffnb-lock")].map((one) => one.getAttribute("aria-pressed") === "true");
    return view.dataset.final === "true" && JSON.stringify(pressed) === JSON.stringify(wanted); }"""
GAPS = """(canvas) => { const g = canvas.getContext("2d");
    const { data } = g.getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let i = 3; i < data.length; i += 4) count += data[i] === 0;
    return count; }"""


def draw_region(page, view, corners):
    """Draw a region on the second map, between shares of its width and height."""
    button = view.locator("button.mffnb-button", has_text="Region").first
    button.click()
    box = kit.steady_box(view.locator("canvas.mffnb-map").nth(1))
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=4)
    page.mouse.up()
    button.click()


def test_padlock_and_chip_hold_spectra_and_undo_restores(page, lab):
    view = opened(page, lab, "hold.ipynb", (EXPLORE,))
    page.locator(READY).wait_for(timeout=120_000)
    maps, locks = view.locator("canvas.mffnb-map"), view.locator(".mffnb-lock")
    assert locks.count() == 3
    locks.nth(1).click()
    page.wait_for_function(WAIT_HELD, arg=[False, True, False], timeout=60_000)
    assert evaluate(page, "[one.number for one in explorer.settings.held]") == "[1]"
    same = "np.allclose(explorer.result.endmembers.sel(component=1), explorer.known[0], rtol=1e-6)"
    assert evaluate(page, same) == "True"
    draw_region(page, view, [(0.4, 0.35), (0.6, 0.4), (0.55, 0.65), (0.4, 0.6)])
    chip = view.locator(".mffnb-place", has_text="R1")
    chip.locator("button", has_text="Hold").click()
    page.wait_for_function(WAIT_HELD, arg=[False, True, False, True], timeout=60_000)
    assert maps.count() == 4
    view.locator(".mffnb-name", has_text="R1").wait_for()
    assert evaluate(page, "explorer.controls.k.value") == "4"
    measured = "explorer.regions['R1'].mean_spectrum.values"
    assert float(evaluate(page, f"abs(explorer.result.endmembers[3].values - {measured}).max()")) < 1e-5
    view.locator("button.mffnb-button", has_text="Code").click()
    view.locator(".mffnb-code", has_text="known = np.array([").wait_for()
    page.mouse.move(5, 5)
    page.wait_for_timeout(300)
    kit.screenshot(page, "explorer_hold")
    locks.nth(1).click()
    page.wait_for_function(WAIT_HELD, arg=[False, False, False, True], timeout=60_000)
    undo = view.locator("button.mffnb-button", has_text="Undo")
    undo.click()
    page.wait_for_function(WAIT_HELD, arg=[False, True, False, True], timeout=60_000)
    undo.click()
    page.wait_for_function(WAIT_HELD, arg=[False, True, False], timeout=60_000)
    wait_final(page, k=3)
    undo.click()  # the region
    chip.wait_for(state="detached")
    undo.click()
    page.wait_for_function(WAIT_HELD, arg=[False, False, False], timeout=60_000)
    assert evaluate(page, "explorer.settings.held") == "None"
    assert kit.console_errors(page) == []


def test_chip_leaves_a_region_out_of_the_fit_and_fits_only_there(page, lab):
    view = opened(page, lab, "area.ipynb", (EXPLORE,))
    page.locator(READY).wait_for(timeout=120_000)
    first = view.locator("canvas.mffnb-map").first
    whole = kit.canvas_hash(first)
    draw_region(page, view, [(0.1, 0.15), (0.5, 0.2), (0.45, 0.65), (0.1, 0.6)])
    chip = view.locator(".mffnb-place", has_text="R1")
    chip.wait_for()
    pixels = int(evaluate(page, "explorer.regions['R1'].pixels"))
    chip.locator("button", has_text="Leave out").click()
    view.locator(".mffnb-place", has_text="left out").wait_for()
    page.locator(READY).wait_for()
    assert first.evaluate(GAPS) == pixels
    assert int(evaluate(page, "int(explorer.result.abundances[0].isnull().sum())")) == pixels
    page.mouse.move(5, 5)
    page.wait_for_timeout(300)
    kit.screenshot(page, "explorer_left_out")
    chip.locator("button", has_text="Fit only").click()
    view.locator(".mffnb-place", has_text="fitted only here").wait_for()
    page.locator(READY).wait_for()
    assert first.evaluate(GAPS) == 32 * 48 - pixels
    assert json.loads(view.get_attribute("data-parameters"))["area"] == {"left_out": [], "only": ["R1"]}
    kit.screenshot(page, "explorer_fit_only")
    undo = view.locator("button.mffnb-button", has_text="Undo")
    undo.click()
    view.locator(".mffnb-place", has_text="left out").wait_for()
    undo.click()
    view.locator(".mffnb-place", has_text="left out").wait_for(state="detached")
    page.locator(READY).wait_for()
    assert first.evaluate(GAPS) == 0
    kit.wait_canvas_equals(first, whole)
    assert kit.console_errors(page) == []


def test_several_pixels_are_kept_averaged_and_held(page, lab):
    view = opened(page, lab, "pins.ipynb", (EXPLORE,))
    page.locator(READY).wait_for(timeout=120_000)
    maps, spectra = view.locator("canvas.mffnb-map"), view.locator("canvas.mffnb-spectra")
    box = kit.steady_box(maps.nth(1))
    for i, (x, y) in enumerate([(0.22, 0.31), (0.51, 0.52), (0.95, 0.8)]):
        maps.nth(1).click(position={"x": x * box["width"], "y": y * box["height"]})
        view.locator(".mffnb-place", has_text=f"P{i + 1}").wait_for()
    pixels = [[9, 10], [16, 24], [25, 45]]
    assert json.loads(evaluate(page, "[list(one.pixel) for one in explorer.pins.values()]")) == pixels
    assert view.locator(".mffnb-tile").first.locator(".mffnb-pin").count() == 3
    page.mouse.move(5, 5)
    page.wait_for_timeout(300)
    before = kit.canvas_hash(spectra)
    chip = view.locator(".mffnb-place", has_text="P2")
    chip.locator("button", has_text="+").click()
    view.locator(".mffnb-place", has_text="mean of 5 px").wait_for()
    kit.wait_canvas_change(spectra, before)
    mean = "sample.cube.values[[16, 15, 17, 16, 16], [24, 24, 24, 23, 25]].mean(axis=0)"
    assert float(evaluate(page, f"abs(explorer.pins['P2'].measured.values - {mean}).max()")) < 1e-9
    view.scroll_into_view_if_needed()
    kit.screenshot(page, "explorer_pins")
    chip.locator("button", has_text="Hold").click()
    page.wait_for_function(WAIT_HELD, arg=[False, False, False, True], timeout=60_000)
    assert chip.locator("button", has_text="Hold").get_attribute("aria-pressed") == "true"
    assert float(evaluate(page, f"abs(explorer.known.values[0] - {mean}).max()")) < 1e-5
    chip.locator("button", has_text="×").click()
    view.locator(".mffnb-place", has_text="P2").wait_for(state="detached")
    box = kit.steady_box(maps.nth(1))  # four maps have another size than three
    maps.nth(1).click(position={"x": 0.22 * box["width"], "y": 0.31 * box["height"]})  # a kept pixel is released
    view.locator(".mffnb-place", has_text="P1").wait_for(state="detached")
    assert json.loads(evaluate(page, "len(explorer.pins)")) == 1
    assert kit.console_errors(page) == []
