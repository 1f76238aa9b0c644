"""Non-differentiable part of a subproblem, for the proximal gradient method: Dykstra's algorithm for several sets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from mffnb.constraints import Orthogonal, UnitBall
from mffnb.constraints.fixed_patterns import nearest_fixed_fractions, patterns
from mffnb.constraints.simplex import nearest_fractions
from mffnb.errors import UnsupportedCombinationError
from mffnb.protocols.capabilities import traits_of
from mffnb.protocols.functions import FactorSet, Function, ProximalFunction
from mffnb.protocols.half import Half
from mffnb.protocols.part_results import project, proximal_point
from mffnb.protocols.terms import Term
from mffnb.solvers.row_sweeps import held_rows
from mffnb.solvers.values_on_ranks import total_value
from mffnb.typing import Float64Array, local_total

Operator = Callable[[Float64Array, float], Float64Array]

_OUTSIDE = 1e-8  # a point farther from a set than this fraction of the largest entry counts as outside
_ROUNDS, _EQUAL = 500, 1e-14  # largest number of rounds of Dykstra's algorithm, and the relative change that ends it


class NonsmoothPart:
    """Non-differentiable part of a half-step subproblem: sets and non-smooth penalties, with their proximal point.

    Parameters
    ----------
    half
        Half-step subproblem.
    factor
        Factor that contains the values of fixed entries.
    """

    def __init__(self, half: Half, factor: Float64Array):
        self._half = half
        self._penalties = [part for part in half.proximal if isinstance(part, Function)]
        self._kinks = [partial(proximal_point, part) for part in half.proximal if isinstance(part, ProximalFunction)]
        sets = [part for part in half.proximal if isinstance(part, FactorSet)]
        # Operators are applied in this order: sets come last, and among them those that the result must satisfy
        # exactly.
        self._cones = [_as_operator(partial(project, part)) for part in sets if not _is_convex(part)]
        convex = [partial(project, part) for part in sets if _is_convex(part)]
        nearest_points: list[Callable[[Float64Array], Float64Array]] = [*convex, *_simple_sets(half, factor)]
        self._sets = [_as_operator(nearest) for nearest in nearest_points]

    def value(self, factor: Float64Array) -> float:
        """Return the sum of the penalties at a factor that lies in all sets."""
        return total_value(self._penalties, factor, self._half)

    def nearest_of_sets(self, factor: Float64Array) -> Float64Array:
        """Return the point of the intersection of all sets that is nearest to a factor."""
        point = self._common((), factor, 1.0)
        if not self.holds(point):
            raise UnsupportedCombinationError(
                "no factor was found that lies in all the sets that it has to lie in: loosen or drop one of them"
            )
        return point

    def holds(self, point: Float64Array) -> bool:
        """Return whether a point lies in all sets, since Dykstra's algorithm may not have converged."""
        sets = [*self._cones, *self._sets]
        if len(sets) == 1:
            return True
        # Equal on all ranks: the largest entry and the largest distance are those of all of them.
        size = [np.abs(point).max(initial=1e-300), *(np.abs(p(point, 1.0) - point).max(initial=0.0) for p in sets)]
        largest = self._half.largest(np.array(size))
        return bool((largest[1:] <= _OUTSIDE * largest[0]).all())

    def __call__(self, point: Float64Array, step: float) -> Float64Array:
        """Return the common proximal point of all penalties and sets."""
        return self._common(self._kinks, point, step)

    def _common(self, kinks: Sequence[Operator], point: Float64Array, step: float) -> Float64Array:
        """Project onto the non-convex cones, then apply Dykstra's algorithm to the convex parts.

        Dykstra's algorithm need not converge for non-convex sets, so these are projected onto first. The non-convex
        sets are cones. Projections onto a ball, or onto equal bounds of all entries of a row, do not leave them, so one
        round is enough. For other convex sets, rounds are repeated until nothing changes.
        """
        for _ in range(_ROUNDS if self._cones else 1):
            before = point
            for cone in self._cones:
                point = cone(point, step)
            point = _dykstra([*kinks, *self._sets], point, step, self._half)
            if _unchanged(point, before, self._half):
                break
            kinks = ()
        return point


def _is_convex(part: FactorSet) -> bool:
    return traits_of(part).convex if isinstance(part, Term) else True


def _as_operator(nearest: Callable[[Float64Array], Float64Array]) -> Operator:
    """Return the projection as a proximal operator, which does not depend on the step."""
    return lambda point, _: nearest(point)


def _simple_sets(half: Half, factor: Float64Array) -> list[Callable[[Float64Array], Float64Array]]:
    """Return the projections onto non-negativity, ball, sum to one, box and fixed values, as few as possible."""
    sets: list[Callable[[Float64Array], Float64Array]] = []
    held = np.zeros(len(factor), bool) if half.fixed is None else held_rows(factor, half, half.fixed)
    if np.isfinite(half.radius) and not held.all():
        ball = UnitBall(half.radius, local_total if half.total is None else half.total)
        # The scale of a partly fixed row is determined by its fixed entries above zero.
        sets.append(lambda point: np.where(held[:, None], point, ball.project(point)))
    if half.sum_to_one and half.fixed is not None:
        fixed, values = half.fixed, factor.copy()
        groups = tuple(patterns(fixed))
        return [*sets, lambda point: nearest_fixed_fractions(point, fixed, values, groups)]
    if half.sum_to_one:
        lower, upper = float(np.max(half.lower)), float(np.min(half.upper))  # bounds on abundances are numbers
        sets.append(lambda point: nearest_fractions(point, lower, upper))
    if half.single:
        sets.append(Orthogonal().project)
    if half.boxed and not half.sum_to_one:
        sets.append(lambda point: np.clip(point, half.lower, half.upper))
    if half.fixed is not None:
        fixed, values = half.fixed, factor.copy()
        sets.append(lambda point: np.where(fixed, values, np.maximum(point, 0.0)))
    return sets or [lambda point: np.maximum(point, 0.0)]


def _dykstra(parts: list[Operator], point: Float64Array, step: float, half: Half) -> Float64Array:
    """Compute the proximal point of a sum of penalties and sets from their operators, by Dykstra's algorithm."""
    if len(parts) == 1:
        return parts[0](point, step)
    corrections = [np.zeros_like(point) for _ in parts]
    for _ in range(_ROUNDS):
        before = point
        for i, part in enumerate(parts):
            moved = part(point + corrections[i], step)
            corrections[i] += point - moved
            point = moved
        if _unchanged(point, before, half):
            break
    return point


def _unchanged(point: Float64Array, before: Float64Array, half: Half) -> bool:
    here = np.abs(point - before).max(initial=0.0), np.abs(point).max(initial=1e-300)
    change, size = half.largest(np.array(here))
    return bool(change <= _EQUAL * size)
