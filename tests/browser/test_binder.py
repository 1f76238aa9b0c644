"""What Binder does, here: an empty environment, its requirements, its scripts, and a tutorial in a real JupyterLab.

The variable MFFNB_BINDER names an environment with these requirements, so that a run of all tests installs it once,
together with its own. It is made where the variable is missing.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import nbformat
import pytest

from tests.browser import lab as kit
from tests.browser.test_explorer import READY, slider

BINDER = kit.PROJECT / "binder"
TUTORIAL = kit.PROJECT / "notebooks" / "01_first_unmix.ipynb"
NOTHING_COMPILED = """
from mffnb.kernels import hals, laplacian, uncoupled_sweeps

kernels = [uncoupled_sweeps._write_gram_ratios, hals._sweep_ball, hals.sweep_colour, laplacian.roughness]
assert all(kernel.signatures for kernel in kernels)
assert not any(kernel.stats.cache_misses for kernel in kernels)
"""


@pytest.mark.timeout(1500)
def test_a_tutorial_runs_in_binders_environment_and_its_explorer_is_alive(browser, tmp_path):
    prepared = os.environ.get("MFFNB_BINDER")
    venv, served = pathlib.Path(prepared or tmp_path / "venv"), tmp_path / "served"
    served.mkdir()
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment["PATH"] = f"{venv / 'bin'}:{os.environ['PATH']}"

    def run(*command):
        subprocess.run(command, cwd=kit.PROJECT, env=environment, check=True, timeout=800)

    if not prepared:
        run(sys.executable, "-m", "venv", str(venv))
        run("pip", "install", "-q", "-r", "binder/requirements.txt")
    run(str(BINDER / "postBuild"))
    tutorial = nbformat.read(TUTORIAL, 4)
    tutorial.cells.append(nbformat.v4.new_code_cell(NOTHING_COMPILED))
    nbformat.write(tutorial, served / TUTORIAL.name)
    python = (str(BINDER / "start"), str(venv / "bin" / "python"))
    with kit.lab_server(served, python=python) as lab, kit.new_page(browser) as page:
        kit.open_notebook(page, lab, TUTORIAL.name)
        kit.run_all(page, timeout=400_000)
        view = page.locator(".mffnb-view").first
        view.scroll_into_view_if_needed()
        page.locator(READY).first.wait_for(timeout=60_000)
        kit.screenshot(page, "tutorial_explorer")
        canvas = view.locator("canvas.mffnb-map").first
        old = kit.canvas_hash(canvas)
        slider(page, "smoothness").locator(".noUi-handle").focus()
        page.keyboard.press("ArrowLeft")
        kit.wait_canvas_change(canvas, old)
        assert kit.console_errors(page) == []
        kit.stop_kernels(lab)
