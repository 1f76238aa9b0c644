"""Encode settings, states and labelled arrays as JSON with a table of arrays, and decode them, without pickle.

Values that JSON does not know become an object with the key ``"!"``, which names their kind. Objects of this package
are stored by their fields, so that only its dataclasses are ever created.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from mffnb.solvers import Outcome
from mffnb.typing import Array

_KIND = "!"
_PACKAGE = __name__.partition(".")[0]


class CannotStoreError(TypeError):
    """A value has a type that a session does not hold."""


def encode(value: Any, arrays: dict[str, Array]) -> Any:
    """Return a value for JSON; arrays are added to a table and named in their place.

    Raises
    ------
    CannotStoreError
        If the value is an object of another package, or a function.

    Examples
    --------
    >>> import numpy as np
    >>> arrays = {}
    >>> encode((1, np.zeros(3)), arrays)
    {'!': 'tuple', 'items': [1, {'!': 'array', 'name': '0'}]}
    >>> decode(encode((1, "a"), arrays), arrays)
    (1, 'a')
    """
    if isinstance(value, np.generic):
        return value.item() if value.dtype.kind in "biufU" else _encoded_array(np.asarray(value), arrays)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, list):
        return [encode(one, arrays) for one in value]
    for kind, encoder in _ENCODERS.items():
        if isinstance(value, kind):
            return encoder(value, arrays)
    return _encoded_object(value, arrays)


def decode(stored: Any, arrays: Mapping[str, Array]) -> Any:
    """Return the value that :func:`encode` has stored."""
    if isinstance(stored, list):
        return [decode(one, arrays) for one in stored]
    if not isinstance(stored, dict):
        return stored
    return _DECODERS[stored[_KIND]](stored, arrays)


def _encoded_items(values: Iterable[Any], arrays: dict[str, Array]) -> dict[str, Any]:
    return {_KIND: "tuple", "items": [encode(one, arrays) for one in values]}


def _encoded_mapping(values: Mapping[Any, Any], arrays: dict[str, Array]) -> dict[str, Any]:
    pairs = [[encode(key, arrays), encode(one, arrays)] for key, one in values.items()]
    return {_KIND: "mapping", "items": pairs}


def _encoded_dataset(value: xr.Dataset, arrays: dict[str, Array]) -> dict[str, Any]:
    parts = {str(name): encode(value[name], arrays) for name in value.variables}
    attributes = encode(_attributes(value), arrays)
    return {_KIND: "dataset", "parts": parts, "coords": [str(name) for name in value.coords], "attrs": attributes}


def _encoded_object(value: Any, arrays: dict[str, Array]) -> dict[str, Any]:
    kind = type(value)
    if not is_dataclass(value) or kind.__module__.partition(".")[0] != _PACKAGE:
        raise CannotStoreError(f"{kind.__module__}.{kind.__qualname__}")
    stored = {one.name: encode(getattr(value, one.name), arrays) for one in fields(value) if one.init}
    return {_KIND: "object", "type": f"{kind.__module__}:{kind.__qualname__}", "fields": stored}


def _named(array: Array, arrays: dict[str, Array]) -> dict[str, str]:
    """Add an array to the table, and return its name."""
    name = str(len(arrays))
    arrays[name] = array
    return {"name": name}


def _encoded_array(array: Array, arrays: dict[str, Array]) -> dict[str, Any]:
    if array.dtype.kind == "O":  # of text: an array of objects would need pickle
        return {_KIND: "objects", "shape": list(array.shape), "items": encode(array.ravel().tolist(), arrays)}
    return {_KIND: "array", **_named(array, arrays)}


def _encoded_labelled(array: xr.DataArray, arrays: dict[str, Array]) -> dict[str, Any]:
    stacked = [name for name, index in array.indexes.items() if isinstance(index, pd.MultiIndex) and name in array.dims]
    levels = {str(name): [str(level) for level in array.indexes[name].names] for name in stacked}
    plain = array.reset_index(stacked) if stacked else array
    data = plain.compute().values
    return {
        _KIND: "labelled",
        "name": encode(array.name, arrays),
        "dims": encode(tuple(plain.dims), arrays),
        "values": _encoded_array(np.asarray(data), arrays),
        "attrs": encode(_attributes(plain), arrays),
        "coords": [
            [encode(name, arrays), encode(tuple(one.dims), arrays), _encoded_array(one.values, arrays),
             encode(_attributes(one), arrays)]
            for name, one in plain.coords.items()
        ],
        "stacked": encode(levels, arrays),
    }  # fmt: skip


def _attributes(array: xr.DataArray | xr.Dataset) -> dict[Any, Any]:
    """Return the attributes of an array; those of other types become text, as in a NetCDF file."""
    found: dict[Any, Any] = {}
    for name, value in array.attrs.items():
        try:
            encode(value, {})
            found[name] = value
        except CannotStoreError:
            found[name] = str(value)
    return found


def _labelled(stored: Mapping[str, Any], arrays: Mapping[str, Array]) -> xr.DataArray:
    coords = {
        decode(name, arrays): (decode(dims, arrays), decode(values, arrays), decode(attrs, arrays))
        for name, dims, values, attrs in stored["coords"]
    }
    found = xr.DataArray(
        decode(stored["values"], arrays),
        dims=decode(stored["dims"], arrays),
        coords=coords,
        name=decode(stored["name"], arrays),
        attrs=decode(stored["attrs"], arrays),
    )
    levels = decode(stored["stacked"], arrays)
    return found.set_index(levels) if levels else found


def _dataset(stored: Mapping[str, Any], arrays: Mapping[str, Array]) -> xr.Dataset:
    parts = {name: decode(one, arrays).variable for name, one in stored["parts"].items()}
    return xr.Dataset(
        {name: one for name, one in parts.items() if name not in stored["coords"]},
        coords={name: parts[name] for name in stored["coords"]},
        attrs=decode(stored["attrs"], arrays) if "attrs" in stored else {},
    )


def _object(stored: Mapping[str, Any], arrays: Mapping[str, Array]) -> Any:
    module, name = stored["type"].split(":")
    if module.partition(".")[0] != _PACKAGE:
        raise ValueError(f"{stored['type']} is no type of this package")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    if not (isinstance(found, type) and is_dataclass(found)):
        raise ValueError(f"{stored['type']} is no type that a session holds")
    return found(**{key: decode(value, arrays) for key, value in stored["fields"].items()})


_ENCODERS: dict[type, Callable[[Any, dict[str, Array]], dict[str, Any]]] = {
    Outcome: lambda value, _: {_KIND: "outcome", "name": value.name},
    bytes: lambda value, arrays: {_KIND: "bytes", **_named(np.frombuffer(value, np.uint8), arrays)},
    np.ndarray: _encoded_array,
    tuple: _encoded_items,
    frozenset: lambda value, arrays: {**_encoded_items(sorted(value), arrays), _KIND: "set"},
    xr.Dataset: _encoded_dataset,  # before Mapping, because it is one
    Mapping: _encoded_mapping,
    xr.DataArray: _encoded_labelled,
}

_DECODERS: dict[str, Callable[[Any, Mapping[str, Array]], Any]] = {
    "outcome": lambda stored, _: Outcome[stored["name"]],
    "bytes": lambda stored, arrays: arrays[stored["name"]].tobytes(),
    "array": lambda stored, arrays: arrays[stored["name"]],
    "objects": lambda stored, arrays: np.array(decode(stored["items"], arrays), dtype=object).reshape(stored["shape"]),
    "tuple": lambda stored, arrays: tuple(decode(one, arrays) for one in stored["items"]),
    "set": lambda stored, arrays: frozenset(decode(one, arrays) for one in stored["items"]),
    "mapping": lambda stored, arrays: {decode(key, arrays): decode(one, arrays) for key, one in stored["items"]},
    "dataset": _dataset,
    "labelled": _labelled,
    "object": _object,
}
