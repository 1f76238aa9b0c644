"""Bands of a cube and its reconstruction: together they are the whole, and replicas do not depend on them."""

from __future__ import annotations

import numpy as np
import pytest

import mffnb as mf
from mffnb.cubes.layout import Layout
from mffnb.stability import PoissonCounts, SignFlips, noise_of, reach_of
from mffnb.stability.reconstructed_bands import reconstructed_bands, reconstructed_sizes
from tests.conftest import mixture


@pytest.fixture(params=["pixels first", "channels first", "gain", "masked"])
def fitted(request):
    cube = mixture((12, 5), noise=0.02)
    settings = {"gain": True} if request.param == "gain" else {}
    if request.param == "channels first":
        cube, settings = cube.transpose(..., "y", "x"), {"channel": "energy"}
    if request.param == "masked":
        used = np.ones((12, 5), bool)
        used[:2] = False
        settings = {"mask": used}
    return cube, mf.unmix(cube, 3, random_state=0, tol=1e-2, **settings)


def test_bands_are_the_parts_of_the_cube_and_of_its_reconstruction(fitted, monkeypatch):
    cube, answer = fitted
    monkeypatch.setattr("mffnb.stability.reconstructed_bands._ENTRIES", 1)
    parts = list(reconstructed_bands(cube, answer))
    assert [part[0].start for part in parts] == list(range(0, cube.shape[0], 4))
    np.testing.assert_array_equal(np.concatenate([part[1] for part in parts]), cube.values)
    expected = answer.reconstruction().transpose(*cube.dims).values
    np.testing.assert_allclose(np.concatenate([part[2] for part in parts]), expected, rtol=1e-12)
    assert reconstructed_sizes(answer) == {**cube.sizes}


def test_replicas_and_ambiguity_do_not_depend_on_the_bands(fitted, monkeypatch):
    cube, answer = fitted

    def found():
        drawn = [noise.draw(cube, answer, np.random.default_rng(0)) for noise in (PoissonCounts(0.01), SignFlips())]
        return *(one.values for one in drawn), reach_of(cube, answer, SignFlips()).above.values

    whole, name = found(), noise_of(cube, answer).name
    monkeypatch.setattr("mffnb.stability.reconstructed_bands._ENTRIES", 1)
    for one, other in zip(found(), whole, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)
    assert noise_of(cube, answer).name == name


@pytest.mark.parametrize("mask", [np.ones((12, 5), bool), [np.ones((12, 5), bool), np.ones(30, bool)]])
def test_a_mask_that_uses_everything_copies_nothing(mask):
    cube = mixture((12, 5), channels=30)
    layout = Layout.of(cube, None, mask)
    assert np.shares_memory(layout.matrix(cube).array, cube.values)
