"""Convert labelled arrays to what NetCDF and zarr can hold: attributes, stacked coordinates, and names with a slash."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

# Attributes with which NetCDF describes how numbers are packed: on a label they would change its values on reading.
_CODING = {"scale_factor", "add_offset", "_FillValue", "missing_value", "calendar", "dtype"}


def plain(value: Any) -> Any:
    """Return a NumPy scalar as a Python number, and other values as text, for JSON."""
    return value.item() if isinstance(value, np.generic) else str(value)


def storable(array: xr.DataArray) -> xr.DataArray:
    """Return a copy whose attributes NetCDF can hold; other values are stored as text."""

    def kept_attributes(attrs: dict[Any, Any]) -> dict[str, Any]:
        kept = (str, float, np.number)
        whole = {key: value for key, value in attrs.items() if isinstance(value, kept) or type(value) is int}
        lists = {
            key: value for key, value in attrs.items() if isinstance(value, np.ndarray) and value.dtype.kind in "iuf"
        }
        return {
            str(key): whole.get(key, lists.get(key, str(value))) for key, value in attrs.items() if key not in _CODING
        }

    # A stacked pixel dimension has one coordinate of tuples; its levels are stored separately.
    stacked = [name for name, index in array.indexes.items() if isinstance(index, pd.MultiIndex) and name in array.dims]
    copy = array.reset_index(stacked) if stacked else array.copy(deep=False)
    copy.attrs = kept_attributes(array.attrs)
    for name in copy.coords:
        copy.coords[name].attrs = kept_attributes(array.coords[name].attrs)
    return copy.drop_encoding()  # the packing of the source does not suit these values


def aliases(arrays: Iterable[xr.DataArray], reserved: Iterable[str]) -> dict[Hashable, str]:
    """Return names for those dimensions and coordinates whose own name NetCDF or this format cannot hold (``m/z``)."""
    names = dict.fromkeys(name for array in arrays for name in (*array.dims, *array.coords))
    taken = set(reserved)
    odd = [n for n in names if not isinstance(n, str) or "/" in n or n in taken or n.startswith("trace_")]
    return {name: f"renamed_{number}" for number, name in enumerate(odd)}
