"""Products with a handful of rows, a panel of rows of X at a time, float64 in the cache.

Components lie side by side, four or eight to a tile of registers, and both products are one loop: over the channels of
a few pixels, or over the pixels of a few channels. While a panel is multiplied the next one is asked for, so that
memory is not waited for. Where coordinate descent is all that happens between the two products,
:func:`descend_between` makes them from one and the same panel. For rows so long that a panel is beyond the caches see
:mod:`mffnb.kernels.products`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

from mffnb.kernels.compile import kernel
from mffnb.kernels.hals import slopes, sweep_few
from mffnb.kernels.registers import tile
from mffnb.typing import Array

# Numbers of a panel, which stays in the second-level cache, and its least and most rows. Few rows cost the second
# product more, which begins and ends its sums with each panel.
_PANEL, _LEAST, _MOST = 9600, 16, 96
_FOUR, _EIGHT = 4, 8
_four_of_four, _one_of_four = (tile(count, _FOUR) for count in (4, 1))
_four_of_eight, _one_of_eight = (tile(count, _EIGHT) for count in (4, 1))
_eight_of_four, _eight_of_eight = (tile(8, lanes) for lanes in (_FOUR, _EIGHT))
_ask_eight_of_four, _ask_eight_of_eight = (tile(8, lanes, asks=True) for lanes in (_FOUR, _EIGHT))


@kernel()
def _multiply(left: Array, count: int, across: int, along: int, right: Array, steps: int, out: Array) -> None:
    """Tiles for ``count`` rows or columns of a panel, see :func:`tile`."""
    _multiply_from(0, left, count, across, along, right, steps, out)


@kernel()
def _multiply_from(
    r: int, left: Array, count: int, across: int, along: int, right: Array, steps: int, out: Array
) -> None:
    """The same from row or column ``r`` on."""
    if right.shape[1] == _FOUR:
        while r + 8 <= count:
            _eight_of_four(left, r * across, across, along, right, steps, out, r)
            r += 8
        if r + 4 <= count:
            _four_of_four(left, r * across, across, along, right, steps, out, r)
            r += 4
        while r < count:
            _one_of_four(left, r * across, across, along, right, steps, out, r)
            r += 1
    else:
        while r + 8 <= count:
            _eight_of_eight(left, r * across, across, along, right, steps, out, r)
            r += 8
        if r + 4 <= count:
            _four_of_eight(left, r * across, across, along, right, steps, out, r)
            r += 4
        while r < count:
            _one_of_eight(left, r * across, across, along, right, steps, out, r)
            r += 1


@kernel()
def _multiply_and_ask(
    left: Array,
    count: int,
    across: int,
    along: int,
    right: Array,
    steps: int,
    out: Array,
    source: Array,
    ahead: int,
) -> None:
    """The same, while as many numbers of ``source`` from ``ahead`` on are asked for."""
    r = 0
    if right.shape[1] == _FOUR:
        while r + 8 <= count:
            _ask_eight_of_four(left, r * across, across, along, right, steps, out, r, source, ahead + r * steps)
            r += 8
    else:
        while r + 8 <= count:
            _ask_eight_of_eight(left, r * across, across, along, right, steps, out, r, source, ahead + r * steps)
            r += 8
    _multiply_from(r, left, count, across, along, right, steps, out)


def _wide(X: Array, start: int, stop: int, panel: Array) -> Array:
    """Rows ``start:stop`` as float64, one after the other: those of X itself, or a copy in ``panel``."""
    raise NotImplementedError  # compiled code has its own, for each type


@overload(_wide, strict=False)  # this one has types beside its arguments, those that it makes have none
def _wide_of_type(X: Any, start: Any, stop: Any, panel: Any) -> Any:  # noqa: ARG001
    if X.dtype == types.float64:
        return lambda X, start, stop, panel: X.reshape(X.size)[start * X.shape[1] : stop * X.shape[1]]  # noqa: ARG005

    def widen(X, start, stop, panel):  # type: ignore[no-untyped-def]
        source = X.reshape(X.size)[start * X.shape[1] : stop * X.shape[1]]
        for i in range(source.size):
            panel[i] = source[i]
        return panel

    return widen


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
def _sizes(columns: int, k: int) -> tuple[int, int, int]:
    """How many rows a panel has, a multiple of what tiles take at once; components in a tile; tiles for all of them."""
    height = max(_LEAST, min(_MOST, _PANEL // columns // 8 * 8))
    lanes = _FOUR if k <= _FOUR else _EIGHT
    return height, lanes, (k + lanes - 1) // lanes


@kernel()
def times(X: Array, basis: Array, out: Array) -> None:
    """Write ``basis X^T``, (k, rows), into ``out``; X (rows, columns) and basis (k, columns) in C order."""
    rows, columns = X.shape
    height, lanes, sides = _sizes(columns, basis.shape[0])
    bases = np.zeros((sides, columns, lanes))
    for side in range(sides):
        _side_by_side(basis, side * lanes, 0, columns, bases[side])
    source, panel, sums = X.reshape(X.size), np.empty(height * columns), np.zeros((height, lanes))
    for start in range(0, rows, height):
        stop = min(start + height, rows)
        wide = _wide(X, start, stop, panel)
        for side in range(sides):
            _multiply_and_ask(wide, stop - start, columns, 1, bases[side], columns, sums, source, stop * columns)
            _one_after_the_other(sums, side * lanes, start, stop, out)


@kernel()
def add_times(X: Array, factor: Array, out: Array) -> None:
    """Add ``factor X``, (k, columns), to ``out``; X (rows, columns) and factor (k, rows) in C order."""
    rows, columns = X.shape
    height, lanes, sides = _sizes(columns, factor.shape[0])
    source, panel, part = X.reshape(X.size), np.empty(height * columns), np.zeros((height, lanes))
    sums = np.zeros((sides, columns, lanes))
    for start in range(0, rows, height):
        stop = min(start + height, rows)
        wide = _wide(X, start, stop, panel)
        for side in range(sides):
            _side_by_side(factor, side * lanes, start, stop, part)
            _multiply_and_ask(wide, columns, 1, columns, part, stop - start, sums[side], source, stop * columns)
    _add(sums, out)


@kernel()
def _add(sums: Array, out: Array) -> None:
    """Add sums (sides, entries, lanes) to ``out`` (k, entries)."""
    sides, entries, lanes = sums.shape
    for side in range(sides):
        for lane in range(min(lanes, out.shape[0] - side * lanes)):
            for m in range(entries):
                out[side * lanes + lane, m] += sums[side, m, lane]


@kernel()
def descend_between(
    X: Array,
    basis: Array,
    shift: Array,
    gram: Array,
    sweeps: int,
    factor: Array,
    first: int,
    product: Array,
    square: Array,
) -> float:
    """Both products, and in between the sweeps of :func:`mffnb.kernels.hals.sweep_free`, while a panel is in the cache.

    Parameters
    ----------
    X, basis
        Rows, (rows, columns), and (k, columns), k at most twelve.
    shift, gram
        What is added to ``basis X^T``, (k,), and the steep gram, (k, k), of the quadratic that is brought down.
    sweeps
        How many.
    factor, first
        F (k, any), changed in place; the first row of X belongs to entry ``first``.
    product, square
        ``F X`` (k, columns) and ``F F^T`` (k, k) for these entries are added to them.

    Returns
    -------
    moved
        Squared change of the reconstruction of the first sweep.
    """
    (rows, columns), k = X.shape, basis.shape[0]
    height, lanes, sides = _sizes(columns, k)
    bases, shifts = np.zeros((sides, columns, lanes)), np.zeros((sides, 1, lanes))
    for side in range(sides):
        _side_by_side(basis, side * lanes, 0, columns, bases[side])
        _side_by_side(shift.reshape(k, 1), side * lanes, 0, 1, shifts[side])
    source, panel, sums = X.reshape(X.size), np.empty(height * columns), np.zeros((height, lanes))
    cross, part = np.empty((k, height)), np.zeros((sides, height, lanes))
    products, squares = np.zeros((sides, columns, lanes)), np.zeros((sides, sides, lanes, lanes))
    ratios, curvature = slopes(gram)
    moved = 0.0
    for start in range(0, rows, height):
        stop = min(start + height, rows)
        count, wide = stop - start, _wide(X, start, stop, panel)
        for side in range(sides):
            sums[:] = shifts[side]
            _multiply_and_ask(wide, count, columns, 1, bases[side], columns, sums, source, stop * columns)
            _one_after_the_other(sums, side * lanes, 0, count, cross)
        moved += sweep_few(factor, first + start, cross, count, ratios, curvature, sweeps)
        for side in range(sides):
            _side_by_side(factor, side * lanes, first + start, first + stop, part[side])
            _multiply(wide, columns, 1, columns, part[side], count, products[side])
            for other in range(side + 1):
                _multiply(part[other], lanes, 1, lanes, part[side], count, squares[side, other])
    _add(products, product)
    for j in range(k):
        for other in range(j + 1):
            total = squares[j // lanes, other // lanes, other % lanes, j % lanes]
            square[j, other] += total
            if other < j:
                square[other, j] += total
    return moved
