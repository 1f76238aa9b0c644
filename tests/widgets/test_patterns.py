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


def test_a_spot_of_a_pattern_gives_the_image_of_its_channels(cube):
    explorer = mf.explore(cube, k=2, channel=["ky", "kx"], tol=1e-4)
    explorer.wait()
    expected = cube.sel(ky=slice(-1, 0)).isel(kx=slice(1, 3)).sum(("ky", "kx"))
    boxes = (
        explorer.band((-1, 1), (0, 2)),
        explorer.band(ky=(0, -1), kx=(1, 2)),
        explorer.band(outline=[(0, 0.25), (0, 0.75), (0.6, 0.75), (0.6, 0.25)]),
        explorer.band(mask=(cube.ky <= 0) & xr.DataArray([False, True, True, False], dims="kx")),
    )
    for image in boxes:
        np.testing.assert_allclose(image, expected, rtol=1e-12)
        assert image.attrs["ranges"] == {"ky": [-1.0, 0.0], "kx": [1.0, 2.0]}
    shown = explorer.view.tool_band
    assert shown["text"] == "spot (-0.5, 1.5)"
    assert shown["outline"] == [[0, 0.25], [0, 0.75], [0.6, 0.75], [0.6, 0.25]]
    ellipse = explorer.band((-1, 0), (1, 3), shape="ellipse")
    corners = cube.isel(ky=[0, -1], kx=[0, -1]).sum(("ky", "kx"))
    assert bool((ellipse <= cube.sum(("ky", "kx")) - corners + 1e-9).all())
    one = explorer.band(ky=(0.1, 0.2))  # no channel between them: the nearest row
    np.testing.assert_allclose(one, cube.sel(ky=0.0).sum("kx"), rtol=1e-12)
    explorer.close()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"start": (0, 0), "mask": np.ones((5, 4))}, "give one of"),
        ({"start": (0, 0), "stop": (1, 1), "shape": "star"}, "rectangle"),
        ({"start": 0.0, "stop": 1.0}, "two opposite corners"),
        ({"kz": (0, 1)}, "no channel dimension kz"),
        ({"mask": np.zeros((5, 4))}, "no channel"),
    ],
)
def test_a_spot_that_does_not_fit_the_pattern_is_refused(cube, given, message):
    explorer = mf.explore(cube, k=2, channel=["ky", "kx"], tol=1e-2)
    explorer.wait()
    with pytest.raises(ValueError, match=message):
        explorer.band(**given)
    explorer.close()


def test_a_spot_of_a_computed_pattern_follows_the_run():
    generator = np.random.default_rng(1)
    image = xr.DataArray(generator.random((64, 64)), dims=("y", "x"))
    explorer = mf.explore(image, k=2, preprocess=[mf.preprocessing.SlidingFFT(size=16, step=8)], tol=1e-2)
    explorer.wait()
    patterns = explorer.result.processed.chain.transform(image)
    names = explorer.result.endmembers.dims[1:]
    spot = explorer.band(**{name: tuple(patterns[name].values[[3, 6]]) for name in names})
    expected = patterns.isel({name: slice(3, 7) for name in names}).sum(names)
    np.testing.assert_allclose(spot, expected, rtol=1e-6)
    assert spot.dims == explorer.result.abundances.dims[1:]
    explorer.controls.set(k=3)
    explorer.wait()
    assert explorer.view.tool_band["shown"] is True
    explorer.close()
