"""The general half step: what it reaches, that it never rises, and what the fast ones leave to it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from mffnb import MatrixFactorization, Simplex, Smoothness, Sparsity
from mffnb.constraints import UnitBall
from mffnb.errors import UnsupportedCombinationError
from mffnb.graphs import grid
from mffnb.matrices import Dense
from mffnb.protocols.half import Half
from mffnb.protocols.terms import Constraint, Proximal, SmoothTerm
from mffnb.similarities import KullbackLeibler
from mffnb.solvers import Auto, BlockPivoting, Extrapolated, Hals, Multiplicative, Newton, ProximalGradient

MAP = (5, 8)
SHAPE = (3, 40)
pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")


@dataclass(frozen=True)
class Kink:
    """A penalty without a gradient: the sum of moduli, left whole."""

    weight: float = 0.3

    def value(self, factor):
        return self.weight * float(np.abs(factor).sum())

    def prox(self, factor, step):
        return np.sign(factor) * np.maximum(np.abs(factor) - step * self.weight, 0.0)

    def fold(self, half):
        return replace(half, proximal=(*half.proximal, self))


@dataclass(frozen=True)
class Quartic:
    """A penalty whose gradient no quadratic has."""

    weight: float = 0.3

    def value(self, factor):
        return self.weight / 4 * float((factor**4).sum())

    def gradient(self, factor):
        return self.weight * factor**3

    def fold(self, half):
        return replace(half, smooth=(*half.smooth, self))


@dataclass(frozen=True)
class Below:
    """A set of one's own."""

    limit: float = 0.4

    def project(self, factor):
        return np.minimum(factor, self.limit)

    def fold(self, half):
        return replace(half, proximal=(*half.proximal, self))


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(3)
    X = rng.dirichlet(np.full(3, 0.5), 40) @ rng.random((3, 20)) + 0.02 * rng.random((40, 20))
    return X, rng.random((40, 3)) + 0.1, rng.random((3, 20)) + 0.1


def half(entries=40, seed=0):
    rng = np.random.default_rng(seed)
    basis = rng.random((3, 9))
    return Half(basis @ basis.T, basis @ (rng.random((9, entries)) - 0.2))


def minimum(problem, turns=60):
    """The factor that many half steps lead to, which never rise."""
    factor, solver = np.full(problem.cross.shape, 1 / 3), ProximalGradient()
    solver.update(factor, problem)
    values = [problem.value(factor)]
    for _ in range(turns):
        solver.update(factor, problem)
        values.append(problem.value(factor))
    assert (np.diff(values) <= 1e-12 * np.abs(values[0])).all()
    return factor


def settled(solver, problem):
    factor = np.full(problem.cross.shape, 1 / 3)
    for _ in range(2000):
        solver.update(factor, problem)
    return factor


GRAPH = {"graph": grid(MAP), "coupling": 0.7}
WEIGHTS = np.linspace(0.3, 3, 40)


@pytest.mark.parametrize(
    "more",
    [{}, GRAPH, {"radius": 2.0}, {"sum_to_one": True}, {**GRAPH, "sum_to_one": True}, {"weights": WEIGHTS},
     {"weights": WEIGHTS, "radius": 2.0}, {"fixed": np.arange(120).reshape(SHAPE) % 7 == 0}],
    ids=" ".join,
)  # fmt: skip
def test_it_reaches_the_minimum_that_coordinate_descent_finds(more):
    problem = replace(half(), **more)
    if problem.weights is not None:
        problem = replace(problem, cross=problem.cross * WEIGHTS)
    factor, other = minimum(problem, 100), settled(Hals(), problem)
    assert problem.value(factor) == pytest.approx(problem.value(other), rel=1e-7)
    np.testing.assert_allclose(factor, other, atol=1e-3)


def test_a_sum_of_moduli_and_a_quartic_are_what_they_fold_to():
    problem = half()
    np.testing.assert_allclose(minimum(Kink().fold(problem)), minimum(Sparsity(0.3).fold(problem)), atol=1e-6)
    factor = minimum(Quartic().fold(problem))
    slope = problem.gram @ factor - problem.cross + 0.3 * factor**3
    np.testing.assert_allclose(np.where(factor > 1e-9, slope, np.minimum(slope, 0)), 0, atol=1e-6)


@pytest.mark.parametrize(
    "parts", [[Below(0.6), Simplex()], [UnitBall(4.0), Simplex()], [Kink(), Below(), UnitBall(2.0)]]
)
def test_where_sets_meet_it_reaches_what_a_convex_solver_does(parts):
    cvxpy = pytest.importorskip("cvxpy")
    problem = half()
    for part in parts:
        problem = part.fold(problem)
    factor = minimum(problem)
    F = cvxpy.Variable(SHAPE, nonneg=True)
    root = np.linalg.cholesky(problem.gram).T
    value = cvxpy.sum_squares(root @ F) / 2 - cvxpy.sum(cvxpy.multiply(problem.cross, F))
    held = []
    for part in parts:
        if isinstance(part, Kink):
            value += part.weight * cvxpy.sum(F)
        elif isinstance(part, Below):
            held.append(part.limit >= F)
        elif isinstance(part, Simplex):
            held.append(cvxpy.sum(F, axis=0) == 1)
        else:
            held += [cvxpy.norm(F[j]) <= part.radius for j in range(3)]
    best = cvxpy.Problem(cvxpy.Minimize(value), held).solve()
    assert problem.value(factor) == pytest.approx(best, rel=1e-5)
    for part in parts:
        if isinstance(part, Constraint):
            np.testing.assert_allclose(part.project(factor), factor, atol=1e-10)


def test_counts_lead_where_newton_steps_do(data):
    X, A, E = data
    counts = np.random.default_rng(0).poisson(30 * X).astype(float)
    problem = KullbackLeibler().misfit(Dense(counts)).abundance_half(A.T, E)
    assert problem.value(minimum(problem, 200)) == pytest.approx(problem.value(settled(Newton(), problem)), rel=1e-8)


@pytest.mark.parametrize("terms", [[], [Sparsity(0.02)], [Smoothness(0.1, grid(MAP))], [Simplex()]], ids=str)
def test_the_whole_run_ends_as_low_as_that_of_the_fast_solver(data, terms):
    X, *start = data
    options = {"init": tuple(start), "tol": 1e-7, "max_iter": 4000, "abundance_terms": terms}
    ends = []
    for solver in (Extrapolated(Hals()), Extrapolated(ProximalGradient()), ProximalGradient()):
        model = MatrixFactorization(3, solver=solver, **options).fit(X)
        objectives = [state.objective for state in model.trace_]
        assert (np.diff(objectives) <= 1e-12).all()
        ends.append(model.objective_)
    assert max(ends) <= min(ends) * (1 + 1e-4)


def test_the_step_means_what_it_means_elsewhere():
    """At the minimum it is zero, and away from it of the size of that of coordinate descent."""
    problem = half()
    factor = settled(Hals(), problem)
    assert ProximalGradient().update(factor.copy(), problem) < 1e-20
    away = factor + 0.1
    ours, theirs = (solver.update(away.copy(), problem) for solver in (ProximalGradient(), Hals()))
    assert 0.2 < ours / theirs < 5


@pytest.mark.parametrize(
    "solver", [Hals(), BlockPivoting(), Newton(), Multiplicative()], ids=lambda s: type(s).__name__
)
@pytest.mark.parametrize("part", [Kink(), Quartic(), Below()], ids=lambda part: type(part).__name__)
def test_the_fast_solvers_leave_to_it_what_they_cannot_take(solver, part):
    problem = part.fold(half())
    with pytest.raises(UnsupportedCombinationError, match=f"cannot handle {type(part).__name__}.*use solver='auto'"):
        solver.update(np.ones(SHAPE), problem)
    factor, chosen = np.ones(SHAPE), np.ones(SHAPE)
    ProximalGradient().update(factor, problem)
    Auto().update(chosen, problem)
    np.testing.assert_array_equal(factor, chosen)


def test_protocols_tell_parts_apart():
    assert isinstance(Kink(), Proximal)
    assert isinstance(Quartic(), SmoothTerm)
    assert isinstance(Below(), Constraint)
    assert not isinstance(Sparsity(), Proximal | SmoothTerm)


def test_sets_without_a_common_point_are_refused():
    problem = Below(0.1).fold(replace(half(), sum_to_one=True))
    with pytest.raises(UnsupportedCombinationError, match="loosen or drop one"):
        ProximalGradient().update(np.full(SHAPE, 1 / 3), problem)


@pytest.mark.parametrize("pull", [1.0, 1e3, 1e6])
def test_a_step_far_out_of_several_sets_ends_in_all_of_them(pull):
    rng = np.random.default_rng(0)
    factor = np.full(SHAPE, 0.02)
    problem = replace(half(), cross=pull * rng.standard_normal(SHAPE), radius=0.5, lower=0.01, upper=0.3)
    before = problem.value(factor)
    ProximalGradient().update(factor, problem)
    assert problem.value(factor) < before
    assert np.linalg.norm(factor, axis=1).max() <= 0.5 * (1 + 1e-7)
    assert factor.min() >= 0.01
    assert factor.max() <= 0.3
