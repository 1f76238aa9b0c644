"""Component tree over k: parents, splits and persistent numbers."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from mffnb.selection import Lineage
from mffnb.solvers import Outcome
from mffnb.unmixing.result import Unmixing


def answer(*spectra):
    E = np.array(spectra, dtype=float)
    maps = np.random.default_rng(len(E)).random((len(E), 3, 5))
    return Unmixing(
        xr.DataArray(E, dims=("component", "channel")),
        xr.DataArray(maps, dims=("component", "y", "x")),
        Outcome.CONVERGED,
        xr.Dataset(),
        {},
    )


@pytest.fixture
def tree():
    return Lineage.of({
        2: answer([1, 1, 0, 0], [0, 0, 0, 1]),
        3: answer([0, 0, 0, 1], [1.1, 0.6, 0, 0], [0.2, 1, 0, 0]),
        5: answer([1.1, 0.6, 0, 0], [0, 0, 0.3, 1], [0, 0, 0, 1], [0.2, 1, 0, 0], [0, 0, 1, 0.4]),
    })  # fmt: skip


def test_links_distinguish_continued_and_split_components(tree):
    links = tree.links.set_index(["k", "component"])
    assert links.loc[3, "parent"].tolist() == [1, 0, 0]
    assert links.loc[3, "new"].tolist() == [False, False, True]
    assert links.loc[5, "parent"].tolist() == [1, 0, 0, 2, 0]
    assert links.loc[5, "new"].tolist() == [False, True, False, False, True]
    assert links.loc[(3, 0), "angle"] == pytest.approx(0, abs=1e-7)


def test_components_keep_their_number_as_k_grows(tree):
    assert tree.families() == {2: [0, 1], 3: [1, 0, 2], 5: [0, 3, 1, 2, 4]}


def test_tree_plot_has_a_map_per_component_and_a_line_per_parent(tree):
    figure = tree.plot(chosen=3)
    (ax,) = figure.axes
    images = {image.get_gid(): image.get_array() for image in ax.images}
    assert sorted(images) == sorted(f"k{k}-component{c}" for k in (2, 3, 5) for c in range(k))
    np.testing.assert_array_equal(images["k3-component2"], tree.results[3].abundances[2])
    assert len(ax.lines) == len(tree.links) == 8
    assert sum(line.get_linestyle() == "--" for line in ax.lines) == 3
    assert {patch.get_gid(): patch.get_alpha() > 0 for patch in ax.patches} == {"k2": False, "k3": True, "k5": False}
    figure.draw_without_rendering()


def test_single_k_gives_a_tree_without_links():
    tree = Lineage.of({2: answer([1, 0], [0, 1])})
    assert tree.links.empty
    assert tree.families() == {2: [0, 1]}
    assert len(tree.plot().axes[0].images) == 2
