"""Matrix products of X with few components, computed in panels of rows that stay in the cache as float64.

Partial sums stay in registers, see :func:`mffnb.kernels.registers.strip_product`: sums over channels for a few pixels
and all components, sums over pixels for a few components and eight channels. While one panel is multiplied, the next
one is prefetched, half of it in each product, so that the processor does not wait for memory. If the update between the
two products is pure coordinate descent, :func:`fused_descent` does all three steps on the same panel. Rows too long for
a panel in the cache are multiplied by :mod:`mffnb.kernels.products`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

from mffnb.kernels.compile import kernel
from mffnb.kernels.register_choice import strip_product
from mffnb.kernels.separate import INTEGER, MATRIX, READ_ONLY_BYTES, READ_ONLY_MATRIX, READ_ONLY_VECTOR, separate
from mffnb.kernels.uncoupled_sweeps import call_sweep, gram_ratios, sweep_kernel
from mffnb.typing import Array

# Size of a panel in float64 numbers, which fit the second-level cache, and its minimal and maximal number of rows. With
# few rows the second product is slower, because its sums begin and end with each panel.
_PANEL_NUMBERS, _MIN_HEIGHT, _MAX_HEIGHT = 9600, 16, 96
_FOUR, _EIGHT = 4, 8
_ZERO = np.int64(0)  # a literal 0 would compile what takes it once more
# Strips are groups of rows multiplied together: registers hold the sums of six rows of eight numbers or of twelve rows
# of four.
_ROWS_OF_8, _ROWS_OF_4 = 6, 12
_strip_1, _strip_4, _strip_8 = (
    strip_product(_ROWS_OF_8, 1),
    strip_product(_ROWS_OF_4, _FOUR),
    strip_product(_ROWS_OF_8, _EIGHT),
)


@kernel()
def _strip_height(left: int, most: int) -> int:
    """Return the number of rows of the next strip, such that the ``left`` rows form strips of nearly equal heights."""
    strips = (left + most - 1) // most
    return (left + strips - 1) // strips


@separate(
    types.void(READ_ONLY_VECTOR, INTEGER, INTEGER, MATRIX, MATRIX, READ_ONLY_BYTES, INTEGER, INTEGER),
)
def _add_channel_sums(
    wide: Array, count: int, columns: int, base: Array, out: Array, source: Array, prefetch: int, ahead: int
) -> None:
    """Add the product ``wide base``, (count, lanes), to ``out``: sums over the channels for some pixels.

    Meanwhile bytes of ``source`` are prefetched from ``prefetch`` on: ``ahead`` bytes for eight numbers of ``wide``.
    """
    lanes = base.shape[1]
    r = 0
    while r < count:
        first, fetch = r * columns, prefetch + r * columns * ahead // 8
        if lanes == _FOUR:
            n = _strip_height(count - r, _ROWS_OF_4)
            stride = n * ahead // 8
            _strip_4(n, wide, first, columns, 1, base, 0, lanes, columns, out, r * lanes, lanes, source, fetch, stride)
        else:
            n = _strip_height(count - r, _ROWS_OF_8)
            stride = n * ahead // 8
            _strip_8(n, wide, first, columns, 1, base, 0, lanes, columns, out, r * lanes, lanes, source, fetch, stride)
        r += n


@separate(
    types.void(
        READ_ONLY_MATRIX, INTEGER, READ_ONLY_VECTOR, INTEGER, INTEGER, MATRIX, READ_ONLY_BYTES, INTEGER, INTEGER
    ),
)
def _add_pixel_sums(
    factor: Array, at: int, right: Array, pitch: int, count: int, out: Array, source: Array, prefetch: int, ahead: int
) -> None:
    """Add ``factor[:, at : at + count] right``, (k, columns), to ``out``: sums over some pixels.

    Consecutive rows of ``right`` are ``pitch`` numbers apart. Prefetches as :func:`_add_channel_sums` does.
    """
    (k, stride), columns = factor.shape, out.shape[1]
    j = 0
    while j < k:
        n, first, row = _strip_height(k - j, _ROWS_OF_8), at + j * stride, j * columns
        c = 0
        while c + _EIGHT <= columns:
            fetch = prefetch + c * count * ahead // 8
            _strip_8(n, factor, first, stride, 1, right, c, pitch, count, out, row + c, columns, source, fetch, ahead)
            c += _EIGHT
        if c + _FOUR <= columns:
            _strip_4(n, factor, first, stride, 1, right, c, pitch, count, out, row + c, columns, source, prefetch, 0)
            c += _FOUR
        while c < columns:
            _strip_1(n, factor, first, stride, 1, right, c, pitch, count, out, row + c, columns, source, prefetch, 0)
            c += 1
        j += n


def _as_float64(X: Array, start: int, stop: int, panel: Array) -> Array:
    """Return the rows ``start:stop`` of X as a flat float64 array: a view of X, or a copy in ``panel``."""
    raise NotImplementedError  # compiled code uses the overload below


@overload(_as_float64, strict=False)  # numba passes types to this function, and values to the functions that it returns
def _as_float64_overload(X: Any, start: Any, stop: Any, panel: Any) -> Any:  # noqa: ARG001
    """Select the implementation of :func:`_as_float64` by the type of X when a kernel is compiled."""
    if X.dtype == types.float64:
        return lambda X, start, stop, panel: X.reshape(X.size)[start * X.shape[1] : stop * X.shape[1]]  # noqa: ARG005

    def widen(X, start, stop, panel):  # type: ignore[no-untyped-def]
        source = X.reshape(X.size)[start * X.shape[1] : stop * X.shape[1]]
        for i in range(source.size):
            panel[i] = source[i]
        return panel

    return widen


_call_channel_sums, _call_pixel_sums = _add_channel_sums.call, _add_pixel_sums.call


def _as_bytes(X: Array) -> Array:
    """Return the bytes of an array in C order, as a read-only view, for prefetching."""
    source = X.reshape(-1).view(np.uint8)
    source.flags.writeable = False
    return source


@kernel()
def _interleave(factor: Array, first: int, start: int, stop: int, out: Array) -> None:
    """Copy a tile of components, from ``first`` on, of the entries ``start:stop`` to ``out``, (entries, lanes)."""
    for lane in range(min(out.shape[1], factor.shape[0] - first)):
        row = factor[first + lane][start:stop]
        for i in range(row.size):
            out[i, lane] = row[i]


@kernel()
def _deinterleave(sums: Array, first: int, start: int, stop: int, out: Array) -> None:
    """Copy sums (entries, lanes) to a tile of components, from ``first`` on, of ``out``, and set the sums to zero."""
    for lane in range(min(sums.shape[1], out.shape[0] - first)):
        row = out[first + lane][start:stop]
        for i in range(row.size):
            row[i] = sums[i, lane]
    for i in range(stop - start):
        for lane in range(sums.shape[1]):
            sums[i, lane] = 0.0


@kernel()
def _panel_sizes(columns: int, k: int) -> tuple[int, int, int]:
    """Return the number of rows of a panel, of components in a tile (lanes), and of tiles."""
    height = max(_MIN_HEIGHT, min(_MAX_HEIGHT, _PANEL_NUMBERS // columns // 8 * 8))
    lanes = _FOUR if k <= _FOUR else _EIGHT
    return height, lanes, (k + lanes - 1) // lanes


def times(X: Array, basis: Array, out: Array) -> None:
    """Write ``basis X^T``, (k, rows), into ``out``; X (rows, columns) and basis (k, columns) in C order."""
    _times(X, _as_bytes(X), basis, out, _add_channel_sums.address)


@kernel()
def _times(X: Array, source: Array, basis: Array, out: Array, channel_sums: int) -> None:
    """Compute :func:`times`, given the bytes of X and the address of :func:`_add_channel_sums`."""
    rows, columns = X.shape
    height, lanes, tiles = _panel_sizes(columns, basis.shape[0])
    bases = np.zeros((tiles, columns, lanes))
    for tile in range(tiles):
        _interleave(basis, tile * lanes, _ZERO, columns, bases[tile])
    panel, sums = np.empty(height * columns), np.zeros((height, lanes))
    row_bytes, ahead = columns * X.itemsize, 8 * X.itemsize
    for start in range(0, rows, height):
        stop = min(start + height, rows)
        wide = _as_float64(X, start, stop, panel)
        for tile in range(tiles):
            numbers = (wide, stop - start, columns, bases[tile], sums, source, stop * row_bytes, ahead)
            _call_channel_sums(channel_sums, numbers)
            _deinterleave(sums, tile * lanes, start, stop, out)


def add_times(X: Array, factor: Array, out: Array) -> None:
    """Add ``factor X``, (k, columns), to ``out``; X (rows, columns) and factor (k, rows) in C order."""
    _add_times(X, _as_bytes(X), factor, out, _add_pixel_sums.address)


@kernel()
def _add_times(X: Array, source: Array, factor: Array, out: Array, pixel_sums: int) -> None:
    """Compute :func:`add_times`, given the bytes of X and the address of :func:`_add_pixel_sums`."""
    (rows, columns), k = X.shape, factor.shape[0]
    height, _, _ = _panel_sizes(columns, k)
    panel, products = np.empty(height * columns), np.zeros((k, columns))
    row_bytes, ahead = columns * X.itemsize, 8 * X.itemsize
    for start in range(0, rows, height):
        stop = min(start + height, rows)
        wide = _as_float64(X, start, stop, panel)
        numbers = (factor, start, wide, columns, stop - start, products, source, stop * row_bytes, ahead)
        _call_pixel_sums(pixel_sums, numbers)
    for j in range(k):
        for m in range(columns):
            out[j, m] += products[j, m]


def fused_descent(
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
    """Compute ``basis X^T``, update the factor F by coordinate descent, and add ``F X``, in one pass over X.

    Each panel of rows is multiplied, updated by :func:`mffnb.kernels.uncoupled_sweeps.sweep_kernel` and multiplied
    again while it is in the cache.

    Parameters
    ----------
    X, basis
        X (rows, columns), and the basis (k, columns), in C order.
    shift, gram
        Added to ``basis X^T``, (k,), and the Gram matrix (k, k) of the quadratic that is minimised.
    sweeps
        Number of sweeps of coordinate descent.
    factor, first
        F (k, any), changed in place; the first row of X belongs to entry ``first``.
    product, square
        ``F X`` (k, columns) and ``F F^T`` (k, k) for these entries are added to them.

    Returns
    -------
    moved
        Squared change of the reconstruction in the first sweep.
    """
    addresses = (_add_channel_sums.address, sweep_kernel(gram).address, _add_pixel_sums.address)
    source = _as_bytes(X)
    moved: float = _fused_descent(X, source, basis, shift, gram, sweeps, factor, first, product, square, addresses)
    return moved


@kernel()
def _fused_descent(
    X: Array,
    source: Array,
    basis: Array,
    shift: Array,
    gram: Array,
    sweeps: int,
    factor: Array,
    first: int,
    product: Array,
    square: Array,
    addresses: tuple[int, int, int],
) -> float:
    """Compute :func:`fused_descent`, given the bytes of X and the addresses of its three steps."""
    channel_sums, sweep, pixel_sums = addresses
    (rows, columns), k = X.shape, basis.shape[0]
    height, lanes, tiles = _panel_sizes(columns, k)
    bases, shifts = np.zeros((tiles, columns, lanes)), np.zeros((tiles, lanes))
    for tile in range(tiles):
        _interleave(basis, tile * lanes, _ZERO, columns, bases[tile])
    for j in range(k):
        shifts[j // lanes, j % lanes] = shift[j]
    panel, sums = np.empty(height * columns), np.zeros((height, lanes))
    cross, part = np.empty((k, height)), np.zeros((height, lanes))
    products, squares = np.zeros((k, columns)), np.zeros((tiles, k, lanes))
    ratios, curvature = gram_ratios(gram)
    row_bytes, ahead = columns * X.itemsize, 4 * X.itemsize
    moved = 0.0
    for start in range(0, rows, height):
        stop, at = min(start + height, rows), first + start
        count, wide, fetch = stop - start, _as_float64(X, start, stop, panel), stop * row_bytes
        for tile in range(tiles):
            for i in range(height):
                for lane in range(lanes):
                    sums[i, lane] = shifts[tile, lane]
            _call_channel_sums(channel_sums, (wide, count, columns, bases[tile], sums, source, fetch, ahead))
            _deinterleave(sums, tile * lanes, _ZERO, count, cross)
        moved += call_sweep(sweep, (factor, at, cross, count, ratios, curvature, sweeps))
        fetch += count * row_bytes // 2
        _call_pixel_sums(pixel_sums, (factor, at, wide, columns, count, products, source, fetch, ahead))
        for tile in range(tiles):
            _interleave(factor, tile * lanes, at, at + count, part)
            numbers = (factor, at, part.reshape(part.size), lanes, count, squares[tile], source, _ZERO, _ZERO)
            _call_pixel_sums(pixel_sums, numbers)
    for j in range(k):
        for m in range(columns):
            product[j, m] += products[j, m]
        for other in range(k):
            square[j, other] += squares[j // lanes, other, j % lanes]
    return moved
