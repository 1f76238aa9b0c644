"""Equality to the last bit of nested values: numbers, arrays, labelled arrays, containers and dataclasses."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import xarray as xr


def same(first: Any, second: Any) -> bool:
    """Whether two values are equal to the last bit, arrays, labels and the order of dictionaries included.

    Examples
    --------
    >>> same({"a": np.array([1.0, np.nan])}, {"a": np.array([1.0, np.nan])})
    True
    >>> same({"a": 1, "b": 2}, {"b": 2, "a": 1})
    False
    """
    if first is second:
        return True
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return [*first] == [*second] and all(same(value, second[key]) for key, value in first.items())
    return type(first) is type(second) and _same_of_one_type(first, second)


def _same_of_one_type(first: Any, second: Any) -> bool:
    if isinstance(first, xr.DataArray):
        return bool(first.identical(second))
    if isinstance(first, np.ndarray):
        equal_nan = first.dtype.kind in "fc"
        return first.dtype == second.dtype and np.array_equal(first, second, equal_nan=equal_nan)
    if isinstance(first, (list, tuple)):
        return len(first) == len(second) and all(map(same, first, second))
    if is_dataclass(first):
        return all(same(getattr(first, one.name), getattr(second, one.name)) for one in fields(first))
    if isinstance(first, float) and math.isnan(first):
        return math.isnan(second)
    return bool(first == second)
