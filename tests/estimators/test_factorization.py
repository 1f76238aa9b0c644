"""The estimator: the right minimum, the right scale, an objective that only falls, and a clear word when not."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.decomposition import _nmf

from mffnb import MatrixFactorization, Orthogonal, Ridge, Simplex, Smoothness, Sparsity
from mffnb.errors import ConvergenceWarning, DegenerateWarning, UnsupportedCombinationError
from mffnb.estimators.run import FactorizationRun
from mffnb.graphs import grid
from mffnb.matrices import in_memory
from mffnb.selection import match, spectral_angles
from mffnb.solvers import Hals, Outcome
from tests.depth import examples

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")
MAP = (6, 10)


def terms(sparsity=0.0, smoothness=0.0, shape=MAP):
    return [
        *([Sparsity(sparsity)] if sparsity else []),
        *([Smoothness(smoothness, grid(shape))] if smoothness else []),
    ]


def test_product_equals_scikit_learn_after_each_of_50_iterations(X, start):
    ours = MatrixFactorization(3, init=start, solver=Hals(sweeps=1), max_iter=50, tol=0)
    products = [s.abundances.T @ s.endmembers for s in ours.iterate(X) if s.whole and s.iteration]
    W, Ht = start[0].copy(), start[1].T.copy()
    order = np.random.RandomState(0)
    worst = 0.0
    for product in products:
        _nmf._update_coordinate_descent(X, W, Ht, 0, 0, False, order)
        _nmf._update_coordinate_descent(X.T, Ht, W, 0, 0, False, order)
        worst = max(worst, np.abs(product - W @ Ht.T).max())
    assert len(products) == 50
    assert worst < 1e-10


@examples(60)
@given(
    sparsity=st.sampled_from([0.0, 1e-6, 1e-3, 1e-2, 0.1, 1.0, 1e3]),
    smoothness=st.sampled_from([0.0, 1e-6, 1e-3, 0.1, 1.0, 1e3, 1e6]),
    endmember_sparsity=st.sampled_from([0.0, 1e-3, 0.1]),
    sweeps=st.integers(1, 4),
    k=st.integers(1, 5),
    seed=st.integers(0, 2**16),
)
def test_objective_never_rises(sparsity, smoothness, endmember_sparsity, sweeps, k, seed):
    rng = np.random.default_rng(seed)
    X = rng.random((12, 3)) @ rng.random((3, 9)) + 0.1 * rng.random((12, 9))
    model = MatrixFactorization(
        k,
        abundance_terms=terms(sparsity, smoothness, (3, 4)),
        endmember_terms=terms(endmember_sparsity),
        init="random",
        random_state=seed,
        solver=Hals(sweeps),
        max_iter=30,
        tol=0,
    )
    states = list(model.iterate(X))
    objective = np.array([state.objective for state in states])
    assert np.isfinite(objective).all()
    assert np.diff(objective).max() <= 1e-12 * objective[0]
    assert all(np.isfinite(s.abundances).all() and np.isfinite(s.endmembers).all() for s in states)


def test_objective_is_what_the_formula_says(X, start):
    lambda_1, lambda_2 = 0.02, 0.3
    model = MatrixFactorization(3, abundance_terms=terms(lambda_1, lambda_2), init=start, max_iter=20, tol=0)
    A = model.fit_transform(X).T
    scaled = A * (model.size_ * model.scale_)[:, None], model.components_ / model.size_[:, None]
    s = np.sqrt(len(X) / np.sum(X**2))
    fit = np.sum((s * X - scaled[0].T @ scaled[1]) ** 2) / 2
    maps = scaled[0].reshape(3, *MAP)
    rough = sum(np.sum(np.diff(maps, axis=axis) ** 2) for axis in (1, 2)) / 4
    expected = (fit + lambda_1 * scaled[0].sum() + lambda_2 / 2 * rough) / len(X)
    assert model.objective_ == pytest.approx(expected, rel=1e-10)
    assert model.relative_error_ == pytest.approx(np.linalg.norm(X - A.T @ model.components_) / np.linalg.norm(X))


@pytest.mark.parametrize("penalties", [(0, 0), (0.02, 0), (0, 0.3), (0.02, 0.3)])
def test_scale_and_mirror_tiling_do_not_change_the_answer(X, start, penalties):
    def endmembers(X, A, E, shape):
        model = MatrixFactorization(3, abundance_terms=terms(*penalties, shape), init=(A, E), max_iter=8000, tol=1e-11)
        model.fit(X)
        return model.components_

    def tiled(rows):
        image = rows.reshape(*MAP, -1)
        tile = np.concatenate([image, image[:, ::-1]], axis=1)
        return np.concatenate([tile, tile[::-1]]).reshape(4 * len(rows), -1)

    A, E = start
    plain = endmembers(X, A, E, MAP)
    np.testing.assert_allclose(endmembers(1000 * X, A, 1000 * E, MAP) / 1000, plain, rtol=0, atol=1e-6)
    large = endmembers(tiled(X), tiled(A), E, (12, 20))
    np.testing.assert_allclose(large, plain, rtol=0, atol=1e-6)


def test_penalised_abundances_put_endmembers_on_the_unit_sphere(X, start):
    model = MatrixFactorization(3, abundance_terms=terms(sparsity=0.02), init=start, max_iter=2000, tol=1e-9)
    A = model.fit_transform(X)
    scaled = model.components_ / model.size_[:, None]
    np.testing.assert_allclose(np.linalg.norm(scaled, axis=1), 1, atol=1e-12)
    assert A.sum(axis=1).mean() == pytest.approx(1)


def test_penalised_endmembers_bound_the_rms_of_abundances(X, start):
    model = MatrixFactorization(3, endmember_terms=terms(sparsity=0.01), init=start, max_iter=2000, tol=1e-9)
    A = model.fit_transform(X) * (model.size_ * model.scale_)
    np.testing.assert_allclose(np.sqrt((A**2).mean(axis=0)), 1, atol=1e-12)
    dense = MatrixFactorization(3, init=start, max_iter=2000, tol=1e-9).fit(X).components_
    assert (model.components_ == 0).sum() > (dense == 0).sum()


def test_sparsity_and_smoothness_do_what_their_names_say(X, start):
    def fitted(**weights):
        model = MatrixFactorization(3, abundance_terms=terms(**weights), init=start, max_iter=3000, tol=1e-8)
        return model.fit_transform(X).T

    graph = grid(MAP)
    plain, sparse, smooth = fitted(), fitted(sparsity=0.1), fitted(smoothness=1.0)
    assert (sparse == 0).mean() > (plain == 0).mean() + 0.1
    assert graph.roughness(smooth) < 0.5 * graph.roughness(plain)


def test_without_a_penalty_endmembers_have_equal_norms(X):
    norms = np.linalg.norm(MatrixFactorization(3, max_iter=20).fit(X).components_, axis=1)
    np.testing.assert_allclose(norms, norms[0])


def test_exact_data_are_recovered_up_to_the_gauge():
    rng = np.random.default_rng(0)
    A, E = rng.dirichlet(np.full(3, 0.2), 200), rng.random((3, 30))
    A[:3] = np.eye(3)
    E[np.arange(3), :9:3] = 0  # with pure pixels and pure channels the answer is unique
    E[:, :9] *= np.repeat(np.eye(3), 3, axis=1)
    model = MatrixFactorization(3, max_iter=20000, tol=1e-10).fit(A @ E)
    order = match(E, model.components_)
    assert spectral_angles(E, model.components_)[np.arange(3), order].max() < 1e-3
    assert model.relative_error_ < 1e-5


def test_transform_finds_the_abundances_of_the_fit(X, start):
    for penalties in ({}, {"sparsity": 0.02}, {"smoothness": 0.1}):
        model = MatrixFactorization(3, abundance_terms=terms(**penalties), init=start, max_iter=20000, tol=1e-10)
        A = model.fit_transform(X)
        np.testing.assert_allclose(model.transform(X), A, atol=1e-4)
        np.testing.assert_allclose(model.inverse_transform(A), A @ model.components_)


def test_inputs_are_left_alone(X, start):
    kept = X.copy(), start[0].copy(), start[1].copy()
    for array in (X, *start):
        array.flags.writeable = False
    MatrixFactorization(3, init=start, abundance_terms=terms(0.01, 0.1), max_iter=5).fit(X)
    for now, before in zip((X, *start), kept, strict=True):
        np.testing.assert_array_equal(now, before)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.uint8, bool])
def test_layouts_and_types_give_the_same_answer(X, start, dtype, order):
    data = np.asarray(100 * X).astype(dtype)
    model = MatrixFactorization(3, init=start, max_iter=20, tol=0)
    expected = model.fit(data.astype(np.float64)).components_
    got = model.fit(np.asarray(data, order=order)).components_
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-9)
    assert got.dtype == np.float64


@pytest.mark.parametrize("init", ["random", "nndsvd", "auto"])
def test_starts_are_reproducible_and_the_seed_matters(X, init):
    def components(seed):
        return MatrixFactorization(3, init=init, random_state=seed, max_iter=3).fit(X).components_

    np.testing.assert_array_equal(components(5), components(5))
    assert init != "random" or not np.array_equal(components(5), components(6))


def test_more_components_than_the_matrix_has_rank():
    X = np.outer([1.0, 2, 3, 4], [1.0, 0, 2])
    model = MatrixFactorization(5, max_iter=200, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DegenerateWarning)  # one component may be all it takes
        assert np.isfinite(model.fit_transform(X)).all()
    assert model.relative_error_ < 1e-3
    with pytest.warns(DegenerateWarning, match="is zero everywhere"):
        MatrixFactorization(3, init="nndsvd", abundance_terms=[Sparsity(0.01)], max_iter=500).fit(X)


def test_outcomes_tell_what_happened(X, start):
    done = MatrixFactorization(3, init=start, max_iter=5000, tol=1e-5).fit(X)
    assert done.outcome_ is Outcome.CONVERGED
    assert done.trace_[-1].step <= 1e-5 < done.trace_[-2].step
    with pytest.warns(ConvergenceWarning, match="raise max_iter"):
        early = MatrixFactorization(3, init=start, max_iter=2, tol=1e-9).fit(X)
    assert (early.outcome_, early.n_iter_) == (Outcome.MAX_ITER, 2)


def test_callback_can_stop_and_interrupt_keeps_the_best(X, start):
    def stop(state):
        return state.iteration == 7

    def interrupt(state):
        if state.iteration == 7:
            raise KeyboardInterrupt

    for callback, outcome in ((stop, Outcome.STOPPED), (interrupt, Outcome.INTERRUPTED)):
        model = MatrixFactorization(3, init=start, tol=0)
        model.fit_transform(X, callback=callback)
        assert (model.outcome_, model.n_iter_) == (outcome, 7)
        seven = MatrixFactorization(3, init=start, tol=0, max_iter=7).fit(X)
        np.testing.assert_array_equal(model.components_, seven.components_)


def test_tolerance_does_not_depend_on_scale_or_size(X, start):
    def iterations(X, A, E):
        return MatrixFactorization(3, init=(A, E), max_iter=5000, tol=1e-4).fit(X).n_iter_

    A, E = start
    assert (
        iterations(X, A, E) == iterations(1e6 * X, A, 1e6 * E) == iterations(np.tile(X, (3, 1)), np.tile(A, (3, 1)), E)
    )


def test_clone_keeps_parameters():
    model = MatrixFactorization(3, abundance_terms=[Sparsity(0.1)], tol=1e-3)
    assert clone(model).get_params() == model.get_params()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_components": 0}, "whole number >= 1"),
        ({"n_components": 2.5}, "whole number >= 1"),
        ({"similarity": "poison"}, "similarity='poison' is not known"),
        ({"solver": "secant"}, "solver='secant' is not known"),
        ({"init": "guess"}, "init='guess' is not known"),
        ({"init": (np.ones((2, 2)), np.ones((2, 2)))}, "must have shapes"),
        ({"init": (-np.ones((60, 3)), np.ones((3, 20)))}, "must not be negative"),
        ({"abundance_terms": [Sparsity]}, "is not a term"),
        ({"abundance_terms": ["sparse"]}, "is not a term"),
    ],
)
def test_errors_say_what_to_do(X, parameters, message):
    with pytest.raises(ValueError, match=message):
        MatrixFactorization(**parameters).fit(X)


def test_smooth_endmembers_stay_in_the_ball_that_sparsity_calls_for(X):
    run = FactorizationRun(2, endmember_terms=[Smoothness(0.1, grid((20,)))], abundance_terms=[Sparsity(0.1)])
    for state in filter(lambda state: state.whole, run.begin(in_memory(X)).states):
        assert np.linalg.norm(state.endmembers, axis=1).max() <= 1 + 1e-12
    assert state.outcome is Outcome.CONVERGED


@pytest.mark.parametrize("option", [{"similarity": "kl"}, {"solver": "proximal"}], ids=str)
def test_transform_refuses_one_component_per_pixel_where_it_has_several_minima(X, option):
    model = MatrixFactorization(3, abundance_terms=[Orthogonal()], random_state=0, max_iter=20, **option).fit(X)
    with pytest.raises(UnsupportedCombinationError, match=r"several minima here.*use the result of fit_transform"):
        model.transform(X)


def test_transform_warns_of_several_minima_of_one_component_per_pixel_with_gaps(X):
    data = X.copy()
    data[0, 0] = np.nan
    model = MatrixFactorization(3, abundance_terms=[Orthogonal()], random_state=0).fit(data)
    with pytest.warns(ConvergenceWarning, match=r"several minima where entries are missing"):
        A = model.transform(data)
    assert (np.count_nonzero(A, axis=1) <= 1).all()


def test_transform_finds_the_one_component_of_each_pixel(X):
    model = MatrixFactorization(3, abundance_terms=[Orthogonal()], random_state=0, tol=1e-9, max_iter=2000)
    A = model.fit_transform(X)
    np.testing.assert_allclose(model.transform(X), A, atol=1e-6)


def test_counts_that_are_stuck_at_zero_abundance_are_told():
    data = np.random.default_rng(0).random((40, 12))
    model = MatrixFactorization(
        2, similarity="kl", endmember_terms=[Ridge(0.05)], init="nndsvd", tol=1e-9, max_iter=2000, random_state=0
    )
    with pytest.warns(ConvergenceWarning, match=r"abundances near zero should be larger.*use solver='proximal'"):
        A = model.fit_transform(data)
    assert abs(model.transform(data) - A).max() > 1e-4


def test_plain_numbers_are_one_array_of_weights(X):
    of_pixels, of_channels = 1.0 + np.arange(60) % 3, 1.0 + np.arange(20) % 4

    def fitted(weights):
        return MatrixFactorization(2, weights=weights, max_iter=5, random_state=0).fit(X).components_

    for weights in (of_pixels, of_channels, np.outer(of_pixels, of_channels)):
        np.testing.assert_array_equal(fitted(weights.tolist()), fitted(weights))
    both = fitted([of_pixels, of_channels])
    np.testing.assert_array_equal(fitted([of_pixels.tolist(), of_channels.tolist()]), both)
    with pytest.raises(ValueError, match="weights is an empty list"):
        fitted([])


def test_transform_judges_each_pixel_by_itself(X, start):
    for terms_of in (
        {"endmember_terms": terms(0.01)},
        {"abundance_terms": terms(0.01)},
        {"abundance_terms": [Simplex()]},
    ):
        model = MatrixFactorization(3, init=start, max_iter=3000, **terms_of).fit(X)
        whole = model.transform(X)
        np.testing.assert_allclose(model.transform(X[7:8]), whole[7:8], atol=1e-6)
    plain = MatrixFactorization(3, init=start, max_iter=3000, endmember_terms=terms(0.01)).fit(X)
    np.testing.assert_allclose(plain.transform(5 * X), 5 * plain.transform(X), atol=1e-4)


@pytest.mark.parametrize(
    "parts",
    [{"abundance_terms": terms(0.02)}, {"endmember_terms": terms(0.02)}, {"abundance_terms": [Simplex()]}, {}],
    ids=["A penalised", "E penalised", "fractions", "plain"],
)
def test_going_on_from_an_answer_starts_at_its_objective(X, start, parts):
    first = MatrixFactorization(3, init=start, max_iter=3000, tol=1e-8, **parts)
    A = first.fit_transform(X)
    second = MatrixFactorization(3, init=(A, first.components_), max_iter=1, **parts).fit(X)
    assert second.trace_[0].objective == pytest.approx(first.objective_, rel=1e-10)


def test_fractions_beat_renormalised_least_squares(X, start):
    """The exact constrained minimiser: no other feasible abundances fit better for the same endmembers."""
    model = MatrixFactorization(3, abundance_terms=[Simplex()], init=start, max_iter=500, tol=1e-9)
    A = model.fit_transform(X)
    np.testing.assert_allclose(A.sum(axis=1), 1, atol=1e-12)
    E = model.components_
    free = np.maximum(np.linalg.lstsq(E.T, X.T, rcond=None)[0].T, 1e-12)
    renormalised = free / free.sum(axis=1, keepdims=True)
    assert np.linalg.norm(X - model.transform(X) @ E) < np.linalg.norm(X - renormalised @ E)
