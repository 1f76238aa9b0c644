"""The report of a result in Chromium without a network: pictures, no request, readable, light and dark."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

import mffnb as mf


@pytest.mark.parametrize("width", [420, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_report_needs_no_network_and_is_accessible(browser, tmp_path, scheme, width):
    result = mf.unmix(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, 3, random_state=0)
    (path,) = result.export(tmp_path / "report.html")
    context = browser.new_context(
        color_scheme=scheme, offline=True, viewport={"width": width, "height": 900}, bypass_csp=True
    )
    page, asked, said = context.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.goto(path.as_uri())
    assert [url for url in asked if not url.startswith("data:")] == [path.as_uri()]
    assert said == []
    shown = page.evaluate("[...document.images].map((one) => [one.naturalWidth > 0, one.currentSrc === one.src])")
    assert shown == [[True, scheme == "light"]] * 3
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]}).response["violations"]
    assert [(one["id"], one["help"]) for one in found] == []
    context.close()
