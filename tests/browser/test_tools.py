"""Tools of the explorer and its lifetime, in a real JupyterLab."""

from __future__ import annotations

from tests.browser import lab as kit
from tests.browser.test_explorer import READY, evaluate, opened, slider, wait_final

MEAN = """
import mffnb as mf

explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(24, 32)).cube, k=3, tol=1e-3)
explorer
"""


def test_mean_spectrum_by_click_by_python_and_its_error(page, lab):
    view = opened(page, lab, "mean.ipynb", (MEAN,))
    page.locator(READY).wait_for(timeout=120_000)
    canvas, button = view.locator("canvas.mffnb-spectra"), view.locator("button.mffnb-button", has_text="Mean")
    assert evaluate(page, "explorer.view.tool_mean_spectrum") == "{}"
    old = kit.canvas_hash(canvas)
    button.click()
    kit.wait_canvas_change(canvas, old, timeout=60_000)
    page.locator("button.mffnb-button[aria-pressed='true']").wait_for()
    assert evaluate(page, "explorer.view.tool_mean_spectrum['shown']") == "True"
    kit.screenshot(page, "explorer_mean_spectrum")
    button.click()
    page.locator("button.mffnb-button[aria-pressed='false']").wait_for()
    page.wait_for_timeout(100)
    assert kit.canvas_hash(canvas) == old  # the picture is as before
    shape = evaluate(page, "explorer.mean_spectrum().shape")  # the Python call does the same
    assert shape == evaluate(page, "explorer.result.endmembers.shape[1:]")
    page.locator("button.mffnb-button[aria-pressed='true']").wait_for()
    evaluate(page, "setattr(explorer.view, 'on_call', lambda *_: 1 / 0)")
    button.click()
    page.locator(".mffnb-error", has_text="ZeroDivisionError: division by zero").wait_for()
    kit.screenshot(page, "explorer_error")
    slider(page, "components").locator(".noUi-handle").focus()
    page.keyboard.press("ArrowRight")
    wait_final(page, k=4)
    assert view.locator(".mffnb-error").count() == 0
    assert kit.console_errors(page) == []


def test_a_cell_that_runs_again_frees_its_explorer_and_a_reload_does_not(page, lab):
    alive = "[reference() is not None for reference in seen]"
    cells = (MEAN + "\nseen.append(weakref.ref(explorer.session)); explorer", "del explorer")
    opened(page, lab, "again.ipynb", cells, before="import weakref\nseen = []")
    page.locator(READY).wait_for(timeout=120_000)
    assert evaluate(page, alive) == "[True]"  # no variable holds it, the page does
    kit.load_notebook(page, lab, "again.ipynb")
    page.evaluate(RUN_CELL)
    page.locator(READY).wait_for(timeout=120_000)
    assert evaluate(page, alive) == "[False, True]"
    canvas = page.locator("canvas.mffnb-map").first
    old = kit.canvas_hash(canvas)
    slider(page, "components").locator(".noUi-handle").focus()
    page.keyboard.press("ArrowLeft")
    wait_final(page, k=2)  # another number of maps: the canvas of before has left the page
    assert page.locator("canvas.mffnb-map").count() == 2
    assert kit.canvas_hash(canvas) != old
    kit.screenshot(page, "explorer_again")
    assert kit.console_errors(page) == []


RUN_CELL = """async () => {
  const app = window.jupyterapp;
  app.shell.currentWidget.content.activeCellIndex = 1;
  await app.commands.execute("notebook:run-cell");
}"""
