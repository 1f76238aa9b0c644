"""Hierarchical alternating least squares (HALS): coordinate descent, one row of a factor at a time.

Factors are stored as ``(components, entries)``, where entries are pixels or channels, so that inner loops run along
contiguous memory. All kernels minimise over a non-negative factor F the quadratic

    1/2 <F, gram F> - <cross, F>

which is the least-squares subproblem for a fixed other factor. They return ``sum_j gram_jj |new f_j - old f_j|^2`` of
their first sweep: the squared change of the reconstruction, summed over components. This measure of the projected
gradient does not depend on the scale normalisation of the two factors.

Source: Cichocki & Phan 2009, IEICE Trans. Fundamentals E92-A:708; Gillis & Glineur 2012, Neural Comput. 24:1085.
"""

from __future__ import annotations

import numpy as np

from mffnb.kernels.compile import kernel
from mffnb.kernels.copying import copy_entries
from mffnb.kernels.uncoupled_sweeps import (
    gram_ratios,
    projected_step,
    run_sweep,
    sweep_kernel,
    sweep_workspace,
    zero_where_penalised,
)
from mffnb.typing import Array

# The compiler may reorder sums, so that they use vector registers; infinities and NaN keep their meaning.
_MATH = {"contract", "reassoc", "nsz"}
# Smoothing can let a component decay by a constant factor from pixel to pixel, down to subnormal numbers, which
# processors handle slowly. Such values are set to zero: the data are scaled to order 1.
_UNDERFLOW = 1e-100


@kernel(fastmath=_MATH, internal=True)
def _subtract_rows(weights: Array, factor: Array, first: int, rhs: Array) -> None:
    """Subtract four weighted rows of the factor, from row ``first``, from the right-hand side ``rhs``."""
    last = factor.shape[0] - 1
    a = weights[first]  # if fewer than four rows are left, missing ones get weight zero
    b = weights[first + 1] if first < last else 0.0
    c = weights[first + 2] if first + 1 < last else 0.0
    d = weights[first + 3] if first + 2 < last else 0.0
    # Rows are taken out of the 2-D array, because the compiler then knows that their entries are contiguous.
    p, q, r, s = factor[first], factor[min(first + 1, last)], factor[min(first + 2, last)], factor[min(first + 3, last)]
    for i in range(rhs.size):
        rhs[i] -= a * p[i] + b * q[i] + c * r[i] + d * s[i]


def row_right_hand_side(gram: Array, cross: Array, factor: Array, j: int, rhs: Array) -> None:
    """Write the right-hand side of the normal equation of row ``j``: ``cross_j - sum_{l != j} gram_jl f_l``."""
    _row_right_hand_side(gram, cross, factor, j, rhs, np.empty(len(gram)))


@kernel()
def _row_right_hand_side(gram: Array, cross: Array, factor: Array, j: int, rhs: Array, weights: Array) -> None:
    """Compute :func:`row_right_hand_side`; ``weights`` (k,) is overwritten."""
    copy_entries(gram[j], weights)
    weights[j] = 0.0
    copy_entries(cross[j], rhs)
    for first in range(0, factor.shape[0], 4):
        _subtract_rows(weights, factor, first, rhs)


@kernel(internal=True)
def _minimise_row_in_place(factor: Array, gram: Array, cross: Array, j: int, rhs: Array) -> float:
    """Set row ``j`` to its non-negative minimiser; return the squared step times the curvature ``gram_jj``."""
    curvature, row, source = gram[j, j], factor[j], cross[j]
    if curvature > 0.0:
        copy_entries(source, rhs)
        for first in range(0, factor.shape[0], 4):
            _subtract_rows(gram[j], factor, first, rhs)
        return curvature * projected_step(rhs, row, curvature)
    zero_where_penalised(source, row)
    return 0.0


def sweep_non_negative(factor: Array, gram: Array, cross: Array, sweeps: int) -> float:
    """Sweep coordinate descent over all components of a non-negative factor whose entries are independent."""
    ratios, curvature = gram_ratios(gram)
    address, cross = sweep_kernel(gram).address, np.require(cross, requirements=["C", "W"])
    work = sweep_workspace(len(gram))
    moved: float = run_sweep(address, factor, 0, cross, factor.shape[1], ratios, curvature, sweeps, work)
    return moved


@kernel(fastmath=_MATH)
def minimise_row(factor: Array, gram: Array, cross: Array, j: int, old: Array, rhs: Array) -> float:
    """Set row ``j`` to its non-negative minimiser, save its old values in ``old``; return its new sum of squares."""
    row, squares = factor[j], 0.0
    copy_entries(row, old)
    _minimise_row_in_place(factor, gram, cross, j, rhs)
    for i in range(row.size):
        squares += row[i] * row[i]
    return squares


@kernel(fastmath=_MATH)
def project_row_on_ball(factor: Array, gram: Array, j: int, old: Array, squares: float, radius: float) -> float:
    """Scale row ``j`` to norm ``radius`` if it is longer; return the squared step from ``old`` times ``gram_jj``.

    Clipping at zero, then scaling, is the exact projection on the intersection of the non-negative cone and the ball.
    The result is the exact minimiser over row j, so the objective never rises.
    """
    row, norm, moved = factor[j], np.sqrt(squares), 0.0
    scale = radius / norm if norm > radius else 1.0
    for i in range(row.size):
        row[i] *= scale
        moved += (row[i] - old[i]) * (row[i] - old[i])
    return gram[j, j] * moved


def sweep_ball(factor: Array, gram: Array, cross: Array, radius: float, sweeps: int) -> float:
    """Sweep coordinate descent over non-negative rows with ``|f_j| <= radius`` that are not distributed over ranks."""
    moved: float = _sweep_ball(factor, gram, cross, radius, sweeps, *np.empty((2, factor.shape[1])))
    return moved


@kernel(fastmath=_MATH)
def _sweep_ball(factor: Array, gram: Array, cross: Array, radius: float, sweeps: int, old: Array, rhs: Array) -> float:
    """Compute :func:`sweep_ball`; ``old`` and ``rhs`` (entries,) are overwritten."""
    moved = 0.0
    for sweep in range(sweeps):
        for j in range(factor.shape[0]):
            squares = minimise_row(factor, gram, cross, j, old, rhs)
            step = project_row_on_ball(factor, gram, j, old, squares, radius)
            if sweep == 0:
                moved += step
    return moved


def sweep_box(factor: Array, gram: Array, cross: Array, lower: Array, upper: Array, sweeps: int) -> float:
    """Sweep coordinate descent over rows with bounds ``lower <= f <= upper``, each of shape (entries,)."""
    work = np.empty(factor.shape[1]), np.empty(len(factor))
    moved: float = _sweep_box(factor, gram, cross, lower, upper, sweeps, *work)
    return moved


@kernel(fastmath=_MATH)
def _sweep_box(
    factor: Array, gram: Array, cross: Array, lower: Array, upper: Array, sweeps: int, rhs: Array, ratios: Array
) -> float:
    """Compute :func:`sweep_box`; ``rhs`` (entries,) and ``ratios`` (k,) are overwritten."""
    components, entries = factor.shape
    moved = 0.0
    for sweep in range(sweeps):
        for j in range(components):
            curvature, row = gram[j, j], factor[j]
            _row_right_hand_side(gram, cross, factor, j, rhs, ratios)
            step = 0.0
            for i in range(entries):
                new = row[i] if rhs[i] >= 0.0 else 0.0
                if curvature > 0.0:
                    new = rhs[i] / curvature
                new = min(max(new, lower[i]), upper[i])
                step += (new - row[i]) * (new - row[i])
                row[i] = new
            if sweep == 0:
                moved += curvature * step
    return moved


@kernel()
def sweep_colour(
    row: Array,
    rhs: Array,
    curvature: float,
    counts: Array,
    coupling: float,
    added: float,
    lower: Array,
    upper: Array,
    indptr: Array,
    indices: Array,
    weights: Array,
    degree: Array,
    bands: Array,
    first: int,
) -> float:
    """Update every other band of row f with the graph Laplacian penalty ``coupling / 2 * f (D - W) f^T``.

    Bands of one colour are not adjacent, so that threads and ranks may update them in any order with an identical
    result.

    Parameters
    ----------
    row
        Row f of the factor: entries of this process, then ghost entries that other processes own.
    rhs
        Right-hand side from :func:`row_right_hand_side`.
    curvature
        Diagonal element of the Gram matrix for this row.
    counts
        Factor of the curvature for each entry (entries,), or one for all (1,).
    coupling
        Weight of the penalty.
    added
        Number added to the curvature: the Lagrange multiplier of a norm constraint.
    lower, upper
        Bounds of the entries: one for each entry (entries,), or one for all (1,).
    indptr, indices, weights, degree
        The graph, see :class:`mffnb.graphs.Graph`.
    bands, first
        Limits of the bands, and the index of the first band of this colour.
    """
    moved = 0.0
    for band in range(first, bands.size - 1, 2):
        for i in range(bands[band], bands[band + 1]):
            neighbour_sum = 0.0
            for edge in range(indptr[i], indptr[i + 1]):
                neighbour_sum += weights[edge] * row[indices[edge]]
            count = counts[i] if counts.size > 1 else counts[0]
            entry_curvature = count * curvature + coupling * degree[i] + added
            if entry_curvature > 0.0:
                new = (rhs[i] + coupling * neighbour_sum) / entry_curvature
                new = new if new > _UNDERFLOW else 0.0
            else:
                new = row[i] if rhs[i] >= 0.0 else 0.0
            low = lower[i] if lower.size > 1 else lower[0]
            high = upper[i] if upper.size > 1 else upper[0]
            new = min(max(new, low), high)
            step = new - row[i]
            row[i] = new
            moved += entry_curvature * step * step
    return moved
