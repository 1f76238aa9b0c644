"""What an answer was free to choose, against direct computation."""

from __future__ import annotations

import numpy as np
import pytest

import mffnb as mf
from mffnb.graphs import grid
from mffnb.problem.degrees_of_freedom import Smoothed, freedom, left_by_smoothness
from mffnb.tuning import BIC, tune
from tests.conftest import mixture


@pytest.mark.parametrize("shape", [(4, 5), (7,), (1, 6), (2, 3, 4)])
@pytest.mark.parametrize("weight", [0.1, 30.0])
def test_smoothness_leaves_the_trace_of_the_matrix_from_data_to_fit(shape, weight):
    rng = np.random.default_rng(0)
    E = rng.random((2, 5))
    n = int(np.prod(shape))
    laplacian = grid(shape).times(np.eye(n))
    gram = E @ E.T
    both = np.kron(gram, np.eye(n))
    trace = np.trace(np.linalg.solve(both + weight * np.kron(np.eye(2), laplacian), both))
    assert left_by_smoothness(gram, weight, shape) == pytest.approx(trace / (2 * n), rel=1e-9)


def test_zeros_are_not_free_and_no_product_has_more_than_its_rank_allows():
    rng = np.random.default_rng(1)
    A, E = rng.random((3, 40)), rng.random((3, 12))
    assert freedom(A, E) == 3 * (40 + 12 - 3)
    A[rng.random(A.shape) < 0.5] = 0
    assert freedom(A, E) == np.count_nonzero(A) + 36 - 3


def test_units_of_the_answer_do_not_matter():
    rng = np.random.default_rng(2)
    A, E = rng.random((3, 20)), rng.random((3, 8))
    E /= np.linalg.norm(E, axis=1, keepdims=True)
    for fractions in (False, True):
        for counts in (False, True):
            smoothed = Smoothed(0.3, (4, 5), fractions, counts)
            assert smoothed.fraction_left(A if fractions else A / 7, 1000 * E) == pytest.approx(
                smoothed.fraction_left(A, E)
            )


@pytest.mark.parametrize("options", [{}, {"sparsity": 0.05}, {"smoothness": 0.3}, {"similarity": "kl"}])
def test_the_criterion_of_a_search_is_that_of_a_scan(options):
    cube = (50 * mixture(shape=(8, 9))).round()
    scan = mf.selection.scan_rank(
        cube, [2, 3], n_init=2, splits=0, held_out=0, tol=1e-6, max_iter=3000, random_state=0, **options
    )
    found = tune(cube, {"k": [2, 3]}, BIC(), algorithm="grid", max_evals=2, tol=1e-6, max_iter=3000, **options)
    by_scan = np.diff(scan.table["bic"].to_numpy())
    by_search = np.diff([trial.loss for trial in found.trials])
    assert by_search == pytest.approx(by_scan, rel=0.05)
