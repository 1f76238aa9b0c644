"""Names of spectra that are given beside a cube: those of a dictionary, a coordinate, an index or a single array."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

_GENERIC = frozenset({"alternative", "endmember", "endmembers", "known", "reconstruction", "residual", "target"})
"""Names that results of this package have, which are those of a quantity and not of a material."""
NUMBERED = re.compile(r"(component|known) \d+")
"""Labels that only repeat the number of a component."""
_STYLE = ("color", "hidden")
"""Coordinates of components that hold no name."""


def as_one_array(given: Any) -> Any:
    """Return a dictionary or a list of labelled spectra as one array with a name for each; all else as it is.

    Parameters
    ----------
    given
        Known spectra: ``{"name": spectrum, ...}`` with arrays, DataArrays or pandas Series of equal length; a list of
        DataArrays or Series, each with its own name; or any array.

    Raises
    ------
    ValueError
        If the spectra have different shapes or channels, or if there are none.

    Examples
    --------
    >>> import numpy as np
    >>> found = as_one_array({"lignin": np.arange(3.0), "cellulose": np.ones(3)})
    >>> found.label.values.tolist(), found.shape
    (['lignin', 'cellulose'], (2, 3))
    """
    if isinstance(given, Mapping):
        names, parts = [str(name) for name in given], list(given.values())
    elif (
        isinstance(given, (list, tuple)) and given and all(isinstance(one, (xr.DataArray, pd.Series)) for one in given)
    ):
        parts = list(given)
        names = [_name_of_one(one) for one in parts]
    else:
        return given
    if not parts:
        raise ValueError("known is empty: leave it out, or give the spectra, known={'name': spectrum}")
    if all(isinstance(one, pd.Series) for one in parts):
        return pd.DataFrame([one.to_numpy() for one in parts], index=names, columns=_common_index(parts))
    first = next((one for one in parts if isinstance(one, xr.DataArray)), None)
    arrays = [one if isinstance(one, xr.DataArray) else _array_like(one, first) for one in parts]
    for name, one in zip(names, arrays, strict=True):
        if one.sizes != arrays[0].sizes:
            raise ValueError(
                f"known spectra have one shape each: {names[0]!r} has {dict(arrays[0].sizes)} and {name!r} "
                f"{dict(one.sizes)}"
            )
    plain = [one.drop_vars([key for key, at in one.coords.items() if not at.ndim]) for one in arrays]
    try:
        stacked = xr.concat(plain, "known", join="exact", coords="minimal", compat="override")
    except ValueError as error:
        raise ValueError(
            "known spectra have different channels: interpolate each to the channels of the cube first"
        ) from error
    found: xr.DataArray = stacked.assign_coords({"label": ("known", names)})
    return found


def spectrum_names(given: Any, cube: xr.DataArray | None = None) -> list[str]:
    """Return the name of each given spectrum, "" for one without; [] if no spectrum has a name.

    Names are the keys of a dictionary, a coordinate of text along the spectra (``label`` first), the text index of a
    table, or, for one spectrum, a scalar coordinate of text or the name of the array.

    Parameters
    ----------
    given
        Known spectra as :func:`mffnb.unmix` takes them.
    cube
        The data: a name that a spectrum has in common with them, such as "intensity", is that of the quantity.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> spectrum_names(xr.DataArray(np.ones(4), dims="energy", name="quartz"))
    ['quartz']
    >>> spectrum_names(np.ones((2, 4)))
    []
    """
    given = as_one_array(given)
    if isinstance(given, pd.DataFrame):
        index = next((one for one in (given.index, given.columns) if _is_text(one.to_numpy())), None)
        found = [] if index is None else [str(name) for name in index]
    elif isinstance(given, pd.Series):
        found = [_name_of_one(given)]
    elif not isinstance(given, xr.DataArray):
        found = []
    else:
        own = () if cube is None else tuple(cube.dims)
        along = next((name for name in given.dims if name not in own), None) if given.ndim > 1 else None
        found = [_name_of_one(given, cube)] if along is None else _names_along(given, along)
    common = _GENERIC if cube is None else _GENERIC | {str(cube.name), str(cube.attrs.get("long_name"))}
    found = ["" if name in common or NUMBERED.fullmatch(name) else " ".join(name.split()) for name in found]
    return found if any(found) else []


def _names_along(given: xr.DataArray, along: Hashable) -> list[str]:
    """Return the texts of a coordinate along a dimension."""
    coords = [given.coords[name] for name in ("label", along) if name in given.coords]
    coords += [one for name, one in given.coords.items() if name not in _STYLE]
    return next(([str(name) for name in one.values] for one in coords if one.dims == (along,) and _is_text(one)), [])


def _name_of_one(given: xr.DataArray | pd.Series, cube: xr.DataArray | None = None) -> str:
    """Return the name of a single spectrum; "" if it has none."""
    if isinstance(given, xr.DataArray):
        own = _STYLE if cube is None else (*_STYLE, *cube.coords)
        scalars = {name: one for name, one in given.coords.items() if not one.ndim and _is_text(one)}
        text = scalars.get("label", next((one for name, one in scalars.items() if name not in own), None))
        if text is not None:
            return str(text.item())
    return "" if given.name is None else str(given.name)


def _is_text(values: Any) -> bool:
    """Whether an array holds text."""
    array = np.asarray(values)
    return array.dtype.kind in "UT" or (array.dtype.kind == "O" and all(isinstance(one, str) for one in array.flat))


def _common_index(parts: list[pd.Series]) -> pd.Index:
    """Return the index of several series, which has to be the same."""
    if not all(one.index.equals(parts[0].index) for one in parts):
        raise ValueError("known spectra have different channels: interpolate each to the channels of the cube first")
    return parts[0].index


def _array_like(values: Any, first: xr.DataArray | None) -> xr.DataArray:
    """Return values with the labels of a DataArray of the same shape; without labels if there is none."""
    array = np.asarray(values)
    if first is None or array.shape != first.shape:
        return xr.DataArray(array, dims=[f"dim_{number + 1}" for number in range(array.ndim)])
    return first.copy(data=array)
