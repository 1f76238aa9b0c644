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
from mffnb.kernels.registers import LANES, register_descent, strip_product
from mffnb.typing import Array

# The compiler may reorder sums, so that they use vector registers; infinities and NaN keep their meaning.
_MATH = {"contract", "reassoc", "nsz"}
# Smoothing can let a component decay by a constant factor from pixel to pixel, down to subnormal numbers, which
# processors handle slowly. Such values are set to zero: the data are scaled to order 1.
_UNDERFLOW = 1e-100
_MIN_CURVATURE = 1e-290  # smallest diagonal element of a Gram matrix whose ratios stay finite
#: Largest number of components that are swept in registers; a few of them spill to the first-level cache.
MAX_REGISTER_COMPONENTS = 12
(
    _sweep_1,
    _sweep_2,
    _sweep_3,
    _sweep_4,
    _sweep_5,
    _sweep_6,
    _sweep_7,
    _sweep_8,
    _sweep_9,
    _sweep_10,
    _sweep_11,
    _sweep_12,
) = map(register_descent, range(1, MAX_REGISTER_COMPONENTS + 1))
# Entries of a block if there are more components: enough for eight independent sums, which hide the latency of an
# addition.
_BLOCK = 32
_add_products = strip_product(1, _BLOCK)


@kernel(fastmath=_MATH)
def _subtract_rows(weights: Array, factor: Array, first: int, rhs: Array) -> None:
    """Subtract four weighted rows of the factor, from row ``first``, from the right-hand side ``rhs``."""
    last = factor.shape[0] - 1
    a = weights[first]  # rows beyond the last get weight zero
    b = weights[first + 1] if first < last else 0.0
    c = weights[first + 2] if first + 1 < last else 0.0
    d = weights[first + 3] if first + 2 < last else 0.0
    # Separate rows, not the 2-D array: the compiler then knows that the entries are contiguous.
    p, q, r, s = factor[first], factor[min(first + 1, last)], factor[min(first + 2, last)], factor[min(first + 3, last)]
    for i in range(rhs.size):
        rhs[i] -= a * p[i] + b * q[i] + c * r[i] + d * s[i]


@kernel(fastmath=_MATH)
def _projected_step(rhs: Array, row: Array, curvature: float) -> float:
    """Add ``rhs / curvature`` to ``row`` and clip at zero; return the sum of squares of the steps."""
    inverse, moved = 1.0 / curvature, 0.0
    for i in range(row.size):
        new = row[i] + inverse * rhs[i]
        new = new if new > 0.0 else 0.0
        moved += (new - row[i]) * (new - row[i])
        row[i] = new
    return moved


@kernel()
def _zero_where_penalised(rhs: Array, row: Array) -> None:
    """Set entries of ``row`` to zero where ``rhs`` is negative; the others stay.

    For a component whose row of the other factor is zero: the data do not determine its entries, but a penalty
    (negative ``rhs``) is minimal at zero.
    """
    for i in range(row.size):
        if rhs[i] < 0.0:
            row[i] = 0.0


@kernel()
def row_right_hand_side(gram: Array, cross: Array, factor: Array, j: int, rhs: Array) -> None:
    """Write the right-hand side of the normal equation of row ``j``: ``cross_j - sum_{l != j} gram_jl f_l``."""
    weights = gram[j].copy()
    weights[j] = 0.0
    rhs[:] = cross[j]
    for first in range(0, factor.shape[0], 4):
        _subtract_rows(weights, factor, first, rhs)


@kernel()
def _minimise_row_in_place(factor: Array, gram: Array, cross: Array, j: int, rhs: Array) -> float:
    """Move row ``j`` to its non-negative minimiser; return the squared step times the curvature."""
    curvature, row, source = gram[j, j], factor[j], cross[j]
    if curvature > 0.0:
        rhs[:] = source
        for first in range(0, factor.shape[0], 4):
            _subtract_rows(gram[j], factor, first, rhs)
        return curvature * _projected_step(rhs, row, curvature)
    _zero_where_penalised(source, row)
    return 0.0


@kernel()
def sweep_non_negative(factor: Array, gram: Array, cross: Array, sweeps: int) -> float:
    """Sweep coordinate descent over all components of a non-negative factor whose entries are not coupled."""
    ratios, curvature = gram_ratios(gram)
    return sweep_entries(factor, 0, np.ascontiguousarray(cross), factor.shape[1], ratios, curvature, sweeps)


@kernel()
def gram_ratios(gram: Array) -> tuple[Array, Array]:
    """Scale a Gram matrix by its diagonal, as :func:`mffnb.kernels.registers.register_descent` takes it.

    Returns the ratios ``-gram_jl / gram_jj``, (k, k), and the diagonal with its inverse, (2, k). Where the diagonal is
    zero, the data do not determine the component: ratios and diagonal are zero, and the inverse is one.
    """
    k = gram.shape[0]
    ratios, curvature = np.zeros((k, k)), np.zeros((2, k))
    for j in range(k):
        curvature[1, j] = 1.0
        if gram[j, j] > _MIN_CURVATURE:
            curvature[0, j], curvature[1, j] = gram[j, j], 1.0 / gram[j, j]
            for other in range(k):
                ratios[j, other] = -gram[j, other] / gram[j, j]
    return ratios, curvature


@kernel()
def sweep_entries(
    factor: Array, first: int, cross: Array, entries: int, ratios: Array, curvature: Array, sweeps: int
) -> float:
    """Sweep the entries ``first:first + entries``; ``cross``, in C order, begins with the first of them.

    A few components stay in registers during all sweeps, if no diagonal element of the Gram matrix is zero.
    """
    if factor.shape[0] > MAX_REGISTER_COMPONENTS or curvature[0].min() == 0.0:
        return _sweep_in_blocks(factor, first, cross, entries, ratios, curvature, sweeps)
    return _sweep_in_registers(factor, first, cross, entries, ratios, curvature, sweeps)


@kernel()
def _sweep_in_registers(
    factor: Array, first: int, cross: Array, entries: int, ratios: Array, curvature: Array, sweeps: int
) -> float:
    """Sweep groups of :data:`LANES` entries, all components of a group in registers."""
    k, whole = factor.shape[0], entries - entries % LANES
    moved = 0.0
    for at in range(0, whole, LANES):
        moved += _sweep_lanes(factor, first + at, cross, at, ratios, curvature, sweeps)
    left = entries - whole
    if left > 0:  # the unused lanes hold zeros
        begin = first + whole
        rest, rhs_block = np.zeros((k, LANES)), np.zeros((k, LANES))
        rest[:, :left], rhs_block[:, :left] = factor[:, begin : begin + left], cross[:, whole:entries]
        moved += _sweep_lanes(rest, 0, rhs_block, 0, ratios, curvature, sweeps)
        factor[:, begin : begin + left] = rest[:, :left]
    return moved


@kernel()
def _sweep_lanes(
    factor: Array, start: int, cross: Array, at: int, ratios: Array, curvature: Array, sweeps: int
) -> float:
    """Sweep one group of :data:`LANES` entries from ``start``, with the machine code for the given k.

    Each k has its own compiled function; numba cannot index a list of functions, so the selection is a chain of
    branches.
    """
    k = factor.shape[0]
    moved = 0.0
    if k == 1:
        moved = _sweep_1(factor, start, cross, at, ratios, curvature, sweeps)
    elif k == 2:
        moved = _sweep_2(factor, start, cross, at, ratios, curvature, sweeps)
    elif k == 3:
        moved = _sweep_3(factor, start, cross, at, ratios, curvature, sweeps)
    elif k == 4:
        moved = _sweep_4(factor, start, cross, at, ratios, curvature, sweeps)
    elif k == 5:
        moved = _sweep_5(factor, start, cross, at, ratios, curvature, sweeps)
    elif k == 6:
        moved = _sweep_6(factor, start, cross, at, ratios, curvature, sweeps)
    elif k == 7:
        moved = _sweep_7(factor, start, cross, at, ratios, curvature, sweeps)
    elif k == 8:
        moved = _sweep_8(factor, start, cross, at, ratios, curvature, sweeps)
    elif k == 9:
        moved = _sweep_9(factor, start, cross, at, ratios, curvature, sweeps)
    elif k == 10:
        moved = _sweep_10(factor, start, cross, at, ratios, curvature, sweeps)
    elif k == 11:
        moved = _sweep_11(factor, start, cross, at, ratios, curvature, sweeps)
    else:
        moved = _sweep_12(factor, start, cross, at, ratios, curvature, sweeps)
    return moved


@kernel()
def _sweep_in_blocks(
    factor: Array, first: int, cross: Array, entries: int, ratios: Array, curvature: Array, sweeps: int
) -> float:
    """Sweep blocks of 32 entries that stay in the first-level cache, for any number of components."""
    k = factor.shape[0]
    block, rhs_block, steps = np.zeros((k, _BLOCK)), np.zeros((k, _BLOCK)), np.empty(_BLOCK)
    moved = 0.0
    for at in range(0, entries, _BLOCK):
        count = min(_BLOCK, entries - at)
        for j in range(k):
            row, rhs, inverse = factor[j][first + at : first + at + count], cross[j][at : at + count], curvature[1, j]
            for i in range(count):
                block[j, i], rhs_block[j, i] = row[i], inverse * rhs[i]
            block[j, count:], rhs_block[j, count:] = 0.0, 0.0
        for sweep in range(sweeps):
            for j in range(k):
                if curvature[0, j] > 0.0:
                    steps[:] = rhs_block[j]
                    _add_products(1, ratios, j * k, 0, 1, block, 0, _BLOCK, k, steps, 0, 0, block, 0, 0)
                    squares = _projected_step(steps, block[j], 1.0)
                    moved += curvature[0, j] * squares if sweep == 0 else 0.0
                else:
                    _zero_where_penalised(rhs_block[j], block[j])
        for j in range(k):
            row = factor[j][first + at : first + at + count]
            for i in range(count):
                row[i] = block[j, i]
    return moved


@kernel(fastmath=_MATH)
def minimise_row(factor: Array, gram: Array, cross: Array, j: int, old: Array, rhs: Array) -> float:
    """Move row ``j`` to its non-negative minimiser and save its old values in ``old``; return its sum of squares."""
    old[:] = factor[j]
    _minimise_row_in_place(factor, gram, cross, j, rhs)
    return np.sum(factor[j] ** 2)


@kernel(fastmath=_MATH)
def project_row_on_ball(factor: Array, gram: Array, j: int, old: Array, squares: float, radius: float) -> float:
    """Scale row ``j`` to norm ``radius`` if it is longer; return the squared step from ``old`` times the curvature.

    To clip at zero and then to scale is the exact projection on the intersection of the non-negative cone and the ball.
    The result is the exact minimiser over row j, so the objective never rises.
    """
    norm = np.sqrt(squares)
    if norm > radius:
        factor[j] *= radius / norm
    return gram[j, j] * np.sum((factor[j] - old) ** 2)


@kernel(fastmath=_MATH)
def sweep_ball(factor: Array, gram: Array, cross: Array, radius: float, sweeps: int) -> float:
    """Sweep non-negative rows with ``|f_j| <= radius``; all entries of a row are in this process."""
    components, entries = factor.shape
    rhs = np.empty(entries)
    old = np.empty(entries)
    moved = 0.0
    for sweep in range(sweeps):
        for j in range(components):
            squares = minimise_row(factor, gram, cross, j, old, rhs)
            step = project_row_on_ball(factor, gram, j, old, squares, radius)
            if sweep == 0:
                moved += step
    return moved


@kernel(fastmath=_MATH)
def sweep_box(factor: Array, gram: Array, cross: Array, lower: Array, upper: Array, sweeps: int) -> float:
    """Sweep rows with bounds ``lower <= f <= upper``, (entries,); clipping gives the exact coordinate minimiser."""
    components, entries = factor.shape
    rhs = np.empty(entries)
    moved = 0.0
    for sweep in range(sweeps):
        for j in range(components):
            curvature, row = gram[j, j], factor[j]
            row_right_hand_side(gram, cross, factor, j, rhs)
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
    """Sweep every other band of one row with a graph Laplacian penalty ``coupling / 2 * f (D - W) f^T``.

    Bands of one colour are not adjacent, so that threads and ranks may update them in any order with an identical
    result.

    Parameters
    ----------
    row
        The entries, then ghost entries that other processes own.
    rhs
        Right-hand side from :func:`row_right_hand_side`.
    curvature
        Diagonal element of the Gram matrix.
    counts
        Factor of the curvature for each entry, or one for all.
    coupling
        Weight of the penalty.
    added
        Added to the curvature: the multiplier of a norm constraint.
    lower, upper
        Bounds, one for each entry or one for all.
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
