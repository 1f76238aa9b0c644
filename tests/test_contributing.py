"""CONTRIBUTING.md names files that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
NEW = re.compile("NAME|FORMAT")  # files that the reader writes
PATHS = sorted(set(re.findall(r"(?:[\w.]+/)+[\w.]+\.(?:py|pyi|md|ts|toml)", TEXT)))
COMMANDED = sorted(
    {path for line in re.findall(r"pytest ([^\n`#]*)", TEXT) for path in line.split() if path.startswith("tests")}
)


@pytest.mark.parametrize(
    "path", [path for path in sorted({*PATHS, *COMMANDED}) if not NEW.search(path) and "my_package" not in path]
)
def test_a_file_that_contributing_names_exists(path):
    found = [root for root in (ROOT, ROOT / "mffnb") if (root / path).exists()]
    assert found, f"CONTRIBUTING.md names {path}, which does not exist: correct the name"


def test_paths_are_found_in_the_text():
    assert "mffnb/similarities/huber.py" in PATHS
    assert "tests/penalties" in COMMANDED
