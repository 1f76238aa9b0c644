"""Labelled arrays built without dask are those of xarray."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from mffnb.cubes.data_array import coordinate, data_array

COORDINATES = [
    np.arange(3.0),
    np.arange(3),
    np.arange(3, dtype=np.float32),
    np.arange(3, dtype=np.uint8),
    np.arange(3, dtype=">f4"),
    np.arange(3, dtype=np.float16),
    np.array(["a", "bc", "d"]),
    np.array(["2020-01-01", "2020-01-02", "2020-01-03"], dtype="datetime64[ns]"),
    np.array([1.0, np.nan, 1.0]),
    [1, 2, 3],
]


@pytest.mark.filterwarnings("ignore:.*float16.*:FutureWarning")
@pytest.mark.parametrize("values", COORDINATES, ids=lambda values: str(np.asarray(values).dtype))
def test_coordinates_are_those_of_xarray(values):
    attrs = {"units": "eV"}
    ours = data_array(np.ones((2, 3)), ("x", "energy"), {"energy": coordinate("energy", values, attrs)}, "cube", attrs)
    theirs = xr.DataArray(np.ones((2, 3)), {"energy": ("energy", values, attrs)}, ("x", "energy"), "cube", attrs)
    xr.testing.assert_identical(ours, theirs)
    assert ours.energy.dtype == theirs.energy.dtype
    assert ours.indexes["energy"].equals(theirs.indexes["energy"])
    xr.testing.assert_identical(ours[:, 1:], theirs[:, 1:])


@pytest.mark.parametrize(
    "values",
    [np.ones(3), np.ones(3, dtype=np.uint16), np.array(["a", "b", "c"]), np.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0])],
    ids=lambda values: str(values.dtype),
)
def test_values_are_those_of_xarray(values):
    xr.testing.assert_identical(data_array(values, ("x",)), xr.DataArray(values, dims=("x",)))


def test_values_are_not_copied():
    values = np.zeros((2, 3))
    assert np.shares_memory(data_array(values, ("x", "y")).values, values)


def test_wrong_number_of_dimensions_is_refused():
    with pytest.raises(ValueError, match="dim"):
        data_array(np.zeros((2, 3)), ("x",))
