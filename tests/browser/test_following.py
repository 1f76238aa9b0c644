"""The explorer on a file that another process writes, in a real JupyterLab: maps fill up, then the sliders act."""

from __future__ import annotations

from tests.browser import lab as kit
from tests.browser.test_explorer import READY, choice, evaluate, slider
from tests.browser.test_explorer import write as write_notebook

CELL = """
import subprocess, sys
import numpy as np
import mffnb as mf

WRITER = '''
import sys, h5py, numpy as np
rows = np.load("rows.npy")
with h5py.File("scan.h5", "w", libver="latest") as file:
    data = file.create_dataset("scan", (0, *rows.shape[1:]), "f4", maxshape=rows.shape)
    file.swmr_mode = True
    print("ready", flush=True)
    for number, row in enumerate(rows):
        if not sys.stdin.readline():
            break
        data.resize(number + 1, axis=0)
        data[number] = row
        data.flush()
'''
sample = mf.datasets.tof_sims_2d(seed=0, shape=(48, 64))
np.save("rows.npy", sample.cube.values.astype("f4"))
writer = subprocess.Popen([sys.executable, "-c", WRITER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
assert writer.stdout.readline() == "ready\\n"

def write(count):
    writer.stdin.write("\\n" * count)
    writer.stdin.flush()

write(18)
explorer = mf.explore("scan.h5", 3, follow=True, patience=300)
explorer
"""

NEEDING = ("Mean", "Region", "Residual", "Composite", "Suggest", "Undo", "Code", "Keep", "History")


def test_maps_fill_up_and_then_the_sliders_act(page, lab):
    write_notebook(lab, "following.ipynb", (CELL,))
    kit.open_notebook(page, lab, "following.ipynb")
    kit.run_all(page)
    view = page.locator(".mffnb-view")
    view.get_by_text("following: 18 of 48 frames").first.wait_for(timeout=120_000)
    view.scroll_into_view_if_needed()
    assert view.locator("progress.mffnb-progress").evaluate("bar => bar.value") == 18 / 48
    offered = {name: view.get_by_role("button", name=name, exact=True).first for name in NEEDING}
    assert not any(one.is_visible() for one in offered.values())
    assert view.locator(".mffnb-lock").count() == 0
    assert choice(page, "noise").is_disabled()
    canvas = view.locator("canvas.mffnb-map").first
    old = kit.canvas_hash(canvas)
    kit.screenshot(page, "following")
    canvas.hover()
    page.wait_for_timeout(500)
    kit.screenshot(page, "following_pointed")
    evaluate(page, "write(12)")
    kit.wait_canvas_change(canvas, old)
    view.get_by_text("following: 30 of 48 frames").first.wait_for()
    evaluate(page, "explorer.controls.set(smoothness=1.0)")
    page.get_by_text("smoothness needs all frames: the file is still followed").wait_for()
    kit.screenshot(page, "following_refused")
    evaluate(page, "explorer.controls.set(smoothness=0.0)")
    view.get_by_text("following: 30 of 48 frames").first.wait_for()
    page.get_by_role("button", name="stop following").click()
    page.locator(READY).wait_for(timeout=120_000)
    view.get_by_text("This is the answer for 30 of 48 frames: following was stopped").wait_for()
    assert all(one.is_visible() for one in offered.values())
    assert view.locator(".mffnb-lock").count() == 3
    offered["Mean"].click()
    page.wait_for_timeout(300)
    kit.screenshot(page, "following_stopped")
    evaluate(page, "write(6)")
    page.get_by_role("button", name="follow again").click()
    view.get_by_text("following: 36 of 48 frames").first.wait_for()
    assert not any(one.is_visible() for one in offered.values())
    assert view.locator(".mffnb-lock").count() == 0
    evaluate(page, "write(12)")
    page.locator(READY).wait_for(timeout=120_000)
    assert view.get_by_text("following:").count() == 0
    assert page.get_by_role("button", name="follow again").is_disabled()
    assert all(one.is_visible() for one in offered.values())
    assert view.locator(".mffnb-lock").count() == 3
    old = kit.canvas_hash(canvas)
    slider(page, "sparsity").locator(".noUi-handle").focus()
    for _ in range(15):
        page.keyboard.press("ArrowRight")
    kit.wait_canvas_change(canvas, old, timeout=60_000)
    kit.screenshot(page, "following_complete")
    assert kit.console_errors(page) == []
