"""Products of short rows of X with five components or more: a panel of X at a time, widened to float64 in the cache.

The same products as in :mod:`mffnb.kernels.products`, which is faster for fewer components, and for long rows: there a
tile pays for its start and its end only once in many channels. Here components lie side by side, eight to a tile of
registers, and both products are one loop: over the channels of a few pixels, or over the pixels of a few channels.
"""

from __future__ import annotations

import numpy as np

from mffnb.kernels.compile import kernel
from mffnb.kernels.registers import tile
from mffnb.typing import Array

# Numbers of a panel, about what the first-level cache holds, and its most rows. Few rows cost the second product more,
# which begins and ends its sums with each panel.
_PANEL, _HEIGHT = 4800, 48
_LANES = 8
_one, _two, _four, _six = (tile(count, _LANES) for count in (1, 2, 4, 6))


@kernel()
def _multiply(left: Array, count: int, across: int, along: int, right: Array, steps: int, out: Array, at: int) -> None:
    """Tiles for ``count`` rows or columns of a panel, see :func:`tile`."""
    r = 0
    while r + 6 <= count:
        _six(left, r * across, across, along, right, steps, out, at + r)
        r += 6
    if r + 4 <= count:
        _four(left, r * across, across, along, right, steps, out, at + r)
        r += 4
    if r + 2 <= count:
        _two(left, r * across, across, along, right, steps, out, at + r)
        r += 2
    if r < count:
        _one(left, r * across, across, along, right, steps, out, at + r)


@kernel()
def _widen(X: Array, start: int, stop: int, panel: Array) -> None:
    """Copy rows ``start:stop`` into ``panel``, one after the other: memory is read as it likes to be."""
    columns = X.shape[1]
    source = X.reshape(X.size)[start * columns : stop * columns]
    for i in range(source.size):
        panel[i] = source[i]


@kernel()
def _side_by_side(factor: Array, first: int, start: int, stop: int, out: Array) -> None:
    """Lay components ``first`` and on of entries ``start:stop`` side by side, (entries, lanes)."""
    for lane in range(min(out.shape[1], factor.shape[0] - first)):
        row = factor[first + lane][start:stop]
        for i in range(row.size):
            out[i, lane] = row[i]


@kernel()
def _one_after_the_other(sums: Array, first: int, start: int, stop: int, out: Array) -> None:
    """Write sums (entries, lanes) into components ``first`` and on of ``out``, and put them back to zero."""
    for lane in range(min(sums.shape[1], out.shape[0] - first)):
        row = out[first + lane][start:stop]
        for i in range(row.size):
            row[i] = sums[i, lane]
    sums[: stop - start] = 0.0


@kernel()
def _rows(columns: int) -> int:
    """How many rows a panel has: a multiple of what tiles take at once."""
    return max(1, min(_HEIGHT, _PANEL // columns // 8 * 8))


@kernel()
def times(X: Array, basis: Array, out: Array) -> None:
    """Write ``basis X^T``, (k, rows), into ``out``; X (rows, columns) and basis (k, columns) in C order."""
    (rows, columns), k = X.shape, basis.shape[0]
    height, sides = _rows(columns), (k + _LANES - 1) // _LANES
    bases = np.zeros((sides, columns, _LANES))
    for side in range(sides):
        _side_by_side(basis, side * _LANES, 0, columns, bases[side])
    panel, sums = np.empty(height * columns), np.zeros((height, _LANES))
    for start in range(0, rows, height):
        stop = min(start + height, rows)
        _widen(X, start, stop, panel)
        for side in range(sides):
            _multiply(panel, stop - start, columns, 1, bases[side], columns, sums, 0)
            _one_after_the_other(sums, side * _LANES, start, stop, out)


@kernel()
def add_times(X: Array, factor: Array, out: Array) -> None:
    """Add ``factor X``, (k, columns), to ``out``; X (rows, columns) and factor (k, rows) in C order."""
    (rows, columns), k = X.shape, factor.shape[0]
    height, sides = _rows(columns), (k + _LANES - 1) // _LANES
    panel, part, sums = np.empty(height * columns), np.zeros((height, _LANES)), np.zeros((sides, columns, _LANES))
    for start in range(0, rows, height):
        stop = min(start + height, rows)
        _widen(X, start, stop, panel)
        for side in range(sides):
            _side_by_side(factor, side * _LANES, start, stop, part)
            _multiply(panel, columns, 1, columns, part, stop - start, sums[side], 0)
    for side in range(sides):
        for lane in range(min(_LANES, k - side * _LANES)):
            for m in range(columns):
                out[side * _LANES + lane, m] += sums[side, m, lane]
