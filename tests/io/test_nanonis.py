"""Nanonis grids and point spectra: order of the pixels, channels, geometry, and grids that were stopped early."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.datasets import fetch
from mffnb.errors import FileWarning

CHANNELS = ("Current (A)", "LIX 1 omega (A)", "Current [bwd] (A)")
HEADER = """Grid dim="4 x 3"\r
Grid settings=1.0E-7;2.0E-7;8.0E-9;3.0E-9;3.0E+1\r
Filetype=Linear\r
Sweep Signal="Bias (V)"\r
Fixed parameters="Sweep Start;Sweep End"\r
Experiment parameters="X (m);Y (m);Z (m)"\r
# Parameters (4 byte)=5\r
Experiment size (bytes)={size}\r
Points=6\r
Channels="{channels}"\r
Experiment="Grid Spectroscopy"\r
:HEADER_END:\r
"""


def value(y, x, channel, point):
    return 1000 * y + 100 * x + 10 * channel + point + 1


def write_grid(path, pixels=12, channels=CHANNELS, filled=0):
    """A grid of 3 rows and 4 columns, x fastest, of which the first pixels are stored, and some are zero after these."""
    text = HEADER.format(size=24 * len(channels), channels=";".join(channels)).encode()
    for number in range(pixels):
        y, x = divmod(number, 4)
        numbers = [-1.0, 1.5, x, y, 1e-9 * number + 1e-8]
        numbers += [value(y, x, channel, point) for channel in range(len(channels)) for point in range(6)]
        text += struct.pack(f">{len(numbers)}f", *numbers)
    path.write_bytes(text + bytes(4 * (5 + 6 * len(channels)) * filled))
    return path


def expected(channel):
    y, x, point = np.meshgrid(np.arange(3), np.arange(4), np.arange(6), indexing="ij")
    return value(y, x, channel, point).astype(float)


@pytest.mark.parametrize(
    ("dataset", "number"),
    [(None, 1), ("Current", 0), ("Current (A)", 0), ("1", 1), ("Current [bwd]", 2), ("Current [bwd] (A)", 2)],
)
def test_a_channel_is_read_by_name_and_lock_in_is_preferred(tmp_path, dataset, number):
    cube = mf.read(write_grid(tmp_path / "a.3ds"), dataset=dataset)
    assert cube.dims == ("y", "x", "bias")
    np.testing.assert_array_equal(cube, expected(number))
    assert cube.attrs["dataset"] == CHANNELS[number]
    assert cube.attrs["units"] == "A"
    assert ("lock-in" in cube.attrs["choice"]) == (dataset is None)


def test_axes_are_in_physical_units(tmp_path):
    cube = mf.read(write_grid(tmp_path / "a.3ds"))
    np.testing.assert_allclose(cube["x"], [1, 3, 5, 7])
    np.testing.assert_allclose(cube["y"], [0.5, 1.5, 2.5])
    np.testing.assert_allclose(cube["bias"], np.linspace(-1, 1.5, 6))
    assert [cube[name].attrs["units"] for name in ("x", "y", "bias", "topography")] == ["nm", "nm", "V", "m"]
    assert cube.attrs["grid_angle_deg"] == 30
    assert cube.attrs["grid_centre_m"] == [1e-7, 2e-7]
    np.testing.assert_allclose(cube["topography"], 1e-8 + 1e-9 * np.arange(12).reshape(3, 4), rtol=1e-6)


def test_without_lock_in_the_current_is_read(tmp_path):
    cube = mf.read(write_grid(tmp_path / "a.3ds", channels=("Z (m)", "Current (A)")))
    np.testing.assert_array_equal(cube, expected(1))
    assert "no lock-in" in cube.attrs["choice"]


@pytest.mark.parametrize("filled", [0, 5])
def test_pixels_of_a_stopped_grid_are_masked(tmp_path, filled):
    path = write_grid(tmp_path / "a.3ds", pixels=7, filled=filled)
    with pytest.warns(FileWarning, match="5 of 12 pixels were not measured"):
        cube = mf.read(path)
    full = expected(1).reshape(12, 6)
    np.testing.assert_array_equal(cube.values.reshape(12, 6)[:7], full[:7])
    assert np.isnan(cube.values.reshape(12, 6)[7:]).all()
    result = mf.unmix(cube, 1)
    assert np.isnan(result.abundances.values.reshape(12)[7:]).all()


def test_an_unknown_channel_is_refused_with_those_of_the_file(tmp_path):
    path = write_grid(tmp_path / "a.3ds")
    for keyword in ("dataset", "channel"):
        with pytest.raises(
            ValueError, match=r"no channel 'nothing'; it holds\n  0  'Current' .* A .*;\n  1  'LIX 1 omega'"
        ):
            mf.read(path, **{keyword: "nothing"})


def test_a_channel_is_chosen_by_name_or_number(tmp_path):
    path = write_grid(tmp_path / "a.3ds")
    expected = mf.read(path, dataset="Current (A)")
    assert not expected.identical(mf.read(path))
    for channel in ("Current", "Current (A)", 0):
        xr.testing.assert_identical(mf.read(path, channel=channel), expected)
    with pytest.raises(ValueError, match=r"dataset=1 and channel=0 both select an array of a\.3ds"):
        mf.read(path, dataset=1, channel=0)
    np.save(tmp_path / "a.npy", np.ones((3, 4, 5)))
    with pytest.raises(ValueError, match=r"has no named channels, but channel='Current' is given: leave it out"):
        mf.read(tmp_path / "a.npy", channel="Current")


def test_sweeps_that_differ_between_pixels_are_reported(tmp_path):
    path = write_grid(tmp_path / "a.3ds")
    content = bytearray(path.read_bytes())
    begin = len(content) - 4 * 23
    content[begin : begin + 4] = struct.pack(">f", 0.5)
    path.write_bytes(content)
    with pytest.warns(FileWarning, match=r"differ by 1\.5 between pixels"):
        mf.read(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[:100], "HEADER_END"),
        (lambda text: text[: text.index(b":HEADER_END:") + 60], "holds 0 complete pixels"),
        (lambda text: text.replace(b'"4 x 3"', b'"99999 x 99999"'), "99999 x 99999"),
        (lambda text: text.replace(b"Points=6", b"Points=0"), "of 0 points"),
        (lambda text: text.replace(b"Points=6", b"Points=?"), "incomplete header"),
        (lambda text: text.replace(b"Channels=", b"Canals="), "incomplete header"),
    ],
)
def test_a_damaged_grid_is_refused(tmp_path, change, message):
    path = write_grid(tmp_path / "a.3ds")
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ValueError, match=message):
        mf.read(path)


POINT = "Experiment\tbias spectroscopy\t\r\nX (m)\t-19.5E-9\t\r\n\r\n[DATA]\r\nBias calc (V)\tCurrent (A)\tLIY 1 omega (A)\r\n"


def test_a_point_spectrum_is_a_line_of_one_pixel(tmp_path):
    path = tmp_path / "a.dat"
    path.write_bytes((POINT + "-200E-3\t1E-12\t7\r\n300E-3\t2E-12\t8.5\r\n").encode())
    cube = mf.read(path)
    assert cube.dims == ("x", "bias")
    np.testing.assert_array_equal(cube, [[7, 8.5]])
    np.testing.assert_allclose(cube["bias"], [-0.2, 0.3])
    assert cube.attrs["X (m)"] == "-19.5E-9"
    np.testing.assert_allclose(mf.read(path, dataset="Current"), [[1e-12, 2e-12]])
    for text in (POINT, POINT + "-200E-3\t1E-12\t7\r\n300E-3\t2E", POINT[:70]):
        path.write_bytes(text.encode())
        with pytest.raises(ValueError, match="truncated"):
            mf.read(path)


@pytest.mark.data("files/grid_spectroscopy.3ds")
def test_values_of_a_measured_grid_are_those_at_their_place_in_the_file():
    path = fetch.data_folder() / "files" / "grid_spectroscopy.3ds"
    with pytest.warns(FileWarning, match="936 of 1024"):
        cube = mf.read(path, dataset="Frequency Shift (Hz)")
    content = path.read_bytes()
    begin = content.index(b":HEADER_END:") + 14
    for y, x in ((0, 0), (1, 5), (2, 23)):
        pixel = np.frombuffer(content, ">f4", 20 + 16 * 256, begin + (32 * y + x) * 16464)
        np.testing.assert_array_equal(cube[y, x], pixel[20 + 6 * 256 :][:256])
        # The file states the position of each pixel: from the centre of the grid, which is not rotated.
        centre = np.array(cube.attrs["grid_centre_m"]) - np.array(cube.attrs["grid_size_m"]) / 2
        np.testing.assert_allclose(pixel[2:4] - centre, [cube.x[x] * 1e-9, cube.y[y] * 1e-9], atol=1e-13)
    np.testing.assert_allclose(cube["z"][[0, -1]], [2e-10, -8e-10], rtol=1e-6)
    assert np.isnan(cube.values[2:, 24:]).all()


@pytest.mark.data("files/bias_spectroscopy.dat")
def test_a_measured_point_spectrum_is_read():
    cube = mf.read(fetch.data_folder() / "files" / "bias_spectroscopy.dat")
    assert cube.attrs["dataset"] == "Input 3 (A)"
    np.testing.assert_allclose(cube[0, :2], [-132.523e-12, -133.405e-12])
    np.testing.assert_allclose(cube["bias"][[0, 1]], [-0.2, -0.199609])
