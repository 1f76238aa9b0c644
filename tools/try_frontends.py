"""Try the explorer in the programs that show notebooks, in a real browser, and print the table of docs/frontends.md.

    python tools/try_frontends.py --lab PYTHON --lab PYTHON --voila PYTHON --pictures FOLDER

Each PYTHON belongs to an environment with mffnb and the program: JupyterLab for ``--lab``; Notebook, Voila and
nbconvert for ``--voila``. This Python needs the extra ``test``, and Chromium on the path or in the variable CHROMIUM.

The page with the rules of VS Code is a stand-in, since VS Code itself is not run: Voila's page, to which the
content-security policy of VS Code's notebook page is added, so that nothing is loaded from elsewhere.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from playwright.sync_api import Error as PlaywrightError

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.browser import lab as kit

CELL = """\
import mffnb as mf

cube = mf.datasets.tof_sims_2d(seed=0, shape=(32, 48)).cube
explorer = mf.explore(cube, k=4, tol=1e-3)
explorer"""
FINAL = ".mffnb-view[data-final='true']"
#: The policy of VS Code's notebook page (setting notebook.experimental.enableCsp), with this server for its own. The
#: kernel of VS Code answers by messages, that of Voila by a connection to its server, which has to be allowed.
RULES = (
    "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval'{}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self' ws:; child-src data:"
)
WAIT = 90_000  # milliseconds


@dataclass
class Trial:
    """One program: the page of the browser, the folder of the notebook, and what is found."""

    page: kit.Page
    root: Path
    python: str
    picture: Path
    errors: list[str] = field(default_factory=list)

    def record(self) -> None:
        """Keep a screenshot and the errors of the page so far, before its server is stopped."""
        self.page.screenshot(path=self.picture)
        said = {one.replace("|", "/").replace("\n", " ")[:150] for one in kit.console_errors(self.page)}
        self.errors = sorted(one for one in said if "favicon" not in one)


def main() -> None:
    """Try all programs and print one row of a Markdown table for each."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--lab", action="append", default=[], help="Python with JupyterLab; may be repeated")
    options.add_argument("--voila", help="Python with Notebook, Voila and nbconvert")
    options.add_argument("--pictures", type=Path, default=Path("frontends"), help="folder for screenshots")
    chosen = options.parse_args()
    chosen.pictures.mkdir(parents=True, exist_ok=True)
    print("| program | explorer appears | a slider changes it | errors of the page | seconds |\n|---|---|---|---|---|")
    with kit.chromium() as browser, TemporaryDirectory() as folder:
        root = Path(folder)
        write_notebook(root / "explore.ipynb")
        trials: list[tuple[str, Callable[[Trial], str], str]] = [
            (version(one, "jupyterlab"), in_lab, one) for one in chosen.lab
        ]
        if chosen.voila:
            trials += [
                (version(chosen.voila, "notebook"), in_notebook, chosen.voila),
                (version(chosen.voila, "voila"), in_voila, chosen.voila),
                ("rules of VS Code and blobs", with_rules_and_blobs, chosen.voila),
                ("rules of VS Code", with_rules, chosen.voila),
                (version(chosen.voila, "nbconvert"), in_html, chosen.voila),
            ]
        for name, attempt, python in trials:
            with kit.new_page(browser, width=1300, height=1000) as page:
                begin = time.monotonic()
                trial = Trial(page, root, python, chosen.pictures / f"{name.replace(' ', '_')}.png")
                try:
                    outcome = attempt(trial)
                except Exception as error:
                    outcome = f"no: {str(error).splitlines()[0]} | no"
                errors = "; ".join(trial.errors) or "none"
                print(f"| {name} | {outcome} | {errors} | {time.monotonic() - begin:.0f} |", flush=True)


def version(python: str, package: str) -> str:
    """Return the name and version of a package of some environment."""
    code = f"from importlib.metadata import version; print({package!r}, version({package!r}))"
    return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def write_notebook(path: Path) -> None:
    """Write a notebook with one cell, which shows the explorer."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, path)


def explorer_answers(trial: Trial) -> str:
    """Wait for the final picture, drag the first slider, and wait for the next final picture."""
    page = trial.page
    try:
        move_a_slider(page)
    finally:
        trial.record()
    return "yes | yes"


def move_a_slider(page: kit.Page) -> None:
    """Drag the slider of k, which is four at first, and wait for the map of a fifth component."""
    page.locator(FINAL).first.wait_for(timeout=WAIT)
    page.wait_for_timeout(1500)
    handle = page.locator(".widget-slider .noUi-handle").first
    fifth = page.get_by_text("component 4", exact=True).first
    for _ in range(3):  # a gesture may be lost while a page still loads
        box = kit.steady_box(handle)
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + 60, y, steps=6)
        page.mouse.up()
        with contextlib.suppress(PlaywrightError):
            fifth.wait_for(timeout=20_000)
            break
    fifth.wait_for(timeout=1000)
    page.locator(FINAL).first.wait_for(timeout=WAIT)
    page.wait_for_timeout(1500)
    page.locator(".mffnb-view").first.scroll_into_view_if_needed()


def in_lab(trial: Trial) -> str:
    """JupyterLab: run the notebook."""
    with kit.lab_server(trial.root, python=(trial.python,)) as lab:
        kit.open_notebook(trial.page, lab, "explore.ipynb")
        kit.run_all(trial.page)
        return explorer_answers(trial)


def in_notebook(trial: Trial) -> str:
    """Notebook 7: run the notebook by its menu."""
    page = trial.page
    options = ["--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1", "--IdentityProvider.token="]
    with served(trial, "notebook", *options, "--ServerApp.port={port}") as address:
        page.goto(f"{address}/notebooks/explore.ipynb")
        page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=WAIT)
        page.wait_for_timeout(4000)  # the kernel connects
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        return explorer_answers(trial)


def in_voila(trial: Trial, rules: str = "") -> str:
    """Voila: the page runs the notebook by itself."""
    options = ["--no-browser", "--Voila.ip=127.0.0.1", "--port={port}"]
    page = trial.page
    headers = {"Content-Security-Policy": rules} if rules else {}
    (trial.root / "voila.json").write_text(json.dumps({"Voila": {"tornado_settings": {"headers": headers}}}))
    with served(trial, "voila", "explore.ipynb", *options) as address:
        page.goto(address + "/", timeout=WAIT)
        return explorer_answers(trial)


def with_rules(trial: Trial) -> str:
    """Voila's page under the rules of VS Code, in which scripts come from the server only."""
    return in_voila(trial, RULES.format(""))


def with_rules_and_blobs(trial: Trial) -> str:
    """Voila's page under the rules of VS Code, with scripts that the page makes itself, as anywidget does."""
    return in_voila(trial, RULES.format(" blob:"))


def in_html(trial: Trial) -> str:
    """A saved page: it has no kernel, so that the static picture of the explorer is shown."""
    cells = [nbformat.v4.new_code_cell(one) for one in (CELL, "explorer.wait()", "import time; time.sleep(8)")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), trial.root / "saved.ipynb")
    command = [trial.python, "-m", "nbconvert", "--to", "html", "--execute", "saved.ipynb"]
    environment = kit._environment(trial.root / "private")
    subprocess.run(command, cwd=trial.root, env=environment, check=True, capture_output=True)
    page = trial.page
    page.route("http*://**", lambda route: route.abort())  # a saved page is also read without a network
    page.goto((trial.root / "saved.html").as_uri())
    page.wait_for_timeout(3000)
    picture = page.locator("img[src^='data:image/png']").first
    seen = picture.is_visible()
    picture.scroll_into_view_if_needed()
    trial.record()
    return f"{'its static picture' if seen else 'no'} | no, there is no kernel"


@contextlib.contextmanager
def served(trial: Trial, module: str, *options: str) -> Iterator[str]:
    """Start a server in the folder of the notebook, wait until it answers, and return its address."""
    port = kit._free_port()
    log = trial.root / f"{module}.log"
    command = [trial.python, "-m", module, *(word.format(port=port) for word in options)]
    environment = kit._environment(trial.root / "private")
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=trial.root, env=environment, stdout=output, stderr=output)
    try:
        wait_for(f"http://127.0.0.1:{port}", process, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


def wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a server answers at all, be it that it has no such page: Voila's own page runs the notebook first."""
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/static/none", timeout=5).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.3)
    raise RuntimeError(f"the server did not start: {log.read_text()[-2000:]}")


if __name__ == "__main__":
    main()
