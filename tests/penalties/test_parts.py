"""Every penalty and constraint, found by itself, keeps what its protocol promises."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mffnb import constraints, penalties
from mffnb.constraints.simplex import nearest_fractions
from mffnb.graphs import grid
from mffnb.protocols.half import Half
from mffnb.protocols.terms import Constraint, Penalty, Proximal
from mffnb.solvers import Hals, ProximalGradient
from tools import parts

SHAPE = (2, 6)
factors = arrays(float, SHAPE, elements=st.floats(-10, 10))


TERMS = [pytest.param(parts.instance(part), id=part.__name__) for part in parts.classes(parts.TERMS)]
PENALTIES = [p for p in TERMS if isinstance(p.values[0], Penalty)]
CONSTRAINTS = [p for p in TERMS if isinstance(p.values[0], Constraint)]


# The fold of the volume is a majorizer: it depends on the factor and does not add the value.
ADDED = [p for p in PENALTIES if p.id != "MinimumVolume"]


def half(factor=None):
    rng = np.random.default_rng(0)
    basis = rng.random((SHAPE[0], 5))
    return Half(basis @ basis.T, rng.random(SHAPE), factor=factor)


def test_the_catalogue_is_not_empty():
    assert {p.values[0].__class__.__name__ for p in PENALTIES} == set(penalties.__all__)
    assert {p.values[0].__class__.__name__ for p in CONSTRAINTS} == set(constraints.__all__)


@pytest.mark.parametrize("penalty", PENALTIES)
@given(factor=factors, here=factors)
def test_fold_touches_the_penalty_and_lies_above_it(penalty, factor, here):
    plain = half(np.abs(here))
    folded = penalty.fold(plain)

    def above(at):
        return folded.value(at) - plain.value(at) - penalty.value(at)

    assert above(np.abs(factor)) >= above(np.abs(here)) - 1e-8


@pytest.mark.parametrize("penalty", ADDED)
@given(factor=factors)
def test_fold_adds_the_value(penalty, factor):
    factor = np.abs(factor)
    plain = half()
    kept = plain.gram.copy(), plain.cross.copy()
    folded = penalty.fold(plain)
    assert folded.value(factor) == pytest.approx(plain.value(factor) + penalty.value(factor), rel=1e-9, abs=1e-9)
    np.testing.assert_array_equal(plain.gram, kept[0])
    np.testing.assert_array_equal(plain.cross, kept[1])


@pytest.mark.parametrize("penalty", ADDED)
def test_the_value_is_proportional_to_the_weight(penalty):
    factor = np.random.default_rng(0).random(SHAPE)
    double = type(penalty)(**{**penalty.__dict__, "weight": 2 * penalty.weight})
    assert double.value(factor) == pytest.approx(2 * penalty.value(factor))
    assert penalty.value(factor) != 0


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("weight", [-1e-3, np.nan, np.inf])
def test_impossible_weights_are_refused(penalty, weight):
    with pytest.raises(ValueError, match="weight must be a finite number >= 0"):
        type(penalty)(**{**penalty.__dict__, "weight": weight})


@pytest.mark.parametrize("constraint", CONSTRAINTS)
@given(factor=factors, other=factors)
def test_project_is_idempotent_and_nearest(constraint, factor, other):
    projected = constraint.project(factor)
    np.testing.assert_allclose(constraint.project(projected), projected, rtol=1e-12, atol=1e-12)
    member = constraint.project(other)
    assert np.linalg.norm(factor - projected) <= np.linalg.norm(factor - member) + 1e-9
    if constraint.traits.convex:  # no other point of it is nearer, as the obtuse angle says
        assert np.vdot(factor - projected, member - projected) <= 1e-9


PROXIMAL = [p for p in PENALTIES if isinstance(p.values[0], Proximal)]


def test_whatever_is_not_folded_is_in_the_catalogue_of_proximal_parts():
    assert {p.id for p in PROXIMAL} == {p.id for p in PENALTIES if p.values[0].fold(half(np.ones(SHAPE))).proximal}


@pytest.mark.parametrize("penalty", PROXIMAL)
@given(factor=factors, other=factors, step=st.floats(0.01, 100))
def test_no_point_is_lower_than_the_proximal_one(penalty, factor, other, step):
    penalty = type(penalty)(**{**penalty.__dict__, "weight": 0.3})
    point = penalty.prox(factor, step)
    assert point.min() >= 0

    def cost(at):
        return step * penalty.value(at) + np.sum((at - factor) ** 2) / 2

    other = np.abs(other)
    for share in (1e-3, 1e-2, 0.1, 0.5, 1.0):
        assert cost(point) <= cost((1 - share) * point + share * other) + 1e-6 * (1 + np.sum(factor**2))


ROWWISE = [p for p in (*PENALTIES, *CONSTRAINTS) if p.values[0].traits.rowwise]


@pytest.mark.parametrize("radius", [np.inf, 0.8])
@pytest.mark.parametrize("part", ROWWISE)
def test_parts_of_whole_rows_never_let_hals_rise(part, radius):
    if isinstance(part, Penalty):
        part = type(part)(**{**part.__dict__, "weight": 0.05})
    problem = part.fold(replace(half(), radius=radius))
    factor = np.abs(np.random.default_rng(1).random(SHAPE)) * 0.3
    moved, objective = np.inf, []
    for _ in range(200):
        moved = Hals().update(factor, problem)
        objective.append(problem.value(factor))
        assert np.linalg.norm(factor, axis=1).max() <= radius * (1 + 1e-12)
    assert np.diff(objective).max() <= 1e-12
    assert moved < 1e-12
    general = factor.copy()
    ProximalGradient(200).update(general, problem)
    assert problem.value(general) >= objective[-1] - 1e-6 * abs(objective[-1])


@pytest.mark.parametrize("term", TERMS)
def test_pixelwise_terms_fold_the_same_in_blocks_of_pixels(term):
    factor = np.abs(np.random.default_rng(1).normal(size=SHAPE))
    whole, blocks = term.fold(half(factor)), []
    if not term.traits.pixelwise:
        assert (
            whole.graph is not None or whole.proximal or whole.total or np.isfinite(whole.radius) or _is_coupled(term)
        )
        return
    for block in (slice(0, 2), slice(2, 6)):
        part = half(factor)
        part = replace(part, cross=part.cross[:, block], factor=factor[:, block])
        folded = term.fold(part)
        np.testing.assert_array_equal(folded.gram, whole.gram)
        np.testing.assert_array_equal(folded.cross, whole.cross[:, block])
        assert (folded.sum_to_one, folded.single) == (whole.sum_to_one, whole.single)
        assert (folded.lower, folded.upper) == (whole.lower, whole.upper)
        blocks.append(folded.value(factor[:, block]))
    assert sum(blocks) == pytest.approx(whole.value(factor), rel=1e-12)


def _is_coupled(term):
    """Whether a term is a function of the whole factor, or knows where an entry is."""
    return isinstance(term, penalties.MinimumVolume | constraints.Pinned | constraints.Fixed)


@pytest.mark.parametrize("term", [p for p in TERMS if p.values[0].traits.uniform])
def test_uniform_terms_change_every_subproblem_in_the_same_way(term):
    changes = []
    for size in (1.0, 7.0):
        plain = half(size * np.ones(SHAPE))
        plain = replace(plain, gram=size * plain.gram, cross=size * plain.cross)
        folded = term.fold(plain)
        shift = folded.cross - plain.cross
        np.testing.assert_allclose(shift, shift[:, :1] + np.zeros(SHAPE), atol=1e-14)
        changes.append((folded.gram - plain.gram, shift[:, 0]))
    for one, other in zip(*changes, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)
    assert term.traits.pixelwise


@pytest.mark.parametrize("term", ROWWISE)
def test_rowwise_terms_act_on_each_row_by_itself(term):
    factor = np.random.default_rng(2).normal(size=SHAPE)
    act = (lambda rows: term.prox(rows, 0.7)) if isinstance(term, Proximal) else term.project
    result = act(factor)
    assert result.min() >= 0
    np.testing.assert_allclose(result, np.concatenate([act(row[None]) for row in factor]), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("term", [p for p in TERMS if p.values[0].traits.convex])
@given(factor=factors, other=factors)
def test_convex_terms_are_convex(term, factor, other):
    if isinstance(term, Penalty):
        factor, other = np.abs(factor), np.abs(other)
        ends = term.value(factor) + term.value(other)
        assert term.value((factor + other) / 2) <= ends / 2 + 1e-9 * (1 + abs(ends))
    else:
        middle = (term.project(factor) + term.project(other)) / 2
        np.testing.assert_allclose(term.project(middle), middle, atol=1e-9)


@pytest.mark.parametrize("term", [p for p in PENALTIES if not isinstance(p.values[0], Proximal)])
def test_the_gradient_of_the_fold_is_that_of_the_value(term):
    rng = np.random.default_rng(3)
    here, step = rng.random(SHAPE) + 0.1, rng.normal(size=SHAPE)
    plain = half(here)
    folded = term.fold(plain)

    def added(t):
        return folded.value(here + t * step) - plain.value(here + t * step)

    slope = (term.value(here + 1e-5 * step) - term.value(here - 1e-5 * step)) / 2e-5
    assert (added(1e-5) - added(-1e-5)) / 2e-5 == pytest.approx(slope, rel=1e-6, abs=1e-9)


@dataclass(frozen=True)
class Smoothed:
    """A penalty of the smooth kind, as a user may write it: sqrt(f^2 + 1), with a factor on its gradient."""

    weight: float = 0.3
    slope: float = 1.0

    def value(self, factor):
        return self.weight * float(np.sqrt(factor**2 + 1).sum())

    def gradient(self, factor):
        return self.slope * self.weight * factor / np.sqrt(factor**2 + 1)

    def fold(self, half):
        return replace(half, smooth=(*half.smooth, self))


def assert_gradients_of_smooth_parts(term):
    rng = np.random.default_rng(3)
    here, step = rng.random(SHAPE) + 0.1, rng.normal(size=SHAPE)
    for part in term.fold(half(here)).smooth:
        slope = (part.value(here + 1e-5 * step) - part.value(here - 1e-5 * step)) / 2e-5
        assert np.vdot(part.gradient(here), step) == pytest.approx(slope, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("term", [*PENALTIES, pytest.param(Smoothed(), id="Smoothed")])
def test_the_gradient_of_a_smooth_part_is_that_of_its_value(term):
    assert_gradients_of_smooth_parts(term)


def test_a_wrong_gradient_of_a_smooth_part_is_found():
    with pytest.raises(AssertionError):
        assert_gradients_of_smooth_parts(Smoothed(slope=-7.0))


@pytest.mark.parametrize("term", [p for p in PENALTIES if isinstance(p.values[0], Proximal)])
@pytest.mark.parametrize("point", [(0.9, 0.2), (0.05, 0.02), (-0.4, 0.7)])
def test_the_proximal_point_is_the_minimum_on_a_grid(term, point):
    changes = {"weight": 0.3} | ({"graph": grid((2,))} if hasattr(term, "graph") else {})
    term, point, step = replace(term, **changes), np.array([point]), 0.8
    axis = np.linspace(0.0, 1.0, 51)

    def cost(at):
        return step * term.value(at) + np.sum((at - point) ** 2) / 2

    lowest = min(cost(np.array([[a, b]])) for a in axis for b in axis)
    found = cost(term.prox(point, step))
    assert found <= lowest + 1e-9
    assert found >= lowest - 2e-3  # the spacing of the grid


def test_smoothness_explains_what_it_lacks():
    with pytest.raises(ValueError, match=r"graph=mffnb\.graphs\.grid"):
        penalties.Smoothness(1.0).fold(half())
    with pytest.raises(ValueError, match="has 4 pixels and the data have 6"):
        penalties.Smoothness(1.0, grid((2, 2))).fold(half())
    once = penalties.Smoothness(1.0, grid((2, 3)))
    with pytest.raises(ValueError, match="one Smoothness term"):
        once.fold(once.fold(half()))


@pytest.mark.parametrize(("lower", "upper"), [(0.0, 0.8), (0.1, 0.5), (0.0, 1 / 3), (1 / 3, np.inf), (0.2, np.inf)])
@pytest.mark.parametrize("size", [1e-3, 1.0, 1e8, 1e100])
def test_fractions_between_bounds_are_the_nearest(lower, upper, size):
    rng = np.random.default_rng(0)
    points = size * rng.standard_normal((3, 50))
    fractions = nearest_fractions(points, lower, upper)
    np.testing.assert_allclose(fractions.sum(axis=0), 1, atol=1e-14)
    assert lower <= fractions.min()
    assert fractions.max() <= upper
    # An obtuse angle at the nearest point of a convex set, seen from all others.
    others = nearest_fractions(rng.standard_normal((3, 50)), lower, upper)
    assert (((points - fractions) * (others - fractions)).sum(axis=0) <= 1e-12 * max(size, 1.0)).all()


def test_fractions_of_very_large_numbers_sum_to_one():
    points = np.array([[1e100, 1e17], [1e17, -1e300], [0.0, -1.0]])
    np.testing.assert_array_equal(constraints.Simplex().project(points), [[1, 1], [0, 0], [0, 0]])
