"""Unimodal regression: nearest non-negative rows that rise to one peak and then fall.

For a given position of the peak, this is an isotonic regression of the entries before it and an antitonic regression of
those after it. One pass of the pool-adjacent-violators algorithm gives the errors of all prefixes of a row. Negative
values are then set to zero, which gives the nearest non-negative monotone row.

Source: Stout 2008, Computational Statistics & Data Analysis 53:289, section 3.
"""

from __future__ import annotations

import numpy as np

from mffnb.kernels.compile import kernel
from mffnb.typing import Array


@kernel(allocates=True)
def _isotonic_errors(x: Array, errors: Array, means: Array, sizes: Array) -> int:
    """Compute the isotonic regression of x by pooling adjacent violators; return the number of blocks of equal values.

    Writes the squared error of every prefix of x into ``errors`` (x.size + 1,), and the blocks into ``means`` and
    ``sizes``. Blocks with a negative mean have the value zero.
    """
    squares, costs = np.empty(x.size), np.empty(x.size)
    count = 0
    errors[0] = 0.0
    for i in range(x.size):
        mean, size, square = x[i], 1, x[i] * x[i]
        while count > 0 and means[count - 1] >= mean:
            count -= 1
            mean = (sizes[count] * means[count] + size * mean) / (sizes[count] + size)
            size += sizes[count]
            square += squares[count]
        means[count], sizes[count], squares[count] = mean, size, square
        within = square - size * mean * mean if mean > 0.0 else square
        costs[count] = (costs[count - 1] if count > 0 else 0.0) + max(within, 0.0)
        count += 1
        errors[i + 1] = costs[count - 1]
    return count


@kernel(allocates=True)
def _write_isotonic(x: Array, errors: Array, means: Array, sizes: Array, out: Array) -> None:
    """Write the non-decreasing, non-negative row nearest to x (isotonic regression) into ``out``."""
    count = _isotonic_errors(x, errors, means, sizes)
    start = 0
    for block in range(count):
        for i in range(start, start + sizes[block]):
            out[i] = max(means[block], 0.0)
        start += sizes[block]


@kernel(allocates=True)
def nearest_unimodal(rows: Array, out: Array) -> None:
    """Write the nearest unimodal non-negative row of each row (k, entries) into ``out``."""
    entries = rows.shape[1]
    before, behind = np.empty(entries + 1), np.empty(entries + 1)
    means, sizes, work = np.empty(entries), np.empty(entries, np.int64), np.empty(entries)
    for j in range(rows.shape[0]):
        _isotonic_errors(rows[j], before, means, sizes)
        _isotonic_errors(rows[j][::-1].copy(), behind, means, sizes)
        peak, least = 0, np.inf
        for split in range(entries + 1):  # a row that rises before the index `split` and falls from there on
            error = before[split] + behind[entries - split]
            if error < least:
                peak, least = split, error
        _write_isotonic(rows[j][:peak].copy(), before, means, sizes, out[j][:peak])
        _write_isotonic(rows[j][peak:][::-1].copy(), before, means, sizes, work[: entries - peak])
        for i in range(entries - peak):
            out[j, entries - 1 - i] = work[i]
