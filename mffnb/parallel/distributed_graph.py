"""The pixel adjacency graph on MPI ranks: part of each rank, ghost pixels, and the halo exchange that fills them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from mffnb.cubes.layout import Layout
from mffnb.cubes.stacked_images import image_numbers
from mffnb.graphs import Graph
from mffnb.graphs import grid as build_grid
from mffnb.parallel.ranks import block_of_rank, grid_for, pixel_limits
from mffnb.typing import Array, Float64Array


def graph_of_rank(layout: Layout, communicator: Any, along: Mapping[str, float] | None = None) -> Graph:
    """Return the part of the pixel adjacency graph that belongs to the pixels of this MPI rank.

    ``along`` is as for :meth:`Layout.graph_along`; None for edges along all pixel dimensions.
    """
    grid = grid_for(layout, communicator)
    assert grid.shape is not None
    block, limits = block_of_rank(layout, communicator), pixel_limits(layout.bands, grid.shape)
    if image_numbers(layout.coords) is not None:  # a section of stacked images has no map shape
        return graph_part(layout.graph, limits, grid.communicator)
    # All neighbours lie in the map rows just before and after the block: no array of the size of the map is needed.
    top, bottom = max(0, block.start - 1), min(block.rows, block.stop + 1)
    before = int(layout.pixel_ends[top - 1]) if top else 0
    section = layout.section(top, bottom)
    if along is None:
        window = section.graph
    else:
        first, *others = layout.steps_along(along)
        window = build_grid(section.map_shape, section.pixel_mask, [first[top : bottom - 1], *others])
    near = replace(window, bands=layout.bands - before)
    return graph_part(near, np.clip(limits - before, 0, window.pixels), grid.communicator)


def graph_part(graph: Graph, limits: Array, communicator: Any) -> Graph:
    """Return the pixels of this MPI rank as a graph, with their neighbours on other ranks as ghost pixels.

    Parameters
    ----------
    graph
        The graph of all pixels.
    limits
        First pixel of each rank, and the number of pixels, (ranks + 1,); each limit is the limit of a band.
    communicator
        An mpi4py communicator of as many ranks.
    """
    start, stop = int(limits[communicator.rank]), int(limits[communicator.rank + 1])
    edges = slice(graph.indptr[start], graph.indptr[stop])
    indices = graph.indices[edges].astype(np.int64)
    here = (indices >= start) & (indices < stop)
    ghosts = np.unique(indices[~here])
    local = np.where(here, indices - start, 0)
    local[~here] = stop - start + np.searchsorted(ghosts, indices[~here])
    pixel = np.repeat(np.arange(stop - start), np.diff(graph.indptr[start : stop + 1]))
    # of equal limits take the last one, because the ranks between them are empty and own no pixel
    owners = np.searchsorted(limits, indices, "right") - 1
    borders = [
        (
            np.unique(pixel[owners == rank]),
            stop - start + np.flatnonzero(np.isin(ghosts, indices[owners == rank])),
            int(rank),
        )
        for rank in np.unique(owners[~here])
    ]
    bands = graph.bands[(graph.bands >= start) & (graph.bands <= stop)]
    return replace(
        graph,
        indptr=graph.indptr[start : stop + 1] - graph.indptr[start],
        indices=local.astype(graph.indices.dtype),  # use the index type for which the kernels are already compiled
        weights=graph.weights[edges],
        degree=graph.degree[start:stop],
        bands=bands - start,
        first_band=int(np.searchsorted(graph.bands, start)),
        ghosts=int(ghosts.size),
        exchange=_HaloExchange(borders, communicator),
    )


class _HaloExchange:
    """Halo exchange: send the factor at border pixels to the ranks with neighbouring pixels, receive ghost pixels."""

    def __init__(self, borders: list[tuple[Array, Array, int]], communicator: Any) -> None:
        self._borders = borders
        self._communicator = communicator

    def __call__(self, rows: Float64Array) -> None:
        received, requests = [], []
        for sent, ghosts, neighbour in self._borders:
            buffer = np.empty((*rows.shape[:-1], ghosts.size))
            received.append((ghosts, buffer))
            requests.append(self._communicator.Irecv(buffer, source=neighbour))
            requests.append(self._communicator.Isend(np.ascontiguousarray(rows[..., sent]), dest=neighbour))
        for request in requests:
            request.Wait()
        for ghosts, buffer in received:
            rows[..., ghosts] = buffer
