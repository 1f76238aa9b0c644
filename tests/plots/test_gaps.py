"""Plots of spectra with gaps, of maps without data in some pixels, and of channels without a usable coordinate."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from mffnb import plots


def spectra(coordinate: object = None) -> xr.DataArray:
    values = np.arange(1.0, 13.0).reshape(2, 6)
    return xr.DataArray(
        values, dims=("component", "energy"), coords={} if coordinate is None else {"energy": coordinate}
    )


def test_masked_channels_leave_the_other_points() -> None:
    ax = plots.draw_spectra(spectra().where(np.arange(6) >= 2), Figure().subplots())
    drawn = [line.get_ydata() for line in ax.lines if len(line.get_xdata()) == 6]
    assert [int(np.isfinite(line).sum()) for line in drawn] == [4, 4]
    assert np.nanmax(drawn[1]) == pytest.approx(0.9)


def test_spectra_without_any_data_are_drawn_empty() -> None:
    ax = plots.draw_spectra(spectra() * np.nan, Figure().subplots())
    assert ax.get_ylabel() == "each scaled to its maximum"
    assert not plots.label_peaks(spectra()[0] * np.nan, ax).texts[2:]


@pytest.mark.parametrize(
    "coordinate",
    [
        [np.nan, 1, 2, 3, 4, 5],
        [1.0, 3, 2, 4, 5, 6],
        [2.0] * 6,
        list("abcdef"),
        np.arange("2020-01-01", "2020-01-07", dtype="datetime64[D]").astype("datetime64[ns]"),
    ],
)
def test_unusable_coordinate_is_replaced_by_channel_numbers(coordinate: object) -> None:
    ax = plots.draw_spectra(spectra(coordinate), Figure().subplots())
    assert ax.get_xlim() == (0.0, 5.0)
    assert ax.get_xlabel() == "energy, by channel number"


def test_falling_coordinate_is_drawn_as_it_is() -> None:
    ax = plots.draw_spectra(spectra([6.0, 5, 4, 3, 2, 1]), Figure().subplots())
    assert ax.get_xlim() == (6.0, 1.0)
    assert ax.get_xlabel() == "energy"


def test_composite_scales_to_pixels_with_data() -> None:
    maps = xr.DataArray(np.full((1, 4, 5), 2.0), dims=("component", "y", "x"))
    maps[0, :, :4] = np.nan
    light = plots.draw_composite(maps, Figure().subplots(), colors=["white"]).images[0].get_array()
    assert np.asarray(light)[:, 4].min() == 1.0
    assert np.asarray(light)[:, :4].max() == 0.0
