"""Figure with clickable regions, without a browser."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from mffnb.widgets.boards.picture import ClickTarget, Picture, RenderedFigure, box_across, boxes_around


def draw():
    figure = Figure(figsize=(4, 2))
    ax = figure.add_axes((0.25, 0.25, 0.5, 0.5), xlim=(0, 4), ylim=(0, 2))
    ax.plot([0, 4], [1, 1], color="black")
    return RenderedFigure(
        figure, "a line", (ClickTarget(7, "seven", (box_across(ax, 1, 2), *boxes_around(ax, [2], [1], inches=0.2))),)
    )


@pytest.fixture
def picture():
    chosen = []
    made = Picture(draw, "a place", chosen.append)
    made.heard = chosen
    yield made
    made.close()


def pixels(picture):
    return imread(io.BytesIO(picture.image))


def test_regions_lie_on_the_axes(picture):
    picture.redraw()
    (spot,) = picture.spots
    np.testing.assert_allclose(spot["boxes"][0], (0.375, 0.25, 0.125, 0.5))
    np.testing.assert_allclose(spot["boxes"][1], (0.475, 0.45, 0.05, 0.1))
    assert (spot["value"], spot["label"], picture.shown["alt"], picture.shown["width"]) == (7, "seven", "a line", 400)


def test_strips_are_clipped_to_their_axes():
    ax = draw().figure.axes[0]
    np.testing.assert_allclose(box_across(ax, 3.5, 9.0), (0.6875, 0.25, 0.0625, 0.5))


def test_dark_theme_gives_bright_lines_on_a_transparent_background(picture):
    picture.redraw()
    light = pixels(picture)
    picture.dark = True  # set by the browser
    dark = pixels(picture)
    assert light.shape == dark.shape
    assert light[0, 0].tolist() == [1, 1, 1, 1]
    assert dark[0, 0, 3] == 0
    middle = light.shape[0] // 2, light.shape[1] // 2
    assert light[middle][:3].max() < 0.2
    assert dark[middle][:3].min() > 0.7
    assert picture.spots[0]["value"] == 7


def test_browser_selects_a_value_and_invalid_messages_are_ignored(picture):
    for message in ({"choose": 7}, {"choose": "7"}, {}, None):
        picture._receive(picture, message, [])
    assert picture.heard == [7]


def test_no_figure_gives_no_picture():
    picture = Picture(lambda: None, "nothing")
    picture.redraw()
    assert (picture.image, picture.spots) == (b"", [])
