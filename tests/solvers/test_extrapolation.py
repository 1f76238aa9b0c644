"""Iterations that begin ahead: the same minimum in fewer of them, never worse, and nothing lost by an interrupt."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from mffnb import Bounds, MatrixFactorization, Ridge, Simplex, Sparsity
from mffnb.estimators.run import FactorizationRun
from mffnb.kernels import panels
from mffnb.matrices import Dense
from mffnb.matrices.checking import as_matrix
from mffnb.protocols import SolverTraits
from mffnb.solvers import Extrapolated, Hals, Outcome, drive


@pytest.fixture(scope="module")
def X():
    """Spectra that resemble each other, which makes plain HALS slow."""
    rng = np.random.default_rng(0)
    E = 1 + 0.3 * np.sin(np.linspace(0, 3, 40)[None] * np.arange(1, 4)[:, None])
    return rng.dirichlet(np.ones(3), 300) @ E + 0.001 * rng.random((300, 40))


def fitted(X, solver, terms=(), **options):
    settings = {"random_state": 0, "tol": 0} | options
    model = MatrixFactorization(3, solver=solver, abundance_terms=terms, **settings)
    model.factorize(as_matrix(model, X, reset=True))
    return model


@pytest.mark.parametrize("terms", [(), (Sparsity(1e-4),), (Simplex(),)])
def test_fewer_iterations_to_what_plain_hals_reaches(X, terms):
    plain = fitted(X, Hals(), terms, max_iter=400)
    ahead = fitted(X, Extrapolated(Hals()), terms, max_iter=400)
    objectives = np.array([state.objective for state in ahead.trace_])
    assert np.diff(objectives).max() <= 1e-13
    assert np.argmax(objectives <= plain.objective_ * (1 + 1e-9)) < 200
    assert objectives[-1] <= plain.objective_ * (1 + 1e-9)


def test_an_iteration_that_is_taken_back_repeats_the_state_before(X):
    model = fitted(X, Extrapolated(Hals()), max_iter=100)
    states = [
        (state.iteration, (state.objective, state.step), state.abundances.copy(), state.endmembers.copy())
        for state in model.iterate(X)
        if state.whole
    ]
    repeats = [(a, b) for a, b in itertools.pairwise(states) if a[1] == b[1]]
    assert repeats
    for before, after in repeats:
        assert after[0] == before[0] + 1
        np.testing.assert_array_equal(before[2], after[2])
        np.testing.assert_array_equal(before[3], after[3])


class BlockByBlock:
    """Coordinate descent that does not tell how many sweeps it makes: kernels cannot make them."""

    traits = SolverTraits(pixelwise=True, extrapolated=False)

    def refuses(self, half):
        return Hals().refuses(half)

    def update(self, factor, half):
        return Hals().update(factor, half)


@pytest.mark.parametrize("terms", [(), (Sparsity(1e-3),), (Ridge(1e-2),), (Simplex(),), (Bounds(upper=0.4),)])
def test_sweeps_made_while_rows_are_in_the_cache_are_the_same(X, terms):
    fits = [fitted(X, Extrapolated(solver), terms, max_iter=20) for solver in (Hals(), BlockByBlock())]
    np.testing.assert_allclose(fits[0].components_, fits[1].components_, rtol=1e-9)
    steps = [[state.step for state in fit.trace_[1:]] for fit in fits]
    np.testing.assert_allclose(*steps, rtol=1e-7)


@pytest.mark.parametrize("term", [None, Sparsity(1e-3), Ridge(1e-2)])
def test_kernels_make_the_sweeps_where_nothing_else_is_done(X, term, monkeypatch):
    made = []
    descend = panels.fused_descent
    monkeypatch.setattr(panels, "fused_descent", lambda *numbers: made.append(1) or descend(*numbers))
    terms = () if term is None else (term,)
    fitted(X, "auto", terms, max_iter=3)
    assert made
    made.clear()
    for others in ((Simplex(),), (Bounds(upper=0.4),)):
        fitted(X, "auto", others, max_iter=3)
    assert not made


@pytest.mark.parametrize("solver", ["hals", "auto"])
def test_an_interrupt_keeps_the_best_so_far(X, solver):
    model = MatrixFactorization(3, solver=solver, random_state=0, max_iter=50, tol=0)
    problem, states, _ = FactorizationRun(**model.get_params(deep=False)).begin(as_matrix(model, X, reset=True))

    def interrupted():
        for state in states:
            yield state
            if state.iteration == 20 and not state.whole:
                raise KeyboardInterrupt

    last, trace = drive(interrupted())
    assert last.outcome is Outcome.INTERRUPTED
    assert last.objective <= min(state.objective for state in trace)
    half = problem.misfit.abundance_half(last.abundances, last.endmembers)
    value = problem.misfit.at_abundances(half, last.abundances, last.endmembers)
    assert value == pytest.approx(last.objective, rel=1e-10)


def test_a_picture_of_the_maps_does_not_wait_for_the_next_look_at_the_data(X, monkeypatch):
    looks, real = [], Dense.transposed_times
    monkeypatch.setattr(Dense, "transposed_times", lambda self, factor: looks.append(1) or real(self, factor))
    rng = np.random.default_rng(1)
    start = rng.random((len(X), 3)), rng.random((3, X.shape[1]))
    states = MatrixFactorization(3, init=start).iterate(X)
    next(states)
    assert not next(states).whole
    assert looks == []
    assert next(states).whole
    assert looks == [1]
