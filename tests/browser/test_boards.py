"""Gestures in the view of the rank explorer and of the tuning monitor, in a real JupyterLab."""

from __future__ import annotations

import json

import pytest

from tests.browser import lab as kit
from tests.browser.test_explorer import evaluate, slider
from tests.browser.test_gestures import at, chips, draw_region, first_map
from tests.browser.test_searches import labels, opened, wait_shown, wait_text

RANKS = """
import mffnb as mf

sample = mf.datasets.tof_sims_2d(seed=0, shape=(32, 44))
ranks = mf.RankExplorer(sample.cube[..., ::4], range(2, 6), n_init=2, splits=1, random_state=0)
ranks
"""
TRIALS = """
import mffnb as mf

sample = mf.datasets.tof_sims_2d(seed=0, shape=(24, 32))
cube = sample.cube.coarsen(mz=16, boundary="trim").sum()
monitor = mf.TuningMonitor(cube, {"sparsity": (1e-3, 1.0), "k": [3, 4]}, mf.tuning.BIC(), k=None, max_evals=8)
monitor
"""


def button(view, text):
    return view.get_by_role("button", name=text, exact=True)


def kernel_value(page, expression, wanted):
    """Wait until an expression in the kernel prints a text: calls of the page arrive a moment later."""
    for _ in range(100):
        if (found := evaluate(page, expression)) == wanted:
            return
        page.wait_for_timeout(50)
    pytest.fail(f"{expression} is {found}, not {wanted}")


def drag_over(page, box, start, end, height=0.3):
    page.mouse.move(*at(box, start, height))
    page.mouse.down()
    page.mouse.move(*at(box, (start + end) / 2, height), steps=4)
    page.mouse.move(*at(box, end, height), steps=4)
    page.mouse.up()


@pytest.fixture
def ranks(page, lab):
    """The view of a rank explorer whose scan has ended, with four components. Tests share one notebook."""
    if not kit.is_open(page, lab, "board_ranks.ipynb"):
        opened(page, lab, "board_ranks.ipynb", RANKS)
        wait_text(page, "done for k = 2, 3, 4, 5")
        page.locator(".mffnb-words b").first.wait_for()
    evaluate(page, "ranks.choose(4)")
    wait_shown(page, k=4)
    kit.wait_freedom(page)
    view = page.locator(".mffnb-view").first
    view.scroll_into_view_if_needed()
    yield view
    evaluate(page, "[ranks.undo() for _ in range(ranks.stage.history.steps[0])]")


def test_pointing_at_a_map_and_clicking_splits_the_pixel(page, lab, ranks):
    spectra, box = ranks.locator("canvas.mffnb-spectra"), kit.steady_box(first_map(ranks))
    before = kit.canvas_hash(spectra)
    page.mouse.move(*at(box, 0.4, 0.4))
    page.mouse.move(*at(box, 0.5, 0.5))
    kit.wait_canvas_change(spectra, before)
    page.mouse.click(*at(box, 0.5, 0.5))
    chips(ranks).first.wait_for()
    kernel_value(page, "list(ranks.pins)", "['P1']")
    page.mouse.move(5, 5)
    kit.screenshot(page, "board_probe")
    actions = chips(ranks).first.locator("button").all_inner_texts()
    assert "Hold" not in actions
    assert "×" in actions
    slider(page, "components k").locator(".noUi-handle").focus()
    page.keyboard.press("ArrowRight")
    wait_shown(page, k=5)
    assert chips(ranks).count() == 1
    button(ranks, "Undo").click()
    wait_shown(page, k=4)
    assert evaluate(page, "ranks.k") == "4"
    assert page.locator(".mffnb-figure").first.get_attribute("data-chosen") == "4"
    button(ranks, "Undo").click()
    chips(ranks).first.wait_for(state="detached")
    assert kit.console_errors(page) == []


def test_residual_band_region_composite_and_profile_in_the_rank_explorer(page, lab, ranks):
    tiles = ranks.locator("canvas.mffnb-map")
    assert button(ranks, "Residual").get_attribute("title").endswith(": ranks.residual_map()")
    button(ranks, "Residual").click()
    page.wait_for_function("(n) => document.querySelectorAll('.mffnb-view canvas.mffnb-map').length === n", arg=5)
    for _ in range(3):  # a drag may be lost while a loaded machine still paints the residual
        spectra = kit.steady_box(ranks.locator("canvas.mffnb-spectra"))
        page.keyboard.down("Shift")
        drag_over(page, spectra, 0.3, 0.4)
        page.keyboard.up("Shift")
        page.wait_for_timeout(3000)
        if tiles.count() == 6:
            break
    assert tiles.count() == 6
    draw_region(page, ranks)
    chips(ranks).first.wait_for()
    kernel_value(page, "list(ranks.regions)", "['R1']")
    actions = chips(ranks).first.locator("button").all_inner_texts()
    assert not {"Hold", "Leave out", "Fit only here", "Known…"} & {*actions}
    button(ranks, "Composite").click()
    page.wait_for_function("(n) => document.querySelectorAll('.mffnb-view canvas.mffnb-map').length >= n", arg=7)
    page.mouse.move(5, 5)
    kit.screenshot(page, "board_tools")
    before = kit.canvas_hash(tiles.nth(5))
    evaluate(page, "ranks.choose(5)")
    wait_shown(page, k=5)
    page.wait_for_function("(n) => document.querySelectorAll('.mffnb-view canvas.mffnb-map').length >= n", arg=8)
    assert chips(ranks).count() == 1
    kit.screenshot(page, "board_tools_k5")
    assert kit.canvas_hash(tiles.nth(6)) != before  # the residual is that of the present answer
    assert kit.console_errors(page) == []


def test_a_name_stays_while_k_moves_and_nothing_offers_a_run(page, lab, ranks):
    name = ranks.locator(".mffnb-name").nth(3)
    label = name.inner_text()
    name.dblclick()
    page.keyboard.type("lignin")
    page.keyboard.press("Enter")
    ranks.locator(".mffnb-name", has_text="lignin").wait_for()
    evaluate(page, "ranks.choose(2)")
    wait_shown(page, k=2)
    evaluate(page, "ranks.choose(5)")
    wait_shown(page, k=5)
    assert "lignin" in labels(ranks)
    assert label not in labels(ranks)
    ranks.locator(".mffnb-more").first.click()
    items = page.locator(".mffnb-menu .mffnb-item").all_inner_texts()
    assert "Hide" in items
    assert "Split" not in items
    assert page.locator(".mffnb-menu select").count() == 0
    kit.screenshot(page, "board_menu")
    page.keyboard.press("Escape")
    assert ranks.locator(".mffnb-lock").count() == 0
    page.get_by_role("button", name="explore with this k").click()
    explorer = page.locator(".mffnb-view").nth(1)
    explorer.locator(".mffnb-name", has_text="lignin").wait_for(timeout=60_000)
    assert kit.console_errors(page) == []


def test_answers_are_compared_returned_to_and_written_as_code(page, lab, ranks):
    button(ranks, "Keep").click()
    button(ranks, "Compare").wait_for()
    evaluate(page, "ranks.choose(3)")
    wait_shown(page, k=3)
    button(ranks, "Compare").click()
    ranks.get_by_text("k = 3 compared with A, k = 4").first.wait_for()
    page.mouse.move(5, 5)
    kit.screenshot(page, "board_compare")
    button(ranks, "Compare").click()
    button(ranks, "Code").click()
    ranks.locator(".mffnb-code", has_text="scan.results[3]").wait_for()
    assert ranks.get_by_role("button", name="Rerun").count() == 0
    ranks.locator(".mffnb-thumbnail").first.wait_for()
    ranks.locator(".mffnb-history").scroll_into_view_if_needed()
    kit.screenshot(page, "board_code_history")
    ranks.locator(".mffnb-thumbnail", has_text="k = 4").last.click()
    wait_shown(page, k=4)
    ranks.locator(".mffnb-code", has_text="scan.results[4]").wait_for()
    assert evaluate(page, "ranks.k") == "4"
    button(ranks, "Code").click()
    assert kit.console_errors(page) == []


def test_a_finger_chooses_k_and_pins_a_pixel_on_a_narrow_page(browser, lab):
    with kit.new_page(browser, width=700, height=1600, touch=True) as page:
        view = opened(page, lab, "board_touch.ipynb", RANKS)
        wait_text(page, "done for k = 2, 3, 4, 5")
        evaluate(page, "ranks.choose(4)")
        wait_shown(page, k=4)
        figure = page.locator(".mffnb-figure").first
        swipe_by = "node => { node.scrollLeft = node.scrollWidth; return node.scrollLeft; }"
        assert figure.evaluate(swipe_by) > 100  # the figure is wider than the page, and scrolls
        figure.locator(".mffnb-spot[data-value='3']").nth(2).tap()
        wait_shown(page, k=3)
        assert evaluate(page, "ranks.k") == "3"
        view.scroll_into_view_if_needed()
        page.touchscreen.tap(*at(first_map(view).bounding_box(), 0.5, 0.5))
        chips(view).first.wait_for()
        kernel_value(page, "list(ranks.pins)", "['P1']")
        kit.screenshot(page, "board_touch")
        assert kit.console_errors(page) == []
        kit.close_notebooks(page, lab)


def test_spectra_zoom_and_a_map_is_enlarged(page, lab, ranks):
    spectra = ranks.locator("canvas.mffnb-spectra")
    before = kit.canvas_hash(spectra)
    drag_over(page, kit.steady_box(spectra), 0.2, 0.5)
    kit.wait_canvas_change(spectra, before)
    low, high = json.loads(evaluate(page, "ranks.view.channel_range"))
    assert low < high
    button(ranks, "Undo").click()
    kernel_value(page, "ranks.view.channel_range", "[]")
    evaluate(page, "setattr(ranks.view, 'enlarged', 'component 1')")
    page.wait_for_function("() => document.querySelector('.mffnb-view canvas.mffnb-map:not([hidden])') !== null")
    page.wait_for_timeout(300)
    kit.screenshot(page, "board_enlarged")
    button(ranks, "Undo").click()
    kernel_value(page, "ranks.view.enlarged", "")
    assert kit.console_errors(page) == []


def test_a_trial_is_probed_renamed_and_undone(page, lab):
    view = opened(page, lab, "board_trials.ipynb", TRIALS)
    wait_text(page, "all trials are done")
    best = int(evaluate(page, "monitor.search.best.number"))
    wait_shown(page, trial=best)
    view.scroll_into_view_if_needed()
    page.mouse.click(*at(kit.steady_box(first_map(view)), 0.5, 0.5))
    chips(view).first.wait_for()
    button(view, "Residual").click()
    view.locator(".mffnb-name", has_text="misfit").wait_for()  # the tiles are made anew
    name = view.locator(".mffnb-name").first
    name.dblclick()
    page.keyboard.type("lignin")
    page.keyboard.press("Enter")
    view.locator(".mffnb-name", has_text="lignin").wait_for()
    other = (best + 1) % 8
    slider(page, "trial").scroll_into_view_if_needed()
    evaluate(page, f"monitor.choose({other})")
    wait_shown(page, trial=other)
    assert "lignin" in labels(view)
    assert chips(view).count() == 1
    view.scroll_into_view_if_needed()
    page.mouse.move(5, 5)
    kit.screenshot(page, "board_trial")
    button(view, "Code").click()
    view.locator(".mffnb-code", has_text="mf.unmix(").wait_for()
    view.locator(".mffnb-code").scroll_into_view_if_needed()
    kit.screenshot(page, "board_trial_code")
    view.locator(".mffnb-head").first.scroll_into_view_if_needed()
    button(view, "Undo").click()
    wait_shown(page, trial=best)
    assert int(evaluate(page, "monitor.slider.value")) == best
    page.get_by_role("button", name="use these settings").click()
    explorer = page.locator(".mffnb-view").nth(1)
    explorer.locator(".mffnb-name", has_text="lignin").wait_for(timeout=60_000)
    assert kit.console_errors(page) == []
