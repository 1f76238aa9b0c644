"""How scale is shared between A and E: while a problem is solved, and in what the user gets."""

from __future__ import annotations

import numpy as np

from mffnb.problem import Gauge, Problem
from mffnb.typing import Float64Array


def to_scaled_gauge(abundances: Float64Array, endmembers: Float64Array, problem: Problem) -> None:
    """Bring a start (k, own pixels), (k, channels) in data units, in place, to the scaled data and its gauge.

    The product A E stays as it is, but for the scale of the data and for pixels that have to be brought to a sum of 1.
    """
    fractions = problem.gauge is Gauge.SUM
    if fractions and np.allclose(abundances.sum(axis=0), 1.0):
        norm = np.full(len(endmembers), 1 / problem.scale)
    elif problem.gauge is Gauge.ABUNDANCES:
        rms = np.sqrt(problem.matrix.total((abundances**2).sum(axis=1)) / problem.pixels)
        norm = 1 / (problem.scale * np.where(rms > 0, rms, 1.0))
    else:
        norm = _or_one(np.linalg.norm(endmembers, axis=1))
    endmembers /= norm[:, None]
    abundances *= norm[:, None] * problem.scale
    if fractions:
        total = abundances.sum(axis=0)
        abundances[:, total <= 0] = 1.0
        abundances /= np.where(total > 0, total, len(abundances))


def in_data_units(
    abundances: Float64Array, endmembers: Float64Array, problem: Problem
) -> tuple[Float64Array, Float64Array, float]:
    """Copies of the scaled A and E in the units of the data, the mean pixel's abundances summing to 1.

    Where nothing fixes how scale is shared, endmembers are first given equal norms: A E and the objective stay as they
    are. The third value is g in ``E = g E_scaled / s`` and ``A = A_scaled / g``.
    """
    if problem.gauge is Gauge.SUM:
        return abundances.copy(), endmembers / problem.scale, 1.0
    free = problem.gauge is Gauge.FREE
    norm = _or_one(np.linalg.norm(endmembers, axis=1)) if free else np.ones(len(endmembers))
    gauge = float(norm @ problem.matrix.total(abundances.sum(axis=1))) / problem.pixels or 1.0
    return abundances * (norm / gauge)[:, None], endmembers * (gauge / problem.scale / norm)[:, None], gauge


def _or_one(norm: Float64Array) -> Float64Array:
    return np.where(norm > 0, norm, 1.0)
