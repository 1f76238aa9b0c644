"""Kullback-Leibler divergence and Poisson likelihood, evaluated on the nonzero entries of X.

X is given as compressed sparse rows ``(indptr, indices, data)``. The model is ``left right^T``, with ``left`` (rows, k)
and ``right`` (columns, k), stored so that the k values of one row or column are contiguous: each entry of X needs both.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mffnb.kernels.compile import kernel
from mffnb.kernels.copying import copy_entries
from mffnb.typing import Array

BLOCK = 256  # number of nonzero entries evaluated together: a few kilobytes for each component
_NORMAL = 2.3e-308  # smallest model value whose logarithm is evaluated as that of a normal number
_ROOT_OF_HALF = 0x3FE6A09E667F3BCD  # bits of the float64 sqrt(1/2)
_LOG_2 = float(np.log(2.0))


@kernel()
def _count_positive(band: Array, indptr: Array) -> None:
    """Write the numbers of positive entries of all rows before each row of a dense band to ``indptr`` (rows + 1,)."""
    indptr[0] = 0
    for i in range(band.shape[0]):
        count = 0
        for m in range(band.shape[1]):
            count += band[i, m] > 0.0
        indptr[i + 1] = indptr[i] + count


@kernel()
def _copy_positive(band: Array, indptr: Array, indices: Array, data: Array) -> None:
    """Write columns and values of the positive entries of a dense band into compressed sparse rows."""
    for i in range(band.shape[0]):
        entry = indptr[i]
        for m in range(band.shape[1]):
            if band[i, m] > 0.0:
                indices[entry], data[entry] = m, band[i, m]
                entry += 1


def as_compressed_rows(band: Any) -> tuple[Array, Array, Array]:
    """Return a band, a dense array or a CSR array, as compressed sparse rows (indptr, indices, data)."""
    if isinstance(band, np.ndarray):
        band, indptr = np.ascontiguousarray(band), np.empty(len(band) + 1, np.int64)
        _count_positive(band, indptr)
        indices, data = np.empty(indptr[-1], np.int32), np.empty(indptr[-1])
        _copy_positive(band, indptr, indices, data)
        return indptr, indices, data
    # One type of indices, because each would compile all kernels of the likelihood.
    return band.indptr.astype(np.int64, copy=False), band.indices.astype(np.int32, copy=False), band.data


def model_at_nonzeros(indptr: Array, indices: Array, left: Array, right: Array) -> Array:
    """Evaluate the model ``left right^T`` at the nonzero entries of X."""
    values = np.empty(indptr[-1])
    _write_model(indptr, indices, left, right, values)
    return values


@kernel()
def _write_model(indptr: Array, indices: Array, left: Array, right: Array, values: Array) -> None:
    """Write the result of :func:`model_at_nonzeros` to ``values``."""
    for i in range(indptr.size - 1):
        for entry in range(indptr[i], indptr[i + 1]):
            m = indices[entry]
            r = 0.0
            for j in range(left.shape[1]):
                r += left[i, j] * right[m, j]
            values[entry] = r


@kernel()
def add_to_rows(indptr: Array, indices: Array, ratio: Array, right: Array, out: Array) -> None:
    """Add ``ratio right`` to ``out`` (rows, k), where ``ratio`` is sparse with the nonzero pattern of X."""
    for i in range(indptr.size - 1):
        for entry in range(indptr[i], indptr[i + 1]):
            m = indices[entry]
            for j in range(right.shape[1]):
                out[i, j] += ratio[entry] * right[m, j]


@kernel()
def add_to_columns(indptr: Array, indices: Array, ratio: Array, left: Array, out: Array) -> None:
    """Add ``ratio^T left`` to ``out`` (columns, k), where ``ratio`` is sparse with the nonzero pattern of X."""
    for i in range(indptr.size - 1):
        for entry in range(indptr[i], indptr[i + 1]):
            m = indices[entry]
            for j in range(left.shape[1]):
                out[m, j] += ratio[entry] * left[i, j]


@kernel({"contract", "reassoc", "nsz"}, internal=True)
def evaluate_model(indices: Array, right: Array, f: Array, basis: Array, r: Array) -> None:
    """Evaluate the model ``f right^T`` of one row with coefficients f (k,) at the given columns.

    The rows of ``right`` at these columns are copied to ``basis`` (k, columns), the values of the model to ``r``.
    """
    for j in range(len(f)):
        for p in range(len(indices)):
            basis[j, p] = right[np.uint32(indices[p]), j]  # unsigned, so that no check for negative indices is compiled
    for p in range(len(indices)):
        r[p] = 0.0
    for j in range(len(f)):
        for p in range(len(indices)):
            r[p] += f[j] * basis[j, p]


@kernel({"contract", "reassoc", "nsz"}, internal=True)
def _sum_of_logarithms(x: Array, r: Array, bits: Array, exponents: Array) -> float:
    """Compute ``sum x log r`` for positive normal numbers r, in vector registers.

    Calls of a library logarithm would not be vectorised. With ``r = 2^e m`` and m between 0.7 and 1.4, the series of
    ``log m = 2 artanh s``, ``s = (m - 1) / (m + 1)``, needs few terms. ``r``, its view ``bits`` as int64, and
    ``exponents`` are overwritten.
    """
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


def x_log_x(values: Array) -> float:
    """Compute ``sum x log x`` over the values of an array."""
    r = np.empty(BLOCK)
    total: float = _x_log_x(values, r, r.view(np.int64), np.empty(BLOCK, np.int64))
    return total


@kernel()
def _x_log_x(values: Array, r: Array, bits: Array, exponents: Array) -> float:
    """Compute :func:`x_log_x`, given workspaces of a block of values."""
    total = 0.0
    for begin in range(0, len(values), BLOCK):
        x = values[begin : begin + BLOCK]
        for p in range(len(x)):
            r[p] = x[p] if x[p] >= _NORMAL else 1.0
        total += _sum_of_logarithms(x, r, bits, exponents)
    return total


def log_likelihood(indptr: Array, indices: Array, data: Array, factor: Array, start: int, right: Array) -> float:
    """Compute ``sum x log(f right_m)``, the Poisson log-likelihood without its linear term.

    The rows of X belong to the columns f of ``factor`` (k, entries), beginning with column ``start``. The result is
    minus infinity where a positive count has a model value of zero.
    """
    k, r = len(factor), np.empty(BLOCK)
    work = np.empty(k), np.empty((k, BLOCK)), r, r.view(np.int64), np.empty(BLOCK, np.int64)
    total: float = _log_likelihood(indptr, indices, data, factor, start, right, *work)
    return total


@kernel()
def _log_likelihood(
    indptr: Array,
    indices: Array,
    data: Array,
    factor: Array,
    start: int,
    right: Array,
    f: Array,
    basis: Array,
    r: Array,
    bits: Array,
    exponents: Array,
) -> float:
    """Compute :func:`log_likelihood`, given workspaces of a row and of a block of its values."""
    total = 0.0
    for i in range(indptr.size - 1):
        copy_entries(factor[:, start + i], f)
        for begin in range(indptr[i], indptr[i + 1], BLOCK):
            end = min(begin + BLOCK, indptr[i + 1])
            x, values = data[begin:end], r[: end - begin]
            evaluate_model(indices[begin:end], right, f, basis, values)
            for p in range(len(x)):
                if not values[p] >= _NORMAL:
                    if x[p] > 0.0:
                        return -np.inf
                    values[p] = 1.0
            total += _sum_of_logarithms(x, r, bits, exponents)
    return total


@kernel(internal=True)
def _entry_minimiser(linear: float, log_weight: float, quadratic: float) -> float:
    """Return the f >= 0 that minimises ``linear f - log_weight log f + quadratic f^2 / 2``.

    The positive root of the quadratic equation has two algebraically equal forms; the one without cancellation is used.
    """
    if quadratic <= 0.0:
        return log_weight / linear if linear > 0.0 else np.inf
    root = np.sqrt(linear * linear + 4.0 * quadratic * log_weight)
    if linear > 0.0:
        return 2.0 * log_weight / (linear + root)
    return (root - linear) / (2.0 * quadratic)


@kernel()
def minimise_entries(linear: Array, log_weight: Array, quadratic: Array, factor: Array) -> None:
    """Minimise ``linear f - log_weight log f + quadratic f^2 / 2`` for every entry f of a factor, in place."""
    for j in range(factor.shape[0]):
        for i in range(factor.shape[1]):
            new = _entry_minimiser(linear[j, i], log_weight[j, i], quadratic[j, i])
            if np.isfinite(new):  # infinite where the objective does not depend on f, which then stays unchanged
                factor[j, i] = new


def minimiser_row_squares(linear: Array, log_weight: Array, quadratic: Array, added: Array, factor: Array) -> Array:
    """Compute the sum of squares, (k,), of each row of the factor that :func:`minimise_entries` would return.

    ``added`` (k,), the multiplier of a norm constraint, is added to ``quadratic``.
    """
    totals = np.zeros(len(factor))
    _add_row_squares(linear, log_weight, quadratic, added, factor, totals)
    return totals


@kernel()
def _add_row_squares(
    linear: Array, log_weight: Array, quadratic: Array, added: Array, factor: Array, totals: Array
) -> None:
    """Add the result of :func:`minimiser_row_squares` to ``totals``."""
    for j in range(factor.shape[0]):
        for i in range(factor.shape[1]):
            new = _entry_minimiser(linear[j, i], log_weight[j, i], quadratic[j, i] + added[j])
            totals[j] += new * new if np.isfinite(new) else factor[j, i] ** 2


@kernel(internal=True)
def _component_sum(linear: Array, log_weight: Array, quadratic: Array, i: int, added: float) -> float:
    """Sum the minimisers of all components of entry i, with the multiplier ``added`` of the sum constraint."""
    total = 0.0
    for j in range(linear.shape[0]):
        if log_weight[j, i] > 0.0 or quadratic[j, i] > 0.0:
            total += _entry_minimiser(linear[j, i] + added, log_weight[j, i], quadratic[j, i])
    return total


@kernel()
def minimise_on_simplex(linear: Array, log_weight: Array, quadratic: Array, factor: Array) -> None:
    """Minimise ``linear f - log_weight log f + quadratic f^2 / 2`` in place, with columns that sum to one.

    The multiplier of the sum constraint adds to ``linear`` and is found by bisection. A component whose objective is
    linear (``log_weight`` and ``quadratic`` zero) takes the remainder 1 - sum of the others.
    """
    k, entries = factor.shape
    for i in range(entries):
        low, high, slack, free_component = -np.inf, -np.inf, -np.inf, -1
        for j in range(k):
            if log_weight[j, i] > 0.0 or quadratic[j, i] > 0.0:
                # Bounds of the bisection over the multiplier: one minimiser f_j is 1 at the first, all are at most 1 /
                # k at the second.
                low = max(low, log_weight[j, i] - quadratic[j, i] - linear[j, i])
                high = max(high, k * log_weight[j, i] - quadratic[j, i] / k - linear[j, i])
            elif -linear[j, i] > slack:
                slack, free_component = -linear[j, i], j
        if high == -np.inf:
            continue  # no counts and no penalty: the objective is constant, so the entry is left unchanged
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
