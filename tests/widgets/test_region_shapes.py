"""Regions of the explorer as rectangles, ellipses and strokes of a brush: their pixels, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import mffnb as mf
from mffnb.widgets.region_shapes import mask_inside

SHAPE = (9, 14)
ROWS, COLUMNS = np.mgrid[: SHAPE[0], : SHAPE[1]]


def maps(**coords):
    return xr.DataArray(np.zeros((2, *SHAPE)), dims=("component", "y", "x"), coords=coords)


positions = st.tuples(st.floats(-2, 11), st.floats(-2, 16))


@given(positions, positions)
@settings(deadline=None)
def test_a_rectangle_holds_the_centres_between_its_corners_whichever_come_first(a, b):
    mask, corners = mask_inside(maps(), [a, b], shares=False, shape="rectangle")
    low, high = np.minimum(a, b), np.maximum(a, b)
    strictly = (low[0] < ROWS) & (high[0] > ROWS) & (low[1] < COLUMNS) & (high[1] > COLUMNS)
    touching = (low[0] <= ROWS) & (high[0] >= ROWS) & (low[1] <= COLUMNS) & (high[1] >= COLUMNS)
    assert not (mask.values & ~touching).any()
    assert not (strictly & ~mask.values).any()
    assert corners.shape == (4, 2)
    same, _ = mask_inside(maps(), [b, a], shares=False, shape="rectangle")
    np.testing.assert_array_equal(mask, same)


@given(positions, positions)
@settings(deadline=None)
def test_an_ellipse_is_the_quadratic_form_and_lies_in_its_box(a, b):
    mask, corners = mask_inside(maps(), [a, b], shares=False, shape="ellipse")
    centre, radii = (np.array(a) + b) / 2, np.abs(np.array(a) - b) / 2
    if radii.min() > 1e-6:
        form = ((ROWS - centre[0]) / radii[0]) ** 2 + ((COLUMNS - centre[1]) / radii[1]) ** 2
        np.testing.assert_array_equal(mask.values[np.abs(form - 1) > 1e-9], (form <= 1)[np.abs(form - 1) > 1e-9])
    ends = (np.array([a, b]) + 0.5) / SHAPE
    assert (corners >= ends.min(axis=0) - 1e-9).all()
    assert (corners <= ends.max(axis=0) + 1e-9).all()


@given(st.lists(positions, min_size=1, max_size=5), st.floats(0.5, 6))
@settings(deadline=None)
def test_a_brush_holds_the_pixels_near_its_path(path, width):
    mask, corners = mask_inside(maps(), path, shares=False, shape="brush", width=width)
    points = np.array(path)
    steps = np.linspace(0, 1, 400)[:, None]
    dense = np.concatenate([p + steps * (q - p) for p, q in zip(points, [*points[1:], points[-1]], strict=True)])
    distance = np.min(np.hypot(ROWS[..., None] - dense[:, 0], COLUMNS[..., None] - dense[:, 1]), axis=-1)
    sure = np.abs(distance - width / 2) > 0.02  # the path is sampled
    np.testing.assert_array_equal(mask.values[sure], (distance <= width / 2)[sure])
    assert corners is None


def test_positions_are_coordinates_and_shares_are_those_of_the_picture():
    located = maps(y=10.0 * np.arange(9), x=5.0 * np.arange(14)[::-1])
    by_position, _ = mask_inside(located, [(15, 12), (45, 33)], shares=False, shape="rectangle")
    assert set(np.nonzero(by_position.values)[0]) == {2, 3, 4}
    assert set(located.x.values[np.nonzero(by_position.values)[1]]) == {15.0, 20.0, 25.0, 30.0}
    by_share, _ = mask_inside(maps(), [(0, 0), (1 / 3, 0.5)], shares=True, shape="rectangle")
    np.testing.assert_array_equal(by_share, (ROWS < 3) & (COLUMNS < 7))


@pytest.mark.parametrize(
    ("vertices", "options", "message"),
    [
        ([(0, 0), (3, 3)], {}, "three or more positions"),
        ([(0, 0)], {"shape": "ellipse"}, "need two positions"),
        ([(0, 0), (1, 1), (2, 2)], {"shape": "rectangle"}, "two opposite corners .*, got 3 positions"),
        ([(0, 0), (3, 3)], {"shape": "circle"}, "use polygon, rectangle, ellipse, brush"),
        ([(0, 0), (3, 3)], {"shape": "brush"}, "a brush needs a width > 0"),
        (np.zeros((0, 2)), {"shape": "brush", "width": 2}, "one or more positions"),
    ],
)
def test_refusals(vertices, options, message):
    with pytest.raises(ValueError, match=message):
        mask_inside(maps(), vertices, shares=False, **options)


def test_each_shape_is_a_region_with_its_mean_spectrum(cube):
    explorer = mf.explore(cube, k=3)
    explorer.wait()
    try:
        for shape, width in (("rectangle", 0.0), ("ellipse", 0.0), ("brush", 2.0)):
            one = explorer.region([(0, 0), (2, 3)], shape=shape, width=width)
            assert one.pixels == int(one.mask.sum()) > 0
            np.testing.assert_allclose(one.mean_spectrum, cube.values[one.mask.values].mean(axis=0))
            assert (one.vertices is None) == (shape == "brush")
    finally:
        explorer.close()
