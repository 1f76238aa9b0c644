"""Inner loops of the Kullback-Leibler divergence, on the entries of X that are not zero.

X comes in compressed rows ``(indptr, indices, data)``. Of the two factors, that of the rows is called ``left`` and that
of the columns ``right``; both are stored entry by entry here, (entries, k), since an entry of X wants one of each.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mffnb.kernels.compile import kernel
from mffnb.typing import Array

COUNTS = 256  # that are looked at together: a few kilobytes for each component
_NORMAL = 2.3e-308  # least model value whose logarithm is finite here
_ROOT_OF_HALF = 0x3FE6A09E667F3BCD  # bits of a float64
_LOG_2 = float(np.log(2.0))


@kernel()
def _compress(band: Array) -> tuple[Array, Array, Array]:
    rows, columns = band.shape
    indptr = np.zeros(rows + 1, np.int64)
    for i in range(rows):
        count = 0
        for m in range(columns):
            count += band[i, m] > 0.0
        indptr[i + 1] = indptr[i] + count
    indices, data = np.empty(indptr[rows], np.int32), np.empty(indptr[rows])
    for i in range(rows):
        place = indptr[i]
        for m in range(columns):
            if band[i, m] > 0.0:
                indices[place], data[place] = m, band[i, m]
                place += 1
    return indptr, indices, data


def compressed(band: Any) -> tuple[Array, Array, Array]:
    """Compressed rows of a band, be it an array or a CSR array."""
    if isinstance(band, np.ndarray):
        rows: tuple[Array, Array, Array] = _compress(band)
        return rows
    return band.indptr.astype(np.int64, copy=False), band.indices, band.data


@kernel()
def model(indptr: Array, indices: Array, left: Array, right: Array) -> Array:
    """Evaluate ``left right^T`` where X is not zero."""
    values = np.empty(indptr[-1])
    for i in range(indptr.size - 1):
        for place in range(indptr[i], indptr[i + 1]):
            m = indices[place]
            r = 0.0
            for j in range(left.shape[1]):
                r += left[i, j] * right[m, j]
            values[place] = r
    return values


@kernel()
def add_to_rows(indptr: Array, indices: Array, ratio: Array, right: Array, out: Array) -> None:
    """Add ``ratio right`` to ``out`` (rows, k)."""
    for i in range(indptr.size - 1):
        for place in range(indptr[i], indptr[i + 1]):
            m = indices[place]
            for j in range(right.shape[1]):
                out[i, j] += ratio[place] * right[m, j]


@kernel()
def add_to_columns(indptr: Array, indices: Array, ratio: Array, left: Array, out: Array) -> None:
    """Add ``ratio^T left`` to ``out`` (columns, k)."""
    for i in range(indptr.size - 1):
        for place in range(indptr[i], indptr[i + 1]):
            m = indices[place]
            for j in range(left.shape[1]):
                out[m, j] += ratio[place] * left[i, j]


@kernel({"contract", "reassoc", "nsz"})
def look(indices: Array, right: Array, f: Array, basis: Array, r: Array) -> None:
    """Write ``right`` where there are counts to ``basis`` (k, counts), and the model ``f right^T`` there to ``r``."""
    for j in range(len(f)):
        for p in range(len(indices)):
            basis[j, p] = right[np.uint32(indices[p]), j]  # without a sign there is no end to count from
    r[: len(indices)] = 0.0
    for j in range(len(f)):
        for p in range(len(indices)):
            r[p] += f[j] * basis[j, p]


@kernel({"contract", "reassoc", "nsz"})
def _sum_of_logarithms(x: Array, r: Array, exponents: Array) -> float:
    """``sum x log r`` for normal numbers r, in vector registers, which library logarithms may not fill.

    ``r`` and ``exponents`` are overwritten.

    ``r = 2^e m`` with m from 0.7 to 1.4, and ``log m = 2 artanh s``, ``s = (m - 1) / (m + 1)``: a short series.
    """
    bits = r.view(np.int64)
    for p in range(len(x)):
        exponents[p] = (bits[p] - _ROOT_OF_HALF) >> 52
    for p in range(len(x)):
        bits[p] -= exponents[p] << 52
    total = 0.0
    for p in range(len(x)):
        s = (r[p] - 1.0) / (r[p] + 1.0)
        z = s * s
        series = 1 / 17 + z * (1 / 19 + z * (1 / 21))
        series = 1 / 9 + z * (1 / 11 + z * (1 / 13 + z * (1 / 15 + z * series)))
        series = 2.0 + 2.0 * z * (1 / 3 + z * (1 / 5 + z * (1 / 7 + z * series)))
        total += x[p] * (exponents[p] * _LOG_2 + s * series)
    return total


@kernel()
def x_log_x(values: Array) -> float:
    """``sum x log x``."""
    r, exponents = np.empty(COUNTS), np.empty(COUNTS, np.int64)
    total = 0.0
    for begin in range(0, len(values), COUNTS):
        x = values[begin : begin + COUNTS]
        for p in range(len(x)):
            r[p] = x[p] if x[p] >= _NORMAL else 1.0
        total += _sum_of_logarithms(x, r[: len(x)], exponents)
    return total


@kernel()
def log_likelihood(indptr: Array, indices: Array, data: Array, factor: Array, start: int, right: Array) -> float:
    """``sum x log(f right_m)`` over the entries f of some columns of a factor (k, entries).

    Minus infinity where a count is given no chance.
    """
    k = len(factor)
    f, basis, r, exponents = np.empty(k), np.empty((k, COUNTS)), np.empty(COUNTS), np.empty(COUNTS, np.int64)
    total = 0.0
    for i in range(indptr.size - 1):
        f[:] = factor[:, start + i]
        for begin in range(indptr[i], indptr[i + 1], COUNTS):
            end = min(begin + COUNTS, indptr[i + 1])
            x, values = data[begin:end], r[: end - begin]
            look(indices[begin:end], right, f, basis, values)
            for p in range(len(x)):
                if not values[p] >= _NORMAL:
                    if x[p] > 0.0:
                        return -np.inf
                    values[p] = 1.0
            total += _sum_of_logarithms(x, values, exponents)
    return total


@kernel()
def _root(linear: float, pull: float, square: float) -> float:
    """Minimiser of ``linear f - pull log f + square f^2 / 2`` over f >= 0; the larger of two forms that are equal."""
    if square <= 0.0:
        return pull / linear if linear > 0.0 else np.inf
    root = np.sqrt(linear * linear + 4.0 * square * pull)
    if linear > 0.0:
        return 2.0 * pull / (linear + root)
    return (root - linear) / (2.0 * square)


@kernel()
def settle(linear: Array, pull: Array, square: Array, factor: Array) -> None:
    """Move every entry of a factor to the minimiser of ``linear f - pull log f + square f^2 / 2``."""
    for j in range(factor.shape[0]):
        for i in range(factor.shape[1]):
            new = _root(linear[j, i], pull[j, i], square[j, i])
            if np.isfinite(new):  # else the other factor is zero there: nothing is said
                factor[j, i] = new


@kernel()
def squares_at(linear: Array, pull: Array, square: Array, added: Array, factor: Array) -> Array:
    """Sum of squares of each row of the minimiser, ``added_j`` being added to ``square``, (k,)."""
    totals = np.zeros(factor.shape[0])
    for j in range(factor.shape[0]):
        for i in range(factor.shape[1]):
            new = _root(linear[j, i], pull[j, i], square[j, i] + added[j])
            totals[j] += new * new if np.isfinite(new) else factor[j, i] ** 2
    return totals


@kernel()
def _sum(linear: Array, pull: Array, square: Array, i: int, added: float) -> float:
    total = 0.0
    for j in range(linear.shape[0]):
        if pull[j, i] > 0.0 or square[j, i] > 0.0:
            total += _root(linear[j, i] + added, pull[j, i], square[j, i])
    return total


@kernel()
def settle_on_simplex(linear: Array, pull: Array, square: Array, factor: Array) -> None:
    """The same under ``sum_j f_ji = 1``: the multiplier of the sum adds to ``linear`` and is found by bisection.

    A component that nothing draws and nothing bends (pull and square zero) takes what the others leave.
    """
    k, entries = factor.shape
    for i in range(entries):
        low, high, slack, rest = -np.inf, -np.inf, -np.inf, -1
        for j in range(k):
            if pull[j, i] > 0.0 or square[j, i] > 0.0:
                # f_j is 1 at the first of these multipliers and at most 1 / k at the second.
                low = max(low, pull[j, i] - square[j, i] - linear[j, i])
                high = max(high, k * pull[j, i] - square[j, i] / k - linear[j, i])
            elif -linear[j, i] > slack:
                slack, rest = -linear[j, i], j
        if high == -np.inf:
            continue  # a pixel without counts that no penalty minds: it stays where it is
        if rest >= 0 and _sum(linear, pull, square, i, slack) <= 1.0:
            low = high = slack
        for _ in range(200):
            middle = 0.5 * (low + high)
            if high - low <= 1e-15 * max(abs(high), abs(low)):
                break
            if _sum(linear, pull, square, i, middle) > 1.0:
                low = middle
            else:
                high = middle
        total = 0.0
        for j in range(k):
            factor[j, i] = 0.0
            if pull[j, i] > 0.0 or square[j, i] > 0.0:
                factor[j, i] = _root(linear[j, i] + high, pull[j, i], square[j, i])
            total += factor[j, i]
        if low == slack and rest >= 0 and total < 1.0:
            factor[rest, i], total = 1.0 - total, 1.0
        for j in range(k):
            factor[j, i] /= total
