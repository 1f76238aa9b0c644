"""Sweeps over a factor in blocks of entries, which can be cancelled and have the same result."""

from __future__ import annotations

import numpy as np
import pytest

from mffnb.geometry.abundances import fully_constrained, non_negative
from mffnb.kernels.hals import sweep_non_negative
from mffnb.matrices import Dense, entry_blocks
from mffnb.matrices.cancellation import Cancelled, cancellable
from mffnb.matrices.entry_blocks import update_in_blocks

ENTRIES = 3 * entry_blocks._ENTRIES + 5


def problem(k):
    rng = np.random.default_rng(4)
    E = rng.random((k, 30))
    return E @ E.T, E @ (rng.random((ENTRIES, k)) @ E + 0.3 * rng.standard_normal((ENTRIES, 30))).T, E


def never():
    return False


@pytest.mark.parametrize("k", [1, 4, 13])
def test_blocks_do_not_change_the_entries(k):
    gram, cross, _ = problem(k)
    whole, parts = np.zeros((k, ENTRIES)), np.zeros((k, ENTRIES))
    moved = update_in_blocks(lambda f, c: sweep_non_negative(f, gram, c, 3), whole, cross)
    with cancellable(never):
        also = update_in_blocks(lambda f, c: sweep_non_negative(f, gram, c, 3), parts, cross)
    np.testing.assert_array_equal(parts, whole)
    assert whole.any()
    assert also == pytest.approx(moved, rel=1e-12)


@pytest.mark.parametrize("fit", [non_negative, fully_constrained])
def test_abundances_are_equal_to_the_bit_with_and_without_blocks(fit):
    _, _, E = problem(4)
    matrix = Dense(np.random.default_rng(1).random((ENTRIES, 4)) @ E)
    with cancellable(never):
        parts = fit(matrix, E)
    np.testing.assert_array_equal(parts, fit(matrix, E))


def test_an_update_is_cancelled_between_two_blocks():
    done = []

    def update(factor, cross):
        done.append(factor.shape[1])
        factor += cross
        return 1.0

    factor = np.zeros((2, ENTRIES))
    with cancellable(lambda: len(done) == 2), pytest.raises(Cancelled):
        update_in_blocks(update, factor, np.ones((2, ENTRIES)))
    assert done == [entry_blocks._ENTRIES] * 2
    assert factor.sum() == 2 * sum(done)


def test_an_update_that_cannot_be_cancelled_is_one_call():
    calls = []
    update_in_blocks(
        lambda factor, cross: float(bool(calls.append(factor.shape))), np.zeros((2, ENTRIES)), np.zeros((2, ENTRIES))
    )
    assert calls == [(2, ENTRIES)]
