"""Every part of the package declares its capabilities; a part without a declaration gets cautious values."""

from __future__ import annotations

import typing
from dataclasses import dataclass, fields, replace

import numpy as np
import pytest

import mffnb as mf
from mffnb.errors import UnsupportedCombinationError
from mffnb.estimators.names import TRANSFORMS
from mffnb.matrices import Dense
from mffnb.problem.formulation import state_problem
from mffnb.problem.rank_terms import on_rank
from mffnb.protocols import (
    CoordinateDescent,
    DataDependent,
    Distribution,
    EntrywiseSimilarity,
    FittedTransform,
    Half,
    Proximal,
    Similarity,
    SimilarityTraits,
    TermTraits,
    TransformTraits,
    caution,
    traits_of,
)
from mffnb.solvers import Hals
from tools import parts, solver_table

ALL = [
    pytest.param(parts.instance(part), kind, id=part.__name__) for kind in parts.KINDS for part in parts.classes(kind)
]


def of_kind(kind):
    return [pytest.param(parts.instance(part), id=part.__name__) for part in parts.classes(kind)]


@dataclass(frozen=True)
class SharedOut:
    """A user's penalty without traits."""

    weight: float = 0.1

    def value(self, factor):
        return self.weight / 2 * float(np.sum(factor**2))

    def fold(self, half):
        return replace(half, gram=half.gram + self.weight * np.eye(len(half.gram)))


@dataclass(frozen=True)
class Undeclared(mf.TotalVariation):
    """A user's penalty without traits that has a proximal operator."""

    @property
    def traits(self):
        raise AttributeError


def test_all_parts_are_found():
    names = {param.id for param in ALL}
    public = {*mf.penalties.__all__, *mf.constraints.__all__, *mf.similarities.__all__}
    public |= {"Hals", "Auto", "BlockPivoting", "Extrapolated", "Multiplicative", "Newton", "ProximalGradient"}
    assert names == public | {type(one).__name__ for one in TRANSFORMS.values()}


@pytest.mark.parametrize(("part", "kind"), ALL)
def test_a_part_declares_every_field(part, kind):
    parts.check_declared(part, kind)
    types = typing.get_type_hints(kind.traits)
    for one in fields(kind.traits):
        assert one.default is one.default_factory, f"{one.name} must have no default"  # both are MISSING
        assert isinstance(getattr(part.traits, one.name), types[one.name]), one.name
    assert traits_of(part) == part.traits


def test_a_part_that_forgets_its_traits_fails_with_the_names_of_the_fields():
    with pytest.raises(TypeError, match=r"SharedOut declares no traits: add traits = TermTraits\(pixelwise, uniform"):
        parts.check_declared(SharedOut(), parts.TERMS)
    complete = {one.name: getattr(mf.Ridge.traits, one.name) for one in fields(TermTraits)}
    del complete["convex"]
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'convex'"):
        TermTraits(**complete)


def test_traits_of_another_kind_are_refused():
    class Wrong(SharedOut):
        traits = TransformTraits(fitted=True)

    with pytest.raises(TypeError, match=r"Wrong.traits must be TermTraits"):
        traits_of(Wrong())
    with pytest.raises(TypeError, match="not a term, similarity, solver or transform"):
        traits_of(3)


def test_a_part_without_traits_gets_cautious_values_and_a_refusal_says_so():
    traits = traits_of(SharedOut())
    assert (traits.pixelwise, traits.uniform, traits.rowwise) == (False, False, False)
    assert traits.distribution is Distribution.WHOLE
    assert caution(mf.Ridge()) == ""
    assert caution(SharedOut()) == "SharedOut declares no traits, so it is treated as coupled: "
    matrix = solver_table.on_two_ranks(solver_table.COUNTS)
    with pytest.raises(UnsupportedCombinationError, match=r"SharedOut declares no traits.*run it without mpiexec"):
        on_rank(SharedOut(), matrix, 0)
    half = Undeclared(0.1, mf.graphs.grid((6,))).fold(Half(np.eye(2), np.ones((2, 6))))
    assert "Undeclared declares no traits, so it is treated as coupled: HALS cannot handle" in Hals().refuses(half)


def test_a_part_without_traits_gives_the_result_of_the_one_with_them():
    X = np.random.default_rng(0).random((60, 20))
    fits = [
        mf.MatrixFactorization(3, abundance_terms=[term], random_state=0).fit(X)
        for term in (SharedOut(), mf.Ridge(0.1))
    ]
    np.testing.assert_allclose(fits[0].components_, fits[1].components_, rtol=1e-6)


@pytest.mark.parametrize("similarity", of_kind(parts.SIMILARITIES))
def test_the_subproblem_of_a_similarity_has_the_gradient_of_its_misfit(similarity):
    rng = np.random.default_rng(0)
    X, A, E = rng.uniform(0.1, 0.9, (12, 8)), rng.uniform(0.2, 1.0, (2, 12)), rng.uniform(0.2, 1.0, (2, 8))
    misfit = state_problem(Dense(X), similarity, (), ()).misfit
    half, step = misfit.abundance_half(A, E), rng.normal(size=A.shape)

    def value(t):
        moved = A + t * step
        return len(X) * misfit.at_abundances(misfit.abundance_half(moved, E), moved, E)

    gradient = half.gram @ A - half.cross
    gradient = gradient if half.loss is None else half.loss.value_and_gradient(A)[1]
    gradient = gradient if half.log is None else half.log.gradient(A) - half.cross
    difference = (value(1e-5) - value(-1e-5)) / 2e-5
    assert np.vdot(gradient, step) == pytest.approx(difference, rel=1e-4, abs=1e-7), (
        f"the gradient of {type(similarity).__name__} is {np.vdot(gradient, step):.6g} along a direction, and the "
        f"difference quotient of its misfit {difference:.6g}: slope must be the derivative of value by the model"
    )


@pytest.mark.parametrize("similarity", of_kind(parts.SIMILARITIES))
def test_the_traits_of_a_similarity_hold(similarity):
    traits: SimilarityTraits = similarity.traits
    rng = np.random.default_rng(0)
    X, A, E = rng.uniform(0.1, 0.9, (12, 8)), rng.uniform(0.2, 1.0, (2, 12)), rng.uniform(0.2, 1.0, (2, 8))
    misfit = state_problem(Dense(X), similarity, (), ()).misfit
    values = [misfit.at_abundances(misfit.abundance_half(B, E), B, E) for B in (A, 2 * A)]
    assert (values[0] == pytest.approx(values[1], rel=1e-12)) == traits.scale_invariant, (
        f"twice the model changes the misfit from {values[0]:.6g} to {values[1]:.6g}, and {type(similarity).__name__} "
        f"declares scale_invariant={traits.scale_invariant}"
    )
    if traits.weight_power is None or not isinstance(similarity, EntrywiseSimilarity):
        return
    estimated = isinstance(similarity, DataDependent)
    distance = (similarity.estimated_from(Dense(X)) if estimated else similarity).distance(1.0)
    x, w = rng.uniform(0.1, 1.0, 20), 3.0**traits.weight_power
    # A threshold that is estimated from the weighted data applies to weighted residuals: compare residuals below it.
    y = x * (1 + 1e-4) if estimated else rng.uniform(0.1, 1.0, 20)
    np.testing.assert_allclose(
        distance.value(w * x, w * y), 3.0 * distance.value(x, y), rtol=1e-3 if estimated else 1e-10,
        err_msg=f"{type(similarity).__name__} declares weight_power={traits.weight_power}, so d(w^p x, w^p y) must be "
        "w d(x, y): declare the p for which it is (0.5 for a square), or None if there is none",
    )  # fmt: skip


@pytest.mark.parametrize("similarity", of_kind(parts.SIMILARITIES))
def test_a_similarity_has_all_methods_of_an_optional_protocol_or_none(similarity):
    parts.check_complete(similarity, DataDependent)


def test_a_similarity_with_one_method_of_two_is_named():
    class OneOfTwo(Similarity):
        misfit = start_data = None

    with pytest.raises(TypeError, match=r"OneOfTwo has start_data without estimated_from, .* define both"):
        parts.check_complete(OneOfTwo(), DataDependent)


@pytest.mark.parametrize("transform", of_kind(parts.TRANSFORMS))
def test_the_traits_of_a_transform_hold(transform):
    z = np.linspace(-3.0, 3.0, 13)
    assert isinstance(transform, FittedTransform) == transform.traits.fitted
    if transform.traits.fitted:
        first, second = transform.derivatives(transform.apply(z))
        up, here, down = (transform.apply(z + t) for t in (1e-4, 0.0, -1e-4))
        np.testing.assert_allclose(first, (up - down) / 2e-4, rtol=1e-6)
        np.testing.assert_allclose(second, (up + down - 2 * here) / 1e-8, atol=1e-6)
        np.testing.assert_allclose(transform.inverse(transform.apply(z)), z, rtol=1e-10, atol=1e-12)
        low, high = transform.limits
        assert low <= here.min()
        assert here.max() <= high


@pytest.mark.parametrize("solver", of_kind(parts.SOLVERS))
def test_the_traits_of_a_solver_hold(solver):
    rng = np.random.default_rng(0)
    basis = rng.random((3, 9))
    half = Half(basis @ basis.T, basis @ rng.random((9, 40)), factor=np.zeros((3, 40)))
    if solver.refuses(half) is not None:
        assert not solver.traits.pixelwise  # solvers of likelihoods: tests/solvers/test_likelihood.py
        return
    start = rng.random((3, 40))
    whole, blocks = start.copy(), start.copy()
    moved = solver.update(whole, half)
    assert moved > 0
    assert half.value(whole) < half.value(start)
    assert solver.traits.pixelwise
    for block in (slice(0, 17), slice(17, 40)):
        part = np.ascontiguousarray(blocks[:, block])
        solver.update(part, replace(half, cross=half.cross[:, block].copy(), factor=part))
        blocks[:, block] = part
    if isinstance(solver, CoordinateDescent):  # others end their steps by a norm over all entries
        np.testing.assert_allclose(blocks, whole, rtol=1e-12)
        assert solver.free_sweeps(half) > 0
    assert half.value(blocks) < half.value(start)


def test_terms_with_a_proximal_operator_are_those_that_solvers_receive():
    for part in parts.classes(parts.TERMS):
        term = parts.instance(part)
        half = term.fold(Half(np.eye(2), np.ones((2, 6)), factor=np.ones((2, 6))))
        assert isinstance(term, Proximal) <= bool(half.proximal)
