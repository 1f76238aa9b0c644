"""What Binder does, here: an empty environment, its requirements, its scripts, and a tutorial in a real JupyterLab."""

from __future__ import annotations

import os
import subprocess
import sys

import nbformat
import pytest

from tests.browser import lab as kit

BINDER = kit.PROJECT / "binder"
TUTORIAL = kit.PROJECT / "notebooks" / "01_first_unmix.ipynb"
NOTHING_COMPILED = """
from mffnb.kernels import hals, laplacian

kernels = [hals.sweep_non_negative, hals.sweep_ball, hals.sweep_colour, laplacian.roughness]
assert all(kernel.signatures for kernel in kernels)
assert not any(kernel.stats.cache_misses for kernel in kernels)
"""


@pytest.mark.timeout(1500)
def test_a_tutorial_runs_in_binders_environment(page, tmp_path):
    venv, served = tmp_path / "venv", tmp_path / "served"
    served.mkdir()
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment["PATH"] = f"{venv / 'bin'}:{os.environ['PATH']}"

    def run(*command):
        subprocess.run(command, cwd=kit.PROJECT, env=environment, check=True, timeout=800)

    run(sys.executable, "-m", "venv", str(venv))
    run("pip", "install", "-q", "-r", "binder/requirements.txt")
    run(str(BINDER / "postBuild"))
    tutorial = nbformat.read(TUTORIAL, 4)
    tutorial.cells.append(nbformat.v4.new_code_cell(NOTHING_COMPILED))
    nbformat.write(tutorial, served / TUTORIAL.name)
    python = (str(BINDER / "start"), str(venv / "bin" / "python"))
    with kit.lab_server(served, python=python) as lab:
        kit.open_notebook(page, lab, TUTORIAL.name)
        kit.run_all(page, timeout=400_000)
        assert kit.console_errors(page) == []
        kit.stop_kernels(lab)
