"""Which components, how many, which one is which, and how sure they are."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from mffnb.selection.matching import match, spectral_angles
from mffnb.selection.resizing import grow, shrink

if TYPE_CHECKING:
    from mffnb.bootstrap import Stability as Stability
    from mffnb.bootstrap import stability as stability

# These unmix, many times, and live above; solvers and geometry need what is loaded here at once.
_ABOVE = {"Stability": "bootstrap", "stability": "bootstrap"}
__all__ = ["grow", "match", "shrink", "spectral_angles", *_ABOVE]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name in _ABOVE:
        return getattr(importlib.import_module(f"mffnb.{_ABOVE[name]}"), name)
    raise AttributeError(f"module 'mffnb.selection' has no attribute {name!r}")
