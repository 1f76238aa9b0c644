"""Newton steps for the Poisson likelihood: all k components of one pixel or channel in one pass over its counts."""

from __future__ import annotations

import numpy as np

from mffnb.kernels.compile import kernel
from mffnb.kernels.copying import copy_entries
from mffnb.kernels.divergence import BLOCK, evaluate_model
from mffnb.typing import Array

_MIN_MODEL = 1e-150  # smallest model value that may be divided by twice
_MAX_RELATIVE_DECREASE = 0.3  # of a model value, by components set to zero; all steps: 1 - (1 - 0.3) / 2 = 0.65 < 0.68
_MAX_SWEEPS, _RELATIVE_GAIN = 4, 1e-2  # at most 4 sweeps, until one gains less than 1 % of the total decrease


@kernel(inlined=True)
def _set_to_zero(slope: Array, curvature: Array) -> None:
    """Set ``slope`` (k,) and ``curvature`` (k, k) to zero."""
    for j in range(len(slope)):
        slope[j] = 0.0
        for other in range(len(slope)):
            curvature[j, other] = 0.0


@kernel({"contract", "reassoc", "nsz"}, internal=True)
def _add_derivatives(
    indices: Array, x: Array, right: Array, f: Array, slope: Array, curvature: Array, workspace: Array
) -> float:
    """Add the gradient and the Hessian of ``-sum_m x_m log(f right_m)`` to ``slope`` (k,) and ``curvature`` (k, k).

    ``workspace``, (k + 2, counts), is overwritten. Returns the smallest positive count.
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


@kernel(inlined=True)
def _minimise_quadratic(curvature: Array, slope: Array, low: Array, step: Array, inverse: Array) -> None:
    """Minimise ``slope d + d curvature d / 2`` over ``d >= low`` by coordinate descent; d is written to ``step``.

    If descent stops early, d is shortened such that ``(slope + curvature d) d <= 0``, which the minimum satisfies.
    ``slope`` and ``inverse`` (k,) are overwritten.
    """
    k = len(step)
    for j in range(k):
        step[j], own_curvature = 0.0, curvature[j, j]
        # With curvature zero the objective is linear: the step goes to the bound if the slope is positive, otherwise it
        # is zero.
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


@kernel(inlined=True)
def _coordinate_steps(f: Array, slope: Array, curvature: Array) -> float:
    """Compute ``sum_j h_j d_j^2``, with the curvatures h and the clipped Newton steps d of single coordinates of f."""
    total = 0.0
    for j in range(len(f)):
        if curvature[j, j] > 0.0:
            step = max(-f[j], -slope[j] / curvature[j, j])
            total += curvature[j, j] * step * step
    return total


@kernel(inlined=True)
def _fix_coordinates(fixed: Array, slope: Array, curvature: Array) -> None:
    """Set ``slope[j]`` and row and column j of ``curvature`` to zero, in place, for each j where ``fixed[j]`` is True.

    The step of these coordinates is then zero.
    """
    for j in range(len(fixed)):
        if fixed[j]:
            slope[j] = 0.0
            for other in range(len(fixed)):
                curvature[j, other], curvature[other, j] = 0.0, 0.0


@kernel(inlined=True)
def _step_lower_bounds(f: Array, curvature: Array, least: float, low: Array) -> None:
    """Write to ``low`` the lower bounds of a step from ``f`` that guarantee descent, see :func:`newton_rows`."""
    budget = _MAX_RELATIVE_DECREASE
    for j in range(len(f)):
        share = f[j] * np.sqrt(curvature[j, j] / least)
        low[j] = -f[j] if share <= budget else -0.5 * f[j]
        if share <= budget:
            budget -= share


@kernel(inlined=True)
def _add_quadratic_terms(
    f: Array, cross: Array, gram: Array, diagonal: float, weight: float, slope: Array, curvature: Array
) -> None:
    """Add the derivatives of ``(1/2 f^T (gram + diagonal I) f - cross f) / weight``."""
    for j in range(len(f)):
        slope[j] += (diagonal * f[j] - cross[j]) / weight
        for other in range(len(f)):
            curvature[j, other] += gram[j, other] / weight
            slope[j] += gram[j, other] / weight * f[other]
        curvature[j, j] += diagonal / weight


@kernel(inlined=True)
def _guarded_step(
    f: Array, slope: Array, curvature: Array, least: float, fixed: Array, i: int, workspace: Array
) -> float:
    """Move ``f`` (k,), column i of a factor, by one Newton step within the bounds that guarantee descent.

    Returns the sum of squares of the Newton steps of single coordinates, weighted by their curvatures. ``workspace``
    (3, k) is overwritten.
    """
    step, low, inverse = workspace[0], workspace[1], workspace[2]
    _step_lower_bounds(f, curvature, least, low)
    if fixed.size > 0:
        _fix_coordinates(fixed[:, i], slope, curvature)
    moved = _coordinate_steps(f, slope, curvature)
    _minimise_quadratic(curvature, slope, low, step, inverse)
    for j in range(len(f)):
        f[j] = max(0.0, f[j] + step[j])
    return moved


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
    r"""Move each entry of a factor (k, entries) by one guarded Newton step in all k components.

    Minimises, over f >= 0 for each entry i, ``1/2 f^T (gram + diagonal_i I) f - cross_i f - weight sum_m x_im log(f
    right_m)``. ``fixed`` is (k, entries), True where a component must not move, or empty.

    If no model value r falls by more than the fraction u, the objective lies below its second-order expansion with the
    curvature of the logarithm multiplied by :math:`2 (-\log(1 - u) - u) / u^2`, which is at most 2 for u <= 0.68. The
    minimum of the expansion in a convex set leaves room for half the curvature. A step that satisfies this bound
    therefore never raises the objective. A component contributes at most the fraction ``f_j sqrt(curvature_jj / x)`` to
    any model value, where x is the smallest count. Components whose fractions add up to less than a limit may go to
    zero at once; the others may fall to half. The constant is that of Hien & Gillis 2021, J. Sci. Comput. 87:93, lemma
    3.

    Returns the sum of ``h d^2``, where h are curvatures and d the Newton steps of single coordinates.
    """
    work = _workspaces(len(factor))
    moved: float = _newton_rows(
        indptr, indices, data, factor, start, right, cross, gram, diagonal, fixed, weight, *work
    )
    return moved


def _workspaces(k: int) -> tuple[Array, Array]:
    """Allocate arrays for the counts of an entry, (k + 2, any), and for its steps and derivatives, (k + 5, k)."""
    return np.empty((k + 2, BLOCK)), np.empty((k + 5, k))


@kernel()
def _newton_rows(
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
    workspace: Array,
    small: Array,
) -> float:
    """Compute :func:`newton_rows`, given its workspaces."""
    steps, f, slope, curvature = small[:3], small[3], small[4], small[5:]
    moved = 0.0
    for i in range(indptr.size - 1):
        copy_entries(factor[:, start + i], f)
        x, columns = data[indptr[i] : indptr[i + 1]], indices[indptr[i] : indptr[i + 1]]
        _set_to_zero(slope, curvature)
        _add_quadratic_terms(f, cross[:, start + i], gram, diagonal[start + i], weight, slope, curvature)
        least = _add_derivatives(columns, x, right, f, slope, curvature, workspace)
        moved += weight * _guarded_step(f, slope, curvature, least, fixed, start + i, steps)
        copy_entries(f, factor[:, start + i])
    return moved


def empty_derivatives(k: int, entries: int) -> Array:
    """Allocate the output of :func:`derivatives_of_rows`: for each entry k slopes and half of a symmetric matrix."""
    return np.zeros((k + k * (k + 1) // 2, entries))


def derivatives_of_rows(
    indptr: Array, indices: Array, data: Array, factor: Array, start: int, right: Array, out: Array, least: Array
) -> None:
    """Compute gradient and Hessian of ``-sum_m x_im log(f right_m)`` for each entry i.

    They are written to ``out`` (see :func:`empty_derivatives`), and the smallest positive count of each entry to
    ``least``.
    """
    _derivatives_of_rows(indptr, indices, data, factor, start, right, out, least, *_workspaces(len(factor)))


@kernel()
def _derivatives_of_rows(
    indptr: Array,
    indices: Array,
    data: Array,
    factor: Array,
    start: int,
    right: Array,
    out: Array,
    least: Array,
    workspace: Array,
    small: Array,
) -> None:
    """Compute :func:`derivatives_of_rows`, given its workspaces."""
    k = len(factor)
    f, slope, curvature = small[3], small[4], small[5:]
    for i in range(indptr.size - 1):
        copy_entries(factor[:, start + i], f)
        x, columns = data[indptr[i] : indptr[i + 1]], indices[indptr[i] : indptr[i + 1]]
        _set_to_zero(slope, curvature)
        least[start + i] = _add_derivatives(columns, x, right, f, slope, curvature, workspace)
        position = k
        for j in range(k):
            out[j, start + i] = slope[j]
            for other in range(j + 1):
                out[position, start + i] = curvature[j, other]
                position += 1


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
    """Move each entry by the guarded step of :func:`newton_rows`, given derivatives that were summed over all ranks."""
    small = _workspaces(len(factor))[1]
    moved: float = _newton_steps(derivatives, least, factor, cross, gram, diagonal, fixed, weight, small)
    return moved


@kernel()
def _newton_steps(
    derivatives: Array,
    least: Array,
    factor: Array,
    cross: Array,
    gram: Array,
    diagonal: Array,
    fixed: Array,
    weight: float,
    small: Array,
) -> float:
    """Compute :func:`newton_steps`, given its workspace."""
    k = len(factor)
    steps, f, slope, curvature = small[:3], small[3], small[4], small[5:]
    moved = 0.0
    for i in range(factor.shape[1]):
        copy_entries(factor[:, i], f)
        position = k
        for j in range(k):
            slope[j] = derivatives[j, i]
            for other in range(j + 1):
                curvature[j, other] = curvature[other, j] = derivatives[position, i]
                position += 1
        _add_quadratic_terms(f, cross[:, i], gram, diagonal[i], weight, slope, curvature)
        moved += weight * _guarded_step(f, slope, curvature, least[i], fixed, i, steps)
        copy_entries(f, factor[:, i])
    return moved
