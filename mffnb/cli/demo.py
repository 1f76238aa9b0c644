"""``mffnb demo``: open the explorer in a browser page of its own, with a chooser of files and without a notebook."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from mffnb.cli.lab import may_be_root, need_jupyterlab
from mffnb.cli.values import path

SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
    "apputils-extension/themes": {"adaptive-theme": True},
    "notebook-extension/tracker": {"windowingMode": "none"},
}
"""Settings of JupyterLab: no questions, light or dark as the system, and output out of sight stays in the page."""


def add_to(commands: Any) -> None:
    """Add the command ``demo`` and its options to the parser."""
    parser = commands.add_parser("demo", help="open the explorer in the browser, with a chooser of files")
    parser.add_argument("file", nargs="?", type=path, help="a file to open first, or the folder to choose from")
    parser.add_argument("options", nargs=argparse.REMAINDER, help="after --: options for jupyter lab")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C; return the exit code of the server."""
    need_jupyterlab()
    file, extra = options.file, [option for option in options.options if option != "--"]
    if file is not None and str(file).startswith("--"):  # argparse takes the first option after "--" for the file
        file, extra = None, [str(file), *extra]
    if file is not None and not file.exists():
        raise FileNotFoundError(f"{file} is no file and no folder")
    with tempfile.TemporaryDirectory(prefix="mffnb-demo-", ignore_cleanup_errors=True) as folder:
        prepare(Path(folder), (file or Path()).resolve())
        print("The explorer opens in your browser; Ctrl-C here ends it.", flush=True)
        try:
            return subprocess.call([sys.executable, "-m", "jupyterlab", *server_options(Path(folder)), *extra])
        except KeyboardInterrupt:
            return 0


def prepare(folder: Path, file: Path) -> None:
    """Write the notebook of the page, and the settings of JupyterLab, to an empty folder."""
    source = f"from mffnb.widgets.demo_page import DemoPage\n\npage = DemoPage({str(file)!r})\npage"
    cell: dict[str, Any] = {
        "cell_type": "code",
        "id": "page",
        "metadata": {},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "page").mkdir()
    (folder / "page" / "mffnb.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    for name, values in SETTINGS.items():
        settings = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        settings.parent.mkdir(parents=True, exist_ok=True)
        settings.write_text(json.dumps(values), encoding="utf-8")


def server_options(folder: Path) -> list[str]:
    """Return the options of JupyterLab that show the notebook in ``folder`` as a page of widgets."""
    return [
        f"--ServerApp.root_dir={folder / 'page'}",
        "--LabApp.default_url=/doc/tree/mffnb.ipynb",
        f"--LabApp.user_settings_dir={folder / 'settings'}",
        f"--LabApp.workspaces_dir={folder / 'workspaces'}",
        f"--LabApp.extra_labextensions_path={Path(__file__).with_name('kiosk')}",
        *may_be_root(),
    ]
