"""Coordinate descent for independent entries of a non-negative factor: in registers, or in blocks in the cache.

Minimises ``1/2 <F, gram F> - <cross, F>`` as :mod:`mffnb.kernels.hals` does. Because entries are not coupled, all
sweeps over one group of entries are made at once, while its values are in registers or in the first-level cache.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from mffnb.kernels.compile import kernel
from mffnb.kernels.plain_registers import LANES
from mffnb.kernels.register_choice import register_descent, strip_product
from mffnb.kernels.separate import FLOAT, INTEGER, MATRIX, SeparateKernel, caller, separate
from mffnb.typing import Array

# The compiler may reorder sums, so that they use vector registers; infinities and NaN keep their meaning.
_MATH = {"contract", "reassoc", "nsz"}
_MIN_CURVATURE = 1e-290  # smallest diagonal element of a Gram matrix whose ratios stay finite
#: Largest number of components that are swept in registers; of the largest number, a few spill to the first-level
#: cache.
MAX_REGISTER_COMPONENTS = 12
# Number of entries in a block if there are more components: enough for eight independent sums, which hide the latency
# of an addition.
_BLOCK = 32
_add_products = strip_product([1], _BLOCK)
_SIGNATURE = FLOAT(MATRIX, INTEGER, MATRIX, INTEGER, MATRIX, MATRIX, INTEGER, MATRIX)
#: Call of the kernel that :func:`sweep_kernel` returns, by its address, from another kernel.
call_sweep = caller(_SIGNATURE)


@kernel(fastmath=_MATH, internal=True)
def projected_step(rhs: Array, row: Array, curvature: float) -> float:
    """Add the Newton step ``rhs / curvature`` to ``row`` and clip at zero; return the sum of squares of the changes."""
    inverse, moved = 1.0 / curvature, 0.0
    for i in range(row.size):
        new = row[i] + inverse * rhs[i]
        new = new if new > 0.0 else 0.0
        moved += (new - row[i]) * (new - row[i])
        row[i] = new
    return moved


@kernel(internal=True)
def zero_where_penalised(rhs: Array, row: Array) -> None:
    """Set entries of ``row`` to zero where ``rhs`` is negative; the other entries stay unchanged.

    This is the update of a component whose row of the other factor is zero: the data do not determine its entries, but
    a penalty (negative ``rhs``) is minimal at zero.
    """
    for i in range(row.size):
        if rhs[i] < 0.0:
            row[i] = 0.0


def gram_ratios(gram: Array) -> tuple[Array, Array]:
    """Scale a Gram matrix by its diagonal, as :func:`mffnb.kernels.registers.register_descent` takes it.

    Returns the ratios ``-gram_jl / gram_jj``, (k, k), and the diagonal with its inverse, (2, k). Where the diagonal is
    zero, the data do not determine the component: ratios and diagonal are zero, and the inverse is one.
    """
    k = len(gram)
    ratios, curvature = np.zeros((k, k)), np.zeros((2, k))
    _write_gram_ratios(gram, ratios, curvature)
    return ratios, curvature


@kernel()
def _write_gram_ratios(gram: Array, ratios: Array, curvature: Array) -> None:
    """Compute :func:`gram_ratios`, given arrays of zeros for its results."""
    for j in range(gram.shape[0]):
        curvature[1, j] = 1.0
        if gram[j, j] > _MIN_CURVATURE:
            curvature[0, j], curvature[1, j] = gram[j, j], 1.0 / gram[j, j]
            for other in range(gram.shape[0]):
                ratios[j, other] = -gram[j, other] / gram[j, j]


def sweep_kernel(gram: Array) -> SeparateKernel:
    """Return the kernel that sweeps coordinate descent over some entries of a factor, for this Gram matrix (k, k).

    ``sweep(factor, first, cross, entries, ratios, curvature, sweeps, workspace)`` sweeps the entries ``first:first +
    entries`` of ``factor`` (k, any); ``cross`` (k, any) starts at the first of them. ``ratios`` and ``curvature`` are
    those of :func:`gram_ratios`, and ``workspace`` is that of :func:`sweep_workspace`. If there are few components and
    no diagonal element of the Gram matrix is zero, a group of entries stays in registers during all sweeps.
    """
    k = len(gram)
    if k <= MAX_REGISTER_COMPONENTS and min(gram.diagonal().tolist()) > _MIN_CURVATURE:
        return register_sweeps(k)
    return sweep_in_blocks


def sweep_workspace(k: int) -> Array:
    """Allocate the workspace of a :func:`sweep_kernel` for k components: in Python, because it compiles slowly."""
    return np.empty((2 * k + 1, _BLOCK))


@kernel()
def run_sweep(
    address: int,
    factor: Array,
    first: int,
    cross: Array,
    entries: int,
    ratios: Array,
    curvature: Array,
    sweeps: int,
    workspace: Array,
) -> float:
    """Call a :func:`sweep_kernel` from Python, by its address: one wrapper serves the kernels of all k."""
    moved: float = call_sweep(address, (factor, first, cross, entries, ratios, curvature, sweeps, workspace))
    return moved


@cache
def register_sweeps(k: int) -> SeparateKernel:
    """Return the kernel that sweeps groups of :data:`LANES` entries, with all k components of a group in registers."""
    descend = register_descent(k)
    nothing: int = np.int64(0)  # type: ignore[assignment]  # a literal would compile ``descend`` for literals too

    @separate(_SIGNATURE, name=f"sweep_in_registers_{k}")
    def sweep(
        factor: Array,
        first: int,
        cross: Array,
        entries: int,
        ratios: Array,
        curvature: Array,
        sweeps: int,
        workspace: Array,
    ) -> float:
        whole = entries - entries % LANES
        left = entries - whole
        rest, rhs_block = workspace[:k], workspace[k:]
        for j in range(k):  # the last, incomplete group of entries; the unused lanes hold zeros
            for i in range(LANES):
                rest[j, i], rhs_block[j, i] = 0.0, 0.0
            for i in range(left):
                rest[j, i], rhs_block[j, i] = factor[j, first + whole + i], cross[j, whole + i]
        rows, pulls, start, end = factor, cross, first, whole
        moved = 0.0
        for _ in range(2):  # first the whole groups, then the last one: ``descend`` is compiled once
            for at in range(nothing, end, LANES):
                moved += descend(rows, start + at, pulls, at, ratios, curvature, sweeps)
            rows, pulls, start, end = rest, rhs_block, nothing, left
        for j in range(k):
            for i in range(left):
                factor[j, first + whole + i] = rest[j, i]
        return moved

    return sweep


@separate(_SIGNATURE)
def sweep_in_blocks(
    factor: Array,
    first: int,
    cross: Array,
    entries: int,
    ratios: Array,
    curvature: Array,
    sweeps: int,
    workspace: Array,
) -> float:
    """Sweep coordinate descent over blocks of 32 entries, which stay in the first-level cache, for any k."""
    k = factor.shape[0]
    block, rhs_block, steps = workspace[:k], workspace[k : 2 * k], workspace[2 * k]
    moved = 0.0
    for at in range(0, entries, _BLOCK):
        count = min(_BLOCK, entries - at)
        for j in range(k):
            row, rhs, inverse = factor[j][first + at : first + at + count], cross[j][at : at + count], curvature[1, j]
            for i in range(count):
                block[j, i], rhs_block[j, i] = row[i], inverse * rhs[i]
            for i in range(count, _BLOCK):
                block[j, i], rhs_block[j, i] = 0.0, 0.0
        for sweep in range(sweeps):
            for j in range(k):
                if curvature[0, j] > 0.0:
                    pull = rhs_block[j]
                    for i in range(_BLOCK):
                        steps[i] = pull[i]
                    _add_products(1, ratios, j * k, 0, 1, block, 0, _BLOCK, k, steps, 0, 0, block, 0, 0)
                    squares = projected_step(steps, block[j], 1.0)
                    moved += curvature[0, j] * squares if sweep == 0 else 0.0
                else:
                    zero_where_penalised(rhs_block[j], block[j])
        for j in range(k):
            row = factor[j][first + at : first + at + count]
            for i in range(count):
                row[i] = block[j, i]
    return moved
