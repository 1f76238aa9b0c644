"""The notebooks: listed, with an opening and an ending, sharp figures, and no trace of the machine in their outputs."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def cells(path):
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def text(cell):
    return "".join(cell["source"])


@pytest.fixture(scope="module")
def pages():
    """The module of the site that writes the pages of the tutorials."""
    place = ROOT / "docs" / "_ext" / "tutorial_pages.py"
    spec = importlib.util.spec_from_file_location("tutorial_pages", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_list_names_each_notebook_once():
    rows = re.findall(r"^\| `(\w+\.ipynb)` \|", (ROOT / "notebooks" / "README.md").read_text(encoding="utf-8"), re.M)
    assert sorted(rows) == [path.name for path in NOTEBOOKS]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_notebook_says_what_it_teaches_and_how_to_use_it_on_own_data(path):
    first, *rest = cells(path)
    assert text(first).startswith("# ")
    assert "you can**" in text(first)
    assert text(rest[-1]).startswith("## Your data: change these lines\n\n```python\n")
    assert any(re.search(r'"figure\.dpi"(: |\] = )144|dpi=144', text(cell)) for cell in rest)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_whole_and_tell_nothing_of_the_machine(path):
    stored = json.dumps([cell.get("outputs", []) for cell in cells(path)])
    assert '"output_type": "error"' not in stored
    assert "saved before the first picture" not in stored
    assert not re.search(r"ipykernel_\d|/(tmp|home|root|Users)/", stored)
    assert "image/png" in stored  # the gallery shows the first one


def test_the_site_leaves_out_cells_that_only_test(pages):
    notebook = {
        "metadata": {},
        "cells": [
            {"cell_type": "markdown", "metadata": {}, "source": ["# Title"]},
            {
                "cell_type": "code",
                "metadata": {"tags": ["remove-cell"]},
                "source": ["# NBVAL_CHECK_OUTPUT"],
                "outputs": [],
            },
            {"cell_type": "code", "metadata": {}, "source": ["1 + 1"], "outputs": []},
        ],
    }
    page = json.loads(pages._page(notebook, str))
    assert [text(cell) for cell in page["cells"]] == ["# Title", "1 + 1"]
