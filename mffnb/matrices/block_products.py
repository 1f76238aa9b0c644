"""Products with a block of rows, whatever it is made of: where each kind of array meets its kernel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, cast

import numpy as np

from mffnb.kernels import panels, products, sparse_products
from mffnb.protocols.matrix import Descent, KnownMove, Move
from mffnb.typing import Array, Float64Array

#: Types that kernels read as they are; others are widened block by block.
NATIVE = frozenset(np.dtype(kind) for kind in (np.float64, np.float32, np.uint8, np.uint16))
# With more components than this BLAS, which has larger tiles, is faster: benchmark speed.kernels.
_HANDFUL = 24
# Rows of at most so many columns are faster in panels, which stay in the second-level cache: benchmark speed.kernels.
_SHORT = 2048
_FOUR, _EIGHT = 4, 8


class CompressedRows(NamedTuple):
    """A block of compressed rows: ``indptr`` of these rows, counting from the beginning of ``indices`` and ``data``."""

    indptr: Array
    indices: Array
    data: Array
    columns: int


def times(block: Any, basis: Float64Array) -> Float64Array:
    """``basis block^T``, (k, rows), of a block (rows, columns): an array, or compressed rows."""
    if isinstance(block, CompressedRows):
        return _sparse_times(block, basis)
    if block.dtype == np.float64 and for_blas(basis):
        product: Float64Array = basis @ block.T
        return product
    out = np.zeros((len(basis), block.shape[0]))
    if block.flags.c_contiguous:
        _kernels(block).times(looked_at(block), looked_at(basis), out)
    else:
        _kernels(block.T).add_times(looked_at(block.T), looked_at(basis), out)
    return out


def add_times(block: Any, factor: Float64Array, out: Float64Array) -> None:
    """Add ``factor block``, (k, columns), to ``out``, for a factor (k, rows)."""
    if isinstance(block, CompressedRows):
        _add_sparse_times(block, factor, out)
    elif block.dtype == np.float64 and for_blas(factor):
        out += factor @ block
    elif block.flags.c_contiguous:
        _kernels(block).add_times(looked_at(block), looked_at(factor), out)
    else:
        turned = np.empty(out.shape)
        _kernels(block.T).times(looked_at(block.T), looked_at(factor), turned)
        out += turned


def through(block: Any, basis: Float64Array, rows: slice, move: Move, out: Float64Array) -> None:
    """Add ``factor block`` to ``out`` for the factor that ``move`` makes of ``basis block^T`` for these rows of X."""
    descent: Descent | None = getattr(move, "descent", None)  # isinstance of a protocol takes as long as a small block
    if descent is not None and _descends(block, descent):
        known, square = cast("KnownMove", move), np.zeros_like(descent.gram)
        known.begin(rows)
        parts = looked_at(descent.scale * basis), looked_at(descent.shift), looked_at(descent.gram), descent.sweeps
        moved = panels.descend_between(looked_at(block), *parts, descent.factor, rows.start, out, square)
        known.made(rows, moved, square)
    else:
        add_times(block, move(rows, times(block, basis)), out)


def _descends(block: Any, descent: Descent) -> bool:
    """Whether kernels can make the move between their two products."""
    rows = isinstance(block, np.ndarray) and block.flags.c_contiguous and block.shape[1] <= _SHORT
    return rows and not for_blas(descent.gram)


def native(block: Array) -> Array:
    """The block as kernels take it: contiguous, in a type that they know; itself if it is that already."""
    if block.dtype not in NATIVE or not block.flags.aligned or not block.dtype.isnative:
        block = block.astype(np.float64)
    return block if block.flags.c_contiguous or block.flags.f_contiguous else np.ascontiguousarray(block)


def _kernels(block: Array) -> Any:
    """Those for rows of this length."""
    return panels if block.shape[1] <= _SHORT else products


def _sparse_times(block: CompressedRows, basis: Float64Array) -> Float64Array:
    out = np.empty((len(basis), block.indptr.size - 1))
    for first, tile in _tiles(len(basis)):
        part = basis[first : first + tile]
        padded = np.zeros((block.columns, tile))
        padded[:, : len(part)] = part.T
        product = np.empty((tile, out.shape[1]))
        times = sparse_products.times_four if tile == _FOUR else sparse_products.times_eight
        times(*block[:3], padded, product)
        out[first : first + tile] = product[: len(part)]
    return out


def _add_sparse_times(block: CompressedRows, factor: Float64Array, out: Float64Array) -> None:
    for first, tile in _tiles(len(factor)):
        part = factor[first : first + tile]
        padded = np.zeros((tile, part.shape[1]))
        padded[: len(part)] = part
        product = np.zeros((block.columns, tile))
        add_times = sparse_products.add_times_four if tile == _FOUR else sparse_products.add_times_eight
        add_times(*block[:3], padded, product)
        out[first : first + tile] += product[:, : len(part)].T


def _tiles(k: int) -> Iterator[tuple[int, int]]:
    """Where each tile of components begins, and whether it takes four or eight."""
    for first in range(0, k, _EIGHT):
        yield first, _FOUR if k - first <= _FOUR else _EIGHT


def for_blas(factor: Float64Array) -> bool:
    """Whether a factor (k, any) has so many rows that BLAS is faster."""
    return len(factor) > _HANDFUL


def looked_at(array: Array) -> Array:
    """A view in C order that cannot be written to, so that kernels are compiled once for all arrays of a type."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view
