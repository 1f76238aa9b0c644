"""The reference shows each part with its formula and with a picture of its effect."""

from __future__ import annotations

import importlib
import inspect
import sys
from pathlib import Path

import pytest

from mffnb import preprocessing
from mffnb._names import MODULES_OF
from mffnb.preprocessing.step import derived_classes

EXTENSIONS = Path(__file__).parents[2] / "docs" / "_ext"
PACKAGES = ("mffnb.penalties.", "mffnb.constraints.", "mffnb.similarities.")
PARTS = [f"mffnb.{name}" for name, home in MODULES_OF.items() if home.startswith(PACKAGES)]
STEPS = [f"mffnb.preprocessing.{step.__name__}" for step in derived_classes(preprocessing.Step).values()]


@pytest.fixture
def pictures(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(EXTENSIONS), *sys.path])
    importlib.import_module("part_steps")
    return importlib.import_module("part_pictures")


def test_parts_and_steps_are_found():
    assert {"mffnb.Sparsity", "mffnb.Simplex", "mffnb.Huber"} <= {*PARTS}
    assert "mffnb.preprocessing.Bin" in STEPS


@pytest.mark.parametrize("name", [*PARTS, *STEPS])
def test_a_part_has_a_formula(name):
    module, _, attribute = name.rpartition(".")
    assert "math:" in (inspect.getdoc(getattr(importlib.import_module(module), attribute)) or "")


def test_each_part_has_a_picture_and_each_picture_a_part(pictures):
    functions = {"mffnb.preprocessing.augment"}
    assert {*PARTS, *STEPS} | functions == {*pictures.DRAWN}, "add a function to docs/_ext/part_pictures.py"
    assert all(drawing.text.endswith(".") for drawing in pictures.DRAWN.values())


@pytest.mark.slow
def test_pictures_are_drawn_and_small(pictures, tmp_path):
    pictures.draw_all(tmp_path)
    sizes = {path.name: path.stat().st_size for path in tmp_path.glob("*.png")}
    assert len(sizes) == len(pictures.DRAWN)
    assert max(sizes.values()) < 100_000
