"""Suggested settings in a real JupyterLab: the line at the opening, the list of reasons, and its buttons."""

from __future__ import annotations

from tests.browser import lab as kit
from tests.browser.test_explorer import READY, evaluate, opened

CELL = """
import mffnb as mf

sample = mf.datasets.tof_sims_2d(seed=0, shape=(48, 64))
explorer = mf.explore(sample.cube)
explorer
"""


def test_reasons_are_listed_and_applied_one_by_one(page, lab):
    view = opened(page, lab, "suggest.ipynb", (CELL,))
    page.locator(READY).wait_for(timeout=120_000)
    notice = view.locator(".mffnb-notice", has_text="which the data suggest")
    notice.wait_for()
    kit.screenshot(page, "suggest_opening")
    notice.locator("button", has_text="Reasons").click()
    drawer = view.locator(".mffnb-drawer:visible")
    drawer.locator("tr").first.wait_for(timeout=60_000)
    suggested = int(evaluate(page, "explorer.suggest().settings['k']"))
    button = drawer.locator("button", has_text=f"k={suggested}")
    assert button.is_disabled()
    assert "in force" in button.inner_text()
    evaluate(page, f"explorer.controls.set(k={suggested - 1})")
    drawer.locator("button:enabled", has_text=f"Apply k={suggested}").wait_for(timeout=60_000)
    drawer.scroll_into_view_if_needed()
    kit.screenshot(page, "suggest_list")
    evaluate(page, "explorer.wait()")
    button.click()
    drawer.locator("button:disabled", has_text=f"k={suggested} is in force").wait_for(timeout=60_000)
    assert int(evaluate(page, "explorer.settings.k")) == suggested
    evaluate(page, "explorer.wait()")
    evaluate(page, "explorer.undo()")
    drawer.locator("button:enabled", has_text=f"Apply k={suggested}").wait_for(timeout=60_000)
    assert int(evaluate(page, "explorer.settings.k")) == suggested - 1
    region = "explorer.region(outline=[(0, 0), (0, {0}), ({0}, {0}), ({0}, 0)], name='R1')"
    evaluate(page, region.format(0.7))
    evaluate(page, "explorer.fit_only('R1')")
    title, again = drawer.locator("[role=status]"), drawer.locator("button", has_text="Examine again")
    for outline in (0.7, 0.9):  # the second one is drawn under the same name
        evaluate(page, region.format(outline))
        evaluate(page, "explorer.wait()")
        title.filter(has_text="for other pixels, channels or preprocessing").wait_for(timeout=60_000)
        assert drawer.locator("button:enabled", has_text="Apply").count() == 0
        title.scroll_into_view_if_needed()
        kit.screenshot(page, f"suggest_outdated_{outline}")
        again.click()
        title.filter(has_text="The data suggest").wait_for(timeout=60_000)
        assert again.is_hidden()
    view.locator("button.mffnb-button", has_text="Suggest").click()
    drawer.wait_for(state="detached", timeout=30_000)
    assert kit.console_errors(page) == []
