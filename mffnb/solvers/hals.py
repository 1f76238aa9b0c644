"""Hierarchical alternating least squares as a half step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mffnb.errors import UnsupportedCombinationError
from mffnb.kernels import hals
from mffnb.protocols import Half
from mffnb.typing import Float64Array


@dataclass(frozen=True)
class Hals:
    """Each row of the factor in turn goes to its exact minimiser: no step size, never a rise.

    Source: Cichocki & Phan 2009, IEICE Trans. Fundamentals E92-A:708; several inner sweeps per look at the data
    after Gillis & Glineur 2012, Neural Computation 24:1085.

    Parameters
    ----------
    sweeps
        Inner sweeps for each cross product; the product costs far more than a sweep.
    """

    sweeps: int = 3

    def update(self, factor: Float64Array, half: Half) -> float:
        """Sweep ``factor`` (k, entries) in place; return the squared step of the first sweep."""
        if half.graph is None and np.isinf(half.radius):
            return float(hals.sweep_free(factor, half.gram, half.cross, self.sweeps))
        if half.graph is None:
            return float(hals.sweep_ball(factor, half.gram, half.cross, half.radius, self.sweeps))
        if np.isinf(half.radius):
            g = half.graph
            return float(
                hals.sweep_graph(
                    factor, half.gram, half.cross, half.coupling,
                    g.indptr, g.indices, g.weights, g.degree, g.bands, self.sweeps,
                )
            )  # fmt: skip
        raise UnsupportedCombinationError(
            "HALS cannot keep a factor smooth and in a ball at once: drop UnitBall or Smoothness from it"
        )
