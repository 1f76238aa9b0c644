from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import mffnb as mf
from mffnb import plots
from mffnb.plots.palette import component_colors


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


def test_a_scale_bar_has_a_round_length_and_takes_the_place_of_axes(cube):
    image = cube.isel(energy=0)  # 10 pixels of 0.5 µm
    ax = plots.draw_map(image, Figure().subplots(), colorbar=False)
    limits = ax.get_xlim(), ax.get_ylim()
    plots.draw_scale_bar(image, ax)
    assert [text.get_text() for text in ax.texts] == ["1 µm"]
    assert np.ptp(ax.lines[0].get_xdata()) == pytest.approx(1.0)
    assert (ax.get_xlim(), ax.get_ylim()) == limits
    assert (len(ax.get_xticks()), ax.get_xlabel()) == (0, "")
    bare = plots.draw_scale_bar(xr.DataArray(image.values, dims=("y", "x")), Figure().subplots(), length=3)
    assert bare.texts[0].get_text() == "3 pixel"
    assert np.ptp(bare.lines[0].get_xdata()) == pytest.approx(3.0)


def test_a_composite_adds_light_in_the_colours_of_components():
    maps = xr.DataArray(np.eye(3)[:, None] * [[[1.0, 2.0, 4.0]]], dims=("component", "y", "x"))
    ax = plots.draw_composite(maps, Figure().subplots(), colors=["#ff0000", "#00ff00", "#0000ff"])
    np.testing.assert_allclose(ax.images[0].get_array()[0], np.eye(3), atol=0.01)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["component 0", "component 1", "component 2"]


def test_the_most_prominent_peaks_are_labelled():
    energy = np.linspace(0, 100, 1001)
    values = sum(height * np.exp(-(((energy - at) / 2) ** 2)) for at, height in ((20, 1.0), (50, 0.2), (80, 3.0)))
    spectrum = xr.DataArray(values, dims="energy", coords={"energy": energy})
    ax = plots.label_peaks(spectrum, Figure().subplots(), number=2, digits=1, fontsize=7)
    assert [text.get_text() for text in ax.texts] == ["20.0", "80.0"]
    noisy = spectrum + 0.01 * np.random.default_rng(0).random(1001)
    assert len(plots.label_peaks(noisy, Figure().subplots(), number=99).texts) == 3
    flat = plots.label_peaks(xr.DataArray(np.zeros(5), dims="channel"), Figure().subplots())
    assert not flat.texts


def test_residuals_show_where_and_at_which_channel(cube):
    odd = cube.copy(data=cube.values.copy())
    odd[1, 2, 7] += 50 * float(cube.max())
    result = mf.unmix(cube, 2, random_state=0)
    figure = plots.residuals(result, odd)
    image, channels = figure.axes[:2]
    assert np.unravel_index(np.argmax(image.images[0].get_array()), (6, 10)) == (1, 2)
    assert np.argmax(channels.lines[0].get_ydata()) == 7
    assert channels.get_xlabel() == "energy loss (eV)"
    assert channels.get_ylabel() == "residual (counts)"


def test_sections_cut_a_stack_where_they_are_told():
    depth = {"z": ("z", np.arange(5) * 2.0, {"units": "nm"}), "y": ("y", np.arange(4) * 10.0, {"units": "µm"})}
    stack = xr.DataArray(np.random.default_rng(0).random((5, 4, 6, 9)), dims=("z", "y", "x", "mz"), coords=depth)
    result = mf.unmix(stack, 2, random_state=0)
    figure = plots.sections(result, "y", at=19.0)
    maps = [ax for ax in figure.axes if ax.images and ax.get_title()]
    assert len(maps) == 2
    np.testing.assert_array_equal(maps[1].images[0].get_array(), result.abundances[1].isel(y=2))
    assert maps[0].get_ylabel() == "z (nm)"
    assert figure.get_suptitle() == "y (µm) = 20"
    with pytest.raises(ValueError, match="no dimension 'depth': use one of z, y, x"):
        plots.sections(result, "depth")


def test_labels_stand_where_there_is_room():
    spectra = xr.DataArray([np.linspace(0, 1, 50), np.linspace(1, 0, 50)], dims=("component", "channel"))
    ax = plots.draw_spectra(spectra, Figure().subplots())
    assert [text.get_ha() for text in ax.texts] == ["left", "right"]


def test_several_channel_dimensions_are_numbered():
    stack = xr.DataArray(np.random.default_rng(0).random((2, 3, 4)), dims=("component", "ky", "kx"))
    assert plots.draw_spectra(stack, Figure().subplots()).get_xlabel() == "channel, row by row"
    assert len(plots.channel_coordinate(stack)) == 12
