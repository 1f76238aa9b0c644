"""The code of the guides runs, and their text is short and plain."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from tools.reading_ease import LONGEST, pages, read, sentences, words

DOCS = Path(__file__).parents[2] / "docs"
GUIDES = sorted([*DOCS.glob("guides/*.md"), DOCS / "index.md", DOCS / "install.md", DOCS / "first_map.md"])


def page_code():
    spec = importlib.util.spec_from_file_location("page_code", DOCS / "_ext" / "page_code.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("text", "count"), [("A b. C d e: f", 2), ("| a | b c |\n|---|---|\n", 2), ("`a b c` is [d e](f)", 1)]
)
def test_sentences_are_counted(text, count):
    assert len(sentences(text)) == count


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.stem)
def test_no_sentence_has_more_than_25_words(page):
    long = read(page.read_text(encoding="utf-8")).long
    assert not long, "python tools/reading_ease.py --long PAGE lists them: one idea a sentence"


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_tables_and_headings_of_guides_are_short(page):
    long = [one for one in sentences(page.read_text(encoding="utf-8")) if len(words(one)) > LONGEST]
    assert not long


@pytest.mark.parametrize("page", sorted(DOCS.glob("guides/*.md")), ids=lambda page: page.stem)
def test_guides_are_short(page):
    assert len(page.read_text(encoding="utf-8").splitlines()) < 60


@pytest.mark.slow
@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_the_code_of_a_page_runs(page):
    page_code().run(page)


def test_every_page_is_in_a_menu():
    pages = [DOCS / "index.md", DOCS / "explanation.md", DOCS / "reference" / "index.md"]
    menus = [
        re.findall(r"^```{toctree}$(.*?)^```$", page.read_text("utf-8"), re.DOTALL | re.MULTILINE) for page in pages
    ]
    listed = set(re.findall(r"[\w-]+", "\n".join(map("\n".join, menus))))
    missing = [page.stem for page in DOCS.glob("*.md") if page.stem not in {*listed, "index"}]
    assert not missing, "add the pages to the list in docs/explanation.md"
