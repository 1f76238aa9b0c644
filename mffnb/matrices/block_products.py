"""Products of one block of rows with a factor: selects the kernel for the type of the block."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, cast

import numpy as np

from mffnb.kernels import panels
from mffnb.kernels.contiguous import read_only_view
from mffnb.kernels.register_choice import PLAIN
from mffnb.kernels.tiers import numpy_steps
from mffnb.kernels.tiers.tier import on_numpy_steps
from mffnb.protocols.row_update import Descent, KnownMove, Move
from mffnb.typing import Array, Float64Array

if not PLAIN:  # both are written as LLVM instructions
    from mffnb.kernels import products, sparse_products

#: Types of numbers that kernels read directly; blocks of other types are converted one by one.
NATIVE = frozenset(np.dtype(kind) for kind in (np.float64, np.float32, np.uint8, np.uint16))
# Largest number of components for which the kernels are faster than BLAS, whose tiles are larger:
# benchmark speed.kernels.
_MAX_KERNEL_COMPONENTS = 24
# Length of the longest rows for which kernels that use panels in the second-level cache are faster: benchmark
# speed.kernels.
_MAX_PANEL_COLUMNS = 2048
# Largest number of components for which kernels that read narrow numbers (float32, counts of one or two bytes) are
# faster than BLAS on a converted copy of some rows, and the size of this copy. With 48 components, an iteration on
# 8192 x 1535 counts of one byte took 103 ms by the kernels, 91 ms by converted rows, and 87 ms on stored float64.
_MAX_NARROW_COMPONENTS, _CONVERTED_NUMBERS = 32, 2**19
_FOUR, _EIGHT = 4, 8


class CompressedRows(NamedTuple):
    """A block of compressed sparse rows; ``indptr`` holds offsets into the whole of ``indices`` and ``data``."""

    indptr: Array
    indices: Array
    data: Array
    columns: int


def times(block: Any, basis: Float64Array) -> Float64Array:
    """Compute ``basis block^T``, (k, rows), for a block of rows (rows, columns): an array or compressed rows."""
    if isinstance(block, CompressedRows):
        return numpy_steps.sparse_times(block, basis) if PLAIN or on_numpy_steps() else _sparse_times(block, basis)
    if on_numpy_steps():
        return numpy_steps.times(block, basis)
    if block.dtype == np.float64 and blas_is_faster(basis):
        product: Float64Array = basis @ block.T
        return product
    out = np.zeros((len(basis), block.shape[0]))
    if _is_converted(block, basis):
        for rows, part in _converted(block):
            out[:, rows] = basis @ part.T
    elif block.flags.c_contiguous:
        _kernels(block).times(read_only_view(block), read_only_view(basis), out)
    else:
        _kernels(block.T).add_times(read_only_view(block.T), read_only_view(basis), out)
    return out


def add_times(block: Any, factor: Float64Array, out: Float64Array) -> None:
    """Add ``factor block``, (k, columns), to ``out``, for a factor (k, rows)."""
    if isinstance(block, CompressedRows):
        add = numpy_steps.add_sparse_times if PLAIN or on_numpy_steps() else _add_sparse_times
        add(block, factor, out)
    elif on_numpy_steps():
        numpy_steps.add_times(block, factor, out)
    elif block.dtype == np.float64 and blas_is_faster(factor):
        out += factor @ block
    elif _is_converted(block, factor):
        for rows, part in _converted(block):
            out += factor[:, rows] @ part
    elif block.flags.c_contiguous:
        _kernels(block).add_times(read_only_view(block), read_only_view(factor), out)
    else:
        transposed_product = np.empty(out.shape)
        _kernels(block.T).times(read_only_view(block.T), read_only_view(factor), transposed_product)
        out += transposed_product


def fused_products(block: Any, basis: Float64Array, rows: slice, move: Move, out: Float64Array) -> None:
    """Compute ``basis block^T``, update the factor of these rows by ``move``, and add ``factor block`` to ``out``.

    If the update is pure coordinate descent and the rows are short, one kernel does all three steps in one pass over
    the block.
    """
    descent: Descent | None = getattr(move, "descent", None)  # isinstance of a protocol is too slow for small blocks
    if descent is not None and _descends(block, descent):
        known, square = cast("KnownMove", move), np.zeros_like(descent.gram)
        known.begin(rows)
        parts = (
            read_only_view(descent.scale * basis),
            descent.shift,
            descent.gram,
            descent.sweeps,
        )
        moved = panels.fused_descent(read_only_view(block), *parts, descent.factor, rows.start, out, square)
        known.record(rows, moved, square)
    elif isinstance(block, np.ndarray) and not on_numpy_steps() and _is_converted(block, basis):
        for some, part in _converted(block):  # one conversion serves both products
            out += move(slice(rows.start + some.start, rows.start + some.stop), basis @ part.T) @ part
    else:
        add_times(block, move(rows, times(block, basis)), out)


def _descends(block: Any, descent: Descent) -> bool:
    """Return whether :func:`mffnb.kernels.panels.fused_descent` supports this block and this number of components."""
    rows = isinstance(block, np.ndarray) and block.flags.c_contiguous and block.shape[1] <= _MAX_PANEL_COLUMNS
    if not rows or on_numpy_steps():
        return False
    # BLAS reads float64 only: for the other types the copy to a panel serves both products.
    return not (_is_converted(block, descent.gram) or (block.dtype == np.float64 and blas_is_faster(descent.gram)))


def native(block: Array) -> Array:
    """Return a block as a contiguous array of a type that kernels read, without a copy if it is one already."""
    if block.dtype not in NATIVE or not block.flags.aligned or not block.dtype.isnative:
        block = block.astype(np.float64)
    return block if block.flags.c_contiguous or block.flags.f_contiguous else np.ascontiguousarray(block)


def _kernels(block: Array) -> Any:
    """Return the module of kernels that is fastest for rows of the length of this block."""
    return panels if PLAIN or block.shape[1] <= _MAX_PANEL_COLUMNS else products


def _sparse_times(block: CompressedRows, basis: Float64Array) -> Float64Array:
    """Compute ``basis block^T`` of compressed rows, four or eight components at a time."""
    out = np.empty((len(basis), block.indptr.size - 1))
    for first, tile in _tiles(len(basis)):
        part = basis[first : first + tile]
        padded = np.zeros((block.columns, tile))
        padded[:, : len(part)] = part.T
        product = np.empty((tile, out.shape[1]))
        sparse_products.times(*block[:3], padded, product)
        out[first : first + tile] = product[: len(part)]
    return out


def _add_sparse_times(block: CompressedRows, factor: Float64Array, out: Float64Array) -> None:
    """Add ``factor block`` of compressed rows to ``out``, four or eight components at a time."""
    for first, tile in _tiles(len(factor)):
        part = factor[first : first + tile]
        padded = np.zeros((tile, part.shape[1]))
        padded[: len(part)] = part
        product = np.zeros((block.columns, tile))
        sparse_products.add_times(*block[:3], padded, product)
        out[first : first + tile] += product[:, : len(part)].T


def _tiles(k: int) -> Iterator[tuple[int, int]]:
    """Yield the first component and the size, four or eight, of each tile of components."""
    for first in range(0, k, _EIGHT):
        yield first, _FOUR if k - first <= _FOUR else _EIGHT


def _is_converted(block: Array, factor: Float64Array) -> bool:
    """Return whether rows of narrow numbers are multiplied by BLAS after a conversion to float64."""
    return block.dtype != np.float64 and len(factor) > _MAX_NARROW_COMPONENTS


def _converted(block: Array) -> Iterator[tuple[slice, Float64Array]]:
    """Yield groups of rows of a block as float64, of a size that stays in the last-level cache for both products."""
    step = max(1, _CONVERTED_NUMBERS // max(1, block.shape[1]))
    for start in range(0, block.shape[0], step):
        rows = slice(start, min(start + step, block.shape[0]))
        yield rows, block[rows].astype(np.float64)


def blas_is_faster(factor: Float64Array) -> bool:
    """Return whether a factor (k, any) has so many components that BLAS is faster than the kernels."""
    return len(factor) > _MAX_KERNEL_COMPONENTS
