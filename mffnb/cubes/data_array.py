"""Build labelled arrays (xarray.DataArray) from NumPy arrays, without the slow import of dask."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from mffnb.typing import Array

_INDEXED = {np.dtype(kind) for kind in ("i4", "i8", "u4", "u8", "f4", "f8")}  # types that a pandas index keeps


def data_array(
    values: Array,
    dims: Sequence[Hashable],
    coords: Mapping[Hashable, xr.Variable] | None = None,
    name: Hashable | None = None,
    attrs: Mapping[str, Any] | None = None,
) -> xr.DataArray:
    """Label a NumPy array of numbers, as ``xr.DataArray`` does.

    ``xr.DataArray`` tests arrays and coordinates for the classes of dask, and imports it for that. The import takes up
    to a second of the first cell of a notebook. A variable that is built by ``fastpath`` and a pandas index are not
    tested, and a NumPy array of numbers needs none of the conversions that are left out.

    Parameters
    ----------
    values
        Numbers or booleans, an ``np.ndarray``.
    dims, name, attrs
        As for ``xr.DataArray``.
    coords
        Coordinates by name; :func:`coordinate` builds one.

    Examples
    --------
    >>> data_array(np.zeros((2, 3)), ("x", "energy"), {"energy": coordinate("energy", np.arange(3.0))}).dims
    ('x', 'energy')
    """
    plain = type(values) is np.ndarray and values.dtype.kind in "biufc"
    variable = xr.Variable(tuple(dims), values, dict(attrs or {}), fastpath=plain)
    return xr.DataArray(variable, coords=coords, name=name)


def coordinate(name: Hashable, values: Array, attrs: Mapping[str, Any] | None = None) -> xr.Variable:
    """Return coordinates along the dimension of the same name.

    Examples
    --------
    >>> coordinate("energy", np.arange(3, dtype=np.float32)).dtype
    dtype('float32')
    """
    plain = type(values) is np.ndarray and values.ndim == 1 and values.dtype in _INDEXED
    return xr.Variable((name,), pd.Index(values) if plain else values, dict(attrs or {}))
