"""Matrix products of X with few components, for very long rows of X, such as images with contiguous pixels.

BLAS is tuned for large blocks and is slow for three to eight components. Here a tile of four rows of X and four
components is multiplied while both are in registers and in the first-level cache. X is read from memory once, in its
own type, and sums are float64. Tiles of four by four were the fastest of those measured, with 16 and with 32 vector
registers. Shorter rows are multiplied by :mod:`mffnb.kernels.panels`.
"""

from __future__ import annotations

from mffnb.kernels.compile import kernel
from mffnb.typing import Array

# The compiler may reorder sums, so that they use vector registers; infinities and NaN keep their meaning.
_MATH = {"contract", "reassoc", "nsz"}


@kernel(fastmath=_MATH)
def _dot_tile(X: Array, basis: Array, i: int, js: tuple[int, int, int, int], out: Array) -> None:
    """Write the dot products of four rows of X, from row ``i`` on, with the basis rows ``js`` to ``out``."""
    a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = 0.0
    c0 = c1 = c2 = c3 = d0 = d1 = d2 = d3 = 0.0
    x, y, z, w = X[i], X[i + 1], X[i + 2], X[i + 3]
    p, q, r, s = basis[js[0]], basis[js[1]], basis[js[2]], basis[js[3]]
    for m in range(X.shape[1]):
        a, b, c, d = x[m], y[m], z[m], w[m]
        e, f, g, h = p[m], q[m], r[m], s[m]
        a0 += a * e
        a1 += a * f
        a2 += a * g
        a3 += a * h
        b0 += b * e
        b1 += b * f
        b2 += b * g
        b3 += b * h
        c0 += c * e
        c1 += c * f
        c2 += c * g
        c3 += c * h
        d0 += d * e
        d1 += d * f
        d2 += d * g
        d3 += d * h
    out[js[0], i], out[js[1], i], out[js[2], i], out[js[3], i] = a0, a1, a2, a3
    out[js[0], i + 1], out[js[1], i + 1], out[js[2], i + 1], out[js[3], i + 1] = b0, b1, b2, b3
    out[js[0], i + 2], out[js[1], i + 2], out[js[2], i + 2], out[js[3], i + 2] = c0, c1, c2, c3
    out[js[0], i + 3], out[js[1], i + 3], out[js[2], i + 3], out[js[3], i + 3] = d0, d1, d2, d3


@kernel(fastmath=_MATH)
def _dot_row(X: Array, basis: Array, i: int, j: int, out: Array) -> None:
    """Write the dot products of four rows of X, from row ``i`` on, with row ``j`` of the basis to ``out``."""
    a = b = c = d = 0.0
    x, y, z, w, p = X[i], X[i + 1], X[i + 2], X[i + 3], basis[j]
    for m in range(X.shape[1]):
        a += x[m] * p[m]
        b += y[m] * p[m]
        c += z[m] * p[m]
        d += w[m] * p[m]
    out[j, i], out[j, i + 1], out[j, i + 2], out[j, i + 3] = a, b, c, d


@kernel(fastmath=_MATH)
def _dot(X: Array, basis: Array, i: int, j: int, out: Array) -> None:
    """Write the dot product of row ``i`` of X and row ``j`` of the basis to ``out``."""
    total = 0.0
    x, p = X[i], basis[j]
    for m in range(X.shape[1]):
        total += x[m] * p[m]
    out[j, i] = total


@kernel()
def times(X: Array, basis: Array, out: Array) -> None:
    """Write ``basis X^T``, (k, rows), into ``out``; X (rows, columns) and basis (k, columns) in C order."""
    rows, k = X.shape[0], basis.shape[0]
    quads, last = rows - rows % 4, k - 1
    for i in range(0, quads, 4):
        for j in range(0, k, 4):
            if j == last:
                _dot_row(X, basis, i, j, out)
            else:  # an incomplete last tile computes its last component repeatedly, at no extra cost
                _dot_tile(X, basis, i, (j, j + 1, min(j + 2, last), min(j + 3, last)), out)
    for i in range(quads, rows):
        for j in range(k):
            _dot(X, basis, i, j, out)


@kernel(fastmath=_MATH)
def _add_tile(X: Array, factor: Array, i: int, j: int, out: Array) -> None:
    """Add four rows of X, from row ``i``, times their coefficients to four rows of ``out``, from row ``j``."""
    x, y, z, w = X[i], X[i + 1], X[i + 2], X[i + 3]
    p, q, r, s = out[j], out[j + 1], out[j + 2], out[j + 3]
    a0, a1, a2, a3 = factor[j, i], factor[j, i + 1], factor[j, i + 2], factor[j, i + 3]
    b0, b1, b2, b3 = factor[j + 1, i], factor[j + 1, i + 1], factor[j + 1, i + 2], factor[j + 1, i + 3]
    c0, c1, c2, c3 = factor[j + 2, i], factor[j + 2, i + 1], factor[j + 2, i + 2], factor[j + 2, i + 3]
    d0, d1, d2, d3 = factor[j + 3, i], factor[j + 3, i + 1], factor[j + 3, i + 2], factor[j + 3, i + 3]
    for m in range(X.shape[1]):
        t, u, v, f = x[m], y[m], z[m], w[m]
        p[m] += a0 * t + a1 * u + a2 * v + a3 * f
        q[m] += b0 * t + b1 * u + b2 * v + b3 * f
        r[m] += c0 * t + c1 * u + c2 * v + c3 * f
        s[m] += d0 * t + d1 * u + d2 * v + d3 * f


@kernel(fastmath=_MATH)
def _add_row(X: Array, factor: Array, i: int, j: int, out: Array) -> None:
    """Add four rows of X, from row ``i``, times their coefficients to one row of ``out``."""
    x, y, z, w, p = X[i], X[i + 1], X[i + 2], X[i + 3], out[j]
    a, b, c, d = factor[j, i], factor[j, i + 1], factor[j, i + 2], factor[j, i + 3]
    for m in range(X.shape[1]):
        p[m] += a * x[m] + b * y[m] + c * z[m] + d * w[m]


@kernel(fastmath=_MATH)
def _add(X: Array, factor: Array, i: int, j: int, out: Array) -> None:
    """Add row ``i`` of X times its coefficient to row ``j`` of ``out``."""
    x, p, a = X[i], out[j], factor[j, i]
    for m in range(X.shape[1]):
        p[m] += a * x[m]


@kernel()
def add_times(X: Array, factor: Array, out: Array) -> None:
    """Add ``factor X``, (k, columns), to ``out``; X (rows, columns) and factor (k, rows) in C order."""
    rows, k = X.shape[0], factor.shape[0]
    fours, quads = k - k % 4, rows - rows % 4
    for i in range(0, quads, 4):
        for j in range(0, fours, 4):
            _add_tile(X, factor, i, j, out)
        for j in range(fours, k):
            _add_row(X, factor, i, j, out)
    for i in range(quads, rows):
        for j in range(k):
            _add(X, factor, i, j, out)
