"""Lazy loading of the public names of a package at their first use (module attributes by PEP 562)."""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any


def lazy_names(
    package: str, modules_of: Mapping[str, str], wings: tuple[str, ...] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make ``__getattr__`` and ``__dir__`` for a package whose names are imported at their first use.

    Parameters
    ----------
    package
        Dotted name of the package.
    modules_of
        Public names, each with the dotted name of the module that defines it.
    wings
        Names of subpackages that are public as well.

    Examples
    --------
    >>> attribute, listing = lazy_names("mffnb", {"knob": "mffnb.knobs"}, ("errors",))
    >>> attribute("knob").__name__, attribute("errors").__name__, "knob" in listing()
    ('knob', 'mffnb.errors', True)
    """

    def attribute(name: str) -> Any:
        if name not in wings and name not in modules_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        with _without_garbage_collection():
            if name in wings:
                return importlib.import_module(f"{package}.{name}")
            value = getattr(importlib.import_module(modules_of[name]), name)
        setattr(sys.modules[package], name, value)  # cached: the next access does not call this function
        return value

    def listing() -> list[str]:
        return sorted({*modules_of, *wings, *(name for name in vars(sys.modules[package]) if name.startswith("__"))})

    return attribute, listing


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Switch the garbage collector off inside the context, if it is on.

    Imports create some 10^5 objects, which stay. The collector would visit them again and again: a sixth of the time to
    the first picture of the explorer. Freezing and unfreezing moves them to its oldest generation unvisited.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            if gc.get_freeze_count() == 0:  # otherwise the user's own frozen objects would be released
                gc.freeze()
                gc.unfreeze()
            gc.enable()
