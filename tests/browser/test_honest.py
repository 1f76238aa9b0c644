"""Honest state of the explorer in a real JupyterLab: outdated pictures, typed numbers, warnings, failed premises."""

from __future__ import annotations

from tests.browser import lab as kit
from tests.browser.test_explorer import READY, choice, evaluate, opened, slider, wait_final

SMALL = """
import mffnb as mf

explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(32, 48)).cube, k=3, tol=1e-3)
explorer
"""
NOISE = """
import mffnb as mf
import numpy as np

explorer = mf.explore(np.random.default_rng(0).normal(1.0, 1.0, (24, 32, 60)), k=2, max_iter=4, tol=1e-9)
explorer
"""
RECORD = """() => {
  const view = document.querySelector(".mffnb-view");
  window.seen = [];
  const keep = () => window.seen.push({...view.dataset, words: view.querySelector(".mffnb-status-line").innerText});
  new MutationObserver(keep).observe(view, {attributes: true, attributeFilter: ["data-stale", "data-generation"]});
}"""


def test_picture_greys_before_the_kernel_answers(page, lab):
    view = opened(page, lab, "honest.ipynb", (SMALL,))
    page.locator(READY).wait_for(timeout=120_000)
    page.wait_for_function("document.querySelector('.mffnb-view').dataset.stale === 'false'")
    assert "converged" in view.locator(".mffnb-status-line").inner_text()
    # The kernel does not answer for two seconds: the controls are handled on the thread that this callback stops.
    evaluate(page, "explorer.controls.on_change(lambda: __import__('time').sleep(2)) or 0")
    evaluate(page, "explorer.controls._on_change.insert(0, explorer.controls._on_change.pop()) or 0")
    page.evaluate(RECORD)
    generation = view.get_attribute("data-generation")
    slider(page, "components").locator(".noUi-handle").focus()
    page.keyboard.press("ArrowRight")
    page.locator(".mffnb-view.mffnb-outdated").wait_for(timeout=1500)
    assert view.get_attribute("data-generation") == generation
    assert view.locator(".mffnb-outcome").inner_text() == "working"
    page.wait_for_timeout(300)
    assert float(view.locator(".mffnb-grid").first.evaluate("(grid) => getComputedStyle(grid).opacity")) < 0.6
    kit.screenshot(page, "honest_outdated")
    wait_final(page, k=4)
    page.wait_for_function("document.querySelector('.mffnb-view').dataset.stale === 'false'")
    seen = page.evaluate("() => window.seen")
    assert seen[0]["stale"] == "true"
    assert seen[0]["generation"] == generation
    assert "converged" not in seen[0]["words"].split("iteration")[0]
    assert "converged" in view.locator(".mffnb-outcome").inner_text()
    assert kit.console_errors(page) == []


def test_the_picture_stays_in_its_place_when_the_progress_bar_comes_and_goes(page, lab):
    view = opened(page, lab, "bar.ipynb", (SMALL,))
    page.locator(READY).wait_for(timeout=120_000)
    kit.wait_freedom(page)
    tops = view.evaluate(
        """(view) => [true, false, true].map((hidden) => {
          view.querySelector("progress").hidden = hidden;
          return view.querySelector("canvas.mffnb-map").getBoundingClientRect().top; })"""
    )
    assert len(set(tops)) == 1
    assert kit.console_errors(page) == []


def test_typed_weight_takes_effect_and_an_invalid_one_is_marked(page, lab):
    opened(page, lab, "typed.ipynb", (SMALL,))
    page.locator(READY).wait_for(timeout=120_000)
    number = slider(page, "sparsity").locator(".widget-readout")
    number.click()
    page.keyboard.type("0.0123")
    page.keyboard.press("Enter")
    wait_final(page, sparsity=0.0123)
    assert evaluate(page, "explorer.controls.parameters.sparsity") == "0.0123"
    assert number.inner_text() == "0.0123"
    number.click()
    page.keyboard.type("much")
    page.keyboard.press("Enter")
    assert number.get_attribute("aria-invalid") == "true"
    kit.screenshot(page, "honest_typed")
    page.keyboard.press("Escape")
    assert number.get_attribute("aria-invalid") == "false"
    assert number.inner_text() == "0.0123"
    assert evaluate(page, "explorer.controls.parameters.sparsity") == "0.0123"
    whole = slider(page, "components").locator(".widget-readout")
    whole.click()
    page.keyboard.press("Control+a")
    page.keyboard.type("5")
    page.keyboard.press("Enter")
    wait_final(page, k=5, sparsity=0.0123)
    assert kit.console_errors(page) == []


def test_warnings_have_a_cure_and_a_failed_premise_has_no_picture_of_its_own(page, lab):
    view = opened(page, lab, "warned.ipynb", (NOISE,))
    page.locator(READY).wait_for(timeout=120_000)
    notice = view.locator(".mffnb-notice", has_text="stopped at max_iter")
    notice.wait_for(timeout=60_000)
    kit.screenshot(page, "honest_warned")
    generation = int(view.get_attribute("data-generation"))
    notice.get_by_role("button", name="Go on").click()
    page.locator(f".mffnb-view[data-generation='{generation + 1}'][data-final='true']").wait_for(timeout=60_000)
    choice(page, "noise").select_option("counts (KL)")
    way = view.get_by_role("button", name="Return to the settings of the picture")
    way.wait_for(timeout=60_000)
    assert view.locator(".mffnb-outcome").inner_text() == "failed"
    assert "mffnb-outdated" in view.get_attribute("class")
    kit.screenshot(page, "honest_failed")
    way.click()
    page.wait_for_function("document.querySelector('.mffnb-view').dataset.stale === 'false'", timeout=60_000)
    assert evaluate(page, "explorer.controls.parameters.similarity") == "frobenius"
