"""Whatever is asked for together: a finite answer that never gets worse, or one sentence that says what to do."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import mffnb as mf
from mffnb import Bounds, MatrixFactorization, Simplex
from mffnb.constraints import Pinned, UnitBall
from mffnb.errors import UnsupportedCombinationError
from mffnb.estimators.names import SIMILARITIES, SOLVERS, TRANSFORMS, named_solver
from mffnb.estimators.run import FactorizationRun
from mffnb.matrices.checking import as_matrix
from mffnb.protocols import traits_of
from mffnb.protocols.terms import Penalty
from mffnb.solvers import Extrapolated
from tests.depth import examples
from tests.similarities.catalogue import independent_loss
from tools import solver_table
from tools.solver_table import PARTS, refusal, stated

NAMED = {part.name: part for part in PARTS}


def examine(parts, similarity, solver, iterations=12, **options):
    """Run; the sentence of a refusal, or None after all that has to hold has been seen to hold."""
    model, data = stated(parts, similarity, solver, max_iter=iterations, tol=0, **options)
    matrix = as_matrix(model, data, reset=True, missing=True)
    refused = None
    try:
        problem, states, _ = FactorizationRun(**model.get_params(deep=False)).begin(matrix)
        objectives = []
        ahead = isinstance(named_solver(model.solver), Extrapolated)
        for state in states:
            if state.whole or not ahead:  # half a step that began ahead may have to be taken back
                objectives.append(state.objective)
                assert np.isfinite(state.objective)
                assert np.isfinite(state.relative_error)
            for factor in (state.abundances, state.endmembers):
                assert np.isfinite(factor).all()
                assert factor.min() >= 0
    except ValueError as error:
        refused = error
    if refused is not None:
        assert type(refused) in (ValueError, UnsupportedCombinationError)
        assert "\n" not in str(refused)
        assert 20 < len(str(refused)) < 250
        return str(refused)
    assert len(objectives) == (1 if ahead else 2) * iterations + 1 or state.step == 0
    rise, what = np.diff(objectives).max(initial=0.0), described(parts, similarity, solver)
    assert rise <= 1e-11 * max(1.0, abs(objectives[0])), (
        f"{what}: the objective rises by {rise:.3g}. Of a new similarity, correct slope, curvature or curvature_bound; "
        "of a new term, value, fold, prox or gradient"
    )
    A, E = state.abundances, state.endmembers
    expected = by_the_formula(problem, matrix, parts, similarity, A, E, state.intercept)
    assert objectives[-1] == pytest.approx(expected, rel=1e-8, abs=1e-11), (
        f"{what}: the objective is {objectives[-1]:.6g}, and {expected:.6g} by the formulas. Of a new similarity, compare "
        "value with loss in its test module, and weight_power with its definition; of a new term, value with fold"
    )
    held = check_constraints(problem, A, E)
    model._prepare = lambda *_: (problem, iter([state]))  # the run is over; what remains is the answer
    answer = model.factorize(matrix).T  # in the units of the data
    assert np.isfinite(answer).all()
    assert np.isfinite(model.components_).all()
    if problem.gauge.name in ("SUM", "GAIN"):
        np.testing.assert_allclose(answer.sum(axis=0), 1, atol=1e-9)
    if held is not None and problem.gauge.name != "GAIN":
        np.testing.assert_array_equal(model.components_[: len(held.known)][held.known], held.values[held.known])
    return None


def described(parts, similarity, solver):
    """The keywords of a combination, for messages."""
    return f"similarity={similarity!r}, solver={solver!r}, {' + '.join(part.name for part in parts) or 'no part'}"


def compare(parts, similarity, solver, iterations):
    """Run a combination as docs/solvers.md lists it: it runs, or is refused with the same sentence after one step."""
    listed, found = refusal(parts, similarity, solver), examine(parts, similarity, solver, iterations)
    assert found == listed, (
        f"{described(parts, similarity, solver)}: {iterations} iterations give {found!r}, and the first one {listed!r}. "
        "A part must refuse before the first iteration, in the same words"
    )


def by_the_formula(problem, matrix, parts, similarity, A, E, intercept):
    """The objective from X, the weights, the factors and the independent formula of the similarity."""
    kind = next((part.kind for part in parts if part.kind is solver_table.with_gaps), np.array)
    X = kind(solver_table.suited(parts, similarity))[matrix.own]
    traits, w = traits_of(problem.similarity), np.ones_like(X)
    for part in parts:  # weights without an equivalent power of the data multiply the loss of each entry
        if isinstance(part.weights, np.ndarray) and (traits.weight_power is None or 1 not in part.weights.shape):
            w = w * np.broadcast_to(part.weights, (solver_table.PIXELS, solver_table.CHANNELS))[matrix.own]
    w = np.where(np.isnan(X), 0.0, w / w.max())
    s = problem.scale * (1 if problem.rows is None else problem.rows[:, None])
    X = np.where(w > 0, s * X * (1 if problem.columns is None else problem.columns), 1.0)
    gain = problem.misfit.gain
    model = (A if gain is None else A * gain).T @ E
    transform = next((TRANSFORMS[part.transform] for part in parts if part.transform is not None), traits.transform)
    if transform is not None and transform.traits.fitted:
        model = transform.apply(model + intercept)
    model = np.where(w > 0, model, 1.0)  # an entry without weight has no loss, also where a divergence is infinite
    losses = independent_loss(problem.similarity, problem.scale, X, model, w)
    if traits.scale_invariant and problem.rows is not None:
        losses = losses * problem.rows ** (1 / traits.weight_power)
    penalties = [
        sum(term.value(factor) for term in terms if isinstance(term, Penalty))
        for terms, factor in ((problem.abundance_terms, A), (problem.endmember_terms, E))
    ]
    return (losses.sum() + penalties[0]) / problem.pixels + penalties[1]


def check_constraints(problem, A, E):
    """Fractions, balls and known values are kept while the problem is solved; return what is known."""
    held = problem.pinned
    for terms, factor, known in (
        (problem.abundance_terms, A, 0),
        (problem.endmember_terms, E, 0 if held is None else len(held.values)),
    ):
        for term in terms:
            if isinstance(term, Simplex):
                np.testing.assert_allclose(factor.sum(axis=0), 1, atol=1e-12)
            if isinstance(term, UnitBall):
                assert np.linalg.norm(factor[known:], axis=1).max(initial=0) <= term.radius * (1 + 1e-12)
            if isinstance(term, Bounds):
                np.testing.assert_allclose(term.project(factor)[known:], factor[known:], rtol=1e-12, atol=0)
    if held is not None:
        known, weights = held.known, 1 if problem.columns is None else problem.columns
        for row, values, mask in zip(E, held.values * weights, known, strict=False):
            np.testing.assert_allclose(row[mask] * values[mask].sum(), values[mask] * row[mask].sum(), atol=1e-9)
    return held


CLASSIC = solver_table.OF_SEVERAL_SOLVERS


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("solver", SOLVERS)
def test_every_cell_of_the_table_is_true(similarity, solver):
    for part in [None, *(PARTS if solver == "auto" or similarity in CLASSIC else ())]:
        parts, iterations = [] if part is None else [part], 12 if similarity in CLASSIC else 5
        compare(parts, similarity, solver, iterations)


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.slow, id="all"), pytest.param(8, id="an eighth")])
def test_every_pair_runs_or_is_refused(similarity, step):
    """Of the similarities that cost a look at X for every step, every seventh pair."""
    pairs = [*filter(solver_table.compatible, itertools.combinations(PARTS, 2))]
    for pair in (pairs if similarity in CLASSIC else pairs[::7])[::step]:
        compare(pair, similarity, "auto", 4)


@pytest.mark.slow
def test_the_page_is_what_the_code_says():
    assert solver_table.PAGE.read_text(encoding="utf-8") == solver_table.page(), "run python tools/solver_table.py"


def combination(names, similarity, solver, strength=1.0):
    return {
        "names": names,
        "similarity": similarity,
        "solver": solver,
        "init": "random",
        "strength": strength,
        "seed": 0,
    }


COMBINATIONS = st.fixed_dictionaries(
    {
        "names": st.lists(st.sampled_from(sorted(NAMED)), max_size=6, unique=True),
        "similarity": st.sampled_from(sorted(SIMILARITIES)),
        "solver": st.sampled_from(sorted(SOLVERS)),
        "init": st.sampled_from(["random", "nndsvd"]),
        "strength": st.sampled_from([1e-3, 1.0, 1e3]),
        "seed": st.integers(0, 100),
    }
)


def stronger(part, factor):
    """The part with its weights multiplied."""

    def changed(terms):
        return tuple(replace(term, weight=term.weight * factor) if hasattr(term, "weight") else term for term in terms)

    return replace(part, abundances=changed(part.abundances), endmembers=changed(part.endmembers))


@examples(200, derandomize=True)
@given(COMBINATIONS)
@example(combination(["weights of entries", "Sparsity of A"], "kl", "newton"))
@example(combination(["Pinned in some channels", "Smoothness of A"], "kl", "auto"))
@example(combination(["Pinned endmembers", "UnitBall for A"], "frobenius", "hals"))
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_any_combination_runs_or_is_refused(asked):
    parts = [stronger(NAMED[name], asked["strength"]) for name in asked["names"]]
    if sum(part.kind is not None for part in parts) > 1:
        parts = [part for part in parts if part.kind is None]
    examine(parts, asked["similarity"], asked["solver"], init=asked["init"], random_state=asked["seed"])


@pytest.mark.slow
@examples(30, derandomize=True)
@given(
    similarity=st.sampled_from(sorted(SIMILARITIES)),
    order=st.permutations(PARTS),
    number=st.integers(2, 6),
    data=st.data(),
)
def test_combinations_of_what_goes_together_run(similarity, order, number, data):
    """Each part is kept if those before leave room for it, so that nothing that is run is refused."""
    parts = []
    for part in order:
        room = all(solver_table.compatible((part, other)) for other in parts)
        if len(parts) < number and room and refusal([*parts, part], similarity, "auto") is None:
            parts.append(part)
    solvers = [solver for solver in SOLVERS if refusal(parts, similarity, solver) is None]
    assert examine(parts, similarity, data.draw(st.sampled_from(solvers), label="solver")) is None


@pytest.mark.parametrize(
    "others", [["Smoothness of A"], ["UnitBall for E"], ["Bounds of E", "Bounds of A"], ["Ridge of E"]]
)
def test_one_peak_goes_with_other_sets(others):
    """It is not convex, and Dykstra's algorithm may go round in circles."""
    parts = [NAMED[name] for name in ["SpectralSmoothness", 'weights="poisson"', "Unimodal E", *others]]
    assert examine(parts, "frobenius", "proximal") is None


@pytest.mark.parametrize(
    "similarity", [name for name, one in SIMILARITIES.items() if not traits_of(one).scale_invariant]
)
@pytest.mark.parametrize("init", ["random", "nndsvd"])
def test_fractions_stay_between_bounds_however_far_a_step_leads(similarity, init):
    parts = [stronger(NAMED[name], 1e3) for name in ("MinimumVolume, Simplex", "Bounds of A")]
    assert examine(parts, similarity, "auto", init=init) is None


def test_bounds_that_leave_no_fractions_are_refused():
    for tight in (Bounds(0.0, 0.3), Bounds(0.4, 1.0)):
        model = MatrixFactorization(3, abundance_terms=[Simplex(), tight])
        with pytest.raises(UnsupportedCombinationError, match=r"cannot sum to 1: let Bounds .* have 1/3 between them"):
            model.fit(solver_table.COUNTS)


def test_known_spectra_are_put_in_place_of_what_a_start_says():
    X, known = solver_table.COUNTS, solver_table.SPECTRA[:1]
    rng = np.random.default_rng(0)
    start = rng.random((len(X), 3)), rng.random((3, X.shape[1]))
    model = MatrixFactorization(3, endmember_terms=[Pinned(known)], init=start, max_iter=5, tol=0)
    with pytest.warns(mf.errors.ConvergenceWarning):
        A = model.fit_transform(X)
    np.testing.assert_array_equal(model.components_[:1], known)
    error = np.linalg.norm(X - A @ model.components_) / np.linalg.norm(X)
    assert error == pytest.approx(model.relative_error_)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 2.5}, "whole number >= 1, got 2.5"),
        ({"k": True}, "whole number >= 1, got True"),
        ({"k": "3", "volume": 1e-3}, "whole number >= 1, got '3'"),
        ({"similarity": None}, "similarity=None is not known"),
        ({"init": 3}, "init=3 is not known"),
        ({"solver": mf.solvers.Hals}, "solver=.* is not known"),
        ({"abundance_terms": mf.Sparsity(1e-3)}, "terms come in a list"),
    ],
)
def test_what_is_no_part_is_refused(options, message):
    cube = solver_table.COUNTS.reshape(*solver_table.MAP, -1)
    with pytest.raises(ValueError, match=message):
        mf.unmix(cube, **{"k": 2, **options})


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"endmember_terms": [Simplex()]}, "Simplex belongs into abundance_terms"),
        ({"abundance_terms": [mf.MinimumVolume()]}, "MinimumVolume belongs into endmember_terms"),
        ({"abundance_terms": [Pinned(np.ones((1, 48)))]}, "Pinned belongs into endmember_terms"),
        ({"abundance_terms": [Simplex(), Simplex(gain=True)]}, "Simplex can be asked for once"),
        ({"endmember_terms": [Pinned(np.ones((1, 14)))] * 2}, "Pinned can be asked for once"),
    ],
)
def test_a_term_out_of_place_is_refused(terms, message):
    with pytest.raises(UnsupportedCombinationError, match=message):
        MatrixFactorization(3, **terms).fit(solver_table.COUNTS)
