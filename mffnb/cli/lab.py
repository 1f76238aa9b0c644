"""``mffnb lab``: open JupyterLab on a copy of the tutorials."""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from mffnb.cli.values import path


def add_to(commands: Any) -> None:
    """Add the command ``lab`` and its options to the parser."""
    parser = commands.add_parser("lab", help="open JupyterLab on the tutorials")
    parser.add_argument("--folder", type=path, default=Path("mffnb-tutorials"), help="where your copies are kept")
    parser.add_argument("options", nargs=argparse.REMAINDER, help="after --: options for jupyter lab")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Copy the tutorials and run JupyterLab until it ends; return the exit code of JupyterLab."""
    need_jupyterlab()
    folder = options.folder
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file, and --folder names a folder: give another name")
    copy_tutorials(folder)
    extra = [option for option in options.options if option != "--"]
    print(f"Tutorials are in {folder.resolve()}; Ctrl-C here stops JupyterLab.")
    first = ["--LabApp.default_url=/lab/tree/01_first_unmix.ipynb", *may_be_root()]
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder.resolve()}", *first, *extra]
    try:
        return subprocess.call(command)
    except KeyboardInterrupt:
        return 0


def need_jupyterlab() -> None:
    """Raise ValueError with the command that installs JupyterLab, if it is missing."""
    if importlib.util.find_spec("jupyterlab") is None:
        raise ValueError('JupyterLab is not installed: pip install "mffnb[lab]"')


def may_be_root() -> list[str]:
    """Return the option that lets root start Jupyter, for root only: the user of a container often is root."""
    return ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []


def copy_tutorials(folder: Path) -> list[Path]:
    """Copy the tutorials that ``folder`` does not contain to it, without overwriting any file; return the new paths."""
    package = Path(__file__).parents[1]
    source = next((path for path in (package / "notebooks", package.parent / "notebooks") if path.is_dir()), None)
    if source is None:
        raise ValueError("this installation holds no tutorials: install mffnb from a wheel or from its repository")
    folder.mkdir(parents=True, exist_ok=True)
    copied = []
    for notebook in sorted(source.glob("*.ipynb")):
        target = folder / notebook.name
        if not target.exists():
            shutil.copyfile(notebook, target)
            copied.append(target)
    return copied
