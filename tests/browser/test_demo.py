"""`mffnb demo` as a user starts it: the page has no notebook, opens a file, and shows the explorer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pytest

import mffnb as mf
from tests.browser import lab as kit


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Address of the page of a running `mffnb demo`, whose folder holds a map and a broken file."""
    folder = tmp_path_factory.mktemp("demo")
    (folder / "data").mkdir()
    np.save(folder / "data" / "map.npy", mf.datasets.tof_sims_2d(seed=0, shape=(32, 48)).cube.values)
    (folder / "data" / "broken.npy").write_bytes(b"no array")
    port = kit._free_port()
    options = [
        "--no-browser",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--IdentityProvider.token=secret",
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "mffnb", "demo", "data", "--", *options],
        cwd=folder,
        env=kit._environment(folder),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/api/status?token=secret", process)
        yield f"http://127.0.0.1:{port}/?token=secret"  # the address that `jupyter lab` opens in the browser
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def wait_for(address, process):
    end = time.monotonic() + 90
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=10).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise AssertionError("the server did not start")


def test_from_a_file_to_the_explorer_without_a_notebook(browser, demo):
    with kit.new_page(browser, width=1400, height=1000) as page:
        page.goto(demo)
        files = page.locator(".mffnb-files")
        files.wait_for(timeout=90_000)
        assert page.title() == "mffnb"
        for part in (".jp-InputArea-editor", ".jp-NotebookPanel-toolbar", "#jp-menu-panel", ".jp-InputPrompt"):
            assert page.locator(f"{part}:visible").count() == 0, part
        kit.screenshot(page, "demo_files")
        files.get_by_label("Files").select_option(index=0)
        files.get_by_role("button", name="Open").click()
        page.get_by_role("alert").filter(has_text="broken.npy").wait_for()
        files.get_by_label("Files").select_option(index=1)
        files.get_by_role("button", name="Open").click()
        page.locator(".mffnb-signals img").wait_for()
        kit.screenshot(page, "demo_signal")
        page.get_by_role("button", name="Explore").click()
        page.locator(".mffnb-view[data-iteration]").wait_for(timeout=60_000)
        kit.wait_freedom(page)
        kit.screenshot(page, "demo_explorer")
        page.get_by_role("button", name="Another file").click()
        files.wait_for()
        assert page.locator("canvas:visible").count() == 0
        assert kit.console_errors(page) == []
