"""The freedom of spectra in a real JupyterLab: pale bands that come by themselves, angles, the switch and its undo."""

from __future__ import annotations

from tests.browser import lab as kit
from tests.browser.test_explorer import READY, evaluate, opened

CELL = """
import mffnb as mf

sample = mf.datasets.eels_map(seed=0)
explorer = mf.explore(sample.cube, k=4)
explorer
"""


def test_bands_show_how_far_spectra_could_turn_and_follow_the_settings(page, lab):
    view = opened(page, lab, "freedom.ipynb", (CELL,))
    page.locator(READY).wait_for(timeout=120_000)
    canvas = view.locator("canvas.mffnb-spectra")
    button = view.locator("button.mffnb-button", has_text="Freedom")
    page.mouse.move(5, 5)
    kit.wait_freedom(page)  # without any click
    details = view.locator(".mffnb-details:visible")
    degrees = evaluate(page, "explorer.result.freedom.in_degrees[0]")
    assert "could turn by up to" in details.inner_text()
    details.locator("summary").click()
    assert f"up to {degrees}°" in details.inner_text()
    kit.screenshot(page, "freedom_eels")
    banded = kit.canvas_hash(canvas)
    evaluate(page, "explorer.controls.set(k=3)")
    kit.wait_canvas_change(canvas, banded)
    evaluate(page, "explorer.wait()")
    page.wait_for_function("() => document.querySelectorAll('.mffnb-details:not([hidden]) tr').length === 4")
    kit.wait_freedom(page)
    kit.screenshot(page, "freedom_eels_k3")
    page.wait_for_timeout(300)
    before = kit.canvas_hash(canvas)
    button.click()
    page.mouse.move(5, 5)
    kit.wait_canvas_change(canvas, before)
    assert details.count() == 0
    view.locator("button.mffnb-button", has_text="Undo").click()
    details.wait_for()
    kit.wait_canvas_equals(canvas, before)
    assert kit.console_errors(page) == []
