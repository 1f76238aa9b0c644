"""Probabilistic latent semantic indexing against Hofmann's EM and against a brute search."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import sparse, special

from mffnb import presets
from mffnb.errors import ConvergenceWarning


@pytest.fixture(scope="module")
def counts():
    rng = np.random.default_rng(0)
    return rng.poisson(40 * rng.dirichlet(np.full(3, 0.5), 60) @ rng.dirichlet(np.full(20, 0.4), 3))


def log_likelihood(X, joint):
    """Of counts under P(i, m)."""
    return float(special.xlogy(X, joint).sum())


def em_step(X, of_class, of_pixel, of_channel):
    """One step of Hofmann 1999, equations 3 to 6, over all i, m and z at once."""
    joint = of_class * of_pixel[:, None, :] * of_channel.T[None]
    whole = joint.sum(axis=2, keepdims=True)
    weighted = X[:, :, None] * np.divide(joint, whole, out=np.zeros_like(joint), where=whole > 0)
    total = weighted.sum(axis=(0, 1))
    return total / X.sum(), weighted.sum(axis=1) / total, (weighted.sum(axis=0) / total).T


def test_factors_are_distributions_and_make_up_the_counts(counts):
    model = presets.plsi(3, random_state=0)
    amounts = model.fit_transform(counts)
    for probability in (model.components_.sum(axis=1), model.pixel_probability_.sum(axis=0)):
        np.testing.assert_allclose(probability, 1, rtol=1e-12)
    assert model.class_probability_.sum() == pytest.approx(1)
    np.testing.assert_allclose(amounts.sum(axis=1), counts.sum(axis=1), rtol=1e-12)
    joint = model.class_probability_ * model.pixel_probability_ @ model.components_
    np.testing.assert_allclose(joint, model.inverse_transform(amounts) / counts.sum(), rtol=1e-9)
    assert model.log_likelihood_ == pytest.approx(log_likelihood(counts, joint), rel=1e-12)
    np.testing.assert_allclose(model.transform(counts), amounts, atol=0.05)
    np.testing.assert_allclose(presets.plsi(3, random_state=0).fit_transform(sparse.csr_array(counts)), amounts)


def test_em_of_hofmann_ends_where_we_end(counts):
    model = presets.plsi(3, random_state=0).fit(counts)
    at = model.class_probability_, model.pixel_probability_, model.components_
    for _ in range(500):
        at = em_step(counts, *at)
    after = log_likelihood(counts, (at[0] * at[1]) @ at[2])
    assert after >= model.log_likelihood_ - 1e-9 * abs(after)  # EM never falls, if it is EM
    assert after - model.log_likelihood_ < 1e-6 * abs(after)


def test_the_optimum_is_that_of_a_brute_search():
    """Two classes, 3 x 4 counts: all mixtures on a grid, for each of which EM finds the best distributions."""
    X = np.array([[9, 3, 1, 2], [1, 6, 4, 0], [2, 0, 5, 8]])
    grid = np.linspace(0, 1, 21)
    shares = np.array(list(itertools.product(grid, repeat=3)))
    A = X.sum(axis=1)[None, :, None] * np.stack([shares, 1 - shares], axis=2)  # (points, pixels, classes)
    E = np.random.default_rng(0).uniform(0.5, 1, (len(A), 2, 4))
    for _ in range(300):  # a convex problem
        model = np.maximum(A @ E, 1e-300)
        E *= A.swapaxes(1, 2) @ (X / model) / np.maximum(A.sum(axis=1), 1e-300)[:, :, None]
    model = A @ E
    best = (special.xlogy(X, model / X.sum()).sum(axis=(1, 2)) - model.sum(axis=(1, 2)) + X.sum()).max()
    found = presets.plsi(2, n_init=10, random_state=0).fit(X).log_likelihood_
    assert found >= best - 1e-9 * abs(best)
    assert found == pytest.approx(best, rel=2e-3)  # a grid does not meet the optimum


def test_more_runs_are_never_worse_and_an_early_end_is_said(counts):
    one, more = (presets.plsi(3, n_init=n, random_state=0).fit(counts).log_likelihood_ for n in (1, 4))
    assert more >= one
    with pytest.warns(ConvergenceWarning, match="raise max_iter"):
        presets.plsi(3, max_iter=1).fit(counts)
    with pytest.raises(ValueError, match="n_init must be a whole number >= 1"):
        presets.plsi(3, n_init=0).fit(counts)
    with pytest.raises(ValueError, match="for counts"):
        presets.plsi(2).fit(counts - 1.0)


def test_a_pixel_without_counts_has_none_of_any_class(counts):
    X = counts.copy()
    X[4] = 0
    model = presets.plsi(3, random_state=0)
    assert not model.fit_transform(X)[4].any()
    assert not model.transform(X)[4].any()
