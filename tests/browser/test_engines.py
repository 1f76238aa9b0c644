"""The explorer on MPI engines, in a real JupyterLab: live while they work, stopped by its button."""

from __future__ import annotations

import json

import nbformat

from tests.browser import lab as kit

CELLS = (
    """
import numpy as np
import mffnb as mf

rng, energy = np.random.default_rng(0), np.linspace(0, 1, 60)
spectra = [0.2 + np.exp(-(((energy - centre) / 0.12) ** 2)) for centre in (0.2, 0.5, 0.8)]
rows, columns = np.mgrid[:240, :320] / 40.0
amounts = np.exp(3 * np.stack([np.sin(rows), np.cos(columns), np.sin(rows + columns)], axis=-1))
np.save("map.npy", rng.poisson(6 * amounts / amounts.sum(axis=-1, keepdims=True) @ spectra).astype("u2"))
engines = mf.parallel.cluster(2, mpi=True).start()
""",
    """
explorer = mf.explore("map.npy", k=3, cluster=engines, tol=0, max_iter=10**6)
explorer
""",
)


def test_maps_move_while_engines_work_a_slider_is_followed_and_stop_keeps_the_result(page, lab):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in CELLS])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, lab.root / "engines.ipynb")
    kit.open_notebook(page, lab, "engines.ipynb")
    kit.run_all(page, timeout=120_000)
    view = page.locator(".mffnb-view")
    view.scroll_into_view_if_needed()
    page.locator(".mffnb-view[data-iteration]").wait_for(timeout=60_000)
    first = int(view.get_attribute("data-iteration"))
    page.wait_for_function(
        "(first) => Number(document.querySelector('.mffnb-view').dataset.iteration) > first", arg=first, timeout=60_000
    )
    assert view.get_attribute("data-final") == "false"
    page.locator(".widget-inline-hbox", has=page.get_by_text("components", exact=True)).locator(".noUi-handle").focus()
    page.keyboard.press("ArrowRight")
    page.locator(".mffnb-view[data-generation='2']").wait_for(timeout=60_000)
    assert json.loads(view.get_attribute("data-parameters"))["k"] == 4
    assert view.locator("canvas.mffnb-map").count() == 4
    kit.screenshot(page, "engines_at_work")
    page.locator(".widget-button", has_text="stop").click()
    page.locator(".mffnb-view[data-final='true']").wait_for(timeout=60_000)
    assert "stopped" in view.locator(".mffnb-status").inner_text()
    kit.screenshot(page, "engines_stopped")
    assert kit.console_errors(page) == []
