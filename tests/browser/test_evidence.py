"""What is known about each k, as a strip below the sliders, in a real JupyterLab."""

from __future__ import annotations

import re

from tests.browser import lab as kit
from tests.browser.test_explorer import READY, evaluate, opened, wait_final
from tests.browser.test_searches import change_theme

SCENE = """
import mffnb as mf

explorer = mf.explore(mf.datasets.cits_pnictide(seed=0, shape=(20, 24, 60)).cube, k=2, tol=1e-4, max_components=8)
explorer
"""
COMPLETE = "() => document.querySelector('.mffnb-evidence-side .mffnb-button')?.hidden"
SMALLEST = """() => Math.min(...[...document.querySelectorAll('.mffnb-evidence *')]
    .filter((one) => one.offsetParent && one.textContent.trim()).map((one) => parseFloat(getComputedStyle(one).fontSize)))"""


def marks(page, row):
    """The marks of a row of the strip, as one text."""
    cells = page.locator(".mffnb-evidence-cell")
    return "".join(cells.nth(i).locator("span").nth(row).inner_text().strip() for i in range(cells.count()))


def errors(page):
    """The k with an error, each with its height in the strip."""
    return page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll(".mffnb-evidence-cell")].flatMap((cell) => {
            const dot = cell.querySelector(".mffnb-evidence-dot");
            return dot ? [[cell.querySelector("b").textContent, parseInt(dot.style.bottom)]] : []; }))"""
    )


def test_the_strip_fills_and_moves_k(page, lab):
    view = opened(page, lab, "evidence.ipynb", (SCENE,))
    page.locator(READY).wait_for(timeout=120_000)
    strip, cells = page.locator(".mffnb-evidence"), page.locator(".mffnb-evidence-cell")
    strip.wait_for()
    slider = page.locator(".mffnb-settings .widget-inline-hbox").first.bounding_box()
    assert strip.bounding_box()["y"] >= slider["y"] + slider["height"] - 1  # below the slider for k
    assert list(errors(page)) == ["2"]
    for k in (3, 4):
        cells.nth(k - 1).click()
        wait_final(page, k=k)
        page.wait_for_function(
            "(k) => document.querySelectorAll('.mffnb-evidence-cell')[k - 1].ariaCurrent === 'true'", arg=k
        )
    assert evaluate(page, "explorer.settings.k") == "4"
    heights = errors(page)
    assert list(heights) == ["2", "3", "4"]
    assert heights["2"] > heights["3"] >= heights["4"] == 0
    error = evaluate(page, "f'{explorer.history.entries[-1].relative_error:.3g}'").strip("'")
    assert f"relative error {error}" in page.locator(".mffnb-evidence-words").inner_text()
    assert error in view.locator(".mffnb-status").inner_text()  # one number for one error
    page.get_by_text("Check images and stability").click()
    page.wait_for_function(COMPLETE, timeout=120_000)
    assert marks(page, -2) == "●●●○○○○○"
    assert marks(page, -1).startswith("·●●○")
    assert "k = 3: 3 images stand above the noise" in page.locator(".mffnb-evidence-words").inner_text()
    cells.nth(2).hover()
    page.wait_for_function("() => document.querySelector('.mffnb-evidence-words').textContent.startsWith('k = 3: rel')")
    assert cells.nth(2).get_attribute("aria-label") == page.locator(".mffnb-evidence-words div").first.inner_text()
    assert page.evaluate(SMALLEST) >= 11
    kit.screenshot(page, "evidence_wide")
    view.locator("button.mffnb-button", has_text="Undo").click()
    wait_final(page, k=3)
    cells.nth(2).focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    wait_final(page, k=4)
    assert kit.console_errors(page) == []


def test_the_strip_fits_a_narrow_page_and_the_dark_theme(page, lab):
    if not kit.is_open(page, lab, "evidence.ipynb"):
        opened(page, lab, "evidence.ipynb", (SCENE,))
        page.locator(READY).wait_for(timeout=120_000)
    try:
        page.set_viewport_size({"width": 700, "height": 1100})
        page.wait_for_timeout(500)
        outside = page.evaluate(
            """() => { const edge = document.querySelector(".mffnb-explorer").getBoundingClientRect().right;
                return [...document.querySelectorAll(".mffnb-evidence *")].filter(
                    (one) => one.getBoundingClientRect().right > edge + 1).map((one) => one.className); }"""
        )
        kit.screenshot(page, "evidence_narrow")
        assert outside == []
        change_theme(page, "Dark")
        page.wait_for_timeout(500)
        kit.screenshot(page, "evidence_dark")
        ink = page.locator(".mffnb-evidence-cell b").first.evaluate("(one) => getComputedStyle(one).color")
        assert min(int(value) for value in re.findall(r"\d+", ink)[:3]) > 160
    finally:
        change_theme(page, "Light")
        page.set_viewport_size({"width": 1400, "height": 1100})
