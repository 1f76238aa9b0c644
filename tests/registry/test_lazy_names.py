"""Public names that are imported at their first use, without garbage collections meanwhile."""

from __future__ import annotations

import gc
import importlib
import sys
import weakref

import pytest

from mffnb.registry.lazy_names import lazy_names

MODULE = "import gc\nseen = gc.isenabled()\n"


@pytest.fixture
def attribute(tmp_path, monkeypatch):
    """Lazy names of a package with a module that records the collector, and one that fails."""
    package = tmp_path / "lazily_imported"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "recorder.py").write_text(MODULE)
    (package / "faulty.py").write_text("raise OSError('no')\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("lazily_imported")
    modules = {"seen": "lazily_imported.recorder", "other": "lazily_imported.faulty"}
    yield lazy_names("lazily_imported", modules, ("recorder",))[0]
    for name in [name for name in sys.modules if name.startswith("lazily_imported")]:
        del sys.modules[name]


def test_a_module_is_imported_without_garbage_collection(attribute):
    assert attribute("seen") is False
    assert gc.isenabled()
    assert sys.modules["lazily_imported"].seen is False  # cached
    assert attribute("recorder") is sys.modules["lazily_imported.recorder"]


def test_the_collector_is_on_again_after_a_failed_import(attribute):
    with pytest.raises(OSError, match="no"):
        attribute("other")
    assert gc.isenabled()


def test_a_collector_that_is_off_stays_off(attribute):
    gc.disable()
    try:
        attribute("seen")
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_frozen_objects_of_the_user_stay_frozen(attribute):
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        attribute("seen")
        assert gc.get_freeze_count() >= frozen > 0
    finally:
        gc.unfreeze()


def test_cycles_from_before_the_import_are_still_collected(attribute):
    class Node:
        pass

    one, other = Node(), Node()
    one.other, other.one = other, one
    gone = weakref.ref(one)
    attribute("seen")
    del one, other
    gc.collect()
    assert gone() is None


def test_an_unknown_name_is_an_attribute_error(attribute):
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        attribute("nothing")
