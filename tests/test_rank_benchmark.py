"""Scenes and peer of the benchmark for the choice of k."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.shared.nmfk import nmfk
from benchmarks.shared.rank_scenes import MAPS, NOISES, VARIATIONS, rank_scene


def test_nmfk_finds_materials_without_common_channels():
    rng = np.random.default_rng(0)
    E = np.kron(np.eye(3), np.ones(10)) + 0.01
    A = np.repeat(np.eye(3), 40, axis=0) + 0.1 * rng.random((120, 3))
    assert nmfk(A @ E + 0.01 * rng.random((120, 30)), range(2, 5), copies=6) == 3


def test_nmfk_names_the_smallest_number_if_none_is_stable():
    assert nmfk(np.random.default_rng(0).random((60, 30)), [5, 6], copies=4, noise=0.9, iterations=30) == 5


def test_a_scene_depends_on_its_seed_alone():
    one, same, other = rank_scene(5, 3), rank_scene(5, 3), rank_scene(5, 4)
    np.testing.assert_array_equal(one.cube, same.cube)
    assert one.cube.shape != other.cube.shape or (one.cube != other.cube).any()


@pytest.mark.parametrize("shares", [MAPS, NOISES, VARIATIONS])
def test_shares_of_the_kinds_add_up(shares):
    assert sum(shares.values()) == pytest.approx(1.0)


def test_scenes_have_every_kind_and_no_more_materials_than_drawn():
    scenes = [rank_scene(5, number) for number in range(40)]
    assert {scene.maps for scene in scenes} == set(MAPS)
    assert {scene.noise for scene in scenes} <= set(NOISES)
    assert all(1 <= scene.k <= 6 and np.isfinite(scene.cube).all() for scene in scenes)
    assert all((scene.cube >= 0).all() for scene in scenes if scene.noise in ("counts", "clipped"))
