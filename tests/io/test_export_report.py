"""The report of a result: one page that needs no network, with all of its parts."""

from __future__ import annotations

import re
import warnings
from html.parser import HTMLParser

import numpy as np
import pytest

import mffnb as mf
from mffnb.errors import ConvergenceWarning
from mffnb.io.writers import report
from tests.io.test_export import made


class Page(HTMLParser):
    """Tags with their attributes, and the text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def page(result, folder, **options):
    (path,) = result.export(folder / "report.html", **options)
    assert path.stat().st_size < 3_000_000
    text = path.read_text(encoding="utf-8")
    return Page(text), text


@pytest.fixture(autouse=True)
def coarse_figures(monkeypatch):
    """Few pixels, for the time of the tests."""
    monkeypatch.setattr(report, "_DPI", (40,))


@pytest.fixture(scope="module")
def run():
    sample = mf.datasets.tof_sims_2d(seed=0, shape=(12, 18))
    with pytest.warns(ConvergenceWarning):
        return mf.unmix(sample.cube, 2, max_iter=2, tol=1e-12, random_state=7)


def test_a_page_has_all_parts_and_asks_for_nothing_from_elsewhere(run, tmp_path):
    found, text = page(run, tmp_path)
    images = [attrs for tag, attrs in found.tags if tag == "img"]
    assert len(images) == 3
    assert all(len(attrs["alt"]) > 20 for attrs in images)
    assert len([tag for tag, _ in found.tags if tag == "source"]) == 3  # for dark pages
    assert "mf.unmix(cube, 2, max_iter=2, tol=1e-12, random_state=7)" in found.text
    assert run.parameters["warnings"][0] in found.text
    assert run.freedom.sentence in found.text
    addresses = [attrs[name] for _, attrs in found.tags for name in ("src", "srcset", "href") if name in attrs]
    assert addresses
    assert all(address.startswith("data:image/png;base64,") for address in addresses)
    assert not re.search(r"url\(|@import|<script", text)
    assert "default-src 'none'" in text


def test_labels_are_escaped(tmp_path):
    rng = np.random.default_rng(0)
    result = made(rng.random((2, 4, 7)), rng.random((2, 9)))
    for part in (result.endmembers, result.abundances):
        part.coords["label"] = ("component", ["<img src=x onerror=alert(1)>", '" onload="x'])
    found, _text = page(result, tmp_path)
    assert all(attrs["src"].startswith("data:") for tag, attrs in found.tags if tag == "img")
    assert not any("onload" in attrs or "onerror" in attrs for _, attrs in found.tags)
    assert "<img src=x onerror=alert(1)>" in found.text


@pytest.mark.slow
@pytest.mark.parametrize(("pixels", "channels"), [((7,), (9,)), ((3, 4, 7), (9, 3))])
def test_lines_stacks_and_two_channel_axes_have_a_page(tmp_path, pixels, channels):
    rng = np.random.default_rng(0)
    found, _text = page(made(rng.random((2, *pixels)), rng.random((2, *channels))), tmp_path)
    assert len([tag for tag, _ in found.tags if tag == "img"]) == 3


def test_a_loaded_result_says_that_the_residual_is_missing(run, tmp_path):
    run.save(tmp_path / "run.nc")
    loaded = mf.load(tmp_path / "run.nc")
    assert "does not hold its data" in page(loaded, tmp_path)[0].text


def test_warnings_of_a_run_are_issued_and_kept():
    cube = mf.datasets.tof_sims_2d(seed=0, shape=(12, 18)).cube
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        result = mf.unmix(cube, 2, max_iter=2, tol=1e-12, random_state=7)
    assert [str(one.message) for one in seen] == result.parameters["warnings"]
    assert seen[0].filename == __file__
