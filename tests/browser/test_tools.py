"""Tools of the explorer and its lifetime, in a real JupyterLab."""

from __future__ import annotations

import json

import pytest

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
    kit.wait_freedom(page)
    canvas, button = view.locator("canvas.mffnb-spectra"), view.locator("button.mffnb-button", has_text="Mean")
    assert evaluate(page, "explorer.view.tool_mean_spectrum") == "{}"
    old = kit.canvas_hash(canvas)
    button.click()
    kit.wait_canvas_change(canvas, old, timeout=60_000)
    view.locator("button.mffnb-button[aria-pressed='true']", has_text="Mean").wait_for()
    assert evaluate(page, "explorer.view.tool_mean_spectrum['shown']") == "True"
    kit.screenshot(page, "explorer_mean_spectrum")
    button.click()
    view.locator("button.mffnb-button[aria-pressed='false']", has_text="Mean").wait_for()
    page.wait_for_timeout(100)
    kit.wait_canvas_equals(canvas, old)  # the picture is as before
    shape = evaluate(page, "explorer.mean_spectrum().shape")  # the Python call does the same
    assert shape == evaluate(page, "explorer.result.endmembers.shape[1:]")
    view.locator("button.mffnb-button[aria-pressed='true']", has_text="Mean").wait_for()
    evaluate(page, "setattr(explorer.view, 'on_call', lambda *_: 1 / 0)")
    button.click()
    page.locator(".mffnb-error", has_text="ZeroDivisionError: division by zero").wait_for()
    kit.screenshot(page, "explorer_error")
    slider(page, "components").locator(".noUi-handle").focus()
    page.keyboard.press("ArrowRight")
    wait_final(page, k=4)
    assert view.locator(".mffnb-error").count() == 0
    assert kit.console_errors(page) == []


STACK = """
import mffnb as mf
import xarray as xr

layers = [mf.datasets.tof_sims_2d(seed=seed, shape=(32, 48)).cube for seed in (0, 1, 2, 3)]
stack = xr.concat(layers, dim="z").assign_coords(z=("z", [0.0, 0.5, 1.0, 1.5], {"units": "µm"}))
explorer = mf.explore(stack, k=3, tol=1e-3)
explorer
"""


def test_a_slider_shows_the_sections_of_a_stack(page, lab):
    view = opened(page, lab, "stack.ipynb", (STACK,))
    page.locator(READY).wait_for(timeout=120_000)
    field, canvas = view.get_by_label("Section along z"), view.locator("canvas.mffnb-map").first
    view.get_by_text("z = 1 µm").wait_for()
    old = kit.canvas_hash(canvas)
    field.focus()
    page.keyboard.press("ArrowRight")
    view.get_by_text("z = 1.5 µm").wait_for()
    kit.wait_canvas_change(canvas, old)
    assert evaluate(page, "explorer.section['z']") == "3"
    kit.screenshot(page, "explorer_stack")
    evaluate(page, "explorer.show_section(z=0)")
    view.get_by_text("z = 0 µm").wait_for()
    assert field.input_value() == "0"
    view.get_by_role("button", name="Play").click()
    for text in ("z = 0.5 µm", "z = 1 µm", "z = 1.5 µm", "z = 0 µm"):
        view.get_by_text(text, exact=True).wait_for()
    view.get_by_role("button", name="Play").click()
    page.wait_for_timeout(500)
    before = field.input_value()
    page.wait_for_timeout(700)
    assert field.input_value() == before
    assert kit.console_errors(page) == []


def test_maximum_and_orthogonal_sections_of_a_stack(page, lab):
    view = opened(page, lab, "sections.ipynb", (STACK,))
    page.locator(READY).wait_for(timeout=120_000)
    canvas, cuts = view.locator("canvas.mffnb-map").first, view.locator(".mffnb-cuts canvas.mffnb-map")
    old = kit.canvas_hash(canvas)
    view.get_by_role("button", name="Maximum").click()
    view.get_by_text("maximum over z", exact=True).wait_for()
    kit.wait_canvas_change(canvas, old)
    canvas.click(position={"x": 40, "y": 40})  # such a pixel has no spectrum
    assert evaluate(page, "(explorer.section, len(explorer.pins))") == "({'z': -1}, 0)"
    view.get_by_role("button", name="Maximum").click()
    view.get_by_text("z = 1 µm", exact=True).wait_for()
    kit.wait_canvas_equals(canvas, old)
    view.get_by_role("button", name="Orthogonal").click()
    cuts.first.wait_for()
    assert cuts.count() == 3
    kit.screenshot(page, "explorer_orthogonal")
    first = kit.canvas_hash(cuts.nth(1))
    box = kit.steady_box(cuts.first)
    cuts.first.click(position={"x": box["width"] * 0.25, "y": box["height"] * 0.77})
    kit.wait_canvas_change(cuts.nth(1), first)
    assert evaluate(page, "explorer.section") == "{'z': 2, 'y': 24, 'x': 12}"
    view.locator(".mffnb-cuts .mffnb-picture").nth(1).focus()
    page.keyboard.press("ArrowUp")  # rows of this section are those of z
    view.get_by_text("z = 0.5 µm", exact=True).wait_for()
    caption = view.locator(".mffnb-cuts .mffnb-caption").last
    before = caption.text_content()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("([node, old]) => node.textContent !== old", arg=[caption.element_handle(), before])
    assert evaluate(page, "explorer.section") == "{'z': 1, 'y': 24, 'x': 13}"
    view.get_by_label("Component of the orthogonal sections").select_option("2")
    view.get_by_label("Section of component 2").first.wait_for()
    view.get_by_role("button", name="Undo", exact=True).click()
    view.get_by_label("Section of component 0").first.wait_for()
    assert kit.console_errors(page) == []


def profile_line(page, reached):
    """The line of the profile as Python knows it, as soon as a condition holds."""
    for _ in range(100):
        line = json.loads(evaluate(page, "explorer.view.profile_line"))
        if reached(line):
            return line
        page.wait_for_timeout(100)
    raise AssertionError(f"the line of the profile stays {line}")


def test_a_line_is_drawn_on_a_map_and_its_profile_follows(page, lab):
    view = opened(page, lab, "profile.ipynb", (QUESTIONS,))
    page.locator(READY).wait_for(timeout=120_000)
    kit.wait_freedom(page)
    canvas, curve = view.locator("canvas.mffnb-map").first, view.locator(".mffnb-chart-curve").first
    view.get_by_role("button", name="Profile").click()
    curve.wait_for()
    first = curve.get_attribute("d")
    box = kit.steady_box(canvas)
    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + box["height"] * 0.2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + box["height"] * 0.7, steps=8)
    page.wait_for_function("([curve, old]) => curve.isConnected === false || curve.getAttribute('d') !== old",
                           arg=[curve.element_handle(), first])  # fmt: skip
    page.wait_for_timeout(500)  # the values of the whole line come before the button of the pointer is released
    page.mouse.up()
    line = profile_line(page, lambda found: found[0] != found[2])
    size = json.loads(evaluate(page, "[float(explorer.result.abundances[d][-1]) for d in ('y', 'x')]"))
    assert [line[0] / size[0], line[1] / size[1], line[2] / size[0], line[3] / size[1]] == pytest.approx(
        [0.2, 0.2, 0.7, 0.8], abs=0.03
    )
    view.locator(".mffnb-line-end").first.focus()
    page.keyboard.press("ArrowLeft")
    view.locator(".mffnb-line-width").first.focus()
    pixel = size[1] / 47
    for pressed in range(3):  # each press starts from the width that Python knows
        page.keyboard.press("ArrowUp")
        moved = profile_line(page, lambda found, least=pressed + 0.5: found[4] > least * pixel)
    assert moved[3] == pytest.approx(line[3] - pixel, abs=pixel / 10)
    assert moved[4] == pytest.approx(3 * pixel, rel=0.01)
    view.locator(".mffnb-chart").hover(position={"x": 400, "y": 60})
    view.locator(".mffnb-tip.mffnb-shown", has_text="distance").wait_for()
    kit.screenshot(page, "explorer_profile")
    with page.expect_download() as download:
        view.get_by_role("button", name="CSV").click()
    rows = download.value.path().read_text().splitlines()
    assert rows[0] == "distance (µm),component 0,component 1,component 2"
    assert len(rows) == 1 + int(evaluate(page, "explorer.profile().distance.size"))
    view.get_by_role("button", name="Undo", exact=True).click()
    undone = profile_line(page, lambda found: found[4] < 2.5 * pixel)
    assert undone[4] == pytest.approx(2 * pixel, rel=0.01)
    view.get_by_role("button", name="Profile").click()
    view.locator(".mffnb-chart").wait_for(state="hidden")
    assert evaluate(page, "explorer.view.profile_line") == "[]"
    assert kit.console_errors(page) == []


PATTERNS = """
import mffnb as mf

image = mf.datasets.stem_catalyst(seed=0).cube
explorer = mf.explore(image, k=2, preprocess=[mf.preprocessing.SlidingFFT(size=64, step=16)], tol=1e-3)
explorer
"""


def test_local_ffts_are_shown_as_images(page, lab):
    view = opened(page, lab, "patterns.ipynb", (PATTERNS,))
    page.locator(READY).wait_for(timeout=120_000)
    panel = view.locator(".mffnb-patterns")
    assert panel.locator("canvas.mffnb-map").count() == 2
    assert not view.locator("canvas.mffnb-spectra").is_visible()
    view.get_by_text("1/nm").last.wait_for()
    old = kit.canvas_hash(panel.locator("canvas.mffnb-map").first)
    view.get_by_label("Intensity of the patterns").select_option("linear")
    kit.wait_canvas_change(panel.locator("canvas.mffnb-map").first, old)
    view.locator(".mffnb-grid").first.locator("canvas.mffnb-map").first.click(position={"x": 40, "y": 40})
    panel.get_by_text("as measured").wait_for()
    panel.locator("canvas.mffnb-map").first.hover(position={"x": 60, "y": 60})
    view.locator(".mffnb-tip.mffnb-shown", has_text="1/nm").wait_for()
    kit.screenshot(page, "explorer_patterns")
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
    # On a busy machine the page may still restore the view of before when the cell frees its session.
    assert [error for error in kit.console_errors(page) if "Failed to initialize model" not in error] == []


RUN_CELL = """async () => {
  const app = window.jupyterapp;
  app.shell.currentWidget.content.activeCellIndex = 1;
  await app.commands.execute("notebook:run-cell");
}"""


QUESTIONS = """
import mffnb as mf
import numpy as np

sample = mf.datasets.tof_sims_2d(seed=0, shape=(32, 48))
explorer = mf.explore(sample.cube, k=3, tol=1e-3)
explorer
"""


def test_a_pixel_a_misfit_and_a_band_are_shown_and_known_in_python(page, lab):
    view = opened(page, lab, "questions.ipynb", (QUESTIONS,))
    page.locator(READY).wait_for(timeout=120_000)
    kit.wait_freedom(page)  # its bands change the plot
    spectra, maps = view.locator("canvas.mffnb-spectra"), view.locator("canvas.mffnb-map")
    view.locator(".mffnb-notice", has_text="These are counts").wait_for()  # moves the maps, once
    kit.steady_box(maps.nth(1))
    old = kit.canvas_hash(spectra)
    maps.nth(1).hover(position={"x": 40, "y": 30})  # the model and then the measured spectrum of the pixel
    kit.wait_canvas_change(spectra, old)
    page.wait_for_timeout(300)
    assert evaluate(page, "explorer.view.tool_probe['pinned']") == "False"
    maps.nth(1).click(position={"x": 40, "y": 30})
    view.locator(".mffnb-pin:visible").first.wait_for()
    page.wait_for_timeout(300)
    assert evaluate(page, "explorer.view.tool_probe['pinned']") == "True"
    row, column = json.loads(evaluate(page, "explorer.view.tool_probe['pixel']"))
    box = kit.steady_box(maps.nth(1))
    assert (row, column) == (int(30 / box["height"] * 32), int(40 / box["width"] * 48))
    measured = "np.frombuffer(explorer.view.tool_probe['measured'], '<f4')"
    assert float(evaluate(page, f"abs({measured} - sample.cube.values[{row}, {column}]).max()")) < 1e-4
    view.locator("button.mffnb-button", has_text="Region").first.click()
    page.mouse.move(box["x"] + 60, box["y"] + 40)
    page.mouse.down()
    for x, y in ((140, 45), (130, 110), (60, 100)):
        page.mouse.move(box["x"] + x, box["y"] + y, steps=4)
    page.mouse.up()
    view.locator("button.mffnb-button", has_text="Clear regions").wait_for()
    assert float(evaluate(page, "explorer.regions['R1'].pixels")) > 50
    view.locator("button.mffnb-button", has_text="Region").first.click()
    view.locator("button.mffnb-button", has_text="Residual").click()
    worst = view.locator("button.mffnb-button", has_text="Worst pixel")
    worst.wait_for()
    assert maps.count() == 4
    worst.click()
    asked = "explorer.view.tool_probe['pixel'] == explorer.view.tool_residual_map['worst']"
    for _ in range(100):
        if evaluate(page, asked) == "True":
            break
        page.wait_for_timeout(100)
    assert evaluate(page, asked) == "True"
    spectra.scroll_into_view_if_needed()
    box = kit.steady_box(spectra)
    page.keyboard.down("Shift")
    drag(page, box, 0.3, 0.32)
    page.keyboard.up("Shift")
    view.locator(".mffnb-name", has_text="band").wait_for()
    assert maps.count() == 5
    assert view.locator(".mffnb-channel-range:visible").count() == 1
    kit.screenshot(page, "explorer_questions")
    view.locator("button.mffnb-button", has_text="Clear band").click()
    view.locator(".mffnb-name", has_text="band").wait_for(state="detached")
    assert kit.console_errors(page) == []


def test_a_notice_does_not_move_the_maps_below_a_pointer(page, lab):
    view = opened(page, lab, "held.ipynb", (QUESTIONS,))
    page.locator(READY).wait_for(timeout=120_000)
    notice, canvas = view.locator(".mffnb-notice", has_text="as a test"), view.locator("canvas.mffnb-map").nth(1)
    view.locator(".mffnb-notice", has_text="These are counts").wait_for()
    box = kit.steady_box(canvas)
    canvas.evaluate("""(canvas) => { const box = canvas.getBoundingClientRect();
      const move = () => canvas.dispatchEvent(new PointerEvent("pointermove",
        { bubbles: true, clientX: box.left + 40, clientY: box.top + 30 }));
      move();
      window.moving = setInterval(move, 100); }""")
    evaluate(page, "setattr(explorer.view, 'notices', [*explorer.view.notices, {'text': 'as a test'}])")
    page.wait_for_timeout(1000)
    assert notice.count() == 0
    assert canvas.bounding_box() == box
    page.evaluate("clearInterval(window.moving)")
    notice.wait_for()  # the pointer rests
    assert view.locator(".mffnb-notice").count() == 2


def test_zoom_undo_and_code(page, lab):
    view = opened(page, lab, "questions.ipynb", (QUESTIONS,))
    page.locator(READY).wait_for(timeout=120_000)
    kit.wait_freedom(page)
    spectra, first = view.locator("canvas.mffnb-spectra"), view.locator("canvas.mffnb-map").first
    page.mouse.move(5, 5)
    page.wait_for_timeout(200)
    whole = kit.canvas_hash(spectra)
    drag(page, kit.steady_box(spectra), 0.3, 0.5)
    kit.wait_canvas_change(spectra, whole)
    assert evaluate(page, "explorer.view.highlighted") == "[]"  # a drag is no click
    undo = view.locator("button.mffnb-button", has_text="Undo")
    undo.click()  # a zoom is undone like a move of a slider
    page.mouse.move(5, 5)
    kit.wait_canvas_equals(spectra, whole)
    view.locator("button.mffnb-button", has_text="Code").click()
    view.locator(".mffnb-code", has_text="mf.unmix(cube, 3, tol=0.001, random_state=0)").wait_for()
    assert undo.is_disabled()
    old = kit.canvas_hash(first)
    slider(page, "components").locator(".noUi-handle").focus()
    page.keyboard.press("ArrowRight")
    wait_final(page, k=4)
    view.locator(".mffnb-code", has_text="mf.unmix(cube, 4").wait_for()
    kit.screenshot(page, "explorer_code")
    undo.click()
    wait_final(page, k=3)
    kit.wait_canvas_equals(first, old)
    assert evaluate(page, "explorer.controls.k.value") == "3"
    view.locator("button.mffnb-button", has_text="Redo").click()
    wait_final(page, k=4)
    assert kit.console_errors(page) == []


def drag(page, box, start, stop):
    """Drag over the spectra, between two shares of the width."""
    page.mouse.move(box["x"] + start * box["width"], box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + stop * box["width"], box["y"] + 40, steps=5)
    page.mouse.up()
