"""Abundances of known spectra against independent solvers."""

from __future__ import annotations

import pickle
import warnings

import cvxpy
import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import lsq_linear, nnls
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from mffnb.errors import DegenerateWarning, UnsupportedCombinationError
from mffnb.estimators.known_endmembers import KnownEndmembers
from mffnb.matrices import Chunked
from tests.depth import examples

CONSTRAINTS = {
    "plain": {"non_negative": False},
    "non-negative": {},
    "box": {"bounds": (0.05, [0.5, 0.4, 0.3])},
    "sum to one": {"sum_to_one": True},
}
constraints = pytest.mark.parametrize("constraint", CONSTRAINTS.values(), ids=CONSTRAINTS)


@pytest.fixture
def E():
    return np.random.default_rng(0).random((3, 20)) + 0.1


def error(A, X, E):
    return np.sum((X - A @ E) ** 2, axis=1)


# --- against independent solvers -------------------------------------------------------------------------------------


def test_plain_least_squares(X, E):
    A = KnownEndmembers(E, non_negative=False).fit_transform(X)
    np.testing.assert_allclose(A, np.linalg.lstsq(E.T, X.T, rcond=None)[0].T, atol=1e-12)


def test_non_negative(X, E):
    A = KnownEndmembers(E).fit_transform(X)
    np.testing.assert_allclose(A, [nnls(E.T, x)[0] for x in X], atol=1e-10)
    assert (A == 0).any()


def test_box_of_each_component(X, E):
    lower, upper = np.array([0.0, -np.inf, 0.1]), np.array([0.3, np.inf, 0.5])
    A = KnownEndmembers(E, bounds=(lower, upper)).fit_transform(X)
    wanted = [lsq_linear(E.T, x, (lower, upper), method="bvls", tol=1e-14).x for x in X]
    np.testing.assert_allclose(A, wanted, atol=1e-8)


def test_bounds_take_the_place_of_non_negative(X, E):
    free = KnownEndmembers(E, non_negative=False).fit_transform(X)
    np.testing.assert_allclose(KnownEndmembers(E, bounds=(-100, 100)).fit_transform(X), free, atol=1e-10)
    np.testing.assert_allclose(KnownEndmembers(E, bounds=(-np.inf, np.inf)).fit_transform(X), free)
    assert free.min() < 0


def test_fully_constrained(X, E):
    A = KnownEndmembers(E, sum_to_one=True).fit_transform(X)
    a = cvxpy.Variable((len(X), 3))
    fit = cvxpy.sum_squares(X - a @ E)
    problem = cvxpy.Problem(cvxpy.Minimize(fit), [a >= 0, cvxpy.sum(a, axis=1) == 1])
    problem.solve(solver=cvxpy.CLARABEL, tol_gap_abs=1e-13, tol_gap_rel=1e-13, tol_feas=1e-13)
    np.testing.assert_allclose(A, a.value, atol=1e-8)
    np.testing.assert_allclose(A.sum(axis=1), 1, atol=1e-13)


@examples(50, suppress_health_check=[HealthCheck.too_slow])
@given(
    k=st.integers(1, 6),
    rank=st.integers(1, 6),
    seed=st.integers(0, 10**6),
    scale=st.sampled_from([1e-6, 1.0, 1e6]),
    kind=st.sampled_from(["plain", "non-negative", "box", "sum to one"]),
)
def test_nothing_feasible_fits_better_even_if_dependent(k, rank, seed, scale, kind):
    rng = np.random.default_rng(seed)
    E = scale * rng.random((k, rank)) @ rng.random((rank, 9))
    X = scale * (rng.random((7, 9)) - 0.2)
    constraint = {"bounds": (0.05, 0.4)} if kind == "box" else CONSTRAINTS[kind]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DegenerateWarning)
        A = KnownEndmembers(E, **constraint).fit_transform(X)
    assert np.isfinite(A).all()
    ours = error(A, X, E) / scale**2
    if kind == "sum to one":
        slope = (A @ E - X) @ E.T / scale**2
        left_to_gain = np.sum(A * slope, axis=1) - slope.min(axis=1)  # Frank-Wolfe's bound
        assert left_to_gain.max() <= 1e-8
        return
    for i, x in enumerate(X / scale):
        theirs = {
            "plain": lambda x: np.linalg.lstsq(E.T / scale, x, rcond=1e-10)[0],
            "non-negative": lambda x: nnls(E.T / scale, x)[0],
            "box": lambda x: lsq_linear(E.T / scale, x, (0.05, 0.4)).x,
        }[kind](x)
        assert ours[i] <= np.sum((x - theirs @ E / scale) ** 2) + 1e-8


def test_components_of_any_size():
    rng = np.random.default_rng(0)
    E, X = rng.random((4, 20)), rng.random((10, 20))
    size = np.array([1e-6, 1.0, 1e3, 1e6])
    for constraint in ({}, {"non_negative": False}):
        plain = KnownEndmembers(E, **constraint).fit_transform(X)
        scaled = KnownEndmembers(E * size[:, None], **constraint).fit_transform(X)
        np.testing.assert_allclose(scaled * size, plain, atol=1e-9)


# --- dependent endmembers --------------------------------------------------------------------------------------------


@constraints
def test_equal_endmembers_warn_and_fit_as_well(X, E, constraint):
    twice = E[[0, 1, 1]]
    with pytest.warns(DegenerateWarning, match="many abundances explain a pixel equally well") as caught:
        model = KnownEndmembers(twice, **constraint).fit(X)
    assert caught[0].filename == __file__
    assert model.condition_number_ > 1e15
    A = model.transform(X)
    np.testing.assert_array_equal(A, model.transform(X))
    assert np.isfinite(A).all()
    assert np.abs(A).max() < 100
    if "bounds" not in constraint:
        once = KnownEndmembers(E[[0, 1]], **constraint).fit_transform(X)
        np.testing.assert_allclose(A @ twice, once @ E[[0, 1]], atol=1e-8)


def test_more_endmembers_than_channels_warn(X):
    with pytest.warns(DegenerateWarning, match="condition number inf"):
        KnownEndmembers(np.random.default_rng(0).random((5, 4))).fit(X[:, :4])


def test_endmember_that_is_zero(X, E):
    E[1] = 0
    with pytest.warns(DegenerateWarning):
        A = KnownEndmembers(E).fit_transform(X)
    np.testing.assert_array_equal(A[:, 1], 0)
    np.testing.assert_allclose(A[:, [0, 2]], [nnls(E[[0, 2]].T, x)[0] for x in X], atol=1e-10)


def test_unequal_sizes_alone_do_not_warn(X, E):
    assert KnownEndmembers(E * np.array([[1e-9], [1.0], [1e9]])).fit(X).condition_number_ < 100


# --- wherever X lives ------------------------------------------------------------------------------------------------


@constraints
def test_same_answer_wherever_the_data_live(X, E, constraint, tmp_path):
    counts = np.round(10 * X)
    wanted = KnownEndmembers(E, **constraint).fit_transform(counts)
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["x"] = counts
        for data in (
            counts.astype(np.float32),
            counts.astype(np.uint16),
            np.asfortranarray(counts),
            sparse.csr_array(counts),
            sparse.csc_matrix(counts),
            Chunked(file["x"], band_bytes=8 * 20 * 7),
            pd.DataFrame(counts),
        ):
            np.testing.assert_allclose(KnownEndmembers(E, **constraint).fit_transform(data), wanted, atol=1e-12)


@constraints
def test_input_is_left_alone_and_transform_agrees(X, E, constraint):
    kept = X.copy(), E.copy()
    model = KnownEndmembers(E, **constraint)
    A = model.fit_transform(X)
    np.testing.assert_array_equal(X, kept[0])
    np.testing.assert_array_equal(E, kept[1])
    np.testing.assert_array_equal(model.transform(X), A)
    np.testing.assert_allclose(model.inverse_transform(A), A @ E)
    assert model.components_ is not E
    # Pixels do not know of each other.
    np.testing.assert_allclose(model.transform(X[5:8]), A[5:8], atol=1e-13)


def test_the_truth_comes_back(E):
    truth = np.random.default_rng(1).dirichlet(np.ones(3), 50)
    for constraint in ({}, {"non_negative": False}, {"sum_to_one": True}):
        np.testing.assert_allclose(KnownEndmembers(E, **constraint).fit_transform(truth @ E), truth, atol=1e-10)


# --- among scikit-learn's tools --------------------------------------------------------------------------------------


class ForAnyChannels(KnownEndmembers):
    """Endmembers are given for one number of channels; the checks come with several."""

    def __init__(self, endmembers=None, *, sum_to_one=False, bounds=None, non_negative=True):
        super().__init__(endmembers, sum_to_one=sum_to_one, bounds=bounds, non_negative=non_negative)

    def _checked(self, channels):
        return np.random.default_rng(0).random((2, channels))


@pytest.mark.filterwarnings("ignore::mffnb.errors.DegenerateWarning")  # two endmembers on one channel
@parametrize_with_checks(
    [
        ForAnyChannels(),
        ForAnyChannels(non_negative=False),
        ForAnyChannels(sum_to_one=True),
        ForAnyChannels(bounds=(-0.5, 2)),
    ]
)
def test_contract(estimator, check):
    check(estimator)


def test_clone_pipeline_and_file(X, E):
    model = KnownEndmembers(E, bounds=(0, [0.5, 1, 2]))
    A = model.fit_transform(X)
    assert not hasattr(clone(model), "components_")
    np.testing.assert_array_equal(clone(model).fit_transform(X), A)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).transform(X), A)
    np.testing.assert_array_equal(make_pipeline(FunctionTransformer(), model).fit_transform(X), A)
    frame = KnownEndmembers(E).set_output(transform="pandas").fit_transform(pd.DataFrame(X))
    assert list(frame.columns) == [f"knownendmembers{j}" for j in range(3)]


# --- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"endmembers": np.ones(20)}, r"shape \(k, channels\)"),
        ({"endmembers": np.ones((0, 20))}, r"shape \(k, channels\)"),
        ({"endmembers": np.ones((2, 19))}, "19 channels and X has 20.*interpolate"),
        ({"endmembers": np.full((2, 20), np.nan)}, "NaN or infinite.*nan_to_num"),
        ({"bounds": (0, 1, 2)}, "pair"),
        ({"bounds": ([0, 0], 1)}, "3 numbers"),
        ({"bounds": (1, 0)}, "lower <= upper"),
        ({"bounds": (np.nan, 0)}, "NaN"),
        ({"bounds": (np.inf, np.inf)}, "leave room"),
    ],
)
def test_impossible_input_is_explained(X, E, wrong, words):
    with pytest.raises(ValueError, match=words):
        KnownEndmembers(**{"endmembers": E, **wrong}).fit(X)


@pytest.mark.parametrize("other", [{"bounds": (0, 1)}, {"non_negative": False}])
def test_sum_to_one_has_no_other_bounds(X, E, other):
    with pytest.raises(UnsupportedCombinationError, match="leave out"):
        KnownEndmembers(E, sum_to_one=True, **other).fit(X)


def test_channels_must_be_those_of_the_fit(X, E):
    model = KnownEndmembers(E).fit(X)
    with pytest.raises(ValueError, match="20 features"):
        model.transform(X[:, 1:])
    with pytest.raises(ValueError, match="19 channels, the fitted components have 20"):
        model.transform(Chunked(X[:, 1:]))
