"""Inner loops of the Kullback-Leibler divergence, on the entries of X that are not zero.

X comes in compressed rows ``(indptr, indices, data)``. Of the two factors, that of the rows is called ``left`` and that
of the columns ``right``; both are stored entry by entry here, (entries, k), since an entry of X wants one of each.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mffnb.kernels.compile import kernel
from mffnb.typing import Array

BLOCK = 256  # that are looked at together: a few kilobytes for each component
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
        entry = indptr[i]
        for m in range(columns):
            if band[i, m] > 0.0:
                indices[entry], data[entry] = m, band[i, m]
                entry += 1
    return indptr, indices, data


def as_compressed_rows(band: Any) -> tuple[Array, Array, Array]:
    """Compressed rows of a band, be it an array or a CSR array."""
    if isinstance(band, np.ndarray):
        rows: tuple[Array, Array, Array] = _compress(band)
        return rows
    return band.indptr.astype(np.int64, copy=False), band.indices, band.data


@kernel()
def model_at_nonzeros(indptr: Array, indices: Array, left: Array, right: Array) -> Array:
    """Evaluate ``left right^T`` where X is not zero."""
    values = np.empty(indptr[-1])
    for i in range(indptr.size - 1):
        for entry in range(indptr[i], indptr[i + 1]):
            m = indices[entry]
            r = 0.0
            for j in range(left.shape[1]):
                r += left[i, j] * right[m, j]
            values[entry] = r
    return values


@kernel()
def add_to_rows(indptr: Array, indices: Array, ratio: Array, right: Array, out: Array) -> None:
    """Add ``ratio right`` to ``out`` (rows, k)."""
    for i in range(indptr.size - 1):
        for entry in range(indptr[i], indptr[i + 1]):
            m = indices[entry]
            for j in range(right.shape[1]):
                out[i, j] += ratio[entry] * right[m, j]


@kernel()
def add_to_columns(indptr: Array, indices: Array, ratio: Array, left: Array, out: Array) -> None:
    """Add ``ratio^T left`` to ``out`` (columns, k)."""
    for i in range(indptr.size - 1):
        for entry in range(indptr[i], indptr[i + 1]):
            m = indices[entry]
            for j in range(left.shape[1]):
                out[m, j] += ratio[entry] * left[i, j]


@kernel({"contract", "reassoc", "nsz"})
def evaluate_model(indices: Array, right: Array, f: Array, basis: Array, r: Array) -> None:
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
    r, exponents = np.empty(BLOCK), np.empty(BLOCK, np.int64)
    total = 0.0
    for begin in range(0, len(values), BLOCK):
        x = values[begin : begin + BLOCK]
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
    f, basis, r, exponents = np.empty(k), np.empty((k, BLOCK)), np.empty(BLOCK), np.empty(BLOCK, np.int64)
    total = 0.0
    for i in range(indptr.size - 1):
        f[:] = factor[:, start + i]
        for begin in range(indptr[i], indptr[i + 1], BLOCK):
            end = min(begin + BLOCK, indptr[i + 1])
            x, values = data[begin:end], r[: end - begin]
            evaluate_model(indices[begin:end], right, f, basis, values)
            for p in range(len(x)):
                if not values[p] >= _NORMAL:
                    if x[p] > 0.0:
                        return -np.inf
                    values[p] = 1.0
            total += _sum_of_logarithms(x, values, exponents)
    return total


@kernel()
def _entry_minimiser(linear: float, log_weight: float, quadratic: float) -> float:
    """Minimiser of ``linear f - pull log f + square f^2 / 2`` over f >= 0; the larger of two forms that are equal."""
    if quadratic <= 0.0:
        return log_weight / linear if linear > 0.0 else np.inf
    root = np.sqrt(linear * linear + 4.0 * quadratic * log_weight)
    if linear > 0.0:
        return 2.0 * log_weight / (linear + root)
    return (root - linear) / (2.0 * quadratic)


@kernel()
def minimise_entries(linear: Array, log_weight: Array, quadratic: Array, factor: Array) -> None:
    """Move every entry of a factor to the minimiser of ``linear f - pull log f + square f^2 / 2``."""
    for j in range(factor.shape[0]):
        for i in range(factor.shape[1]):
            new = _entry_minimiser(linear[j, i], log_weight[j, i], quadratic[j, i])
            if np.isfinite(new):  # else the other factor is zero there: nothing is said
                factor[j, i] = new


@kernel()
def minimiser_row_squares(linear: Array, log_weight: Array, quadratic: Array, added: Array, factor: Array) -> Array:
    """Sum of squares of each row of the minimiser, ``added_j`` being added to ``square``, (k,)."""
    totals = np.zeros(factor.shape[0])
    for j in range(factor.shape[0]):
        for i in range(factor.shape[1]):
            new = _entry_minimiser(linear[j, i], log_weight[j, i], quadratic[j, i] + added[j])
            totals[j] += new * new if np.isfinite(new) else factor[j, i] ** 2
    return totals


@kernel()
def _component_sum(linear: Array, log_weight: Array, quadratic: Array, i: int, added: float) -> float:
    total = 0.0
    for j in range(linear.shape[0]):
        if log_weight[j, i] > 0.0 or quadratic[j, i] > 0.0:
            total += _entry_minimiser(linear[j, i] + added, log_weight[j, i], quadratic[j, i])
    return total


@kernel()
def minimise_on_simplex(linear: Array, log_weight: Array, quadratic: Array, factor: Array) -> None:
    """The same under ``sum_j f_ji = 1``: the multiplier of the sum adds to ``linear`` and is found by bisection.

    A component that nothing draws and nothing bends (pull and square zero) takes what the others leave.
    """
    k, entries = factor.shape
    for i in range(entries):
        low, high, slack, free_component = -np.inf, -np.inf, -np.inf, -1
        for j in range(k):
            if log_weight[j, i] > 0.0 or quadratic[j, i] > 0.0:
                # f_j is 1 at the first of these multipliers and at most 1 / k at the second.
                low = max(low, log_weight[j, i] - quadratic[j, i] - linear[j, i])
                high = max(high, k * log_weight[j, i] - quadratic[j, i] / k - linear[j, i])
            elif -linear[j, i] > slack:
                slack, free_component = -linear[j, i], j
        if high == -np.inf:
            continue  # a pixel without counts that no penalty minds: it stays where it is
        if free_component >= 0 and _component_sum(linear, log_weight, quadratic, i, slack) <= 1.0:
            low = high = slack
        for _ in range(200):
            middle = 0.5 * (low + high)
            if high - low <= 1e-15 * max(abs(high), abs(low)):
                break
            if _component_sum(linear, log_weight, quadratic, i, middle) > 1.0:
                low = middle
            else:
                high = middle
        total = 0.0
        for j in range(k):
            factor[j, i] = 0.0
            if log_weight[j, i] > 0.0 or quadratic[j, i] > 0.0:
                factor[j, i] = _entry_minimiser(linear[j, i] + high, log_weight[j, i], quadratic[j, i])
            total += factor[j, i]
        if low == slack and free_component >= 0 and total < 1.0:
            factor[free_component, i], total = 1.0 - total, 1.0
        for j in range(k):
            factor[j, i] /= total
