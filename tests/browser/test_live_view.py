"""The live view in a real JupyterLab, fed by a runner with synthetic data."""

from __future__ import annotations

import json

import nbformat
import pytest

from tests.browser import lab as kit
from tests.browser.test_explorer import evaluate

SETUP = """
import time

import ipywidgets
import numpy as np

from mffnb.widgets.live_view.frame import Frame
from mffnb.widgets.live_view.live_view import LiveView
from mffnb.plots.palette import component_colors
from mffnb.widgets.live_view.runner import Runner

K, H, W, M, STEPS, PIXEL = {k}, {h}, {w}, {m}, {steps}, {pixel}
y, x = np.mgrid[0:H, 0:W] / max(H, W)
generator = np.random.default_rng(1)
channel = np.linspace(0.0, 300.0, M)
spots = [(0.25 + 0.5 * ((i + 1) * 0.37 % 1), 0.05 + 0.5 * (i * 0.61 % 1)) for i in range(K)]
noise = generator.random((K, H, W)) * 0.12
heights = generator.exponential(1.0, (K, 14))
centres = generator.uniform(5, 295, (K, 14))
spectra = np.zeros((K, M))
for i in range(K):
    for height, centre in zip(heights[i], centres[i]):
        spectra[i] += height * np.exp(-(((channel - centre) / 0.6) ** 2))


def solve(parameters):
    n = parameters["n"]
    for step in range(STEPS):
        maps = np.stack([
            np.exp(-((x - right) ** 2 + (y - down) ** 2) / 0.02)
            + 0.5 * (np.sin(9 * x * (1 + i % 3) + 7 * y * (i % 2) + n) > 0.6)
            for i, (right, down) in enumerate(spots)
        ]) + noise * (1 + 3 / (step + 1))
        yield step, maps
        time.sleep(0.002)


def publish(generation, parameters, state, final):
    step, maps = state
    status = dict(iteration=step + 1, relative_error=0.1 / (step + 1), objective=12.3456 / (step + 1),
                  milliseconds=4.2 * step, outcome="converged" if final else "solving")
    labels = tuple(f"Component {{i + 1}}" for i in range(K))
    view.show(Frame(maps, spectra, channel, "m/z (u)", labels, tuple(component_colors(K)), PIXEL,
                    status, generation, parameters, final))


view = LiveView()
runner = Runner(solve, publish)
view.on_drawn = runner.acknowledge
slider = ipywidgets.IntSlider(value=4, min=1, max=200, description="n", continuous_update=True)
slider.observe(lambda change: runner.submit({{"n": change["new"]}}), "value")
"""
FINAL = """(n) => { const data = document.querySelector(".mffnb-view").dataset;
    return data.final === "true" && JSON.parse(data.parameters).n === n; }"""
START = "runner.submit({'n': slider.value})\nrunner.wait()"
WAITING = ".mffnb-view .mffnb-empty"


def write_notebook(lab, name, cells, **options):
    settings = {"k": 6, "h": 96, "w": 128, "m": 1535, "steps": 20, "pixel": (0.5, 0.5, "µm")} | options
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(text) for text in [SETUP.format(**settings), *cells]]
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, lab.root / name)
    return name


def show(page, lab, name, cells=("ipywidgets.VBox([slider, view])", START), **options):
    kit.open_notebook(page, lab, write_notebook(lab, name, list(cells), **options))
    kit.run_all(page)
    page.locator(".mffnb-view[data-final='true']").first.wait_for(timeout=20_000)
    page.locator(".mffnb-view").first.scroll_into_view_if_needed()


def standard(page, lab):
    """The notebook with the standard settings, which several tests share; n is 4 again."""
    if kit.is_open(page, lab, "standard.ipynb"):
        evaluate(page, "setattr(slider, 'value', 4) or runner.wait()")
    else:
        show(page, lab, "standard.ipynb")
    page.wait_for_function(FINAL, arg=4, timeout=10_000)


def command(page, name, **arguments):
    page.evaluate("([name, options]) => window.jupyterapp.commands.execute(name, options)", [name, arguments])


def finish(page):
    assert kit.console_errors(page) == []


def test_arrow_key_changes_the_pixels(page, lab):
    standard(page, lab)
    view = page.locator(".mffnb-view")
    canvas = view.locator("canvas.mffnb-map").first
    kit.screenshot(page, "live_view")
    before = int(view.get_attribute("data-generation"))
    assert json.loads(view.get_attribute("data-parameters")) == {"n": 4}
    assert view.get_attribute("data-iteration") == "20"
    old = kit.canvas_hash(canvas)
    page.locator(".widget-slider .noUi-handle").focus()
    page.keyboard.press("ArrowRight")
    kit.wait_canvas_change(canvas, old)
    page.locator(f".mffnb-view[data-generation='{before + 1}'][data-final='true']").wait_for()
    assert json.loads(view.get_attribute("data-parameters")) == {"n": 5}
    assert "converged" in view.locator(".mffnb-status").inner_text()
    finish(page)


def test_dragging_follows_and_ends_on_the_last_value(page, lab):
    standard(page, lab)
    handle = page.locator(".widget-slider .noUi-handle").bounding_box()
    bar = page.locator(".widget-slider .noUi-base").bounding_box()
    middle = handle["y"] + handle["height"] / 2
    page.mouse.move(handle["x"] + handle["width"] / 2, middle)
    page.mouse.down()
    for i in range(30):
        page.mouse.move(bar["x"] + bar["width"] * (0.2 + 0.02 * i), middle)
    page.mouse.up()
    value = int(page.locator(".widget-readout").inner_text())
    page.wait_for_function(FINAL, arg=value, timeout=10_000)
    finish(page)


def test_maps_have_their_physical_aspect_also_when_it_changes(page, lab):
    show(page, lab, "aspect.ipynb", h=48, w=128, pixel=None)
    for name, n, pixel, ratio in (("wide", 4, None, 48 / 128), ("tall_pixels", 5, (2.0, 0.5, "nm"), 4 * 48 / 128)):
        evaluate(page, f"globals().update(PIXEL={pixel}) or setattr(slider, 'value', {n}) or runner.wait()")
        page.wait_for_function(FINAL, arg=n, timeout=10_000)
        box = page.locator("canvas.mffnb-map").first.bounding_box()
        assert box["height"] / box["width"] == pytest.approx(ratio, rel=0.02)
        size = page.locator("canvas.mffnb-map").first.evaluate("(canvas) => [canvas.height, canvas.width]")
        assert size == [48, 128]
        assert page.locator(".mffnb-bar").first.is_visible() == (pixel is not None)
        kit.screenshot(page, f"live_view_{name}")
    finish(page)


def test_colour_map_highlight_and_hovering_need_no_kernel(page, lab):
    standard(page, lab)
    view = page.locator(".mffnb-view")
    canvas, spectra = view.locator("canvas.mffnb-map").first, view.locator("canvas.mffnb-spectra")
    generation = view.get_attribute("data-generation")
    for name in ("viridis", "cividis", "gray", "component"):
        old = kit.canvas_hash(canvas)
        view.locator("select.mffnb-colormap").select_option(name)
        kit.wait_canvas_change(canvas, old)
    old = kit.canvas_hash(canvas)
    view.get_by_label("Lift faint features").focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    kit.wait_canvas_change(canvas, old)
    old = kit.canvas_hash(spectra)
    view.get_by_label("Intensity axis").select_option("sqrt")
    kit.wait_canvas_change(spectra, old)
    old = kit.canvas_hash(spectra)
    view.locator(".mffnb-name").nth(1).click()
    kit.wait_canvas_change(spectra, old)
    assert view.locator(".mffnb-tile.mffnb-faded").count() == 5
    view.locator("canvas.mffnb-map").nth(2).hover(position={"x": 60, "y": 50})
    tip = view.locator(".mffnb-tip.mffnb-shown")
    assert "µm" in tip.inner_text()
    assert tip.locator(".mffnb-tip-row").count() == 6
    kit.screenshot(page, "live_view_controls")
    view.locator(".mffnb-name").nth(1).click()
    spectra.hover(position={"x": 500, "y": 100})
    assert "m/z (u)" in tip.inner_text()
    kit.screenshot(page, "live_view_hover")
    assert view.get_attribute("data-generation") == generation
    finish(page)


def test_two_displays_agree_and_one_may_go(page, lab):
    cells = ["view", "ipywidgets.VBox([slider, view])", START]
    show(page, lab, "twice.ipynb", cells)
    views = page.locator(".mffnb-view")
    assert views.count() == 2
    first, second = (views.nth(i).locator("canvas.mffnb-map").first for i in (0, 1))
    assert kit.canvas_hash(first) == kit.canvas_hash(second)
    views.nth(0).locator("select.mffnb-colormap").select_option("viridis")
    page.wait_for_function("document.querySelectorAll('.mffnb-colormap')[1].value === 'viridis'")
    page.evaluate("() => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = 1; }")
    command(page, "notebook:clear-cell-output")
    page.wait_for_function("document.querySelectorAll('.mffnb-view').length === 1")
    canvas = page.locator("canvas.mffnb-map").first
    old = kit.canvas_hash(canvas)
    page.locator(".widget-slider .noUi-handle").focus()
    page.keyboard.press("ArrowRight")
    kit.wait_canvas_change(canvas, old)
    finish(page)


def test_empty_cleared_and_many_components(page, lab):
    name = write_notebook(lab, "empty.ipynb", ["view", "ipywidgets.VBox([slider])"], k=12, h=64, w=64)
    kit.open_notebook(page, lab, name)
    kit.run_all(page)
    page.locator(WAITING).wait_for()
    assert page.locator(".mffnb-view[data-generation]").count() == 0
    kit.screenshot(page, "live_view_empty")
    evaluate(page, "runner.submit({'n': 4}) or runner.wait()")
    page.wait_for_function(FINAL, arg=4, timeout=10_000)
    assert page.locator("canvas.mffnb-map").count() == 12
    kit.screenshot(page, "live_view_many")
    evaluate(page, "view.clear()")
    page.locator(WAITING).wait_for()
    finish(page)


def test_dark_theme_and_a_sharp_screen(browser, lab):
    with kit.new_page(browser, scale=2) as page:
        show(page, lab, "dark.ipynb", pixel=None)
        spectra = page.locator("canvas.mffnb-spectra")
        assert spectra.evaluate("(canvas) => canvas.width / canvas.clientWidth") == pytest.approx(2, abs=0.01)
        old = kit.canvas_hash(spectra)
        command(page, "apputils:change-theme", theme="JupyterLab Dark")
        kit.wait_canvas_change(spectra, old)
        kit.screenshot(page, "live_view_dark")
        command(page, "apputils:change-theme", theme="JupyterLab Light")
        page.wait_for_function("document.body.dataset.jpThemeLight === 'true'")
        finish(page)
