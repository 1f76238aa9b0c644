"""NumPy step for least squares over the simplex: the active-set method of the kernel, on all entries at once."""

from __future__ import annotations

import numpy as np
from scipy import linalg

from mffnb.kernels.tiers.supports import supports
from mffnb.typing import Array, Float64Array

_TOLERANCE = 1e-12  # relative to the largest curvature: smaller multipliers count as zero, as in the kernel


def sweep_simplex(factor: Float64Array, gram: Float64Array, cross: Float64Array, counts: Array) -> float:
    """Set every column of a factor to its minimiser on the simplex; return the squared change of the reconstruction.

    Minimises ``1/2 a^T G a - c^T a`` with ``a >= 0, sum(a) = 1`` for each column, as
    :func:`mffnb.kernels.simplex.sweep_simplex` does. Columns with equal support are solved together.
    """
    k = len(factor)
    linear, old = cross / counts, factor.copy()
    a = factor.copy()
    support = a > 0
    largest = float(np.diag(gram).max(initial=0.0)) or 1.0
    active = np.arange(a.shape[1])
    for _ in range(8 * k + 8):  # upper limit for ties; otherwise a few passes suffice
        if not active.size:
            break
        _minimise_on_supports(a, support, active, gram, linear, largest)
        here = a[:, active]
        slope = gram @ here - linear[:, active]
        inside = support[:, active]
        level = np.min(np.where(inside, slope, np.inf), axis=0)
        scale = largest + np.abs(linear[:, active])
        gain = np.where(inside, 0.0, slope - level + _TOLERANCE * scale)
        entering = np.argmin(gain, axis=0)
        columns = np.arange(active.size)
        wrong = gain[entering, columns] < 0
        active, entering = active[wrong], entering[wrong]
        support[entering, active] = True
        a[entering, active] = 1e-300  # a negligible value keeps the component in the support
    a[a < 1e-14] = 0.0
    a /= a.sum(axis=0)
    step = a - old
    factor[:] = a
    return max(float(np.sum(counts * np.einsum("ji,ji->i", step, gram @ step))), 0.0)


def _minimise_on_supports(
    a: Float64Array, support: Array, active: Array, gram: Float64Array, linear: Float64Array, largest: float
) -> None:
    """Move columns to the minimiser on their support; shrink the support while that lies outside the simplex."""
    pending = active
    while pending.size:
        goal = np.zeros((len(a), pending.size))
        for rows, columns in supports(support[:, pending]):
            part = linear[np.ix_(rows, pending[columns])]
            goal[np.ix_(rows, columns)] = _constrained_minimiser(gram[np.ix_(rows, rows)], part, largest)
        here = a[:, pending]
        outside = goal < 0
        reach = np.divide(here, here - goal, out=np.full_like(here, np.inf), where=outside)
        blocking = np.argmin(reach, axis=0)
        columns = np.arange(pending.size)
        share = np.minimum(reach[blocking, columns], 1.0)
        blocked = outside.any(axis=0)
        a[:, pending] = np.maximum(here + share * (goal - here), 0.0) * support[:, pending]
        pending, blocking = pending[blocked], blocking[blocked]
        a[blocking, pending] = 0.0
        support[blocking, pending] = False
        support[:, pending] &= a[:, pending] > 0


def _constrained_minimiser(gram: Float64Array, linear: Float64Array, largest: float) -> Float64Array:
    """Minimise over columns that sum to one, without the bounds; a ridge is added to a singular Gram matrix."""
    ridge, identity = 0.0, np.eye(len(gram))
    while True:
        try:
            triangle = linalg.cho_factor(gram + ridge * identity, check_finite=False)
            break
        except np.linalg.LinAlgError:  # endmembers are equal: all splits fit equally well
            ridge = max(2.0 * ridge, 1e-13 * largest)
    sides = np.column_stack([linear, np.ones(len(gram))])
    solved = linalg.cho_solve(triangle, sides, check_finite=False)
    free, shift = solved[:, :-1], solved[:, -1:]
    return np.asarray(free + shift * (1.0 - free.sum(axis=0)) / shift.sum())
