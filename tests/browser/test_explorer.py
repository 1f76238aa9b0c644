"""The explorer on the real poplar image, in a real JupyterLab, by keyboard and by mouse."""

from __future__ import annotations

import json

import nbformat
import pytest

from tests.browser import lab as kit

EXPLORE = """
import mffnb as mf

cube = mf.datasets.poplar().cube[64:192, 64:192]
explorer = mf.explore(cube, k=4, smoothness=1.0, tol=1e-3)
explorer
"""
BUSY = """
import pathlib
import time

while busy and not pathlib.Path("woken").exists():
    time.sleep(0.1)
"""
FIRST = {"k": 4, "smoothness": 1.0, "sparsity": 0.0, "sum_to_one": False}
pytestmark = pytest.mark.data("tofsimsData.rda", "Samson.mat")
READY = ".mffnb-view[data-final='true']"


def write(lab, name, cells):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, lab.root / name)


def opened(page, lab, name, cells=(EXPLORE,), before=""):
    write(lab, name, (before, *cells))
    kit.open_notebook(page, lab, name)
    kit.run_all(page)
    view = page.locator(".mffnb-view")
    view.wait_for()
    view.scroll_into_view_if_needed()
    page.locator(".mffnb-view[data-iteration]").wait_for(timeout=60_000)
    return view


def poplar(page, lab):
    """The explorer of the poplar image at its first settings. Tests share one notebook, whatever their order."""
    if kit.is_open(page, lab, "poplar.ipynb"):
        evaluate(page, f"explorer.controls.set(**{FIRST})")
    else:
        opened(page, lab, "poplar.ipynb", (EXPLORE,))
    wait_final(page, **FIRST)
    return page.locator(".mffnb-view")


def slider(page, label):
    return page.locator(".widget-inline-hbox", has=page.get_by_text(label, exact=True))


def choice(page, label):
    return page.locator(".widget-dropdown", has=page.get_by_text(label, exact=True)).locator("select")


def shown(view):
    return json.loads(view.get_attribute("data-parameters"))


def wait_final(page, **parameters):
    page.wait_for_function(
        """(wanted) => { const data = document.querySelector(".mffnb-view").dataset;
            if (data.final !== "true") return false;
            const now = JSON.parse(data.parameters);
            return Object.entries(wanted).every(([name, value]) => Math.abs(now[name] - value) <= 1e-9); }""",
        arg=parameters,
        timeout=120_000,
    )


def drag(page, control, start, end, steps=25):
    """Drag a slider's handle over part of its length, slowly enough to see what is on the way."""
    handle, bar = control.locator(".noUi-handle").bounding_box(), control.locator(".noUi-base").bounding_box()
    middle = handle["y"] + handle["height"] / 2
    page.mouse.move(handle["x"] + handle["width"] / 2, middle)
    page.mouse.down()
    for i in range(steps + 1):
        page.mouse.move(bar["x"] + bar["width"] * (start + (end - start) * i / steps), middle)
        page.wait_for_timeout(30)
    page.mouse.up()


def test_arrow_key_on_k_adds_a_component(page, lab):
    view = poplar(page, lab)
    kit.screenshot(page, "explorer")
    before = int(view.get_attribute("data-generation"))
    assert view.locator("canvas.mffnb-map").count() == 4
    slider(page, "components").locator(".noUi-handle").focus()
    page.keyboard.press("ArrowRight")
    wait_final(page, k=5)
    assert view.locator("canvas.mffnb-map").count() == 5
    assert int(view.get_attribute("data-generation")) == before + 1
    kit.screenshot(page, "explorer_k5")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    wait_final(page, k=3)
    assert view.locator("canvas.mffnb-map").count() == 3
    assert kit.console_errors(page) == []


def test_dragging_sparsity_changes_pixels_on_the_way_and_ends_on_the_last_value(page, lab):
    view = poplar(page, lab)
    page.evaluate(
        """() => { window.seen = []; const view = document.querySelector(".mffnb-view");
            new MutationObserver(() => window.seen.push({...view.dataset}))
                .observe(view, {attributes: true, attributeFilter: ["data-generation", "data-iteration"]}); }"""
    )
    canvas = view.locator("canvas.mffnb-map").first
    old = kit.canvas_hash(canvas)
    drag(page, slider(page, "sparsity"), 0.0, 0.8)
    assert kit.canvas_hash(canvas) != old  # the picture followed the mouse
    kit.screenshot(page, "explorer_dragged")
    value = float(slider(page, "sparsity").locator(".widget-readout").inner_text())
    assert value > 0
    wait_final(page, sparsity=value)
    seen = page.evaluate("() => window.seen")
    generations = [int(frame["generation"]) for frame in seen]
    assert generations == sorted(generations)
    assert len(set(generations)) > 3
    of_generation = {}
    for frame in seen:  # each generation stands for one set of parameters
        assert of_generation.setdefault(frame["generation"], frame["parameters"]) == frame["parameters"]
    # What the browser shows last is what the kernel holds last.
    final = float(view.get_attribute("data-objective"))
    kernel = float(evaluate(page, "explorer.result.trace.objective.values[-1]"))
    assert final == pytest.approx(kernel, rel=0.01)
    cold = float(
        evaluate(
            page,
            f"float(mf.unmix(cube, 4, smoothness=1.0, sparsity={value}, init=explorer.result, tol=1e-5)"
            ".trace.objective[-1])",
        )
    )
    assert final == pytest.approx(cold, rel=0.01)
    assert kit.console_errors(page) == []


def test_slider_works_while_another_cell_runs(page, lab):
    """In a notebook of its own: a control that a program has set waits for the running cell, see ``_GREETINGS``."""
    view = opened(page, lab, "busy.ipynb", (EXPLORE, BUSY), before="busy = 0")
    page.locator(READY).wait_for(timeout=120_000)
    evaluate(page, "globals().update(busy=1)")
    page.evaluate(
        """() => { const app = window.jupyterapp; const notebook = app.shell.currentWidget.content;
            notebook.activeCellIndex = 2;
            window.asleep = true;
            app.commands.execute("notebook:run-cell").then(() => { window.asleep = false; }); }"""
    )
    page.wait_for_timeout(500)
    canvas = view.locator("canvas.mffnb-map").first
    old = kit.canvas_hash(canvas)
    slider(page, "sparsity").locator(".noUi-handle").focus()
    for _ in range(15):
        page.keyboard.press("ArrowRight")
    kit.wait_canvas_change(canvas, old, timeout=60_000)
    assert page.evaluate("() => window.asleep")
    assert shown(view)["sparsity"] > 0
    (lab.root / "woken").touch()
    page.wait_for_function("() => !window.asleep")
    assert kit.console_errors(page) == []


def test_switch_makes_fractions(page, lab):
    view = poplar(page, lab)
    choice(page, "fractions").select_option("sum to one")
    page.wait_for_function(
        """() => { const data = document.querySelector(".mffnb-view").dataset;
            return data.final === "true" && JSON.parse(data.parameters).sum_to_one === true; }""",
        timeout=240_000,
    )
    kit.screenshot(page, "explorer_fractions")
    assert shown(view)["sparsity"] == 0
    spread = float(evaluate(page, "float(abs(explorer.result.abundances.sum('component') - 1).max())"))
    assert spread < 1e-12
    assert kit.console_errors(page) == []


def test_counts_by_keyboard_and_volume_by_mouse(page, lab):
    """On a small image: another noise, then fractions, then a smaller simplex; each changes the picture."""
    small = """
import mffnb as mf

explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(24, 32)).cube, k=3, tol=1e-3)
explorer
"""
    view = opened(page, lab, "physics.ipynb", (small,))
    page.locator(READY).wait_for(timeout=120_000)
    canvas = view.locator("canvas.mffnb-map").first
    volume = slider(page, "volume")
    assert "Choose fractions first" in volume.locator(".widget-label").get_attribute("title")
    old = kit.canvas_hash(canvas)
    choice(page, "noise").focus()
    page.keyboard.press("c")  # counts (KL)
    kit.wait_canvas_change(canvas, old, timeout=60_000)
    page.wait_for_function(
        """() => { const data = document.querySelector(".mffnb-view").dataset;
            return data.final === "true" && JSON.parse(data.parameters).similarity === "kl"; }""",
        timeout=120_000,
    )
    choice(page, "noise").select_option("least squares")
    choice(page, "fractions").select_option("up to a gain")
    page.wait_for_function(
        """() => { const data = document.querySelector(".mffnb-view").dataset;
            const now = JSON.parse(data.parameters);
            return data.final === "true" && now.gain && now.similarity === "frobenius"; }""",
        timeout=120_000,
    )
    old = kit.canvas_hash(canvas)
    drag(page, volume, 0.0, 0.7)
    kit.wait_canvas_change(canvas, old, timeout=60_000)
    value = float(volume.locator(".widget-readout").inner_text())
    assert value > 0
    wait_final(page, volume=value)
    kit.screenshot(page, "explorer_volume")
    assert kit.console_errors(page) == []


SHORE = """
import mffnb as mf

explorer = mf.explore(mf.datasets.samson().cube, k=3)
explorer
"""


def test_auto_finds_the_volume_by_one_click(page, lab):
    view = opened(page, lab, "auto.ipynb", (SHORE,))
    page.locator(READY).wait_for(timeout=120_000)
    canvas = view.locator("canvas.mffnb-map").first
    old = kit.canvas_hash(canvas)
    auto = page.locator(".widget-checkbox", has=page.get_by_text("auto", exact=True)).locator("input")
    auto.click()
    kit.wait_canvas_change(canvas, old, timeout=60_000)  # the search can be watched
    page.wait_for_function(
        """() => { const view = document.querySelector(".mffnb-view");
            return view.dataset.final === "true" && JSON.parse(view.dataset.parameters).volume === "auto"; }""",
        timeout=120_000,
    )
    assert "fractions up to a gain" in view.locator(".mffnb-outcome").inner_text()
    words = "one => one.selectedOptions[0].text.replaceAll('\\u00a0', ' ')"
    assert choice(page, "fractions").evaluate(words) == "from the data"
    assert choice(page, "noise").is_disabled()
    assert slider(page, "volume").locator("[disabled]").count() > 0
    kit.screenshot(page, "explorer_auto")
    auto.click()
    wait_final(page, volume=0)
    assert choice(page, "fractions").evaluate(words) == "off"
    assert kit.console_errors(page) == []


def test_restart_solves_again(page, lab):
    view = poplar(page, lab)
    before = int(view.get_attribute("data-generation"))
    page.locator("button.jupyter-button").filter(has_text="restart").click()
    page.locator(f".mffnb-view[data-generation='{before + 1}'][data-final='true']").wait_for(timeout=120_000)
    assert kit.console_errors(page) == []


def evaluate(page, expression):
    """The value of an expression in the notebook's kernel, as text."""
    return page.evaluate(
        """async (code) => { const kernel = window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel;
            let text = "";
            const future = kernel.requestExecute({code: `print(${code})`, silent: false, store_history: false});
            future.onIOPub = (message) => { if (message.header.msg_type === "stream") text += message.content.text;
                if (message.header.msg_type === "error") text += message.content.evalue; };
            await future.done;
            return text.trim(); }""",
        expression,
    )


WITH_FIRST_BANDS = """
view => new MutationObserver((_, observer) => {
  if (view.dataset.bands !== "true") return;
  view.dataset.finalAtFirstBands = view.dataset.final;
  observer.disconnect();
}).observe(view, { attributes: true })
"""
BANDS = """
import numpy as np
import mffnb as mf

rng, energy = np.random.default_rng(0), np.linspace(0, 1, 120)
spectra = [0.2 + np.exp(-(((energy - centre) / 0.12) ** 2)) for centre in (0.2, 0.5, 0.7, 0.85)]
counts = rng.poisson(6 * rng.dirichlet(np.full(4, 0.3), (48, 72)) @ spectra)
explorer = mf.explore(counts, k=4)
explorer
"""


def test_bands_appear_at_a_click_and_a_slider_takes_them_away(page, lab):
    view = opened(page, lab, "bands.ipynb", (BANDS,))
    page.locator(READY).wait_for(timeout=120_000)
    canvas = view.locator("canvas.mffnb-spectra")
    kit.screenshot(page, "explorer_without_bands")
    old = kit.canvas_hash(canvas)
    view.evaluate(WITH_FIRST_BANDS)
    page.locator(".widget-toggle-button", has_text="bands").click()
    page.locator(".mffnb-view[data-final-at-first-bands]").wait_for(timeout=120_000)
    assert view.get_attribute("data-final-at-first-bands") == "false"  # they are there long before the last replica
    page.locator(READY).wait_for(timeout=120_000)
    assert kit.canvas_hash(canvas) != old
    assert "20 replicas" in view.locator(".mffnb-status").inner_text()
    canvas.scroll_into_view_if_needed()
    kit.screenshot(page, "explorer_bands")
    slider(page, "components").locator(".noUi-handle").focus()
    page.keyboard.press("ArrowLeft")
    page.locator(".mffnb-view[data-bands='false']").wait_for(timeout=60_000)
    wait_final(page, k=3)
    assert view.get_attribute("data-bands") == "true"
    kit.screenshot(page, "explorer_bands_k3")
    assert kit.console_errors(page) == []
