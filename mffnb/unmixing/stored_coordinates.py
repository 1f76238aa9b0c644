"""Coordinates that NetCDF cannot store as they are: times with a zone, time spans and categories."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

_KEY = "stored_as"


def encode(array: xr.DataArray) -> xr.DataArray:
    """Return an array whose coordinates NetCDF can store; an attribute of each says how :func:`decode` restores it."""
    for name in list(array.coords):
        coordinate = array.coords[name]
        _check_one_type(name, coordinate)
        found = _encoded(array.indexes.get(name, coordinate))
        if found is not None:
            values, how = found
            array = array.assign_coords(
                {name: (coordinate.dims, values, coordinate.attrs | {_KEY: json.dumps(how, default=str)})}
            )
    return array


def decode(array: xr.DataArray) -> xr.DataArray:
    """Return an array with the coordinates that :func:`encode` was given."""
    for name in list(array.coords):
        coordinate = array.coords[name]
        if _KEY not in coordinate.attrs:
            continue
        attrs = {key: value for key, value in coordinate.attrs.items() if key != _KEY}
        values = _decoded(coordinate.values, json.loads(coordinate.attrs[_KEY]))
        array = array.assign_coords({name: (coordinate.dims, values, attrs)})
    return array


def _check_one_type(name: Any, coordinate: xr.DataArray) -> None:
    """Refuse a coordinate of Python objects of several types, which no file format stores."""
    types = sorted({type(one).__name__ for one in coordinate.values.ravel()}) if coordinate.dtype.kind == "O" else []
    if len(types) > 1:
        raise ValueError(
            f"the coordinate {name!r} holds objects of the types {', '.join(types)}, which a file cannot store: "
            f"convert it in the cube first, for example by cube.assign_coords({name}=cube[{name!r}].astype(str))"
        )


def _encoded(values: Any) -> tuple[Any, dict[str, Any]] | None:
    """Return values that NetCDF can store and how to restore them; None if they can be stored as they are."""
    dtype = values.dtype
    if isinstance(dtype, pd.DatetimeTZDtype):
        return np.asarray(pd.DatetimeIndex(values).tz_convert(None)), {"zone": str(dtype.tz)}
    if isinstance(dtype, pd.CategoricalDtype):
        found = pd.CategoricalIndex(values)
        categories = [str(one) for one in found.categories]
        kind = found.categories.dtype.kind
        return np.asarray(found.codes, dtype=np.int64), {
            "categories": categories,
            "kind": kind,
            "ordered": found.ordered,
        }
    if dtype.kind == "m":
        return np.asarray(values).astype("timedelta64[ns]").astype(np.int64), {"span": np.datetime_data(dtype)[0]}
    if isinstance(values, pd.PeriodIndex):
        return np.asarray(values.astype(str), dtype=str), {"period": values.freqstr}
    return None


def _decoded(values: Any, how: dict[str, Any]) -> Any:
    if "zone" in how:
        return pd.DatetimeIndex(values).tz_localize("UTC").tz_convert(how["zone"])
    if "categories" in how:
        kinds: dict[str, Any] = {"i": np.int64, "u": np.uint64, "f": np.float64, "M": "datetime64[ns]"}
        categories = pd.Index(np.asarray(how["categories"]).astype(kinds.get(how["kind"], str)))
        if how["kind"] not in kinds:
            categories = categories.astype(object)
        return pd.CategoricalIndex(pd.Categorical.from_codes(values, categories=categories, ordered=how["ordered"]))
    if "span" in how:
        return values.astype("timedelta64[ns]").astype(f"timedelta64[{how['span']}]")
    return pd.PeriodIndex(values, freq=how["period"])
