"""The plot of the spectra in a real JupyterLab: axes, normalisation, zoom by keys, peaks and their candidates."""

from __future__ import annotations

import json

from tests.browser import lab as kit
from tests.browser.test_explorer import READY, evaluate, opened

CELL = """
import mffnb as mf

sample = mf.datasets.tof_sims_2d(seed=0, shape=(32, 48))
explorer = mf.explore(sample.cube, k=4, tol=1e-3)
explorer
"""

# Pixels with a colour in the rows between the zero line of the first spectrum and the end of its lane.
BELOW_ZERO = """(canvas) => {
  const lanes = 6;
  const bottom = Math.round(8 + (canvas.height - 52) / lanes);
  const { data } = canvas.getContext("2d").getImageData(200, bottom - 2, canvas.width - 230, 2);
  let count = 0;
  for (let i = 0; i < data.length; i += 4) {
    const colour = Math.max(data[i], data[i + 1], data[i + 2]) - Math.min(data[i], data[i + 1], data[i + 2]);
    if (data[i + 3] > 0 && colour > 40) count += 1;
  }
  return count;
}"""

# Position of the first place near the top of the plot where a peak can be clicked.
PEAK = """(node) => {
  const box = node.getBoundingClientRect();
  for (let x = 150; x < box.width - 30; x += 3) {
    node.dispatchEvent(new PointerEvent("pointermove", { clientX: box.left + x, clientY: box.top + 14 }));
    if (node.classList.contains("mffnb-on-peak")) return x;
  }
  return null;
}"""


def test_axes_normalisation_and_zoom_by_controls_keys_and_python(page, lab):
    view = opened(page, lab, "spectra.ipynb", (CELL,))
    page.locator(READY).wait_for(timeout=120_000)
    kit.wait_freedom(page)
    canvas = view.locator("canvas.mffnb-spectra")
    page.mouse.move(5, 5)
    page.wait_for_timeout(200)
    assert canvas.evaluate(BELOW_ZERO) == 0
    hashes = [kit.canvas_hash(canvas)]

    def changed():
        kit.wait_canvas_change(canvas, hashes[-1])
        hashes.append(kit.canvas_hash(canvas))

    view.locator("select[aria-label*='Intensity axis']").select_option("log")
    changed()
    view.locator("select[aria-label*='Normalisation']").select_option("area")
    changed()
    view.locator("button.mffnb-button", has_text="Common axis").click()
    changed()
    view.locator(".mffnb-plot").focus()
    page.keyboard.press("+")
    changed()
    page.wait_for_timeout(600)  # a new gesture
    page.keyboard.press("ArrowLeft")
    changed()
    shown = "explorer.view.intensity_scale, explorer.view.normalization, explorer.view.common_scale"
    assert evaluate(page, f"({shown})") == "('log', 'area', True)"
    low, high = json.loads(evaluate(page, "explorer.view.channel_range"))
    assert 0 < low < high < 384
    kit.screenshot(page, "spectra_log_area")
    page.keyboard.press("0")
    changed()
    evaluate(page, "explorer.show_spectra(scale='linear', normalize='none', common=False).shape")
    kit.wait_canvas_change(canvas, hashes[-1])
    page.mouse.move(5, 5)
    page.wait_for_timeout(300)
    kit.wait_canvas_equals(canvas, hashes[0])
    evaluate(page, "explorer.undo()")
    kit.wait_canvas_change(canvas, hashes[0])
    assert kit.console_errors(page) == []


def test_pointing_at_a_map_paints_the_pixel_and_leaves_the_components(page, lab):
    view = opened(page, lab, "spectra.ipynb", (CELL,))
    page.locator(READY).wait_for(timeout=120_000)
    kit.wait_freedom(page)
    canvas = view.locator("canvas.mffnb-spectra")
    page.mouse.move(5, 5)
    page.wait_for_timeout(300)
    halves = """(canvas, part) => {
      const g = canvas.getContext("2d"), middle = Math.round(8 + ((canvas.height - 52) * 4) / 6);
      const { data } = g.getImageData(0, part ? middle : 0, canvas.width, part ? canvas.height - 44 - middle : middle);
      return data.reduce((hash, value) => (hash * 31 + value) | 0, 0); }"""
    upper, lower = (canvas.evaluate(halves, part) for part in (0, 1))
    whole = kit.canvas_hash(canvas)
    view.locator("canvas.mffnb-map").first.hover(position={"x": 60, "y": 60})
    kit.wait_canvas_change(canvas, whole)
    page.wait_for_timeout(400)
    assert canvas.evaluate(halves, 0) == upper
    assert canvas.evaluate(halves, 1) != lower
    page.mouse.move(5, 5)
    page.wait_for_timeout(400)
    kit.wait_canvas_equals(canvas, whole)  # what was painted in parts is what is painted at once


def test_a_click_on_a_peak_lists_its_candidates_and_python_matches_a_library(page, lab):
    view = opened(page, lab, "spectra.ipynb", (CELL,))
    page.locator(READY).wait_for(timeout=120_000)
    plot, drawers = view.locator(".mffnb-plot"), view.locator(".mffnb-drawer:visible")
    plot.scroll_into_view_if_needed()
    box = kit.steady_box(plot)
    x = plot.evaluate(PEAK)
    page.mouse.click(box["x"] + x, box["y"] + 14)
    drawers.first.wait_for()
    channel = float(evaluate(page, "explorer.view.tool_identify['channel']"))
    assert f"Peak at m/z {channel:.1f}: " in drawers.first.inner_text()
    assert evaluate(page, "explorer.view.highlighted") == "[]"
    first = evaluate(page, "explorer.identify(explorer.view.tool_identify['channel']).assignment[0]").strip("'")
    assert first in drawers.first.inner_text()
    evaluate(page, "explorer.match(sample.endmembers).shape")
    view.locator(".mffnb-drawer", has_text="most similar").wait_for()
    drawers.last.scroll_into_view_if_needed()
    kit.screenshot(page, "spectra_identify")
    drawers.first.locator("button", has_text="Close").click()
    view.locator(".mffnb-drawer", has_text="Peak at").wait_for(state="hidden")
    plot.focus()
    page.keyboard.press("p")
    view.locator(".mffnb-drawer", has_text="Peak at").wait_for()
    assert kit.console_errors(page) == []
