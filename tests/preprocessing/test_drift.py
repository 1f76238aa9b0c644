"""Frames that drift over a scene: shifts, common area, and factors after the correction."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy.ndimage import gaussian_filter

import mffnb as mf
from mffnb.cubes.sparse_pixels import sparse_pixels_of
from mffnb.preprocessing import Bin, DriftCorrection, UnitSum, fit_chain
from tests.preprocessing.test_ppm_bins import sparse_cube

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")

ENERGY = ("energy",)
SIZE = (28, 34)


def scene(counts=30.0, frames=6, step=1.5, seed=0):
    """Counts of frames that drift at random, their positions on the scene (frames, 2), and the mean of the scene."""
    rng = np.random.default_rng(seed)
    place = np.rint(np.cumsum(rng.normal(0, step, (frames, 2)), axis=0)).astype(int)
    place -= place.min(axis=0)
    whole = np.array(SIZE) + place.max(axis=0)
    maps = gaussian_filter(rng.standard_normal((2, *whole)), (0, 1.5, 1.5))
    maps = np.maximum(maps / maps.std() + 1, 0)
    spectra = np.array([[5.0, 1, 0, 2, 1], [0.0, 1, 3, 1, 4]]) / 10
    mean = counts * np.einsum("kyx,kc->yxc", maps, spectra)
    cut = np.stack([mean[a : a + SIZE[0], b : b + SIZE[1]] for a, b in place])
    coords = {"y": ("y", 0.5 * np.arange(SIZE[0]), {"units": "nm"}), "energy": np.arange(5.0)}
    cube = xr.DataArray(rng.poisson(cut), dims=("frame", "y", "x", "energy"), coords=coords, attrs={"units": "counts"})
    return cube, place, mean


@pytest.mark.parametrize("counts", [1.0, 30.0])
@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_shifts_and_common_area(counts, seed):
    cube, place, mean = scene(counts, seed=seed)
    fitted = DriftCorrection().fit(cube, ENERGY)
    start = place.max(axis=0) - place
    np.testing.assert_array_equal(fitted.start, start)
    aligned = fitted.transform(cube)
    lengths = np.array(SIZE) - np.ptp(place, axis=0)
    assert aligned.shape == (6, *lengths, 5)
    np.testing.assert_array_equal(aligned[2], cube[2, start[2, 0] :, start[2, 1] :][: lengths[0], : lengths[1]])
    np.testing.assert_allclose(aligned["y"], 0.5 * (start[0, 0] + np.arange(lengths[0])))
    assert aligned["y"].attrs == {"units": "nm"}
    assert (aligned.attrs, aligned.dtype) == (cube.attrs, cube.dtype)
    assert fitted.found["largest shift"] == np.ptp(place, axis=0).max()
    assert fitted.found["common area"] == {"y": lengths[0], "x": lengths[1]}
    common = mean[place[:, 0].max() :, place[:, 1].max() :][: lengths[0], : lengths[1]]
    if counts == 30.0:
        assert np.abs(aligned.mean("frame") - common).mean() < 1.2 * np.sqrt(common.mean() / 6)


def test_missing_pixels_and_brightness_do_not_pull():
    """Missing pixels stay in place in all frames, and frames have different brightness."""
    cube, place, _ = scene()
    holes = cube.astype(float)
    holes[:, 10:14, 5:20] = np.nan
    holes[3, :, :4] = np.nan
    np.testing.assert_array_equal(DriftCorrection().fit(holes, ENERGY).start, place.max(axis=0) - place)
    brighter = cube * xr.DataArray([1.0, 3, 0.2, 5, 1, 2], dims="frame")
    np.testing.assert_array_equal(DriftCorrection().fit(brighter, ENERGY).start, place.max(axis=0) - place)


def test_the_order_of_dimensions_and_lazy_and_sparse_cubes():
    cube, _, _ = scene()
    expected = DriftCorrection().fit(cube, ENERGY).transform(cube)
    moved = cube.transpose("energy", "y", "frame", "x")
    found = DriftCorrection("frame").fit(moved, ENERGY).transform(moved)
    assert found.dims == moved.dims
    xr.testing.assert_equal(found.transpose(*cube.dims), expected)
    lazy = cube.chunk({"frame": 2, "y": 9})
    found = DriftCorrection().fit(lazy, ENERGY).transform(lazy)
    assert found.chunks is not None
    xr.testing.assert_equal(found.compute(), expected)
    held = sparse_cube(cube.stack(row=("frame", "y")).transpose("row", "x", "energy").reset_index("row", drop=True))
    pixels = sparse_pixels_of(held)
    stacked = type(pixels)(pixels.rows, cube.shape[:-1], pixels.absent)
    counts = xr.DataArray(xr.Variable(cube.dims, stacked), coords=cube.coords, attrs=cube.attrs)
    found = DriftCorrection().fit(counts, ENERGY).transform(counts)
    assert sparse_pixels_of(found) is not None
    np.testing.assert_array_equal(found.values, expected)


def test_factors_of_the_sum_of_aligned_frames(tmp_path):
    cube, place, mean = scene(3.0, frames=8)
    steps = [DriftCorrection(), Bin(space={"frame": 8}, how="sum"), UnitSum()]
    result = mf.unmix(cube, 2, preprocess=steps, random_state=0, max_iter=300)
    model = result.reconstruction()
    common = mean[place[:, 0].max() :, place[:, 1].max() :][: model.sizes["y"], : model.sizes["x"]]
    blurred = cube.sum("frame").values[: model.sizes["y"], : model.sizes["x"]]
    error = [
        np.linalg.norm(one - 8 * common) for one in (model.isel(frame=0).transpose("y", "x", "energy").values, blurred)
    ]
    assert error[0] < 0.5 * error[1]
    residual = result.residual()
    assert residual.sizes == model.sizes
    result.save(tmp_path / "run.nc")
    np.testing.assert_allclose(mf.load(tmp_path / "run.nc").residual(cube), residual)
    assert "common area" in mf.load(tmp_path / "run.nc").parameters["preprocess"][0]["found"]


def test_weights_move_with_the_frames():
    cube, _, _ = scene()
    fitted = DriftCorrection().fit(cube, ENERGY)
    weights = cube.sum("energy")
    xr.testing.assert_equal(fitted.prepare_weights(weights), fitted.transform(cube).sum("energy"))
    flat = weights.isel(frame=0, drop=True)
    np.testing.assert_array_equal(
        fitted.prepare_weights(flat), fitted.transform(xr.concat([flat] * 6, "frame").transpose("frame", "y", "x"))
    )
    channels = xr.DataArray(np.ones(5), dims="energy")
    xr.testing.assert_equal(fitted.prepare_weights(channels), channels)
    with pytest.raises(ValueError, match="weights of whole frames"):
        fitted.prepare_weights(flat[:, 0])


def test_what_is_refused():
    cube, _, _ = scene()
    with pytest.raises(ValueError, match=r"needs frames of rows and columns.*\('y', 'x'\)"):
        DriftCorrection().fit(cube[0], ENERGY)
    with pytest.raises(ValueError, match="needs frames of rows and columns"):
        DriftCorrection("time").fit(cube, ENERGY)
    with pytest.raises(ValueError, match="overlap is a share"):
        DriftCorrection(overlap=0)
    with pytest.raises(ValueError, match="put DriftCorrection before UnitSum"):
        fit_chain(cube, [UnitSum(), DriftCorrection()])
    fitted = DriftCorrection().fit(cube, ENERGY)
    np.testing.assert_array_equal(fitted.new_positions("energy", 5), np.arange(5))
    with pytest.raises(ValueError, match="moves each frame by another distance: apply it first"):
        fitted.new_positions("y", 28)
    empty = DriftCorrection().fit(0 * cube, ENERGY)
    assert empty.found["largest shift"] == 0
