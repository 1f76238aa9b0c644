"""Unmix spectral images under physical constraints, live in JupyterLab.

Names are loaded at their first use, so that ``import mffnb`` takes little time.
"""

from __future__ import annotations

import sys as _sys

from mffnb._names import MODULES_OF, WINGS
from mffnb.registry.lazy_names import lazy_names

__version__ = "1.0.0rc1"
# `from mffnb import *` keeps the built-in function open.
__all__ = ["__version__", *sorted({*WINGS, *MODULES_OF} - {"open"})]  # noqa: PLE0604
_load, __dir__ = lazy_names(__name__, MODULES_OF, WINGS)


def __getattr__(name: str) -> object:
    """Load a public name at its first use, and register ``cube.mffnb`` once xarray is loaded."""
    value = _load(name)
    _register_accessor()
    return value


def _register_accessor() -> None:
    # Of xarray, which takes long to import, only what is loaded already is used. A partly loaded module has no class.
    if hasattr(_sys.modules.get("xarray"), "register_dataarray_accessor"):
        from mffnb.widgets.accessor import register  # noqa: PLC0415

        register()


_register_accessor()
