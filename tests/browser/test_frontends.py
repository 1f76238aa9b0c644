"""The tool that tries the explorer in other programs, on those that the extras bring: JupyterLab and a saved page."""

from __future__ import annotations

import sys

import pytest

from tests.browser import lab as kit
from tools import try_frontends


@pytest.mark.parametrize(
    ("attempt", "outcome"),
    [(try_frontends.in_lab, "yes | yes"), (try_frontends.in_html, "its static picture | no, there is no kernel")],
    ids=["lab", "html"],
)
def test_the_explorer_appears(browser, tmp_path, attempt, outcome):
    try_frontends.write_notebook(tmp_path / "explore.ipynb")
    with kit.new_page(browser, width=1300, height=1000) as page:
        trial = try_frontends.Trial(page, tmp_path, sys.executable, tmp_path / "picture.png")
        assert attempt(trial) == outcome
        # The page of nbconvert asks for scripts from elsewhere, which it may not get.
        assert [one for one in trial.errors if "Failed to load resource" not in one] == []
    assert (tmp_path / "picture.png").stat().st_size > 10_000
