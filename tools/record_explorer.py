"""Record the gestures of the explorer in a real JupyterLab as an animated picture for the landing page.

::

    CHROMIUM=/usr/bin/chromium python tools/record_explorer.py docs/explorer.webp

A slider moves while the maps follow, a pixel is clicked, and a region is drawn. A browser without a window has no
mouse pointer, so the page gets a drawn one. Look at the frames before you commit the file.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from PIL import Image
from playwright.sync_api import FloatRect, Page

from tests.browser import lab as kit

SCENE = """
import mffnb as mf

sample = mf.datasets.tof_sims_2d(seed=0, shape=(64, 96))
explorer = mf.explore(sample.cube, k=4, weights="poisson", tol=1e-3, random_state=0)
explorer
"""
POINTER = """() => {
  const pointer = document.createElement("div");
  pointer.style.cssText = "position:fixed;z-index:9999;width:18px;height:18px;margin:-9px;border-radius:50%;"
    + "background:rgba(255,120,0,.55);border:2px solid #fff;box-shadow:0 0 4px #000;pointer-events:none;left:-99px";
  document.body.append(pointer);
  addEventListener("mousemove", (event) => {
    pointer.style.left = event.clientX + "px"; pointer.style.top = event.clientY + "px"; }, true);
  addEventListener("mousedown", () => { pointer.style.background = "rgba(220,0,0,.85)"; }, true);
  addEventListener("mouseup", () => { pointer.style.background = "rgba(255,120,0,.55)"; }, true);
}"""
LARGEST = 2_000_000
"""Bytes of the file."""


@dataclass
class Recording:
    """Frames of one part of the page, with their times in milliseconds."""

    page: Page
    clip: FloatRect
    frames: list[Image.Image] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    at: tuple[float, float] | None = None

    def shoot(self, milliseconds: int = 120) -> None:
        """Take one frame that is shown for so long."""
        picture = Image.open(io.BytesIO(self.page.screenshot(clip=self.clip))).convert("RGB")
        if self.frames and self.frames[-1].tobytes() == picture.tobytes():
            self.times[-1] += milliseconds
            return
        self.frames.append(picture)
        self.times.append(milliseconds)

    def move(self, x: float, y: float, steps: int = 6) -> None:
        """Move the pointer in a straight line, one frame a step."""
        start = self.at or (x, y)
        for i in range(1, steps + 1):
            self.page.mouse.move(start[0] + (x - start[0]) * i / steps, start[1] + (y - start[1]) * i / steps)
            self.page.wait_for_timeout(40)
            self.shoot()
        self.at = (x, y)

    def save(self, path: Path, width: int) -> None:
        """Write the file, with the highest quality that fits into its largest size."""
        height = round(width * self.frames[0].height / self.frames[0].width)
        small = [frame.resize((width, height), Image.Resampling.LANCZOS) for frame in self.frames]
        for quality in (80, 65, 50, 35):
            small[0].save(
                path, save_all=True, append_images=small[1:], duration=self.times, loop=0, quality=quality, method=6
            )
            if path.stat().st_size < LARGEST:
                return
        raise ValueError(f"{path.name} has {path.stat().st_size} bytes, more than {LARGEST}: take fewer frames")


def explorer(page: Page, server: kit.Lab) -> FloatRect:
    """Open the explorer, and return the part of the window that shows it."""
    cell = nbformat.v4.new_code_cell(SCENE)
    notebook = nbformat.v4.new_notebook(cells=[cell])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, server.root / "explorer.ipynb")
    kit.open_notebook(page, server, "explorer.ipynb")
    page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
    kit.run_all(page)
    page.locator(".mffnb-view[data-final='true']").wait_for(timeout=120_000)
    kit.wait_freedom(page)
    page.evaluate(POINTER)
    page.locator(".mffnb-settings").first.evaluate("(one) => one.scrollIntoView({block: 'start'})")
    page.wait_for_timeout(500)
    box = page.locator(".jp-OutputArea-output", has=page.locator(".mffnb-view")).first.bounding_box()
    assert box is not None
    status = page.locator("#jp-bottom-panel").bounding_box()  # the bar of JupyterLab below the notebook
    top, bottom = max(box["y"], 0.0), box["y"] + box["height"]
    return {
        "x": box["x"],
        "y": top,
        "width": box["width"],
        "height": min(bottom, status["y"] if status else bottom) - top,
    }


def record(page: Page, clip: FloatRect) -> Recording:
    """Make the gestures, and take a frame after each small step."""
    film = Recording(page, clip)
    film.shoot(1200)
    for gesture in (smooth, point, region):
        for _ in gesture(film):
            film.shoot(900)
    return film


def smooth(film: Recording) -> Iterator[None]:
    """Drag the slider of the smoothness; the maps follow while it moves."""
    control = film.page.locator(".widget-inline-hbox", has=film.page.get_by_text("smoothness", exact=True))
    handle, bar = kit.steady_box(control.locator(".noUi-handle")), control.locator(".noUi-base").bounding_box()
    assert bar is not None
    y = handle["y"] + handle["height"] / 2
    film.move(handle["x"] + handle["width"] / 2, y, 1)
    film.page.mouse.down()
    film.move(bar["x"] + 0.6 * bar["width"], y, 16)
    film.page.mouse.up()
    film.page.locator(".mffnb-view[data-final='true']").wait_for(timeout=120_000)
    yield


def point(film: Recording) -> Iterator[None]:
    """Point at pixels of the first map, and keep one by a click."""
    box = kit.steady_box(film.page.locator("canvas.mffnb-map").first)
    film.move(box["x"] + 0.3 * box["width"], box["y"] + 0.75 * box["height"], 8)
    yield
    film.move(box["x"] + 0.6 * box["width"], box["y"] + 0.4 * box["height"], 8)
    film.page.mouse.down()
    film.page.mouse.up()
    film.page.wait_for_timeout(300)
    yield


def region(film: Recording) -> Iterator[None]:
    """Draw a region on the second map."""
    button = film.page.locator("button.mffnb-button", has_text="Region").first
    place = kit.steady_box(button)
    film.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    button.click()
    film.shoot(400)
    box = kit.steady_box(film.page.locator("canvas.mffnb-map").nth(1))
    corners = [(0.15, 0.2), (0.5, 0.15), (0.55, 0.5), (0.3, 0.65), (0.12, 0.45)]
    for number, (x, y) in enumerate(corners):
        film.move(box["x"] + x * box["width"], box["y"] + y * box["height"], 5)
        if number == 0:
            film.page.mouse.down()
    film.page.mouse.up()
    film.page.wait_for_timeout(500)
    yield
    film.page.mouse.move(5, 5)
    film.shoot(1500)


def main(arguments: list[str] | None = None) -> None:
    """Record and save."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("path", type=Path, help="file to write, such as docs/explorer.webp")
    parser.add_argument("--width", type=int, default=900, help="width of the picture in pixels")
    parser.add_argument("--frames", type=Path, help="folder for the frames as PNG, to look at")
    given = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory() as folder,
        kit.lab_server(Path(folder)) as server,
        kit.chromium() as browser,
        kit.new_page(browser, width=1250, height=1200) as page,
    ):
        film = record(page, explorer(page, server))
        if errors := kit.console_errors(page):
            raise RuntimeError(f"the page reported errors: {errors}")
    film.save(given.path, given.width)
    if given.frames:
        given.frames.mkdir(parents=True, exist_ok=True)
        for number, frame in enumerate(film.frames):
            frame.save(given.frames / f"{number:03}.png")
    seconds, size = sum(film.times) / 1000, given.path.stat().st_size
    print(f"{given.path.name}: {len(film.frames)} frames, {seconds:.0f} s, {size} bytes")


if __name__ == "__main__":
    main()
