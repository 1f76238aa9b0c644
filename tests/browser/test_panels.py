"""Accessibility, groups of controls and the whole page of the explorer, in a real JupyterLab."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser import lab as kit
from tests.browser.test_explorer import READY, evaluate, opened, slider

CELL = """
import mffnb as mf

cube = mf.datasets.tof_sims_2d(seed=0, shape=(24, 32)).cube
explorer = mf.explore(cube, k=3, tol=1e-3, preprocess=[mf.preprocessing.Bin(channel=2)])
explorer.region([(2, 2), (2, 8), (10, 8)], name="grain")
explorer.code()
explorer.residual_map()
explorer.probe(y=4, x=4)
explorer
"""
WIDTHS = {"wide": 1400, "narrow": 700}


@pytest.fixture
def view(page, lab):
    if kit.is_open(page, lab, "panels.ipynb"):
        yield page.locator(".mffnb-view")
    else:
        yield opened(page, lab, "panels.ipynb", (CELL,))
    page.set_viewport_size({"width": 1400, "height": 1000})


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_no_serious_finding_of_axe(page, lab, view, theme):
    page.locator(READY).wait_for(timeout=120_000)
    page.evaluate("name => window.jupyterapp.commands.execute('apputils:change-theme', {theme: name})", theme)
    page.wait_for_timeout(700)
    for name, width in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": 1200})
        page.wait_for_timeout(500)
        found = Axe().run(page, context=".mffnb-explorer").response["violations"]
        serious = [
            (one["id"], [node["html"][:160] for node in one["nodes"]])
            for one in found
            if one["impact"] in ("serious", "critical")
        ]
        view.evaluate("one => one.closest('.mffnb-explorer').scrollIntoView()")
        kit.screenshot(page, f"panels_{theme[11:].lower()}_{name}")
        assert serious == []
    page.evaluate("window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Light'})")


def test_a_screen_reader_hears_name_and_value_of_a_slider(page, lab, view):
    handle = slider(page, "sparsity").locator(".noUi-handle")
    handle.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("(one) => one.getAttribute('aria-valuetext') !== '0'", arg=handle.element_handle())
    spoken = (handle.get_attribute("aria-label"), handle.get_attribute("aria-valuetext"))
    assert spoken == ("sparsity", f"{float(evaluate(page, 'explorer.controls.sparsity.value')):.2g}")


def test_no_text_is_small_and_no_controls_overlap(page, lab, view):
    page.locator(READY).wait_for(timeout=120_000)
    for width in WIDTHS.values():
        page.set_viewport_size({"width": width, "height": 1200})
        page.wait_for_timeout(500)
        assert page.evaluate(SMALL_TEXT) == []
        assert page.evaluate(OVERLAPS) == []


def test_the_explorer_fills_the_screen_and_returns(page, lab, view):
    page.locator(READY).wait_for(timeout=120_000)
    view.scroll_into_view_if_needed()
    before = view.locator("canvas.mffnb-map").first.bounding_box()
    view.get_by_role("button", name="Full page").click()
    page.wait_for_function("document.fullscreenElement?.matches('.mffnb-explorer')")
    page.wait_for_timeout(500)
    kit.screenshot(page, "panels_full_page")
    assert view.locator("canvas.mffnb-map").first.bounding_box()["height"] >= before["height"]
    view.get_by_role("button", name="Full page").click()
    page.wait_for_function("document.fullscreenElement === null")
    assert evaluate(page, "explorer.settled") == "True"
    assert kit.console_errors(page) == []


SMALL_TEXT = """() => [...document.querySelectorAll(".mffnb-explorer *")]
    .filter((one) => one.checkVisibility() && [...one.childNodes].some((n) => n.nodeType === 3 && n.data.trim())
        && parseFloat(getComputedStyle(one).fontSize) < 11)
    .map((one) => one.className + ": " + one.textContent)"""
# Buttons, lists, sliders and labels, each against each; half a pixel of rounding is no overlap.
OVERLAPS = """() => {
    const parts = [...document.querySelectorAll(
        ".mffnb-explorer button, .mffnb-explorer select, .mffnb-explorer .widget-label, .mffnb-explorer .noUi-target, " +
        ".mffnb-explorer .widget-readout")].filter((one) => one.checkVisibility());
    const boxes = parts.map((one) => one.getBoundingClientRect());
    const found = [];
    boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b, j) => {
        const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        const two = [parts[i], parts[i + 1 + j]];
        if (wide > 0.5 && high > 0.5 && !two[0].contains(two[1]))
            found.push([...two.map((one) => `${one.className} ${one.textContent}`), innerWidth]);
    }));
    return found;
}"""
