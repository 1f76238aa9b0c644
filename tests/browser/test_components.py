"""Components of the explorer: hidden, moved, merged, split and coloured by gestures, in a real JupyterLab."""

from __future__ import annotations

import json

import pytest

from tests.browser import lab as kit
from tests.browser.test_explorer import READY, evaluate, opened, wait_final

SCENE = """
import mffnb as mf

explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(32, 48)).cube, k=4, tol=1e-3)
explorer
"""
NUMBERS = "explorer.result.endmembers.component.values.tolist()"


@pytest.fixture
def view(page, lab):
    shown = opened(page, lab, "components.ipynb", (SCENE,))
    page.locator(READY).wait_for(timeout=120_000)
    return shown


def names(view):
    return view.locator(".mffnb-tile:visible .mffnb-name").all_inner_texts()


def wait_names(page, *wanted):
    page.wait_for_function(
        """wanted => { const shown = [...document.querySelectorAll(".mffnb-tile:not([hidden]) .mffnb-name")];
            return JSON.stringify(shown.map(one => one.textContent)) === JSON.stringify(wanted); }""",
        arg=list(wanted),
        timeout=30_000,
    )


def drag_caption(page, view, label, target, share):
    """Drag the caption of a map to a share of the width of another one, and stop before the button is released."""
    caption = view.locator(".mffnb-tile", has=page.get_by_text(label, exact=True)).locator(".mffnb-name")
    start = kit.steady_box(caption)
    end = view.locator(".mffnb-tile", has=page.get_by_text(target, exact=True)).bounding_box()
    page.mouse.move(start["x"] + 20, start["y"] + start["height"] / 2)
    page.mouse.down()
    page.mouse.move(end["x"] + share * end["width"], end["y"] + end["height"] / 2, steps=6)


def choose(page, view, label, item):
    """Choose an item in the menu of a component."""
    view.get_by_label(f"Change {label}", exact=True).click()
    view.locator(".mffnb-menu button", has_text=item).click()


def test_components_are_hidden_and_shown_again(page, lab, view):
    kit.wait_freedom(page)
    spectra = view.locator("canvas.mffnb-spectra")
    before = kit.canvas_hash(spectra)
    height = spectra.bounding_box()["height"]
    view.get_by_label("Change component 1", exact=True).click()
    kit.screenshot(page, "components_menu")
    view.locator(".mffnb-menu button", has_text="Hide").click()
    wait_names(page, "component 0", "component 2", "component 3")
    assert evaluate(page, "sorted(explorer.appearance.hidden)") == "[1]"
    assert spectra.bounding_box()["height"] < height  # its curve has gone too
    page.keyboard.press("Escape")
    kit.screenshot(page, "components_hidden")
    view.locator(".mffnb-chip", has_text="component 1").click()
    wait_names(page, *(f"component {number}" for number in range(4)))
    page.mouse.move(5, 5)
    page.wait_for_timeout(300)
    kit.wait_canvas_equals(spectra, before)
    evaluate(page, "explorer.hide(2)")
    wait_names(page, "component 0", "component 1", "component 3")
    view.locator("button.mffnb-button", has_text="Undo").click()
    wait_names(page, *(f"component {number}" for number in range(4)))
    assert kit.console_errors(page) == []


def test_a_dragged_map_moves_and_merges(page, lab, view):
    first = view.locator(".mffnb-tile:visible canvas.mffnb-map").first
    of_two = kit.canvas_hash(view.locator("canvas.mffnb-map").nth(2))
    view.locator(".mffnb-name").nth(2).click()  # highlighted, and so it stays
    drag_caption(page, view, "component 2", "component 0", 0.1)
    view.locator(".mffnb-drop-before").wait_for()
    kit.screenshot(page, "components_moved")
    page.mouse.up()
    wait_names(page, "component 2", "component 0", "component 1", "component 3")
    assert json.loads(evaluate(page, NUMBERS)) == [2, 0, 1, 3]
    kit.wait_canvas_equals(first, of_two)
    assert evaluate(page, "explorer.view.highlighted") == "[0]"  # the end of a drag is no click on its name
    view.locator(".mffnb-name").first.focus()
    page.keyboard.press("Alt+ArrowRight")
    wait_names(page, "component 0", "component 2", "component 1", "component 3")
    page.keyboard.press("Alt+ArrowRight")  # the moved one has kept the focus
    wait_names(page, "component 0", "component 1", "component 2", "component 3")
    view.locator(".mffnb-name").nth(2).click()
    drag_caption(page, view, "component 3", "component 1", 0.5)
    page.get_by_text("component 1", exact=True).first.wait_for()
    kit.screenshot(page, "components_merging")
    page.mouse.up()
    wait_final(page, k=3)
    wait_names(page, "component 0", "component 1", "component 2")
    assert evaluate(page, "explorer.controls.k.value") == "3"
    view.locator("button.mffnb-button", has_text="Undo").click()
    wait_final(page, k=4)
    assert kit.console_errors(page) == []


def test_the_menu_splits_colours_and_merges(page, lab, view):
    choose(page, view, "component 0", "Split")
    wait_final(page, k=5)
    wait_names(page, "component 0", "component 4", "component 1", "component 2", "component 3")
    view.get_by_label("Change component 4", exact=True).click()
    view.get_by_label("Colour 9", exact=True).click()
    page.wait_for_function(
        """() => [...document.querySelectorAll(".mffnb-tile")].some(
            tile => tile.style.getPropertyValue("--mffnb-color") === "#c81637")"""
    )
    assert evaluate(page, "explorer.appearance.colors") == "{4: '#c81637'}"
    kit.screenshot(page, "components_split")
    view.get_by_label("Change component 4", exact=True).click()
    view.get_by_label("Merge component 4 with").select_option("3")
    wait_final(page, k=4)
    wait_names(page, "component 0", "component 4", "component 1", "component 2")
    choose(page, view, "component 4", "Rename")
    page.keyboard.type("vessel wall of poplar")
    page.keyboard.press("Enter")
    wait_names(page, "component 0", "vessel wall of poplar", "component 1", "component 2")
    page.set_viewport_size({"width": 700, "height": 1100})
    view.get_by_label("Change vessel wall of poplar").click()
    page.wait_for_timeout(500)
    kit.screenshot(page, "components_700")
    page.keyboard.press("Escape")
    page.set_viewport_size({"width": 1400, "height": 1100})
    assert kit.console_errors(page) == []


def tile(page, view, label):
    return view.locator(".mffnb-tile", has=page.get_by_text(label, exact=True))


def colour_at(canvas, fx, fy):
    """Return red, green, blue and opacity of a canvas at a position, given as shares of width and height."""
    return canvas.evaluate(
        """(canvas, [fx, fy]) => [...canvas.getContext("2d").getImageData(
            Math.floor(fx * canvas.width), Math.floor(fy * canvas.height), 1, 1).data]""",
        [fx, fy],
    )


def test_a_composite_follows_its_weights_over_an_image(page, lab, view):
    view.locator("button.mffnb-button", has_text="Composite").click()
    mixed = tile(page, view, "composite")
    mixed.wait_for()
    canvas = mixed.locator("canvas.mffnb-map")
    kit.screenshot(page, "composite")
    expected = "(255 * explorer.composite().values).round().astype(int)[3, 5].tolist()"
    shown = colour_at(canvas, 5.5 / 48, 3.5 / 32)
    assert shown[:3] == pytest.approx(json.loads(evaluate(page, expected)), abs=4)  # maps are sent as bytes
    old = kit.canvas_hash(canvas)
    weight = view.get_by_label("Weight of component 0 in the composite (double click: 1)")
    weight.focus()
    for _ in range(20):
        page.keyboard.press("ArrowLeft")
    kit.wait_canvas_change(canvas, old)
    page.wait_for_timeout(500)
    assert float(evaluate(page, "explorer.appearance.weights[0]")) == pytest.approx(0.6)
    assert (
        evaluate(page, "bool(explorer.composite(over=explorer.session.source.cube.sum('mz').rename('survey')).size)")
        == "True"
    )
    mixed.locator("canvas.mffnb-under:visible").wait_for()
    opacity = view.get_by_label("Opacity of the components over survey")
    opacity.focus()
    page.keyboard.press("Home")
    page.wait_for_timeout(300)
    assert evaluate(page, "explorer.view.tool_composite['opacity']") == "0.0"
    assert canvas.evaluate("one => one.style.opacity") == "0"
    page.keyboard.press("End")
    page.mouse.move(5, 5)
    page.wait_for_timeout(300)
    kit.screenshot(page, "composite_over_image")
    view.locator("button.mffnb-button", has_text="Remove image").click()
    mixed.locator("canvas.mffnb-under:visible").wait_for(state="detached")
    for _ in range(30):
        if json.loads(evaluate(page, "len(explorer.appearance.weights)")) == 0:
            break
        view.locator("button.mffnb-button", has_text="Undo").click()
        page.wait_for_timeout(50)
    assert evaluate(page, "explorer.appearance.weights") == "{}"
    page.wait_for_timeout(200)
    kit.wait_canvas_equals(canvas, old)
    assert kit.console_errors(page) == []


def test_a_map_is_enlarged_and_downloaded(page, lab, view):
    maps = view.locator("canvas.mffnb-map:visible")
    small = maps.nth(1).bounding_box()
    tile(page, view, "component 1").hover()
    view.get_by_label("Enlarge component 1 (F)").click()
    page.wait_for_function("() => document.querySelectorAll('.mffnb-tile:not([hidden])').length === 1")
    assert maps.first.bounding_box()["width"] > 1.5 * small["width"]
    assert evaluate(page, "explorer.view.enlarged") == "component 1"
    page.mouse.move(5, 5)
    page.wait_for_timeout(300)
    kit.screenshot(page, "enlarged")
    with page.expect_download() as saved:
        view.get_by_label("Download component 1 as PNG").click()
    assert saved.value.suggested_filename == "component_1.png"
    saved.value.save_as(kit.screenshot(page, "enlarged_page").with_name("downloaded.png"))
    page.keyboard.press("Escape")
    page.wait_for_function("() => document.querySelectorAll('.mffnb-tile:not([hidden])').length === 4")
    assert maps.nth(1).bounding_box() == small
    view.locator(".mffnb-name").nth(2).focus()
    page.keyboard.press("f")
    page.wait_for_function("() => document.querySelectorAll('.mffnb-tile:not([hidden])').length === 1")
    page.keyboard.press("f")  # the button that made it smaller has the focus
    page.wait_for_function("() => document.querySelectorAll('.mffnb-tile:not([hidden])').length === 4")
    assert kit.console_errors(page) == []


def test_points_of_a_scatter_plot_become_a_region(page, lab, view):
    view.locator("button.mffnb-button", has_text="Scatter").click()
    plot = tile(page, view, "scatter")
    plot.wait_for()
    view.get_by_label("Map on the y axis of the scatter plot").select_option("2")
    page.wait_for_function("() => document.querySelector('.mffnb-axis-y b')?.textContent === 'component 2'")
    box = kit.steady_box(plot.locator("canvas.mffnb-map"))
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.02 * box["height"])
    page.mouse.down()
    for fx, fy in ((1.01, -0.01), (1.01, 1.01), (0.5, 1.01), (0.5, 0.1)):
        page.mouse.move(box["x"] + fx * box["width"], box["y"] + fy * box["height"], steps=5)
    page.wait_for_timeout(200)
    assert view.locator(".mffnb-tile:not(.mffnb-plot-tile) .mffnb-veil:visible").count() == 4
    kit.screenshot(page, "scatter_brush")
    page.mouse.up()
    view.locator("button.mffnb-button", has_text="Clear regions").wait_for()
    assert view.locator(".mffnb-veil:visible").count() == 0
    low, high = "explorer.view.tool_scatter['x']['range']", "explorer.result.abundances[0]"
    middle = f"(lambda r: r[0] + (0.5 * 255 - 0.5) / 254 * (r[1] - r[0]))({low})"
    share = evaluate(page, f"float((explorer.regions['R1'].mask == ({high} > {middle})).mean())")
    assert float(share) > 0.99
    page.mouse.move(5, 5)
    page.wait_for_timeout(300)
    kit.screenshot(page, "scatter_region")
    page.set_viewport_size({"width": 700, "height": 1100})
    page.wait_for_timeout(500)
    kit.screenshot(page, "scatter_700")
    page.set_viewport_size({"width": 1400, "height": 1100})
    assert kit.console_errors(page) == []


def test_the_tools_follow_a_dark_theme(page, lab, view):
    theme = "name => window.jupyterapp.commands.execute('apputils:change-theme', { theme: name })"
    page.evaluate(theme, "JupyterLab Dark")
    view.locator("button.mffnb-button", has_text="Composite").click()
    view.locator("button.mffnb-button", has_text="Scatter").click()
    tile(page, view, "scatter").wait_for()
    choose(page, view, "component 1", "Hide")
    wait_names(page, "component 0", "component 2", "component 3", "composite", "scatter")
    view.get_by_label("Change component 0", exact=True).click()
    page.wait_for_timeout(500)
    kit.screenshot(page, "components_dark")
    background = view.locator(".mffnb-menu").evaluate("one => getComputedStyle(one).backgroundColor")
    assert sum(int(part) for part in background.strip("rgb()").split(",")) < 3 * 60
    page.evaluate(theme, "JupyterLab Light")
    assert kit.console_errors(page) == []
