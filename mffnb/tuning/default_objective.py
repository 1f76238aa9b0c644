"""The objective of a search without a given one: error of maps for smoothness, else error of held-out entries."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any

from mffnb.errors import UnsupportedCombinationError
from mffnb.tuning.map_error import MapError
from mffnb.tuning.objectives import HeldOut
from mffnb.tuning.proposal import PENALTIES


def default_objective(space: Any, options: Mapping[str, Any]) -> HeldOut | MapError:
    """Return the objective for the searched keywords.

    Held-out entries do not see that smoothness turns the endmembers and blurs the maps, so a search of smoothness
    minimises the error of the maps where the settings permit it (docs/tuning.md has the comparison).

    Examples
    --------
    >>> default_objective({"sparsity": (1e-3, 1.0)}, {"k": 3})
    HeldOut(share=0.1, seed=0)
    >>> default_objective({"smoothness": (1e-3, 1.0), "sparsity": 0.01}, {"k": 3})
    MapError(without=('smoothness',), seed=0)
    """
    if not isinstance(space, Mapping):
        return HeldOut()
    searched = {name for name, value in space.items() if not isinstance(value, (Real, str))}
    if "smoothness" not in searched or not searched <= set(PENALTIES):
        return HeldOut()
    measure = MapError(without=tuple(name for name in PENALTIES if name in searched))
    try:
        measure.check(options)
    except UnsupportedCombinationError:
        return HeldOut()
    return measure
