"""Block principal pivoting as a half step."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.optimize import nnls

from mffnb import MatrixFactorization, Simplex, Smoothness, Sparsity
from mffnb.errors import UnsupportedCombinationError
from mffnb.graphs import grid
from mffnb.protocols.half import Half
from mffnb.solvers import Hals
from mffnb.solvers.pivoting import BlockPivoting


def half(k=3, entries=40, seed=0):
    rng = np.random.default_rng(seed)
    basis = rng.random((k, 12))
    return Half(basis @ basis.T, basis @ (rng.random((12, entries)) - 0.1)), basis


def test_one_update_is_the_minimum():
    problem, _ = half()
    factor, slow = np.ones((3, 40)), np.ones((3, 40))
    BlockPivoting().update(factor, problem)
    Hals(sweeps=5000).update(slow, problem)
    np.testing.assert_allclose(factor, slow, atol=1e-10)
    assert BlockPivoting().update(factor, problem) == 0


def test_alternating_never_rises_and_reaches_the_minimum_of_hals(X, start):
    fits = {}
    for solver in (BlockPivoting(), Hals(sweeps=1)):
        model = MatrixFactorization(3, init=start, solver=solver, tol=1e-7, max_iter=5000)
        A = model.fit_transform(X)
        fits[type(solver)] = model
        objectives = [state.objective for state in model.trace_]
        assert (np.diff(objectives) <= 1e-14).all()
    assert fits[BlockPivoting].objective_ == pytest.approx(fits[Hals].objective_, rel=1e-6)
    assert fits[BlockPivoting].n_iter_ < fits[Hals].n_iter_
    exact = fits[BlockPivoting]
    A = exact.transform(X)
    np.testing.assert_allclose(A, [nnls(exact.components_.T, x)[0] for x in X], atol=1e-8)


@pytest.mark.parametrize(
    ("term", "words"),
    [(Smoothness(1e-3, grid((6, 10))), "coupled neighbours"), (Simplex(), "sum to one"), (Sparsity(1e-3), "ball")],
)
def test_what_binds_entries_is_refused(X, term, words):
    with pytest.raises(UnsupportedCombinationError, match=f"{words}.*use solver='auto'"):
        MatrixFactorization(2, abundance_terms=(term,), solver=BlockPivoting(), random_state=0).fit(X)


@pytest.mark.parametrize("extra", ["fixed", "log"])
def test_what_a_half_problem_may_hold_one_day_is_refused(extra):
    problem, _ = half()
    given = replace(problem, **{extra: np.ones((3, 40), dtype=bool)})
    with pytest.raises(UnsupportedCombinationError, match="use solver='auto'"):
        BlockPivoting().update(np.ones((3, 40)), given)


def test_weights_of_entries_count():
    problem, _ = half()
    weights = np.linspace(0.5, 2, 40)
    given = replace(problem, cross=problem.cross * weights, weights=weights)
    factor, plain = np.ones((3, 40)), np.ones((3, 40))
    BlockPivoting().update(factor, given)
    BlockPivoting().update(plain, problem)
    np.testing.assert_allclose(factor, plain, atol=1e-12)


def test_a_penalty_that_folds_into_the_quadratic_is_taken(X):
    @dataclass(frozen=True)
    class Lasso:
        weight: float

        def fold(self, half):
            return replace(half, cross=half.cross - self.weight)

    problem, _ = half()
    lasso = Lasso(0.5).fold(problem)
    factor = np.zeros((3, 40))
    BlockPivoting().update(factor, lasso)
    slope = lasso.gram @ factor - lasso.cross
    assert np.abs(factor * slope).max() < 1e-12
    assert slope.min() > -1e-12
    assert (factor == 0).any()
