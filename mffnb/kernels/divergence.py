"""Inner loops of the Kullback-Leibler divergence, on the entries of X that are not zero.

X comes in compressed rows ``(indptr, indices, data)``. Of the two factors, that of the rows is called ``left`` and that
of the columns ``right``; both are stored entry by entry here, (entries, k), since an entry of X wants one of each.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mffnb.kernels.compile import kernel
from mffnb.typing import Array

_COUNTS = 256  # that are looked at together: a few kilobytes for each component
_NORMAL = 2.3e-308  # least model value whose logarithm is finite here
_ROOT_OF_HALF = 0x3FE6A09E667F3BCD  # bits of a float64
_LOG_2 = float(np.log(2.0))
_NO_CHANCE = 1e-150  # a model value to divide by twice
_BUDGET = 0.3  # 1 - (1 - 0.3) / 2 = 0.65 < 0.68, see newton_rows
_DESCENTS, _SETTLED = 4, 1e-2  # sweeps over a row's components, and the share of the decrease that ends them


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
def _look(indices: Array, right: Array, f: Array, basis: Array, r: Array) -> None:
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
    r, exponents = np.empty(_COUNTS), np.empty(_COUNTS, np.int64)
    total = 0.0
    for begin in range(0, len(values), _COUNTS):
        x = values[begin : begin + _COUNTS]
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
    f, basis, r, exponents = np.empty(k), np.empty((k, _COUNTS)), np.empty(_COUNTS), np.empty(_COUNTS, np.int64)
    total = 0.0
    for i in range(indptr.size - 1):
        f[:] = factor[:, start + i]
        for begin in range(indptr[i], indptr[i + 1], _COUNTS):
            end = min(begin + _COUNTS, indptr[i + 1])
            x, values = data[begin:end], r[: end - begin]
            _look(indices[begin:end], right, f, basis, values)
            for p in range(len(x)):
                if not values[p] >= _NORMAL:
                    if x[p] > 0.0:
                        return -np.inf
                    values[p] = 1.0
            total += _sum_of_logarithms(x, values, exponents)
    return total


@kernel({"contract", "reassoc", "nsz"})
def _add_derivatives(
    indices: Array, x: Array, right: Array, f: Array, slope: Array, curvature: Array, room: Array
) -> float:
    """Add those of ``-sum_m x_m log(f right_m)`` to ``slope`` (k,) and to ``curvature`` (k, k), symmetric.

    ``room``, (k + 2, counts), is overwritten. Returns the least count.
    """
    k, most = len(f), room.shape[1]
    r, share = room[k], room[k + 1]
    least = np.inf
    for begin in range(0, len(x), most):
        count = min(most, len(x) - begin)
        _look(indices[begin : begin + count], right, f, room, r)
        for p in range(count):
            least = min(least, x[begin + p] if x[begin + p] > 0.0 else np.inf)
            r[p] = 1.0 / r[p] if r[p] > _NO_CHANCE else 0.0
            share[p] = x[begin + p] * r[p]
        for j in range(k):
            total = 0.0
            for p in range(count):
                total += share[p] * room[j, p]
            slope[j] -= total
        for p in range(count):
            share[p] *= r[p]
        for j in range(k):
            for p in range(count):
                r[p] = share[p] * room[j, p]
            for other in range(j + 1):
                total = 0.0
                for p in range(count):
                    total += r[p] * room[other, p]
                curvature[j, other] += total
    for j in range(k):
        for other in range(j):
            curvature[other, j] = curvature[j, other]
    return least


@kernel()
def _descend(curvature: Array, slope: Array, low: Array, step: Array, inverse: Array) -> None:
    """Minimise ``slope d + d curvature d / 2`` over ``d >= low``, d being ``step``, by coordinate descent from zero.

    Where descent ends early, d is shortened to what the minimum would satisfy: ``(slope + curvature d) d <= 0``.
    ``slope`` and ``inverse`` (k,) are overwritten.
    """
    k = len(step)
    for j in range(k):
        step[j], bend = 0.0, curvature[j, j]
        # Where nothing bends, the slope is that of a line: down to the end, or nowhere.
        inverse[j] = 1.0 / bend if bend > 0.0 else np.inf if slope[j] > 0.0 else 0.0
    decrease = 0.0
    for _ in range(_DESCENTS):
        gain = 0.0
        for j in range(k):
            change = max(low[j] - step[j], -slope[j] * inverse[j])
            if change != 0.0:
                gain -= change * (slope[j] + 0.5 * curvature[j, j] * change)
                step[j] += change
                for other in range(k):
                    slope[other] += curvature[j, other] * change
        decrease += gain
        if gain <= _SETTLED * decrease:
            break
    along = 0.0
    for j in range(k):
        along += slope[j] * step[j]
    if along > 0.0:
        shorter = max(0.0, 1.0 - along / (2.0 * (decrease + along)))
        for j in range(k):
            step[j] *= shorter


@kernel()
def _single_steps(f: Array, slope: Array, curvature: Array) -> float:
    """``sum h d^2``, h being the curvatures and d the Newton steps of the coordinates, each by itself."""
    total = 0.0
    for j in range(len(f)):
        if curvature[j, j] > 0.0:
            step = max(-f[j], -slope[j] / curvature[j, j])
            total += curvature[j, j] * step * step
    return total


@kernel()
def _hold(fixed: Array, slope: Array, curvature: Array) -> None:
    """Make the coordinates stay where they are that are ``fixed`` (k,)."""
    for j in range(len(fixed)):
        if fixed[j]:
            slope[j], curvature[j, :], curvature[:, j] = 0.0, 0.0, 0.0


@kernel()
def _lowest(f: Array, curvature: Array, least: float, low: Array) -> None:
    """Write to ``low`` the lower bounds of steps from ``f`` within which :func:`newton_rows` descends."""
    budget = _BUDGET
    for j in range(len(f)):
        share = f[j] * np.sqrt(curvature[j, j] / least)
        low[j] = -f[j] if share <= budget else -0.5 * f[j]
        if share <= budget:
            budget -= share


@kernel()
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
) -> float:
    r"""Take entries of a factor (k, entries), all k of each at once, by a guarded Newton step towards its minimum.

    Minimises, over f >= 0 for each entry i, ``1/2 f^T (gram + steepness_i I) f - cross_i f - weight sum_m x_im log(f
    right_m)``. ``fixed`` is (k, entries), or empty.

    Where no model value r falls by more than the share u, the objective lies below its second-order expansion with the
    curvature of the logarithm times :math:`2 (-\log(1 - u) - u) / u^2`, which is at most 2 for u <= 0.68; and half the
    curvature is what the minimum of the expansion in a convex set leaves room for. So a step there never raises the
    objective if no value falls by more than that. A component is at most the share ``f_j sqrt(curvature_jj / x)`` of
    any value, x being the least count: those that together are a small share may go to zero at once; the others fall to
    half at most. The constant is that of Hien & Gillis 2021, J. Sci. Comput. 87:93, lemma 3.

    Returns the sum of ``h d^2``, h being curvatures and d the steps that single coordinates ask for.
    """
    k = len(factor)
    room = np.empty((k + 2, _COUNTS))
    f, slope, step, low, inverse = np.empty(k), np.empty(k), np.empty(k), np.empty(k), np.empty(k)
    curvature = np.empty((k, k))
    moved = 0.0
    for i in range(indptr.size - 1):
        f[:] = factor[:, start + i]
        x, columns = data[indptr[i] : indptr[i + 1]], indices[indptr[i] : indptr[i + 1]]
        for j in range(k):
            slope[j] = (steepness[start + i] * f[j] - cross[j, start + i]) / weight
            for other in range(k):
                curvature[j, other] = gram[j, other] / weight
                slope[j] += curvature[j, other] * f[other]
            curvature[j, j] += steepness[start + i] / weight
        least = _add_derivatives(columns, x, right, f, slope, curvature, room)
        _lowest(f, curvature, least, low)
        if fixed.size > 0:
            _hold(fixed[:, start + i], slope, curvature)
        moved += weight * _single_steps(f, slope, curvature)
        _descend(curvature, slope, low, step, inverse)
        for j in range(k):
            factor[j, start + i] = max(0.0, f[j] + step[j])
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
