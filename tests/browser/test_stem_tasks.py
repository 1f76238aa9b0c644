"""Tasks of a microscopist in a real JupyterLab, on an image with SlidingFFT: worst window, where a spot is, export."""

from __future__ import annotations

from tests.browser import lab as kit
from tests.browser.test_explorer import READY, evaluate, opened

CELL = """
import mffnb as mf

image = mf.datasets.stem_catalyst(seed=0, shape=(1024, 1024)).cube
explorer = mf.explore(image, 2, preprocess=[mf.preprocessing.SlidingFFT(size=320, step=32, zoom=5)], tol=1e-3)
explorer
"""


def drag(page, box, start, end):
    """Drag between two positions, given as shares of a box."""
    (x0, y0), (x1, y1) = ((box["x"] + fx * box["width"], box["y"] + fy * box["height"]) for fx, fy in (start, end))
    page.mouse.move(x0, y0)
    page.mouse.down()
    page.mouse.move((x0 + x1) / 2, (y0 + y1) / 2, steps=3)
    page.mouse.move(x1, y1, steps=3)
    page.mouse.up()


def test_worst_window_where_a_spot_is_and_the_figure(page, lab, tmp_path):
    view = opened(page, lab, "stem.ipynb", (CELL,))
    page.locator(READY).wait_for(timeout=180_000)
    kit.screenshot(page, "stem_first")

    view.locator("button.mffnb-button", has_text="Residual").click()
    view.locator("button.mffnb-button", has_text="Worst pixel").click()
    view.locator(".mffnb-patterns .mffnb-tile", has_text="measured").first.wait_for()
    worst = evaluate(page, "explorer.residual_map().attrs['worst']")
    assert "y" in worst
    page.mouse.move(5, 5)
    kit.screenshot(page, "stem_worst")

    view.get_by_role("button", name="Spot", exact=True).click()
    pattern = view.locator(".mffnb-patterns .mffnb-picture").first
    pattern.scroll_into_view_if_needed()
    drag(page, kit.steady_box(pattern), (0.55, 0.35), (0.6, 0.4))
    view.locator(".mffnb-tile", has_text="spot (").wait_for(timeout=30_000)
    view.get_by_role("button", name="Spot", exact=True).click()
    view.locator(".mffnb-grid").first.scroll_into_view_if_needed()
    page.mouse.move(5, 5)
    kit.screenshot(page, "stem_spot")
    shown = evaluate(page, "explorer.view.tool_band['outline'][0]")
    assert len(shown) > 4
    ranges = evaluate(page, "explorer.band(outline=explorer.view.tool_band['outline']).attrs['ranges']")
    assert "ky" in ranges

    with page.expect_download(timeout=60_000) as download:
        view.locator("select.mffnb-select", has_text="Save figure").select_option("pdf")
    download.value.save_as(tmp_path / "figure.pdf")
    assert (tmp_path / "figure.pdf").read_bytes().startswith(b"%PDF")
    with page.expect_download(timeout=60_000) as download:
        view.locator("select.mffnb-select", has_text="Save figure").select_option("png")
    download.value.save_as(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 10_000
    (tmp_path / "figure.png").replace(kit.screenshot(page, "stem_end").with_name("stem_figure.png"))
    assert kit.console_errors(page) == []
