"""Accessibility of the explorer with its tools open: axe-core finds nothing serious, light and dark, wide and narrow."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser import lab as kit
from tests.browser.test_explorer import READY, evaluate, opened

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


@pytest.mark.parametrize("name", ["stack", "patterns"])
def test_no_serious_finding_with_all_tools_open(page, lab, name):
    view = opened(page, lab, f"axe_{name}.ipynb", ({"stack": STACK, "patterns": PATTERNS}[name],))
    page.locator(READY).wait_for(timeout=120_000)
    if name == "patterns":
        view.get_by_role("button", name="Leave out", exact=True).click()
    else:
        assert evaluate(page, "all(explorer.shown_values(one)['shown'] for one in ('identify', 'match'))") == "True"
    try:
        for theme in ("Light", "Dark"):
            page.evaluate(
                "name => window.jupyterapp.commands.execute('apputils:change-theme', {theme: name})",
                f"JupyterLab {theme}",
            )
            for width in (1400, 700):
                page.set_viewport_size({"width": width, "height": 1600})
                page.wait_for_timeout(700)
                found = Axe().run(page, context=".mffnb-explorer").response["violations"]
                serious = [
                    (one["id"], [node["html"][:160] for node in one["nodes"]])
                    for one in found
                    if one["impact"] in ("serious", "critical")
                ]
                kit.screenshot(page, f"axe_{name}_{theme.lower()}_{width}")
                assert serious == [], (theme, width)
    finally:
        page.set_viewport_size({"width": 1400, "height": 1100})
        page.evaluate("window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Light'})")
    assert kit.console_errors(page) == []
