"""Hierarchical alternating least squares, and its counterpart under a sum, as a half step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mffnb.errors import UnsupportedCombinationError
from mffnb.graphs import Graph
from mffnb.kernels import hals, simplex
from mffnb.protocols import Half
from mffnb.typing import Float64Array


@dataclass(frozen=True)
class Hals:
    """Each row of the factor in turn goes to its exact minimiser: no step size, never a rise.

    Where the entries of a pixel have to sum to one, a single row cannot move; there each pixel's small quadratic
    programme is solved exactly instead.

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
        bounded = np.isfinite(half.radius)
        if bounded and (half.graph is not None or half.sum_to_one):
            raise UnsupportedCombinationError(
                "HALS cannot keep a factor in a ball and smooth, or summing to one, at once: "
                "drop UnitBall, or the penalty on the other factor that calls for it"
            )
        if half.graph is not None:
            sweep = _simplex_on_graph if half.sum_to_one else _rows_on_graph
            moved = [sweep(factor, half, half.graph) for _ in range(self.sweeps)]
            return moved[0]
        if half.sum_to_one:
            return float(simplex.sweep_simplex(factor, half.gram, half.cross))
        if bounded:
            return float(hals.sweep_ball(factor, half.gram, half.cross, half.radius, self.sweeps))
        return float(hals.sweep_free(factor, half.gram, half.cross, self.sweeps))


def _rows_on_graph(factor: Float64Array, half: Half, graph: Graph) -> float:
    """One sweep, row by row: even bands, a look at the neighbours, odd bands."""
    entries = factor.shape[1]
    pull = np.empty(entries)
    row = np.empty(entries + graph.ghosts)
    moved = 0.0
    for j in range(len(factor)):
        hals.pull_on(half.gram, half.cross, factor, j, 0, entries, pull)
        row[:entries] = factor[j]
        for colour in (0, 1):
            graph.exchange(row)
            moved += hals.sweep_colour(row, pull, half.gram[j, j], half.coupling, *_edges(graph, colour))
        factor[j] = row[:entries]
    return moved


def _simplex_on_graph(factor: Float64Array, half: Half, graph: Graph) -> float:
    """One sweep, pixel by pixel: even bands, a look at the neighbours, odd bands."""
    columns = np.empty((len(factor), graph.pixels + graph.ghosts))
    columns[:, : graph.pixels] = factor
    moved = 0.0
    for colour in (0, 1):
        graph.exchange(columns)
        moved += simplex.sweep_simplex_colour(columns, half.gram, half.cross, half.coupling, *_edges(graph, colour))
    factor[:] = columns[:, : graph.pixels]
    return moved


def _edges(graph: Graph, colour: int) -> tuple[Any, ...]:
    first = (colour - graph.first_band) % 2
    return graph.indptr, graph.indices, graph.weights, graph.degree, graph.bands, first
