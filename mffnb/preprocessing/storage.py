"""Storage of frozen dataclasses as JSON-compatible values and arrays, without pickle."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr


def plain(value: Any, arrays: dict[str, xr.Variable], path: str = "part") -> Any:  # noqa: PLR0911  one for each kind
    """Return a value as JSON-compatible data; its arrays are added to ``arrays`` with new dimension names.

    Dimensions are renamed because one file holds arrays on different grids; attributes of coordinates are kept.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: plain(getattr(value, f.name), arrays, f"{path}_{f.name}") for f in dataclasses.fields(value)}
        return {"type": type(value).__name__, "fields": fields}
    if isinstance(value, xr.Variable):
        dims = [f"{path}_dim{axis}" for axis in range(value.ndim)]
        arrays[path] = xr.Variable(dims, value.data)
        attrs = {str(key): text for key, text in value.attrs.items() if isinstance(text, (str, int, float))}
        return {"array": path, "dims": [str(dim) for dim in value.dims], "attrs": attrs}
    if isinstance(value, slice):
        return {"slice": [plain(end, arrays) for end in (value.start, value.stop, value.step)]}
    if isinstance(value, Mapping):
        return {"mapping": {str(key): plain(one, arrays, f"{path}_{key}") for key, one in value.items()}}
    if isinstance(value, (tuple, list)):
        return [plain(one, arrays, f"{path}_{i}") for i, one in enumerate(value)]
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    raise TypeError(
        f"{value!r} cannot be kept in a file: steps hold numbers, text, slices, mappings and xarray Variables"
    )


def from_plain(value: Any, arrays: Mapping[Any, xr.Variable], known: Mapping[str, type]) -> Any:
    """Return the value from which :func:`plain` made JSON-compatible data; lists become tuples.

    Raises
    ------
    ValueError
        If the data contain a class that is not in ``known``.
    """
    if isinstance(value, list):
        return tuple(from_plain(one, arrays, known) for one in value)
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return xr.Variable(value["dims"], arrays[value["array"]].data, value["attrs"])
    if "slice" in value:
        return slice(*value["slice"])
    if "mapping" in value:
        return {key: from_plain(one, arrays, known) for key, one in value["mapping"].items()}
    if value["type"] not in known:
        raise ValueError(f"the step {value['type']!r} is not part of mffnb: pass its classes, known=[...]")
    return known[value["type"]](**{key: from_plain(one, arrays, known) for key, one in value["fields"].items()})
