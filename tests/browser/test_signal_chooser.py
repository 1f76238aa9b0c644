"""The chooser of the signals in a file in a real JupyterLab: list, preview, code and button."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe

from tests.browser import lab as kit
from tests.browser.test_explorer import evaluate, write

CELL = """
import h5py
import mffnb as mf

counts = mf.datasets.tof_sims_2d(seed=0, shape=(64, 96)).cube.values
with h5py.File("session.h5", "w") as file:
    file["before/spectra"], file["before/topography"] = counts, counts[..., 0]
    file["after/spectra"] = counts[:, ::-1, 10:40]
chooser = mf.open("session.h5")
chooser
"""


def test_a_signal_is_seen_and_read(page, lab):
    write(lab, "chooser.ipynb", (CELL,))
    kit.open_notebook(page, lab, "chooser.ipynb")
    kit.run_all(page)
    box = page.locator(".mffnb-signals")
    box.wait_for()
    signals = box.get_by_label("Signal")
    assert signals.locator("option").count() == 3
    picture = box.locator("img")
    picture.wait_for()
    assert "Total image: sum of 1535 channels" in picture.get_attribute("alt")  # of the largest signal
    first = picture.get_attribute("src")
    kit.screenshot(page, "signal_chooser")
    signals.select_option(index=0)
    box.get_by_text("Total image: sum of 30 channels").wait_for()
    assert picture.get_attribute("src") != first
    signals.select_option(index=2)
    box.get_by_text("All values, a spectrum in each row").wait_for()
    signals.select_option(index=1)
    box.get_by_text("dataset='before/spectra'").wait_for()
    assert picture.evaluate("image => image.complete && image.naturalWidth > 200")
    box.get_by_role("button", name="Read").click()
    box.get_by_role("status").wait_for()
    assert evaluate(page, "chooser.cube.equals(mf.read('session.h5', dataset='before/spectra'))") == "True"
    found = Axe().run(page, context=".mffnb-signals", options={"runOnly": ["wcag2a", "wcag2aa"]}).response["violations"]
    assert [(one["id"], one["help"]) for one in found] == []
    kit.screenshot(page, "signal_chooser_read")
    assert kit.console_errors(page) == []
