"""Scaling of sparse cubes, which stay sparse, against the same steps on the dense cube."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy import sparse

import mffnb as mf
from mffnb.cubes.sparse_map import SparseMap
from mffnb.cubes.sparse_pixels import sparse_pixels_of
from mffnb.preprocessing import Bin, Crop, PoissonScaling, PpmBins, UnitNorm, UnitSum, fit_chain
from tests.preprocessing.test_ppm_bins import MZ, dense, sparse_cube

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")

STEPS = [UnitSum(), UnitNorm(), PoissonScaling()]


def with_holes(cube, absent):
    found = cube.astype(float)
    for pixel in absent:
        found[np.unravel_index(pixel, cube.shape[:2])] = np.nan
    return found


@pytest.mark.parametrize("step", STEPS, ids=repr)
@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("absent", [(), (3, 17)])
def test_scaled_sparse_cubes_are_the_dense_ones(step, kind, absent):
    cube = dense().astype(kind)
    cube[1, 1], cube[..., 4] = 0, 0  # an empty pixel and an empty channel
    held = sparse_cube(cube, absent)
    fitted, expected = step.fit(held, MZ), fit_chain(with_holes(cube, absent), [step]).cube
    there = fitted.transform(held)
    assert sparse_pixels_of(there) is not None
    assert there.dtype == (np.float32 if kind is np.float32 else np.float64)
    assert ("units" in there.attrs) == ("units" in expected.attrs)
    np.testing.assert_allclose(there.values, expected, rtol=1e-6 if kind is np.float32 else 1e-12)


def test_a_wide_sparse_cube_is_scaled_without_a_dense_copy():
    """A dense copy of this cube would hold 4e9 numbers, which is refused."""
    rows = sparse.random_array((20_000, 200_000), density=2e-5, format="csr", rng=np.random.default_rng(0))
    held = SparseMap(rows, (200, 100), np.zeros(20_000, bool))
    coords = {"mz": np.geomspace(100, 1000, 200_000)}
    cube = xr.DataArray(xr.Variable(("y", "x", "mz"), held), coords=coords)
    scaled = fit_chain(cube, [PpmBins(20.0), Crop({"mz": (200, None)}), UnitSum()]).cube
    sums = sparse_pixels_of(scaled).rows.sum(axis=1)
    np.testing.assert_allclose(sums[sums > 0], 1)
    with pytest.raises(MemoryError, match="needs a dense copy of a sparse image"):
        fit_chain(cube, [Bin()])


@pytest.mark.parametrize("step", STEPS, ids=repr)
def test_factors_of_a_masked_sparse_cube_are_those_of_the_dense_one(step):
    cube = dense()
    mask = np.ones((6, 7), bool)
    mask[2:4, 3] = mask[5, 5] = False
    options = {"preprocess": [PpmBins(50.0), step], "mask": mask, "random_state": 0, "max_iter": 20}
    found, expected = (mf.unmix(one, 2, **options) for one in (sparse_cube(cube), cube))
    np.testing.assert_allclose(found.abundances, expected.abundances, rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(found.endmembers, expected.endmembers, rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(found.residual(), expected.residual(), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(found.abundances[0].isnull(), ~mask)


def test_missing_pixels_of_a_sparse_map():
    held = sparse_pixels_of(sparse_cube(dense(), absent=(5,)))
    missing = np.zeros(42, bool)
    missing[[0, 7, 41]] = True
    without = held.without(missing)
    np.testing.assert_array_equal(np.flatnonzero(without.absent), [0, 5, 7, 41])
    assert (without.rows[[0, 5, 7, 41]].nnz, without.rows.dtype) == (0, np.uint8)
    np.testing.assert_array_equal(without.rows[1:5].toarray(), held.rows[1:5].toarray())
