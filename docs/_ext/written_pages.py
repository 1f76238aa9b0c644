"""Pages that are written when the site is built, from files that live elsewhere in the repository.

Sphinx reads pages inside of ``docs`` only. So these are written there, into folders that git ignores.
"""

from __future__ import annotations

import re
from os.path import relpath
from pathlib import Path
from typing import Any

import living_figure
import page_code
import part_pictures
import part_steps  # noqa: F401  registers its pictures
import reference_pages
import tutorial_pages

DOCS = Path(__file__).parents[1]
ROOT = DOCS.parent

PROJECT = {
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "benchmarks/README.md": "benchmarks.md",
}
"""Pages of the folder ``project`` and the files that they repeat."""


def setup(app: Any) -> dict[str, Any]:
    """Write the pages before Sphinx lists the files of the site."""
    app.connect("config-inited", lambda *_: write_pages())
    return {"parallel_read_safe": True}


def write_pages() -> None:
    """Write all pages, and leave those untouched whose text is the same."""
    for source, page in PROJECT.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        write(DOCS / "project" / page, with_links_of_the_site(text, (ROOT / source).parent, DOCS / "project"))
    reference_pages.write_all(DOCS / "reference" / "pages", write)
    tutorials = DOCS / "tutorials"
    tutorial_pages.write_all(
        ROOT / "notebooks", tutorials, lambda text: with_links_of_the_site(text, ROOT / "notebooks", tutorials), write
    )
    for folder in (DOCS, DOCS / "guides"):
        page_code.draw_all(folder)
    part_pictures.draw_all(DOCS / "pictures" / "parts")
    living_figure.write(DOCS / "_static" / "figure.living.html")


def write(path: Path, text: str) -> None:
    """Write a page unless it has this text already: Sphinx reads again what is newer than its cache."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def with_links_of_the_site(text: str, home: Path, target: Path) -> str:
    """Make the links of a page right for another folder; files outside of the site become plain names.

    >>> with_links_of_the_site("[a](docs/tuning.md#top) [b](js/README.md)", ROOT, DOCS / "project")
    '[a](../tuning.md#top) `js/README.md`'
    """

    def link(match: re.Match[str]) -> str:
        name, address, place = match.group(1), match.group(2), match.group(3) or ""
        path = (home / address).resolve()
        if "://" in address or not path.exists():
            return match.group()
        outside = str(path.relative_to(ROOT))
        if outside in PROJECT:
            return f"[{name}]({relpath(DOCS / 'project' / PROJECT[outside], target)}{place})"
        if path.suffix == ".ipynb":
            return f"[{name}]({relpath(DOCS / 'tutorials' / path.name, target)}{place})"
        if path.is_file() and path.is_relative_to(DOCS):
            return f"[{name}]({relpath(path, target)}{place})"
        return f"`{outside}`"

    return re.sub(r"\[([^\]]+)\]\(([^)#\s]+)(#[^)]*)?\)", link, text)
