"""A start from a part of the pixels: nearly there, for every way X is kept, and nothing rare is lost."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from mffnb import MatrixFactorization, Simplex
from mffnb.geometry.starts import NNDSVD
from mffnb.matrices import Dense, Sparse
from mffnb.solvers.subsampled_start import SubsampledStart


def image(pixels, rare=0.0, seed=0):
    """Overlapping spectra in noise; the last one only in a share ``rare`` of the pixels."""
    rng = np.random.default_rng(seed)
    spectra = 1 + 0.5 * np.sin(np.linspace(0, 4, 40)[None] * np.arange(1, 5)[:, None])
    maps = rng.dirichlet(np.full(4, 0.5), pixels)
    if rare:
        maps[rng.random(pixels) > rare, 3] = 0.0
    return maps @ spectra + 0.01 * rng.random((pixels, 40))


def residual(X, start):
    A, E = start
    return np.sum((X - A.T @ E) ** 2)


def lowest(X, k, init):
    model = MatrixFactorization(k, init=init, tol=0, max_iter=200, random_state=0)
    A = model.fit_transform(X)
    return np.sum((X - A @ model.components_) ** 2)


@pytest.mark.parametrize("layout", [Dense, lambda X: Sparse(sparse.csr_array(X))])
def test_begins_nearly_at_the_minimum(layout):
    X = image(20_000)
    begun = residual(X, SubsampledStart(2000).start(layout(X), 4, seed=0))
    assert begun < 0.1 * residual(X, NNDSVD().start(layout(X), 4, seed=0))
    assert begun < 1.05 * MatrixFactorization(4, max_iter=500, random_state=0).fit(X).relative_error_ ** 2 * np.sum(
        X**2
    )


def test_few_pixels_are_all_taken():
    X = image(500)
    for ours, theirs in zip(SubsampledStart().start(Dense(X), 4, 0), NNDSVD().start(Dense(X), 4, 0), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")
def test_what_is_rare_is_lost_no_more_often_than_from_all_pixels():
    """A few dozen of 20000 pixels show the fourth material, and a tenth of those is drawn."""
    ratios = []
    for seed in range(9):
        X = image(20_000, rare=0.002, seed=seed)
        ratios.append(lowest(X, 4, SubsampledStart(2000)) / lowest(X, 4, NNDSVD()))
    assert np.median(ratios) <= 1.001


@pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::mffnb.errors.DegenerateWarning")
def test_the_rule_looks_at_the_number_of_pixels(monkeypatch):
    monkeypatch.setattr("mffnb.estimators.start_values._MANY_PIXELS", 1000)
    X = image(1000)

    def chosen(X, **options):
        model = MatrixFactorization(4, max_iter=50, random_state=0, **options).fit(X)
        return model.start_.partition("(")[0]

    assert chosen(X) == "SubsampledStart"
    assert chosen(X[:999]) == "ShortRuns"
    assert chosen(X, abundance_terms=[Simplex()]) == "ShortRuns"
    assert chosen(X, weights="poisson") == "ShortRuns"
    assert chosen(X, similarity="kl") == "ShortRuns"
    assert chosen(np.where(np.arange(40) == 7, np.where(np.arange(1000)[:, None] == 3, np.nan, X), X)) == "ShortRuns"
