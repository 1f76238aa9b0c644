"""Newton steps for a likelihood of counts: all components of a pixel, or of a channel, in one look at its counts."""

from __future__ import annotations

import numpy as np

from mffnb.kernels.compile import kernel
from mffnb.kernels.divergence import BLOCK, evaluate_model
from mffnb.typing import Array

_MIN_MODEL = 1e-150  # a model value to divide by twice
_MAX_RELATIVE_DECREASE = 0.3  # 1 - (1 - 0.3) / 2 = 0.65 < 0.68, see newton_rows
_MAX_SWEEPS, _RELATIVE_GAIN = 4, 1e-2  # sweeps over a row's components, and the share of the decrease that ends them


@kernel({"contract", "reassoc", "nsz"})
def _add_derivatives(
    indices: Array, x: Array, right: Array, f: Array, slope: Array, curvature: Array, workspace: Array
) -> float:
    """Add those of ``-sum_m x_m log(f right_m)`` to ``slope`` (k,) and to ``curvature`` (k, k), symmetric.

    ``room``, (k + 2, counts), is overwritten. Returns the least count.
    """
    k, most = len(f), workspace.shape[1]
    r, share = workspace[k], workspace[k + 1]
    least = np.inf
    for begin in range(0, len(x), most):
        count = min(most, len(x) - begin)
        evaluate_model(indices[begin : begin + count], right, f, workspace, r)
        for p in range(count):
            least = min(least, x[begin + p] if x[begin + p] > 0.0 else np.inf)
            r[p] = 1.0 / r[p] if r[p] > _MIN_MODEL else 0.0
            share[p] = x[begin + p] * r[p]
        for j in range(k):
            total = 0.0
            for p in range(count):
                total += share[p] * workspace[j, p]
            slope[j] -= total
        for p in range(count):
            share[p] *= r[p]
        for j in range(k):
            for p in range(count):
                r[p] = share[p] * workspace[j, p]
            for other in range(j + 1):
                total = 0.0
                for p in range(count):
                    total += r[p] * workspace[other, p]
                curvature[j, other] += total
    for j in range(k):
        for other in range(j):
            curvature[other, j] = curvature[j, other]
    return least


@kernel()
def _minimise_quadratic(curvature: Array, slope: Array, low: Array, step: Array, inverse: Array) -> None:
    """Minimise ``slope d + d curvature d / 2`` over ``d >= low``, d being ``step``, by coordinate descent from zero.

    Where descent ends early, d is shortened to what the minimum would satisfy: ``(slope + curvature d) d <= 0``.
    ``slope`` and ``inverse`` (k,) are overwritten.
    """
    k = len(step)
    for j in range(k):
        step[j], own_curvature = 0.0, curvature[j, j]
        # Where nothing bends, the slope is that of a line: down to the end, or nowhere.
        inverse[j] = 1.0 / own_curvature if own_curvature > 0.0 else np.inf if slope[j] > 0.0 else 0.0
    decrease = 0.0
    for _ in range(_MAX_SWEEPS):
        gain = 0.0
        for j in range(k):
            change = max(low[j] - step[j], -slope[j] * inverse[j])
            if change != 0.0:
                gain -= change * (slope[j] + 0.5 * curvature[j, j] * change)
                step[j] += change
                for other in range(k):
                    slope[other] += curvature[j, other] * change
        decrease += gain
        if gain <= _RELATIVE_GAIN * decrease:
            break
    along = 0.0
    for j in range(k):
        along += slope[j] * step[j]
    if along > 0.0:
        shrink = max(0.0, 1.0 - along / (2.0 * (decrease + along)))
        for j in range(k):
            step[j] *= shrink


@kernel()
def _coordinate_steps(f: Array, slope: Array, curvature: Array) -> float:
    """``sum h d^2``, h being the curvatures and d the Newton steps of the coordinates, each by itself."""
    total = 0.0
    for j in range(len(f)):
        if curvature[j, j] > 0.0:
            step = max(-f[j], -slope[j] / curvature[j, j])
            total += curvature[j, j] * step * step
    return total


@kernel()
def _fix_coordinates(fixed: Array, slope: Array, curvature: Array) -> None:
    """Make the coordinates stay where they are that are ``fixed`` (k,)."""
    for j in range(len(fixed)):
        if fixed[j]:
            slope[j], curvature[j, :], curvature[:, j] = 0.0, 0.0, 0.0


@kernel()
def _step_lower_bounds(f: Array, curvature: Array, least: float, low: Array) -> None:
    """Write to ``low`` the lower bounds of steps from ``f`` within which :func:`newton_rows` descends."""
    budget = _MAX_RELATIVE_DECREASE
    for j in range(len(f)):
        share = f[j] * np.sqrt(curvature[j, j] / least)
        low[j] = -f[j] if share <= budget else -0.5 * f[j]
        if share <= budget:
            budget -= share


@kernel()
def _add_quadratic_terms(
    f: Array, cross: Array, gram: Array, diagonal: float, weight: float, slope: Array, curvature: Array
) -> None:
    """Add the derivatives of ``(1/2 f^T (gram + steepness I) f - cross f) / weight``."""
    for j in range(len(f)):
        slope[j] += (diagonal * f[j] - cross[j]) / weight
        for other in range(len(f)):
            curvature[j, other] += gram[j, other] / weight
            slope[j] += gram[j, other] / weight * f[other]
        curvature[j, j] += diagonal / weight


@kernel()
def _guarded_step(f: Array, slope: Array, curvature: Array, least: float, fixed: Array, workspace: Array) -> float:
    """Take ``f`` (k,) one guarded step; return what single steps would be. ``room`` (3, k) is overwritten."""
    step, low, inverse = workspace
    _step_lower_bounds(f, curvature, least, low)
    _fix_coordinates(fixed, slope, curvature)
    moved = _coordinate_steps(f, slope, curvature)
    _minimise_quadratic(curvature, slope, low, step, inverse)
    for j in range(len(f)):
        f[j] = max(0.0, f[j] + step[j])
    return moved


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
    diagonal: Array,
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
    workspace, steps = np.empty((k + 2, BLOCK)), np.empty((3, k))
    f, slope, curvature, none_fixed = np.empty(k), np.empty(k), np.empty((k, k)), np.zeros(k, np.bool_)
    moved = 0.0
    for i in range(indptr.size - 1):
        f[:] = factor[:, start + i]
        x, columns = data[indptr[i] : indptr[i + 1]], indices[indptr[i] : indptr[i + 1]]
        slope[:], curvature[:] = 0.0, 0.0
        _add_quadratic_terms(f, cross[:, start + i], gram, diagonal[start + i], weight, slope, curvature)
        least = _add_derivatives(columns, x, right, f, slope, curvature, workspace)
        fixed_here = fixed[:, start + i] if fixed.size > 0 else none_fixed
        moved += weight * _guarded_step(f, slope, curvature, least, fixed_here, steps)
        factor[:, start + i] = f
    return moved


def empty_derivatives(k: int, entries: int) -> Array:
    """Room for what :func:`derivatives_of_rows` writes: k slopes and half a matrix of curvatures for each entry."""
    return np.zeros((k + k * (k + 1) // 2, entries))


@kernel()
def derivatives_of_rows(
    indptr: Array, indices: Array, data: Array, factor: Array, start: int, right: Array, out: Array, least: Array
) -> None:
    """Write those of ``-sum_m x_im log(f right_m)`` for each entry to ``out``, and its least count to ``least``."""
    k = len(factor)
    workspace, f, slope, curvature = np.empty((k + 2, BLOCK)), np.empty(k), np.empty(k), np.empty((k, k))
    for i in range(indptr.size - 1):
        f[:] = factor[:, start + i]
        x, columns = data[indptr[i] : indptr[i + 1]], indices[indptr[i] : indptr[i + 1]]
        slope[:], curvature[:] = 0.0, 0.0
        least[start + i] = _add_derivatives(columns, x, right, f, slope, curvature, workspace)
        position = k
        for j in range(k):
            out[j, start + i] = slope[j]
            for other in range(j + 1):
                out[position, start + i] = curvature[j, other]
                position += 1


@kernel()
def newton_steps(
    derivatives: Array,
    least: Array,
    factor: Array,
    cross: Array,
    gram: Array,
    diagonal: Array,
    fixed: Array,
    weight: float,
) -> float:
    """Take each entry the step of :func:`newton_rows`, from derivatives that are summed over all its counts."""
    k = len(factor)
    f, slope, curvature, none_fixed = np.empty(k), np.empty(k), np.empty((k, k)), np.zeros(k, np.bool_)
    steps = np.empty((3, k))
    moved = 0.0
    for i in range(factor.shape[1]):
        f[:] = factor[:, i]
        position = k
        for j in range(k):
            slope[j] = derivatives[j, i]
            for other in range(j + 1):
                curvature[j, other] = curvature[other, j] = derivatives[position, i]
                position += 1
        _add_quadratic_terms(f, cross[:, i], gram, diagonal[i], weight, slope, curvature)
        fixed_here = fixed[:, i] if fixed.size > 0 else none_fixed
        moved += weight * _guarded_step(f, slope, curvature, least[i], fixed_here, steps)
        factor[:, i] = f
    return moved
