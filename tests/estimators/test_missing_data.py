"""Rows and columns of X without data in the estimator: NaN, one warning, and the same rest."""

import numpy as np
import pytest

import mffnb as mf
from mffnb.errors import DegenerateWarning
from mffnb.estimators.known_endmembers import KnownEndmembers


@pytest.fixture
def data() -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.dirichlet([0.5] * 2, 40) @ rng.random((2, 12)) + 0.01 * rng.random((40, 12))


def gaps(data: np.ndarray) -> np.ndarray:
    X = data.copy()
    X[0], X[7], X[:, 5] = np.nan, np.nan, np.nan
    return X


def test_rows_and_columns_without_data_are_nan(data: np.ndarray) -> None:
    X = gaps(data)
    model = mf.MatrixFactorization(2, random_state=0)
    with pytest.warns(DegenerateWarning, match=r"2 of its rows \(pixels\) and 1 of its columns") as told:
        A = model.fit_transform(X)
    assert len(told) == 1
    assert np.flatnonzero(np.isnan(A).any(axis=1)).tolist() == [0, 7]
    assert np.flatnonzero(np.isnan(model.components_).any(axis=0)).tolist() == [5]
    with pytest.warns(DegenerateWarning, match="2 of its rows"):
        again = model.transform(X)
    assert np.array_equal(np.isnan(again), np.isnan(A))
    np.testing.assert_allclose(np.nan_to_num(again), np.nan_to_num(A), atol=0.05)
    spectra = model.inverse_transform(A)
    assert np.array_equal(np.isnan(spectra), np.isnan(X))


def test_data_in_a_channel_without_endmembers_are_refused_and_the_advice_works(data: np.ndarray) -> None:
    model = mf.MatrixFactorization(2, random_state=0)
    with pytest.warns(DegenerateWarning):
        model.fit(gaps(data))
    with pytest.raises(ValueError, match="data in 1 channels without data in the fit"):
        model.transform(data)
    X = data.copy()
    X[:, 5] = np.nan
    assert np.isfinite(model.transform(X)).all()


def test_single_missing_entries_leave_all_factors_finite(data: np.ndarray) -> None:
    data[0, 1:] = np.nan
    model = mf.MatrixFactorization(2, random_state=0)
    assert np.isfinite(model.fit_transform(data)).all()
    assert np.isfinite(model.components_).all()


SPECTRA = np.random.default_rng(0).random((2, 12)) + 0.1
PRESETS = {
    "bounded": lambda: mf.presets.bounded_nmf(2, 0, 2, random_state=0),
    "plsi": lambda: mf.presets.plsi(2, random_state=0),
    "known": lambda: mf.presets.known_endmembers(SPECTRA),
    "fractions": lambda: mf.presets.known_endmembers(SPECTRA, sum_to_one=True),
    "free": lambda: mf.presets.known_endmembers(SPECTRA, non_negative=False),
    "volume": lambda: mf.presets.minimum_volume_nmf(2, gain=True),
    "archetypal": lambda: mf.presets.archetypal(2, restarts=2),
    "svd": lambda: mf.presets.svd(2),
    "pca": lambda: mf.presets.pca(2),
}


@pytest.mark.parametrize("name", PRESETS)
def test_presets_leave_out_pixels_and_channels_without_data(name: str, data: np.ndarray) -> None:
    X, model = gaps(data), PRESETS[name]()
    pixels, channels = ~np.isnan(X).all(axis=1), ~np.isnan(X).all(axis=0)
    known = hasattr(model, "endmembers")
    with pytest.warns(DegenerateWarning, match=f"2 of its rows .* and {0 if known else 1} of its columns") as told:
        A = model.fit_transform(X)
    assert len(told) == 1
    alone = mf.presets.known_endmembers(SPECTRA[:, channels], **_options(model)) if known else PRESETS[name]()
    expected = alone.fit_transform(data[np.ix_(pixels, channels)])
    assert np.isnan(A[~pixels]).all()
    if name == "plsi":  # its start imputes the gaps, so only the products agree
        np.testing.assert_allclose(A[pixels] @ model.components_[:, channels], expected @ alone.components_, atol=0.01)
    else:
        np.testing.assert_allclose(A[pixels], expected, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(model.components_[:, channels], alone.components_, rtol=1e-6, atol=1e-9)
    assert np.isnan(model.components_[:, ~channels]).all() != known
    with pytest.warns(DegenerateWarning, match="2 of its rows"):
        again = model.transform(X)
    np.testing.assert_allclose(again, A, atol=0.05 * np.nanmax(abs(A)))
    if not known:
        with pytest.raises(ValueError, match="data in 1 channels without data in the fit"):
            model.transform(data)


def _options(model: KnownEndmembers) -> dict[str, bool]:
    return {"sum_to_one": model.sum_to_one, "non_negative": model.non_negative}


def test_known_endmembers_fit_each_pixel_in_its_channels_with_data() -> None:
    fractions = np.random.default_rng(1).dirichlet([1, 1], 30)
    X = fractions @ SPECTRA
    X[np.random.default_rng(2).random(X.shape) < 0.5] = np.nan
    for options in ({}, {"sum_to_one": True}, {"non_negative": False}, {"bounds": (0, 2)}):
        model = mf.presets.known_endmembers(SPECTRA, **options)
        np.testing.assert_allclose(model.fit_transform(X), fractions, atol=1e-9)
        np.testing.assert_allclose(model.transform(X[:3]), fractions[:3], atol=1e-9)


def test_a_pixel_with_too_few_channels_gives_a_warning() -> None:
    X = np.ones((3, 2)) @ SPECTRA
    X[0, 1:] = np.nan
    with pytest.warns(DegenerateWarning, match="1 pixels have data in too few channels"):
        mf.presets.known_endmembers(SPECTRA).fit_transform(X)


def test_counts_of_classes_include_those_in_gaps() -> None:
    X = 1000 * np.random.default_rng(1).dirichlet([1, 1], 30) @ SPECTRA
    gappy = np.where(np.random.default_rng(2).random(X.shape) < 0.1, np.nan, X)
    A = mf.presets.plsi(2, random_state=0, tol=1e-9, max_iter=5000).fit_transform(gappy)
    np.testing.assert_allclose(A.sum(axis=1), X.sum(axis=1), rtol=1e-3)


@pytest.mark.parametrize("name", ["volume", "archetypal", "svd", "pca"])
def test_presets_for_complete_spectra_refuse_single_missing_entries(name: str, data: np.ndarray) -> None:
    data[3, 4] = data[3, 5] = np.nan
    with pytest.raises(ValueError, match=r"needs complete spectra, and 2 entries of X in 1 pixels are missing"):
        PRESETS[name]().fit(data)
    assert PRESETS[name]().fit_transform(data[~np.isnan(data).any(axis=1)]).shape == (39, 2)
