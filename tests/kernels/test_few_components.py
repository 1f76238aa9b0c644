"""Switching off what is not needed: k may be too large."""

from __future__ import annotations

import numpy as np
import pytest

from mffnb import GroupSparsity, MatrixFactorization
from mffnb.errors import DegenerateWarning, UnsupportedCombinationError
from tools.solver_table import PARTS, refusal

WEIGHTS = 10.0 ** np.arange(-3, 0.1, 0.5)


def scene(seed, noise=0.0):
    """Four spectra of three lines each in 576 pixels."""
    rng = np.random.default_rng(seed)
    x = np.linspace(0, 1, 60)
    lines = [
        rng.uniform(0.3, 1) * np.exp(-((x - rng.random()) ** 2) / (2 * rng.uniform(0.01, 0.05) ** 2)) for _ in range(12)
    ]
    X = rng.dirichlet(np.full(4, 0.3), 576) @ (np.sum(np.reshape(lines, (4, 3, 60)), axis=1) + 0.02)
    return X + noise * rng.standard_normal(X.shape)


def left_over(X, weight, k=8):
    model = MatrixFactorization(k, abundance_terms=[GroupSparsity(weight)], random_state=0, max_iter=1000, tol=1e-4)
    A = model.fit_transform(X)
    objectives = [state.objective for state in model.trace_]
    assert np.diff(objectives).max() <= 1e-12
    return int((A.max(axis=0) > 0).sum())


@pytest.mark.filterwarnings("ignore::mffnb.errors.DegenerateWarning")
@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_four_of_eight_are_left_after_the_largest_drop(noise):
    X = scene(0, noise)
    counts = [8, *(left_over(X, weight) for weight in WEIGHTS)]
    assert counts == sorted(counts, reverse=True)
    assert counts[np.argmin(np.diff(counts)) + 1] == 4
    assert counts.count(4) >= 3  # a decade and more


def test_what_is_switched_off_is_said():
    with pytest.warns(DegenerateWarning, match="zero everywhere"):
        assert left_over(scene(1), 1e-2) == 4


def test_it_belongs_to_the_abundances():
    with pytest.raises(UnsupportedCombinationError, match="belongs into abundance_terms"):
        MatrixFactorization(2, endmember_terms=[GroupSparsity()]).fit(scene(0))
    on_two_ranks = [part for part in PARTS if part.name in ("GroupSparsity", "X distributed over MPI ranks")]
    assert refusal(on_two_ranks, "frobenius", "auto") is None
