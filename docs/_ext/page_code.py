"""Run the Python code of a page, block after block, as a reader would, and keep its figure."""

from __future__ import annotations

import io
import os
import re
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

BLOCK = re.compile(r"^(<!-- not run -->\n)?```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
"""A code block; the comment before it says that its code needs what is not there, such as the file of the reader."""


def run(page: Path) -> dict[str, Any]:
    """Run the code of a page in an empty folder, and return its variables.

    Raises
    ------
    RuntimeError
        If a block fails; the message names the page.
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    home = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            for not_run, code in blocks:
                if not not_run:
                    with redirect_stdout(io.StringIO()):
                        exec(compile(code, page.name, "exec"), names)
        except Exception as error:
            raise RuntimeError(f"the code of {page.name} failed: {error!r}") from error
        finally:
            os.chdir(home)
    return names


def draw_all(folder: Path) -> None:
    """Draw ``pictures/NAME.png``, the variable ``figure`` of the page NAME, unless it is newer than the page."""
    for page in sorted(folder.glob("*.md")):
        picture = folder / "pictures" / f"{page.stem}.png"
        if f"](pictures/{page.stem}.png)" not in page.read_text(encoding="utf-8") or _is_newer(picture, page):
            continue
        figure: Figure = run(page)["figure"]
        picture.parent.mkdir(exist_ok=True)
        figure.savefig(picture, dpi=110, facecolor="white", bbox_inches="tight")


def _is_newer(picture: Path, page: Path) -> bool:
    return picture.exists() and picture.stat().st_mtime > page.stat().st_mtime
