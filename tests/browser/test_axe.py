"""Accessibility of the explorer with its tools open: axe-core finds nothing serious, light and dark, wide and narrow."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser import lab as kit
from tests.browser.test_boards import kernel_value
from tests.browser.test_explorer import READY, evaluate, opened, write

STACK = """
import mffnb as mf
import xarray as xr

layers = [mf.datasets.tof_sims_2d(seed=seed, shape=(24, 32)).cube for seed in (0, 1, 2)]
stack = xr.concat(layers, dim="z").assign_coords(z=("z", [0.0, 0.5, 1.0], {"units": "µm"}))
explorer = mf.explore(stack, k=3, tol=1e-3)
explorer.wait()
explorer.profile((2, 2), (20, 20), width=4)
explorer.orthogonal_sections(1)
explorer.identify(43.0)
explorer.match(explorer.result.endmembers[:, ::1])
explorer.leave_out_channels(between=(0, 5))
explorer.composite()
explorer.scatter(0, 1)
explorer
"""
PATTERNS = """
import mffnb as mf

fft = mf.preprocessing.SlidingFFT(size=64, step=32)
image = mf.datasets.stem_catalyst(seed=0, shape=(512, 512), fft=fft).cube
explorer = mf.explore(image, k=2, preprocess=[fft], tol=1e-3)
explorer.wait()
explorer.leave_out_channels([(-0.5, -0.5), (-0.5, 0.5), (0.5, 0.5), (0.5, -0.5)], name="beam")
explorer.probe(pixel=[2, 3])
explorer
"""
RANKS = """
import mffnb as mf
import xarray as xr

layers = [mf.datasets.tof_sims_2d(seed=seed, shape=(20, 28)).cube[..., ::4] for seed in (0, 1, 2)]
stack = xr.concat(layers, dim="z").assign_coords(z=("z", [0.0, 0.5, 1.0], {"units": "µm"}))
board = mf.RankExplorer(stack, range(2, 5), n_init=2, splits=1, random_state=0)
board.wait()
board.choose(3)
board
"""
TRIALS = """
import mffnb as mf
import xarray as xr

layers = [mf.datasets.tof_sims_2d(seed=seed, shape=(20, 28)).cube[..., ::8] for seed in (0, 1, 2)]
stack = xr.concat(layers, dim="z").assign_coords(z=("z", [0.0, 0.5, 1.0], {"units": "µm"}))
board = mf.TuningMonitor(stack, {"sparsity": (1e-3, 1.0), "smoothness": (1e-3, 1.0)}, mf.tuning.BIC(), k=3, max_evals=6)
board.wait()
board
"""
TOOLS = """
board.orthogonal_sections(1)
board.residual_map()
board.composite()
board.scatter(0, 1)
board.profile((10, 10), (60, 90), width=8)
board.region(outline=[(0.1, 0.1), (0.1, 0.5), (0.5, 0.5), (0.5, 0.1)], name="R1")
board.probe(pixel=(12, 20))
board.code(shown=True)
"""
BOARD = ".mffnb-board"
WIDE = """(selector) => [...document.querySelectorAll(selector)].flatMap((root) => {
  const right = root.getBoundingClientRect().right + 1;
  return [...root.querySelectorAll("*")]
    .filter((node) => node.checkVisibility() && node.getBoundingClientRect().width > 0)
    .filter((node) => !node.closest(".mffnb-code, .mffnb-pins, .mffnb-figure-plate, svg"))
    .filter((node) => node.getBoundingClientRect().right > right)
    .map((node) => `${node.tagName}.${node.className}`);
})"""


def check_themes_and_widths(page, context, name, picture=""):
    """Run axe-core on a part of the page, light and dark, wide and narrow, with screenshots.

    ``picture`` names a picture in the kernel, which is drawn again for another theme.
    """
    try:
        for theme in ("Light", "Dark"):
            page.evaluate(
                "name => window.jupyterapp.commands.execute('apputils:change-theme', {theme: name})",
                f"JupyterLab {theme}",
            )
            if picture:  # the kernel prints when the figure is drawn
                kernel_value(page, f"{picture}.dark", str(theme == "Dark"))
            for width in (1400, 700):
                page.set_viewport_size({"width": width, "height": 1600})
                page.wait_for_timeout(700)
                found = Axe().run(page, context=context).response["violations"]
                serious = [
                    (one["id"], [node["html"][:160] for node in one["nodes"]])
                    for one in found
                    if one["impact"] in ("serious", "critical")
                ]
                kit.screenshot(page, f"{name}_{theme.lower()}_{width}")
                assert serious == [], (theme, width)
    finally:
        page.set_viewport_size({"width": 1400, "height": 1100})
        page.evaluate("window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Light'})")


@pytest.mark.parametrize("name", ["ranks", "trials"])
def test_boards_of_a_stack_have_no_serious_finding_with_their_tools_open(page, lab, name):
    write(lab, f"axe_{name}.ipynb", ({"ranks": RANKS, "trials": TRIALS}[name],))
    kit.open_notebook(page, lab, f"axe_{name}.ipynb")
    kit.run_all(page, timeout=240_000)
    page.locator(".mffnb-figure[data-spots]").first.wait_for(timeout=120_000)
    evaluate(page, "exec(" + repr(TOOLS) + ")")
    page.locator(".mffnb-cut").first.wait_for()
    check_themes_and_widths(page, BOARD, f"axe_{name}", {"ranks": "board.criteria", "trials": "board.picture"}[name])
    for width in (1400, 700):
        page.set_viewport_size({"width": width, "height": 1600})
        page.wait_for_timeout(700)
        assert page.evaluate(WIDE, BOARD) == [], width
        assert page.locator(".mffnb-choice .noUi-target").first.bounding_box()["width"] > 90, width
        for figure in page.locator(".mffnb-figure:visible").all():  # text of the picture stays readable
            plate = figure.locator(".mffnb-figure-plate").bounding_box()["width"]
            assert plate >= 0.79 * float(figure.evaluate("node => parseFloat(node.style.maxWidth)")), width
    page.set_viewport_size({"width": 1400, "height": 1100})
    assert kit.console_errors(page) == []


@pytest.mark.parametrize("name", ["stack", "patterns"])
def test_no_serious_finding_with_all_tools_open(page, lab, name):
    view = opened(page, lab, f"axe_{name}.ipynb", ({"stack": STACK, "patterns": PATTERNS}[name],))
    page.locator(READY).wait_for(timeout=120_000)
    if name == "patterns":
        view.get_by_role("button", name="Leave out", exact=True).click()
    else:
        assert evaluate(page, "all(explorer.shown_values(one)['shown'] for one in ('identify', 'match'))") == "True"
    check_themes_and_widths(page, ".mffnb-explorer", f"axe_{name}")
    assert kit.console_errors(page) == []
