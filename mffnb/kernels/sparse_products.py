"""Products of compressed sparse rows (CSR) with four or eight components at a time.

The dense factor is stored as ``(columns, 4)`` or ``(columns, 8)``, so that the values needed for one stored entry are
contiguous. A block of rows is given by its part of ``indptr``, whose offsets refer to the whole of ``indices`` and
``data``: such a block is a view. ``data`` may have any real type; sums are float64. Locating an entry costs as much as
a few components, so eight at once are cheaper than twice four.
"""

from __future__ import annotations

import numpy as np

from mffnb.kernels.compile import kernel
from mffnb.typing import Array

_MATH = {"contract"}


@kernel(fastmath=_MATH)
def times_four(indptr: Array, indices: Array, data: Array, basis: Array, out: Array) -> None:
    """Multiply sparse rows by four columns: write ``X basis``, for ``basis`` (columns, 4), into ``out`` (4, rows)."""
    for i in range(indptr.size - 1):
        a = b = c = d = 0.0
        for entry in range(np.uint64(indptr[i]), np.uint64(indptr[i + 1])):
            x, m = data[entry], np.uint64(indices[entry])  # unsigned: no check for negative indices
            a += x * basis[m, 0]
            b += x * basis[m, 1]
            c += x * basis[m, 2]
            d += x * basis[m, 3]
        out[0, i], out[1, i], out[2, i], out[3, i] = a, b, c, d


@kernel(fastmath=_MATH)
def times_eight(indptr: Array, indices: Array, data: Array, basis: Array, out: Array) -> None:
    """Multiply sparse rows by eight columns: write ``X basis``, for ``basis`` (columns, 8), into ``out`` (8, rows)."""
    for i in range(indptr.size - 1):
        a = b = c = d = 0.0
        e = f = g = h = 0.0
        for entry in range(np.uint64(indptr[i]), np.uint64(indptr[i + 1])):
            x, m = data[entry], np.uint64(indices[entry])
            a += x * basis[m, 0]
            b += x * basis[m, 1]
            c += x * basis[m, 2]
            d += x * basis[m, 3]
            e += x * basis[m, 4]
            f += x * basis[m, 5]
            g += x * basis[m, 6]
            h += x * basis[m, 7]
        out[0, i], out[1, i], out[2, i], out[3, i] = a, b, c, d
        out[4, i], out[5, i], out[6, i], out[7, i] = e, f, g, h


@kernel(fastmath=_MATH)
def add_times_four(indptr: Array, indices: Array, data: Array, factor: Array, out: Array) -> None:
    """Add ``X^T factor``, for ``factor`` (4, rows), to ``out`` (columns, 4)."""
    for i in range(indptr.size - 1):
        a, b, c, d = factor[0, i], factor[1, i], factor[2, i], factor[3, i]
        for entry in range(np.uint64(indptr[i]), np.uint64(indptr[i + 1])):
            x, m = data[entry], np.uint64(indices[entry])
            out[m, 0] += x * a
            out[m, 1] += x * b
            out[m, 2] += x * c
            out[m, 3] += x * d


@kernel(fastmath=_MATH)
def add_times_eight(indptr: Array, indices: Array, data: Array, factor: Array, out: Array) -> None:
    """Add ``X^T factor``, for ``factor`` (8, rows), to ``out`` (columns, 8)."""
    for i in range(indptr.size - 1):
        a, b, c, d = factor[0, i], factor[1, i], factor[2, i], factor[3, i]
        e, f, g, h = factor[4, i], factor[5, i], factor[6, i], factor[7, i]
        for entry in range(np.uint64(indptr[i]), np.uint64(indptr[i + 1])):
            x, m = data[entry], np.uint64(indices[entry])
            out[m, 0] += x * a
            out[m, 1] += x * b
            out[m, 2] += x * c
            out[m, 3] += x * d
            out[m, 4] += x * e
            out[m, 5] += x * f
            out[m, 6] += x * g
            out[m, 7] += x * h
