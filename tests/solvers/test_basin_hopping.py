"""A start of many components: lower minima, the same for every storage, and a rule that leaves few components alone."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from mffnb import MatrixFactorization, Simplex
from mffnb.geometry.short_runs import ShortRuns
from mffnb.geometry.starts import NNDSVD
from mffnb.matrices import Dense, LowRank, Sparse, in_memory
from mffnb.matrices.svd import sketched_svd
from mffnb.protocols.solver import Chosen
from mffnb.solvers import basin_hopping
from mffnb.solvers.basin_hopping import BasinHopping

K = 12


def counts(seed=0, pixels=300, channels=60):
    rng = np.random.default_rng(seed)
    E = rng.gamma(0.3, 1.0, (16, channels))
    return rng.poisson(50 * rng.dirichlet(np.full(16, 0.2), pixels) @ (E / E.sum(axis=1, keepdims=True)))


def lowest(X, init):
    model = MatrixFactorization(K, init=init, tol=1e-6, max_iter=300, random_state=0)
    model.fit(X)
    return model.objective_


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")
def test_ends_in_lower_minima_than_nndsvd():
    ratios = [lowest(counts(seed).astype(float), BasinHopping()) / lowest(counts(seed).astype(float), NNDSVD())
              for seed in range(9)]  # fmt: skip
    assert np.median(ratios) <= 1 + 1e-6
    assert min(ratios) < 1 - 1e-4
    assert np.mean(ratios) < 1


def compressed(rank=18):
    left, values, right = sketched_svd(Dense(counts().astype(float)), rank, 0)
    return LowRank(values[:, None] * left, right)


def test_hops_never_raise_the_objective_of_the_compressed_data():
    data = compressed()
    first = Chosen(*NNDSVD().start(data, K, 0), "NNDSVD()")
    found = [BasinHopping(hops=hops)._search(data, first, np.random.default_rng(1)) for hops in (0, 20)]
    assert [len(minima) for minima in found] == [1, 2]
    assert found[1][-1].objective <= found[0][0].objective * (1 + 1e-6)
    assert found[0][0].name == "NNDSVD()"
    assert found[1][-1].name.startswith("NNDSVD() and ")


@pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")
def test_the_minimum_that_is_lower_on_all_pixels_goes_on(monkeypatch):
    """Hops are kept by the misfit of a subset, which may order minima differently."""
    X = Dense(counts().astype(float))
    start = BasinHopping(hops=4, begin=ShortRuns(tolerance=0.0))
    good = start.choose(X, K, 0)
    poor = good.endmembers[::-1] ** 2
    kept = BasinHopping._search

    def search(self, data, first, generator):
        found = kept(self, data, first, generator)
        return [found[-1]._replace(name="good"), found[-1]._replace(endmembers=poor, name="poor")]

    monkeypatch.setattr(BasinHopping, "_search", search)
    chosen = start.choose(X, K, 0)
    assert chosen.name == "good"
    np.testing.assert_array_equal(chosen.endmembers, good.endmembers)


def test_a_hop_keeps_factors_non_negative_and_replaces_two_components():
    rng = np.random.default_rng(0)
    data = compressed()
    A, E = NNDSVD().start(data, K, 0)
    a, e = basin_hopping._hop(data, basin_hopping._Minimum(A, E, 0.0), rng)
    assert a.shape == A.shape
    assert e.shape == E.shape
    assert a.min() >= 0
    assert e.min() >= 0
    kept = sum(any(np.array_equal(new, old) for old in E) for new in e)
    assert kept == K - 2


@pytest.mark.parametrize("layout", [in_memory, lambda X: Sparse(sparse.csr_array(X)), lambda X: Dense(X.astype(float))])
def test_storage_changes_the_start_by_rounding_only(layout):
    X = counts().astype(np.uint8)
    start = BasinHopping(pixels=100)
    A, E = start.start(layout(X), K, 3)
    again = start.start(layout(X), K, 3)
    np.testing.assert_array_equal(A, again[0])
    np.testing.assert_array_equal(E, again[1])
    expected = start.start(Dense(X.astype(np.float64)), K, 3)
    np.testing.assert_allclose(A.T @ E, expected[0].T @ expected[1], atol=1e-6 * X.max())
    assert A.shape == (K, len(X))
    assert min(A.min(), E.min()) >= 0


@pytest.mark.parametrize(
    "X", [np.zeros((30, 20)), np.eye(14), np.outer(np.arange(1.0, 31), np.arange(1.0, 21)), counts(pixels=13) * 1e-60]
)
def test_degenerate_data_give_finite_factors(X):
    A, E = BasinHopping().start(Dense(np.ascontiguousarray(X, dtype=float)), K, 0)
    assert A.shape == (K, X.shape[0])
    assert E.shape == (K, X.shape[1])
    assert np.isfinite(A).all()
    assert np.isfinite(E).all()
    assert min(A.min(), E.min()) >= 0
    assert np.linalg.norm(X - A.T @ E) <= np.linalg.norm(X)


@pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::mffnb.errors.DegenerateWarning")
@pytest.mark.parametrize(
    ("k", "settings", "expected"),
    [
        (11, {}, "ShortRuns"),
        (12, {}, "BasinHopping"),
        (12, {"weights": np.linspace(1, 2, 60)[None]}, "ShortRuns"),
        (12, {"similarity": "kl"}, "ShortRuns"),
        (12, {"abundance_terms": [Simplex()]}, "ShortRuns"),
    ],
)
def test_the_rule_looks_at_components_weights_similarity_and_terms(k, settings, expected):
    model = MatrixFactorization(k, max_iter=1, random_state=0, **settings)
    model.fit(counts().astype(float))
    assert model.start_.startswith(expected)


@pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")
def test_many_pixels_combine_both_starts(monkeypatch):
    monkeypatch.setattr("mffnb.estimators.start_values._MANY_PIXELS", 300)
    model = MatrixFactorization(K, max_iter=1, random_state=0).fit(counts().astype(float))
    assert model.start_.startswith("SubsampledStart(")
    assert "BasinHopping(" in model.start_
