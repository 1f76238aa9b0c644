"""X of which few entries are not zero, in few bytes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from mffnb import MatrixFactorization
from mffnb.matrices import Chunked, Scaled, Sparse, in_memory
from mffnb.matrices.partial import Partial
from tests.parallel.pretend import alone


def few(rng, rows, columns, largest=200, share=0.05):
    return rng.integers(1, largest + 1, (rows, columns)) * (rng.random((rows, columns)) < share)


def dense(matrix):
    return np.vstack([band.toarray() for _, _, band in matrix.bands()])


@given(st.integers(1, 40), st.integers(0, 2**32 - 1), st.sampled_from([np.float64, np.float32, np.uint16, np.int64]))
def test_what_is_kept_is_x(rows, seed, kind):
    rng = np.random.default_rng(seed)
    X = few(rng, rows, 60, share=rng.choice([0.0, 0.01, 0.05])).astype(kind)
    matrix = Sparse.compress_if_small(in_memory(X))
    if not isinstance(matrix, Sparse):
        return  # a row or two may hold more than few
    np.testing.assert_array_equal(dense(matrix), X)
    np.testing.assert_array_equal(dense(matrix.transposed), X.T)
    assert matrix.shape == X.shape
    assert matrix.squared_norm == pytest.approx(np.sum(X.astype(float) ** 2))


@pytest.mark.parametrize(
    ("largest", "change", "kind"),
    [
        (200, lambda X: X, np.uint8),
        (255, lambda X: X, np.uint8),
        (256, lambda X: X, np.uint16),
        (65535, lambda X: X, np.uint16),
        (65536, lambda X: X, np.float64),
        (200, lambda X: 0.5 * X, np.float64),
        (200, lambda X: -X, np.float64),
        (200, lambda X: (0.5 * X).astype(np.float32), np.float32),
    ],
)
def test_in_as_few_bytes_as_hold_it(largest, change, kind):
    rng = np.random.default_rng(0)
    X = few(rng, 300, 50, largest, share=0.02)
    X[7, 3] = largest
    X = change(X.astype(float))
    matrix = Sparse.compress_if_small(in_memory(X))
    assert matrix.array.data.dtype == kind
    np.testing.assert_array_equal(dense(matrix), X)


def test_more_columns_than_two_bytes_count():
    X = np.zeros((3, 2**16 + 1))
    X[1, -1] = X[2, 0] = 3
    np.testing.assert_array_equal(dense(Sparse.compress_if_small(in_memory(X))), X)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32, np.float64])
def test_the_type_of_few_counts_does_not_decide_how_they_are_stored(kind):
    """Narrow counts were stored as dense, where a pass takes up to three times as long."""
    X = few(np.random.default_rng(0), 100, 50, share=0.1)
    assert isinstance(Sparse.compress_if_small(in_memory(X.astype(kind))), Sparse)


@pytest.mark.parametrize("share", [0.4, 1.0])
def test_many_entries_stay_where_they_are(share):
    matrix = in_memory(few(np.random.default_rng(0), 100, 50, share=share).astype(float))
    assert Sparse.compress_if_small(matrix) is matrix


def test_what_is_sparse_or_in_a_file_stays_as_it_is():
    X = few(np.random.default_rng(0), 100, 50).astype(float)

    class Rows:
        shape = X.shape

        def __getitem__(self, rows):
            return X[rows]

    for matrix in (
        Sparse(sparse.csr_array(X)),
        Scaled(Sparse(sparse.csr_array(X)), np.arange(1.0, 101)),
        Chunked(Rows()),
    ):
        assert Sparse.compress_if_small(matrix) is matrix


def test_weights_of_entries_are_in_what_is_kept():
    rng = np.random.default_rng(0)
    X, w = few(rng, 200, 50).astype(float), rng.random((200, 50))
    X[3, 4] = np.nan
    np.testing.assert_array_equal(dense(Sparse.compress_if_small(Partial(X, w))), np.nan_to_num(X * w))


@pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")
@pytest.mark.parametrize("kind", [np.float64, np.float32, np.uint16])
def test_a_factorization_finds_the_same_in_either(kind):
    rng = np.random.default_rng(1)
    X = rng.poisson(rng.dirichlet(np.ones(3), 400) @ rng.gamma(0.1, 0.5, (3, 60))).astype(kind)
    assert isinstance(Sparse.compress_if_small(in_memory(X)), Sparse)
    fits = [
        MatrixFactorization(3, init="random", max_iter=40, tol=0, random_state=0).fit(matrix)
        for matrix in (X, sparse.csr_array(X.astype(float)), alone(in_memory(X)))
    ]
    for other in fits[1:]:
        np.testing.assert_allclose(other.components_, fits[0].components_, atol=1e-8 * fits[0].components_.max())
