"""Choice of an array among the nested dictionaries that MATLAB and R files contain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.as_cube import as_cube
from mffnb.io.choose import check_numbers, choose_dataset
from mffnb.io.signal_table import Signal, of_array
from mffnb.typing import Array


def choose_array(path: Path, objects: Mapping[str, Any], requested: str | None) -> xr.DataArray:
    """Return an array of a file as a cube: the requested one, or the only one that can be a spectral image."""
    found = dict(arrays(objects))
    listed = listed_arrays(objects)
    name = listed[choose_dataset(path, listed, requested)].name
    check_numbers(path, name, found[name].dtype)
    return as_cube(found[name])


def listed_arrays(objects: Mapping[str, Any]) -> tuple[Signal, ...]:
    """Return the signals of all numeric arrays in dictionaries."""
    return tuple(of_array(name, array) for name, array in arrays(objects))


def arrays(objects: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Array]]:
    """Yield the path, for example ``"object/slot/column"``, and the array of each numeric array in dictionaries.

    Examples
    --------
    >>> import numpy as np
    >>> [name for name, _ in arrays({"a": np.ones(3), "b": {"c": np.eye(2), "d": "text"}})]
    ['a', 'b/c']
    """
    for name, value in objects.items():
        if isinstance(value, Mapping):
            yield from arrays(value, f"{prefix}{name}/")
        elif hasattr(value, "ndim") and np.asarray(value).dtype.kind in "biufc":  # includes labelled arrays of R
            yield f"{prefix}{name}", np.asarray(value)
