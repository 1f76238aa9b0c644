"""Warnings of the package point to the line of the user, and are suppressed on the current thread only."""

import warnings

import numpy as np
import pytest

import mffnb as mf
from mffnb.errors import ConvergenceWarning, MffnbWarning, warn, without_warnings

X = np.random.default_rng(0).random((30, 8))


@pytest.mark.parametrize(
    "call",
    [
        lambda: warn("a loose fit", ConvergenceWarning),
        lambda: mf.MatrixFactorization(2, max_iter=1, random_state=0).fit(X),
        lambda: mf.presets.bounded_nmf(2, 0.1, 0.9, max_iter=1, random_state=0).fit_transform(X),
        lambda: mf.presets.plsi(2, max_iter=1, random_state=0).fit(np.round(9 * X)),
        lambda: mf.unmix(X.reshape(5, 6, 8), 2, max_iter=1, random_state=0),
        lambda: mf.selection.scan_rank(np.ones((70, 70)), [2], n_init=1, splits=0, max_iter=2),
    ],
)
def test_a_warning_points_to_the_line_of_the_user(call):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        call()
    found = [one for one in told if issubclass(one.category, MffnbWarning)]
    assert found
    assert {one.filename for one in found} == {__file__}


def test_warnings_are_suppressed_inside_the_context_only():
    with without_warnings(), warnings.catch_warnings():
        warnings.simplefilter("error")
        warn("a loose fit", ConvergenceWarning)
    with pytest.warns(ConvergenceWarning, match="a loose fit"):
        warn("a loose fit", ConvergenceWarning)
