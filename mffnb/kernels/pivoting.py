"""Least squares within a box: block principal pivoting, a small exact programme for every entry.

For each column a of a factor, independently,

    minimise 1/2 a^T G a - c^T a    subject to lower <= a <= upper

Every variable is free or at one of its bounds. The free ones solve a linear system; all that then leave the box or want
to leave their bound change sides at once. Where this stops lowering the number of wrong ones, they change one at a
time, down the objective, which cannot cycle. (The usual single exchange, Murty's rule, cannot either in exact
arithmetic, but where components depend on each other it did not end within hundreds of steps.) Neighbouring columns
tend to agree on who is free: each column starts from the sides of the one before it, and the Cholesky factors of the
latest sets are kept.

Source: Kim & Park 2011, SIAM J. Sci. Comput. 33:3261; Judice & Pires 1992, J. Optim. Theory Appl. 74:391 (both bounds).
"""

from __future__ import annotations

import numpy as np

from mffnb.kernels.compile import kernel
from mffnb.typing import Array

_RELATIVE_TOLERANCE = 1e-13  # relative to data and answer: slopes closer to zero than this are zero
_SINGULAR = 1e-12  # of a unit diagonal: pivots below this make the answer arbitrary, so a ridge of this size decides
_PATIENCE = 3  # exchanges without progress, before they are made one at a time
_CACHED_NUMBERS = 2**17  # numbers: the Cholesky factors of about this size together stay in the second-level cache


@kernel()
def _unit_diagonal(gram: Array, size: Array, out: Array) -> None:
    """Write the roots of the diagonal, and the matrix scaled to a unit diagonal, with a ridge if it is singular.

    Sub-matrices of a matrix have larger pivots than the whole, so that one look decides for all of them.
    """
    k = size.size
    for j in range(k):
        size[j] = np.sqrt(max(gram[j, j], 0.0))
    for j in range(k):
        for other in range(k):
            both = size[j] * size[other]
            out[j, other] = gram[j, other] / both if both > 0.0 else 0.0
        out[j, j] = 1.0
    if _factorize(out, np.arange(k), k, np.empty((k, k))) < _SINGULAR:
        for j in range(k):
            out[j, j] += _SINGULAR


@kernel()
def _factorize(gram: Array, free: Array, count: int, out: Array) -> float:
    """Write the Cholesky factor of the free part, the inverse of its diagonal in place; return the least pivot."""
    least = np.inf
    for p in range(count):
        for q in range(p + 1):
            total = gram[free[p], free[q]]
            for r in range(q):
                total -= out[p, r] * out[q, r]
            if q < p:
                out[p, q] = total * out[q, q]
            else:
                least = min(least, total)
                out[p, p] = 1.0 / np.sqrt(max(total, _SINGULAR))
    return least


@kernel()
def _solve(factor: Array, count: int, b: Array) -> None:
    """Replace ``b`` by the solution, given what :func:`_factorize` wrote."""
    for p in range(count):
        total = b[p]
        for r in range(p):
            total -= factor[p, r] * b[r]
        b[p] = total * factor[p, p]
    for p in range(count - 1, -1, -1):
        total = b[p]
        for r in range(p + 1, count):
            total -= factor[r, p] * b[r]
        b[p] = total * factor[p, p]


@kernel()
def _minimise_free(
    gram: Array, c: Array, side: Array, a: Array, free: Array, b: Array, keys: Array, factors: Array
) -> None:
    """Move the free variables (side 0) to their minimiser, the others staying where they are."""
    k = a.size
    count, key = 0, 0
    for j in range(k):
        key *= 2
        if side[j] == 0:
            free[count] = j
            count += 1
            key += 1
    slot = key % keys.size
    if keys[slot] != key or k > 62:  # more sides than an integer has bits: not told apart, so not kept
        _factorize(gram, free, count, factors[slot])
        keys[slot] = key
    for p in range(count):
        b[p] = c[free[p]]
    for j in range(k):
        if side[j] != 0 and a[j] != 0.0:
            for p in range(count):
                b[p] -= gram[free[p], j] * a[j]
    _solve(factors[slot], count, b)
    for p in range(count):
        a[free[p]] = b[p]


@kernel()
def _block_pivoting(
    gram: Array,
    c: Array,
    low: Array,
    high: Array,
    side: Array,
    a: Array,
    free: Array,
    b: Array,
    keys: Array,
    factors: Array,
) -> bool:
    """Move ``a`` to its minimiser within the box, from a guess of the sides; False where that makes no progress."""
    k = a.size
    fewest, patience = k + 1, _PATIENCE
    while patience >= 0:
        for j in range(k):
            if side[j] != 0:
                a[j] = low[j] if side[j] < 0 else high[j]
        _minimise_free(gram, c, side, a, free, b, keys, factors)
        tie = _slope_tolerance(c, a)
        wrong = 0
        for j in range(k):
            b[j] = side[j]  # where it goes
            if side[j] != 0:
                if side[j] * _slope(gram, c, a, j) > tie:
                    b[j] = 0.0
            elif a[j] < low[j]:
                b[j] = -1.0
            elif a[j] > high[j]:
                b[j] = 1.0
            wrong += b[j] != side[j]
        if wrong == 0:
            return True
        if wrong < fewest:
            fewest, patience = wrong, _PATIENCE
        else:
            patience -= 1
        for j in range(k):
            side[j] = int(b[j])
    return False


@kernel()
def _active_set_descent(
    gram: Array,
    c: Array,
    low: Array,
    high: Array,
    side: Array,
    a: Array,
    free: Array,
    b: Array,
    keys: Array,
    factors: Array,
) -> None:
    """Move ``a`` to its minimiser within the box, one exchange at a time, the objective falling with each."""
    k = a.size
    here = np.empty(k)
    for j in range(k):
        a[j] = min(max(a[j], low[j]), high[j])
        side[j] = -1 if a[j] <= low[j] else (1 if a[j] >= high[j] else 0)
    for _ in range(8 * k + 8):  # ties aside a handful suffices
        while True:
            for j in range(k):
                here[j] = a[j]
            _minimise_free(gram, c, side, a, free, b, keys, factors)
            reach, blocking = 1.0, -1
            for j in range(k):
                if side[j] == 0 and (a[j] < low[j] or a[j] > high[j]):
                    bound = low[j] if a[j] < low[j] else high[j]
                    fraction = (bound - here[j]) / (a[j] - here[j])
                    if fraction < reach or blocking < 0:
                        reach, blocking = min(reach, fraction), j
            if blocking < 0:
                break
            side[blocking] = -1 if a[blocking] < low[blocking] else 1
            for j in range(k):
                a[j] = min(max(here[j] + reach * (a[j] - here[j]), low[j]), high[j])
            a[blocking] = low[blocking] if side[blocking] < 0 else high[blocking]
        worst, leaving = _slope_tolerance(c, a), -1
        for j in range(k):
            slope = side[j] * _slope(gram, c, a, j)
            if slope > worst:
                worst, leaving = slope, j
        if leaving < 0:
            return
        side[leaving] = 0


@kernel()
def _slope(gram: Array, c: Array, a: Array, j: int) -> float:
    """Derivative of the objective with respect to ``a[j]``."""
    slope = -c[j]
    for other in range(a.size):
        slope += gram[j, other] * a[other]
    return slope


@kernel()
def _slope_tolerance(c: Array, a: Array) -> float:
    """Slopes below this are rounding."""
    size = 0.0
    for j in range(a.size):
        size = max(size, abs(c[j]), abs(a[j]))
    return _RELATIVE_TOLERANCE * size


@kernel()
def solve_box(factor: Array, gram: Array, cross: Array, lower: Array, upper: Array, weights: Array) -> float:
    """Move every column to its minimiser; return the squared change of the reconstruction.

    Bounds are ``(k,)``, infinite where there are none. Columns count with ``weights`` (entries,), which multiply
    ``gram`` but not ``cross``. Where the other factor or the weight is zero, the data say nothing: the entry stays
    where it is, unless a penalty (``cross < 0``) asks for its lower bound.
    """
    k, entries = factor.shape
    size, scaled = np.empty(k), np.empty((k, k))
    _unit_diagonal(gram, size, scaled)
    low, high = np.full(k, -np.inf), np.full(k, np.inf)
    for j in range(k):
        if size[j] > 0.0:
            low[j], high[j] = lower[j] * size[j], upper[j] * size[j]
    c, a, b = np.empty(k), np.empty(k), np.empty(k)
    side, free = np.zeros(k, np.int64), np.empty(k, np.int64)
    slots = _CACHED_NUMBERS // (k * k) | 1
    if k < 16:
        slots = min(slots, 1 << k)
    keys, factors = np.full(slots, -1), np.empty((slots, k, k))
    moved = 0.0
    for i in range(entries):
        weight = weights[i]
        for j in range(k):
            c[j] = cross[j, i] / (weight * size[j]) if weight * size[j] > 0.0 else 0.0
        if weight > 0.0 and not _block_pivoting(scaled, c, low, high, side, a, free, b, keys, factors):
            _active_set_descent(scaled, c, low, high, side, a, free, b, keys, factors)
        for j in range(k):
            old = factor[j, i]
            if weight * size[j] > 0.0:
                new = a[j] / size[j]
            elif cross[j, i] < 0.0 and lower[j] > -np.inf:
                new = lower[j]
            else:
                new = old
            new = min(max(new, lower[j]), upper[j])
            b[j] = new - old
            factor[j, i] = new
        for j in range(k):
            for other in range(k):
                moved += weight * b[j] * gram[j, other] * b[other]
    return max(moved, 0.0)
