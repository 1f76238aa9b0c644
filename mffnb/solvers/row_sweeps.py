"""Sweeps of HALS over rows with independent entries, possibly with a ball, a box, fixed values or a rowwise term."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy

from mffnb.kernels import hals
from mffnb.kernels.tiers import numpy_steps
from mffnb.kernels.tiers.tier import choose
from mffnb.matrices.entry_blocks import update_in_blocks
from mffnb.protocols.capabilities import traits_of
from mffnb.protocols.functions import FactorSet, Function, ProximalFunction
from mffnb.protocols.half import Half
from mffnb.protocols.part_results import project, proximal_point
from mffnb.protocols.terms import Term
from mffnb.solvers.values_on_ranks import total_value
from mffnb.typing import Array, Float64Array

_EQUAL = np.ones(1)


def sweep_rows(factor: Float64Array, half: Half, sweeps: int) -> float:
    """Sweep HALS over rows with independent entries, possibly in a ball or a box; return the first squared step."""
    if half.weights is not None and np.isfinite(half.radius):
        moved = [_sweep_weighted_ball(factor, half, half.weights) for _ in range(sweeps)]
        return moved[0]
    if half.weights is not None:  # with u the weights: in the variable F sqrt(u) all entries have weight 1
        root = np.sqrt(half.weights)
        scaled = factor * root
        unweighted = replace(half, cross=half.cross / root, weights=None)
        if half.boxed:
            unweighted = replace(unweighted, lower=half.lower * root, upper=np.multiply(half.upper, root))
        step = sweep_rows(scaled, unweighted, sweeps)
        factor[:] = scaled / root
        if half.boxed:
            np.clip(factor, half.lower, half.upper, out=factor)  # removes rounding errors
        return step
    if half.boxed:
        lower, upper = (np.array(np.broadcast_to(side, factor.shape[1]), float) for side in (half.lower, half.upper))
        sweep_box = choose(hals.sweep_box, numpy_steps.sweep_box)
        return float(sweep_box(factor, half.gram, half.cross, lower, upper, sweeps))
    if not np.isfinite(half.radius):
        sweep = choose(hals.sweep_non_negative, numpy_steps.sweep_non_negative)
        return update_in_blocks(lambda part, pull: sweep(part, half.gram, pull, sweeps), factor, half.cross)
    if half.total is None:
        sweep_ball = choose(hals.sweep_ball, numpy_steps.sweep_ball)
        return float(sweep_ball(factor, half.gram, half.cross, half.radius, sweeps))
    moved = [_sweep_distributed_ball(factor, half) for _ in range(sweeps)]
    return moved[0]


def _sweep_distributed_ball(factor: Float64Array, half: Half) -> float:
    """Sweep rows in a ball once; norms of rows are sums over ranks."""
    old, pull = np.empty(factor.shape[1]), np.empty(factor.shape[1])
    cross, moved = np.ascontiguousarray(half.cross), 0.0
    for j in range(len(factor)):
        squares = hals.minimise_row(factor, half.gram, cross, j, old, pull)
        moved += hals.project_row_on_ball(factor, half.gram, j, old, float(half.summed(squares)), half.radius)
    return moved


def update_single_entries(factor: Float64Array, half: Half) -> float:
    """Set every column to its minimiser among columns with at most one non-zero entry."""
    curvature = np.diag(half.gram)[:, None]
    weights = np.ones(factor.shape[1]) if half.weights is None else half.weights
    if half.sum_to_one:
        height, worth = np.ones_like(factor), half.cross - weights * curvature / 2
    else:
        height = np.divide(
            np.maximum(half.cross, 0.0), weights * curvature, out=np.zeros_like(factor), where=weights * curvature > 0
        )
        worth = half.cross * height
    kept = np.arange(len(factor))[:, None] == np.argmax(worth, axis=0)
    new = np.where(kept, height, 0.0)
    moved = float(np.sum(weights * curvature * (new - factor) ** 2))
    factor[:] = new
    return moved


def row_part(half: Half) -> ProximalFunction | FactorSet | None:
    """Return the single rowwise term of the subproblem, if nothing else couples entries or rows; otherwise None.

    Whole rows may be fixed, but not parts of rows.
    """
    part = half.proximal[0] if len(half.proximal) == 1 else None
    if part is None or not (isinstance(part, Term) and traits_of(part).rowwise):
        return None
    in_part = half.fixed is not None and bool(_fixed_in(half, half.fixed)[0].any())
    others = half.graph is not None or half.weights is not None or in_part
    others = others or half.sum_to_one or half.single or half.boxed or half.loss is not None or bool(half.smooth)
    return None if others else part


def _fixed_in(half: Half, fixed: Array) -> tuple[Array, Array]:
    """Return which rows have fixed and free entries, and which have only fixed entries, on all ranks."""
    counts = half.summed(np.append(fixed.sum(axis=1), fixed.shape[1]))
    return (counts[:-1] > 0) & (counts[:-1] < counts[-1]), counts[:-1] == counts[-1]


def sweep_proximal_rows(factor: Float64Array, half: Half, part: ProximalFunction | FactorSet) -> float:
    """Sweep rows with a rowwise term once: all entries of a row have equal curvature, so its minimiser is a prox.

    A ball only rescales the row, because the term is a cone, positively homogeneous, or a function of the norm (Yu
    2013, NIPS, theorem 4).
    """
    moved = 0.0
    whole = np.zeros(len(factor), bool) if half.fixed is None else _fixed_in(half, half.fixed)[1]
    for j in range(len(factor)):
        if whole[j]:
            continue
        curvature, old = half.gram[j, j], factor[j].copy()
        if curvature > 0:
            point = old + (half.cross[j] - half.gram[j] @ factor) / curvature
            new = _point(part, point, 1 / curvature)
        else:  # the data do not depend on this row
            point, new = old, np.zeros_like(old) if isinstance(part, Function) else _point(part, old, 1.0)
        norm = row_norm(new, half) if np.isfinite(half.radius) else 0.0
        if norm > half.radius:
            new *= half.radius / norm
        # The proximal point may be inexact.
        if isinstance(part, Function) and (np.isinf(half.radius) or row_norm(old, half) <= half.radius):
            fall = curvature / 2 * float(half.summed(float(np.sum((old - point) ** 2) - np.sum((new - point) ** 2))))
            if fall + total_value((part,), old[None], half) < total_value((part,), new[None], half):
                continue
        moved += curvature * float(np.sum((new - old) ** 2))
        factor[j] = new
    return moved


def _point(part: ProximalFunction | FactorSet, row: Float64Array, step: float) -> Float64Array:
    """Return the proximal point of a single row for a penalty, or its nearest point in a set."""
    if isinstance(part, ProximalFunction):
        return np.asarray(proximal_point(part, row[None], step)[0])
    return np.asarray(project(part, row[None])[0])


def _sweep_weighted_ball(factor: Float64Array, half: Half, weights: Float64Array, fixed: Array | None = None) -> float:
    """Sweep rows in a ball with weighted entries once: the multiplier of the ball is added to their curvature.

    Entries that are ``fixed`` are zero and stay so.
    """
    moved = 0.0
    for j in range(len(factor)):
        curvature = half.gram[j, j] * weights
        pull = np.maximum(half.cross[j] - weights * (half.gram[j] @ factor) + curvature * factor[j], 0.0)
        pull = pull if fixed is None else np.where(fixed[j], 0.0, pull)
        if not half.gram[j, j] > 0:
            factor[j, half.cross[j] < 0] = 0.0
            continue
        new = pull / curvature
        if row_norm(new, half) > half.radius:

            def excess(added: float, pull: Array = pull, curvature: Array = curvature) -> float:
                return row_norm(pull / (curvature + added), half) - half.radius

            most = row_norm(pull, half) / half.radius
            new = pull / (curvature + scipy.optimize.brentq(excess, 0.0, most, rtol=1e-15))
            new *= min(1.0, half.radius / row_norm(new, half))
        moved += float(np.sum(curvature * (new - factor[j]) ** 2))
        factor[j] = new
    return moved


def sweep_fixed_rows(factor: Float64Array, half: Half, fixed: Array) -> float:
    """Set the free entries of each component once (one HALS sweep); return the weighted squared change.

    A component with fixed entries above zero is not rescaled to the bound of its norm, since these would change.
    """
    if half.weights is not None and np.isfinite(half.radius):
        return _sweep_weighted_ball(factor, half, half.weights, fixed)
    moved = 0.0
    held = held_rows(factor, half, fixed)
    for j in range(len(factor)):
        if half.gram[j, j] <= 0:
            factor[j, ~fixed[j] & (half.cross[j] < 0)] = 0.0  # only a penalty determines these entries
            continue
        if half.weights is None:
            curvature = half.gram[j, j]
            pull = half.cross[j] - half.gram[j] @ factor + curvature * factor[j]
        else:
            curvature = half.gram[j, j] * half.weights
            pull = half.cross[j] - half.weights * (half.gram[j] @ factor) + curvature * factor[j]
        new = np.where(fixed[j], factor[j], np.clip(pull / curvature, half.lower, half.upper))
        if np.isfinite(half.radius) and not held[j]:
            new *= min(1.0, half.radius / max(row_norm(new, half), np.finfo(float).tiny))
        squares = (new - factor[j]) ** 2
        moved += float(np.sum(squares if half.weights is None else half.weights * squares)) * half.gram[j, j]
        factor[j] = new
    return moved


def held_rows(factor: Float64Array, half: Half, fixed: Array) -> Array:
    """Return which rows have fixed entries above zero, which determine the scale of the row, (k,)."""
    return half.summed(np.asarray((fixed & (factor != 0)).any(axis=1))) > 0


def row_norm(row: Float64Array, half: Half) -> float:
    """Return the norm of a row over the entries of all ranks."""
    return float(np.sqrt(half.summed(row @ row)))


def entry_weights(half: Half) -> Float64Array:
    """Return the weights of all entries, or an array with a single weight if all are equal."""
    return _EQUAL if half.weights is None else half.weights
