from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from mffnb.cube import Layout, as_cube, from_axes


@pytest.mark.parametrize("shape", [(6, 9), (4, 6, 9), (3, 4, 6, 9), (2, 3, 4, 6, 9)])
def test_numpy_means_last_axis_is_the_channel(shape):
    cube = as_cube(np.zeros(shape))
    assert cube.dims == (*("t", "z", "y", "x")[5 - len(shape) :], "channel")


def test_matrix_and_back_keeps_every_pixel_in_place(cube):
    layout = Layout.of(cube)
    X = layout.matrix(cube)
    np.testing.assert_array_equal(X[13], cube.values[1, 3])
    xr.testing.assert_identical(layout.cube(X), cube)


def test_channel_may_be_any_dimension(cube):
    moved = cube.transpose("energy", "y", "x")
    layout = Layout.of(moved, "energy")
    np.testing.assert_array_equal(layout.matrix(moved), Layout.of(cube).matrix(cube))
    assert layout.map_shape == (6, 10)


def test_several_channel_dimensions():
    cube = xr.DataArray(np.arange(120.0).reshape(2, 3, 4, 5), dims=("y", "qx", "x", "qy"))
    layout = Layout.of(cube, ("qx", "qy"))
    X = layout.matrix(cube)
    assert X.shape == (8, 15)
    np.testing.assert_array_equal(X[5], cube.values[1, :, 1, :].ravel())
    assert layout.endmembers(np.zeros((2, 15))).dims == ("component", "qx", "qy")


def test_labels_units_and_extra_coordinates_survive(cube):
    cube = cube.assign_coords(phase=(("y", "x"), np.full((6, 10), "a")), dose=3.5)
    layout = Layout.of(cube)
    maps, spectra = layout.abundances(np.zeros((2, 60))), layout.endmembers(np.zeros((2, 20)))
    assert maps.dims == ("component", "y", "x")
    assert set(maps.coords) == {"component", "y", "x", "phase", "dose"}
    assert maps["y"].attrs["units"] == "µm"
    assert set(spectra.coords) == {"component", "energy", "dose"}
    assert spectra["energy"].attrs == {"units": "eV", "long_name": "energy loss"}
    assert spectra.attrs == {"units": "counts"}


def test_contiguous_floats_are_not_copied(cube):
    assert np.shares_memory(Layout.of(cube).matrix(cube), cube.values)
    assert np.shares_memory(Layout.of(cube).matrix(cube.astype("f4")), cube.astype("f4").values) is False


@pytest.mark.parametrize("dtype", ["u1", "i4", "?", ">f8", ">f4", "f2"])
def test_other_numbers_become_float64(cube, dtype):
    with np.errstate(over="ignore"):
        data = cube.astype(dtype)
    X = Layout.of(data).matrix(data)
    assert X.dtype == np.float64
    np.testing.assert_array_equal(X, data.values.reshape(60, 20).astype(float))


def test_hyperspy_signals_are_recognised_by_their_looks():
    axes = {
        "axis-1": {"name": "x", "navigate": True, "size": 3, "scale": 0.5, "offset": 1.0, "units": "nm"},
        "axis-0": {"name": "y", "navigate": True, "size": 2, "scale": 0.5, "offset": 0.0, "units": "nm"},
        "axis-2": {
            "name": "Energy",
            "navigate": False,
            "size": 4,
            "scale": 10.0,
            "offset": 5.0,
            "units": "eV",
        },
    }
    manager = SimpleNamespace(as_dictionary=lambda: axes)
    cube = as_cube(SimpleNamespace(data=np.arange(24.0).reshape(2, 3, 4), axes_manager=manager))
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
    assert cube.dims == ("axis_1", "x", "axis_0")


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


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_not_finite_values_are_counted(cube, bad):
    cube = cube.copy()
    cube[2, 3, 4] = cube[0, 0, 0] = bad
    with pytest.raises(ValueError, match=r"2 of 1200 values .*fillna"):
        Layout.of(cube).matrix(cube)


def test_wrong_channel_names_are_refused(cube):
    with pytest.raises(ValueError, match="channel='mz' is not a dimension"):
        Layout.of(cube, "mz")
    with pytest.raises(ValueError, match="leaves no pixel"):
        Layout.of(cube, ("y", "x", "energy"))
