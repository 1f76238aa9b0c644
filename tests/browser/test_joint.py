"""The explorer of several images in a real JupyterLab: names, readout, pixels and regions of each image."""

from __future__ import annotations

import json

from tests.browser import lab as kit
from tests.browser.test_explorer import READY, evaluate, opened

IMAGES = """
import mffnb as mf

shapes = {"before": (40, 60), "after": (32, 40), "edge": (24, 70)}
cubes = [
    mf.datasets.tof_sims_2d(seed=seed, shape=shape).cube.rename(name)
    for seed, (name, shape) in enumerate(shapes.items())
]
explorer = mf.explore(cubes, k=3, tol=1e-3)
explorer
"""


def point(page, picture, box, tile, row, column, shape):
    """Return the position on the screen of a pixel of one image."""
    return (
        box["x"] + box["width"] * (tile["left"] + column + 0.5) / shape[1],
        box["y"] + box["height"] * (tile["top"] + row + 0.5) / shape[0],
    )


def test_pixels_and_regions_belong_to_the_image_at_the_pointer(page, lab):
    view = opened(page, lab, "joint.ipynb", (IMAGES,))
    page.locator(READY).wait_for(timeout=120_000)
    picture = view.locator(".mffnb-picture").first
    assert picture.locator(".mffnb-image").all_inner_texts() == ["before", "after", "edge"]
    evaluate(
        page,
        "setattr(explorer, 'frame_tiles', __import__('mffnb.cubes.tiles').cubes.tiles.tiles_of("
        "explorer.stage.result.abundances))",
    )
    fields = "[{'top': t.top, 'left': t.left, 'height': t.height, 'width': t.width} for t in explorer.frame_tiles]"
    tiles = json.loads(evaluate(page, fields).replace("'", '"'))
    shape = json.loads(evaluate(page, "list(explorer.stage.result.abundances.shape[1:])"))
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    page.mouse.move(*point(page, picture, box, tiles[1], 5, 7, shape))
    tip = view.locator(".mffnb-tip.mffnb-shown")
    tip.wait_for()
    assert tip.locator(".mffnb-tip-title").inner_text().startswith("after:")
    assert "pixel x 7, y 5" in tip.inner_text()
    page.mouse.click(*point(page, picture, box, tiles[1], 5, 7, shape))
    view.locator(".mffnb-place", has_text="after: pixel x 7, y 5").wait_for()
    same = "bool((explorer.pins['P1'].measured.values == cubes[1].values[5, 7]).all())"
    assert evaluate(page, same) == "True"
    gap = [tiles[0]["top"] + 3, tiles[0]["left"] + tiles[0]["width"] + 0.0]
    page.mouse.move(box["x"] + box["width"] * (gap[1] + 0.5) / shape[1], box["y"] + box["height"] * gap[0] / shape[0])
    view.locator(".mffnb-tip:not(.mffnb-shown)").wait_for(state="attached")
    region = evaluate(page, "explorer.region([(2, 2), (12, 20)], shape='rectangle', image='edge', name='R')")
    assert region.startswith("<region R")
    assert evaluate(page, "int(explorer.residual_map(shown=True).shape[0])") == str(shape[0])
    page.wait_for_timeout(500)
    kit.screenshot(page, "explorer_joint")
    view.locator("button", has_text="Undo").first.click()
    assert kit.console_errors(page) == []
