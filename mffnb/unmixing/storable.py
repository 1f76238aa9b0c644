"""Convert labelled arrays to what NetCDF and zarr can store: attributes, stacked coordinates, names with a slash."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from mffnb.unmixing.stored_coordinates import encode

# These attributes tell NetCDF how numbers are packed. Stored with a label, they would change its values on reading.
_CODING = {"scale_factor", "add_offset", "_FillValue", "missing_value", "calendar", "dtype"}


def plain(value: Any) -> Any:
    """Convert a value for JSON: a NumPy scalar to a Python number, other values to text."""
    return value.item() if isinstance(value, np.generic) else str(value)


def storable(array: xr.DataArray) -> xr.DataArray:
    """Return a copy of a labelled array whose attributes NetCDF can store; other attribute values become text."""

    def kept_attributes(attrs: dict[Any, Any]) -> dict[str, Any]:
        kept = (str, float, np.number)
        whole = {key: value for key, value in attrs.items() if isinstance(value, kept) or type(value) is int}
        lists = {
            key: value for key, value in attrs.items() if isinstance(value, np.ndarray) and value.dtype.kind in "iuf"
        }
        return {
            str(key): whole.get(key, lists.get(key, str(value))) for key, value in attrs.items() if key not in _CODING
        }

    # The coordinate of a stacked pixel dimension consists of tuples, which NetCDF cannot store: store its levels
    # separately.
    stacked = [name for name, index in array.indexes.items() if isinstance(index, pd.MultiIndex) and name in array.dims]
    copy = array.reset_index(stacked) if stacked else array.copy(deep=False)
    copy.attrs = kept_attributes(array.attrs)
    for name in copy.coords:
        copy.coords[name].attrs = kept_attributes(array.coords[name].attrs)
    copy = encode(copy)
    return copy.drop_encoding()  # the packing (dtype, scale, offset) of the source file does not suit these values


def aliases(arrays: Iterable[xr.DataArray], reserved: Iterable[str]) -> dict[Hashable, str]:
    """Return replacements for names of dimensions and coordinates that NetCDF or this format cannot store (``m/z``)."""
    names = dict.fromkeys(name for array in arrays for name in (*array.dims, *array.coords))
    taken = set(reserved)
    odd = [n for n in names if not isinstance(n, str) or "/" in n or n in taken or n.startswith("trace_")]
    return {name: f"renamed_{number}" for number, name in enumerate(odd)}
