"""Gestures of the explorer in a real JupyterLab: undone in the page, by touch, in two explorers, and 2000 of them."""

from __future__ import annotations

import json
import time

import pytest

from tests.browser import lab as kit
from tests.browser.test_explorer import READY, evaluate, opened, write

SCENE = """
import mffnb as mf

sample = mf.datasets.tof_sims_2d(seed=0, shape=(24, 32))
explorer = mf.explore(sample.cube, k=3, tol=1e-3)
explorer
"""
SECOND = """
second = mf.explore(sample.cube, k=2, tol=1e-3)
second
"""


@pytest.fixture
def view(page, lab):
    shown = opened(page, lab, "gestures.ipynb", (SCENE,))
    page.locator(READY).wait_for(timeout=120_000)
    return shown


def first_map(view):
    return view.locator("canvas.mffnb-map").first


def at(box, share_x, share_y):
    return box["x"] + share_x * box["width"], box["y"] + share_y * box["height"]


def draw_region(page, view, left=0.2, top=0.2, right=0.7, bottom=0.7):
    draw = view.locator("button.mffnb-button", has_text="Region").first
    draw.click()
    box = kit.steady_box(first_map(view))
    page.mouse.move(*at(box, left, top))
    page.mouse.down()
    for x, y in ((right, top), (right, bottom), (left, bottom)):
        page.mouse.move(*at(box, x, y), steps=4)
    page.mouse.up()
    draw.click()


def chips(view):
    return view.locator(".mffnb-place")


def test_regions_pins_and_contrast_are_undone_and_redone_in_the_page(page, lab, view):
    first = first_map(view)
    before = kit.canvas_hash(first)
    draw_region(page, view)
    chips(view).first.wait_for()
    name = view.locator(".mffnb-place-name")
    name.dblclick()
    kit.screenshot(page, "gestures_rename_region")
    page.keyboard.type("core")
    page.keyboard.press("Enter")
    view.locator(".mffnb-place-name", has_text="core").wait_for()
    assert evaluate(page, "list(explorer.regions)") == "['core']"
    box = kit.steady_box(first)
    page.mouse.click(*at(box, 0.9, 0.9))
    view.locator(".mffnb-place", has_text="P1").wait_for()
    view.get_by_label("Colour map").select_option("viridis")
    kit.wait_canvas_change(first, before)
    page.mouse.move(5, 5)
    kit.screenshot(page, "gestures_done")
    changed = kit.canvas_hash(first)
    undo, redo = (view.locator("button.mffnb-button", has_text=text) for text in ("Undo", "Redo"))
    undo.click()
    kit.wait_canvas_change(first, changed)
    kit.wait_canvas_equals(first, before)
    undo.click()
    view.locator(".mffnb-place", has_text="P1").wait_for(state="detached")
    undo.click()
    view.locator(".mffnb-place-name", has_text="R1").wait_for()
    undo.click()
    chips(view).wait_for(state="detached")
    assert evaluate(page, "(explorer.regions, explorer.pins, explorer.view.color_map)") == "({}, {}, 'component')"
    page.wait_for_timeout(200)
    assert undo.is_disabled()
    for _ in range(4):
        redo.click()
    kit.wait_canvas_change(first, before)
    kit.wait_canvas_equals(first, changed)
    assert chips(view).count() == 2
    assert evaluate(page, "(list(explorer.regions), list(explorer.pins))") == "(['core'], ['P1'])"
    assert kit.console_errors(page) == []


def test_names_of_pixels_and_regions_in_one_corner_do_not_cover_each_other(page, lab, view):
    corners = {"vessel": (0.0, 0.0), "middle lamella": (0.8, 0.75)}
    for name, (y, x) in corners.items():
        outline = [(y, x), (y, x + 0.2), (y + 0.2, x + 0.2), (y + 0.2, x)]
        evaluate(page, f"explorer.region(outline={outline}, name={name!r})")
    for pixel in ((0, 1), (1, 2), (23, 31), (19, 25)):
        evaluate(page, f"explorer.probe(pixel={pixel})")
    view.locator(".mffnb-pin-name", has_text="P4").first.wait_for()
    page.wait_for_timeout(200)
    page.mouse.move(5, 5)
    kit.screenshot(page, "labels_in_corners")
    tile = view.locator(".mffnb-tile").first
    map_box, labels = first_map(view).bounding_box(), tile.locator(".mffnb-label").all()
    boxes = [{**label.bounding_box(), "text": label.inner_text()} for label in labels]
    assert {box["text"] for box in boxes} == {*corners, "P1", "P2", "P3", "P4"}
    for i, one in enumerate(boxes):
        assert one["x"] + one["width"] <= map_box["x"] + map_box["width"] + 1, one["text"]
        for other in boxes[i + 1 :]:
            apart = [
                one[start] + one[size] <= other[start] + 1 or other[start] + other[size] <= one[start] + 1
                for start, size in (("x", "width"), ("y", "height"))
            ]
            assert any(apart), (one["text"], other["text"])
    assert kit.console_errors(page) == []


def test_gestures_in_one_explorer_do_not_reach_the_other_and_a_region_is_copied(page, lab):
    write(lab, "two.ipynb", (SCENE, SECOND))
    kit.open_notebook(page, lab, "two.ipynb")
    kit.run_all(page)
    page.wait_for_function(
        "() => document.querySelectorAll(\".mffnb-view[data-final='true']\").length === 2", timeout=120_000
    )
    one, two = page.locator(".mffnb-view").nth(0), page.locator(".mffnb-view").nth(1)
    before = [kit.canvas_hash(canvas) for canvas in two.locator("canvas.mffnb-map").all()]
    one.scroll_into_view_if_needed()
    draw_region(page, one)
    chips(one).first.wait_for()
    box = kit.steady_box(first_map(one))
    page.mouse.click(*at(box, 0.9, 0.9))
    one.locator(".mffnb-place", has_text="P1").wait_for()
    one.get_by_label("Colour map").select_option("gray")
    first_map(one).focus()
    one.locator("button.mffnb-button", has_text="Undo").click()
    page.wait_for_timeout(300)
    assert chips(two).count() == 0
    assert [kit.canvas_hash(canvas) for canvas in two.locator("canvas.mffnb-map").all()] == before
    state = "(second.regions, second.pins, second.view.color_map, second.history.position)"
    assert evaluate(page, state) == "({}, {}, 'component', 0)"
    evaluate(page, "second.region(mask=explorer.regions['R1'].mask, name='copied')")
    two.locator(".mffnb-place", has_text="copied").wait_for()
    assert evaluate(page, "second.regions['copied'].pixels == explorer.regions['R1'].pixels") == "True"
    two.scroll_into_view_if_needed()
    kit.screenshot(page, "gestures_two_explorers")
    two.locator("button.mffnb-button", has_text="Undo").click()
    two.locator(".mffnb-place", has_text="copied").wait_for(state="detached")
    assert chips(one).count() == 2
    assert kit.console_errors(page) == []


def swipe(page, start, end, steps=8):
    """Drag with one finger, as the browser of a tablet sends it."""
    session = page.context.new_cdp_session(page)

    def send(kind, *points):
        touches = [{"x": x, "y": y} for x, y in points]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    send("touchStart", start)
    for i in range(1, steps + 1):
        send("touchMove", tuple(a + (b - a) * i / steps for a, b in zip(start, end, strict=True)))
        page.wait_for_timeout(20)
    send("touchEnd")
    session.detach()
    page.wait_for_timeout(500)  # the browser takes a tap right after a swipe as the end of its fling, not as a click


def wait_until(page, condition):
    """Wait until a condition is true in Python."""
    end = time.monotonic() + 20
    while evaluate(page, condition) != "True":
        assert time.monotonic() < end, condition
        page.wait_for_timeout(50)


def swipe_spectra(page, view):
    spectra = view.locator("canvas.mffnb-spectra")
    spectra.evaluate("one => one.scrollIntoView({block: 'center'})")
    plot = kit.steady_box(spectra)
    swipe(page, *((plot["x"] + share * plot["width"], plot["y"] + 40) for share in (0.3, 0.5)))


def test_a_finger_pins_a_pixel_chooses_a_band_and_zooms(browser, lab):
    with kit.new_page(browser, width=1000, height=1200, touch=True) as page:
        view = opened(page, lab, "touch.ipynb", (SCENE,))
        page.locator(READY).wait_for(timeout=120_000)
        kit.wait_freedom(page)
        view.locator(".mffnb-notice", has_text="These are counts").wait_for()  # moves the picture, once
        box = kit.steady_box(first_map(view))
        first_map(view).tap(position={"x": 0.51 * box["width"], "y": 0.52 * box["height"]})  # once the layout rests
        view.locator(".mffnb-place", has_text="P1").wait_for()
        assert json.loads(evaluate(page, "list(explorer.pins['P1'].pixel)")) == [12, 16]
        view.locator("button.mffnb-button", has_text="Band").first.tap()
        swipe_spectra(page, view)
        view.locator(".mffnb-tile", has_text="band ").first.wait_for()
        first_map(view).evaluate("one => one.scrollIntoView({block: 'center'})")  # its tile may be made anew meanwhile
        view.locator(".mffnb-tile", has_text="band").locator(".mffnb-pin").wait_for()
        kit.screenshot(page, "gestures_touch")
        wait_until(page, "explorer.view.tool_band['shown'] and explorer.view.channel_range == []")
        view.locator("button.mffnb-button", has_text="Band").first.tap()
        swipe_spectra(page, view)
        wait_until(page, "len(explorer.view.channel_range) == 2")
        view.locator("button.mffnb-button", has_text="Undo").tap()
        wait_until(page, "explorer.view.channel_range == []")
        assert kit.console_errors(page) == []
        kit.close_notebooks(page, lab)


MOVES = """async (count) => {
  // Pointer, clicks, wheel, colour maps and undo, as a user makes them; each waits for the next picture of the page.
  const view = document.querySelector(".mffnb-view");
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const pointer = (target, type, x, y, more = {}) => {
    const box = target.getBoundingClientRect();
    const position = { clientX: box.left + x * box.width, clientY: box.top + y * box.height };
    target.dispatchEvent(new PointerEvent(type, { bubbles: true, pointerId: 1, ...position, ...more }));
  };
  const button = (text) => [...view.querySelectorAll("button.mffnb-button")].find((one) => one.textContent === text);
  for (let i = 0; i < count; i++) {
    const map = view.querySelector("canvas.mffnb-map");
    const plot = view.querySelector("canvas.mffnb-spectra");
    const [x, y] = [((i * 7) % 19) / 19, ((i * 5) % 17) / 17];
    pointer(map, "pointermove", x, y);
    if (i % 5 === 0) pointer(map, "click", x, y);
    if (i % 5 === 1) pointer(plot, "pointermove", x, 0.5);
    if (i % 5 === 2) button(i % 10 === 2 ? "Residual" : "Undo").click();
    if (i % 5 === 3) {
      const select = view.querySelector("select[aria-label='Colour map']");
      select.selectedIndex = (select.selectedIndex + 1) % select.options.length;
      select.dispatchEvent(new Event("change"));
    }
    if (i % 5 === 4) view.querySelector(".mffnb-place .mffnb-place-button:last-child")?.click();
    await frame();
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}"""
RESIDENT = "sum(int(line.split()[1]) for line in open('/proc/self/smaps_rollup') if line.startswith('Private_Dirty:'))"


def page_memory(page):
    """Bytes of the heap after a collection of garbage, and numbers of nodes and listeners of the page."""
    session = page.context.new_cdp_session(page)
    for _ in range(3):
        session.send("HeapProfiler.collectGarbage")
    heap = session.send("Runtime.getHeapUsage")["usedSize"]
    counters = session.send("Memory.getDOMCounters")
    session.detach()
    return heap, counters["nodes"], counters["jsEventListeners"]


@pytest.mark.timeout(1800)
def test_memory_of_page_and_kernel_is_flat_over_2000_gestures(page, lab, view):
    evaluate(page, "explorer.show_history()")
    measured = []
    for count in (500, 500, 500, 500):
        page.evaluate(MOVES, count)
        page.wait_for_function("() => true")
        resident = 1024 * int(evaluate(page, f"__import__('gc').collect() and 0 or {RESIDENT}"))
        measured.append((*page_memory(page), resident, int(evaluate(page, "len(explorer.history.entries)"))))
    assert len(measured) == 4, measured
    first, last = measured[0], measured[-1]
    assert last[0] - first[0] < 4e6
    assert last[1] - first[1] < 500
    assert last[2] - first[2] < 100
    assert last[3] - first[3] < 40e6  # the history holds at most 500 entries
    assert last[4] <= 500
    assert kit.console_errors(page) == []
