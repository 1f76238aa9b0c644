"""Products with a handful of rows: equal to NumPy's for every type, layout and remainder of a tile."""

from __future__ import annotations

import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from mffnb.kernels import hals, panels
from mffnb.matrices import Chunked, Dense, Scaled, Sparse, block_products, in_memory
from mffnb.similarities.quadratic_misfit import QuadraticMisfit
from tests.parallel.pretend import alone

KINDS = (np.float64, np.float32, np.uint8, np.uint16, np.int64, bool)


def numbers(rng, rows, columns, kind):
    return rng.integers(0, 2 if kind is bool else 200, (rows, columns)).astype(kind)


@given(st.integers(1, 14), st.integers(1, 9), st.integers(1, 14), st.sampled_from(KINDS), st.sampled_from("CF"))
def test_any_size_type_and_order(rows, columns, k, kind, order):
    rng = np.random.default_rng(rows * 100 + columns * 10 + k)
    X = block_products.native(np.asarray(numbers(rng, rows, columns, kind), order=order))
    basis, factor = rng.normal(size=(k, columns)), rng.normal(size=(k, rows))
    wide = X.astype(np.float64)
    np.testing.assert_allclose(block_products.times(X, basis), basis @ wide.T, atol=1e-10)
    out = np.ones((k, columns))
    block_products.add_times(X, factor, out)
    np.testing.assert_allclose(out, 1 + factor @ wide, atol=1e-10)


@pytest.mark.parametrize("columns", [1, 20, 56, 128, 129, 600])
@pytest.mark.parametrize("kind", [np.float64, np.float32, np.uint8, np.uint16])
def test_short_rows_and_long_ones(columns, kind):
    rng = np.random.default_rng(columns)
    for rows, k in ((1, 3), (47, 4), (99, 5), (101, 8), (146, 11)):
        X = numbers(rng, rows, columns, kind)
        basis, factor = rng.normal(size=(k, columns)), rng.normal(size=(k, rows))
        wide = X.astype(np.float64)
        np.testing.assert_allclose(block_products.times(X, basis), basis @ wide.T, atol=1e-9)
        out = np.ones((k, columns))
        block_products.add_times(X, factor, out)
        np.testing.assert_allclose(out, 1 + factor @ wide, atol=1e-9)


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.uint8, np.int64])
@pytest.mark.parametrize("layout", ["csr", "csc"])
@pytest.mark.parametrize("k", [1, 3, 4, 9])
def test_compressed(layout, kind, k):
    rng = np.random.default_rng(k)
    X = numbers(rng, 37, 23, kind) * (rng.random((37, 23)) < 0.2)
    matrix = Sparse(sparse.csr_array(X.astype(kind)).asformat(layout))
    basis, factor = rng.normal(size=(k, 23)), rng.normal(size=(k, 37))
    np.testing.assert_allclose(matrix.times(basis), basis @ X.T, atol=1e-10)
    np.testing.assert_allclose(matrix.transposed_times(factor), factor @ X, atol=1e-10)


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.uint8, np.uint16])
@pytest.mark.parametrize(("columns", "k"), [(1, 1), (9, 3), (56, 6), (200, 4), (600, 9), (21, 20)])
def test_descent_between_the_products(columns, k, kind):
    rng = np.random.default_rng(columns)
    for rows in (3, 99, 210):
        X = numbers(rng, rows, columns, kind)
        basis, shift, factor = rng.random((k, columns)), -100 * rng.random(k), rng.random((k, rows + 7))
        gram = basis @ basis.T + 0.1 * np.eye(k)
        expected = factor[:, 5:-2].copy()
        moved = hals.sweep_non_negative(expected, gram, basis @ X.T.astype(np.float64) + shift[:, None], 3)
        around, product, square = factor.copy(), np.ones((k, columns)), np.ones((k, k))
        got = panels.fused_descent(X, basis, shift, gram, 3, factor, 5, product, square)
        assert got == pytest.approx(moved, rel=1e-9)
        np.testing.assert_allclose(factor[:, 5:-2], expected, rtol=1e-9, atol=1e-9 * expected.max())
        np.testing.assert_array_equal(factor[:, [0, 4, -2, -1]], around[:, [0, 4, -2, -1]])  # others are left alone
        np.testing.assert_allclose(product, 1 + expected @ X, rtol=1e-8)
        np.testing.assert_allclose(square, 1 + expected @ expected.T, rtol=1e-8)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", [np.float32, np.uint8, np.uint16])
def test_many_components_multiply_converted_rows_of_narrow_numbers(kind, order, monkeypatch):
    monkeypatch.setattr("mffnb.matrices.block_products._CONVERTED_NUMBERS", 200)
    monkeypatch.setattr("mffnb.matrices.dense.BLOCK_BYTES", 2000)
    rng, k = np.random.default_rng(2), block_products._MAX_NARROW_COMPONENTS + 8
    X = np.asarray(numbers(rng, 61, 19, kind), order=order)
    matrix, basis, factor, seen = Dense(X), rng.random((k, 19)), rng.random((k, 61)), []

    def move(rows, cross):
        seen.append((rows.start, rows.stop))
        return np.sqrt(cross)

    wide = X.astype(np.float64)
    np.testing.assert_allclose(matrix.times(basis), basis @ wide.T)
    np.testing.assert_allclose(matrix.transposed_times(factor), factor @ wide)
    np.testing.assert_allclose(matrix.fused_products(basis, move), np.sqrt(basis @ wide.T) @ wide)
    seen.sort()  # blocks may be multiplied on several threads
    assert [start for start, _ in seen] == [0, *(stop for _, stop in seen[:-1])]
    assert seen[-1][1] == 61
    assert len(seen) > 5


def test_one_look_makes_both_products_wherever_x_is(monkeypatch):
    monkeypatch.setattr("mffnb.matrices.dense.BLOCK_BYTES", 2000)
    monkeypatch.setattr("mffnb.matrices.sparse.BLOCK_BYTES", 2000)
    rng = np.random.default_rng(0)
    X = numbers(rng, 61, 19, np.float64) * (rng.random((61, 19)) < 0.5)
    basis, r, c = rng.random((3, 19)), rng.random(61), rng.random(19)
    for matrix, full in (
        (Dense(X), X),
        (Dense(np.asfortranarray(X)), X),
        (in_memory(X.astype(np.int32)), X),
        (Chunked(X, band_bytes=1000), X),
        (Sparse(sparse.csr_array(X)), X),
        (Sparse(sparse.csc_array(X)), X),
        (Scaled(Dense(X), r, c), r[:, None] * X * c),
        (Scaled(Dense(X), None, c), X * c),
        (alone(Dense(X)), X),
    ):
        seen = []

        def move(rows, cross, full=full, seen=seen):
            np.testing.assert_allclose(cross, basis @ full[rows].T)
            seen.append((rows.start, rows.stop))
            return np.sqrt(cross)

        expected = np.sqrt(basis @ full.T) @ full
        np.testing.assert_allclose(matrix.fused_products(basis, move), expected)
        seen.sort()  # bands may be looked at on several threads
        assert [start for start, _ in seen] == [0, *(stop for _, stop in seen[:-1])]
        assert seen[-1][1] == 61


class TwoBandsAtATime:
    """Rows of a file that note how many of those read before are still held while others are read."""

    shape = (64, 10)

    def __init__(self):
        self.read, self.held = [], []

    def __getitem__(self, rows):
        self.held.append(sum(band() is not None for band in self.read))
        band = np.ones((rows.stop - rows.start, 10))
        self.read.append(weakref.ref(band))
        return band


def test_two_bands_of_a_file_are_in_memory_at_most():
    matrix = Chunked(TwoBandsAtATime(), band_bytes=800)
    np.testing.assert_array_equal(matrix.times(np.ones((2, 10))), np.full((2, 64), 10.0))
    np.testing.assert_array_equal(matrix.transposed_times(np.ones((2, 64))), np.full((2, 10), 64.0))
    np.testing.assert_array_equal(
        matrix.fused_products(np.ones((2, 10)), lambda rows, cross: cross), np.full((2, 10), 640.0)
    )
    assert matrix.squared_norm == 640
    assert len(matrix.rows.read) == 4 * 7
    assert max(matrix.rows.held) <= 1


def test_many_blocks_in_one_pass():
    X = np.ones((9000, 200))
    assert len(list(Dense(X).blocks())) > 3
    assert len(list(Sparse(sparse.csr_array(X)).blocks())) > 3


class Still:
    """A step of no size."""

    def __call__(self, factor, half):
        return 0.0

    def descent(self, half):
        return half, 0


def test_a_rank_without_pixels_adds_nothing():
    misfit = QuadraticMisfit(alone(Dense(np.empty((0, 5))), rows=61), None, 1.0)
    moved, half = misfit.in_one_pass(np.empty((2, 0)), np.ones((2, 5)), Still())
    assert moved == 0
    for sums, shape in ((half.gram, (2, 2)), (half.cross, (2, 5))):  # ranks add arrays of one shape
        assert np.shape(sums) == shape
        assert not np.any(sums)
