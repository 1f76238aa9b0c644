"""Milliseconds from a move of a slider to changed pixels in a living figure, in Chromium without a network.

    python -m benchmarks speed.living_figure [--presses 30] [--pause 0.7]

Needs the `test` extra and Chromium (variable `CHROMIUM`, or `chromium` on the path). The data are 128 x 128 pixels x 256 channels of
counts, k = 4. The clock runs in the page: from the key event until the pixels of the first map differ and are drawn.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import mffnb as mf
from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.speed.browser import CLOCK
from tests.browser import lab as kit

SLIDERS = ("Components", "Sparsity", "Smoothness")


def figure(shape: tuple[int, int]) -> Path:
    """Write the living figure of a simulated ToF-SIMS image, and return its path."""
    cube = (
        mf.datasets.tof_sims_2d(seed=0, shape=shape).cube.isel(mz=slice(0, 1530)).coarsen(mz=6, boundary="trim").sum()
    )
    cube = cube.pad(mz=(0, 256 - cube.sizes["mz"]), constant_values=0) if cube.sizes["mz"] < 256 else cube
    cube = cube.assign_coords(mz=np.arange(256.0))
    (path,) = mf.unmix(cube, 4, random_state=0).export(Path(tempfile.mkdtemp()) / "figure.living.html")
    return path


def measure(path: Path, presses: int, pause: float) -> dict[str, list[float]]:
    """Return the milliseconds of each slider."""
    figures: dict[str, list[float]] = {}
    with kit.chromium() as browser:
        context = browser.new_context(offline=True, viewport={"width": 1400, "height": 1000})
        page = context.new_page()
        page.goto(path.as_uri())
        page.locator(".mffnb-view[data-final='true']").wait_for(timeout=60_000)
        page.evaluate(CLOCK)
        for name in SLIDERS:
            page.locator(f"input[aria-label='{name}']").focus()
            page.keyboard.press("ArrowRight")
            page.wait_for_timeout(1e3 * pause)
            page.evaluate("() => { window.times = []; }")
            for i in range(presses):
                page.keyboard.press("ArrowRight" if i % 2 else "ArrowLeft")
                page.wait_for_timeout(1e3 * pause)
            figures[name] = page.evaluate("() => window.times")
        context.close()
    return figures


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--presses", type=int, default=30)
    options.add_argument("--pause", type=float, default=0.7)
    chosen = options.parse_args(arguments)
    path = figure((32, 40) if chosen.quick else (128, 128))
    print(f"{path.stat().st_size / 1e6:.2f} MB\n")
    print_header("milliseconds", "n", "median", "95th percentile", "largest")
    for name, times in measure(path, 2 if chosen.quick else chosen.presses, chosen.pause).items():
        print_row(name.lower(), len(times), *(f"{value:.0f}" for value in np.percentile(times, [50, 95, 100])))
