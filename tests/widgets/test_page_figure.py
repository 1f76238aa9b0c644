"""The figure of what the page shows, and the file that the page saves."""

from __future__ import annotations

import re

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.widgets.page_figure import page_figure


@pytest.fixture(scope="module")
def sample():
    return mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube.isel(mz=slice(0, 300))


@pytest.fixture
def explorer(sample):
    made = mf.explore(sample, k=3, tol=1e-3)
    made.wait()
    yield made
    made.close()


def drawn(explorer):
    """Axes of the figure by their title, and those of the spectra from top to bottom."""
    above, below = page_figure(explorer).subfigs
    return {ax.get_title(): ax for ax in above.axes if ax.get_title()}, below.axes


def texts(explorer, path):
    explorer.save_picture(path, dpi=40)
    return re.findall(r"<text[^>]*>([^<]*)</text>", path.read_text())


def test_the_figure_has_names_units_scale_bars_and_the_tiles_that_are_shown(explorer, tmp_path):
    explorer.rename(1, "lignin")
    before = texts(explorer, tmp_path / "before.svg")
    assert {"component 0", "lignin", "component 2", "m/z", "secondary ions (counts)"} <= {*before}
    maps, _ = drawn(explorer)
    bar = maps["lignin"].texts[0].get_text()
    assert bar.endswith(f" {explorer.result.abundances.x.attrs['units']}")
    assert not {"composite", "vessel"} & {*before}
    explorer.composite()
    explorer.residual_map()
    explorer.region(mask=np.arange(16 * 24).reshape(16, 24) < 100, name="vessel")
    explorer.probe(pixel=[3, 4])
    after = texts(explorer, tmp_path / "after.svg")
    assert {"composite", "misfit (noise = 1)", "vessel", "P1"} <= {*after}
    explorer.undo()
    explorer.undo()
    assert "vessel" not in texts(explorer, tmp_path / "undone.svg")


def test_a_file_without_lengths_has_axes_instead_of_scale_bars(sample):
    plain = sample.drop_vars(["y", "x"])
    explorer = mf.explore(plain, k=2, tol=1e-2)
    explorer.wait()
    maps, _ = drawn(explorer)
    assert maps["component 0"].get_xlabel() == "x"
    assert len(maps["component 0"].get_xticks()) > 1
    explorer.close()


def test_maps_have_the_values_the_contrast_and_the_section_of_the_page(explorer):
    explorer.view.gamma, explorer.view.clip, explorer.view.color_map = 0.5, 5.0, "viridis"
    maps, _ = drawn(explorer)
    image = maps["component 0"].images[0]
    values = explorer.result.abundances[0].values
    np.testing.assert_allclose(image.get_array(), values)
    assert image.get_cmap().name == "viridis"
    assert image.norm.gamma == 0.5
    assert 0.04 <= np.mean(values >= image.norm.vmax) <= 0.06


def test_tiles_of_tools_have_the_values_of_their_functions(explorer):
    band = explorer.band(42.5, 43.5)
    misfit = explorer.residual_map()
    maps, _ = drawn(explorer)
    for title, values in (("band 42.5 to 43.5", band), ("misfit (noise = 1)", misfit)):
        shown = maps[title].images[0].get_array()
        np.testing.assert_allclose(shown, values, atol=float(np.ptp(values.values)) / 254)
    assert maps["band 42.5 to 43.5"].get_xlim() == maps["component 0"].get_xlim()


def test_differences_to_a_kept_answer_are_around_zero(explorer):
    explorer.keep("A")
    explorer.merge(0, 1)
    explorer.wait()
    found = explorer.compare("A")
    maps, _ = drawn(explorer)
    images = [ax.images[0] for title, ax in maps.items() if title.startswith("Δ")]
    assert len(images) == len(found.difference)
    largest = float(np.abs(found.difference).max())
    for image, difference in zip(images, found.difference, strict=True):
        np.testing.assert_allclose(image.get_array(), difference, atol=largest / 127)
        np.testing.assert_allclose(image.get_clim(), (-largest, largest), rtol=1e-12)


def test_the_scatter_plot_counts_each_pixel_and_ends_with_the_tool(explorer):
    explorer.rename(1, "lignin")
    found = explorer.scatter(0, 1)
    maps, _ = drawn(explorer)
    ax = maps[f"scatter, r = {found.attrs['correlation']:.2f}"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("component 0", "lignin")
    (counts,) = ax.collections
    assert counts.get_array().sum() == 16 * 24
    low, high = ax.get_xlim()
    np.testing.assert_allclose((low, high), (found.horizontal.min(), found.horizontal.max()), rtol=1e-6, atol=1e-6)
    explorer.scatter(shown=False)
    assert not [title for title in drawn(explorer)[0] if title.startswith("scatter")]


def test_the_profile_is_drawn_with_its_line_on_the_maps(explorer):
    line = explorer.profile((20, 20), (60, 100), width=15)
    explorer.hide(2)
    above, between, below = page_figure(explorer).subfigs
    (ax,) = between.axes
    curves = {one.get_label(): one.get_ydata() for one in ax.lines if not one.get_label().startswith("_")}
    assert [*curves] == ["component 0", "component 1"]
    for (_, drawn_values), values in zip(curves.items(), line, strict=False):
        np.testing.assert_allclose(drawn_values, values, rtol=1e-6)
    assert ax.get_xlabel() == "distance (µm)"
    np.testing.assert_allclose(ax.get_xlim(), (0, np.hypot(40, 80)), rtol=1e-6)
    on_map = [one for one in above.axes[0].lines if one.get_marker() == "o"]
    np.testing.assert_allclose(on_map[0].get_xydata(), [(20, 20), (100, 60)], rtol=1e-6)
    (area,) = above.axes[0].patches
    corners = area.get_xy()[:4]
    np.testing.assert_allclose(np.hypot(*(corners[0] - corners[3])), 15, rtol=1e-5)
    np.testing.assert_allclose(np.dot(corners[0] - corners[3], corners[1] - corners[0]), 0, atol=1e-2)
    assert len(below.axes) == 2
    explorer.profile(shown=False)
    assert len(page_figure(explorer).subfigs) == 2


def test_orthogonal_sections_have_the_values_of_the_stack_and_one_colour_scale(sample):
    stack = xr.concat([sample, 2 * sample, 3 * sample], dim="z").assign_coords(z=("z", [0.0, 5.0, 9.0]))
    explorer = mf.explore(stack, k=2, tol=1e-2)
    explorer.wait()
    explorer.rename(1, "wax")
    explorer.show_section(z=9.0, y=40.0, x=60.0)
    found = explorer.orthogonal_sections(1)
    _, between, _ = page_figure(explorer).subfigs
    front, under, side = [ax for ax in between.axes if ax.get_title()]
    assert front.get_title() == "wax, z = 9"
    np.testing.assert_array_equal(front.images[0].get_array(), found.yx)
    np.testing.assert_array_equal(under.images[0].get_array(), found.zx)
    np.testing.assert_array_equal(side.images[0].get_array(), found.zy.T)
    assert len({ax.images[0].get_clim() for ax in (front, under, side)}) == 1
    row, column = (one.get_ydata()[0] for one in front.lines if one.get_xdata()[0] == 0), front.lines[1].get_xdata()[0]
    np.testing.assert_allclose(next(row), 40.0, atol=5)  # the pixel whose centre is nearest
    np.testing.assert_allclose(column, 60.0, atol=5)
    explorer.close()


@pytest.mark.parametrize("scale", ["linear", "sqrt", "log"])
def test_spectra_have_the_scale_the_normalisation_and_the_zoom_of_the_page(explorer, scale):
    shown = explorer.show_spectra(scale=scale, normalize="max", channels=(20, 60), common=True)
    _, axes = drawn(explorer)
    assert axes[0].get_xlim() == (20, 60)
    assert len({ax.get_ylim() for ax in axes}) == (1 if scale != "log" else len({ax.get_ylim() for ax in axes}))
    for ax, spectrum in zip(axes, shown, strict=True):
        np.testing.assert_allclose(ax.lines[0].get_ydata(), spectrum, rtol=1e-12)
    assert axes[0].get_yscale() == {"linear": "linear", "sqrt": "function", "log": "symlog"}[scale]


def test_hidden_components_are_left_out_and_the_order_is_kept(explorer):
    explorer.reorder([2, 0, 1])
    explorer.hide(0)
    maps, axes = drawn(explorer)
    assert list(maps) == ["component 2", "component 1"]
    assert len(axes) == 2


def test_a_region_has_its_measured_spectrum_and_the_model(explorer):
    region = explorer.region(mask=np.arange(16 * 24).reshape(16, 24) % 3 == 0, name="third")
    _, axes = drawn(explorer)
    measured, model = (line.get_ydata() for line in axes[-1].lines[:2])
    np.testing.assert_allclose(measured, region.mean_spectrum)
    answer = explorer.result
    expected = answer.reconstruction().where(region.mask).mean(("y", "x"))
    np.testing.assert_allclose(model, expected, rtol=1e-9, atol=1e-12)


def test_patterns_are_images_with_the_axes_of_the_channels():
    generator = np.random.default_rng(0)
    values = np.einsum("zyxk,kab->zyxab", generator.random((4, 6, 7, 2)), generator.random((2, 5, 4)))
    coordinates = {"ky": ("ky", np.linspace(-1, 1, 5), {"units": "1/nm"}), "z": ("z", np.arange(4.0), {"units": "nm"})}
    cube = xr.DataArray(values, dims=("z", "y", "x", "ky", "kx"), coords=coordinates)
    explorer = mf.explore(cube, k=2, channel=["ky", "kx"], tol=1e-4)
    explorer.wait()
    explorer.show_section(z=3.0)
    figure = page_figure(explorer)
    above, below = figure.subfigs
    patterns = [ax for ax in below.axes if ax.images]
    assert [ax.get_ylabel() for ax in patterns] == ["ky (1/nm)"] * 2
    np.testing.assert_allclose(patterns[0].images[0].get_array(), explorer.result.endmembers[0], rtol=1e-12)
    np.testing.assert_allclose(above.axes[0].images[0].get_array(), explorer.result.abundances[0, 3])
    assert "z = 3 nm" in figure.get_suptitle()
    explorer.close()


def test_the_page_receives_the_file_that_it_requests(explorer, tmp_path, monkeypatch):
    sent = []
    monkeypatch.setattr(explorer.view, "send", lambda content, buffers: sent.append((content, buffers)))
    arguments = {"path": "figure.png", "download": 7, "dpi": 40}
    explorer.view._receive(explorer.view, {"type": "call", "tool": "save_picture", "arguments": arguments}, [])
    ((content, (picture,)),) = sent
    assert content == {"type": "file", "name": "figure.png", "request": 7}
    assert picture.startswith(b"\x89PNG")
    assert not (tmp_path / "figure.png").exists()
    assert explorer.view.error == ""
    assert explorer.history.steps == (0, 0)
