"""Least squares with bounds: block principal pivoting, an exact small quadratic programme for every entry.

For each column a of a factor, independently,

    minimise 1/2 a^T G a - c^T a    subject to lower <= a <= upper

Every variable is free (side 0) or at a bound (side -1 or 1). The free variables solve a linear system. All variables
that then violate a bound, or whose gradient points away from their bound, change sides at once. If the number of such
variables does not fall any more, an active-set descent exchanges one variable at a time and cannot cycle. (Murty's
single exchange rule cannot cycle in exact arithmetic either, but with dependent components it did not end within
hundreds of steps.) Adjacent columns tend to have the same free set: each column starts from the sides of the previous
one, and the Cholesky factors of recent sets are cached.

Source: Kim & Park 2011, SIAM J. Sci. Comput. 33:3261; Judice & Pires 1992, J. Optim. Theory Appl. 74:391 (both bounds).
"""

from __future__ import annotations

import numpy as np

from mffnb.kernels.compile import kernel
from mffnb.typing import Array

_RELATIVE_TOLERANCE = 1e-13  # of a slope, relative to the data and the solution: smaller slopes count as zero
_SINGULAR = 1e-12  # relative to a unit diagonal: a matrix with smaller pivots gets a ridge of this size
_PATIENCE = 3  # number of block exchanges without progress after which the active-set method is used
_CACHED_NUMBERS = 2**17  # total size of the cached Cholesky factors, in numbers: they fit the second-level cache

_NOTHING = np.int64(0)  # a literal would compile the kernels that take it for literals too


@kernel(internal=True)
def _unit_diagonal(gram: Array, size: Array, all_free: Array, work: Array, out: Array) -> None:
    """Scale a Gram matrix to a unit diagonal, with a ridge if it is singular.

    The square roots of the diagonal are written to ``size``. The pivots of a principal submatrix are at least those of
    the whole matrix, so one test decides for all free sets. ``all_free`` (k,) and ``work`` (k, k) are overwritten.
    """
    k = size.size
    for j in range(k):
        size[j] = np.sqrt(max(gram[j, j], 0.0))
    for j in range(k):
        for other in range(k):
            both = size[j] * size[other]
            out[j, other] = gram[j, other] / both if both > 0.0 else 0.0
        out[j, j], all_free[j] = 1.0, j
    if _factorize(out, all_free, k, work) < _SINGULAR:
        for j in range(k):
            out[j, j] += _SINGULAR


@kernel(internal=True)
def _factorize(gram: Array, free: Array, count: int, out: Array) -> float:
    """Write the Cholesky factor of free rows of ``gram`` to ``out``, diagonal inverted; return the smallest pivot."""
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


@kernel(internal=True)
def _solve(factor: Array, count: int, b: Array) -> None:
    """Solve the system of the free variables with the Cholesky factor from :func:`_factorize`, in place of ``b``."""
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


@kernel(internal=True)
def _minimise_free(
    gram: Array, c: Array, side: Array, a: Array, free: Array, b: Array, keys: Array, factors: Array
) -> None:
    """Move the free variables (side 0) to their minimiser; variables at a bound stay there."""
    k = a.size
    count, key = _NOTHING, 0
    for j in range(k):
        key *= 2
        if side[j] == 0:
            free[count] = j
            count += 1
            key += 1
    slot = key % keys.size
    if keys[slot] != key or k > 62:  # an integer key has 63 bits, so larger sets are not cached
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


@kernel(internal=True)
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
    """Minimise one column within its bounds by block principal pivoting, from a guess of the sides.

    Returns False if the number of wrong sides stops falling.
    """
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
            b[j] = side[j]  # temporary storage of the new side
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


@kernel(internal=True)
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
    here: Array,
) -> None:
    """Minimise one column within its bounds by a primal active-set method: each exchange lowers the objective."""
    k = a.size
    for j in range(k):
        a[j] = min(max(a[j], low[j]), high[j])
        side[j] = -1 if a[j] <= low[j] else (1 if a[j] >= high[j] else 0)
    for _ in range(8 * k + 8):  # upper limit for ties; otherwise a few exchanges suffice
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


@kernel(internal=True)
def _slope(gram: Array, c: Array, a: Array, j: int) -> float:
    """Return the derivative of the objective 1/2 a^T G a - c^T a with respect to ``a[j]``."""
    slope = -c[j]
    for other in range(a.size):
        slope += gram[j, other] * a[other]
    return slope


@kernel(internal=True)
def _slope_tolerance(c: Array, a: Array) -> float:
    """Return the absolute value below which a derivative of the objective counts as rounding error."""
    size = 0.0
    for j in range(a.size):
        size = max(size, abs(c[j]), abs(a[j]))
    return _RELATIVE_TOLERANCE * size


def solve_box(factor: Array, gram: Array, cross: Array, lower: Array, upper: Array, weights: Array) -> float:
    """Set every column of a factor to its minimiser within bounds; return the squared change of the reconstruction.

    Bounds are ``(k,)``, one for each component, infinite where there are none. ``weights`` (entries,) multiply ``gram``
    but not ``cross``. Where the diagonal of ``gram`` or the weight is zero, the data do not determine the entry: it
    stays unchanged, or goes to its lower bound if a penalty makes ``cross`` negative.
    """
    k = len(factor)
    slots = _CACHED_NUMBERS // (k * k) | 1
    if k < 16:
        slots = min(slots, 1 << k)
    work = np.empty((7, k)), np.zeros((2, k), np.int64), np.empty((k, k)), np.full(slots, -1), np.empty((slots, k, k))
    moved: float = _solve_box(factor, gram, cross, lower, upper, weights, *work)
    return moved


@kernel()
def _solve_box(
    factor: Array,
    gram: Array,
    cross: Array,
    lower: Array,
    upper: Array,
    weights: Array,
    columns: Array,
    sets: Array,
    scaled: Array,
    keys: Array,
    factors: Array,
) -> float:
    """Compute :func:`solve_box`, given its workspaces: ``factors`` caches the Cholesky factors of the sets ``keys``."""
    k, entries = factor.shape
    size, low, high = columns[0], columns[1], columns[2]
    c, a, b, here = columns[3], columns[4], columns[5], columns[6]
    side, free = sets[0], sets[1]
    _unit_diagonal(gram, size, free, factors[0], scaled)
    for j in range(k):
        low[j], high[j] = -np.inf, np.inf
        if size[j] > 0.0:
            low[j], high[j] = lower[j] * size[j], upper[j] * size[j]
    moved = 0.0
    for i in range(entries):
        weight = weights[i]
        for j in range(k):
            c[j] = cross[j, i] / (weight * size[j]) if weight * size[j] > 0.0 else 0.0
        if weight > 0.0 and not _block_pivoting(scaled, c, low, high, side, a, free, b, keys, factors):
            _active_set_descent(scaled, c, low, high, side, a, free, b, keys, factors, here)
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
