"""Milliseconds from a move of the pointer to the painted spectrum of the pixel, and of a drag to the painted band image.

    python -m benchmarks speed.pointer [--moves 60]

Needs the `lab` and `test` extras and Chromium. The clock runs in the browser: from the pointer event to the timer after the next
animation frame, by which the canvas is painted; the measured spectrum from the event to its arrival in the page.
"""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Sequence
from pathlib import Path

import nbformat
import numpy as np

from benchmarks.shared.command import parser, print_header, print_row
from tests.browser import lab as kit

IMAGES = {
    "128 x 128 x 1535, k = 4": "mf.datasets.tof_sims_2d(seed=0).cube, k=4",
    "512 x 512 x 200, k = 8": "np.random.default_rng(0).random((512, 512, 8)) @ np.random.default_rng(1).random((8, 200)), k=8,"
    " max_iter=3",
}
CLOCK = """() => {
  window.painted = [];
  for (const selector of ["canvas.mffnb-map", ".mffnb-plot"])
    document.querySelector(selector).addEventListener("pointermove", () => { const start = performance.now();
      requestAnimationFrame(() => setTimeout(() => window.painted.push(performance.now() - start), 0)); }, true); }"""


def measure(cell: str, moves: int) -> dict[str, list[float]]:
    """Milliseconds of each move over a map, and of each move of a drag over the spectra."""
    text = f"import mffnb as mf\nimport numpy as np\nexplorer = mf.explore({cell})\nexplorer"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    root = Path(tempfile.mkdtemp())
    nbformat.write(notebook, root / "live.ipynb")
    figures: dict[str, list[float]] = {}
    with kit.lab_server(root) as lab, kit.chromium() as browser, kit.new_page(browser) as page:
        kit.open_notebook(page, lab, "live.ipynb")
        kit.run_all(page)
        page.locator(".mffnb-view[data-final='true']").wait_for(timeout=300_000)
        page.locator(".mffnb-view").scroll_into_view_if_needed()
        page.evaluate(CLOCK)
        box = page.locator("canvas.mffnb-map").first.bounding_box()
        assert box is not None
        for i in range(moves):
            page.mouse.move(box["x"] + 10 + i * (box["width"] - 20) / moves, box["y"] + box["height"] / 2)
            page.wait_for_timeout(60)
        figures["pointer to model and contributions"] = page.evaluate("() => window.painted.splice(0)")
        box = page.locator(".mffnb-plot").bounding_box()
        assert box is not None
        page.keyboard.down("Shift")
        page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 60)
        page.mouse.down()
        page.evaluate("() => window.painted.splice(0)")
        for i in range(moves):
            page.mouse.move(box["x"] + (0.3 + 0.2 * i / moves) * box["width"], box["y"] + 60)
            page.wait_for_timeout(60)
        figures["drag to band image of the model"] = page.evaluate("() => window.painted.splice(0)")
        page.mouse.up()
        page.keyboard.up("Shift")
    return figures


def main(arguments: Sequence[str] | None = None) -> None:
    """Print median and 95th percentile for each image."""
    options = parser(__doc__)
    options.add_argument("--moves", type=int, default=60)
    given = options.parse_args(arguments)
    print_header("image", "gesture", "moves", "median ms", "95 % ms")
    for image, cell in IMAGES.items():
        for gesture, times in measure(cell, given.moves).items():
            print_row(image, gesture, len(times), f"{np.median(times):.0f}", f"{np.quantile(times, 0.95):.0f}")
    print(f"\n{platform.machine()}, Python {platform.python_version()}")
