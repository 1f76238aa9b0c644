"""Settings of :func:`mffnb.unmix` without k: those that the user left at their defaults follow from the data."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from typing import Any

from mffnb.cubes.as_cube import as_cube
from mffnb.io.read import read
from mffnb.unmixing.result import Unmixing
from mffnb.unmixing.suggest import suggest
from mffnb.unmixing.suggestion.suggestion import Suggestion

logger = logging.getLogger(__name__)

_INPUT = ("channel", "mask", "preprocess")
_MODEL = ("volume", "sum_to_one", "gain", "sparsity", "smoothness", "known", "abundance_terms", "endmember_terms")
_MISFIT = ("similarity", "weights", "transform")
_NOTHING: tuple[Any, ...] = (0.0, "frobenius", "auto", (), [])


def fill_in(cube: Any, settings: dict[str, Any], *, alone: bool = True) -> tuple[dict[str, Any], Suggestion]:
    """Return the settings with k and all that the user left open taken from the data, and the suggestion.

    Parameters
    ----------
    cube
        Spectral image, or the path of its file, of which no more than a part is read.
    settings
        Keywords of :func:`mffnb.unmix`.
    alone
        Whether one process solves without a checkpoint, as ``volume="auto"`` needs.
    """
    own = {name for name, value in settings.items() if not _left_open(value)}
    data = read(cube, lazy=True) if isinstance(cube, (str, os.PathLike)) else as_cube(cube)
    decides = alone and not own & {*_MODEL, *_MISFIT, "init"}
    found = suggest(data, **{name: settings[name] for name in _INPUT}, volume=decides)
    taken = {name: value for name, value in found.settings.items() if name not in own - {*_INPUT}}
    if own & {*_MISFIT}:
        taken.pop("weights", None)
    logger.info("k is not given, so the data decide: %s", found.line)
    return settings | taken, found


def with_suggestion(result: Unmixing, found: Suggestion) -> Unmixing:
    """Return a result whose parameters say that its settings were suggested, and why."""
    about = {
        "settings": found.line,
        "between": list(found.between),
        "reasons": [str(one) for one in found.reasons],
        "doubts": list(found.doubts),
    }
    return replace(result, parameters={**result.parameters, "suggested": about})


def _left_open(value: Any) -> bool:
    """Whether a keyword has the value that requests nothing."""
    return value is None or (isinstance(value, (str, int, float, tuple, list)) and value in _NOTHING)
