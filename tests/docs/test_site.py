"""The documentation builds without a warning, its links lead somewhere, and it loads nothing from a network."""

from __future__ import annotations

import doctest
import importlib
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe

from mffnb._names import MODULES_OF, WINGS

ROOT = Path(__file__).parents[2]
LOADED = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src", "video": "src"}

# Texts that reach beyond the right edge of the window, outside of boxes that scroll.
WIDER = """() => [...document.querySelectorAll("article p, article dd, article dt, article h1")]
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 && !one.closest("table, .formula-block"))
  .map((one) => one.textContent.slice(0, 40))"""


class Page(HTMLParser):
    """Links, loaded files, ids and pictures of a page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.loaded, self.ids, self.without_text = [], [], set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        have = dict(attrs)
        self.ids.add(have.get("id"))
        if tag == "a" and have.get("href"):
            self.links.append(have["href"])
        if tag in LOADED and have.get(LOADED[tag]) and have.get("rel") != "canonical":
            self.loaded.append(have[LOADED[tag]])
        if tag == "img" and not (have.get("alt") or "").strip():
            self.without_text.append(have.get("src"))


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """All built pages by file."""
    folder = tmp_path_factory.mktemp("site")
    run = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", ROOT / "docs", folder / "html"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-4000:]
    files = [path for path in (folder / "html").rglob("*.html") if "_static" not in path.parts]
    return {path: Page(path.read_text(encoding="utf-8")) for path in files}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_links_lead_to_pages_and_headings(pages):
    broken = []
    for path, page in pages.items():
        for link in page.links + page.loaded:
            parts = urlsplit(link)
            if parts.scheme or link.startswith("//"):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.exists():
                broken.append(f"{path.name}: {link}")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids:
                broken.append(f"{path.name}: no heading {link}")
    assert not broken


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_nothing_is_loaded_from_a_network(pages):
    assert not [f"{path.name}: {one}" for path, page in pages.items() for one in page.loaded if urlsplit(one).netloc]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_pictures_have_a_text(pages):
    assert not [f"{path.name}: {one}" for path, page in pages.items() for one in page.without_text]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_public_name_has_a_page(pages):
    described = set().union(*(page.ids for page in pages.values()))
    found = {name: importlib.import_module(f"mffnb.{name}") for name in WINGS}
    names = [
        *MODULES_OF,
        *(f"{wing}.{name}" for wing, module in found.items() for name in getattr(module, "__all__", ())),
    ]
    missing = [name for name in names if f"mffnb.{name}" not in described and f"module-mffnb.{name}" not in described]
    assert not missing, "add their group to docs/_ext/reference_pages.py"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["offline_math", "part_pictures", "reference_pages", "written_pages"])
def test_examples_of_the_extensions(name, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "_ext"))
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted
    assert not found.failed


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.timeout(900)
def test_pages_are_accessible_and_fit_a_narrow_screen(pages, browser):
    home = min(pages, key=lambda path: len(path.parts)).parent
    looked_at = ["index", "guides/counts", "tutorials/counts", "reference/api/mffnb.Huber", "reference/pages/names"]
    wrong = []
    for scheme, width in [("light", 1400), ("dark", 420)]:
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        for name in looked_at:
            page.goto((home / f"{name}.html").as_uri())
            found = Axe().run(page).response["violations"]
            serious = [one["id"] for one in found if one["impact"] in ("serious", "critical")]
            wider = page.evaluate(WIDER)
            wrong += [(name, scheme, serious, wider)] if serious or wider else []
        page.close()
    assert not wrong


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("motion", "label", "other"), [("no-preference", "Pause", "Play"), ("reduce", "Play", "Pause")]
)
def test_the_recording_of_the_landing_page_can_be_paused(pages, browser, motion, label, other):
    home = min(pages, key=lambda path: len(path.parts)).parent
    page = browser.new_page(reduced_motion=motion)
    page.goto((home / "index.html").as_uri())
    page.get_by_role("button", name=label, exact=True).click()
    page.get_by_role("button", name=other, exact=True).wait_for()
    assert page.locator('article img[src$=".webp"]').is_visible() is (other == "Pause")
    page.close()
