"""Matrix products of X with few components, computed in panels of rows that stay in the cache as float64.

Partial sums stay in registers, see :func:`mffnb.kernels.registers.strip_product`: sums over channels for a few pixels
and all components, sums over pixels for a few components and eight channels. While one panel is multiplied, the next
one is prefetched, half of it in each product, so that the processor does not wait for memory. If the update between the
two products is pure coordinate descent, :func:`fused_descent` does all three steps on the same panel.

Only :func:`widening` depends on the type of X: the other kernels take the bytes of X, for prefetching, and float64
numbers. Python allocates all arrays, because an allocation inside a kernel takes long to compile.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numba import from_dtype, types

from mffnb.kernels.compile import kernel
from mffnb.kernels.contiguous import read_only_view
from mffnb.kernels.register_choice import strip_product
from mffnb.kernels.separate import (
    INTEGER,
    MATRIX,
    READ_ONLY_BYTES,
    READ_ONLY_MATRIX,
    READ_ONLY_VECTOR,
    VECTOR,
    SeparateKernel,
    caller,
    separate,
)
from mffnb.kernels.uncoupled_sweeps import call_sweep, gram_ratios, sweep_kernel, sweep_workspace
from mffnb.typing import Array

# Size of a panel in float64 numbers, which fit the second-level cache, and its minimal and maximal number of rows. With
# few rows the second product is slower, because its sums begin and end with each panel.
_PANEL_NUMBERS, _MIN_HEIGHT, _MAX_HEIGHT = 9600, 16, 96
_FOUR, _EIGHT = 4, 8
# Strips are groups of rows multiplied together: registers hold the sums of six rows of eight numbers or of twelve rows
# of four. Code is compiled for each height, so sums over channels, which have many rows, take few heights of twelve.
_ROWS_OF_8, _ROWS_OF_4 = np.int64(6), np.int64(12)  # a literal would compile what takes it once more
_ANY_HEIGHT, _FEW_HEIGHTS = (1, 2, 3, 4, 5, 6), (1, 4, 8, 12)
_strip_1, _strip_4, _strip_8 = (strip_product(_ANY_HEIGHT, lanes) for lanes in (1, 4, 8))
_tall_strip_4 = strip_product(_FEW_HEIGHTS, 4)


@kernel(internal=True)
def _strip_height(left: int, most: int) -> int:
    """Return the number of rows of the next strip, such that the ``left`` rows form strips of nearly equal heights."""
    strips = (left + most - 1) // most
    return (left + strips - 1) // strips


@separate(
    types.void(
        *(READ_ONLY_VECTOR, INTEGER, INTEGER, INTEGER, VECTOR, INTEGER, INTEGER, VECTOR),
        *(READ_ONLY_BYTES, INTEGER, INTEGER),
    )
)
def _add_channel_sums(
    wide: Array,
    begin: int,
    count: int,
    columns: int,
    bases: Array,
    base: int,
    lanes: int,
    out: Array,
    source: Array,
    prefetch: int,
    ahead: int,
) -> None:
    """Add the product of ``count`` rows of ``wide`` and a tile of components to ``out``, (count, lanes).

    The rows (columns,) begin at number ``begin``, the tile (columns, lanes) at number ``base`` of ``bases``. Meanwhile
    bytes of ``source`` are prefetched from ``prefetch`` on: ``ahead`` bytes for eight numbers of ``wide``.
    """
    r = 0
    while r < count:
        left, row, fetch = count - r, begin + r * columns, prefetch + r * columns * ahead // 8
        if lanes == _FOUR:
            n = _strip_height(left, _ROWS_OF_4)
            n = n - n % 4 if n >= _FOUR else 1
            stride = n * ahead // 8
            _tall_strip_4(
                n, wide, row, columns, 1, bases, base, lanes, columns, out, r * lanes, lanes, source, fetch, stride
            )
        else:
            n = _strip_height(left, _ROWS_OF_8)
            stride = n * ahead // 8
            _strip_8(
                n, wide, row, columns, 1, bases, base, lanes, columns, out, r * lanes, lanes, source, fetch, stride
            )
        r += n


@separate(
    types.void(
        *(READ_ONLY_MATRIX, INTEGER, READ_ONLY_VECTOR, INTEGER, INTEGER, INTEGER, VECTOR, INTEGER),
        *(READ_ONLY_BYTES, INTEGER, INTEGER),
    )
)
def _add_pixel_sums(
    factor: Array,
    at: int,
    right: Array,
    begin: int,
    columns: int,
    count: int,
    out: Array,
    place: int,
    source: Array,
    prefetch: int,
    ahead: int,
) -> None:
    """Add ``factor[:, at : at + count] right``, (k, columns), to ``out``: sums over some pixels.

    ``right`` (count, columns) begins at number ``begin``, and ``out`` (k, columns) at number ``place``.
    Prefetches as :func:`_add_channel_sums` does.
    """
    k, stride = factor.shape
    j = 0
    while j < k:
        n, first, row = _strip_height(k - j, _ROWS_OF_8), at + j * stride, place + j * columns
        c = 0
        while c + _EIGHT <= columns:
            fetch = prefetch + c * count * ahead // 8
            _strip_8(
                n,
                factor,
                first,
                stride,
                1,
                right,
                begin + c,
                columns,
                count,
                out,
                row + c,
                columns,
                source,
                fetch,
                ahead,
            )
            c += _EIGHT
        if c + _FOUR <= columns:
            _strip_4(
                n,
                factor,
                first,
                stride,
                1,
                right,
                begin + c,
                columns,
                count,
                out,
                row + c,
                columns,
                source,
                prefetch,
                0,
            )
            c += _FOUR
        while c < columns:
            _strip_1(
                n,
                factor,
                first,
                stride,
                1,
                right,
                begin + c,
                columns,
                count,
                out,
                row + c,
                columns,
                source,
                prefetch,
                0,
            )
            c += 1
        j += n


@separate(types.void(READ_ONLY_MATRIX, INTEGER, INTEGER, INTEGER, INTEGER, VECTOR, INTEGER))
def _interleave(factor: Array, first: int, start: int, count: int, lanes: int, out: Array, at: int) -> None:
    """Copy a tile of components, from ``first`` on, of ``count`` entries to ``out``, (count, lanes) from ``at`` on."""
    for lane in range(min(lanes, factor.shape[0] - first)):
        row = factor[first + lane][start : start + count]
        for i in range(row.size):
            out[at + i * lanes + lane] = row[i]


@separate(types.void(VECTOR, INTEGER, INTEGER, INTEGER, INTEGER, MATRIX))
def _deinterleave(sums: Array, lanes: int, first: int, start: int, count: int, out: Array) -> None:
    """Move sums (count, lanes) to a tile of components, from ``first`` on, of ``out``; they are zero afterwards."""
    for lane in range(min(lanes, out.shape[0] - first)):
        row = out[first + lane][start : start + count]
        for i in range(row.size):
            row[i] = sums[i * lanes + lane]
    for i in range(count * lanes):
        sums[i] = 0.0


@cache
def widening(kind: str) -> SeparateKernel:
    """Return the kernel that copies numbers of the type ``kind`` to a panel of float64 numbers.

    ``widen(X, begin, panel, count)`` copies ``count`` numbers from index ``begin`` on; X is flat. Another kernel may
    pass the bytes of X, because an array is passed by its address.
    """
    numbers = types.Array(from_dtype(np.dtype(kind)), 1, "C", readonly=True)

    @separate(types.void(numbers, INTEGER, VECTOR, INTEGER), name=f"widen_{kind}")
    def widen(X: Array, begin: int, panel: Array, count: int) -> None:
        row = X[begin : begin + count]
        for i in range(row.size):
            panel[i] = row[i]

    return widen


_call_widen = caller(types.void(READ_ONLY_BYTES, INTEGER, VECTOR, INTEGER))
_call_channel_sums, _call_pixel_sums = _add_channel_sums.call, _add_pixel_sums.call
_call_interleave, _call_deinterleave = _interleave.call, _deinterleave.call


class _Source(NamedTuple):
    """A matrix X (rows, columns) in panels, as the kernels below take it."""

    wide: Array  # read-only: X itself, or the panel that parts of it are copied to
    panel: Array
    source: Array  # bytes of X, for copies and prefetching
    widen: int  # address of the kernel that copies, or 0
    sizes: tuple[int, int, int, int]  # rows and columns of X, rows of a panel, bytes of eight numbers

    @classmethod
    def of(cls, X: Array) -> _Source:
        (rows, columns), flat = X.shape, X.reshape(-1)
        height = max(_MIN_HEIGHT, min(_MAX_HEIGHT, _PANEL_NUMBERS // max(columns, 1) // 8 * 8))
        source, sizes = read_only_view(flat.view(np.uint8)), (rows, columns, height, 8 * X.itemsize)
        if X.dtype == np.float64:
            return cls(read_only_view(flat), np.empty(0), source, 0, sizes)
        panel = np.empty(height * columns)
        return cls(read_only_view(panel), panel, source, widening(X.dtype.name).address, sizes)


def _tiles(k: int) -> tuple[int, int]:
    """Return the number of components in a tile (lanes), and the number of tiles."""
    lanes = _FOUR if k <= _FOUR else _EIGHT
    return lanes, (k + lanes - 1) // lanes


def times(X: Array, basis: Array, out: Array) -> None:
    """Write ``basis X^T``, (k, rows), into ``out``; X (rows, columns) and basis (k, columns) in C order."""
    source, (lanes, tiles) = _Source.of(X), _tiles(len(basis))
    bases, sums = np.zeros(tiles * X.shape[1] * lanes), np.zeros(source.sizes[2] * lanes)
    addresses = source.widen, _interleave.address, _add_channel_sums.address, _deinterleave.address
    _times(*source[:3], source.sizes, read_only_view(basis), lanes, bases, sums, out, addresses)


@kernel()
def _times(
    wide: Array,
    panel: Array,
    source: Array,
    sizes: tuple[int, ...],
    basis: Array,
    lanes: int,
    bases: Array,
    sums: Array,
    out: Array,
    addresses: tuple[int, ...],
) -> None:
    """Compute :func:`times`, given arrays for a panel, the interleaved basis and the sums of a panel."""
    rows, columns, height, ahead = sizes
    widen, interleave, channel_sums, deinterleave = addresses
    k = basis.shape[0]
    for first in range(0, k, lanes):
        _call_interleave(interleave, (basis, first, 0, columns, lanes, bases, first * columns))
    for start in range(0, rows, height):
        count, at = min(height, rows - start), start * columns
        fetch = (at + height * columns) * ahead // 8
        if widen != 0:
            _call_widen(widen, (source, at, panel, count * columns))
            at = 0
        for first in range(0, k, lanes):
            _call_channel_sums(
                channel_sums, (wide, at, count, columns, bases, first * columns, lanes, sums, source, fetch, ahead)
            )
            _call_deinterleave(deinterleave, (sums, lanes, first, start, count, out))


def add_times(X: Array, factor: Array, out: Array) -> None:
    """Add ``factor X``, (k, columns), to ``out``; X (rows, columns) and factor (k, rows) in C order."""
    source, products = _Source.of(X), np.zeros(out.shape)
    addresses = source.widen, _add_pixel_sums.address
    _add_times(*source[:3], source.sizes, read_only_view(factor), products.reshape(-1), addresses)
    out += products


@kernel()
def _add_times(
    wide: Array,
    panel: Array,
    source: Array,
    sizes: tuple[int, ...],
    factor: Array,
    products: Array,
    addresses: tuple[int, ...],
) -> None:
    """Compute :func:`add_times`: add to ``products``, flat, given an array for a panel."""
    rows, columns, height, ahead = sizes
    widen, pixel_sums = addresses
    for start in range(0, rows, height):
        count, at = min(height, rows - start), start * columns
        fetch = (at + height * columns) * ahead // 8
        if widen != 0:
            _call_widen(widen, (source, at, panel, count * columns))
            at = 0
        _call_pixel_sums(pixel_sums, (factor, start, wide, at, columns, count, products, 0, source, fetch, ahead))


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
    source, k, columns = _Source.of(X), len(basis), X.shape[1]
    (lanes, tiles), height = _tiles(k), source.sizes[2]
    shifts, work = np.zeros(tiles * lanes), np.zeros(tiles * columns * lanes + 2 * height * lanes)
    shifts[:k] = shift
    cross, products, squares = np.empty((k, height)), np.zeros((k, columns)), np.zeros((tiles, k, lanes))
    addresses = (
        *(source.widen, _interleave.address, _add_channel_sums.address, _deinterleave.address),
        *(sweep_kernel(gram).address, _add_pixel_sums.address),
    )
    bases, part, sums = (
        work[: -2 * height * lanes],
        work[-2 * height * lanes : -height * lanes],
        work[-height * lanes :],
    )
    moved: float = _fused_descent(
        *source[:3],
        source.sizes,
        read_only_view(basis),
        lanes,
        bases,
        shifts,
        sums,
        cross,
        (*gram_ratios(gram), sweep_workspace(k)),
        sweeps,
        factor,
        first,
        part,
        products.reshape(-1),
        squares.reshape(-1),
        addresses,
    )
    product += products
    square += squares.transpose(0, 2, 1).reshape(tiles * lanes, k)[:k]
    return moved


@kernel()
def _fused_descent(
    wide: Array,
    panel: Array,
    source: Array,
    sizes: tuple[int, ...],
    basis: Array,
    lanes: int,
    bases: Array,
    shifts: Array,
    sums: Array,
    cross: Array,
    quadratic: tuple[Array, Array, Array],
    sweeps: int,
    factor: Array,
    first: int,
    part: Array,
    products: Array,
    squares: Array,
    addresses: tuple[int, ...],
) -> float:
    """Compute :func:`fused_descent`, given all arrays: results are added to ``products`` and ``squares``, flat."""
    rows, columns, height, eight = sizes
    widen, interleave, channel_sums, deinterleave, sweep, pixel_sums = addresses
    ratios, curvature, workspace = quadratic
    k, ahead, moved = basis.shape[0], eight // 2, 0.0
    for tile in range(0, k, lanes):
        _call_interleave(interleave, (basis, tile, 0, columns, lanes, bases, tile * columns))
    for start in range(0, rows, height):
        count, at, entry = min(height, rows - start), start * columns, first + start
        fetch = (at + height * columns) * eight // 8
        if widen != 0:
            _call_widen(widen, (source, at, panel, count * columns))
            at = 0
        for tile in range(0, k, lanes):
            for i in range(count):
                for lane in range(lanes):
                    sums[i * lanes + lane] = shifts[tile + lane]
            _call_channel_sums(
                channel_sums,
                (wide, at, count, columns, bases, tile * columns, lanes, sums, source, fetch, ahead),
            )
            _call_deinterleave(deinterleave, (sums, lanes, tile, 0, count, cross))
        moved += call_sweep(sweep, (factor, entry, cross, count, ratios, curvature, sweeps, workspace))
        fetch += count * columns * ahead // 8
        _call_pixel_sums(
            pixel_sums,
            (factor, entry, wide, at, columns, count, products, 0, source, fetch, ahead),
        )
        for tile in range(0, k, lanes):
            _call_interleave(interleave, (factor, tile, entry, count, lanes, part, 0))
            _call_pixel_sums(
                pixel_sums,
                (factor, entry, part, 0, lanes, count, squares, tile * k, source, 0, 0),
            )
    return moved
