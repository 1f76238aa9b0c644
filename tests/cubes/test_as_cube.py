from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from mffnb.cubes.as_cube import as_cube, from_axes


@pytest.mark.parametrize("shape", [(6, 9), (4, 6, 9), (3, 4, 6, 9), (2, 3, 4, 6, 9)])
def test_numpy_means_last_axis_is_the_channel(shape):
    cube = as_cube(np.zeros(shape))
    assert cube.dims == (*("t", "z", "y", "x")[5 - len(shape) :], "channel")


def test_hyperspy_signals_are_recognised_by_their_looks():
    def axis(number, name, navigate, values, units):
        values = np.asarray(values)
        return SimpleNamespace(
            index_in_array=number, name=name, navigate=navigate, axis=values, size=values.size, units=units
        )

    manager = SimpleNamespace(
        navigation_axes=(axis(1, "x", True, [1.0, 1.5, 2.0], "nm"), axis(0, "y", True, [0.0, 0.5], "nm")),
        signal_axes=(axis(2, "Energy", False, [5, 15, 25, 35], "eV"),),
    )
    metadata = SimpleNamespace(as_dictionary=lambda: {"General": {"title": "grain"}})
    signal = SimpleNamespace(data=np.arange(24.0).reshape(2, 3, 4), axes_manager=manager, metadata=metadata)
    cube = as_cube(signal)
    assert cube.dims == ("y", "x", "Energy")
    np.testing.assert_allclose(cube["Energy"], [5, 15, 25, 35])
    assert cube["x"].attrs["units"] == "nm"


def test_axes_without_names_and_with_the_channel_first():
    axes = [
        {"size": 4, "navigate": False, "name": "<undefined>"},
        {"size": 2, "navigate": True, "units": None},
        {"size": 3, "navigate": True, "name": "x"},
    ]
    cube = from_axes(np.zeros((4, 2, 3)), axes)
    assert cube.dims == ("y", "x", "channel")


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (np.zeros(5), ValueError, "2 to 5 dimensions"),
        (np.zeros((2, 3), complex), TypeError, r"real numbers.*abs\(cube\)"),
        (np.array([["a", "b"]]), TypeError, "real numbers"),
        (np.array([[None, 1]]), TypeError, "real numbers"),
        (np.zeros((0, 3)), ValueError, "is empty"),
        (xr.DataArray(np.zeros(3)), ValueError, "pixel and channel dimensions"),
        (xr.Dataset({"stack": (("y", "c"), np.zeros((2, 3)))}), TypeError, r"cube\['stack'\]"),
    ],
)
def test_what_is_no_cube_is_refused_with_advice(data, error, message):
    with pytest.raises(error, match=message):
        as_cube(data)


def test_sidpy_datasets_are_recognised_by_their_looks():
    sidpy = pytest.importorskip("sidpy", reason="the test extra is not installed")
    data = sidpy.Dataset.from_array(np.arange(24.0).reshape(4, 2, 3))
    data.units, data.quantity = "nA", "current"
    for number, (name, kind) in enumerate([("bias", "spectral"), ("y", "spatial"), ("x", "spatial")]):
        dimension = sidpy.Dimension(0.5 * np.arange(data.shape[number]), name, units="V", dimension_type=kind)
        data.set_dimension(number, dimension)
    cube = as_cube(data)
    assert cube.dims == ("y", "x", "bias")
    np.testing.assert_array_equal(cube, np.arange(24.0).reshape(4, 2, 3).transpose(1, 2, 0))
    assert cube.attrs == {"units": "nA", "long_name": "current"}
    assert cube["bias"].attrs["units"] == "V"


def test_a_dimension_called_component_is_refused(cube):
    with pytest.raises(ValueError, match="rename it"):
        as_cube(cube.rename(x="component"))
