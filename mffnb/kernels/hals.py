"""Hierarchical alternating least squares: one row of a factor at a time, in closed form.

Factors are stored as ``(components, entries)``, entries being pixels or channels, so that every inner loop
runs along contiguous memory. All kernels minimise, over a non-negative factor F, the quadratic

    1/2 <F, gram F> - <cross, F>

that the other factor presents, and return ``sum_j gram_jj |new f_j - old f_j|^2``: the squared change of the
reconstruction that their first sweep would cause, component by component, the natural size of the projected
gradient (it does not depend on how scale is shared between the two factors).
"""

from __future__ import annotations

import numpy as np

from mffnb.kernels.compile import kernel
from mffnb.kernels.plain_registers import LANES
from mffnb.kernels.register_choice import descent, strip
from mffnb.typing import Array

# Reordering sums is allowed so that they use vector registers; infinities and NaN keep their meaning.
_MATH = {"contract", "reassoc", "nsz"}
# Smoothing lets a component fade by a constant factor from pixel to pixel; processors crawl on the subnormal
# numbers at the end of that road, so it is cut where a value means nothing on data scaled to order 1.
_FAINT = 1e-100
_FLAT = 1e-290  # ratios to a diagonal of the gram that is larger are finite
#: Components that registers, with the help of the first-level cache, sweep faster.
FEW = 12
(_of_1, _of_2, _of_3, _of_4, _of_5, _of_6, _of_7, _of_8, _of_9, _of_10, _of_11, _of_12) = map(
    descent, range(1, FEW + 1)
)
# More components are swept for so many entries at once, which takes eight sums at once to hide how long one takes.
_WIDE = 32
_of_wide = strip(1, _WIDE)


@kernel(fastmath=_MATH)
def _ease(weights: Array, factor: Array, first: int, pull: Array) -> None:
    """Take what four rows from ``first`` explain out of ``pull``, each with its weight."""
    last = factor.shape[0] - 1
    a = weights[first]  # rows beyond the last weigh nothing
    b = weights[first + 1] if first < last else 0.0
    c = weights[first + 2] if first + 1 < last else 0.0
    d = weights[first + 3] if first + 2 < last else 0.0
    # Rows, not the factor: the compiler then knows that entries lie side by side.
    p, q, r, s = factor[first], factor[min(first + 1, last)], factor[min(first + 2, last)], factor[min(first + 3, last)]
    for i in range(pull.size):
        pull[i] -= a * p[i] + b * q[i] + c * r[i] + d * s[i]


@kernel(fastmath=_MATH)
def _settle(pull: Array, row: Array, curvature: float) -> float:
    """Move ``row`` by ``pull / curvature``, down to zero at most; return the sum of squares of its steps."""
    inverse, moved = 1.0 / curvature, 0.0
    for i in range(row.size):
        new = row[i] + inverse * pull[i]
        new = new if new > 0.0 else 0.0
        moved += (new - row[i]) * (new - row[i])
        row[i] = new
    return moved


@kernel()
def _give_way(pull: Array, row: Array) -> None:
    """Where the other factor's row is zero the data say nothing; a penalty (a pull below zero) still asks for zero."""
    for i in range(row.size):
        if pull[i] < 0.0:
            row[i] = 0.0


@kernel()
def pull_on(gram: Array, cross: Array, factor: Array, j: int, pull: Array) -> None:
    """Write ``cross_j - sum_{l != j} gram_jl f_l`` into ``pull``."""
    weights = gram[j].copy()
    weights[j] = 0.0
    pull[:] = cross[j]
    for first in range(0, factor.shape[0], 4):
        _ease(weights, factor, first, pull)


@kernel()
def _descend(factor: Array, gram: Array, cross: Array, j: int, pull: Array) -> float:
    """Move row ``j`` to its non-negative minimiser; return the squared step."""
    curvature, row, source = gram[j, j], factor[j], cross[j]
    if curvature > 0.0:
        pull[:] = source
        for first in range(0, factor.shape[0], 4):
            _ease(gram[j], factor, first, pull)
        return curvature * _settle(pull, row, curvature)
    _give_way(source, row)
    return 0.0


@kernel()
def sweep_free(factor: Array, gram: Array, cross: Array, sweeps: int) -> float:
    """Sweep entries that do not know of each other."""
    ratios, curvature = slopes(gram)
    return sweep_some(factor, 0, np.ascontiguousarray(cross), factor.shape[1], ratios, curvature, sweeps)


@kernel()
def slopes(gram: Array) -> tuple[Array, Array]:
    """What :func:`descent` takes of a gram: ratios to its diagonal, (k, k), and that and one over it, (2, k).

    Where the diagonal is zero the data say nothing of a component: ratios are zero, and it stands over one.
    """
    k = gram.shape[0]
    ratios, curvature = np.zeros((k, k)), np.zeros((2, k))
    for j in range(k):
        curvature[1, j] = 1.0
        if gram[j, j] > _FLAT:
            curvature[0, j], curvature[1, j] = gram[j, j], 1.0 / gram[j, j]
            for other in range(k):
                ratios[j, other] = -gram[j, other] / gram[j, j]
    return ratios, curvature


@kernel()
def sweep_some(
    factor: Array, first: int, cross: Array, entries: int, ratios: Array, curvature: Array, sweeps: int
) -> float:
    """Sweep entries ``first:first + entries``; ``cross``, in C order, begins with the first of them.

    Few components stay in registers for all sweeps, if all of them are seen in the data.
    """
    if factor.shape[0] > FEW or curvature[0].min() == 0.0:
        return _sweep_many(factor, first, cross, entries, ratios, curvature, sweeps)
    return _sweep_few(factor, first, cross, entries, ratios, curvature, sweeps)


@kernel()
def _sweep_few(
    factor: Array, first: int, cross: Array, entries: int, ratios: Array, curvature: Array, sweeps: int
) -> float:
    k, whole = factor.shape[0], entries - entries % LANES
    moved = 0.0
    for at in range(0, whole, LANES):
        moved += _descend_few(factor, first + at, cross, at, ratios, curvature, sweeps)
    left = entries - whole
    if left > 0:  # entries beyond the last stay zero
        begin = first + whole
        rest, pulls = np.zeros((k, LANES)), np.zeros((k, LANES))
        rest[:, :left], pulls[:, :left] = factor[:, begin : begin + left], cross[:, whole:entries]
        moved += _descend_few(rest, 0, pulls, 0, ratios, curvature, sweeps)
        factor[:, begin : begin + left] = rest[:, :left]
    return moved


@kernel()
def _descend_few(
    factor: Array, start: int, cross: Array, at: int, ratios: Array, curvature: Array, sweeps: int
) -> float:
    """Sweep entries from ``start``, as many as registers take at once; see :func:`descent`.

    Each k has code of its own, and compiled code cannot look functions up.
    """
    k = factor.shape[0]
    moved = 0.0
    if k == 1:
        moved = _of_1(factor, start, cross, at, ratios, curvature, sweeps)
    elif k == 2:
        moved = _of_2(factor, start, cross, at, ratios, curvature, sweeps)
    elif k == 3:
        moved = _of_3(factor, start, cross, at, ratios, curvature, sweeps)
    elif k == 4:
        moved = _of_4(factor, start, cross, at, ratios, curvature, sweeps)
    elif k == 5:
        moved = _of_5(factor, start, cross, at, ratios, curvature, sweeps)
    elif k == 6:
        moved = _of_6(factor, start, cross, at, ratios, curvature, sweeps)
    elif k == 7:
        moved = _of_7(factor, start, cross, at, ratios, curvature, sweeps)
    elif k == 8:
        moved = _of_8(factor, start, cross, at, ratios, curvature, sweeps)
    elif k == 9:
        moved = _of_9(factor, start, cross, at, ratios, curvature, sweeps)
    elif k == 10:
        moved = _of_10(factor, start, cross, at, ratios, curvature, sweeps)
    elif k == 11:
        moved = _of_11(factor, start, cross, at, ratios, curvature, sweeps)
    else:
        moved = _of_12(factor, start, cross, at, ratios, curvature, sweeps)
    return moved


@kernel()
def _sweep_many(
    factor: Array, first: int, cross: Array, entries: int, ratios: Array, curvature: Array, sweeps: int
) -> float:
    k = factor.shape[0]
    block, pulls, steps = np.zeros((k, _WIDE)), np.zeros((k, _WIDE)), np.empty(_WIDE)
    moved = 0.0
    for at in range(0, entries, _WIDE):
        count = min(_WIDE, entries - at)
        for j in range(k):
            row, pull, inverse = factor[j][first + at : first + at + count], cross[j][at : at + count], curvature[1, j]
            for i in range(count):
                block[j, i], pulls[j, i] = row[i], inverse * pull[i]
            block[j, count:], pulls[j, count:] = 0.0, 0.0
        for sweep in range(sweeps):
            for j in range(k):
                if curvature[0, j] > 0.0:
                    steps[:] = pulls[j]
                    _of_wide(1, ratios, j * k, 0, 1, block, 0, _WIDE, k, steps, 0, 0, block, 0, 0)
                    squares = _settle(steps, block[j], 1.0)
                    moved += curvature[0, j] * squares if sweep == 0 else 0.0
                else:
                    _give_way(pulls[j], block[j])
        for j in range(k):
            row = factor[j][first + at : first + at + count]
            for i in range(count):
                row[i] = block[j, i]
    return moved


@kernel(fastmath=_MATH)
def descend_row(factor: Array, gram: Array, cross: Array, j: int, old: Array, pull: Array) -> float:
    """Move row ``j`` to its non-negative minimiser, what it was to ``old``; return the sum of its squares."""
    old[:] = factor[j]
    _descend(factor, gram, cross, j, pull)
    return np.sum(factor[j] ** 2)


@kernel(fastmath=_MATH)
def bound_row(factor: Array, gram: Array, j: int, old: Array, squares: float, radius: float) -> float:
    """Scale row ``j`` down to the radius where its sum of squares is larger; return its squared step from ``old``.

    Clipping and then scaling is the exact projection on the intersection of the cone and the ball, hence
    the exact minimiser over row j, hence no objective rises.
    """
    norm = np.sqrt(squares)
    if norm > radius:
        factor[j] *= radius / norm
    return gram[j, j] * np.sum((factor[j] - old) ** 2)


@kernel(fastmath=_MATH)
def sweep_ball(factor: Array, gram: Array, cross: Array, radius: float, sweeps: int) -> float:
    """Sweep rows that stay non-negative within ``|f_j| <= radius``, all of whose entries are here."""
    components, entries = factor.shape
    pull = np.empty(entries)
    old = np.empty(entries)
    moved = 0.0
    for sweep in range(sweeps):
        for j in range(components):
            squares = descend_row(factor, gram, cross, j, old, pull)
            step = bound_row(factor, gram, j, old, squares, radius)
            if sweep == 0:
                moved += step
    return moved


@kernel(fastmath=_MATH)
def sweep_box(factor: Array, gram: Array, cross: Array, lower: Array, upper: Array, sweeps: int) -> float:
    """Sweep rows whose entries stay between bounds, (entries,): to clip a coordinate is its exact minimiser there."""
    components, entries = factor.shape
    pull = np.empty(entries)
    moved = 0.0
    for sweep in range(sweeps):
        for j in range(components):
            curvature, row = gram[j, j], factor[j]
            pull_on(gram, cross, factor, j, pull)
            step = 0.0
            for i in range(entries):
                new = row[i] if pull[i] >= 0.0 else 0.0
                if curvature > 0.0:
                    new = pull[i] / curvature
                new = min(max(new, lower[i]), upper[i])
                step += (new - row[i]) * (new - row[i])
                row[i] = new
            if sweep == 0:
                moved += curvature * step
    return moved


@kernel()
def sweep_colour(
    row: Array,
    pull: Array,
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
    """Sweep every other band of one row, coupled by ``coupling / 2 * f (D - W) f^T``, a graph Laplacian.

    Bands of one colour do not touch, so that they may be swept in any order, by any number of threads or ranks, to
    the same answer. ``row`` holds the entries, then copies of entries that live elsewhere; ``pull`` is what
    :func:`pull_on` wrote; ``counts`` is by how much the curvature is multiplied for each entry, or a single factor for
    all; ``added`` adds to the curvature, the multiplier of a ball; ``lower`` and ``upper`` are bounds, one for each
    entry or for all; ``first`` is the number of the first band of this colour.
    """
    moved = 0.0
    for band in range(first, bands.size - 1, 2):
        for i in range(bands[band], bands[band + 1]):
            around = 0.0
            for edge in range(indptr[i], indptr[i + 1]):
                around += weights[edge] * row[indices[edge]]
            count = counts[i] if counts.size > 1 else counts[0]
            steepness = count * curvature + coupling * degree[i] + added
            if steepness > 0.0:
                new = (pull[i] + coupling * around) / steepness
                new = new if new > _FAINT else 0.0
            else:
                new = row[i] if pull[i] >= 0.0 else 0.0
            low = lower[i] if lower.size > 1 else lower[0]
            high = upper[i] if upper.size > 1 else upper[0]
            new = min(max(new, low), high)
            step = new - row[i]
            row[i] = new
            moved += steepness * step * step
    return moved
