"""Which components, how many, and which one is which.

What needs the whole toolkit, :func:`scan_rank` above all, is loaded when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from mffnb.selection.matching import match, spectral_angles
from mffnb.selection.resizing import grow, shrink

if TYPE_CHECKING:
    from mffnb.selection.coherence import independent_images
    from mffnb.selection.consensus import cophenetic_correlation, dispersion
    from mffnb.selection.lineage import Lineage
    from mffnb.selection.rank import RankScan, scan_rank
    from mffnb.selection.recommendation import Recommendation

__all__ = [
    "Lineage",
    "RankScan",
    "Recommendation",
    "cophenetic_correlation",
    "dispersion",
    "grow",
    "independent_images",
    "match",
    "scan_rank",
    "shrink",
    "spectral_angles",
]

_HOMES = {
    "Lineage": "lineage",
    "RankScan": "rank",
    "Recommendation": "recommendation",
    "cophenetic_correlation": "consensus",
    "dispersion": "consensus",
    "independent_images": "coherence",
    "scan_rank": "rank",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
