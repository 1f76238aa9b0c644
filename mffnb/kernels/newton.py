"""Newton steps for a likelihood of counts: all components of a pixel, or of a channel, in one look at its counts."""

from __future__ import annotations

import numpy as np

from mffnb.kernels.compile import kernel
from mffnb.kernels.divergence import COUNTS, look
from mffnb.typing import Array

_NO_CHANCE = 1e-150  # a model value to divide by twice
_BUDGET = 0.3  # 1 - (1 - 0.3) / 2 = 0.65 < 0.68, see newton_rows
_DESCENTS, _SETTLED = 4, 1e-2  # sweeps over a row's components, and the share of the decrease that ends them


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
        look(indices[begin : begin + count], right, f, room, r)
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
    room = np.empty((k + 2, COUNTS))
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
