"""Frames a second of the composite while the weight of a component is dragged, in JupyterLab with a software renderer.

    python -m benchmarks speed.composite [--frames 40] [--rounds 5]

Needs the `lab` and `test` extras and Chromium. The page shows random maps without a fit, so that the kernel is idle. A weight changes
with each screen refresh, and the next one is awaited: a frame is complete when its pixels are on the canvas. "One weight" drags one
slider; "all weights" moves another slider with each frame, so that no part of the last picture can be used again. The clock of the
best round shows what the machine can do; the processor time of the page's main thread a frame hardly depends on other processes.
"""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat

from benchmarks.shared.command import parser, print_header, print_row
from tests.browser import lab as kit

CELL = """
import numpy as np
from mffnb.plots.palette import component_colors
from mffnb.widgets.live_view.frame import Frame
from mffnb.widgets.live_view.live_view import LiveView

k, side = {k}, {side}
maps = np.random.default_rng(0).random((k, side, side)) ** 3
labels = tuple(f"component {{i}}" for i in range(k))
view = LiveView(tools=("composite",))
frame = Frame(maps, np.ones((k, 9)), np.arange(9.0), "m/z (u)", labels, tuple(component_colors(k)), final=True)
view.show(frame)
view.show_tool("composite", {{"shown": True, "opacity": 1.0}})
view
"""
DRAG = """async ([frames, all]) => {
  const sliders = [...document.querySelectorAll(".mffnb-mix input")];
  const next = () => new Promise((resolve) => requestAnimationFrame(resolve));
  await next();
  const start = performance.now();
  for (let i = 0; i < frames; i++) {
    const slider = sliders[all ? i % sliders.length : 0];
    slider.value = String(0.5 + (i % 2 ? 0.02 : 0) + (i / frames));
    slider.dispatchEvent(new Event("input"));
    await next();
  }
  await next();
  return performance.now() - start;
}"""
IMAGES = {"1024 x 1024, k = 8": (8, 1024), "512 x 512, k = 8": (8, 512)}


def measure(k: int, side: int, frames: int, rounds: int) -> dict[str, tuple[float, float]]:
    """Frames a second of the best round, and the lowest processor time in milliseconds a frame, for each kind of drag."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL.format(k=k, side=side))])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    root = Path(tempfile.mkdtemp())
    nbformat.write(notebook, root / "composite.ipynb")
    found: dict[str, tuple[float, float]] = {}
    with kit.lab_server(root) as lab, kit.chromium() as browser, kit.new_page(browser) as page:
        kit.open_notebook(page, lab, "composite.ipynb")
        kit.run_all(page)
        page.locator(".mffnb-mix input").first.wait_for(timeout=120_000)
        page.locator(".mffnb-view").scroll_into_view_if_needed()
        devtools = page.context.new_cdp_session(page)
        devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
        for kind, every in (("one weight", False), ("all weights", True)):
            times = []
            for _ in range(rounds):
                before = _busy(devtools)
                elapsed = page.evaluate(DRAG, [frames, every])
                times.append((1e3 * frames / elapsed, 1e3 * (_busy(devtools) - before) / frames))
            found[kind] = max(rate for rate, _ in times), min(busy for _, busy in times)
        kit.close_notebooks(page, lab)
    return found


def _busy(devtools: Any) -> float:
    """Processor seconds of the main thread of the page so far."""
    metrics = devtools.send("Performance.getMetrics")["metrics"]
    return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print frames a second and processor time for each image and each kind of drag."""
    options = parser(__doc__)
    options.add_argument("--frames", type=int, default=40)
    options.add_argument("--rounds", type=int, default=5)
    given = options.parse_args(arguments)
    images = {"64 x 64, k = 3": (3, 64)} if given.quick else IMAGES
    print_header("image", "drag", "frames a second (best)", "processor ms a frame (least)")
    for image, (k, side) in images.items():
        for kind, (rate, busy) in measure(k, side, given.frames, given.rounds).items():
            print_row(image, kind, f"{rate:.0f}", f"{busy:.1f}")
    print(f"\n{platform.machine()}, Python {platform.python_version()}")
