"""Pytest plugin: tests that need real data, ``@pytest.mark.data("Samson.mat", ...)``.

Where ``MFFNB_DATA`` names a folder, a file that is missing from it is a failure. Where it does not, such tests are
skipped unless the user's cache holds their files, and counted in the last line of the run.
"""

from __future__ import annotations

import os

import pytest

from mffnb.datasets import fetch

REASON = f"no data folder ({fetch.VARIABLE})"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Skip or fail a test before its fixtures start anything."""
    names = {name for mark in item.iter_markers("data") for name in mark.args}
    missing = sorted(name for name in names if not (fetch.data_folder() / name).is_file())
    if missing and os.environ.get(fetch.VARIABLE):
        pytest.fail(f"{fetch.VARIABLE} names a folder that lacks {', '.join(missing)}", pytrace=False)
    if missing:
        pytest.skip(REASON)


def pytest_report_teststatus(report):
    """Count what was skipped for lack of data by itself: every kind of result stands in the last line."""
    if report.skipped and isinstance(report.longrepr, tuple) and REASON in report.longrepr[2]:
        return f"skipped: {REASON}", "s", f"SKIPPED ({REASON})"
    return None
