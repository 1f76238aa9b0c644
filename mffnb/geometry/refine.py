r"""Alternating minimisation of the minimum-volume objective on compressed pixels.

.. math:: \min_{a_i \in \Delta,\, E \ge 0}\;
          \sum_i \lVert \tilde x_i - g_i\, a_i E\rVert^2 + \mu \log\det(E E^T + \delta I)

Each iteration sets the abundances of each pixel to their exact minimum for given endmembers. The log-determinant is
replaced by its tangent in E E^T, an upper bound, and the endmembers descend by coordinate sweeps. Both factors are
extrapolated; if the objective rises, the step is rejected and extrapolation restarts.

Source: Fu, Huang, Yang, Ma & Sidiropoulos 2016, IEEE TSP 64:6254; Leplat, Ang & Gillis 2019, ICASSP (the penalty); Ang
& Gillis 2019, Neural Comput. 31:417 (extrapolation).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mffnb.kernels.hals import sweep_non_negative
from mffnb.kernels.simplex import sweep_simplex
from mffnb.kernels.tiers import numpy_simplex, numpy_steps
from mffnb.kernels.tiers.tier import choose
from mffnb.matrices import LowRank
from mffnb.matrices.cancellation import checked
from mffnb.matrices.entry_blocks import update_in_blocks
from mffnb.typing import Float64Array

_SWEEPS = 8
_INITIAL, _LIMIT, _GROWTH = (
    0.3,
    0.95,
    1.1,
)  # extrapolation coefficient: initial, largest, and growth factor per iteration


@dataclass(frozen=True, eq=False)
class RefinedFactors:
    """Factors and value of the minimum-volume objective after an accepted iteration.

    Attributes
    ----------
    abundances, endmembers
        A (k, pixels), columns on the simplex, and E (k, channels).
    objective
        Value of the minimum-volume objective.
    """

    abundances: Float64Array
    endmembers: Float64Array
    objective: float


def refine(
    data: LowRank,
    gains: Float64Array,
    abundances: Float64Array,
    endmembers: Float64Array,
    weight: float,
    *,
    delta: float = 0.1,
    iterations: int = 500,
    tolerance: float = 1e-6,
) -> Iterator[RefinedFactors]:
    """Minimise the minimum-volume objective from a start; yield each accepted iteration, whose objective never rises.

    Parameters
    ----------
    data
        Compressed pixels x~.
    gains
        g (pixels,), positive.
    abundances, endmembers
        Start values, (k, pixels) with columns on the simplex, and (k, channels); not modified.
    weight
        mu, weight of the logarithm of the volume.
    delta
        Regularisation: keeps the logarithm finite if endmembers coincide.
    iterations
        Largest number of iterations.
    tolerance
        Stops when the objective falls by less than this times the weight.
    """
    problem = _Problem(data, gains, weight, delta)
    A, E = abundances, endmembers
    objective = problem.value(A, E)
    extrapolated_A, extrapolated_E, extrapolation = A, E, 0.0
    yield RefinedFactors(A, E, objective)
    for _ in checked(range(iterations)):
        new_A = problem.abundances(extrapolated_A, extrapolated_E)
        new_E = problem.endmembers(_extrapolate_on_simplex(new_A, A, extrapolation), extrapolated_E)
        new = problem.value(new_A, new_E)
        if not new <= objective:
            if extrapolation == 0.0:
                return  # even the step without extrapolation does not descend: rounding errors dominate
            extrapolated_A, extrapolated_E, extrapolation = A, E, 0.0
            continue
        gained = objective - new
        extrapolation = min(_LIMIT, max(_INITIAL, extrapolation * _GROWTH))
        extrapolated_A, extrapolated_E = (
            _extrapolate_on_simplex(new_A, A, extrapolation),
            np.maximum(new_E + extrapolation * (new_E - E), 0.0),
        )
        A, E, objective = new_A, new_E, new
        yield RefinedFactors(A, E, objective)
        if gained <= tolerance * weight:
            return


@dataclass(frozen=True, eq=False)
class _Problem:
    """Half-step subproblems and value of the minimum-volume objective on compressed pixels."""

    data: LowRank
    gains: Float64Array
    weight: float
    delta: float

    @cached_property
    def _per_gain(self) -> Float64Array:
        """Principal component scores of the pixels divided by the gain of each pixel, (rank, pixels)."""
        return self.data.left / self.gains

    @cached_property
    def _by_gain(self) -> Float64Array:
        """Principal component scores of the pixels times the gain of each pixel, (pixels, rank)."""
        return np.ascontiguousarray((self.data.left * self.gains).T)

    @cached_property
    def _squared_gains(self) -> Float64Array:
        """g_i^2 of each pixel i, (pixels,): its weight in the Gram matrix of A, ``sum_i g_i^2 a_i a_i^T``."""
        return self.gains**2

    @cached_property
    def _squared_norm(self) -> float:
        """Sum of squares of the compressed pixels."""
        return float(np.einsum("ri,ri->", self.data.left, self.data.left))

    def abundances(self, start: Float64Array, E: Float64Array) -> Float64Array:
        """Minimise the objective exactly over A on the simplex for given E; the gain of a pixel divides out."""
        A = start.copy()
        sweep = choose(sweep_simplex, numpy_simplex.sweep_simplex)
        gram, cross = E @ E.T, (E @ self.data.right.T) @ self._per_gain
        update_in_blocks(lambda A, pull: sweep(A, gram, pull, np.ones(1)), A, cross)
        return A

    def endmembers(self, A: Float64Array, start: Float64Array) -> Float64Array:
        """Lower the objective over E for given A by coordinate descent, with the volume replaced by its tangent."""
        tangent = np.linalg.inv(start @ start.T + self.delta * np.eye(len(start)))
        gram = (A * self._squared_gains) @ A.T + self.weight * (tangent + tangent.T) / 2
        E = start.copy()
        sweep = choose(sweep_non_negative, numpy_steps.sweep_non_negative)
        sweep(E, gram, np.ascontiguousarray((A @ self._by_gain) @ self.data.right), _SWEEPS)
        return E

    def value(self, A: Float64Array, E: Float64Array) -> float:
        """Evaluate the minimum-volume objective at given abundances and endmembers."""
        gram = E @ E.T
        cross = np.vdot(A @ self._by_gain, E @ self.data.right.T)
        fit = self._squared_norm - 2 * cross + np.vdot(gram, (A * self._squared_gains) @ A.T)
        return float(fit + self.weight * np.linalg.slogdet(gram + self.delta * np.eye(len(E)))[1])


def _extrapolate_on_simplex(new: Float64Array, old: Float64Array, extrapolation: float) -> Float64Array:
    """Extrapolate abundances beyond the new iterate, clip them at zero and rescale their sums to one."""
    if extrapolation == 0.0:
        return new
    beyond = np.maximum(new + extrapolation * (new - old), 0.0)
    beyond /= beyond.sum(axis=0)
    return beyond
