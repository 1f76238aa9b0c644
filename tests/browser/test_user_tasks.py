"""What a new user needs in a real JupyterLab: the missing peak of a pixel, refusals within sight, channels without a key."""

from __future__ import annotations

from tests.browser import lab as kit
from tests.browser.test_explorer import READY, evaluate, opened

CELL = """
import mffnb as mf

cube = mf.datasets.tof_sims_2d(seed=0, shape=(32, 48)).cube
if not {table}:
    cube = cube.rename(mz="number").drop_vars("number")
explorer = mf.explore(cube, 3, tol=1e-3)
explorer
"""
ABOVE_AXIS = 70  # pixels from the lower end of the plot to the lane of the residual


def pinned(page, lab, name, *, table):
    """Open an explorer, keep a pixel and scroll its residual into the window; return the view and a point on it."""
    view = opened(page, lab, name, (CELL.format(table=table),))
    page.locator(READY).wait_for(timeout=120_000)
    kit.wait_freedom(page)
    view.locator(".mffnb-notice", has_text="These are counts").wait_for()  # moves the picture, once
    view.locator(".mffnb-map").first.click()
    view.locator(".mffnb-place", has_text="pixel x ").wait_for()
    plot = view.locator(".mffnb-plot")
    page.wait_for_timeout(300)
    plot.evaluate("(node) => node.scrollIntoView({ block: 'start' })")
    page.wait_for_timeout(300)
    box = kit.steady_box(plot)
    return view, (box["x"] + box["width"] / 2, box["y"] + box["height"] - ABOVE_AXIS)


def test_a_click_on_the_residual_lists_candidates_for_its_channel(page, lab):
    view, point = pinned(page, lab, "residual_peak.ipynb", table=True)
    page.mouse.click(*point)
    view.locator(".mffnb-drawer", has_text="Peak at").wait_for()
    channel = float(evaluate(page, "explorer.view.tool_identify['channel']"))
    ends = [float(evaluate(page, f"float(cube.mz[{i}])")) for i in (0, -1)]
    assert ends[0] < channel < ends[1]
    assert evaluate(page, "explorer.view.highlighted") == "[]"


def test_a_refusal_appears_beside_the_click_and_the_next_gesture_removes_it(page, lab):
    view, point = pinned(page, lab, "refusal.ipynb", table=False)
    refusal = view.locator(".mffnb-refusal")
    page.set_viewport_size({"width": 1400, "height": 500})  # the status line is above the window
    view.locator(".mffnb-plot").evaluate("(node) => node.scrollIntoView({ block: 'end' })")
    page.wait_for_timeout(300)
    box = kit.steady_box(view.locator(".mffnb-plot"))
    point = (point[0], box["y"] + box["height"] - ABOVE_AXIS)
    page.mouse.click(*point)
    refusal.get_by_text("no table fits").wait_for()
    kit.screenshot(page, "refusal")
    shown = refusal.bounding_box()
    assert point[1] - 120 < shown["y"] < shown["y"] + shown["height"] < point[1]
    page.mouse.click(point[0], point[1] + 60)
    refusal.wait_for(state="hidden")
    page.mouse.click(*point)  # the same refusal again
    refusal.get_by_text("no table fits").wait_for()
    page.set_viewport_size({"width": 1400, "height": 1100})


def test_the_button_band_chooses_channels_by_the_next_drag(page, lab):
    view, (x, y) = pinned(page, lab, "band_button.ipynb", table=True)
    view.locator("button.mffnb-button", has_text="Band").first.click()
    page.wait_for_timeout(300)
    box = kit.steady_box(view.locator(".mffnb-plot"))
    y = box["y"] + 60
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y, steps=4)
    page.mouse.up()
    view.locator("button.mffnb-button", has_text="Clear band").wait_for()
    assert view.locator(".mffnb-tile", has_text="band ").count() == 1
    assert evaluate(page, "explorer.view.channel_range") in ("[]", "()")  # no zoom


def test_the_slider_of_k_has_room_for_its_steps(page, lab):
    opened(page, lab, "room.ipynb", (CELL.format(table=True),))
    page.locator(READY).wait_for(timeout=120_000)
    assert page.locator(".mffnb-group .noUi-base").first.bounding_box()["width"] > 100
