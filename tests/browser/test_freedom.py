"""The freedom of spectra in a real JupyterLab: pale bands behind the curves, angles below them, outdated ones hidden."""

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
    page.wait_for_timeout(300)
    plain = kit.canvas_hash(canvas)
    button.click()
    page.mouse.move(5, 5)
    kit.wait_canvas_change(canvas, plain)
    drawer = view.locator(".mffnb-drawer:visible")
    degrees = evaluate(page, "explorer.result.freedom.in_degrees[0]")
    assert f"up to {degrees}°" in drawer.inner_text()
    assert "could turn by up to" in drawer.inner_text()
    kit.screenshot(page, "freedom_eels")
    banded = kit.canvas_hash(canvas)
    evaluate(page, "explorer.controls.set(k=3)")
    kit.wait_canvas_change(canvas, banded)
    evaluate(page, "explorer.wait()")
    page.wait_for_function("() => document.querySelectorAll('.mffnb-drawer:not([hidden]) tr').length === 4")
    kit.screenshot(page, "freedom_eels_k3")
    before = kit.canvas_hash(canvas)
    button.click()
    page.mouse.move(5, 5)
    kit.wait_canvas_change(canvas, before)
    assert drawer.count() == 0
    assert kit.console_errors(page) == []
