"""One labelled array in the containers that users have: NumPy, xarray, dask, pandas, HyperSpy and sidpy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

CONTAINERS = ("numpy", "xarray", "dask", "pandas", "hyperspy", "sidpy")


def turned(array, order, reverse):
    """The array with its dimensions in the order of the permutation, and some coordinates reversed."""
    for name in reverse & {*array.dims}:
        array = array.isel({name: slice(None, None, -1)})
    return array.transpose(*(array.dims[position] for position in order))


def contained(array, container, pixels=()):
    """A DataArray as another container; ``pixels`` are the dimensions that HyperSpy navigates and sidpy calls spatial.

    Returns None if the container cannot hold it.
    """
    return globals()[f"_{container}"](array, pixels)


def _numpy(array, _pixels):
    return array.values


def _xarray(array, _pixels):
    return array


def _dask(array, _pixels):
    return array.chunk()


def _pandas(array, _pixels):
    def index(name):
        return pd.Index(array[name].values, name=name) if name in array.coords else None

    if array.ndim == 1:
        return pd.Series(array.values, index=index(array.dims[0]))
    return pd.DataFrame(array.values, index("" + array.dims[0]), index(array.dims[1])) if array.ndim == 2 else None


def _hyperspy(array, pixels):
    hs = pytest.importorskip("hyperspy.api", reason="the test extra is not installed")
    axes = []
    for name in array.dims:
        values = array[name].values.astype(float)
        scale = values[1] - values[0] if len(values) > 1 else 1.0
        units = array[name].attrs.get("units")
        axes.append({"name": name, "size": len(values), "offset": values[0], "scale": scale, "units": units})
        axes[-1]["navigate"] = name in pixels
    return hs.signals.BaseSignal(array.values, axes=axes)


def _sidpy(array, pixels):
    sidpy = pytest.importorskip("sidpy", reason="the test extra is not installed")
    data = sidpy.Dataset.from_array(array.values)
    for number, name in enumerate(array.dims):
        kind = "SPATIAL" if name in pixels else "SPECTRAL"
        values = np.asarray(array[name].values, dtype=float)
        data.set_dimension(number, sidpy.Dimension(values, name, units="a", quantity="b", dimension_type=kind))
    return data


def shifted(array, name):
    """The array with coordinates of one dimension that differ by a fifth of a step."""
    values = array[name].values
    return array.assign_coords({name: values + 0.2 * (values[1] - values[0])})


def without_coordinates(array):
    """The array with names of its dimensions alone."""
    return xr.DataArray(array.values, dims=array.dims)
