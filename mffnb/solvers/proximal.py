"""The general half step: proximal gradients, for any part that has a gradient, a proximal point or a nearest point."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mffnb.constraints import Orthogonal, UnitBall
from mffnb.constraints.simplex import nearest_fractions
from mffnb.errors import UnsupportedCombinationError
from mffnb.protocols import Solver
from mffnb.protocols.half import Constraint, Half, Penalty, Proximal
from mffnb.solvers.extrapolation import Extrapolated
from mffnb.typing import Float64Array

__all__ = ["ProximalGradient"]

Part = Callable[[Float64Array, float], Float64Array]

_SETTLED = 1e-6  # of the first squared step: later ones are not worth their gradient
_ROUNDING = 1e-13  # of a value, below which a rise or fall of it says nothing
_SMALLEST_STEP = 1e-30  # of the first: nothing goes down, so the factor stays
_OUTSIDE = 1e-8  # of the largest entry: so far from a set, where sets have no point in common
_TURNS, _EQUAL = 500, 1e-14  # of Dykstra's algorithm, and the change, relative to the largest entry, that ends them


@dataclass(frozen=True)
class ProximalGradient:
    r"""Accelerated proximal gradients with backtracking and restart: takes whatever is asked for.

    The half problem is :math:`\varphi(F) + \psi(F)`: a part with a gradient (quadratic, neighbours alike, any loss) and
    one without (sets, penalties with a kink). A step goes to
    :math:`F^+ = \operatorname{prox}_{\psi/L}(Y - \nabla\varphi(Y)/L)`, with Y ahead of F as in FISTA. Where
    :math:`\varphi` is quadratic its curvature L is known, for each row or entry by itself where the parts leave them
    independent; else it is found by backtracking. Momentum ends where it leads uphill, and a step that raised the
    value is not taken: the value never rises. Of several parts without a gradient the common proximal point is found
    by Dykstra's algorithm.

    Sources: Beck & Teboulle 2009, SIAM J. Imaging Sci. 2:183 (FISTA); O'Donoghue & Candès 2015, Found. Comput. Math.
    15:715 (restart); Bauschke & Combettes 2008, Pac. J. Optim. 4:383 (Dykstra's algorithm for proximal points).

    Parameters
    ----------
    steps
        Most steps in one half step.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb.protocols import Half
    >>> factor = np.zeros((2, 1))
    >>> moved = ProximalGradient().update(factor, Half(np.eye(2), np.array([[3.0], [-1.0]])))
    >>> factor.ravel().tolist(), moved
    ([3.0, 0.0], 9.0)
    """

    pixelwise: ClassVar[bool] = True
    steps: int = 12

    def refuses(self, half: Half) -> str | None:
        """Entries in other processes, which would have to go the same way; one component beside other sets."""
        if half.total is not None or (half.graph is not None and half.graph.ghosts):
            return "the proximal solver needs all of the data in one process: run it without mpiexec"
        together = half.sum_to_one or half.boxed or half.fixed is not None or np.isfinite(half.radius)
        if half.single and (together or half.proximal):
            return (
                "one component per pixel goes with no other set: drop Orthogonal, or what bounds, fixes or sums up "
                "the same factor"
            )
        return None

    def update(self, factor: Float64Array, half: Half) -> float:
        """Move ``factor`` (k, entries) in place, never raising the half problem; return its squared first step."""
        reason = self.refuses(half)
        if reason is not None:
            raise UnsupportedCombinationError(reason)
        slope, nearest = _Slope(half), _Nearest(half, factor)
        best = nearest.of_sets(factor)
        lowest = slope.value(best) + nearest.value(best)
        ahead, momentum = best, 1.0
        curvature, exact = slope.curvature(best), slope.quadratic
        first = None
        for _ in range(self.steps):
            here, gradient = slope.look(ahead)
            new, there, curvature = _step(slope, nearest, ahead, here, gradient, curvature, exact)
            squared = float(np.sum(curvature * (new - ahead) ** 2))
            first = squared if first is None else first
            value = there + nearest.value(new)
            if not value <= lowest:
                if momentum == 1.0:  # a plain step goes down but for rounding
                    break
                ahead, momentum = best, 1.0
                continue
            uphill = np.vdot(curvature * (ahead - new), new - best) > 0
            after = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
            share = 0.0 if uphill else (momentum - 1) / after
            momentum = 1.0 if uphill else after
            # No entry runs to zero, where a likelihood is infinite.
            ahead = np.maximum(new + share * (new - best), new / 2) if share else new
            best, lowest = new, value
            if squared <= _SETTLED * first:
                break
            curvature = curvature if exact else 0.8 * curvature
        factor[:] = best
        return first or 0.0


class _Slope:
    """The part of a half problem that has a gradient."""

    def __init__(self, half: Half):
        self._half = half
        self.quadratic = half.log is None and half.loss is None and not half.smooth

    def value(self, factor: Float64Array) -> float:
        """The value at a factor."""
        return self._quadratic(factor)[0] + self._others(factor)

    def look(self, factor: Float64Array) -> tuple[float, Float64Array]:
        """Value and gradient at a factor."""
        half = self._half
        value, gradient = self._quadratic(factor)
        if half.log is not None:
            value, gradient = value + half.log.value(factor), gradient + half.log.gradient(factor)
        if half.loss is not None:
            loss, slope = half.loss.look(factor)
            value, gradient = value + loss, gradient + slope
        for term in half.smooth:
            value, gradient = value + term.value(factor), gradient + term.gradient(factor)
        return value, gradient

    def curvature(self, factor: Float64Array) -> Float64Array:
        """What the second derivative lies below, of a quadratic everywhere, else near a factor and nearly so."""
        half = self._half
        bend = _curvature(half)
        if half.loss is not None:
            bend = bend + _together(half, half.loss.curvature(factor))
        if half.log is not None or half.smooth:
            bend = bend + _guess(self, factor)
        return np.maximum(bend, np.finfo(float).tiny)

    def _quadratic(self, factor: Float64Array) -> tuple[float, Float64Array]:
        half = self._half
        pull = half.gram @ factor
        if half.weights is not None:
            pull *= half.weights
        if half.graph is not None:
            pull += half.coupling * half.graph.times(factor)
        gradient = pull - half.cross
        return float(np.vdot(pull, factor) / 2 - np.vdot(half.cross, factor)), gradient

    def _others(self, factor: Float64Array) -> float:
        half = self._half
        value = 0.0 if half.log is None else half.log.value(factor)
        value += 0.0 if half.loss is None else half.loss.value(factor)
        return value + sum(term.value(factor) for term in half.smooth)


class _Nearest:
    """The part of a half problem that has no gradient: sets, and penalties with a kink.

    Parameters
    ----------
    half
        Says which.
    factor
        Holds the values that are fixed.
    """

    def __init__(self, half: Half, factor: Float64Array):
        self._penalties = [part for part in half.proximal if isinstance(part, Penalty)]
        self._kinks = [part.prox for part in half.proximal if isinstance(part, Proximal)]
        sets = [part for part in half.proximal if isinstance(part, Constraint)]
        # Sets come last, and of those the ones that are met exactly.
        self._cones = [_as_part(part.project) for part in sets if not getattr(part, "convex", True)]
        convex = [part.project for part in sets if getattr(part, "convex", True)]
        self._sets = [_as_part(project) for project in (*convex, *_simple_sets(half, factor))]

    def value(self, factor: Float64Array) -> float:
        """The penalties at a factor that lies in the sets."""
        return sum(part.value(factor) for part in self._penalties)

    def of_sets(self, factor: Float64Array) -> Float64Array:
        """The nearest point of all sets."""
        point = self._common((), factor, 1.0)
        if not self.holds(point):
            raise UnsupportedCombinationError(
                "no factor was found that lies in all the sets that it has to lie in: loosen or drop one of them"
            )
        return point

    def holds(self, point: Float64Array) -> bool:
        """Whether a nearest point lies in all sets: far from several, all turns may not be enough."""
        sets, off = [*self._cones, *self._sets], _OUTSIDE * np.abs(point).max(initial=1e-300)
        return len(sets) == 1 or not any(np.abs(part(point, 1.0) - point).max(initial=0.0) > off for part in sets)

    def __call__(self, point: Float64Array, step: float) -> Float64Array:
        """The common proximal point."""
        return self._common(self._kinks, point, step)

    def _common(self, kinks: Sequence[Part], point: Float64Array, step: float) -> Float64Array:
        """Of what is convex by Dykstra's algorithm, which goes round in circles between sets that are not.

        Of those that are not the nearest point comes before. They are cones, and no ball, and no bound alike for all
        entries of a row, leads out of them: one turn is all. For other sets there are turns until nothing changes.
        """
        for _ in range(_TURNS if self._cones else 1):
            before = point
            for cone in self._cones:
                point = cone(point, step)
            point = _dykstra([*kinks, *self._sets], point, step)
            if _alike(point, before):
                break
            kinks = ()
        return point


def _as_part(project: Callable[[Float64Array], Float64Array]) -> Part:
    """A set as a part whose nearest point is the same for every step."""
    return lambda point, _: project(point)


def _simple_sets(half: Half, factor: Float64Array) -> list[Callable[[Float64Array], Float64Array]]:
    """Nothing negative, and of balls, sums and fixed values what is asked for: in one projection unless they meet."""
    sets: list[Callable[[Float64Array], Float64Array]] = []
    held = np.zeros(len(factor), bool) if half.fixed is None else np.asarray(half.fixed.any(axis=1))
    if np.isfinite(half.radius) and not held.all():
        ball = UnitBall(half.radius)
        # A row that is fixed in part has its scale from there.
        sets.append(lambda point: np.where(held[:, None], point, ball.project(point)))
    if half.sum_to_one:
        lower, upper = float(np.max(half.lower)), float(np.min(half.upper))  # numbers, for abundances
        sets.append(lambda point: nearest_fractions(point, lower, upper))
    if half.single:
        sets.append(Orthogonal().project)
    if half.boxed and not half.sum_to_one:
        sets.append(lambda point: np.clip(point, half.lower, half.upper))
    if half.fixed is not None:
        fixed, values = half.fixed, factor.copy()
        sets.append(lambda point: np.where(fixed, values, np.maximum(point, 0.0)))
    return sets or [lambda point: np.maximum(point, 0.0)]


def _dykstra(parts: list[Part], point: Float64Array, step: float) -> Float64Array:
    """The proximal point of a sum of parts: what each has taken away is given back before its next turn."""
    if len(parts) == 1:
        return parts[0](point, step)
    taken = [np.zeros_like(point) for _ in parts]
    for _ in range(_TURNS):
        before = point
        for i, part in enumerate(parts):
            moved = part(point + taken[i], step)
            taken[i] += point - moved
            point = moved
        if _alike(point, before):
            break
    return point


def _alike(point: Float64Array, before: Float64Array) -> bool:
    return bool(np.abs(point - before).max(initial=0.0) <= _EQUAL * np.abs(point).max(initial=1e-300))


def _curvature(half: Half) -> Float64Array:
    """What the second derivative of the quadratic lies below, a number for each row, entry or both."""
    scale = np.sqrt(np.where(np.diag(half.gram) > 0, np.diag(half.gram), 1.0))
    if _binds_rows(half):
        of_rows = np.full((1, 1), np.linalg.eigvalsh(half.gram)[-1])
    else:  # the Gram matrix of rows scaled alike has a far smaller condition
        of_rows = (scale**2 * np.linalg.eigvalsh(half.gram / np.outer(scale, scale))[-1])[:, None]
    curvature = of_rows if half.weights is None else of_rows * half.weights
    if half.graph is not None:  # a Laplacian lies below twice its diagonal
        curvature = curvature + 2 * half.coupling * half.graph.degree
    return _together(half, curvature)


def _together(half: Half, curvature: Float64Array) -> Float64Array:
    """One number where parts bind: for the entries of a row in a ball, for rows under a sum, for all under any part."""
    if _binds_rows(half):
        curvature = curvature.max(axis=0, keepdims=True)
    if half.proximal or np.isfinite(half.radius):
        curvature = curvature.max(axis=1, keepdims=True, initial=0.0)
    return curvature


def _binds_rows(half: Half) -> bool:
    return half.sum_to_one or half.single or bool(half.proximal)


def _guess(slope: _Slope, factor: Float64Array) -> Float64Array:
    """How the gradient changes over a short way downhill, relative to that way."""
    gradient = slope.look(factor)[1]
    size = float(np.linalg.norm(gradient))
    if not size > 0:
        return np.ones((1, 1))
    way = (1e-3 * float(np.linalg.norm(factor)) or 1e-3) / size * gradient
    there = np.maximum(factor - way, factor / 2)
    moved = float(np.linalg.norm(there - factor))
    change = float(np.linalg.norm(slope.look(there)[1] - gradient))
    return np.full((1, 1), change / moved if moved > 0 and 0 < change < np.inf else size)


def _step(
    slope: _Slope,
    nearest: _Nearest,
    ahead: Float64Array,
    here: float,
    gradient: Float64Array,
    curvature: Float64Array,
    exact: bool,
) -> tuple[Float64Array, float, Float64Array]:
    """A step from ``ahead``: where it leads, the value there, and the curvature below which the half problem lies."""
    least = _SMALLEST_STEP / float(curvature.max())
    while True:
        with np.errstate(over="ignore", invalid="ignore"):  # a step beyond all numbers is too long like any other
            new = nearest(ahead - gradient / curvature, float(1 / curvature.max()))
            there, change = slope.value(new), new - ahead
            bound = here + float(np.vdot(gradient, change) + np.sum(curvature * change**2) / 2)
            low = (exact or there <= bound + _ROUNDING * abs(here)) and nearest.holds(new)
        if low or 1 / curvature.max() < least:
            return new, there, curvature
        curvature = 2 * curvature


NAMED: dict[str, Solver] = {"proximal": Extrapolated(ProximalGradient())}
