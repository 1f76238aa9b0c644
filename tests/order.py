"""Pytest plugin: run the longest files first, so that no test process waits for another one at the end.

xdist's ``--dist loadfile --no-loadscope-reorder`` hands out files in the order in which they were collected. Cells of
notebooks get the mark ``notebook``, so that one run has the slow tests and the notebooks.
"""

from __future__ import annotations

import pytest

#: Files that take longest (wall time), longest first. The order changes how long a run takes, and no result.
LONGEST = (
    "tests/browser/test_explorer.py",
    "tests/problem/test_combinations.py",
    "tests/browser/test_searches.py",
    "tests/browser/test_binder.py",
    "tests/kernels/test_registers.py",
    "tests/browser/test_live_view.py",
    "notebooks/",
    "tests/browser/test_engines.py",
    "tests/estimators/test_sklearn.py",
)


def position(nodeid: str) -> int:
    """Return the position of a test's file in the list, or the length of the list for all other files."""
    return next((i for i, file in enumerate(LONGEST) if nodeid.startswith(file)), len(LONGEST))


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items):
    """Mark the cells of notebooks before tests are chosen by their marks; sort the chosen tests by file."""
    for item in items:
        if item.path.suffix == ".ipynb":
            item.add_marker(pytest.mark.notebook)
    yield
    items.sort(key=lambda item: position(item.nodeid))  # stable within a file
