"""Graph of several images: the union of their pixel graphs, without an edge between two images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mffnb.graphs.graph import Graph
from mffnb.keywords import checks_keywords


@checks_keywords()
def disjoint(graphs: Sequence[Graph]) -> Graph:
    """Build the disjoint union of graphs: the Laplacian is block diagonal, so no penalty crosses a border.

    Parameters
    ----------
    graphs
        At least one graph, each with all of its pixels in this process. Pixels are numbered graph by graph.

    Raises
    ------
    ValueError
        If there is no graph, or one of them has ghost pixels of other processes.

    Examples
    --------
    >>> from mffnb.graphs import disjoint, grid
    >>> both = disjoint([grid((1, 2)), grid((1, 3))])
    >>> both.indices.tolist()               # pixel 1 ends the first image, pixel 2 begins the second
    [1, 0, 3, 2, 4, 3]
    >>> both.roughness([[0, 0, 1, 1, 1]])   # the step between the images adds nothing
    0.0
    """
    if not graphs:
        raise ValueError("disjoint() needs at least one graph")
    if any(one.ghosts for one in graphs):
        raise ValueError("disjoint() joins graphs that are whole in this process, and one has pixels of other ranks")
    if len(graphs) == 1:
        return graphs[0]
    before = np.cumsum([0, *(one.pixels for one in graphs)])
    edges = np.cumsum([0, *(one.indices.size for one in graphs)])
    index = np.int32 if before[-1] < 2**31 else np.int64
    return Graph(
        indptr=_joined([one.indptr for one in graphs], edges),
        indices=np.concatenate([one.indices + start for one, start in zip(graphs, before, strict=False)]).astype(index),
        weights=np.concatenate([one.weights for one in graphs]),
        degree=np.concatenate([one.degree for one in graphs]),
        bands=_joined([one.bands for one in graphs], before),
    )


def _joined(limits: Sequence[np.ndarray], before: np.ndarray) -> np.ndarray:
    """Return limits of consecutive groups, each shifted by the number of entries before it."""
    shifted = [one[1:] + start for one, start in zip(limits, before, strict=False)]
    return np.concatenate([limits[0][:1], *shifted])
