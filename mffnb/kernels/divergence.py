"""Inner loops of the Kullback-Leibler divergence, on the entries of X that are not zero.

X comes in compressed rows ``(indptr, indices, data)``. Of the two factors, that of the rows is called ``left`` and that
of the columns ``right``; both are stored entry by entry here, (entries, k), since an entry of X wants one of each.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mffnb.kernels.compile import kernel
from mffnb.typing import Array

_DIKIN = 0.683802  # below it a full Newton step on a self-concordant function descends: Hien & Gillis 2021, lemma 3


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
def _derivatives(x: Array, b: Array, r: Array, count: int, step: float) -> tuple[float, float]:
    """``sum b x / (r + step b)`` and ``sum b^2 x / (r + step b)^2``; infinite where a model value is not positive."""
    first, second = 0.0, 0.0
    for p in range(count):
        if b[p] <= 0.0:  # nothing here depends on this coordinate
            continue
        value = r[p] + step * b[p]
        if value <= 0.0:
            return np.inf, np.inf
        share = b[p] / value
        first += share * x[p]
        second += share * share * x[p]
    return first, second


@kernel({"contract", "reassoc", "nsz"})
def newton_rows(
    indptr: Array,
    indices: Array,
    data: Array,
    factor: Array,
    start: int,
    right: Array,
    cross: Array,
    gram: Array,
    steepness: Array,
    fixed: Array,
    weight: float,
    sweeps: int,
) -> float:
    """Sweep the entries of some columns of a factor (k, entries), each to where a guarded Newton step takes it.

    Minimises, over f >= 0 for each entry i, ``1/2 f^T (gram + steepness_i I) f - cross_i f - weight sum_m x_im log(f
    right_m)``. Along one coordinate the slope is concave: a Newton step upwards never overshoots; one downwards is
    taken in full within the Dikin ellipsoid; beyond it, where it goes too far, it is replaced by the longer of the
    damped step and the secant between the two places, which lies short of the minimum. So the objective never rises.
    ``fixed`` is (k, entries), or empty.
    Source: Hien & Gillis 2021, J. Sci. Comput. 87:93, section 4.

    Returns ``sum h d^2`` of the first sweep, h being the curvature and d the step.
    """
    k = factor.shape[0]
    most = 0
    for i in range(indptr.size - 1):
        most = max(most, indptr[i + 1] - indptr[i])
    b, r = np.empty((k, most)), np.empty(most)
    moved = 0.0
    for i in range(indptr.size - 1):
        begin, count = indptr[i], indptr[i + 1] - indptr[i]
        x = data[begin : begin + count]
        f = factor[:, start + i]
        least = np.inf
        for p in range(count):
            m = indices[begin + p]
            least = min(least, x[p])
            r[p] = 0.0
            for j in range(k):
                b[j, p] = right[m, j]
                r[p] += f[j] * b[j, p]
        for sweep in range(sweeps):
            for j in range(k):
                if fixed.size > 0 and fixed[j, start + i]:
                    continue
                up, curvature = _derivatives(x, b[j], r, count, 0.0)
                slope = steepness[start + i] * f[j] - cross[j, start + i] - weight * up
                for other in range(k):
                    slope += gram[j, other] * f[other]
                curvature = weight * curvature + gram[j, j] + steepness[start + i]
                if curvature <= 0.0:
                    step = -f[j] if slope > 0.0 else 0.0
                else:
                    step = max(-f[j], -slope / curvature)
                    if slope > 0.0 and step * step * curvature > _DIKIN * _DIKIN * weight * least:
                        there, _ = _derivatives(x, b[j], r, count, step)
                        beyond = slope + (gram[j, j] + steepness[start + i]) * step - weight * (there - up)
                        if not beyond >= 0.0:
                            damped = 1.0 / (1.0 + np.sqrt(curvature / (weight * least)) * abs(step))
                            step *= max(damped, slope / (slope - beyond) if np.isfinite(there) else 0.0)
                if step != 0.0:
                    f[j] = max(0.0, f[j] + step)
                    for p in range(count):
                        before = r[p]
                        r[p] += step * b[j, p]
                        if r[p] < 1e-3 * before:  # digits were lost, and what is left is divided by
                            r[p] = 0.0
                            for other in range(k):
                                r[p] += f[other] * b[other, p]
                    if sweep == 0:
                        moved += curvature * step * step
    return moved


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
def _norm(linear: Array, pull: Array, square: Array, added: float, factor: Array) -> float:
    total = 0.0
    for i in range(linear.size):
        new = _root(linear[i], pull[i], square[i] + added)
        total += new * new if np.isfinite(new) else factor[i] ** 2
    return np.sqrt(total)


@kernel()
def settle_in_ball(linear: Array, pull: Array, square: Array, radii: Array, factor: Array) -> None:
    """The same under ``|f_j| <= radius_j``: the multiplier of the ball adds to ``square`` and is found by bisection."""
    for j in range(factor.shape[0]):
        low, high, radius = 0.0, 0.0, radii[j]
        if _norm(linear[j], pull[j], square[j], 0.0, factor[j]) > radius:
            high = 1e-9
            while _norm(linear[j], pull[j], square[j], high, factor[j]) > radius:
                low, high = high, 8.0 * high
            while high - low > 1e-15 * high:
                middle = 0.5 * (low + high)
                if middle in (low, high):
                    break
                if _norm(linear[j], pull[j], square[j], middle, factor[j]) > radius:
                    low = middle
                else:
                    high = middle
        for i in range(factor.shape[1]):
            new = _root(linear[j, i], pull[j, i], square[j, i] + high)
            if np.isfinite(new):
                factor[j, i] = new


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
