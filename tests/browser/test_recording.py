"""The recording of the landing page: its gestures work on the explorer as it is now, and its file is small."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from tests.browser import lab as kit
from tools.record_explorer import LARGEST, explorer, record

FILE = Path(__file__).parents[2] / "docs" / "explorer.webp"


def test_the_gestures_of_the_recording_work(page, lab):
    film = record(page, explorer(page, lab))
    assert len(film.frames) > 30
    assert page.locator(".mffnb-place").count() == 2  # the kept pixel and the region
    assert kit.console_errors(page) == []


def test_the_recording_moves_and_is_small():
    with Image.open(FILE) as picture:
        assert picture.n_frames > 30
    assert FILE.stat().st_size < LARGEST
