"""Reconstruction and residual of a cube on disk are computed in blocks, and equal those of a cube in memory."""

import h5py
import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.unmixing.row_blocks import block_lengths, in_blocks

CALLS = {
    "plain": {},
    "gain": {"sum_to_one": True, "gain": True},
    "preprocess": {"preprocess": [mf.preprocessing.UnitSum()]},
    "logistic": {"similarity": "bernoulli", "transform": "logistic"},
}


@pytest.fixture
def stored(tmp_path):
    rng = np.random.default_rng(0)
    values = rng.random((12, 10, 3)) @ rng.random((3, 16)) + 0.01
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("data", data=values / values.max(), chunks=(4, 5, 16), compression="gzip")
    return tmp_path / "a.h5"


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.filterwarnings("ignore::mffnb.errors.MffnbWarning")
def test_blocks_hold_the_values_of_a_whole_residual(stored, call, monkeypatch):
    monkeypatch.setattr("mffnb.unmixing.row_blocks._BLOCK", 5 * 16 * 4)
    lazy = mf.unmix(mf.read(stored, lazy=True), 3, random_state=0, max_iter=20, **CALLS[call])
    whole = mf.unmix(mf.read(stored, lazy=False), 3, random_state=0, max_iter=20, **CALLS[call])
    for name in ("reconstruction", "residual"):
        found, expected = getattr(lazy, name)(), getattr(whole, name)()
        assert found.chunks[0] == (4, 4, 4)
        assert expected.chunks is None
        assert found.dims == expected.dims
        assert found.attrs == expected.attrs
        np.testing.assert_allclose(found.values, expected.values, atol=1e-10)


def test_a_residual_in_blocks_is_drawn_and_written(stored, tmp_path):
    result = mf.unmix(mf.read(stored, lazy=True), 3, random_state=0)
    figure = mf.plots.residuals(result)
    drawn = figure.axes[0].images[0].get_array()
    whole = result.residual().compute()
    np.testing.assert_allclose(drawn, (whole**2).mean("channel") ** 0.5)
    result.residual().to_netcdf(tmp_path / "residual.nc", engine="h5netcdf")
    np.testing.assert_array_equal(xr.load_dataarray(tmp_path / "residual.nc", engine="h5netcdf").values, whole.values)


def test_a_loaded_result_takes_a_cube_on_disk(stored, tmp_path):
    result = mf.unmix(mf.read(stored, lazy=True), 3, random_state=0)
    result.save(tmp_path / "a.nc")
    found = mf.load(tmp_path / "a.nc").residual(mf.read(stored, lazy=True))
    assert found.chunks is not None
    np.testing.assert_allclose(mf.load(tmp_path / "a.nc").residual(stored).values, found.values, atol=1e-12)
    np.testing.assert_allclose(found.values, result.residual().values, atol=1e-12)


@pytest.mark.parametrize(("rows", "inner"), [(8, 64), (1, 1024), (100, 100)])
def test_blocks_are_whole_chunks_and_small(rows, inner):
    sizes = {"y": 10**5, "x": 1024, "energy": 1536}
    cube = xr.DataArray(np.broadcast_to(np.float32(0), tuple(sizes.values())), dims=tuple(sizes))
    cube.encoding["preferred_chunks"] = {"y": rows, "x": inner, "energy": 1536}
    lengths = block_lengths(cube, sizes, 2)
    assert lengths["y"] % rows == 0
    assert lengths.get("x", 1024) in (1024, *range(inner, 1024, inner))
    assert lengths["y"] * lengths.get("x", 1024) * 1536 <= max(8 * 2**20, rows * inner * 1536)


def test_a_missing_dask_is_named(monkeypatch):
    def chunk(self, lengths):
        raise ImportError("chunk manager dask is not available")

    monkeypatch.setattr(xr.DataArray, "chunk", chunk)
    with pytest.raises(ImportError, match=r"pip install 'mffnb\[io\]'"):
        in_blocks(xr.DataArray(np.zeros((4, 3)), dims=("y", "component")), {"y": 2})
