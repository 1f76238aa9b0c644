"""Sweeps of HALS over factors whose entries are coupled by a graph (smoothness)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy

from mffnb.kernels import hals, simplex
from mffnb.protocols.graph import PixelGraph
from mffnb.protocols.half import Half
from mffnb.solvers.row_sweeps import entry_weights, row_norm
from mffnb.typing import Array, Float64Array


def sweep_rows_on_graph(factor: Float64Array, half: Half, graph: PixelGraph) -> float:
    """Sweep each row once: even bands, border exchange, odd bands; repeat with a multiplier if it leaves its ball."""
    entries = factor.shape[1]
    pull = np.empty(entries)
    row = np.empty(entries + graph.ghosts)
    weights = entry_weights(half)
    cross = half.cross if half.weights is None else half.cross / weights
    sides = [np.atleast_1d(np.asarray(side, dtype=np.float64)) for side in (half.lower, half.upper)]
    moved = 0.0
    for j in range(len(factor)):
        hals.row_right_hand_side(half.gram, cross, factor, j, pull)
        if half.weights is not None:
            pull *= weights

        def sweep(added: float, j: int = j, pull: Array = pull) -> float:
            """Sweep row j once from its values in the factor; ``added`` is added to the curvature. Return the step."""
            step = 0.0
            row[:entries] = factor[j]
            for colour in (0, 1):
                graph.exchange(row)
                step += hals.sweep_colour(
                    row, pull, half.gram[j, j], weights, half.coupling, added, *sides, *_edges(graph, colour)
                )
            return step

        step = sweep(0.0)
        if np.isfinite(half.radius) and row_norm(row[:entries], half) > half.radius:
            _into_ball(row[:entries], half, sweep)
            step = float((half.gram[j, j] + half.coupling) * np.sum((row[:entries] - factor[j]) ** 2))
        moved += step
        factor[j] = row[:entries]
    return moved


def _into_ball(row: Float64Array, half: Half, sweep: Callable[[float], float]) -> None:
    """Repeat the sweep of a row that left its ball, with the multiplier for which it ends on the ball's surface.

    A sweep lowers q(f) + added |f|^2 / 2. From a row in the ball to one on its surface it therefore also lowers q, the
    subproblem. If the sweep changes nothing, the row and the multiplier are optimal.
    """

    def excess(added: float) -> float:
        sweep(added)
        return row_norm(row, half) - half.radius

    most = 1.0
    while excess(most) > 0:
        most *= 4.0
    excess(scipy.optimize.brentq(excess, 0.0, most, xtol=1e-14 * most, rtol=1e-13))
    row *= min(1.0, half.radius / row_norm(row, half))


def sweep_simplex_on_graph(factor: Float64Array, half: Half, graph: PixelGraph) -> float:
    """Sweep all pixels on the simplex once: even bands, exchange of border pixels, odd bands."""
    columns = np.empty((len(factor), graph.pixels + graph.ghosts))
    columns[:, : graph.pixels] = factor
    moved = 0.0
    for colour in (0, 1):
        graph.exchange(columns)
        moved += simplex.sweep_simplex_colour(
            columns, half.gram, half.cross, entry_weights(half), half.coupling, *_edges(graph, colour)
        )
    factor[:] = columns[:, : graph.pixels]
    return moved


def _edges(graph: PixelGraph, colour: int) -> tuple[Any, ...]:
    first = (colour - graph.first_band) % 2
    return graph.indptr, graph.indices, graph.weights, graph.degree, graph.bands, first
