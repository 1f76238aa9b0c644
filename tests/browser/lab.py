"""A real JupyterLab in headless Chromium, started and driven from Python.

What took experience: settings are written before the start (autosave, news and windowed notebooks off),
readiness is asked of the application object (the page says "idle" while the kernel still starts), and the
server is stopped with SIGTERM, on which it shuts its kernels down.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from playwright.sync_api import Browser, Locator, Page, sync_playwright

PROJECT = pathlib.Path(__file__).resolve().parents[2]
CHROMIUM_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SETTINGS = {
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
}


class NotebookError(AssertionError):
    """A cell wrote to stderr or raised."""


@dataclass(frozen=True)
class Lab:
    """A running server: where it is, and the folder it serves."""

    url: str
    token: str
    root: pathlib.Path


@contextlib.contextmanager
def lab_server(
    root: pathlib.Path,
    *,
    python: Sequence[str] = (sys.executable,),
    environment: Mapping[str, str] | None = None,
    timeout: float = 90.0,
) -> Iterator[Lab]:
    """Serve a folder with the JupyterLab of some Python, with configuration folders of its own."""
    with tempfile.TemporaryDirectory(prefix="mffnb-lab-", ignore_cleanup_errors=True) as folder:
        private = pathlib.Path(folder)
        for plugin, settings in SETTINGS.items():
            path = private / "settings" / (plugin.replace(":", "/") + ".jupyterlab-settings")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(settings))
        token, port = secrets.token_hex(12), _free_port()
        command = [
            *python,
            "-m",
            "jupyterlab",
            "--no-browser",
            "--allow-root",
            "--ServerApp.ip=127.0.0.1",
        ]
        command += [
            f"--ServerApp.port={port}",
            "--ServerApp.port_retries=0",
            f"--IdentityProvider.token={token}",
        ]
        command += [
            f"--ServerApp.root_dir={root}",
            "--LabApp.expose_app_in_browser=True",
            "--LabApp.news_url=",
        ]
        log = private / "lab.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                command,
                env=_environment(private) | dict(environment or {}),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        lab = Lab(f"http://127.0.0.1:{port}", token, root)
        try:
            _wait_for_server(lab, process, log, timeout)
            yield lab
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)


def _environment(private: pathlib.Path) -> dict[str, str]:
    paths = [str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return dict(
        os.environ,
        JUPYTER_CONFIG_DIR=str(private),
        JUPYTERLAB_SETTINGS_DIR=str(private / "settings"),
        JUPYTERLAB_WORKSPACES_DIR=str(private / "workspaces"),
        JUPYTER_RUNTIME_DIR=str(private / "runtime"),
        IPYTHONDIR=str(private / "ipython"),
        # The kernels run this checkout, whatever is installed.
        PYTHONPATH=os.pathsep.join(paths),
    )


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _wait_for_server(lab: Lab, process: subprocess.Popen[bytes], log: pathlib.Path, timeout: float) -> None:
    end = time.monotonic() + timeout
    while True:
        try:
            urllib.request.urlopen(f"{lab.url}/api/status?token={lab.token}", timeout=2).close()
            return
        except (urllib.error.URLError, OSError):
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-3000:]}") from None
            time.sleep(0.1)


def stop_kernels(lab: Lab) -> None:
    """Shut every kernel of the server down, so that a long run does not fill the memory."""
    headers = {"Authorization": f"token {lab.token}"}

    def request(path: str, method: str) -> bytes:
        call = urllib.request.Request(f"{lab.url}/api/{path}", headers=headers, method=method)
        with urllib.request.urlopen(call, timeout=30) as answer:
            body: bytes = answer.read()
            return body

    for session in json.loads(request("sessions", "GET")):
        request(f"sessions/{session['id']}", "DELETE")


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser named by the variable CHROMIUM, or the one on the path."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not path:
        raise RuntimeError("Browser tests need Chromium: install it, or set the variable CHROMIUM to its path.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_OPTIONS))
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def new_page(
    browser: Browser, *, width: int = 1400, height: int = 1100, scale: float = 1, touch: bool = False
) -> Iterator[Page]:
    """Open a page in a fresh context; `console_errors` tells what went wrong in it."""
    viewport = {"width": width, "height": height}
    context = browser.new_context(viewport=viewport, device_scale_factor=scale, has_touch=touch)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.mffnb_errors = errors  # type: ignore[attr-defined]
    try:
        yield page
    finally:
        context.close()


def forget_errors(page: Page) -> None:
    """Let the next test on a page start without errors."""
    page.mffnb_errors.clear()  # type: ignore[attr-defined]


def console_errors(page: Page) -> list[str]:
    """Errors of the page so far, uncaught exceptions and console messages."""
    return list(page.mffnb_errors)  # type: ignore[attr-defined]


_OPEN = "path => window.jupyterapp.commands.execute('docmanager:open', { path, factory: 'Notebook' })"
_CURRENT = "() => window.jupyterapp?.shell.currentWidget?.context?.path"
_CLOSE_ALL = """async () => {
  const app = window.jupyterapp;
  for (const widget of [...app.shell.widgets("main")]) {
    const session = widget.context?.sessionContext?.session?.id;
    const cells = widget.content?.widgets ?? [];
    for (const cell of cells) cell.outputArea?.model.clear();  // views leave while there is a kernel to tell
    await new Promise((resolve) => setTimeout(resolve, 100));
    widget.dispose();  // closing would ask whether to save
    if (session) await app.serviceManager.sessions.shutdown(session);
  }
}"""


def open_notebook(page: Page, lab: Lab, path: str, *, timeout: float = 90_000) -> None:
    """Open a notebook below the server's root and wait for its kernel (milliseconds).

    A page that shows this server already closes its notebooks and keeps the application: loading that costs more than
    most tests.
    """
    if page.url.startswith(lab.url):
        close_notebooks(page, lab)
        page.evaluate(_OPEN, path)
        _wait_for_notebook(page, timeout)
    else:
        load_notebook(page, lab, path, timeout=timeout)


def load_notebook(page: Page, lab: Lab, path: str, *, timeout: float = 90_000) -> None:
    """Load the application with a notebook, as the reload button does: its kernel goes on if there is one."""
    # A workspace of its own with ?reset never restores the tabs of another test.
    workspace = re.sub(r"\W+", "-", path)
    page.goto(
        f"{lab.url}/lab/workspaces/{workspace}/tree/{urllib.parse.quote(path)}?reset&token={lab.token}",
        wait_until="domcontentloaded",
    )
    _wait_for_notebook(page, timeout)


def _wait_for_notebook(page: Page, timeout: float) -> None:
    page.wait_for_selector(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook .jp-Cell", timeout=timeout)
    wait_idle(page, timeout=timeout)


def is_open(page: Page, lab: Lab, path: str) -> bool:
    """Whether a page shows this notebook already."""
    return page.url.startswith(lab.url) and page.evaluate(_CURRENT) == path


def close_notebooks(page: Page, lab: Lab) -> None:
    """Close all notebooks of a page without saving them, and stop their kernels."""
    if page.url.startswith(lab.url):
        page.evaluate(_CLOSE_ALL)


_IDLE = """() => {
  const widget = window.jupyterapp && window.jupyterapp.shell.currentWidget;
  const context = widget && widget.context && widget.context.sessionContext;
  const kernel = context && context.isReady && context.session && context.session.kernel;
  return !!(kernel && kernel.info && kernel.status === "idle" && kernel.connectionStatus === "connected");
}"""


def wait_idle(page: Page, *, timeout: float = 90_000) -> None:
    """Wait until the kernel of the current notebook is connected and idle."""
    page.wait_for_function(_IDLE, timeout=timeout)


_RUN_ALL = """async (limit) => {
  const app = window.jupyterapp;
  app.shell.activateById(app.shell.currentWidget.id);
  const late = new Promise((_, reject) => setTimeout(reject, limit, new Error("the notebook ran too long")));
  await Promise.race([app.commands.execute("notebook:run-all-cells"), late]);
}"""
_ALL_NUMBERED = r"""() => {
  const prompts = [...document.querySelectorAll(".jp-CodeCell .jp-InputArea-prompt")];
  return prompts.length > 0 && prompts.every((prompt) => /\[(\d+| )\]/.test(prompt.textContent));
}"""
_BAD_OUTPUTS = (
    ".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr'], "
    ".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.error']"
)


def run_all(page: Page, *, timeout: float = 120_000) -> None:
    """Run every cell; raise `NotebookError` if one raised or wrote to stderr."""
    page.evaluate(_RUN_ALL, timeout)
    page.wait_for_function(_ALL_NUMBERED, timeout=timeout)
    if bad := page.locator(_BAD_OUTPUTS).all_inner_texts():
        raise NotebookError("\n".join(bad))


_HASH = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let hash = 0;
  for (let i = 0; i < data.length; i += 4) {
    hash = (hash * 31 + data[i] * 7 + data[i + 1] * 3 + data[i + 2]) | 0;
  }
  return hash;
}"""


def steady_box(element: Locator) -> dict[str, float]:
    """Place of an element in the window, in pixels, once it has not moved for a fifth of a second.

    A message that appears above the picture moves it: a drag that began at its former place would miss it.
    """
    element.scroll_into_view_if_needed()
    box, same = element.bounding_box(), 0
    while same < 4:
        element.page.wait_for_timeout(50)
        last, box = box, element.bounding_box()
        same = same + 1 if box == last and box is not None else 0
    return box


def wait_freedom(page: Page, *, timeout: float = 60_000) -> None:
    """Wait until the search for the freedom of the spectra has ended, since it draws bands into their plot."""
    page.wait_for_function(
        """() => { const line = document.querySelector(".mffnb-details:not([hidden]) summary");
          return line && !line.textContent.includes("searching on"); }""",
        timeout=timeout,
    )


def canvas_hash(canvas: Locator) -> int:
    """Return a number that changes with the pixels of a canvas."""
    value: int = canvas.evaluate(_HASH)
    return value


def wait_canvas_change(canvas: Locator, old: int, *, timeout: float = 30_000) -> None:
    """Wait until a canvas differs from the hash taken before."""
    canvas.page.wait_for_function(
        f"([canvas, old]) => ({_HASH})(canvas) !== old", arg=[canvas.element_handle(), old], timeout=timeout
    )


def wait_canvas_equals(canvas: Locator, wanted: int, *, timeout: float = 30_000) -> None:
    """Wait until a canvas has a hash taken before."""
    canvas.page.wait_for_function(
        f"([canvas, wanted]) => ({_HASH})(canvas) === wanted", arg=[canvas.element_handle(), wanted], timeout=timeout
    )


def screenshot(page: Page, name: str) -> pathlib.Path:
    """Save what the page shows, in the folder MFFNB_TEST_ARTIFACTS or `test-artifacts`."""
    folder = pathlib.Path(os.environ.get("MFFNB_TEST_ARTIFACTS") or PROJECT / "test-artifacts")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.png"
    page.screenshot(path=path)
    return path
