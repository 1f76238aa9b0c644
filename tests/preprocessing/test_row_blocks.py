"""Steps on large cubes, block by block: the values of the whole cube, without copies of it."""

import tracemalloc

import numpy as np
import pytest
import xarray as xr

from mffnb.preprocessing import (
    Anscombe,
    Log1p,
    MeanCentre,
    PoissonScaling,
    Range,
    UnitNorm,
    UnitSum,
    fit_chain,
    row_blocks,
)

STEPS = [MeanCentre(), PoissonScaling(), Range(), Range(each="channel"), UnitNorm(), UnitSum(), Anscombe(), Log1p()]


def cube_of(kind="float32", order=("y", "x", "mass"), gaps=True):
    rng = np.random.default_rng(0)
    X = rng.poisson(rng.gamma(1.0, 3.0, (31, 7, 40))).astype(kind)
    if gaps and np.dtype(kind).kind == "f":
        X[3], X[5, 2, 7] = np.nan, np.nan
    cube = xr.DataArray(X, dims=("y", "x", "mass"), attrs={"units": "counts"}, coords={"y": np.arange(31) * 0.5})
    return cube.transpose(*order)


@pytest.mark.parametrize("step", STEPS, ids=repr)
@pytest.mark.parametrize("order", [("y", "x", "mass"), ("mass", "y", "x")])
@pytest.mark.parametrize("kind", ["float32", "float64", "uint16"])
def test_blocks_give_the_values_of_the_whole_cube(step, order, kind, monkeypatch):
    cube = cube_of(kind, order)
    whole = fit_chain(cube, [step], "mass").cube
    monkeypatch.setattr(row_blocks, "LARGE_BYTES", 0)
    monkeypatch.setattr(row_blocks, "_BLOCK_BYTES", 5000)
    assert len(list(row_blocks.row_blocks(cube, "y"))) > 3
    blocks = fit_chain(cube, [step], "mass").cube
    assert blocks.dtype == whole.dtype
    assert blocks.attrs == whole.attrs
    xr.testing.assert_allclose(blocks, whole, rtol=3e-7 if kind == "float32" else 1e-13, atol=1e-12)


@pytest.mark.parametrize("bad", [np.inf, -np.inf])
def test_infinite_values_in_the_last_block_are_counted(bad, monkeypatch):
    cube = cube_of()
    cube[-1, -1, -1] = bad
    monkeypatch.setattr(row_blocks, "LARGE_BYTES", 0)
    monkeypatch.setattr(row_blocks, "_BLOCK_BYTES", 5000)
    with pytest.raises(ValueError, match="1 values of the cube are infinite"):
        fit_chain(cube, [UnitSum()])


@pytest.mark.parametrize("step", STEPS, ids=repr)
def test_a_large_cube_is_copied_once(step, monkeypatch):
    monkeypatch.setattr(row_blocks, "LARGE_BYTES", 2**20)
    monkeypatch.setattr(row_blocks, "_BLOCK_BYTES", 2**19)
    cube = xr.DataArray(np.ones((64, 64, 1000), np.float32), dims=("y", "x", "mass"))
    tracemalloc.start()
    try:
        processed = fit_chain(cube, [step]).cube
        beyond = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert processed.nbytes == cube.nbytes
    assert beyond < 1.3 * cube.nbytes
