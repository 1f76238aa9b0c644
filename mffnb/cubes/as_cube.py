"""Conversion of arrays and of objects of other packages to labelled cubes (xarray)."""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from mffnb.cubes.data_array import coordinate, data_array
from mffnb.cubes.functional_axis import evaluate
from mffnb.cubes.signal_metadata import with_metadata
from mffnb.typing import Array

_PIXEL_NAMES = ("t", "z", "y", "x")


def as_cube(data: Any) -> xr.DataArray:
    """Convert spectral data to a labelled cube (xarray.DataArray); labelled cubes are returned unchanged.

    Parameters
    ----------
    data
        An ``xarray.DataArray``, lazy or not; a HyperSpy signal; a sidpy dataset; a pandas table with one row per pixel
        and one column per channel; or anything that NumPy reads as an array, whose last axis is then the channel.

    Raises
    ------
    TypeError
        If the data are not real numbers, or are a list of images.
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
    elif is_hyperspy(data):
        cube = with_metadata(from_axes(data.data, axes_of_hyperspy(data)), data.metadata.as_dictionary())
    elif is_sidpy(data):
        cube = _from_sidpy(data)
    elif isinstance(data, pd.DataFrame):
        cube = _from_data_frame(data)
    elif is_several(data):
        raise TypeError(
            f"this takes one image, and got a list of {len(data)}: pass one of them (arrays that are one image as "
            "numpy.stack(list)); mf.unmix(list, k) unmixes images jointly"
        )
    else:
        array = _as_array(data)
        names = _PIXEL_NAMES[5 - array.ndim :] if 2 <= array.ndim <= 5 else None
        if names is None:
            if array.dtype == object:
                raise TypeError(
                    f"a spectral image is an array or a DataArray, got {type(data).__name__}: "
                    "for a sparse matrix use mffnb.MatrixFactorization"
                )
            raise ValueError(f"a spectral image has 2 to 5 dimensions, the last one the channel; got {array.ndim}")
        cube = data_array(array, (*names, "channel"))
    if cube.ndim < 2:
        raise ValueError(f"a spectral image needs pixel and channel dimensions, got only {cube.dims}")
    if "component" in cube.dims:
        raise ValueError(
            'results use "component" as the name of a dimension: rename it, cube.rename(component=...), or open a '
            "saved result by mffnb.load"
        )
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


def is_several(data: Any) -> bool:
    """Return whether data are a list of several images, not one image as nested lists of numbers.

    A list or tuple holds images if its parts are labelled cubes, signals, tables, paths, or arrays with two dimensions
    or more.

    Examples
    --------
    >>> is_several([np.ones((2, 5)), np.ones((3, 5))]), is_several([[1.0, 2.0], [3.0, 4.0]])
    (True, False)
    """
    if not isinstance(data, (list, tuple)) or not data:
        return False
    return all(
        isinstance(one, (str, os.PathLike))
        or is_hyperspy(one)
        or is_sidpy(one)
        or (hasattr(one, "ndim") and hasattr(one, "shape") and one.ndim >= 2)
        for one in data
    )


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
    ordered = in_array_order(axes)
    names = axis_names(ordered)
    if np.ma.isMaskedArray(array):
        array = np.ma.filled(array.astype(np.float64), np.nan)
    coords: dict[Hashable, xr.Variable] = {}
    for name, axis in zip(names, ordered, strict=True):
        units = axis.get("units")
        attrs = {"units": units} if isinstance(units, str) and units else {}
        coords[name] = coordinate(name, np.asarray(axis_values(axis)), attrs)
    cube = data_array(array, names, coords)
    pixels = [name for name, is_pixel in zip(names, _pixel_flags(ordered), strict=True) if is_pixel]
    channels = [name for name in names if name not in pixels]
    if len(channels) > 1:
        cube.attrs["channel"] = channels  # with several channel dimensions, Layout.of reads their names here
    return cube.transpose(*pixels, ...)


def in_array_order(axes: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return axis dictionaries in the order of the dimensions of the array."""
    ordered = sorted(enumerate(axes), key=lambda item: (item[1].get("index_in_array") or 0, item[0]))
    return [axis for _, axis in ordered]


def axis_names(axes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a name for each axis: its own, or for one without a name ``y`` and ``x``, ``energy`` or ``channel``.

    Examples
    --------
    >>> axis_names([{"navigate": True}, {"name": "x", "navigate": True}, {"units": "eV"}, {"units": None}])
    ['y', 'x', 'energy', 'channel']
    """
    flags = _pixel_flags(axes)
    known = [axis.get("name") for axis in axes]
    names: list[str] = []
    for position, name in enumerate(known):
        if isinstance(name, str) and name and not name.startswith("<") and name not in names:
            names.append(name)
            continue
        later = min(sum(flags[position:]), len(_PIXEL_NAMES))
        of_channel = "energy" if axes[position].get("units") in ("eV", "keV") else "channel"
        wanted = _PIXEL_NAMES[-later] if flags[position] else of_channel
        candidates = (wanted, f"{wanted}_{position}", f"axis_{position}")
        names.append(next(one for one in candidates if one not in (*names, *known)))
    return names


def _pixel_flags(axes: Sequence[Mapping[str, Any]]) -> list[bool]:
    """Return whether each axis is of the pixels: as ``navigate`` states, or else all but the last."""
    stated = [bool(axis.get("navigate", False)) for axis in axes]
    return stated if any(stated) and not all(stated) else [True] * (len(axes) - 1) + [False]


def is_hyperspy(data: Any) -> bool:
    """Return whether an object is a HyperSpy signal, without importing HyperSpy."""
    return hasattr(data, "axes_manager") and hasattr(data, "data")


def is_sidpy(data: Any) -> bool:
    """Return whether an object is a sidpy dataset, without importing sidpy."""
    return hasattr(data, "_axes") and hasattr(data, "quantity")


def axes_of_hyperspy(signal: Any) -> list[dict[str, Any]]:
    """Return the axes of a HyperSpy signal in the order of its array, with evaluated coordinates."""
    manager = signal.axes_manager
    axes = sorted((*manager.navigation_axes, *manager.signal_axes), key=lambda axis: axis.index_in_array)
    return [
        {
            "name": axis.name,
            "axis": np.asarray(axis.axis),
            "size": axis.size,
            "units": axis.units,
            "navigate": axis.navigate,
        }
        for axis in axes
    ]


def axes_of_sidpy(data: Any) -> list[dict[str, Any]]:
    """Return the axes of a sidpy dataset; spatial dimensions are pixels."""
    return [
        {
            "name": dimension.name,
            "axis": np.asarray(dimension.values),
            "size": len(dimension.values),
            "units": dimension.units,
            "navigate": dimension.dimension_type.name == "SPATIAL",
        }
        for dimension in (data._axes[number] for number in range(data.ndim))
    ]


def axis_values(axis: Mapping[str, Any]) -> Array:
    """Return the coordinates of an axis dictionary: given values, a formula, or offset and scale.

    Raises
    ------
    ValueError
        If the formula of a functional axis cannot be evaluated, or the axis states no coordinates.
    """
    if axis.get("axis") is not None:
        return np.asarray(axis["axis"])
    if "expression" in axis:
        parameters = {
            str(name): value for name, value in axis.items() if isinstance(value, (int, float)) and name != "x"
        }
        return evaluate(str(axis["expression"]), parameters | {"x": axis_values(axis["x"])})
    values: Array = axis.get("offset", 0.0) + axis.get("scale", 1.0) * np.arange(axis["size"])
    return values


def _as_array(data: Any) -> Array:
    """Return data as an array, with NaN for masked entries.

    Raises
    ------
    ValueError
        If the data are a list of arrays of different shapes.
    """
    if np.ma.isMaskedArray(data):
        filled: Array = np.ma.filled(data.astype(np.float64), np.nan)
        return filled
    try:
        return np.asarray(data)
    except ValueError:
        shapes = ", ".join(str(np.shape(part)) for part in data)
        raise ValueError(
            f"a spectral image is one array, and these parts have different shapes ({shapes}): "
            "crop or bin them to one shape, or unmix each by itself"
        ) from None


def _from_data_frame(frame: pd.DataFrame) -> xr.DataArray:
    """Return a table (pixels as rows, channels as columns) as a cube; index and columns become coordinates."""
    names = [frame.index.name or "x", frame.columns.name or "channel"]
    coords = {}
    for name, index in zip(names, (frame.index, frame.columns), strict=True):
        counted = isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1
        if not counted and not isinstance(index, pd.MultiIndex):
            coords[name] = index
    return xr.DataArray(frame.to_numpy(), dims=names, coords=coords)


def _from_sidpy(data: Any) -> xr.DataArray:
    """Convert a sidpy dataset: spatial dimensions are pixels, all others channels."""
    cube = from_axes(np.asarray(data), axes_of_sidpy(data))
    known = {"units": data.units, "long_name": data.quantity}
    return cube.assign_attrs({key: str(value) for key, value in known.items() if value not in (None, "", "generic")})
