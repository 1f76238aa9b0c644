"""Rows and columns of X without data in the estimator: NaN, one warning, and the same rest."""

import numpy as np
import pytest

import mffnb as mf
from mffnb.errors import DegenerateWarning


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
