"""One JupyterLab and one browser per test run; every test in this folder carries the marks `browser` and `slow`."""

from __future__ import annotations

import pathlib

import pytest

from tests.browser.lab import chromium, lab_server, new_page, stop_kernels

HERE = pathlib.Path(__file__).parent


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """The server; notebooks go into `lab.root`."""
    with lab_server(tmp_path_factory.mktemp("lab")) as server:
        yield server


@pytest.fixture(scope="session")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture(autouse=True)
def _no_kernel_left(lab):
    yield
    stop_kernels(lab)


@pytest.fixture
def page(browser):
    with new_page(browser) as opened:
        yield opened
