"""Cubes as matrices and back: which pixel is which row, what is masked, what is missing, what is lazy."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.cubes.layout import Layout
from mffnb.cubes.pixel_rows import CubeRows
from mffnb.matrices import Chunked, Dense, Partial


def test_matrix_and_back_keeps_every_pixel_in_place(cube):
    layout = Layout.of(cube)
    X = layout.matrix(cube).array
    np.testing.assert_array_equal(X[13], cube.values[1, 3])
    xr.testing.assert_identical(layout.cube(X), cube)


def test_channel_may_be_any_dimension(cube):
    moved = cube.transpose("energy", "y", "x")
    layout = Layout.of(moved, "energy")
    np.testing.assert_array_equal(layout.matrix(moved).array, Layout.of(cube).matrix(cube).array)
    assert layout.map_shape == (6, 10)


def test_several_channel_dimensions():
    cube = xr.DataArray(np.arange(120.0).reshape(2, 3, 4, 5), dims=("y", "qx", "x", "qy"))
    layout = Layout.of(cube, ("qx", "qy"))
    X = layout.matrix(cube).array
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
    for data in (cube, cube.astype("f4"), cube.transpose("energy", "y", "x")):
        matrix = Layout.of(data, "energy").matrix(data)
        held = matrix.array if isinstance(matrix, Dense) else matrix.rows
        assert np.shares_memory(held, data.values)
        assert held.dtype == data.dtype


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4", "f8"])
def test_common_numbers_stay_as_they_are(cube, dtype):
    data = cube.astype(dtype)
    assert np.shares_memory(Layout.of(data).matrix(data).array, data.values)


@pytest.mark.parametrize("dtype", ["i4", "?", ">f8", ">f4", ">u2", "f2"])
def test_other_numbers_become_float64(cube, dtype):
    with np.errstate(over="ignore"):
        data = cube.astype(dtype)
    X = Layout.of(data).matrix(data).array
    assert X.dtype == np.float64
    np.testing.assert_array_equal(X, data.values.reshape(60, 20).astype(float))


@pytest.mark.parametrize("bad", [np.inf, -np.inf])
def test_infinite_values_are_counted_and_refused(cube, bad):
    cube = cube.copy()
    cube[2, 3, 4] = cube[0, 0, 0] = bad
    with pytest.raises(ValueError, match=r"2 values of the cube are infinite: mask or replace"):
        Layout.of(cube)


def test_single_missing_values_make_a_partial_matrix(cube):
    holed = cube.astype(float)
    holed[2, 3, 4] = np.nan
    holed[0, 0] = np.nan
    layout = Layout.of(holed)
    matrix = layout.matrix(holed)
    assert layout.gaps
    assert isinstance(matrix, Partial)
    assert np.isnan(matrix.array).sum() == 1


def test_wrong_channel_names_are_refused(cube):
    with pytest.raises(ValueError, match="channel='mz' is not a dimension"):
        Layout.of(cube, "mz")
    with pytest.raises(ValueError, match="leaves no pixel"):
        Layout.of(cube, ("y", "x", "energy"))


def test_pixels_and_channels_of_nan_are_left_out_and_come_back_as_nan(cube):
    kept = cube.copy(deep=True)
    holed = cube.copy(deep=True)
    holed[1, 3] = holed[5, 9] = np.nan
    holed[:, :, 7] = np.nan
    layout = Layout.of(holed)
    assert layout.matrix(holed).shape == (58, 19)
    result = mf.unmix(holed, 3, smoothness=0.1, sparsity=1e-3, random_state=0)
    assert int(result.abundances.isnull().sum()) == 2 * 3
    assert result.abundances[:, 1, 3].isnull().all()
    assert result.endmembers.isnull().any("component").values.nonzero()[0].tolist() == [7]
    residual = result.residual()
    np.testing.assert_array_equal(residual.isnull(), holed.isnull())
    np.testing.assert_array_equal(np.delete(kept.values, 7, 2)[0], np.delete(holed.values, 7, 2)[0])
    expected = mf.unmix(
        cube, 3, smoothness=0.1, sparsity=1e-3, random_state=0,
        mask=[holed.notnull().any("energy"), holed.notnull().any(("y", "x"))],
    )  # fmt: skip
    xr.testing.assert_identical(result.endmembers, expected.endmembers)
    assert np.isfinite(result.normalized("sum").abundances).sum() == 58 * 3


def test_masks_may_be_arrays_of_either_shape_and_any_order(cube):
    pixels = np.ones((6, 10), bool)
    pixels[2, 4:] = False
    channels = np.arange(20) > 3
    by_array = Layout.of(cube, mask=[pixels, channels])
    labelled = xr.DataArray(pixels.T, dims=("x", "y"))
    by_label = Layout.of(cube, mask=[labelled, xr.DataArray(channels, dims="energy")])
    for layout in (by_array, by_label):
        np.testing.assert_array_equal(
            layout.matrix(cube).array, cube.values.reshape(60, 20)[pixels.ravel()][:, channels]
        )
    np.testing.assert_array_equal(by_array.cube(by_array.matrix(cube).array).notnull(), pixels[..., None] & channels)


def test_a_list_of_plain_lists_is_one_array_or_several_by_its_lengths():
    cube = xr.DataArray(np.arange(1.0, 61.0).reshape(2, 3, 10), dims=("y", "x", "energy"))
    pixels, channels = [[1, 1, 0], [0, 1, 1]], [True] * 7 + [False] * 3
    one = Layout.of(cube, mask=pixels)
    both = Layout.of(cube, mask=[pixels, channels])
    assert one.matrix(cube).shape == (4, 10)
    assert one.channel_mask is None
    assert both.matrix(cube).shape == (4, 7)
    line = cube.isel(y=0)
    several = Layout.of(line, mask=[[True, False, True], channels])
    np.testing.assert_array_equal(several.matrix(line).array, line.values[[0, 2]][:, :7])
    square = line.isel(energy=slice(3))  # two lists of equal length: pixels first, as for two arrays
    np.testing.assert_array_equal(
        Layout.of(square, mask=[[True, False, True], [True, True, False]]).matrix(square).array,
        square.values[[0, 2]][:, :2],
    )
    weighted = mf.unmix(line, 2, weights=[[1.0, 2.0, 3.0], list(np.arange(1.0, 11.0))], random_state=0)
    arrays = [np.array([1.0, 2.0, 3.0]), np.arange(1.0, 11.0)]
    xr.testing.assert_identical(weighted.endmembers, mf.unmix(line, 2, weights=arrays, random_state=0).endmembers)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        ([[[1, 1, 0], [0, 1]], [True] * 20], "rows have different lengths"),
        (np.full((6, 10), 2), "booleans"),
        (np.full((6, 10), np.nan), "booleans"),
        (np.ones((10, 6), bool), "does not fit"),
        (np.zeros((6, 10), bool), "no pixel is left"),
        (np.zeros(20, bool), "no channel is left"),
        (np.ones((6, 10, 20), bool), "does not fit"),
    ],
)
def test_masks_that_do_not_fit_are_refused(cube, mask, message):
    with pytest.raises(ValueError, match=message):
        Layout.of(cube, mask=mask)


def test_masked_pixels_are_no_neighbours():
    """Two halves with a masked wall between them do not smooth into each other."""
    data = np.zeros((4, 9, 6))
    data[:, :4, :3], data[:, 5:, 3:] = 1.0, 1.0
    mask = np.ones((4, 9), bool)
    mask[:, 4] = False
    result = mf.unmix(data, 2, smoothness=10.0, mask=mask, random_state=0, tol=1e-8, max_iter=2000)
    assert float(np.ptp(result.abundances.values[:, :, :4], axis=(1, 2)).max()) < 1e-6
    assert float(result.trace.relative_error[-1]) < 1e-3


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("channel", ["energy", ("energy", "q")])
def test_lazy_rows_equal_those_in_memory(masked, channel):
    dask = pytest.importorskip("dask.array", reason="the test extra is not installed")
    rng = np.random.default_rng(0)
    cube = xr.DataArray(rng.random((5, 3, 4, 6)), dims=("y", "energy", "x", "q"))
    lazy = cube.copy(data=dask.from_array(cube.values, chunks=(2, 3, 2, 6)))
    channels = (channel,) if isinstance(channel, str) else channel
    pixels = tuple(name for name in cube.dims if name not in channels)
    mask = None
    if masked:
        shape = [cube.sizes[name] for name in pixels]
        mask = xr.DataArray(rng.random(shape) > 0.4, dims=pixels)
    layout = Layout.of(lazy, channel, mask)
    whole, rows = layout.matrix(cube), CubeRows(layout, lazy)
    assert isinstance(whole, Dense)
    assert isinstance(layout.matrix(lazy), Chunked)
    for start in range(0, rows.shape[0], 3):
        for stop in (start + 1, start + 5, rows.shape[0]):
            np.testing.assert_array_equal(rows[start : min(stop, rows.shape[0])], whole.array[start:stop])


def test_section_is_the_layout_of_the_rows_it_names(cube):
    mask = np.arange(60).reshape(6, 10) % 7 != 0
    layout = Layout.of(cube, mask=mask)
    part = layout.section(2, 5)
    np.testing.assert_array_equal(part.matrix(cube[2:5]).array, cube.values[2:5].reshape(30, 20)[mask[2:5].ravel()])
    assert part.map_shape == (3, 10)
    np.testing.assert_array_equal(part.coords["y"].values, cube["y"].values[2:5])
