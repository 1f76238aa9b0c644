"""The living figure in Chromium without a network: no request, the factors of Python, gestures, keyboard, light and dark."""

from __future__ import annotations

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe

import mffnb as mf
from mffnb.solvers import Outcome

TOLERANCE = 1e-8
# Keep the worker of the page, and each state that it reports.
RECORD = """
window.answers = [];
window.Worker = class extends Worker {
  constructor(...words) {
    super(...words);
    window.solver = this;
    this.addEventListener("message", ({ data }) => window.answers.push(data));
  }
};
"""
SOLVE = """(settings) => {
  window.answers.length = 0;
  window.solver.postMessage({ type: "solve", generation: -1, settings, fresh: true });
}"""
LAST = """() => {
  const one = window.answers.at(-1);
  return { ...one, A: Array.from(one.A), E: Array.from(one.E) };
}"""
MOVE = """([name, position]) => {
  const slider = document.querySelector(`input[aria-label="${name}"]`);
  slider.value = position;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
}"""
ENDED = "() => Boolean(window.answers.at(-1)?.outcome)"
PIXELS = "() => [...document.querySelectorAll('.mffnb-view canvas')].map((one) => one.toDataURL())"


@pytest.fixture(scope="module")
def cube():
    return mf.datasets.tof_sims_2d(seed=0, shape=(24, 32)).cube.coarsen(mz=12, boundary="trim").sum()


@pytest.fixture(scope="module")
def result(cube):
    return mf.unmix(cube, 3, random_state=0, sparsity=1e-2, tol=TOLERANCE, max_iter=5000)


@pytest.fixture
def opened(browser, result, tmp_path):
    """Function that opens the figure in a page without a network, which then makes no request and reports no error."""
    pages = []

    def open_figure(**options):
        (path,) = result.export(tmp_path / "figure.living.html")
        context = browser.new_context(offline=True, **options)
        page, asked, said = context.new_page(), [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.add_init_script(RECORD)
        page.goto(path.as_uri())
        page.wait_for_selector(".mffnb-view[data-final=true]")
        pages.append((context, path, asked, said))
        return page

    yield open_figure
    for context, path, asked, said in pages:
        assert [url for url in asked if not url.startswith("blob:")] == [path.as_uri()]
        assert said == []
        context.close()


def until(page, condition, *arguments):
    """Wait until a function of the page returns true; Playwright's own wait needs eval, which the page refuses."""
    for _ in range(1000):
        if page.evaluate(condition, *arguments):
            return
        page.wait_for_timeout(20)
    raise AssertionError(f"still false: {condition}")


def difference(found, reference):
    """Largest distance of a row from that of the reference, relative to its norm."""
    return (np.linalg.norm(found - reference, axis=1) / np.linalg.norm(reference, axis=1)).max()


@pytest.mark.parametrize(
    "settings",
    [
        {"sparsity": 0.0, "smoothness": 0.0},
        {"sparsity": 0.1, "smoothness": 0.0},
        {"sparsity": 0.0, "smoothness": 0.1},
        {"sparsity": 0.03, "smoothness": 1.0},
    ],
)
def test_factors_are_those_of_python_from_the_same_start(opened, cube, result, settings):
    page = opened()
    page.evaluate(SOLVE, {"k": 3, **settings})
    until(page, ENDED)
    found = page.evaluate(LAST)
    expected = mf.unmix(cube, 3, init=result, tol=TOLERANCE, max_iter=5000, **settings)
    assert found["outcome"] == "converged"
    assert expected.outcome is Outcome.CONVERGED
    assert difference(np.reshape(found["A"], (3, -1)), expected.abundances.values.reshape(3, -1)) < 1e-3
    assert difference(np.reshape(found["E"], (3, -1)), expected.endmembers.values) < 1e-3
    assert found["objective"] == pytest.approx(float(expected.trace.objective[-1]), rel=1e-6)


def test_slider_changes_the_pixels_and_returns_to_the_published_result(opened):
    page = opened()
    published = page.evaluate(PIXELS)
    page.get_by_role("slider", name="Sparsity").focus()
    page.keyboard.press("End")
    page.wait_for_selector(".mffnb-view[data-final=true][data-generation='2']")
    assert '"sparsity":1' in page.locator(".mffnb-view").get_attribute("data-parameters").replace(" ", "")
    assert page.evaluate(PIXELS) != published
    page.get_by_role("button", name="Published settings").click()
    until(page, f"(wanted) => JSON.stringify(({PIXELS})()) === JSON.stringify(wanted)", published)


def test_number_of_components_can_be_moved(opened):
    page = opened()
    for k in (4, 6, 1, 2):
        page.evaluate(MOVE, ["Components", k])
        until(page, f"() => window.answers.at(-1)?.outcome && window.answers.at(-1).numbers.length === {k}")
        page.wait_for_selector(".mffnb-view[data-final=true]")
        assert page.locator(".mffnb-tile:visible").count() == k


def test_pointing_at_a_map_draws_its_spectrum_and_a_band_adds_an_image(opened):
    page = opened()
    drawn = page.evaluate(PIXELS)
    box = page.locator("canvas.mffnb-map").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 16.5 / 32, box["y"] + box["height"] * 12.5 / 24)
    until(page, f"(before) => JSON.stringify(({PIXELS})()) !== JSON.stringify(before)", drawn)
    assert "pixel x 16, y 12" in page.locator(".mffnb-view").inner_text()
    assert page.evaluate("window.answers.length") == 0  # the page itself holds the measured spectra
    plot = page.locator(".mffnb-plot").bounding_box()
    page.keyboard.down("Shift")
    page.mouse.move(plot["x"] + plot["width"] * 0.4, plot["y"] + 40)
    page.mouse.down()
    page.mouse.move(plot["x"] + plot["width"] * 0.5, plot["y"] + 40)
    page.mouse.up()
    page.keyboard.up("Shift")
    until(page, "() => document.querySelectorAll('.mffnb-tile').length === 4")


def test_component_can_be_renamed_and_components_mixed(opened):
    page = opened()
    page.locator(".mffnb-name").first.dblclick()
    page.keyboard.type("lignin")
    page.keyboard.press("Enter")
    until(page, "() => document.querySelector('.mffnb-name').textContent.includes('lignin')")
    page.get_by_role("button", name="Composite").click()
    until(page, "() => document.querySelectorAll('.mffnb-tile').length === 4")


@pytest.mark.parametrize("width", [420, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_figure_is_accessible(opened, scheme, width):
    page = opened(color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]}).response["violations"]
    assert [(one["id"], one["help"], [node["html"] for node in one["nodes"]]) for one in found] == []
    assert "explorer." not in page.content().split('<script type="application/json"')[0].split("<details>")[0]


def test_policy_refuses_requests_and_other_scripts(browser, result, tmp_path):
    (path,) = result.export(tmp_path / "figure.living.html")
    page, refused = browser.new_page(), []
    page.on("console", lambda message: refused.append(message.text))
    page.goto(path.as_uri())
    page.wait_for_selector(".mffnb-view[data-final=true]")
    outcome = page.evaluate("fetch('https://example.org/').then(() => 'loaded', () => 'refused')")
    assert outcome == "refused"
    assert any("Content Security Policy" in text and "default-src" in text for text in refused)
    assert not page.evaluate(
        """() => new Promise((done) => {
          const script = document.createElement("script");
          script.textContent = "window.injected = true";
          document.body.append(script);
          setTimeout(() => done(window.injected === true), 50);
        })"""
    )
    page.close()
