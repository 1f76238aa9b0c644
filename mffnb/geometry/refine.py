r"""Alternating descent to a simplex of least volume, on compressed pixels.

.. math:: \min_{a_i \in \Delta,\, E \ge 0}\;
          \sum_i \lVert \tilde x_i - g_i\, a_i E\rVert^2 + \mu \log\det(E E^T + \delta I)

The abundances of each pixel move to their exact minimum; the volume is replaced by its tangent in E E^T, which bounds
it from above, and the endmembers descend by coordinate sweeps. Both are extrapolated; when the objective rises, the
step is taken back and extrapolation starts afresh.

Source: Fu, Huang, Yang, Ma & Sidiropoulos 2016, IEEE TSP 64:6254; Leplat, Ang & Gillis 2019, ICASSP (the penalty);
Ang & Gillis 2019, Neural Comput. 31:417 (extrapolation).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mffnb.kernels.hals import sweep_non_negative
from mffnb.kernels.simplex import sweep_simplex
from mffnb.matrices import LowRank
from mffnb.typing import Float64Array

_SWEEPS = 8
_INITIAL, _LIMIT, _GROWTH = 0.3, 0.95, 1.1  # extrapolation


@dataclass(frozen=True, eq=False)
class RefinedFactors:
    """Where the descent stands.

    Attributes
    ----------
    abundances, endmembers
        A (k, pixels), columns on the simplex, and E (k, channels).
    objective
        The function above.
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
    """Descend from a start, yielding after each iteration; the objective never rises from one to the next.

    Parameters
    ----------
    data
        LowRank pixels x~.
    gains
        g (pixels,), positive.
    abundances, endmembers
        Start, (k, pixels) on the simplex and (k, channels); left alone.
    weight
        mu, price of the logarithm of the volume.
    delta
        Keeps the logarithm finite where endmembers coincide.
    iterations
        Most iterations.
    tolerance
        Ends the descent once the objective falls by less than this times the weight.
    """
    problem = _Problem(data, gains, weight, delta)
    A, E = abundances, endmembers
    objective = problem.value(A, E)
    extrapolated_A, extrapolated_E, extrapolation = A, E, 0.0
    yield RefinedFactors(A, E, objective)
    for _ in range(iterations):
        new_A = problem.abundances(extrapolated_A, extrapolated_E)
        new_E = problem.endmembers(_extrapolate_on_simplex(new_A, A, extrapolation), extrapolated_E)
        new = problem.value(new_A, new_E)
        if not new <= objective:
            if extrapolation == 0.0:
                return  # not even the plain step descends: rounding
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
    """Half steps and value of the function above."""

    data: LowRank
    gains: Float64Array
    weight: float
    delta: float

    @cached_property
    def _per_gain(self) -> Float64Array:
        return self.data.left / self.gains

    @cached_property
    def _by_gain(self) -> Float64Array:
        return np.ascontiguousarray((self.data.left * self.gains).T)

    @cached_property
    def _squared_gains(self) -> Float64Array:
        return self.gains**2

    @cached_property
    def _squared_norm(self) -> float:
        return float(np.einsum("ri,ri->", self.data.left, self.data.left))

    def abundances(self, start: Float64Array, E: Float64Array) -> Float64Array:
        """The exact minimum over A; the gain of a pixel divides out."""
        A = start.copy()
        sweep_simplex(A, E @ E.T, (E @ self.data.right.T) @ self._per_gain, np.ones(1))
        return A

    def endmembers(self, A: Float64Array, start: Float64Array) -> Float64Array:
        """Some sweeps on E, the volume replaced by its tangent at the start."""
        tangent = np.linalg.inv(start @ start.T + self.delta * np.eye(len(start)))
        gram = (A * self._squared_gains) @ A.T + self.weight * (tangent + tangent.T) / 2
        E = start.copy()
        sweep_non_negative(E, gram, np.ascontiguousarray((A @ self._by_gain) @ self.data.right), _SWEEPS)
        return E

    def value(self, A: Float64Array, E: Float64Array) -> float:
        """The objective."""
        gram = E @ E.T
        cross = np.vdot(A @ self._by_gain, E @ self.data.right.T)
        fit = self._squared_norm - 2 * cross + np.vdot(gram, (A * self._squared_gains) @ A.T)
        return float(fit + self.weight * np.linalg.slogdet(gram + self.delta * np.eye(len(E)))[1])


def _extrapolate_on_simplex(new: Float64Array, old: Float64Array, extrapolation: float) -> Float64Array:
    """Go on from old to new and beyond, back onto the simplex."""
    if extrapolation == 0.0:
        return new
    beyond = np.maximum(new + extrapolation * (new - old), 0.0)
    beyond /= beyond.sum(axis=0)
    return beyond
