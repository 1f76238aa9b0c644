"""Every public name has an example in its docstring; pytest runs the examples with the modules."""

from __future__ import annotations

import importlib
import inspect
import sys

import pytest

from mffnb._names import MODULES_OF, WINGS


def public_names():
    """Dotted names of all that the lists of public names hold."""
    for name in MODULES_OF:
        yield f"mffnb.{name}"
    for wing in WINGS:
        module = importlib.import_module(f"mffnb.{wing}")
        yield from (f"mffnb.{wing}.{name}" for name in getattr(module, "__all__", ()))


def has_example(name):
    module, _, attribute = name.rpartition(".")
    value = getattr(importlib.import_module(module), attribute)
    if inspect.isclass(value) or inspect.isroutine(value) or inspect.ismodule(value):
        return ">>>" in (inspect.getdoc(value) or "")
    return True  # a constant has no docstring of its own


def test_every_public_name_has_an_example():
    names = list(public_names())
    assert len(names) > 200
    assert [name for name in names if not has_example(name)] == [], "add an example to these docstrings"


@pytest.mark.parametrize(("docstring", "expected"), [("Add.\n\n    >>> 1 + 1\n    2\n    ", True), ("Add.", False)])
def test_a_missing_example_is_found(monkeypatch, docstring, expected):
    def added():
        pass

    added.__doc__ = docstring
    monkeypatch.setattr(sys.modules["mffnb"], "added", added, raising=False)
    assert has_example("mffnb.added") is expected
