"""Data that break the premise of the model, and transform of the fitted data."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import mffnb as mf
from mffnb.errors import ConvergenceWarning, DegenerateWarning, MffnbWarning
from mffnb.estimators import data_range
from mffnb.estimators.names import SIMILARITIES
from mffnb.matrices import Chunked, in_memory

X = np.random.default_rng(0).random((40, 12))
WEIGHTS = np.random.default_rng(1).random(40) + 0.05
OF_CHANNELS = np.random.default_rng(2).random(12) + 0.1


def test_negative_energy_gives_one_warning_with_its_share() -> None:
    shifted = X - 0.4
    share = (np.minimum(shifted, 0) ** 2).sum() / (shifted**2).sum()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        model = mf.MatrixFactorization(2, random_state=0).fit(shifted)
    assert model.negative_share_ == pytest.approx(share)
    (warning,) = said
    assert warning.category is DegenerateWarning
    assert f"{share:.0%}" in str(warning.message)
    assert "penalties" not in str(warning.message)


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_mostly_negative_data_are_refused(similarity: str) -> None:
    with pytest.raises(ValueError, match=r"negative|go down to|between 0 and 1"):
        mf.unmix(-X.reshape(5, 8, 12), 2, similarity=similarity)


def test_negative_squares_do_not_depend_on_the_storage() -> None:
    shifted = X - 0.4
    expected = (np.minimum(shifted, 0) ** 2).sum()
    for matrix in (in_memory(shifted), Chunked(shifted, band_bytes=200), in_memory(np.asfortranarray(shifted))):
        assert matrix.negative_squares() == pytest.approx(expected, rel=1e-12)
    assert in_memory(np.ones((3, 4), np.uint8)).negative_squares() == 0


@pytest.mark.parametrize("scale", [1e-170, 1e-160, 1e160])
@pytest.mark.parametrize("preset", ["archetypal", "minimum_volume_nmf", "svd", "pca", "bounded_nmf", "nmf"])
def test_squares_out_of_range_are_refused(preset: str, scale: float) -> None:
    with pytest.raises(ValueError, match=r"too (small|large) for the sum of their squares"):
        getattr(mf.presets, preset)(3).fit_transform(X * scale)


def test_factors_larger_than_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_range, "available_bytes", lambda: 2**30)
    with pytest.raises(ValueError, match=r"k=100000 needs .* GiB .* 1 GiB are available"):
        mf.MatrixFactorization(100_000).fit(X)


def test_an_array_as_start_is_refused_with_its_shape() -> None:
    with pytest.raises(ValueError, match=r"init is an array of shape \(2, 12\), expected a pair"):
        mf.MatrixFactorization(2, init=np.ones((2, 12))).fit(X)


@pytest.mark.parametrize("scale", [1e-30, 1e-6, 1.0, 1e6])
@pytest.mark.parametrize(
    "keywords",
    [
        {},
        {"endmember_terms": [mf.Sparsity(0.05)]},
        {"endmember_terms": [mf.Ridge(0.05)]},
        {"abundance_terms": [mf.Sparsity(0.1)], "weights": WEIGHTS},
        {"abundance_terms": [mf.Bounds(0, 0.7)]},
        {"similarity": "huber", "weights": WEIGHTS},
        pytest.param(  # multiplicative updates stop short of it at this tolerance, and say so
            {"similarity": "kl", "endmember_terms": [mf.Ridge(0.05)]},
            marks=pytest.mark.filterwarnings("ignore:some abundances near zero should be larger"),
        ),
        pytest.param(
            {"similarity": "itakura-saito", "weights": OF_CHANNELS},
            marks=pytest.mark.filterwarnings("ignore:BetaDivergence is not convex"),
        ),
        {"weights": np.outer(WEIGHTS, OF_CHANNELS) + 0.01},
    ],
)
def test_transform_of_the_fitted_data_converges_to_fit_transform(keywords: dict[str, Any], scale: float) -> None:
    model = mf.MatrixFactorization(2, random_state=0, tol=1e-7, max_iter=5000, **keywords)
    A = model.fit_transform(X * scale)
    difference = np.linalg.norm((A - model.transform(X * scale)) @ model.components_)
    assert difference < 1e-4 * np.linalg.norm(A @ model.components_)


@pytest.mark.parametrize("similarity", ["huber", "frobenius"])
def test_transform_with_bounded_endmembers_of_tiny_data(similarity: str) -> None:
    model = mf.MatrixFactorization(
        1, similarity=similarity, endmember_terms=[mf.Bounds(0, 0.01)], random_state=1, tol=1e-8
    )
    A = model.fit_transform(X * 1e-30)
    difference = np.linalg.norm((A - model.transform(X * 1e-30)) @ model.components_)
    assert difference < 1e-6 * np.linalg.norm(A @ model.components_)


def test_transform_of_other_spectra_is_refused_where_their_weights_matter() -> None:
    model = mf.MatrixFactorization(2, weights=WEIGHTS, abundance_terms=[mf.Sparsity(0.1)], random_state=0).fit(X)
    with pytest.raises(ValueError, match="depend on the weights of pixels"):
        model.transform(X[:5])
    assert mf.MatrixFactorization(2, weights=WEIGHTS, random_state=0).fit(X).transform(X[:5]).shape == (5, 2)


def test_fitted_spectra_in_another_order_are_refused_where_their_weights_matter() -> None:
    model = mf.MatrixFactorization(2, weights=WEIGHTS, abundance_terms=[mf.Sparsity(0.1)], random_state=0, tol=1e-8)
    A = model.fit_transform(X)
    for same in (X, np.asfortranarray(X), sparse.csr_array(X)):
        np.testing.assert_allclose(model.transform(same), A, atol=1e-6)
    with pytest.raises(ValueError, match="in another order"):
        model.transform(X[::-1].copy())


def test_transform_that_stops_at_max_iter_gives_a_warning() -> None:
    model = mf.MatrixFactorization(3, similarity="kl", random_state=0, solver="multiplicative", tol=1e-7, max_iter=5)
    with pytest.warns(ConvergenceWarning, match="max_iter"):
        model.fit(X)
    with pytest.warns(ConvergenceWarning, match=r"did not converge in max_iter = 5 iterations: raise max_iter"):
        model.transform(X)


@pytest.mark.parametrize("call", [
    lambda: mf.MatrixFactorization(2, init=(np.full((40, 2), 1e200), np.ones((2, 12)))).fit(X),
    lambda: mf.MatrixFactorization(2, endmember_terms=[mf.Pinned(np.full((1, 12), 1e160))]).fit(X),
    lambda: mf.MatrixFactorization(2, endmember_terms=[mf.Bounds(0, 1e-300)]).fit(X),
    lambda: mf.presets.known_endmembers(np.full((1, 12), 1e160), non_negative=False).fit_transform(X),
    lambda: mf.presets.known_endmembers(np.ones((1, 12)), sum_to_one=True).fit_transform(1e30 * X),
    lambda: mf.presets.bounded_nmf(2, 0, 1e200).fit(X),
])  # fmt: skip
def test_numbers_out_of_proportion_to_the_data_are_refused(call: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match="too far apart for their products"):
        call()


def test_weights_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match=r"weights from 1e-203 to 1 are too small or too large"):
        mf.MatrixFactorization(2, weights=np.where(np.arange(40) == 3, 1e-203, 1.0)).fit(X)


TERMS = [[], [mf.Sparsity(0.05)], [mf.Ridge(0.01)], [mf.Bounds(0, 0.5)], [mf.Simplex()], [mf.Simplex(gain=True)]]


@settings(deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10**6),
    shape=st.tuples(st.integers(1, 7), st.integers(1, 6)),
    k=st.integers(1, 4),
    kind=st.sampled_from(
        ["uniform", "zero", "constant", "negative", "shifted", "counts", "one pixel", "missing", "nan"]
    ),
    scale=st.sampled_from([1.0, 1e-160, 1e-100, 1e-30, 1e-6, 1e6, 1e30, 1e100, 1e160]),
    single=st.booleans(),
    similarity=st.sampled_from([*SIMILARITIES]),
    terms=st.tuples(st.sampled_from(TERMS), st.sampled_from(TERMS[:4])),
    solver=st.sampled_from(["auto", "hals", "pivoting", "newton", "multiplicative", "proximal"]),
)
def test_hostile_problems_give_finite_factors_or_one_sentence(
    seed: int, shape: tuple[int, int], k: int, kind: str, scale: float, single: bool, similarity: str,
    terms: tuple[list[Any], list[Any]], solver: str,
) -> None:  # fmt: skip
    rng = np.random.default_rng(seed)
    data = rng.random(shape)
    if kind in ("zero", "constant", "nan"):
        data[:] = {"zero": 0.0, "constant": 0.5, "nan": np.nan}[kind]
    elif kind in ("negative", "shifted"):
        data = -data if kind == "negative" else data - 0.3
    elif kind == "counts":
        data = rng.poisson(data).astype(float)
    elif kind == "one pixel":
        data[1:] = 0.0
    elif kind == "missing":
        data[rng.random(shape) < 0.3] = np.nan
    with np.errstate(all="ignore"):
        data = (data * scale).astype(np.float32 if single else np.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", MffnbWarning)
        model = mf.MatrixFactorization(
            k, similarity=similarity, abundance_terms=terms[0], endmember_terms=terms[1], solver=solver, random_state=0,
            max_iter=30,
        )  # fmt: skip
        try:
            A = model.fit_transform(data)
            B = model.transform(data)
        except np.linalg.LinAlgError:
            raise
        except ValueError:  # one sentence of this package or of scikit-learn
            return
    pixels, channels = ~np.isnan(data).all(axis=1), ~np.isnan(data).all(axis=0)
    E = model.components_[:, channels]
    for found in (A[pixels], B[pixels], E, model.objective_, model.relative_error_):
        assert np.isfinite(found).all()


@pytest.mark.parametrize(
    "term",
    [mf.Bounds(0, 0.7), mf.Simplex(), mf.Simplex(gain=True), mf.UnitBall(3.0)],
    ids=["box", "sum", "gain", "ball"],
)
def test_transform_of_counts_under_a_constraint_converges(term: Any) -> None:
    model = mf.MatrixFactorization(2, similarity="kl", abundance_terms=[term], random_state=0, tol=1e-7, max_iter=5000)
    A = model.fit_transform(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        difference = np.linalg.norm((A - model.transform(X)) @ model.components_)
    assert difference < 1e-5 * np.linalg.norm(A @ model.components_)


@pytest.mark.filterwarnings("ignore::mffnb.errors.DegenerateWarning")  # log-odds of data without noise diverge
@pytest.mark.parametrize(
    ("keywords", "several"),
    [
        ({"similarity": "itakura-saito"}, True),
        ({"similarity": mf.BetaDivergence(0.5)}, True),
        ({"similarity": "frobenius", "transform": "logistic"}, True),
        ({"similarity": mf.BetaDivergence(1.5)}, False),
        ({"similarity": "huber"}, False),
        ({"similarity": "kl"}, False),
    ],
)
def test_transform_of_the_fitted_data_warns_if_a_loss_may_have_several_minima(
    keywords: dict[str, Any], several: bool
) -> None:
    data = X / X.max() + 0.01 if "transform" not in keywords else X / X.max()
    model = mf.MatrixFactorization(2, random_state=0, max_iter=3000, **keywords).fit(data)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        model.transform(data)
    assert any("is not convex" in str(one.message) for one in told) == several
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        model.transform(data[:7])


@pytest.mark.parametrize("term", [mf.Ridge(0.05), mf.Sparsity(0.05)], ids=["ridge", "sparsity"])
def test_transform_of_boolean_data_with_a_penalty_on_endmembers_uses_the_fitted_intercept(term: Any) -> None:
    data = (np.median(X) < X).astype(float)
    model = mf.MatrixFactorization(
        2, similarity="bernoulli", endmember_terms=[term], random_state=0, tol=1e-6, max_iter=3000
    )
    A = model.fit_transform(data)
    difference = np.linalg.norm((A - model.transform(data)) @ model.components_)
    assert difference < 1e-4 * np.linalg.norm(A @ model.components_)
