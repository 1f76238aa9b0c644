"""Which components, how many, which one is which, and how sure they are.

What unmixes, many times, is loaded when it is first asked for: solvers and geometry need the rest.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from mffnb.selection.matching import match, spectral_angles
from mffnb.selection.resizing import grow, shrink

if TYPE_CHECKING:
    from mffnb.bootstrap import Stability, stability
    from mffnb.selection.coherence import independent_images
    from mffnb.selection.consensus import cophenetic_correlation, dispersion
    from mffnb.selection.lineage import Lineage
    from mffnb.selection.rank import scan_rank
    from mffnb.selection.recommendation import Recommendation
    from mffnb.selection.scan import RankScan

__all__ = [
    "Lineage",
    "RankScan",
    "Recommendation",
    "Stability",
    "cophenetic_correlation",
    "dispersion",
    "grow",
    "independent_images",
    "match",
    "scan_rank",
    "shrink",
    "spectral_angles",
    "stability",
]

_HOMES = {
    "Lineage": "selection.lineage",
    "RankScan": "selection.scan",
    "Recommendation": "selection.recommendation",
    "Stability": "bootstrap",
    "cophenetic_correlation": "selection.consensus",
    "dispersion": "selection.consensus",
    "independent_images": "selection.coherence",
    "scan_rank": "selection.rank",
    "stability": "bootstrap",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"mffnb.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
