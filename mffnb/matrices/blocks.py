"""Products with a block of rows, whatever it is made of: where each kind of array meets its kernel."""

from __future__ import annotations

from typing import Any

import numpy as np

from mffnb.kernels import products
from mffnb.typing import Array, Float64Array

#: Types that kernels read as they are; others are widened block by block.
NATIVE = frozenset(np.dtype(kind) for kind in (np.float64, np.float32, np.uint8, np.uint16))
# With more components than this BLAS, which has larger tiles, is faster: benchmarks/kernels.py.
_HANDFUL = 12


def times(block: Any, basis: Float64Array) -> Float64Array:
    """``basis block^T``, (k, rows), of a block (rows, columns): an array, or CSR."""
    if not isinstance(block, np.ndarray):
        return np.ascontiguousarray((block @ basis.T).T, dtype=np.float64)
    if _for_blas(block, basis):
        product: Float64Array = basis @ block.T
        return product
    out = np.zeros((len(basis), block.shape[0]))
    if block.flags.c_contiguous:
        products.times(_looked_at(block), _looked_at(basis), out)
    else:
        products.add_times(_looked_at(block.T), _looked_at(basis), out)
    return out


def add_times(block: Any, factor: Float64Array, out: Float64Array) -> None:
    """Add ``factor block``, (k, columns), to ``out``, for a factor (k, rows)."""
    if not isinstance(block, np.ndarray):
        out += (block.T @ factor.T).T
    elif _for_blas(block, factor):
        out += factor @ block
    elif block.flags.c_contiguous:
        products.add_times(_looked_at(block), _looked_at(factor), out)
    else:
        turned = np.empty(out.shape)
        products.times(_looked_at(block.T), _looked_at(factor), turned)
        out += turned


def native(block: Array) -> Array:
    """The block as kernels take it: contiguous, in a type that they know; itself if it is that already."""
    if block.dtype not in NATIVE or not block.flags.aligned or not block.dtype.isnative:
        block = block.astype(np.float64)
    return block if block.flags.c_contiguous or block.flags.f_contiguous else np.ascontiguousarray(block)


def _for_blas(block: Array, factor: Float64Array) -> bool:
    return len(factor) > _HANDFUL and block.dtype == np.float64


def _looked_at(array: Array) -> Array:
    """A view in C order that cannot be written to, so that kernels are compiled once for all arrays of a type."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view
