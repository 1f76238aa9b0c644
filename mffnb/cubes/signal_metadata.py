"""Metadata of a measurement in the layout of HyperSpy, which a cube carries as JSON text in ``attrs["metadata"]``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

_KEY = "metadata"


def with_metadata(cube: xr.DataArray, metadata: Mapping[str, Any]) -> xr.DataArray:
    """Return a cube that carries metadata: title, instrument, sample. Arrays and private entries are left out.

    Parameters
    ----------
    cube
        The cube.
    metadata
        Nested entries of HyperSpy or RosettaSciIO, such as ``{"General": {"title": "grain"}}``.

    Examples
    --------
    >>> import xarray as xr
    >>> cube = with_metadata(xr.DataArray([[1.0, 2.0]]), {"General": {"title": "grain"}, "_HyperSpy": {"Folding": {}}})
    >>> cube.attrs, metadata_of(cube)
    ({'metadata': '{"General": {"title": "grain"}}'}, {'General': {'title': 'grain'}})
    """
    kept = _plain(metadata)
    return cube.assign_attrs({_KEY: json.dumps(kept)}) if kept else cube


def metadata_of(cube: xr.DataArray) -> dict[str, Any]:
    """Return the metadata that a cube carries; nothing if it has none, or text of another kind under the same name."""
    try:
        found = json.loads(cube.attrs.get(_KEY, "{}"))
    except (TypeError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _plain(value: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the entries that JSON can hold: numbers, text, flags, lists of them and dictionaries."""
    kept: dict[str, Any] = {}
    for name, one in value.items():
        if str(name).startswith("_"):
            continue
        plain = _plain(one) if isinstance(one, Mapping) else _simple(one)
        if plain is not None and plain != {}:
            kept[str(name)] = plain
    return kept


def _simple(value: Any) -> Any:
    """Return a number, a text, a flag or a list of them as Python objects; None for anything else."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (str, bool, int)) or (isinstance(value, float) and np.isfinite(value)):
        return value
    if isinstance(value, (list, tuple)):
        simple = [_simple(one) for one in value]
        return simple if None not in simple else None
    return None
