"""Endmembers with two channel dimensions as images for the page."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.widgets.live_view.patterns import Patterns


@pytest.fixture
def cube():
    generator = np.random.default_rng(0)
    values = np.einsum("yxk,kab->yxab", generator.random((6, 7, 2)), generator.random((2, 5, 4)))
    coordinates = {"ky": ("ky", np.linspace(-1, 1, 5), {"units": "1/nm"})}
    return xr.DataArray(values, dims=("y", "x", "ky", "kx"), coords=coordinates)


def test_the_page_gets_endmembers_and_the_pixel_as_images(cube):
    explorer = mf.explore(cube, k=2, channel=["ky", "kx"], tol=1e-4)
    explorer.wait()
    encoded, answer = explorer.view.encoded, explorer.result
    assert encoded["header"]["pattern"] == {
        "shape": [5, 4],
        "axes": [
            {"label": "ky (1/nm)", "first": -1.0, "last": 1.0, "name": "ky"},
            {"label": "kx, by number", "first": 0.0, "last": 3.0, "name": "kx"},
        ],
    }
    sent = np.frombuffer(encoded["patterns"], "<f4").reshape(2, 5, 4)
    np.testing.assert_allclose(sent, answer.endmembers, rtol=1e-6)
    explorer.probe(pixel=[2, 3])
    measured = np.frombuffer(explorer.view.tool_probe["pattern"], "<f4").reshape(5, 4)
    np.testing.assert_allclose(measured, cube[2, 3], rtol=1e-6)
    explorer.close()


def test_large_patterns_are_averaged_and_spectra_are_none(cube):
    large = xr.DataArray(np.ones((1, 300, 200)), dims=("component", "ky", "kx"))
    entry, values = Patterns.of(large).encoded()
    assert entry["shape"] == [100, 67]
    np.testing.assert_array_equal(np.frombuffer(values, "<f4"), 1.0)
    assert Patterns.of(large[..., 0]) is None
    explorer = mf.explore(cube[..., 0], k=2, tol=1e-2)
    explorer.wait()
    assert explorer.view.encoded["header"]["pattern"] is None
    explorer.close()
