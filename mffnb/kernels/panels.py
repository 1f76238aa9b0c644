"""Products with a handful of rows, a panel of rows of X at a time, float64 in the cache.

Sums stay in registers, see :func:`mffnb.kernels.registers.strip`: over the channels, those of a few pixels for all
components, which lie side by side; over the pixels, those of a few components for eight channels. While a panel is
multiplied the next one is asked for, half of it in each product, so that memory is not waited for. Where coordinate
descent is all that happens between the two products, :func:`descend_between` makes them from one and the same panel.
For rows so long that a panel is beyond the caches see :mod:`mffnb.kernels.products`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

from mffnb.kernels.compile import kernel
from mffnb.kernels.hals import slopes, sweep_some
from mffnb.kernels.register_choice import strip
from mffnb.typing import Array

# Numbers of a panel, which stays in the second-level cache, and its least and most rows. Few rows cost the second
# product more, which begins and ends its sums with each panel.
_PANEL, _LEAST, _MOST = 9600, 16, 96
_FOUR, _EIGHT = 4, 8
# Registers hold the sums of so many rows of eight numbers, or of four, and what is multiplied.
_SIX, _TWELVE = 6, 12
_of_one, _of_four, _of_eight = strip(_SIX, 1), strip(_TWELVE, _FOUR), strip(_SIX, _EIGHT)


@kernel()
def _next(left: int, most: int) -> int:
    """How many of the rows that are left come next: all strips are about as high."""
    strips = (left + most - 1) // most
    return (left + strips - 1) // strips


@kernel()
def _add_entries(
    wide: Array, count: int, columns: int, base: Array, out: Array, source: Array, ahead: int, eighths: int
) -> None:
    """Add ``wide base``, (count, lanes), to ``out``.

    Meanwhile numbers of ``source`` from ``ahead`` on are asked for: so many eighths of those that ``wide`` has.
    """
    lanes = base.shape[1]
    r = 0
    while r < count:
        first, ask = r * columns, ahead + r * columns * eighths // 8
        if lanes == _FOUR:
            n = _next(count - r, _TWELVE)
            every = n * eighths // 8
            _of_four(n, wide, first, columns, 1, base, 0, lanes, columns, out, r * lanes, lanes, source, ask, every)
        else:
            n = _next(count - r, _SIX)
            every = n * eighths // 8
            _of_eight(n, wide, first, columns, 1, base, 0, lanes, columns, out, r * lanes, lanes, source, ask, every)
        r += n


@kernel()
def _add_rows(
    factor: Array, at: int, right: Array, pitch: int, count: int, out: Array, source: Array, ahead: int, eighths: int
) -> None:
    """Add ``factor[:, at : at + count] right``, (k, columns), to ``out``: a few components, eight channels at a time.

    Rows of ``right`` lie ``pitch`` apart. Meanwhile numbers of ``source`` are asked for as in :func:`_add_entries`.
    """
    (k, stride), columns = factor.shape, out.shape[1]
    j = 0
    while j < k:
        n, first, row = _next(k - j, _SIX), at + j * stride, j * columns
        c = 0
        while c + _EIGHT <= columns:
            ask = ahead + c * count * eighths // 8
            _of_eight(n, factor, first, stride, 1, right, c, pitch, count, out, row + c, columns, source, ask, eighths)
            c += _EIGHT
        if c + _FOUR <= columns:
            _of_four(n, factor, first, stride, 1, right, c, pitch, count, out, row + c, columns, source, ahead, 0)
            c += _FOUR
        while c < columns:
            _of_one(n, factor, first, stride, 1, right, c, pitch, count, out, row + c, columns, source, ahead, 0)
            c += 1
        j += n


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
            _add_entries(wide, stop - start, columns, bases[side], sums, source, stop * columns, 8)
            _one_after_the_other(sums, side * lanes, start, stop, out)


@kernel()
def add_times(X: Array, factor: Array, out: Array) -> None:
    """Add ``factor X``, (k, columns), to ``out``; X (rows, columns) and factor (k, rows) in C order."""
    rows, columns = X.shape
    height, _, _ = _sizes(columns, factor.shape[0])
    source, panel = X.reshape(X.size), np.empty(height * columns)
    products = np.zeros((factor.shape[0], columns))
    for start in range(0, rows, height):
        stop = min(start + height, rows)
        wide = _wide(X, start, stop, panel)
        _add_rows(factor, start, wide, columns, stop - start, products, source, stop * columns, 8)
    out += products


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
        Rows, (rows, columns), and (k, columns).
    shift, gram
        What is added to ``basis X^T``, (k,), and the gram, (k, k), of the quadratic that is brought down.
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
    cross, part = np.empty((k, height)), np.zeros((height, lanes))
    products, squares = np.zeros((k, columns)), np.zeros((sides, k, lanes))
    ratios, curvature = slopes(gram)
    moved = 0.0
    for start in range(0, rows, height):
        stop, at = min(start + height, rows), first + start
        count, wide = stop - start, _wide(X, start, stop, panel)
        for side in range(sides):
            sums[:] = shifts[side]
            _add_entries(wide, count, columns, bases[side], sums, source, stop * columns, 4)
            _one_after_the_other(sums, side * lanes, 0, count, cross)
        moved += sweep_some(factor, at, cross, count, ratios, curvature, sweeps)
        _add_rows(factor, at, wide, columns, count, products, source, stop * columns + count * columns // 2, 4)
        for side in range(sides):
            _side_by_side(factor, side * lanes, at, at + count, part)
            _add_rows(factor, at, part, lanes, count, squares[side], source, 0, 0)
    product += products
    for j in range(k):
        square[j] += squares[j // lanes, :, j % lanes]
    return moved
