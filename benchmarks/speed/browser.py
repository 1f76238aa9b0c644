"""Milliseconds from a key press on a slider to changed pixels, in a real JupyterLab with the solver running.

    python -m benchmarks speed.browser [--presses 40] [--pause 0.7]

Needs the `lab` and `test` extras and Chromium (variable `CHROMIUM`, or `chromium` on the path). The clock runs in the browser: from
the key event until the pixels of the first map differ and are drawn. Each press interrupts the run that the previous press
started, since a run takes longer than the pause.
"""

from __future__ import annotations

import json
import platform
import tempfile
from collections.abc import Sequence
from pathlib import Path

import nbformat
import numpy as np

from benchmarks.shared.command import parser, print_header, print_row
from tests.browser import lab as kit

CELL = """
import mffnb as mf
explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0).cube, k=4)
explorer
"""
CLOCK = """() => {
  const hash = () => { const c = document.querySelector("canvas.mffnb-map");
    const { data } = c.getContext("2d").getImageData(0, 0, c.width, c.height); let h = c.width * 7 + c.height;
    for (let i = 0; i < data.length; i += 4) h = (h * 31 + data[i] * 7 + data[i + 1] * 3 + data[i + 2]) | 0; return h; };
  window.times = []; let start = null, old = null;
  document.addEventListener("keydown", () => { old = hash(); start = performance.now(); }, true);
  const view = document.querySelector(".mffnb-view");
  new MutationObserver(() => requestAnimationFrame(() => setTimeout(() => {
    if (start === null || hash() === old) return;
    window.times.push(performance.now() - start); start = null; }, 0)))
    .observe(view, { attributes: true, attributeFilter: ["data-iteration", "data-generation"] }); }"""


def measure(presses: int, pause: float) -> dict[str, list[float]]:
    """Milliseconds of each slider, and from a new value to the start of the run that replaces a running one."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    root = Path(tempfile.mkdtemp())
    nbformat.write(notebook, root / "live.ipynb")
    figures: dict[str, list[float]] = {}
    with kit.lab_server(root) as lab, kit.chromium() as browser, kit.new_page(browser) as page:
        kit.open_notebook(page, lab, "live.ipynb")
        kit.run_all(page)
        page.locator(".mffnb-view[data-final='true']").wait_for(timeout=120_000)
        page.locator(".mffnb-view").scroll_into_view_if_needed()
        for label in ("sparsity", "smoothness", "components"):
            control = page.locator(".widget-inline-hbox", has=page.get_by_text(label, exact=True))
            control.locator(".noUi-handle").focus()
            page.keyboard.press("ArrowRight")  # warm-up; its run is interrupted by the next press
            page.wait_for_timeout(1e3 * pause)
            page.evaluate(CLOCK) if label == "sparsity" else page.evaluate("() => { window.times = []; }")
            for i in range(presses):
                away = i % 16 < 8 if label != "components" else i % 2 == 0
                page.keyboard.press("ArrowRight" if away else "ArrowLeft")
                page.wait_for_timeout(1e3 * pause)
            figures[label] = page.evaluate("() => window.times")
        kernel = evaluate(
            page,
            "__import__('json').dumps([r.latency_ms for r, before in "
            "zip(list(explorer._fit.runner.log)[1:], explorer._fit.runner.log) if before.abandoned])",
        )
        figures["restart of a running solve"] = json.loads(kernel)
    return figures


def evaluate(page, expression: str) -> str:
    """Print an expression in the notebook's kernel."""
    return page.evaluate(
        """async (code) => {
          const kernel = window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel; let text = "";
          const future = kernel.requestExecute({ code: `print(${code})`, store_history: false });
          future.onIOPub = (m) => { if (m.header.msg_type === "stream") text += m.content.text; };
          await future.done; return text.trim(); }""",
        expression,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--presses", type=int, default=40)
    options.add_argument("--pause", type=float, default=0.7)
    chosen = options.parse_args(arguments)
    figures = measure(2 if chosen.quick else chosen.presses, chosen.pause)
    print_header("milliseconds", "n", "median", "95th percentile", "largest")
    pressed = [time for name, times in figures.items() if not name.startswith("restart") for time in times]
    for name, times in {**figures, "all three sliders": pressed}.items():
        print_row(name, len(times), *(f"{value:.0f}" for value in np.percentile(times, [50, 95, 100])))
    print(f"\n{platform.machine()}, Python {platform.python_version()}, 128 x 128 x 1535, k = 4")
