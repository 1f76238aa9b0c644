"""Products of compressed rows with a handful of rows, four components at a time.

The factor of the columns is stored entry by entry, ``(columns, 4)``, so that what one stored value needs lies together.
Rows are given by their part of ``indptr``, whose numbers count from the beginning of ``indices`` and ``data``, so that
a block of rows is a view. Data may have any real type; sums are float64.
"""

from __future__ import annotations

from mffnb.kernels.compile import kernel
from mffnb.typing import Array

TILE = 4
_MATH = {"contract"}


@kernel(fastmath=_MATH)
def times(indptr: Array, indices: Array, data: Array, basis: Array, out: Array) -> None:
    """Write the dot products of each row with four columns of ``basis`` (columns, 4) into ``out`` (4, rows)."""
    for i in range(indptr.size - 1):
        a = b = c = d = 0.0
        for entry in range(indptr[i], indptr[i + 1]):
            x, p = data[entry], basis[indices[entry]]
            a += x * p[0]
            b += x * p[1]
            c += x * p[2]
            d += x * p[3]
        out[0, i], out[1, i], out[2, i], out[3, i] = a, b, c, d


@kernel(fastmath=_MATH)
def add_times(indptr: Array, indices: Array, data: Array, factor: Array, out: Array) -> None:
    """Add to ``out`` (columns, 4) each row times its four numbers in ``factor`` (4, rows)."""
    for i in range(indptr.size - 1):
        a, b, c, d = factor[0, i], factor[1, i], factor[2, i], factor[3, i]
        for entry in range(indptr[i], indptr[i + 1]):
            x, p = data[entry], out[indices[entry]]
            p[0] += x * a
            p[1] += x * b
            p[2] += x * c
            p[3] += x * d
