"""Solvers for a Poisson likelihood: multiplicative updates, and guarded Newton steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mffnb.constraints.fixed_patterns import patterns, remainder
from mffnb.errors import UnsupportedCombinationError
from mffnb.kernels import divergence, newton
from mffnb.kernels.tiers import numpy_counts
from mffnb.kernels.tiers.tier import choose, use_simpler_step
from mffnb.protocols.half import Half
from mffnb.protocols.losses import LogTerm
from mffnb.protocols.solver import Solver
from mffnb.protocols.traits import SolverTraits
from mffnb.solvers.row_sweeps import held_rows
from mffnb.typing import Array, Float64Array

__all__ = ["Multiplicative", "Newton"]


@dataclass(frozen=True)
class Multiplicative:
    """Multiplicative update: minimise a separable majorizer of the objective.

    Without penalties this is the update of Lee & Seung 2001 (NIPS 13:556). Penalties, ball constraints and sum-to-one
    constraints are included in the majorizer, which is minimised exactly. Zero entries stay zero.
    """

    traits: ClassVar[SolverTraits] = SolverTraits(pixelwise=False, extrapolated=False)

    def refuses(self, half: Half) -> str | None:
        """Return why the subproblem is refused: no likelihood, or constraints that cannot be combined."""
        return _refusal(half, "Multiplicative")

    def update(self, factor: Float64Array, half: Half) -> float:
        """Update ``factor`` (k, entries) in place; return the squared step in the metric of the curvature."""
        log = _log(half, self)
        linear, square = _separable(half, factor, diagonal=True)
        pull = log.ratios(factor)
        before = factor.copy()
        minimise_entries = choose(divergence.minimise_entries, numpy_counts.minimise_entries)
        if half.sum_to_one:
            _minimise_fractions(linear, pull, square, factor, half.fixed)
        elif np.isfinite(half.radius):
            # The scale of a partly fixed row is determined by its fixed entries above zero.
            held = np.zeros(len(factor), bool) if half.fixed is None else held_rows(factor, half, half.fixed)
            added = _multipliers(linear, pull, square, factor, np.where(held > 0, np.inf, half.radius), half)
            minimise_entries(linear, pull, square + added[:, None], factor)
        else:
            minimise_entries(linear, pull, square, factor)
        if half.boxed:  # clipping is exact, because the majorizer is convex in each entry
            np.clip(factor, half.lower, half.upper, out=factor)
        if half.fixed is not None:
            factor[half.fixed] = before[half.fixed]
        # The curvature of the majorizer is pull / f^2 + square.
        size, squared = np.where(before >= np.finfo(float).tiny, before, 1.0), (factor - before) ** 2
        return float(np.vdot(pull / size, squared / size) + np.vdot(square, squared))


@dataclass(frozen=True)
class Newton:
    """Guarded Newton step in the k components of each pixel (or channel), in one pass over its counts.

    There is no step size, the objective never rises, and zero entries can become positive. With a sum-to-one, ball or
    box constraint, the update is that of :class:`Multiplicative`.
    """

    traits: ClassVar[SolverTraits] = SolverTraits(pixelwise=False, extrapolated=False)

    def refuses(self, half: Half) -> str | None:
        """Return why the subproblem is refused: no likelihood, or constraints that cannot be combined."""
        return _refusal(half, "Newton")

    def update(self, factor: Float64Array, half: Half) -> float:
        """Update ``factor`` (k, entries) in place; return the sum of the squared changes, weighted by the curvature."""
        log = _log(half, self)
        if half.sum_to_one or half.boxed or np.isfinite(half.radius) or use_simpler_step():
            return Multiplicative().update(factor, half)
        linear, square = _separable(half, factor, diagonal=False)
        fixed = np.empty((0, 0), bool) if half.fixed is None else half.fixed
        rest = -linear, half.gram, square, fixed, log.weight
        bands = log.bands()
        if bands is not None and log.share.undivided:
            right, moved = np.ascontiguousarray(log.basis.T), 0.0
            for start, _, band in bands:
                moved += newton.newton_rows(*divergence.as_compressed_rows(band), factor, start, right, *rest)
            return moved
        # The counts of one entry (pixel or channel) are distributed over ranks or over bands of rows, so its
        # derivatives are sums over them.
        derivatives, least = _derivatives(log, np.ascontiguousarray(log.share.gather(factor)), bands)
        derivatives, least = log.share.sum_scatter(derivatives), log.share.minimum(least)
        return float(newton.newton_steps(derivatives, least[0], factor, *rest))


def _derivatives(
    log: LogTerm, factor: Float64Array, bands: Iterator[tuple[int, int, Any]] | None
) -> tuple[Float64Array, Float64Array]:
    """Return the derivatives of the logarithmic term for each entry of the block, and its smallest count (1, entries).

    ``bands`` has one row for each entry. It is None for the columns of an X that can be read by rows only: then each
    band of rows contributes to the derivatives of all columns.
    """
    right = np.ascontiguousarray(log.basis.T)
    derivatives, least = newton.empty_derivatives(*factor.shape), np.full((1, factor.shape[1]), np.inf)
    if bands is not None:
        for start, _, band in bands:
            rows = divergence.as_compressed_rows(band)
            newton.derivatives_of_rows(*rows, factor, start, right, derivatives, least[0])
        return derivatives, least
    for others, band in log.transposed_bands():
        part, smallest = newton.empty_derivatives(*factor.shape), np.empty(factor.shape[1])
        rows = divergence.as_compressed_rows(band)
        newton.derivatives_of_rows(*rows, factor, 0, right[others], part, smallest)
        derivatives += part
        np.minimum(least[0], smallest, out=least[0])
    return derivatives, least


def _minimise_fractions(
    linear: Float64Array, pull: Float64Array, square: Array, factor: Float64Array, fixed: Array | None
) -> None:
    """Minimise the majorizer in place over columns that sum to one; fixed entries are set back by the caller.

    Free entries share the remainder r that fixed ones leave: divided by r they are a point of the simplex.
    """
    minimise = choose(divergence.minimise_on_simplex, numpy_counts.minimise_on_simplex)
    if fixed is None:
        minimise(linear, pull, square, factor)
        return
    left = remainder(factor, fixed)
    for one in patterns(fixed):
        size = left[one.columns]
        part = np.ascontiguousarray(factor[one.block] / np.where(size > 0, size, 1.0))
        minimise(linear[one.block] * size, pull[one.block], square[one.block] * size**2, part)
        factor[one.block] = part * size


def _multipliers(
    linear: Float64Array, pull: Float64Array, square: Array, factor: Float64Array, radii: Array, half: Half
) -> Float64Array:
    """Find by bisection the multipliers, added to ``square``, for which the rows of the minimum lie in their balls."""
    minimiser_row_squares = choose(divergence.minimiser_row_squares, numpy_counts.minimiser_row_squares)

    def beyond(added: Float64Array) -> Array:
        squares = half.summed(minimiser_row_squares(linear, pull, square, added, factor))
        return np.asarray(np.sqrt(squares) > radii)

    low, high = np.zeros(len(factor)), np.zeros(len(factor))
    far = beyond(high)
    if not far.any():
        return high
    high[far] = 1e-9
    while (far := far & beyond(high)).any():
        low[far], high[far] = high[far], 8.0 * high[far]
    while True:
        middle = 0.5 * (low + high)
        open_ = (high - low > 1e-15 * high) & (middle != low) & (middle != high)
        if not open_.any():
            return high
        below = beyond(middle)
        low, high = np.where(open_ & below, middle, low), np.where(open_ & ~below, middle, high)


def _refusal(half: Half, solver: str) -> str | None:
    if half.unfolded is not None:
        return f"{solver} cannot handle {half.unfolded}: use solver='auto' or 'proximal'"
    if half.log is None:
        return f"{solver} is for similarity='kl': use solver='auto' or 'hals' for least squares"
    if half.single:
        return f"{solver} cannot keep one component per pixel: drop Orthogonal, or use similarity='frobenius'"
    if half.boxed and (half.sum_to_one or np.isfinite(half.radius)):
        return f"{solver} cannot keep a factor in a box and in a ball, or summing to one, at once: drop Bounds"
    if half.sum_to_one and np.isfinite(half.radius):
        return (
            f"{solver} cannot keep a factor in a ball and summing to one at once: use solver='auto', or drop UnitBall"
        )
    return None


def _log(half: Half, solver: Multiplicative | Newton) -> LogTerm:
    reason = solver.refuses(half)
    if reason is not None or half.log is None:
        raise UnsupportedCombinationError(str(reason))
    return half.log


def _separable(half: Half, factor: Float64Array, *, diagonal: bool) -> tuple[Float64Array, Array]:
    """Return linear and quadratic coefficients of a majorizer of the subproblem without its logarithm, by entry.

    Coupling terms are replaced by majorizers at ``factor``: L <= 2 D for the Laplacian and, where ``diagonal``, gram <=
    diag(sum_l |gram_jl|). If ``diagonal`` is False, the caller handles the Gram matrix, and there is one quadratic
    coefficient for each entry, (entries,).
    """
    linear = -half.cross
    square = np.zeros(factor.shape[1])
    if half.graph is not None:
        square = square + 2.0 * half.coupling * half.graph.degree
        linear += half.coupling * half.graph.times(factor) - square * factor
    if diagonal:
        bound = np.abs(half.gram).sum(axis=1)[:, None]
        linear += half.gram @ factor - bound * factor
        square = square + bound
    return linear, square


NAMED: dict[str, Solver] = {"multiplicative": Multiplicative(), "newton": Newton()}
