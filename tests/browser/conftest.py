"""One JupyterLab and one browser per test run; every test in this folder carries the marks `browser` and `slow`.

A test that fails is tried once more, with its notebook opened anew, and the summary names it as RERUN: on a machine with
two cores a browser may lose a gesture while other tests run. A test that fails twice has failed.
"""

from __future__ import annotations

import pathlib

import pytest

from tests.browser.lab import close_notebooks, forget_errors, lab_server, new_page

HERE = pathlib.Path(__file__).parent
FAILED = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    if report.failed or report.outcome == "rerun":
        item.stash[FAILED] = True
    return report


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """The server; notebooks go into `lab.root`."""
    with lab_server(tmp_path_factory.mktemp("lab")) as server:
        yield server


@pytest.fixture(scope="session")
def shared_page(browser, lab):
    """The page of all tests: JupyterLab is loaded once."""
    with new_page(browser) as opened:
        yield opened
        close_notebooks(opened, lab)


@pytest.fixture
def page(request, shared_page, lab):
    """The shared page without errors. The last notebook stays open for a test that wants it; a failed test closes it."""
    forget_errors(shared_page)
    yield shared_page
    if request.node.stash.get(FAILED, False):
        close_notebooks(shared_page, lab)
