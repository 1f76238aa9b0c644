"""Accelerated proximal gradient method: the general solver for all terms and losses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mffnb.errors import UnsupportedCombinationError
from mffnb.protocols.half import Half
from mffnb.protocols.solver import Solver
from mffnb.protocols.traits import SolverTraits
from mffnb.solvers.extrapolation import Extrapolated
from mffnb.solvers.nonsmooth_part import NonsmoothPart
from mffnb.solvers.smooth_part import SmoothPart
from mffnb.typing import Float64Array

__all__ = ["ProximalGradient"]

_SETTLED = 1e-6  # a squared step below this fraction of the first one ends the half step
_ROUNDING = 1e-13  # smaller relative changes of a value are rounding errors
_SMALLEST_STEP = 1e-30  # relative to the first step: if none above it lowers the value, the factor stays


@dataclass(frozen=True)
class ProximalGradient:
    r"""Accelerated proximal gradient method with backtracking and restart, for all terms and losses.

    The subproblem is :math:`\varphi(F) + \psi(F)`: a differentiable part (quadratic, smoothness, any loss) and a
    non-differentiable one (sets, non-smooth penalties). A step is
    :math:`F^+ = \operatorname{prox}_{\psi/L}(Y - \nabla\varphi(Y)/L)`, with the extrapolated Y of FISTA. For a
    quadratic :math:`\varphi` the curvature L is known, for each row or entry separately where they are independent;
    otherwise it is found by backtracking. Momentum is reset where it leads uphill, and a step that raises the value is
    rejected, so the value never rises. For several non-differentiable parts the common proximal point is computed by
    Dykstra's algorithm. Where entries are distributed over MPI ranks, values and norms are summed over all of them, so
    that all ranks take the same decisions.

    Sources: Beck & Teboulle 2009, SIAM J. Imaging Sci. 2:183 (FISTA); O'Donoghue & Candès 2015, Found. Comput. Math.
    15:715 (restart); Bauschke & Combettes 2008, Pac. J. Optim. 4:383 (Dykstra's algorithm for proximal points).

    Parameters
    ----------
    steps
        Maximum number of steps in one half step.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb.protocols import Half
    >>> factor = np.zeros((2, 1))
    >>> moved = ProximalGradient().update(factor, Half(np.eye(2), np.array([[3.0], [-1.0]])))
    >>> factor.ravel().tolist(), moved
    ([3.0, 0.0], 9.0)
    """

    traits: ClassVar[SolverTraits] = SolverTraits(pixelwise=True, extrapolated=False)
    steps: int = 12

    def refuses(self, half: Half) -> str | None:
        """Return why the subproblem is refused: one component per pixel with other sets."""
        together = half.sum_to_one or half.boxed or half.fixed is not None or np.isfinite(half.radius)
        if half.single and (together or half.proximal):
            return (
                "one component per pixel goes with no other set: drop Orthogonal, or what bounds, fixes or sums up "
                "the same factor"
            )
        return None

    def sums_over_ranks(self, half: Half) -> bool:
        """Return True: the values that decide about a step are sums over all entries."""
        return True

    def update(self, factor: Float64Array, half: Half) -> float:
        """Update ``factor`` (k, entries) in place without raising the objective; return the squared first step."""
        reason = self.refuses(half)
        if reason is not None:
            raise UnsupportedCombinationError(reason)
        smooth, nonsmooth = SmoothPart(half), NonsmoothPart(half, factor)
        best = nonsmooth.nearest_of_sets(factor)
        lowest = smooth.value(best) + nonsmooth.value(best)
        extrapolated, momentum = best, 1.0
        curvature, exact = smooth.curvature(best), smooth.quadratic
        first, moved = None, 0.0
        for _ in range(self.steps):
            start = _Start(extrapolated, *smooth.value_and_gradient(extrapolated), exact)
            new, there, curvature = _step(smooth, nonsmooth, start, curvature, half)
            here_squared = float(np.sum(curvature * (new - extrapolated) ** 2))
            squared = float(half.summed(here_squared))
            first, moved = (squared, here_squared) if first is None else (first, moved)
            value = there + nonsmooth.value(new)
            if not value <= lowest:
                if momentum == 1.0:  # without momentum only rounding errors can raise the value
                    break
                extrapolated, momentum = best, 1.0
                continue
            uphill = half.summed(float(np.vdot(curvature * (extrapolated - new), new - best))) > 0
            after = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
            share = 0.0 if uphill else (momentum - 1) / after
            momentum = 1.0 if uphill else after
            # The lower limit keeps entries positive: a likelihood may be infinite at zero.
            extrapolated = np.maximum(new + share * (new - best), new / 2) if share else new
            best, lowest = new, value
            if squared <= _SETTLED * first:
                break
            curvature = curvature if exact else 0.8 * curvature
        factor[:] = best
        return moved


@dataclass(frozen=True)
class _Start:
    """Start of a step: factor, value and gradient of the smooth part, and whether its curvature bound is exact."""

    factor: Float64Array
    value: float
    gradient: Float64Array
    exact: bool


def _step(
    smooth: SmoothPart, nonsmooth: NonsmoothPart, start: _Start, curvature: Float64Array, half: Half
) -> tuple[Float64Array, float, Float64Array]:
    """Make one proximal step with backtracking; return the new factor, its smooth value, and the curvature used."""
    largest = float(half.largest(curvature.max(initial=0.0)))
    least = _SMALLEST_STEP / largest
    while True:
        with np.errstate(over="ignore", invalid="ignore"):  # a step that overflows is too long
            new = nonsmooth(start.factor - start.gradient / curvature, 1 / largest)
            there, change = smooth.value(new), new - start.factor
            rise = half.summed(float(np.vdot(start.gradient, change) + np.sum(curvature * change**2) / 2))
            bound = start.value + float(rise)
            low = (start.exact or there <= bound + _ROUNDING * abs(start.value)) and nonsmooth.holds(new)
        if low or 1 / largest < least:
            return new, there, curvature
        curvature, largest = 2 * curvature, 2 * largest


NAMED: dict[str, Solver] = {"proximal": Extrapolated(ProximalGradient())}
