"""HyperSpy's decomposition of lazy signals: chunks stream through partial_fit and transform."""

from __future__ import annotations

import numpy as np
import pytest

from mffnb import MatrixFactorization, Sparsity, presets
from mffnb.errors import UnsupportedCombinationError
from mffnb.geometry.matching import match, spectral_angles

da = pytest.importorskip("dask.array")
hs = pytest.importorskip("hyperspy.api")


@pytest.fixture
def cube():
    rng = np.random.default_rng(0)
    E = np.exp(-0.5 * ((np.arange(30) - np.array([[6], [15], [24]])) / 2.5) ** 2) + 0.05
    A = rng.dirichlet(np.full(3, 0.4), (24, 30))
    return np.maximum(A @ E + 0.02 * rng.standard_normal((24, 30, 30)), 0.0)


def lazy(cube):
    return hs.signals.Signal1D(da.from_array(cube, chunks=(6, 10, 30))).as_lazy()


def counted(model, monkeypatch):
    """Record the number of rows in each call of the three methods."""
    calls = {"partial_fit": [], "transform": [], "fit_transform": []}
    for name, rows in calls.items():

        def call(X, *args, name=name, rows=rows, **keywords):
            rows.append(len(X))
            return getattr(type(model), name)(model, X, *args, **keywords)

        monkeypatch.setattr(model, name, call)
    return calls


def test_a_lazy_signal_streams(cube, monkeypatch):
    model = MatrixFactorization(3, abundance_terms=[Sparsity(1e-3)], random_state=0)
    calls = counted(model, monkeypatch)
    signal = lazy(cube)
    signal.decomposition(algorithm=model, output_dimension=3, print_info=False)
    assert calls["partial_fit"] == [60] * 12
    assert set(calls["transform"]) == {60}
    assert not calls["fit_transform"]
    X = cube.reshape(-1, 30)
    whole = MatrixFactorization(3, abundance_terms=[Sparsity(1e-3)], random_state=0)
    A = whole.fit_transform(X)
    results = signal.learning_results
    order = match(whole.components_, results.factors.T)
    assert np.diag(spectral_angles(whole.components_, results.factors.T[order])).max() < 0.01
    np.testing.assert_allclose(np.asarray(results.loadings), model.transform(X), atol=1e-9)
    assert np.abs(A - np.asarray(results.loadings)[:, order]).max() < 0.02
    maps = signal.get_decomposition_loadings().data
    np.testing.assert_allclose(np.asarray(maps).reshape(3, -1).T, np.asarray(results.loadings))
    assert np.asarray(signal.get_decomposition_model().data).shape == cube.shape


def test_a_lazy_signal_streams_under_masks(cube):
    model = MatrixFactorization(3, abundance_terms=[Sparsity(1e-3)], random_state=0)
    left_out, channels = np.zeros((24, 30), bool), np.zeros(30, bool)
    left_out[:, :10], channels[:3] = True, True
    signal = lazy(cube)
    mask = hs.signals.BaseSignal(left_out).transpose(signal_axes=0)
    signal.decomposition(
        algorithm=model, output_dimension=3, navigation_mask=mask, signal_mask=channels, print_info=False
    )
    whole = MatrixFactorization(3, abundance_terms=[Sparsity(1e-3)], random_state=0)
    whole.fit(cube[:, 10:, 3:].reshape(-1, 27))
    order = match(whole.components_, model.components_)
    assert np.diag(spectral_angles(whole.components_, model.components_[order])).max() < 0.01
    loadings = np.asarray(signal.learning_results.loadings).reshape(24, 30, 3)
    assert np.isnan(loadings[:, :10]).all()
    assert np.isfinite(loadings[:, 10:]).all()


def test_known_endmembers_stream(cube, monkeypatch):
    E = MatrixFactorization(3, abundance_terms=[Sparsity(1e-3)], random_state=0).fit(cube.reshape(-1, 30)).components_
    model = presets.known_endmembers(E)
    calls = counted(model, monkeypatch)
    signal = lazy(cube)
    signal.decomposition(algorithm=model, output_dimension=3, print_info=False)
    assert calls["partial_fit"] == [60] * 12
    assert set(calls["transform"]) == {60}
    assert not calls["fit_transform"]
    np.testing.assert_allclose(
        np.asarray(signal.learning_results.loadings), presets.known_endmembers(E).fit_transform(cube.reshape(-1, 30))
    )


def test_counts_stream(cube, monkeypatch):
    counts = np.random.default_rng(1).poisson(40 * cube).astype(np.float64)
    model = presets.nmf(3, similarity="kl", random_state=0)
    calls = counted(model, monkeypatch)
    signal = lazy(counts)
    signal.decomposition(algorithm=model, output_dimension=3, print_info=False)
    assert calls["partial_fit"] == [60] * 12
    assert not calls["fit_transform"]
    factors = signal.learning_results.factors.T
    whole = presets.nmf(3, similarity="kl", random_state=0, tol=1e-6, max_iter=3000).fit(counts.reshape(-1, 30))
    order = match(whole.components_, factors)
    assert np.diag(spectral_angles(whole.components_, factors[order])).max() < 0.02


def test_another_likelihood_is_refused_with_the_way_out(cube):
    signal = lazy(cube)
    model = presets.nmf(3, similarity="huber")
    with pytest.raises(UnsupportedCombinationError, match=r"signal.compute\(\)"):
        signal.decomposition(algorithm=model, output_dimension=3, print_info=False)
    signal.compute()
    signal.decomposition(algorithm=model, output_dimension=3, print_info=False)
    assert signal.learning_results.factors.shape == (30, 3)
