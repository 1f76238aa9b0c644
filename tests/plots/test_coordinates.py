"""Plots of maps whose coordinates are missing, NaN, constant, text or dates, of one pixel and of one row."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from mffnb import plots

DATES = np.array("2024-01-01", "datetime64[ns]") + np.arange(9).astype("timedelta64[D]")
COORDINATES = {
    "none": None,
    "falling": -0.5 * np.arange(9),
    "nan": np.where(np.arange(9) == 0, np.nan, np.arange(9)),
    "infinite": np.where(np.arange(9) == 0, np.inf, np.arange(9)),
    "huge": 1e300 * np.arange(9),
    "constant": np.zeros(9),
    "unsorted": np.array([3.0, 1, 2, 5, 4, 7, 6, 9, 8]),
    "text": np.array([f"s{number}" for number in range(9)]),
    "dates": DATES,
}
SHAPES = {"map": (3, 8), "pixel": (1, 1), "row": (1, 7), "column": (7, 1), "line": (6,), "stack": (2, 3, 4)}

MANY_AXES, EXTREMES = ("overview", "residuals"), ("pixel", "row", "stack")


@dataclass
class Fit:
    abundances: xr.DataArray
    endmembers: xr.DataArray

    def residual(self, _cube=None):
        return (self.abundances * self.endmembers).sum("component", skipna=False) - 0.5


def fit(shape, kind, masked=False, channels=9):
    rng, values = np.random.default_rng(0), COORDINATES[kind]
    dims = ("z", "y", "x")[-len(shape) :]
    maps, spectra = rng.random((2, *shape)), rng.random((2, channels))
    if masked:
        maps[1] = np.nan
        maps[:, ..., 0] = spectra[:, 0] = np.nan
    sizes = {**dict(zip(dims, shape, strict=True)), "e": channels}
    coords = {} if values is None else {name: (name, values[:n], {"units": "µm"}) for name, n in sizes.items()}
    number = {"component": np.arange(2)}
    return Fit(
        xr.DataArray(maps, dims=("component", *dims), coords={k: v for k, v in coords.items() if k != "e"} | number),
        xr.DataArray(spectra, dims=("component", "e"), coords={k: v for k, v in coords.items() if k == "e"} | number),
    )


def drawn(draw):
    figure = Figure()
    draw(figure.subplots())
    return figure


FIGURES = {
    "map": lambda one: drawn(lambda ax: plots.draw_map(one.abundances[1], ax)),
    "bar": lambda one: drawn(
        lambda ax: plots.draw_scale_bar(one.abundances[0], plots.draw_map(one.abundances[0], ax, colorbar=False))
    ),
    "composite": lambda one: drawn(lambda ax: plots.draw_composite(one.abundances, ax)),
    "spectra": lambda one: drawn(lambda ax: plots.draw_spectra(one.endmembers, ax)),
    "overview": plots.overview,
    "residuals": plots.residuals,
}


def check(figure):
    for form, head in (("svg", b"<?xml"), ("png", b"\x89PNG")):
        file = io.BytesIO()
        figure.savefig(file, format=form, dpi=30)
        assert file.getvalue().startswith(head)


@pytest.fixture(autouse=True)
def warnings_are_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.slow
@pytest.mark.parametrize("kind", COORDINATES)
@pytest.mark.parametrize("name", FIGURES)
def test_maps_with_any_coordinates_are_exported_without_warnings(name, kind):
    check(FIGURES[name](fit((3, 8), kind, masked=name != "map")))


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        # Figures of several axes take longest.
        pytest.param(name, shape, marks=pytest.mark.slow if name in MANY_AXES and shape not in EXTREMES else ())
        for name in FIGURES
        for shape in SHAPES
    ],
)
def test_maps_of_any_shape_are_exported_without_warnings(name, shape):
    check(FIGURES[name](fit(SHAPES[shape], "falling")))


def test_spectra_of_one_channel_are_drawn():
    check(FIGURES["spectra"](fit((3, 8), "falling", channels=1)))
    check(plots.residuals(fit((3, 8), "falling", channels=1)))


@pytest.mark.parametrize("kind", [kind for kind in COORDINATES if kind not in ("none", "falling")])
def test_an_axis_without_usable_coordinates_counts_pixels_and_says_so(kind):
    maps = fit((3, 8), kind).abundances
    for axes in (plots.draw_map(maps[0], Figure().subplots()), plots.draw_composite(maps, Figure().subplots())):
        assert axes.images[0].get_extent() == [-0.5, 7.5, 2.5, -0.5]
        assert axes.get_xlabel() == "x, by pixel number"
    assert plots.pixel_size(maps[0]) is None


def test_a_map_that_is_not_square_has_its_rows_from_top_to_bottom():
    image = plots.draw_map(fit((3, 8), "falling").abundances[0], Figure().subplots()).images[0]
    assert image.get_array().shape == (3, 8)
    np.testing.assert_allclose(image.get_extent(), [0.25, -3.75, -1.25, 0.25])


@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=() if kind in ("falling", "dates") else pytest.mark.slow) for kind in COORDINATES],
)
def test_sections_are_chosen_by_coordinate_or_by_number(kind):
    result = fit(SHAPES["stack"], kind)
    check(plots.sections(result, "y"))
    figure = plots.sections(result, "y", -1.0 if kind == "falling" else 2)
    check(figure)
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), result.abundances[0].isel(y=2))
    assert figure.get_suptitle().endswith("= -1" if kind == "falling" else "section 2")
    if kind != "falling":
        with pytest.raises(ValueError, match=r"at=9 is no section: 'y' has 3 of them"):
            plots.sections(result, "y", 9)
