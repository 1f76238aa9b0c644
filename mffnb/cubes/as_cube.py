"""Conversion of arrays and of objects of other packages to labelled cubes (xarray)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from mffnb.typing import Array

_PIXEL_NAMES = ("t", "z", "y", "x")


def as_cube(data: Any) -> xr.DataArray:
    """Convert spectral data to a labelled cube (xarray.DataArray); labelled cubes are returned unchanged.

    Parameters
    ----------
    data
        An ``xarray.DataArray``, lazy or not; a HyperSpy signal; a sidpy dataset; or anything that NumPy reads as an
        array, whose last axis is then the channel.

    Raises
    ------
    TypeError
        If the data are not real numbers.
    ValueError
        If there are fewer than two dimensions, or no pixel or no channel.

    Examples
    --------
    >>> import numpy as np
    >>> as_cube(np.zeros((4, 5, 60))).dims
    ('y', 'x', 'channel')
    """
    if isinstance(data, xr.Dataset):
        raise TypeError(f"pick one variable of the dataset first: cube[{next(iter(data.data_vars), 'name')!r}]")
    if isinstance(data, xr.DataArray):
        cube = data
    elif hasattr(data, "axes_manager") and hasattr(data, "data"):
        axes = data.axes_manager.as_dictionary()
        cube = from_axes(data.data, [axes[key] for key in sorted(axes)])
    elif hasattr(data, "_axes") and hasattr(data, "quantity"):
        cube = _from_sidpy(data)
    else:
        array = np.ma.filled(data.astype(np.float64), np.nan) if np.ma.isMaskedArray(data) else np.asarray(data)
        names = _PIXEL_NAMES[5 - array.ndim :] if 2 <= array.ndim <= 5 else None
        if names is None:
            if array.dtype == object:
                raise TypeError(
                    f"a spectral image is an array or a DataArray, got {type(data).__name__}: "
                    "for a sparse matrix use mffnb.MatrixFactorization"
                )
            raise ValueError(f"a spectral image has 2 to 5 dimensions, the last one the channel; got {array.ndim}")
        cube = xr.DataArray(array, dims=(*names, "channel"))
    if cube.ndim < 2:
        raise ValueError(f"a spectral image needs pixel and channel dimensions, got only {cube.dims}")
    if "component" in cube.dims:
        raise ValueError('results use "component" as the name of a dimension: rename it, cube.rename(component=...)')
    if len(set(cube.dims)) < cube.ndim:
        raise ValueError(f"the dimensions of a spectral image have different names, got {cube.dims}: rename them")
    if cube.dtype.kind == "O":
        raise TypeError(
            "a spectral image holds real numbers, got Python objects: convert it, for example by cube.astype(float)"
        )
    if cube.dtype.kind not in "biuf":
        raise TypeError(f"a spectral image holds real numbers, got {cube.dtype}: convert it, for example by abs(cube)")
    if cube.size == 0:
        raise ValueError(f"the spectral image is empty: its shape is {cube.shape}")
    return cube


def from_axes(array: Array, axes: Sequence[Mapping[str, Any]]) -> xr.DataArray:
    """Label an array by the axis dictionaries of HyperSpy and RosettaSciIO, and move the channels last.

    Parameters
    ----------
    array
        The data.
    axes
        One dictionary per axis, with ``size`` and, where known, ``name``, ``scale``, ``offset``, ``units``,
        ``axis`` (the coordinate itself), ``index_in_array`` and ``navigate`` (True for a pixel axis).
    """
    named: list[tuple[str, Array, dict[str, str], bool]] = []
    ordered = sorted(enumerate(axes), key=lambda item: (item[1].get("index_in_array") or 0, item[0]))
    for number, (_, axis) in enumerate(ordered):
        name = axis.get("name")
        if not isinstance(name, str) or name in [other[0] for other in named] or name.startswith("<"):
            name = f"axis_{number}"
        values = axis.get("axis")
        if values is None:
            values = axis.get("offset", 0.0) + axis.get("scale", 1.0) * np.arange(axis["size"])
        units = axis.get("units")
        attrs = {"units": units} if isinstance(units, str) else {}
        named.append((name, np.asarray(values), attrs, bool(axis.get("navigate", False))))
    if np.ma.isMaskedArray(array):
        array = np.ma.filled(array.astype(np.float64), np.nan)
    cube = xr.DataArray(
        array,
        dims=[name for name, *_ in named],
        coords={name: (name, values, attrs) for name, values, attrs, _ in named},
    )
    pixels = [name for name, *_, navigate in named if navigate]
    if len(pixels) in (0, len(named)):
        pixels = [name for name, *_ in named[:-1]]
    channels = [name for name, *_ in named if name not in pixels]
    if len(channels) > 1:
        cube.attrs["channel"] = channels  # with several channel dimensions, Layout.of reads their names here
    return cube.transpose(*pixels, ...)


def _from_sidpy(data: Any) -> xr.DataArray:
    """Convert a sidpy dataset: spatial dimensions are pixels, all others channels."""
    dimensions = [data._axes[number] for number in range(data.ndim)]
    axes = [
        {
            "name": dimension.name,
            "axis": np.asarray(dimension.values),
            "size": len(dimension.values),
            "units": dimension.units,
            "navigate": dimension.dimension_type.name == "SPATIAL",
        }
        for dimension in dimensions
    ]
    cube = from_axes(np.asarray(data), axes)
    known = {"units": data.units, "long_name": data.quantity}
    return cube.assign_attrs({key: str(value) for key, value in known.items() if value not in (None, "", "generic")})
