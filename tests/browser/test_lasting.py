"""What an explorer leaves in a notebook: its static picture after saving, reopening and exporting, and a lost kernel."""

from __future__ import annotations

import subprocess
import sys

import nbformat
import pytest

from tests.browser import lab as kit
from tests.browser.test_explorer import READY, evaluate, opened, slider, wait_final

SMALL = """
import mffnb as mf

explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(24, 32)).cube, k=3, tol=1e-3)
explorer
"""
PICTURE = ".jp-OutputArea-output img"
# Number of different colours of a picture: a blank one has few.
COLOURS = """(image) => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  return new Set(new Uint32Array(context.getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size;
}"""
RESTART = "() => window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel.restart()"
SHUTDOWN = "() => window.jupyterapp.shell.currentWidget.context.sessionContext.shutdown()"
SAVE = "() => window.jupyterapp.shell.currentWidget.context.save()"


def pictures(page):
    return page.locator(PICTURE)


def test_picture_is_hidden_beside_the_live_view_and_shown_without_it(page, browser, lab):
    view = opened(page, lab, "lasting.ipynb", (SMALL,))
    page.locator(READY).wait_for(timeout=120_000)
    pictures(page).wait_for(state="attached", timeout=60_000)
    assert view.is_visible()
    assert not pictures(page).is_visible()
    first = pictures(page).get_attribute("src")
    slider(page, "components").locator(".noUi-handle").focus()
    page.keyboard.press("ArrowRight")  # of a later moment than the cell: the picture is replaced all the same
    wait_final(page, k=4)
    page.wait_for_function(
        "([selector, old]) => document.querySelector(selector).src !== old", arg=[PICTURE, first], timeout=60_000
    )
    assert pictures(page).count() == 1
    kit.screenshot(page, "lasting_live")
    page.evaluate(SAVE)
    stored = nbformat.read(lab.root / "lasting.ipynb", as_version=4)
    kinds = [set(output.data) for output in stored.cells[1].outputs]
    assert kinds == [{"image/png", "text/plain"}, {"application/vnd.jupyter.widget-view+json", "text/plain"}]
    kit.open_notebook(page, lab, "lasting.ipynb")  # with another kernel, which has no explorer
    assert page.locator(".mffnb-view").count() == 0
    assert pictures(page).is_visible()
    assert pictures(page).evaluate(COLOURS) > 200
    kit.screenshot(page, "lasting_reopened")
    exported = lab.root / "lasting.html"
    subprocess.run([sys.executable, "-m", "nbconvert", "--to", "html", str(lab.root / "lasting.ipynb")], check=True)
    with kit.new_page(browser) as other:
        other.goto(exported.as_uri())
        assert other.locator("img").is_visible()
        assert other.locator("img").evaluate(COLOURS) > 200
        kit.screenshot(other, "lasting_exported")


@pytest.mark.parametrize("end", [RESTART, SHUTDOWN])
def test_a_page_whose_kernel_has_gone_says_what_to_do(page, lab, end):
    view = opened(page, lab, "lost.ipynb", (SMALL,))
    page.locator(READY).wait_for(timeout=120_000)
    line = view.locator(".mffnb-lost-line")
    assert not line.is_visible()
    page.evaluate(end)
    line.wait_for(timeout=30_000)
    assert "Run the cell again" in line.inner_text()
    kit.screenshot(page, "lasting_lost")


def test_closing_the_explorer_leaves_the_picture(page, lab):
    opened(page, lab, "closed.ipynb", (SMALL,))
    page.locator(READY).wait_for(timeout=120_000)
    evaluate(page, "explorer.close()")
    pictures(page).wait_for(timeout=30_000)
    assert pictures(page).evaluate(COLOURS) > 200


RESTORED = """
import mffnb as mf

explorer = mf.explore("session.zip")
explorer
"""


def test_a_session_is_restored_with_name_pin_region_and_history(page, lab):
    view = opened(page, lab, "saved.ipynb", (SMALL,))
    page.locator(READY).wait_for(timeout=120_000)
    slider(page, "components").locator(".noUi-handle").focus()
    page.keyboard.press("ArrowRight")
    wait_final(page, k=4)
    evaluate(page, "explorer.rename(1, 'lignin')")
    view.locator(".mffnb-name", has_text="lignin").first.wait_for()  # new names make new tiles
    view.locator("canvas.mffnb-map").first.click(position={"x": 40, "y": 30})
    view.locator(".mffnb-pin:visible").first.wait_for()
    page.wait_for_timeout(300)
    pixel = evaluate(page, "explorer.view.tool_probe['pixel']")
    evaluate(page, "explorer.region(outline=[(0.2, 0.2), (0.2, 0.8), (0.8, 0.8), (0.8, 0.2)], name='core')")
    evaluate(page, "explorer.save('session.zip')")
    old = kit.canvas_hash(view.locator("canvas.mffnb-map").nth(1))
    view = opened(page, lab, "restored.ipynb", (RESTORED,))
    wait_final(page, k=4)
    assert view.locator(".mffnb-name").nth(1).inner_text() == "lignin"
    view.locator(".mffnb-pin:visible").first.wait_for()
    assert evaluate(page, "explorer.view.tool_probe['pixel']") == pixel
    assert view.locator(".mffnb-outlines path").count() > 0
    kit.wait_canvas_equals(view.locator("canvas.mffnb-map").nth(1), old)
    kit.screenshot(page, "lasting_restored")
    undo = view.locator("button.mffnb-button", has_text="Undo")
    undo.click()
    view.locator(".mffnb-place", has_text="core").wait_for(state="detached")
    undo.click()
    view.locator(".mffnb-pin").first.wait_for(state="detached")
    undo.click()
    view.locator(".mffnb-name", has_text="component 1").first.wait_for()
    undo.click()
    wait_final(page, k=3)
    assert kit.console_errors(page) == []


def test_thumbnails_of_the_history_lead_back(page, lab):
    view = opened(page, lab, "history.ipynb", (SMALL,))
    page.locator(READY).wait_for(timeout=120_000)
    first = view.locator("canvas.mffnb-map").first
    strip = view.locator(".mffnb-thumbnail")
    assert strip.count() <= 1  # one answer: nothing to return to
    old = kit.canvas_hash(first)
    for k in (4, 5):
        slider(page, "components").locator(".noUi-handle").focus()
        page.keyboard.press("ArrowRight")
        wait_final(page, k=k)
    page.wait_for_function("document.querySelectorAll('.mffnb-thumbnail').length === 3", timeout=60_000)
    assert [one.split("\n")[0] for one in strip.all_inner_texts()] == ["k = 3", "k = 4", "k = 5"]
    hashes = [kit.canvas_hash(strip.nth(i).locator("canvas")) for i in range(3)]
    assert len(set(hashes)) == 3
    strip.nth(2).scroll_into_view_if_needed()
    kit.screenshot(page, "lasting_history")
    strip.nth(0).click()
    wait_final(page, k=3)
    kit.wait_canvas_equals(first, old)
    page.wait_for_function("document.querySelector('.mffnb-thumbnail').getAttribute('aria-current') === 'true'")
    assert evaluate(page, "explorer.history.position") == "0"
    view.locator("button.mffnb-button", has_text="History").click()
    view.locator(".mffnb-history").wait_for(state="hidden")
    assert kit.console_errors(page) == []
