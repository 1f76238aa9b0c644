from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import mffnb as mf
from mffnb import plots
from mffnb.palette import component_colors


def test_overview_has_a_map_and_a_spectrum_for_each_component_in_one_colour(cube):
    figure = mf.unmix(cube, 5, random_state=0).plot()
    maps = [ax for ax in figure.axes if ax.images and ax.get_title()]
    lines = next(ax for ax in figure.axes if ax.get_xlabel() == "energy loss (eV)").lines
    spectra = [line for line in lines if len(line.get_xdata()) == 20]
    assert [ax.get_title() for ax in maps] == [f"component {j}" for j in range(5)]
    assert [line.get_color() for line in spectra] == component_colors(5)
    assert [to_hex(ax.title.get_color()) for ax in maps] == component_colors(5)
    figure.savefig("/dev/null", format="png")


def test_a_map_is_drawn_where_its_coordinates_say(cube):
    ax = Figure().subplots()
    image = cube.isel(energy=0)
    plots.draw_map(image, ax)
    assert ax.get_xlabel() == "x (µm)"
    assert ax.get_xlim() == pytest.approx((-0.25, 4.75))
    assert ax.get_ylim() == pytest.approx((2.75, -0.25))  # first row on top
    np.testing.assert_array_equal(ax.images[0].get_array(), image.values)


@pytest.mark.parametrize("shape", [(9,), (4, 9), (3, 4, 9), (2, 3, 4, 9)])
def test_every_kind_of_pixel_grid_gives_a_picture(shape):
    result = mf.unmix(np.random.default_rng(0).random((*shape, 12)), 2, random_state=0)
    assert plots.as_image(result.abundances[0]).ndim == 2
    result.plot().savefig("/dev/null", format="png")


def test_spectra_can_be_drawn_as_they_are(cube):
    result = mf.unmix(cube, 3, random_state=0)
    ax = plots.draw_spectra(result.endmembers, Figure().subplots(), stacked=False, labels=["a", "b", "c"])
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), result.endmembers[1])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b", "c"]
    assert ax.get_ylabel() == "intensity (counts)"


def test_pixel_size_is_known_only_on_even_calibrated_grids(cube):
    image = cube.isel(energy=0)
    assert plots.pixel_size(image) == (0.5, 0.5, "µm")
    assert plots.pixel_size(image.drop_vars("x")) is None
    uneven = image.assign_coords(x=("x", np.arange(10.0) ** 2, {"units": "µm"}))
    assert plots.pixel_size(uneven) is None
    mixed = image.assign_coords(x=("x", np.arange(10.0), {"units": "nm"}))
    assert plots.pixel_size(mixed) is None


def test_component_colormaps_grow_brighter_all_the_way():
    for color in component_colors(24):
        rgb = plots.component_colormap(color)(np.linspace(0, 1, 50))[:, :3]
        luminance = rgb @ [0.2126, 0.7152, 0.0722]
        assert (np.diff(luminance) > 0).all()


def test_component_colors_are_stable_and_distinct():
    assert component_colors(12)[:4] == component_colors(4)
    assert len(set(component_colors(24))) == 24


def test_labels_fall_back_to_dimension_names():
    bare = xr.DataArray(np.zeros((2, 3)), dims=("component", "channel"))
    assert plots.axis_label(bare, "channel") == "channel"
    np.testing.assert_array_equal(plots.channel_coordinate(bare), [0, 1, 2])


def test_overview_keeps_the_names_and_colours_of_components(cube):
    result = mf.unmix(cube, 3, random_state=0)
    named = {"component": [0, 2, 5]}
    result = replace(
        result, abundances=result.abundances.assign_coords(named), endmembers=result.endmembers.assign_coords(named)
    )
    figure = result.plot()
    maps = [ax for ax in figure.axes if ax.images and ax.get_title()]
    palette = component_colors(6)
    assert [ax.get_title() for ax in maps] == ["component 0", "component 2", "component 5"]
    assert [to_hex(ax.title.get_color()) for ax in maps] == [palette[0], palette[2], palette[5]]
