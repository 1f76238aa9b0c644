"""Hierarchical alternating least squares (HALS), also under a sum-to-one constraint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mffnb.constraints.fixed_patterns import patterns, remainder
from mffnb.errors import UnsupportedCombinationError
from mffnb.kernels import simplex
from mffnb.kernels.tiers import numpy_simplex
from mffnb.kernels.tiers.tier import choose, use_simpler_step
from mffnb.matrices.entry_blocks import update_in_blocks
from mffnb.protocols.capabilities import caution
from mffnb.protocols.graph import PixelGraph
from mffnb.protocols.half import Half
from mffnb.protocols.solver import Solver
from mffnb.protocols.traits import SolverTraits
from mffnb.solvers.graph_sweeps import sweep_rows_on_graph, sweep_simplex_on_graph
from mffnb.solvers.proximal import ProximalGradient
from mffnb.solvers.row_sweeps import (
    entry_weights,
    row_part,
    sweep_fixed_rows,
    sweep_proximal_rows,
    sweep_rows,
    update_single_entries,
)
from mffnb.typing import Array, Float64Array

__all__ = ["Hals"]


@dataclass(frozen=True)
class Hals:
    """Exact coordinate descent: set each row of the factor to its minimiser in turn. The objective never rises.

    For rows with both smoothness and a bounded norm, the sweep includes the Lagrange multiplier of the bound, and the
    objective does not rise either. Under a sum-to-one constraint a single row cannot change, so each pixel's small
    quadratic programme is solved exactly instead.

    Source: Cichocki & Phan 2009, IEICE Trans. Fundamentals E92-A:708; several inner sweeps per pass over the data
    after Gillis & Glineur 2012, Neural Computation 24:1085.

    Parameters
    ----------
    sweeps
        Number of inner sweeps for each cross product with the data, which costs far more than a sweep.
    """

    traits: ClassVar[SolverTraits] = SolverTraits(pixelwise=True, extrapolated=False)
    sweeps: int = 4

    def refuses(self, half: Half) -> str | None:
        """Return why the subproblem is refused: constraints that cannot be combined, or an unsupported loss or term."""
        bounded, smooth, fixed = np.isfinite(half.radius), half.graph is not None, half.fixed is not None
        for unsupported, reason in (
            (half.unfolded is not None and row_part(half) is None, _cannot_handle(half)),
            (
                half.log is not None,
                "HALS is for least squares: use solver='auto', 'newton' or 'multiplicative' with similarity='kl'",
            ),
            (
                bounded and half.sum_to_one,
                "HALS cannot keep a factor in a ball and summing to one at once: use solver='auto', or "
                "drop UnitBall, or the penalty on the other factor that calls for it",
            ),
            (
                fixed and (smooth or (half.sum_to_one and half.boxed)),
                "HALS cannot hold values of a factor that is smooth: use solver='auto', or drop one of the two",
            ),
            (
                half.single and (bounded or half.boxed or smooth or fixed),
                "HALS cannot keep one component per pixel in a ball or a box, smooth or fixed in part, at once: "
                "drop Orthogonal, or the term that asks for the other",
            ),
            (
                half.boxed and (bounded or half.sum_to_one),
                "HALS cannot keep a factor in a box and in a ball, or summing to one, at once: "
                "use solver='auto', or drop Bounds",
            ),
        ):
            if unsupported:
                return reason
        return None

    def free_sweeps(self, half: Half) -> int:
        """Return the number of sweeps if the update is coordinate descent without coupling or extra terms, else 0."""
        return self.sweeps if half.free else 0

    def update(self, factor: Float64Array, half: Half) -> float:
        """Sweep ``factor`` (k, entries) in place; return the squared step of the first sweep."""
        reason = self.refuses(half)
        if reason is not None:
            raise UnsupportedCombinationError(reason)
        part = row_part(half)
        if part is not None:
            return sweep_proximal_rows(factor, half, part)
        if half.single:
            return update_single_entries(factor, half)
        if half.fixed is not None:
            return _sweep_fixed(factor, half, half.fixed, self.sweeps)
        if half.graph is not None:
            return _sweep_on_graph(factor, half, half.graph, self.sweeps)
        if half.sum_to_one:
            return _sweep_simplex(factor, half)
        return sweep_rows(factor, half, self.sweeps)


def _sweep_simplex(factor: Float64Array, half: Half) -> float:
    """Set columns that sum to one, without coupling, to their minimiser; return the squared step."""
    sweep, weights = choose(simplex.sweep_simplex, numpy_simplex.sweep_simplex), entry_weights(half)
    if len(weights) > 1:
        return float(sweep(factor, half.gram, half.cross, weights))
    return update_in_blocks(lambda part, pull: sweep(part, half.gram, pull, weights), factor, half.cross)


def _sweep_fixed(factor: Float64Array, half: Half, fixed: Array, sweeps: int) -> float:
    """Sweep a factor with fixed entries; return the squared step of the first sweep."""
    if half.sum_to_one:
        return _sweep_fixed_simplex(factor, half, fixed)
    moved = [sweep_fixed_rows(factor, half, fixed) for _ in range(sweeps)]
    return moved[0]


def _sweep_fixed_simplex(factor: Float64Array, half: Half, fixed: Array) -> float:
    """Set the free entries of columns that sum to one to their minimiser; return the squared step.

    Free entries f of a column share the remainder r that the fixed ones leave. In the variable f / r they lie on the
    simplex, with the same Gram matrix and the right-hand side divided by r.
    """
    left, held = remainder(factor, fixed), np.where(fixed, factor, 0.0)
    weights = np.ones(factor.shape[1]) if half.weights is None else half.weights
    cross = half.cross - weights * (half.gram @ held)
    moved = 0.0
    for one in patterns(fixed):
        gram, size = half.gram[np.ix_(one.free, one.free)], left[one.columns]
        divisor, old = np.where(size > 0, size, 1.0), factor[one.block]
        part = np.ascontiguousarray(old / divisor)
        total = part.sum(axis=0)
        part = np.where(total > 0, part / np.where(total > 0, total, 1.0), 1 / len(part))
        smaller = Half(gram, cross[one.block] / divisor, weights=None if half.weights is None else weights[one.columns])
        _sweep_simplex(part, smaller)
        factor[one.block] = part * size
        moved += float(np.sum(weights[one.columns] * np.diag(gram)[:, None] * (factor[one.block] - old) ** 2))
    return moved


def _sweep_on_graph(factor: Float64Array, half: Half, graph: PixelGraph, sweeps: int) -> float:
    """Sweep a factor whose entries are coupled by a graph; return the squared step of the first sweep."""
    if use_simpler_step():  # sweeps over coupled pixels, one after the other, would be slow in NumPy
        return ProximalGradient().update(factor, half)
    sweep = sweep_simplex_on_graph if half.sum_to_one else sweep_rows_on_graph
    moved = [sweep(factor, half, graph) for _ in range(sweeps)]
    return moved[0]


def _cannot_handle(half: Half) -> str:
    """Return the refusal of a term or loss, with the note that it declares no traits if that is the reason."""
    parts = (*half.smooth, *half.proximal)
    note = "" if half.loss is not None or not parts else caution(parts[0])
    return f"{note}HALS cannot handle {half.unfolded}: use solver='auto' or 'proximal'"


NAMED: dict[str, Solver] = {"hals": Hals()}
