"""NumPy step for non-negative least squares: block pivoting, on all entries at once.

Coordinate descent needs thousands of sweeps to the exact minimiser, seconds in NumPy for a large image. Block
pivoting takes some ten rounds; in each, entries with the same support share one small linear system.

Source: Kim & Park 2011, SIAM J. Sci. Comput. 33:3261, algorithm 2.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg

from mffnb.kernels.tiers.supports import supports
from mffnb.typing import Array, Float64Array

_TOLERANCE = 1e-12  # relative to the largest terms: smaller slopes and values count as zero
_FULL_EXCHANGES = 3  # exchanges of all wrong components that may fail to reduce their number
_ROUNDS = 100


def minimise_non_negative(factor: Float64Array, gram: Float64Array, cross: Float64Array) -> bool:
    """Set every column f of a factor to its minimiser of ``1/2 f^T G f - c^T f`` over f >= 0.

    Returns False if some columns have not reached it; the factor is then a non-negative start for another method.
    """
    fewest, tries = np.full(factor.shape[1], len(factor) + 1), np.full(factor.shape[1], _FULL_EXCHANGES)
    support, active = factor > 0, np.arange(factor.shape[1])
    for _ in range(_ROUNDS):
        inside, pull = support[:, active], cross[:, active]
        values = _minimisers(gram, pull, inside)
        slope = gram @ values - pull
        small = _TOLERANCE * np.abs(pull).max(axis=0)
        wrong = np.where(inside, values < -_TOLERANCE * np.abs(values).max(axis=0), slope < -small)
        factor[:, active] = np.maximum(values, 0.0)
        number = wrong.sum(axis=0)
        left = number > 0
        active, wrong, number = active[left], wrong[:, left], number[left]
        if not active.size:
            return True
        better = number < fewest[active]
        fewest[active] = np.minimum(fewest[active], number)
        tries[active] = np.where(better, _FULL_EXCHANGES, tries[active] - 1)
        last = len(factor) - 1 - np.argmax(wrong[::-1], axis=0)  # one exchange at a time cannot cycle
        single = np.arange(len(factor))[:, None] == last
        support[:, active] ^= np.where(tries[active] >= 0, wrong, single)
    return False


def _minimisers(gram: Float64Array, cross: Float64Array, support: Array) -> Float64Array:
    """Return the minimisers over the components in the support of each column, of either sign."""
    values = np.zeros_like(cross)
    for rows, columns in supports(support):
        here = np.ix_(rows, columns)
        values[here] = linalg.pinvh(gram[np.ix_(rows, rows)]) @ cross[here] if rows.size else 0.0
    return values
