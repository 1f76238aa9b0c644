"""The same answers wherever X lives, and never a second copy of it."""

from __future__ import annotations

from dataclasses import replace

import h5py
import numpy as np
import pytest
import scipy.sparse
import zarr

from mffnb import MatrixFactorization, Smoothness, Sparsity
from mffnb.graphs import grid
from mffnb.matrices import Chunked, Dense, Sparse, in_memory
from mffnb.matrices.svd import randomized_svd
from mffnb.protocols.matrix import is_matrix

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")
SHAPE = (12, 20)


@pytest.fixture
def counts():
    rng = np.random.default_rng(0)
    return rng.poisson(rng.dirichlet(np.ones(3), 240) @ rng.random((3, 30))).astype(float)


def hdf5(X, folder):
    file = h5py.File(folder / "x.h5", "w")
    return file.create_dataset("x", data=X, chunks=(32, 10))


def zarr_array(X, folder):
    array = zarr.open_array(str(folder / "x.zarr"), mode="w", shape=X.shape, chunks=(50, 7), dtype=X.dtype)
    array[:] = X
    return array


def memory_map(X, folder):
    np.save(folder / "x.npy", X)
    return np.load(folder / "x.npy", mmap_mode="r")


PLACES = {
    "dense": lambda X, _: Dense(X),
    "fortran": lambda X, _: Dense(np.asfortranarray(X)),
    "sparse rows": lambda X, _: Sparse(scipy.sparse.csr_array(X)),
    "sparse columns": lambda X, _: Sparse(scipy.sparse.csc_array(X)),
    "sparse integers": lambda X, _: Sparse(scipy.sparse.csr_array(X.astype(np.int32))),
    "hdf5": lambda X, folder: Chunked(hdf5(X, folder)),
    "zarr": lambda X, folder: Chunked(zarr_array(X, folder)),
    "memory map": lambda X, folder: Chunked(memory_map(X, folder)),
    "strided": lambda X, _: in_memory(np.repeat(X, 2, axis=1)[:, ::2]),
    "float32": lambda X, _: in_memory(X.astype(np.float32)),
    "float32 columns": lambda X, _: in_memory(np.asfortranarray(X.astype(np.float32))),
    "integers on disk": lambda X, folder: Chunked(memory_map(X.astype(">u2"), folder)),
}


@pytest.fixture(params=PLACES)
def matrix(request, counts, tmp_path):
    made = PLACES[request.param](counts, tmp_path)
    if isinstance(made, Chunked):
        return replace(made, band_bytes=8 * 30 * 50)  # several bands, the last one short
    return made


def test_products_and_norm(matrix, counts):
    rng = np.random.default_rng(1)
    basis, factor = rng.random((4, 30)), rng.random((4, 240))
    assert is_matrix(matrix)
    assert matrix.shape == counts.shape
    np.testing.assert_allclose(matrix.times(basis), basis @ counts.T, rtol=1e-12)
    np.testing.assert_allclose(matrix.transposed_times(factor), factor @ counts, rtol=1e-12)
    assert matrix.squared_norm == pytest.approx(np.sum(counts**2), rel=1e-14)
    for product in (matrix.times(basis), matrix.transposed_times(factor)):
        assert product.dtype == np.float64
        assert product.flags.c_contiguous


def test_the_same_solver_finds_the_same_answer(matrix, counts):
    terms = [Sparsity(1e-2), Smoothness(0.1, grid(SHAPE))]
    for init in ("random", "nndsvd"):
        model = MatrixFactorization(3, abundance_terms=terms, init=init, random_state=0, max_iter=30, tol=0)
        expected = model.fit_transform(counts), model.components_, model.objective_
        got = model.fit_transform(matrix), model.components_, model.objective_
        np.testing.assert_allclose(got[0], expected[0], atol=1e-10)
        np.testing.assert_allclose(got[1], expected[1], atol=1e-10)
        assert got[2] == pytest.approx(expected[2], rel=1e-12)


def test_chunked_reads_the_bands_it_is_told_to(counts):
    asked = []

    class Source:
        shape = counts.shape

        def __getitem__(self, rows):
            asked.append((rows.start, rows.stop))
            return counts[rows]

    Chunked(Source(), np.array([0, 40, 100, 240])).times(np.ones((1, 30)))
    assert asked == [(0, 40), (40, 100), (100, 240)]


def test_randomized_svd_works_on_every_matrix(matrix, counts):
    _, values, right = randomized_svd(matrix, 3, seed=0, power=6)
    expected = np.linalg.svd(counts, full_matrices=False)
    np.testing.assert_allclose(values, expected.S[:3], rtol=1e-4)
    np.testing.assert_allclose(np.abs(right[0]), np.abs(expected.Vh[0]), atol=1e-3)


def test_dense_refuses_what_products_do_not_know():
    for X in (np.ones((3, 4), int), np.ones((3, 4), ">f8"), np.ones((3, 8))[:, ::2]):
        with pytest.raises(TypeError, match="in_memory"):
            Dense(X)
        np.testing.assert_array_equal(in_memory(X).times(np.eye(4)), np.ones((4, 3)))


def test_sparse_input_of_the_estimator_stays_sparse(counts):
    X = scipy.sparse.csr_matrix(counts)
    model = MatrixFactorization(3, random_state=0, max_iter=20, tol=0)
    np.testing.assert_allclose(model.fit_transform(X), model.fit_transform(counts), atol=1e-9)
    np.testing.assert_allclose(model.transform(X), model.transform(counts), atol=1e-9)


def test_recognising_a_matrix_evaluates_no_property():
    class Collective:
        """A matrix whose sum would be a collective call."""

        @property
        def squared_norm(self):
            raise AssertionError("evaluated")

        def times(self, basis):
            return basis

        transposed_times = fused_products = times

    assert is_matrix(Collective())
    assert not is_matrix(np.ones((2, 3)))
