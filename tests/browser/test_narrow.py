"""The explorers of several images and of a growing file in a narrow JupyterLab: nothing is cut, and nothing overlaps."""

from __future__ import annotations

import pytest

from tests.browser import lab as kit
from tests.browser.test_explorer import READY, evaluate
from tests.browser.test_explorer import write as write_notebook
from tests.browser.test_following import CELL
from tests.browser.test_joint import IMAGES
from tests.browser.test_panels import OVERLAPS, SMALL_TEXT

WIDTHS = (700, 480)


@pytest.fixture
def narrow(page):
    """Set the width of the window; the list of files is closed, as on a small screen."""

    def resize(width):
        page.evaluate(TOGGLE, True)
        page.set_viewport_size({"width": width, "height": 2000})
        page.wait_for_timeout(700)

    yield resize
    page.set_viewport_size({"width": 1400, "height": 1100})
    page.evaluate(TOGGLE, False)


def opened(page, lab, name, cell):
    write_notebook(lab, name, (cell,))
    kit.open_notebook(page, lab, name)
    kit.run_all(page)
    return page.locator(".mffnb-view")


def check(page, narrow, name):
    found = {}
    for width in WIDTHS:
        narrow(width)
        page.locator(".mffnb-explorer").evaluate("one => one.scrollIntoView()")
        page.wait_for_timeout(300)
        kit.screenshot(page, f"narrow_{name}_{width}")
        assert page.locator(".mffnb-explorer").bounding_box()["width"] <= width
        found |= {(width, what): page.evaluate(script) for what, script in FINDINGS.items()}
    assert {key: some for key, some in found.items() if some} == {}


def test_several_images(page, lab, narrow):
    view = opened(page, lab, "narrow_joint.ipynb", IMAGES)
    page.locator(READY).wait_for(timeout=120_000)
    kit.wait_freedom(page)
    check(page, narrow, "joint")
    called = ("residual_map()", "composite()", "mean_spectrum()", "profile((2, 2), (20, 40))", "probe(pixel=(5, 7))")
    evaluate(page, "len([" + ", ".join(f"explorer.{one}" for one in (*called, "code()")) + "])")
    for name in ("Residual", "Composite", "Mean", "Profile", "Code"):
        view.locator("button[aria-pressed='true']", has_text=name).first.wait_for()
    view.locator(".mffnb-profile").wait_for()
    page.wait_for_timeout(500)
    check(page, narrow, "joint_tools")
    assert kit.console_errors(page) == []


def test_a_file_that_is_followed_and_stopped(page, lab, narrow):
    view = opened(page, lab, "narrow_following.ipynb", CELL)
    view.get_by_text("following: 18 of 48 frames").first.wait_for(timeout=120_000)
    check(page, narrow, "following")
    evaluate(page, "explorer.stop()")
    page.locator(READY).wait_for(timeout=120_000)
    view.get_by_text("This is the answer for 18 of 48 frames").wait_for()
    check(page, narrow, "following_stopped")
    assert kit.console_errors(page) == []


TOGGLE = """closed => {
    const { shell } = window.jupyterapp;
    if (closed) shell.collapseLeft(); else shell.expandLeft();
}"""
# Elements that reach beyond the explorer. What is in a part that scrolls, or on a plot, has its own room.
BEYOND = """() => {
    const page = document.querySelector(".mffnb-explorer"), edge = page.getBoundingClientRect();
    const scrolls = (one) => one !== page && (["auto", "scroll"].includes(getComputedStyle(one).overflowX)
        || scrolls(one.parentElement));
    return [...page.querySelectorAll("*")]
        .filter((one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && !scrolls(one))
        .filter((one) => !one.closest(".mffnb-tip"))
        .filter((one) => { const box = one.getBoundingClientRect();
            return box.width > 0 && (box.right > edge.right + 1 || box.left < edge.left - 1); })
        .map((one) => `${one.tagName} ${one.className} ${one.textContent.slice(0, 40)}`);
}"""
# Buttons, lists, labels and names whose text does not fit.
CUT = """() => [...document.querySelectorAll(
        ".mffnb-explorer button, .mffnb-explorer .widget-label, .mffnb-explorer .widget-readout, " +
        ".mffnb-explorer .mffnb-legend, .mffnb-explorer .mffnb-image, .mffnb-explorer .mffnb-notice")]
    .filter((one) => one.checkVisibility() && one.clientWidth > 0 && one.scrollWidth > one.clientWidth + 1)
    .map((one) => `${one.className} ${one.textContent}`)"""
FINDINGS = {"beyond": BEYOND, "cut": CUT, "overlap": OVERLAPS, "small": SMALL_TEXT}
