"""Least squares over the simplex: a small exact quadratic programme for every entry.

For each column a of a factor, independently or coupled to its graph neighbours,

    minimise 1/2 a^T G a - c^T a    subject to a >= 0, sum(a) = 1

by a primal active-set method. On the support (the positive entries), the minimiser under the sum constraint has a
closed form. If it lies outside the simplex, the step stops at the boundary and the support shrinks; if a multiplier has
the wrong sign, the support grows. Coordinate descent is not possible: a single coordinate cannot change while the sum
is fixed.
"""

from __future__ import annotations

import numpy as np

from mffnb.kernels.compile import kernel
from mffnb.typing import Array

_TOLERANCE = 1e-12  # relative to the largest curvature: smaller multipliers count as zero
_NOTHING = np.int64(0)  # a literal would compile the kernels that take it for literals too
# Edges and degrees of a graph without pixels, with the types of :class:`mffnb.graphs.Graph`.
_NO_GRAPH = np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0), np.empty(0)


@kernel(internal=True)
def _support_minimiser(
    gram: Array, linear: Array, support: Array, size: int, ridge: float, work: Array, out: Array
) -> bool:
    """Write to ``out`` the minimiser over the support under the sum constraint; return False for a singular system.

    Solves ``G_S [u, v] = [c_S, 1]`` by Cholesky factorization; then a = u + nu v with sum(a) = 1.
    """
    for p in range(size):
        for q in range(p + 1):
            total = gram[support[p], support[q]]
            if p == q:
                total += ridge
            for r in range(q):
                total -= work[p, r] * work[q, r]
            if p == q:
                if total <= 0.0:
                    return False
                work[p, p] = np.sqrt(total)
            else:
                work[p, q] = total / work[q, q]
    k = gram.shape[0]
    sum_u, sum_v = 0.0, 0.0
    for side in range(2):
        column = k + side
        for p in range(size):
            total = linear[support[p]] if side == 0 else 1.0
            for r in range(p):
                total -= work[p, r] * work[r, column]
            work[p, column] = total / work[p, p]
        for p in range(size - 1, -1, -1):
            total = work[p, column]
            for r in range(p + 1, size):
                total -= work[r, p] * work[r, column]
            work[p, column] = total / work[p, p]
            if side == 0:
                sum_u += work[p, column]
            else:
                sum_v += work[p, column]
    shift = (1.0 - sum_u) / sum_v
    for p in range(size):
        out[p] = work[p, k] + shift * work[p, k + 1]
    return True


@kernel(internal=True)
def minimise_quadratic(
    gram: Array, linear: Array, a: Array, added: float, work: Array, support: Array, out: Array
) -> None:
    """Move a point ``a`` of the simplex to the minimiser of the quadratic with Hessian ``gram + added I``."""
    k = a.size
    largest = added
    for j in range(k):
        largest = max(largest, gram[j, j] + added)
    if largest == 0.0:
        largest = 1.0
    for _ in range(8 * k + 8):  # upper limit for ties; otherwise a few passes suffice
        size = _NOTHING
        for j in range(k):
            if a[j] > 0.0:
                support[size] = j
                size += 1
        # Inner passes: minimise on the support, and shrink the support while the minimiser lies outside the simplex.
        while True:
            ridge = added
            while not _support_minimiser(gram, linear, support, size, ridge, work, out):
                ridge = max(2.0 * ridge, 1e-13 * largest)  # endmembers are equal: all splits fit equally well
            reach, blocking = 1.0, -1
            for p in range(size):
                if out[p] < 0.0:
                    here = a[support[p]]
                    fraction = here / (here - out[p])
                    if fraction < reach or blocking < 0:
                        reach, blocking = min(reach, fraction), p
            for p in range(size):
                j = support[p]
                a[j] = max(0.0, a[j] + reach * (out[p] - a[j]))
            if blocking < 0:
                break
            a[support[blocking]] = 0.0
            kept = _NOTHING
            for p in range(size):
                if a[support[p]] > 0.0:
                    support[kept] = support[p]
                    kept += 1
            size = kept
        # Optimality: on the support the gradient equals the multiplier of the sum constraint; elsewhere it is not
        # smaller.
        level, worst, entering = np.inf, 0.0, -1
        for p in range(size):
            j = support[p]
            slope = -linear[j] + added * a[j]
            for q in range(size):
                slope += gram[j, support[q]] * a[support[q]]
            level = min(level, slope)
        for j in range(k):
            if a[j] == 0.0:
                slope = -linear[j]
                for q in range(size):
                    slope += gram[j, support[q]] * a[support[q]]
                scale = largest + abs(linear[j])
                if slope - level < worst - _TOLERANCE * scale:
                    worst, entering = slope - level, j
        if entering < 0:
            return
        a[entering] = 1e-300  # adds j to the support, with a negligible value


def sweep_simplex(factor: Array, gram: Array, cross: Array, counts: Array) -> float:
    """Set every column of a factor to its minimiser on the simplex; return the squared change of the reconstruction.

    ``counts`` is the factor of ``gram`` for each column, or one factor for all.
    """
    whole = np.array([0, factor.shape[1]])
    moved: float = _sweep(factor, gram, cross, counts, 0.0, *_NO_GRAPH, whole, 0, *_workspaces(len(factor)))
    return moved


def sweep_simplex_colour(
    factor: Array,
    gram: Array,
    cross: Array,
    counts: Array,
    coupling: float,
    indptr: Array,
    indices: Array,
    weights: Array,
    degree: Array,
    bands: Array,
    first: int,
) -> float:
    """Update every other band of columns on the simplex, coupled by a graph Laplacian; see ``hals.sweep_colour``.

    ``factor`` holds the columns of this process, then ghost columns that other processes own.
    """
    edges = indptr, indices, weights, degree
    moved: float = _sweep(factor, gram, cross, counts, coupling, *edges, bands, first, *_workspaces(len(factor)))
    return moved


def _workspaces(k: int) -> tuple[Array, Array, Array]:
    """Allocate arrays for a column and its minimiser, (3, k), for its support, (k,), and for the factorization."""
    return np.empty((3, k)), np.empty(k, np.int64), np.empty((k, k + 2))


@kernel()
def _sweep(
    factor: Array,
    gram: Array,
    cross: Array,
    counts: Array,
    coupling: float,
    indptr: Array,
    indices: Array,
    weights: Array,
    degree: Array,
    bands: Array,
    first: int,
    columns: Array,
    support: Array,
    work: Array,
) -> float:
    """Compute :func:`sweep_simplex_colour`, given its workspaces; without a graph, ``indptr`` is empty."""
    a, linear, out = columns[0], columns[1], columns[2]
    moved = 0.0
    for band in range(first, bands.size - 1, 2):
        for i in range(bands[band], bands[band + 1]):
            count = counts[i] if counts.size > 1 else counts[0]
            for j in range(a.size):
                a[j], linear[j] = factor[j, i], cross[j, i]
            added = 0.0
            if indptr.size > 0:
                added = coupling * degree[i] / count
                for j in range(a.size):
                    neighbour_sum = 0.0
                    for edge in range(indptr[i], indptr[i + 1]):
                        neighbour_sum += weights[edge] * factor[j, indices[edge]]
                    linear[j] += coupling * neighbour_sum
            for j in range(a.size):
                linear[j] /= count
            minimise_quadratic(gram, linear, a, added, work, support, out)
            moved += count * _store_column(factor, gram, a, i, added)
    return moved


@kernel(internal=True)
def _store_column(factor: Array, gram: Array, a: Array, i: int, added: float) -> float:
    """Store column ``i``, rescaled to a sum of exactly 1; return the squared step weighted by the Hessian."""
    k = a.size
    total = 0.0
    for j in range(k):
        if a[j] < 1e-14:  # a rounding error, or a component that entered and stayed at the boundary
            a[j] = 0.0
        total += a[j]
    moved = 0.0
    for j in range(k):
        a[j] /= total
    for j in range(k):
        step = a[j] - factor[j, i]
        moved += added * step * step
        for other in range(k):
            moved += step * gram[j, other] * (a[other] - factor[other, i])
    for j in range(k):
        factor[j, i] = a[j]
    return max(moved, 0.0)
