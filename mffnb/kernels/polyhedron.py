"""Least squares within a polyhedron: a dual active-set method for every row of a matrix with missing entries.

For each row x of X, over the entries that are not NaN,

    minimise 1/2 sum_m (x_m - a b_m)^2    subject to  lower <= a b_m <= upper for all m,  (a >= 0)

where the rows b_m, (k,), of the other factor are given. With the Cholesky factor of the Gram matrix this is the
projection of a point on a polyhedron in k dimensions. The dual active-set method starts at the unconstrained minimiser
and adds the most violated constraint, one at a time. At most k constraints are active, so a row needs only a few passes
over all constraints.

Source: Goldfarb & Idnani 1983, Mathematical Programming 27:1.
"""

from __future__ import annotations

import numpy as np

from mffnb.kernels.compile import kernel
from mffnb.kernels.copying import copy_entries
from mffnb.typing import Array

_RIDGE = 1e-8  # weight of a proximal term, relative to the mean diagonal of the Gram matrix; fixed points stay
_DEPENDENT = 1e-18  # squared sine of the angle to the other normals below which one counts as linearly dependent


@kernel(allocates=True)
def _normal_equations(x: Array, basis: Array, old: Array, gram: Array, linear: Array) -> None:
    """Compute Gram matrix and cross product over observed entries of a row, plus a proximal term at ``old``."""
    k = old.size
    gram[:] = 0.0
    linear[:] = 0.0
    for m in range(x.size):
        if not np.isnan(x[m]):
            for j in range(k):
                linear[j] += x[m] * basis[m, j]
                for other in range(j + 1):
                    gram[j, other] += basis[m, j] * basis[m, other]
    trace = 0.0
    for j in range(k):
        trace += gram[j, j]
    added = _RIDGE * trace / k if trace > 0.0 else 1.0
    for j in range(k):
        gram[j, j] += added
        linear[j] += added * old[j]
        for other in range(j):
            gram[other, j] = gram[j, other]


@kernel()
def _cholesky(gram: Array, root: Array) -> None:
    """Write the lower Cholesky factor of a Gram matrix to ``root``."""
    for p in range(gram.shape[0]):
        for q in range(p + 1):
            total = gram[p, q]
            for r in range(q):
                total -= root[p, r] * root[q, r]
            if q < p:
                root[p, q] = total / root[q, q]
            else:
                root[p, p] = np.sqrt(max(total, 1e-300))


@kernel()
def _forward(root: Array, b: Array) -> None:
    """Solve ``root y = b`` with the Cholesky factor ``root`` by forward substitution, in place of b."""
    for p in range(b.size):
        total = b[p]
        for r in range(p):
            total -= root[p, r] * b[r]
        b[p] = total / root[p, p]


@kernel()
def _backward(root: Array, b: Array) -> None:
    """Solve ``root^T y = b`` with the Cholesky factor ``root`` by back substitution, in place of b."""
    for p in range(b.size - 1, -1, -1):
        total = b[p]
        for r in range(p + 1, b.size):
            total -= root[r, p] * b[r]
        b[p] = total / root[p, p]


@kernel()
def _most_violated(
    a: Array, basis: Array, lower: float, upper: float, non_negative: bool, slack: float
) -> tuple[int, float]:
    """Find the most violated constraint, and by how much it is violated.

    The index is 2 m for the lower and 2 m + 1 for the upper bound of entry m; the constraints a_j >= 0 follow. It is -1
    if no violation exceeds ``slack``.
    """
    entries, k = basis.shape
    which, worst = -1, slack
    for m in range(entries):
        value = 0.0
        for j in range(k):
            value += a[j] * basis[m, j]
        if lower - value > worst:
            which, worst = 2 * m, lower - value
        if value - upper > worst:
            which, worst = 2 * m + 1, value - upper
    if non_negative:
        for j in range(k):
            if -a[j] > worst:
                which, worst = 2 * (entries + j), -a[j]
    return which, worst


@kernel(allocates=True)
def _normal(which: int, basis: Array, out: Array) -> None:
    """Write the inward normal of constraint number ``which`` to ``out``, (k,)."""
    entries = basis.shape[0]
    if which >= 2 * entries:
        out[:] = 0.0
        out[which // 2 - entries] = 1.0
    else:
        sign = 1.0 if which % 2 == 0 else -1.0
        for j in range(out.size):
            out[j] = sign * basis[which // 2, j]


@kernel(allocates=True)
def _decompose(normals: Array, count: int, d: Array, coefficients: Array, z: Array, q: Array, r: Array) -> None:
    """Decompose a vector d into a combination of the active normals, with ``coefficients``, and an orthogonal rest z.

    Uses modified Gram-Schmidt; ``q`` and ``r`` are its workspace.
    """
    for p in range(count):  # modified Gram-Schmidt: normals_p = sum_s r[s, p] q_s
        q[p] = normals[p]
        for s in range(p):
            r[s, p] = np.dot(q[s], q[p])
            q[p] -= r[s, p] * q[s]
        r[p, p] = np.sqrt(np.dot(q[p], q[p]))
        q[p] /= r[p, p]
    copy_entries(d, z)
    coefficients[:] = 0.0
    for _ in range(2):  # the second pass removes rounding errors
        for p in range(count):
            part = np.dot(q[p], z)
            coefficients[p] += part
            z -= part * q[p]
    for p in range(count - 1, -1, -1):
        for s in range(p + 1, count):
            coefficients[p] -= r[p, s] * coefficients[s]
        coefficients[p] /= r[p, p]


@kernel(allocates=True)
def _dual_active_set(
    gram: Array, linear: Array, basis: Array, lower: float, upper: float, non_negative: bool, slack: float, a: Array
) -> bool:
    """Write the minimiser of ``1/2 a G a - linear a`` in the polyhedron to ``a``; return False if it was not found."""
    k = a.size
    root, normals, q, r = np.zeros((k, k)), np.empty((k, k)), np.empty((k, k)), np.empty((k, k))
    active, multipliers, coefficients = np.empty(k, np.int64), np.zeros(k + 1), np.empty(k)
    d, z, y = np.empty(k), np.empty(k), linear.copy()
    _cholesky(gram, root)
    _forward(root, y)
    copy_entries(y, a)
    _backward(root, a)
    count = 0
    for _ in range(40 * k + 40):
        which, violation = _most_violated(a, basis, lower, upper, non_negative, slack)
        if which < 0:
            return True
        _normal(which, basis, d)
        _forward(root, d)
        size = np.dot(d, d)
        new = 0.0
        while True:
            _decompose(normals, count, d, coefficients, z, q, r)
            free = np.dot(z, z)
            full = violation / free if count < k and free > _DEPENDENT * size else np.inf
            partial, leaving = np.inf, -1
            for p in range(count):
                if coefficients[p] > 0.0 and multipliers[p] < partial * coefficients[p]:
                    partial, leaving = multipliers[p] / coefficients[p], p
            step = min(full, partial)
            if step == np.inf:
                return False  # the constraints are infeasible
            for p in range(count):
                multipliers[p] -= step * coefficients[p]
            new += step
            if full < np.inf:
                y += step * z
                violation -= step * free
            if full <= partial:
                normals[count], active[count], multipliers[count] = d, which, new
                count += 1
                break
            for p in range(leaving, count - 1):
                normals[p], active[p], multipliers[p] = normals[p + 1], active[p + 1], multipliers[p + 1]
            count -= 1
        copy_entries(y, a)
        _backward(root, a)
    return False


@kernel(allocates=True)
def fit_rows(
    rows: Array,
    basis: Array,
    factor: Array,
    lower: float,
    upper: float,
    non_negative: bool,
    slack: float,
) -> float:
    """Move the rows of ``factor``, (rows, k), to their constrained minimisers; return the residual sum of squares.

    ``rows`` is X, (rows, entries), with NaN for missing entries, and ``basis`` the other factor, (entries, k). A row
    stays unchanged if its residual would not fall, or if no feasible point is found.
    """
    k = factor.shape[1]
    gram, linear, new = np.empty((k, k)), np.empty(k), np.empty(k)
    residual = 0.0
    for i in range(rows.shape[0]):
        old = factor[i]
        _normal_equations(rows[i], basis, old, gram, linear)
        found = _dual_active_set(gram, linear, basis, lower, upper, non_negative, slack, new)
        if non_negative:
            for j in range(k):
                new[j] = max(new[j], 0.0)
        before, after = 0.0, 0.0
        for m in range(basis.shape[0]):
            if not np.isnan(rows[i, m]):
                is_old, is_new = rows[i, m], rows[i, m]
                for j in range(k):
                    is_old -= old[j] * basis[m, j]
                    is_new -= new[j] * basis[m, j]
                before += is_old * is_old
                after += is_new * is_new
        if found and after <= before:
            factor[i] = new
        residual += min(before, after) if found else before
    return residual
